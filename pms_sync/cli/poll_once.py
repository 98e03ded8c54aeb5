"""`poll-once`: read the change feeds now, and land what they bring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
import msgspec

from pms_sync.bootstrap import Opened, new_id
from pms_sync.bootstrap.finding import runtime_of
from pms_sync.cli import output, store
from pms_sync.ingest.poller import Poller
from pms_sync.ingest.subscriptions import Subscriptions


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

    output.emit(store.with_store(work), as_json, _render)


async def _poll(core: Opened, account: str | None, stream: str | None) -> list[Any]:
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
    try:
        items = await poller.poll_once(chosen, stream)
        await core.worker(runtimes).drain(chosen)
    finally:
        await runtimes.aclose()
    return [msgspec.to_builtins(item) for item in items]


def _render(document: Mapping[str, Any]) -> None:
    if not document["items"]:
        click.echo("No account to poll: see `pms-sync accounts list`.")
        return
    columns = ("account_id", "stream", "pages", "records", "new", "from", "to")
    output.emit_table(columns, [[item[name] for name in columns] for item in document["items"]])
