"""Backfill: the command that reads a whole range again; whatever interrupts it, the next call goes on from there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import TypedDict

from pms_sync.domain.clock import Clock
from pms_sync.domain.errors import ConfigurationFault
from pms_sync.domain.ids import NewId
from pms_sync.ingest import windows
from pms_sync.ingest.batch import AccountRuntime
from pms_sync.ingest.intake import Taken
from pms_sync.ingest.snapshots import BACKFILL, Snapshots
from pms_sync.ingest.tiling import dimension_of
from pms_sync.ports.connector import Page, StreamSpec
from pms_sync.store import sweeps
from pms_sync.store.database import Connection, Database
from pms_sync.store.sealing import KeyRing
from pms_sync.store.sweeps import Sweep

Progress = Callable[[int, int, datetime], None]
Stop = Callable[[], bool]
_DATES = "--from and --to"


class BackfillResult(TypedDict):
    """What the command prints; `records` counts the rows read, with those before an interruption."""

    records: int
    parked: int
    resumed: bool
    complete: bool


class _Stopped(Exception):
    """Somebody asked to stop; the page at hand is committed."""


def _unseen(_records: int, _parked: int, _position: datetime) -> None:
    """Nobody watches."""


def _never() -> bool:
    return False


class Backfill:
    """Reads every stream of an account that can be listed as a whole and has a history."""

    def __init__(self, database: Database, keys: KeyRing, *, clock: Clock, new_id: NewId) -> None:
        """Take the store and the ports."""
        self._database, self._clock, self._new_id = database, clock, new_id
        self._snapshots = Snapshots(database, keys, new_id)

    async def run(
        self,
        runtime: AccountRuntime,
        *,
        start: date | None = None,
        end: date | None = None,
        progress: Progress = _unseen,
        stop: Stop = _never,
    ) -> BackfillResult:
        """Read `[start, end)`, or go on with what was interrupted; without dates, five years back to 15 ahead.

        `progress(records, parked, position)` is called after each committed page; `stop` is asked then, and True ends
        the run with `complete` false. A cancelled task loses at most the page at hand. Other dates than those of an
        interrupted run begin anew. Raises ConfigurationFault for an empty range, and what the vendor call raises.
        """
        result = BackfillResult(records=0, parked=0, resumed=False, complete=True)
        specs = [spec for spec in runtime.connector.spec.streams if _has_history(spec)]
        if not specs:
            vendor = runtime.connector.spec.vendor
            raise ConfigurationFault("nothing of this vendor can be listed as a whole", vendor, "use poll-once")
        opened = [await self._open(runtime, spec, start, end) for spec in specs]
        result["resumed"] = any(resumed for _, resumed in opened)
        for sweep, _ in opened:
            if not await self._read(runtime, sweep, result, progress, stop):
                result["complete"] = False
                break
        return result

    async def _open(
        self, runtime: AccountRuntime, spec: StreamSpec, start: date | None, end: date | None
    ) -> tuple[Sweep, bool]:
        account = runtime.account
        wanted = self._range(start, end)
        async with self._database.transaction() as connection:
            found = await sweeps.running(connection, account.tenant_id, account.account_id, spec.name, BACKFILL)
            if found is not None and (start is end is None or wanted == (found.range_from, found.range_to)):
                return found, True
            sweep = Sweep(
                tenant_id=account.tenant_id,
                sweep_id=self._new_id(),
                account_id=account.account_id,
                stream=spec.name,
                kind=BACKFILL,
                dimension=dimension_of(spec),
                range_from=wanted[0],
                range_to=wanted[1],
                position=wanted[0],
            )
            await sweeps.begin(connection, sweep)
        return sweep, False

    def _range(self, start: date | None, end: date | None) -> tuple[datetime, datetime]:
        usual = windows.snapshot_range(self._clock.now())
        wanted = (_midnight(start) if start else usual[0], _midnight(end) if end else usual[1])
        if wanted[0] >= wanted[1]:
            told = f"{wanted[0].date()} to {wanted[1].date()}"
            raise ConfigurationFault(f"the range {told} is empty", _DATES, "let --from be before --to")
        return wanted

    async def _read(
        self, runtime: AccountRuntime, sweep: Sweep, result: BackfillResult, progress: Progress, stop: Stop
    ) -> bool:
        before = result["records"]
        result["records"] = before + sweep.records

        async def on_page(_page: Page, taken: Taken, after: Sweep) -> None:
            result["records"] = before + after.records
            result["parked"] += taken.parked
            progress(result["records"], result["parked"], after.position)
            if stop() and not after.done:
                raise _Stopped

        try:
            await self._snapshots.read(runtime, sweep, in_transaction=_nothing_more, on_page=on_page)
        except _Stopped:
            return False
        return True


async def _nothing_more(_connection: Connection, _sweep: Sweep) -> None:
    """The sweep is its own fence."""


def _has_history(spec: StreamSpec) -> bool:
    """Tell whether listing the stream as a whole tells of more than the present."""
    return spec.snapshot_dimension is not None and not spec.sweep_back == spec.sweep_ahead == timedelta(0)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
