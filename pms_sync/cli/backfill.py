"""`backfill`: read an account's history, with a progress bar, resumable after any interruption."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from pms_sync.bootstrap import Opened, new_id
from pms_sync.bootstrap.finding import runtime_of
from pms_sync.cli import output, store
from pms_sync.domain.errors import ConfigurationFault
from pms_sync.ingest import windows
from pms_sync.ingest.backfill import Backfill


class _Bar:
    """Progress on stderr where that is a terminal; silent in a pipe."""

    def __init__(self, start: datetime, end: datetime) -> None:
        self._start, self._span = start, (end - start).total_seconds() or 1.0
        self._began_at: float | None = None
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[records]} records, {task.fields[rate]}/s"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        shown = sys.stderr.isatty()
        self.progress = Progress(*columns, console=Console(stderr=True), disable=not shown)
        self._task = self.progress.add_task("reading", total=1.0, records=0, rate=0)

    def show(self, records: int, parked: int, position: datetime) -> None:
        """Move the bar to a position of the range."""
        del parked
        share = (position - self._start).total_seconds() / self._span
        elapsed = self.progress.tasks[0].elapsed or 1.0
        self.progress.update(self._task, completed=share, records=records, rate=int(records / max(elapsed, 0.1)))


@click.command(name="backfill")
@store.account_option(required=True)
@click.option("--from", "start", metavar="DATE", help="First arrival date, YYYY-MM-DD; default two years ago.")
@click.option("--to", "end", metavar="DATE", help="Arrival date to end before; default three years ahead.")
@output.json_option
def command(account: str, start: str | None, end: str | None, as_json: bool) -> None:  # noqa: FBT001
    """Read an account's history by arrival date; an interrupted run goes on where it was.

    Example: pms-sync backfill --account ID --from 2025-01-01
    """
    wanted = (_day(start, "--from"), _day(end, "--to"))

    async def work(core: Opened) -> Mapping[str, Any]:
        return await _backfill(core, account, *wanted)

    document = store.with_store(work)
    output.emit(document, as_json, _render)
    if not document["complete"]:
        raise click.exceptions.Exit(output.INTERRUPTED)


async def _backfill(core: Opened, account: str, start: date | None, end: date | None) -> Mapping[str, Any]:
    runtimes = core.runtimes()
    runtime = await runtime_of(core, runtimes, account)
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stopping.set)
    bar = _Bar(*_range(core, start, end))
    worker = core.worker(runtimes)
    try:
        with bar.progress:
            told = await Backfill(core.database, core.keys, clock=core.clock, new_id=new_id).run(
                runtime, start=start, end=end, progress=bar.show, stop=stopping.is_set
            )
            outcomes = await worker.drain(runtime.account.account_id)
    finally:
        await runtimes.aclose()
    return {**told, "parked": told["parked"] + outcomes["parked"]}


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
        return date.fromisoformat(text)
    except ValueError:
        what = f"{text[:40]!r} is not a date"
        raise ConfigurationFault(what, option, "write it as YYYY-MM-DD") from None


def _render(document: Mapping[str, Any]) -> None:
    click.echo(f"{document['records']} records read, {document['parked']} parked.")
    if document["resumed"]:
        click.echo("It went on where an earlier run had been interrupted.")
    if not document["complete"]:
        click.echo("Interrupted: run the same command again to go on.")
