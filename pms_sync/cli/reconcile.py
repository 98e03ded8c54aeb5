"""`reconcile`: compare both sides of an account, heal what differs, and prove that they are equal."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import click

from pms_sync.bootstrap import Opened
from pms_sync.bootstrap.reconciling import reconciled, whole_range
from pms_sync.cli import output, store
from pms_sync.cli.progress import Bar


@click.command(name="reconcile")
@store.account_option(required=True)
@click.option("--dry-run", is_flag=True, help="Only tell what differs: nothing is healed, no case is opened.")
@output.json_option
def command(account: str, dry_run: bool, as_json: bool) -> None:  # noqa: FBT001
    """Compare what a vendor lists with what is held here, and read again what differs.

    Exit 1 when both sides are not equal at the end.

    Example: pms-sync reconcile --account ID --dry-run
    """

    async def work(core: Opened) -> Mapping[str, Any]:
        bar = Bar(*whole_range(core), "compared")
        with bar.progress, _cut_off():
            return await reconciled(core, account, dry=dry_run, progress=bar.show)

    document = store.with_store(work, hotels=True)
    output.emit(document, as_json, _render)
    if not document["proof"]["equal"]:
        raise click.exceptions.Exit(output.FINDING)


@contextmanager
def _cut_off() -> Iterator[None]:
    """Let control-C and a polite kill end the work at once: nothing is ever half done.

    Raises KeyboardInterrupt then.
    """
    loop, work = asyncio.get_running_loop(), asyncio.current_task()
    assert work is not None  # noqa: S101 - we are inside of it
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, work.cancel)
    try:
        yield
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


def _render(document: Mapping[str, Any]) -> None:
    drift, proof = document["drift"], document["proof"]
    click.echo(f"{document['compared']} compared with the vendor, {sum(drift.values())} differed.")
    for kind, number in drift.items():
        click.echo(f"  {kind.replace('_', ' ')}: {number}")
    if document["healed"]:
        click.echo(f"{document['healed']} healed.")
    if document["refused"]:
        click.echo(f"{document['refused']} held back, since too much would go at once: see `pms-sync cases list`.")
    click.echo(f"{'Equal' if proof['equal'] else 'Not equal'} as of {proof['as_of']}.")
