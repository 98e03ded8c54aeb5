"""`backfill`: read an account's history, with a progress bar, resumable after any interruption."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import click

from pms_sync.bootstrap import Opened, new_id
from pms_sync.bootstrap.finding import runtime_of
from pms_sync.cli import output, store
from pms_sync.cli.progress import Bar
from pms_sync.domain.errors import ConfigurationFault
from pms_sync.ingest import windows
from pms_sync.ingest.backfill import Backfill
from pms_sync.ingest.filling import fill
from pms_sync.ingest.settling import settle
from pms_sync.observe.garbage import calm
from pms_sync.store import filled
from pms_sync.store.accounts import Account

_PATIENCE_S = 5.0


@click.command(name="backfill")
@store.account_option(required=True)
@click.option("--from", "start", metavar="DATE", help="First arrival date, YYYY-MM-DD; default five years ago.")
@click.option("--to", "end", metavar="DATE", help="Arrival date to end before; default fifteen years ahead.")
@output.json_option
def command(account: str, start: str | None, end: str | None, as_json: bool) -> None:  # noqa: FBT001
    """Read an account's history by arrival date; an interrupted run goes on where it was.

    Example: pms-sync backfill --account ID --from 2025-01-01
    """
    wanted = (_day(start, "--from"), _day(end, "--to"))

    async def work(core: Opened) -> Mapping[str, Any]:
        return await _backfill(core, account, *wanted)

    document = store.with_store(work, hotels=True)
    output.emit(document, as_json, _render)
    if not document["complete"]:
        raise click.exceptions.Exit(output.INTERRUPTED)


async def _backfill(core: Opened, account: str, start: date | None, end: date | None) -> Mapping[str, Any]:
    runtimes = core.runtimes()
    calm()
    bar = Bar(*_range(core, start, end))
    worker = core.worker(runtimes)
    try:
        runtime = await runtime_of(core, runtimes, account)
        _require_active(runtime.account)
        async with core.database.connection() as connection:
            began_at = await filled.database_time(connection)
        with bar.progress, _interruptible() as stopping:
            reader = Backfill(core.database, core.keys, clock=core.clock, new_id=new_id)
            told, _ = await fill(reader, worker, runtime, start=start, end=end, progress=bar.show, stop=stopping.is_set)
            if told["complete"]:
                await settle(core.database, worker, runtime.account.account_id)
        async with core.database.connection() as connection:
            parked = (await filled.since(connection, runtime.account.account_id, began_at)).parked
    finally:
        await runtimes.aclose()
    return {**told, "parked": parked}


def _require_active(account: Account) -> None:
    """Refuse an account whose records nobody would take in; raises ConfigurationFault."""
    if account.state == "active":
        return
    why = f": {account.state_reason}" if account.state_reason else ""
    place, remedy = f"account {account.account_id}", f"pms-sync accounts resume {account.account_id}"
    raise ConfigurationFault(f"the account is {account.state}{why}", place, remedy)


@contextmanager
def _interruptible() -> Iterator[asyncio.Event]:
    """Give what control-C sets, so that the page at hand is committed.

    A vendor that lets us wait may take minutes: what has not ended soon, or at a second control-C, is cut off.
    Raises KeyboardInterrupt then; no more than the page at hand is lost.
    """
    loop, work, stopping = asyncio.get_running_loop(), asyncio.current_task(), asyncio.Event()
    assert work is not None  # noqa: S101 - we are inside of it
    timers: list[asyncio.TimerHandle] = []

    def interrupt() -> None:
        timers.append(loop.call_later(0 if stopping.is_set() else _PATIENCE_S, work.cancel))
        stopping.set()

    loop.add_signal_handler(signal.SIGINT, interrupt)
    try:
        yield stopping
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    finally:
        for timer in timers:
            timer.cancel()


def _range(core: Opened, start: date | None, end: date | None) -> tuple[datetime, datetime]:
    usual = windows.snapshot_range(core.clock.now())
    first, last = (
        datetime(day.year, day.month, day.day, tzinfo=whole.tzinfo) if day else whole
        for day, whole in ((start, usual[0]), (end, usual[1]))
    )
    return first, last


def _day(text: str | None, option: str) -> date | None:
    if text is None:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or day.isoformat() != text:  # the library reads week dates too
        raise ConfigurationFault(f"{text[:40]!r} is not a date", option, "write it as YYYY-MM-DD")
    return day


def _render(document: Mapping[str, Any]) -> None:
    click.echo(f"{document['records']} records read, {document['parked']} parked.")
    if document["resumed"]:
        click.echo("It went on where an earlier run had been interrupted.")
    if not document["complete"]:
        click.echo("Interrupted: run the same command again to go on.")
