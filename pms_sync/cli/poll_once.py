"""`poll-once`: read the change feeds now, and land what they bring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import click
import msgspec

from pms_sync import plugins
from pms_sync.bootstrap import Opened, new_id
from pms_sync.bootstrap.finding import runtime_of
from pms_sync.cli import output, store
from pms_sync.domain.errors import ConfigurationFault, Fault
from pms_sync.ingest.poller import Poller, is_pollable
from pms_sync.ingest.router import Router
from pms_sync.ingest.subscriptions import Subscriptions
from pms_sync.ingest.worker import Worker


@click.command(name="poll-once")
@store.account_option()
@click.option("--stream", metavar="STREAM", help="One stream only, for example reservations.")
@output.json_option
def command(account: str | None, stream: str | None, as_json: bool) -> None:  # noqa: FBT001
    """Read the change feeds now, due or not, and apply what they bring.

    Example: pms-sync poll-once --stream reservations
    """

    async def work(core: Opened) -> dict[str, Any]:
        return {"items": await _poll(core, account, stream)}

    output.emit(store.with_store(work, hotels=True), as_json, _render)


async def _poll(core: Opened, account: str | None, stream: str | None) -> list[Any]:
    _check_stream(core, stream)
    runtimes = core.runtimes()
    chosen = None
    if account is not None:
        chosen = (await runtime_of(core, runtimes, account)).account.account_id
    await runtimes.refresh()
    subscriptions = Subscriptions(
        core.database,
        core.keys,
        lambda: core.settings.public_url,
        clock=core.clock,
        private_vendors=core.settings.allow_private_vendors,
    )
    poller = Poller(
        core.database,
        core.keys,
        runtimes.current,
        clock=core.clock,
        new_id=new_id,
        interval_s=core.settings.poll_interval,
        subscribe=subscriptions.subscribe,
    )
    worker = core.worker(runtimes)
    try:
        items = await poller.poll_once(chosen, stream)
        await _land(core, worker, chosen)
    except Fault:
        await _land(core, worker, chosen)  # what the other accounts brought
        raise
    finally:
        await runtimes.aclose()
    return [msgspec.to_builtins(item) for item in items]


async def _land(core: Opened, worker: Worker, account_id: UUID | None) -> None:
    """Route what queues gave, and work until no record of the account waits."""
    router = Router(core.database, core.keys, plugins.doors(), queues=core.queues)
    while core.queues and await router.route_once():
        continue
    await worker.drain(account_id)


def _check_stream(core: Opened, stream: str | None) -> None:
    """Refuse a word that would select nothing; raises ConfigurationFault."""
    specs = (vendor.plugin.spec for vendor in core.vendors.values())
    known = sorted({one.name for spec in specs for one in spec.streams if is_pollable(one)})
    if stream is not None and stream not in known:
        what = f"no stream that can be polled is called {stream[:60]!r}"
        raise ConfigurationFault(what, "--stream", f"choose one of: {', '.join(known) or 'none'}")


def _render(document: Mapping[str, Any]) -> None:
    if not document["items"]:
        click.echo("No account to poll: see `pms-sync accounts list`.")
        return
    columns = ("account_id", "stream", "pages", "records", "new", "from", "to")
    output.emit_table(columns, [[item[name] for name in columns] for item in document["items"]])
