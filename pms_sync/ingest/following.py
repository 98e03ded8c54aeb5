"""Following: what reading one claimed cursor means, from the cold start's snapshot to the newest change."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial

import msgspec

from pms_sync.domain.clock import Clock, rfc3339
from pms_sync.domain.errors import Fault, VendorFault
from pms_sync.domain.ids import NewId
from pms_sync.ingest import windows
from pms_sync.ingest.batch import AccountRuntime
from pms_sync.ingest.intake import Intake, Taken
from pms_sync.ingest.paging import LoopGuard, must_repeat, read_page
from pms_sync.ingest.snapshots import SNAPSHOT, Snapshots
from pms_sync.observe.logs import get_logger
from pms_sync.ports.connector import Page, StreamSpec, Window
from pms_sync.store import cursors, sweeps
from pms_sync.store.cursors import Claim
from pms_sync.store.database import Connection, Database
from pms_sync.store.sealing import KeyRing
from pms_sync.store.sweeps import Sweep

DIMENSION = "modified"
_ACTOR = "system:poller"

_log = get_logger(__name__)


class Run:
    """What one read of one cursor has come to so far."""

    def __init__(self, runtime: AccountRuntime, claim: Claim) -> None:
        """Begin with nothing read."""
        self.runtime, self.claim = runtime, claim
        self.spec: StreamSpec = runtime.connector.spec.stream(claim.stream)
        self.position: datetime | None = None
        self.calibrated, self.asked = claim.calibrated, False
        self.pages = self.records = self.new = 0
        self.since: str | None = None
        self.until: str | None = None
        self.rest_s: float | None = None  # the stream's own period, or the usual interval

    def count(self, taken: Taken) -> None:
        """Add one page."""
        self.pages += 1
        self.records += taken.records
        self.new += taken.new

    def show(self, start: datetime, end: datetime) -> None:
        """Remember the ends of the window at hand for people."""
        self.since, self.until = rfc3339(start), rfc3339(end)


class Pass(msgspec.Struct, kw_only=True):
    """One way through the pages of a window; `new` starts at one when earlier pages were read before a crash."""

    window: Window
    closed: bool
    page: str | None
    high_water: datetime | None
    number: int = 1
    pages: int = 0
    records: int = 0
    new: int = 0


class Following:
    """Reads claimed cursors; remembers only which accounts it tried to calibrate."""

    def __init__(
        self,
        database: Database,
        keys: KeyRing,
        *,
        clock: Clock,
        new_id: NewId,
        subscribe: Callable[[AccountRuntime], Awaitable[None]],
    ) -> None:
        """Take the store and the ports."""
        self._database, self._clock, self._new_id, self._subscribe = database, clock, new_id, subscribe
        self._intake, self._snapshots = Intake(keys, new_id), Snapshots(database, keys, new_id)
        self._tried: set[str] = set()

    async def read(self, runtime: AccountRuntime, claim: Claim) -> Run:
        """Read the cursor up to now; raises what the vendor call raises, and Overtaken."""
        run = Run(runtime, claim)
        phase = await self._trusted_phase(run)
        if phase == "snapshot":
            await self._snapshot(run)
        if run.spec.feed == "delta":
            await self._follow(run)
        return run

    async def _trusted_phase(self, run: Run) -> str:
        """Return the phase after a look at the position; an abnormal one starts over, audited (CUR-09, CUR-10)."""
        try:
            run.position = cursors.instant_of(run.claim)
            if run.position is not None and windows.is_future(run.position, self._clock.now()):
                raise cursors.wrong_position(run.claim, "it lies in the future")
            if run.position is None and run.claim.phase == "delta":
                raise cursors.wrong_position(run.claim, "it is missing")
        except Fault as fault:
            await self._reset(run, fault)
            return "snapshot"
        return "snapshot" if run.claim.sweep_wanted_at is not None else run.claim.phase

    async def _reset(self, run: Run, fault: Fault) -> None:
        _log.error("cursor_reset", account_id=str(run.claim.account_id), stream=run.claim.stream, why=fault.what)
        async with self._database.transaction(run.claim.tenant_id) as connection:
            await cursors.reset(connection, run.claim, str(fault), _ACTOR)
        run.position = None
        run.claim = msgspec.structs.replace(run.claim, page=None, window_from=None, window_to=None, high_water=None)

    async def _snapshot(self, run: Run) -> None:
        """List everything once; a stream that cannot be listed starts with the changes from now on."""
        before = run.position
        sweep = await self._resumed(run)
        if sweep is None:
            if run.position is None:
                await self._subscribe(run.runtime)
            sweep = await self._begin(run)
        if sweep is None:
            async with self._database.connection() as connection:
                await self._after_sweep(run, connection, None)
            return
        await self._sweep(run, sweep)
        done = sweep.dimension
        for dimension in run.spec.day_dimensions[_place(run.spec, done) :]:
            await self._sweep(run, await self._along(run, dimension, before))

    async def _sweep(self, run: Run, sweep: Sweep) -> None:
        run.show(sweep.range_from, sweep.range_to)
        await self._snapshots.read(
            run.runtime,
            sweep,
            in_transaction=partial(self._after_sweep, run),
            on_page=partial(self._after_snapshot_page, run),
            # What a later listing finds is news; history is only what the first one brings.
            kind="backfill" if run.claim.last_success_at is None else "poll",
        )

    async def _after_sweep(self, run: Run, connection: Connection, after: Sweep | None) -> None:
        """Leave the snapshot with the last page of its last dimension; hold the cursor with any other."""
        if after is None or (after.done and _place(run.spec, after.dimension) == len(run.spec.day_dimensions)):
            phase = "delta" if run.spec.feed == "delta" else "snapshot"
            await cursors.finish_snapshot(connection, run.claim, phase)
        else:
            await cursors.hold(connection, run.claim)

    async def _resumed(self, run: Run) -> Sweep | None:
        if run.position is None:
            return None
        async with self._database.connection() as connection:
            claim = run.claim
            return await sweeps.running(connection, claim.tenant_id, claim.account_id, claim.stream, SNAPSHOT)

    async def _begin(self, run: Run) -> Sweep | None:
        """Remember the start on the cursor, with room for clocks that disagree, and open the sweep beside it."""
        now, claim, first = self._clock.now(), run.claim, run.position is None
        start = max(now - windows.CLOCK_DOUBT, run.position or now - windows.CLOCK_DOUBT)
        async with self._database.transaction() as connection:
            await cursors.begin_snapshot(connection, claim, start)
            run.position = start
            if run.spec.snapshot_dimension is None:
                return None
            sweep = self._planned(run, run.spec.snapshot_dimension, _range(run.spec, now, first=first))
            await sweeps.begin(connection, sweep)
        return sweep

    async def _along(self, run: Run, dimension: str, before: datetime | None) -> Sweep:
        """Open the sweep along a further dimension: the days since the sweep before, with room for their edges."""
        sweep = self._planned(run, dimension, windows.recent_days(before, self._clock.now()))
        async with self._database.transaction() as connection:
            await cursors.hold(connection, run.claim)
            await sweeps.begin(connection, sweep)
        return sweep

    def _planned(self, run: Run, dimension: str, ends: tuple[datetime, datetime]) -> Sweep:
        return Sweep(
            tenant_id=run.claim.tenant_id,
            sweep_id=self._new_id(),
            account_id=run.claim.account_id,
            stream=run.claim.stream,
            kind=SNAPSHOT,
            dimension=dimension,
            range_from=ends[0],
            range_to=ends[1],
            position=ends[0],
        )

    async def _after_snapshot_page(self, run: Run, page: Page, taken: Taken, _after: Sweep) -> None:
        run.count(taken)
        await self._calibrate(run, page)

    async def _follow(self, run: Run) -> None:
        """Read window after window until one reaches the present."""
        reading = self._remembered(run)
        while True:
            reading, open_ended = (reading, False) if reading else self._next(run)
            run.show(reading.window.start, reading.window.end)
            await self._read_window(run, reading)
            if open_ended:
                return
            reading = None

    def _remembered(self, run: Run) -> Pass | None:
        """Return the half-read window a crash left behind; it is read from its page to its end as it was."""
        claim = run.claim
        if claim.page is None or claim.window_from is None or claim.window_to is None:
            return None
        closed = windows.is_closed(claim.window_from, claim.window_to, run.spec.max_window)
        window = Window(dimension=DIMENSION, start=claim.window_from, end=claim.window_to, open_ended=not closed)
        return Pass(window=window, closed=closed, page=claim.page, high_water=claim.high_water, pages=1, new=1)

    def _next(self, run: Run) -> tuple[Pass, bool]:
        overlap = run.spec.calibrated_overlap if run.calibrated else run.spec.overlap
        plan = windows.next_delta(_known(run), self._clock.now(), overlap, run.spec.max_window)
        window = Window(dimension=DIMENSION, start=plan.start, end=plan.end, open_ended=plan.open_ended)
        return Pass(window=window, closed=not plan.open_ended, page=None, high_water=None), plan.open_ended

    async def _read_window(self, run: Run, reading: Pass) -> None:
        """Read every page; the transaction of the last one moves the position."""
        guard = LoopGuard(run.claim.name)
        finished = False
        while not finished:
            ticket, page = await read_page(
                self._database, run.runtime, run.claim.stream, reading.window, reading.page, "poll"
            )
            reading.high_water = _newest(reading.high_water, page.high_water)
            commit = partial(self._commit, run, reading, page, ticket)
            taken, position = await self._database.once_more(commit)
            _add(run, reading, taken)
            await self._calibrate(run, page)
            finished = position is not None
            if position is not None:
                run.position = position
            elif page.next is not None:
                guard.check(page)
                reading.page = page.next
            else:
                guard = LoopGuard(run.claim.name)
                _start_over(reading)

    async def _commit(self, run: Run, reading: Pass, page: Page, ticket: int) -> tuple[Taken, datetime | None]:
        """Store the page with the progress it stands for; returns the new position when the window is finished."""
        ends = (reading.window.start, reading.window.end)
        async with self._database.transaction(run.claim.tenant_id) as connection:
            taken = await self._intake.take(connection, run.runtime, run.claim.stream, page, kind="poll", ticket=ticket)
            if page.next is not None or _must_repeat(run.spec, reading, taken):
                await cursors.keep_page(connection, run.claim, ends, page.next, reading.high_water)
                return taken, None
            position = windows.advance(
                _known(run),
                reading.window.end,
                high_water=reading.high_water,
                closed=reading.closed,
                records=reading.records + taken.records,
            )
            await cursors.finish_window(connection, run.claim, ends, position)
        return taken, position

    async def _calibrate(self, run: Run, page: Page) -> None:
        """Prove once, with the newest record at hand, how the vendor reads our times; else the overlap stays wide."""
        needless = run.calibrated or run.spec.overlap == run.spec.calibrated_overlap
        if needless or run.asked or not page.records or run.claim.name in self._tried:
            return
        known = max(page.records, key=lambda record: record.version)
        run.asked = True

        async def prove() -> bool:
            return await run.runtime.connector.calibrate(run.claim.stream, known)

        try:
            proven = await run.runtime.call(prove, priority="poll", operation="calibrate")
        except VendorFault as fault:
            _log.warning("calibration_failed", account_id=str(run.claim.account_id), why=fault.what)
            return
        self._tried.add(run.claim.name)
        if proven:
            async with self._database.connection() as connection:
                await cursors.calibrate(connection, run.claim)
            run.calibrated = True


def _range(spec: StreamSpec, now: datetime, *, first: bool) -> tuple[datetime, datetime]:
    """A stream that is swept again and again is listed to its far ends the first time only, if at all."""
    if (first and spec.first_far) or spec.feed != "sweep":
        return windows.snapshot_range(now)
    return windows.sweep_range(now, spec.sweep_back, spec.sweep_ahead)


def _place(spec: StreamSpec, dimension: str) -> int:
    """Return how many of the further dimensions are over once this one is."""
    return spec.day_dimensions.index(dimension) + 1 if dimension in spec.day_dimensions else 0


def _known(run: Run) -> datetime:
    if run.position is None:
        raise cursors.wrong_position(run.claim, "it is missing")
    return run.position


def _newest(one: datetime | None, other: datetime | None) -> datetime | None:
    return max((time for time in (one, other) if time is not None), default=None)


def _must_repeat(spec: StreamSpec, reading: Pass, last: Taken) -> bool:
    return must_repeat(spec, pages=reading.pages + 1, new=reading.new + last.new, passes=reading.number)


def _add(run: Run, reading: Pass, taken: Taken) -> None:
    run.count(taken)
    reading.pages += 1
    reading.records += taken.records
    reading.new += taken.new


def _start_over(reading: Pass) -> None:
    reading.page, reading.pages, reading.new = None, 0, 0
    reading.number += 1
