"""Snapshots: reading a whole range tile by tile, page by page, with progress that survives any death."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Literal

from pms_sync.domain.errors import ConfigurationFault
from pms_sync.domain.ids import NewId
from pms_sync.ingest.batch import AccountRuntime
from pms_sync.ingest.intake import Intake, Kind, Taken
from pms_sync.ingest.paging import LoopGuard, must_repeat, read_page
from pms_sync.ingest.windows import DAY, quarter_of, tile_end
from pms_sync.ports.connector import Page, StreamSpec, Window
from pms_sync.store import sweeps
from pms_sync.store.database import Connection, Database
from pms_sync.store.sealing import KeyRing
from pms_sync.store.sweeps import Sweep

InTransaction = Callable[[Connection, Sweep], Awaitable[None]]
OnPage = Callable[[Page, Taken, Sweep], Awaitable[None]]
Move = Literal["page", "split", "repeat", "finish"]

SNAPSHOT, BACKFILL = "snapshot", "backfill"  # kinds of sweeps: a cold start's, and the command's
_KIND: Kind = "backfill"


def dimension_of(spec: StreamSpec) -> str:
    """Return the dimension that lists everything of a stream; raises ConfigurationFault when there is none."""
    if spec.snapshot_dimension is None:
        what = f"the stream {spec.name} cannot be listed as a whole"
        raise ConfigurationFault(what, spec.name, "choose a stream that has a snapshot dimension")
    return spec.snapshot_dimension


class Snapshots:
    """Reads sweeps to their end; holds no state between them."""

    def __init__(self, database: Database, keys: KeyRing, new_id: NewId) -> None:
        """Take the store, and ids as a port."""
        self._database, self._intake = database, Intake(keys, new_id)

    async def read(
        self, runtime: AccountRuntime, sweep: Sweep, *, in_transaction: InTransaction, on_page: OnPage
    ) -> Sweep:
        """Read from where the sweep stands to its end and return it done.

        `in_transaction` runs last in the transaction of every page, with the sweep as it then stands; `on_page` runs
        after the commit. Raises what the vendor call raises, and Overtaken.
        """
        reading = _Reading(runtime.connector.spec.stream(sweep.stream), sweep)
        while not sweep.done:
            sweep = await self._read_page(runtime, sweep, reading, in_transaction, on_page)
        return sweep

    async def _read_page(
        self, runtime: AccountRuntime, sweep: Sweep, reading: _Reading, in_transaction: InTransaction, on_page: OnPage
    ) -> Sweep:
        window = Window(dimension=sweep.dimension, start=sweep.position, end=reading.tile_end(sweep))
        ticket, page = await read_page(self._database, runtime, sweep.stream, window, sweep.page, "backfill")
        commit = partial(self._commit, runtime, sweep, reading, page, ticket, window.end, in_transaction)
        (taken, after), move = await self._database.once_more(commit)
        await on_page(page, taken, after)
        reading.done(move, page, taken, window)
        return after

    async def _commit(  # noqa: PLR0913, PLR0917 - bound once, above
        self,
        runtime: AccountRuntime,
        sweep: Sweep,
        reading: _Reading,
        page: Page,
        ticket: int,
        end: datetime,
        in_transaction: InTransaction,
    ) -> tuple[tuple[Taken, Sweep], Move]:
        """Store the page with the progress it stands for."""
        async with self._database.transaction(runtime.account.tenant_id) as connection:
            taken = await self._intake.take(connection, runtime, sweep.stream, page, kind=_KIND, ticket=ticket)
            move = reading.judge(page, taken, end - sweep.position)
            position = end if move == "finish" else sweep.position
            following, tile_to = (page.next, end) if move == "page" else (None, None)
            counted = reading.counted(move, taken)
            after = await sweeps.advance(connection, sweep, position, following, tile_to, counted)
            await in_transaction(connection, after)
        return (taken, after), move


class _Reading:
    """How the tiles are cut: as long as fits a page, since a page is one look and pages of a moving list are several.

    A vendor that lists the newest first is paged through: there a change pushes rows only towards pages still to come.
    Elsewhere a tile that does not fit is cut to a quarter, and grown again where little is found. A single day that
    does not fit is paged through until a pass brings nothing new.
    """

    def __init__(self, spec: StreamSpec, sweep: Sweep) -> None:
        """Begin with everything; a tile taken up in the middle had pages that brought something, for all we know."""
        resumed = int(sweep.page is not None)
        self._spec, self._where = spec, f"{sweep.account_id}/{sweep.stream}"
        self._span: timedelta | None = None
        self._passes, self._pages, self._new = 1, resumed, resumed
        self._guard = LoopGuard(self._where)

    def tile_end(self, sweep: Sweep) -> datetime:
        """Return the end of the tile at hand."""
        if sweep.page is not None and sweep.tile_to is not None:
            return sweep.tile_to
        return tile_end(sweep.position, sweep.range_to, self._span, self._spec.max_snapshot_window)

    def judge(self, page: Page, taken: Taken, span: timedelta) -> Move:
        """Say what follows this page: another page, a shorter tile, another pass, or the next tile."""
        if page.next is not None:
            slippery = self._spec.page_order != "newest_first"
            return "split" if slippery and self._pages == 0 and span > DAY else "page"
        new = self._new + taken.new
        return "repeat" if must_repeat(self._spec, pages=self._pages + 1, new=new, passes=self._passes) else "finish"

    def counted(self, move: Move, taken: Taken) -> int:
        """Return how many rows to count: each once, however often it is read."""
        if move == "split":
            return 0
        return taken.records if self._passes == 1 else taken.new

    def done(self, move: Move, page: Page, taken: Taken, window: Window) -> None:
        """Remember a page that is stored; raises VendorFault when the listing does not end."""
        if move == "page":
            self._guard.check(page)
            self._pages, self._new = self._pages + 1, self._new + taken.new
            return
        span = window.end - window.start
        if move == "split":
            self._span = quarter_of(span)
        elif move == "finish":
            little = self._pages == 0 and taken.records * 2 < self._spec.page_size
            self._span = span * 2 if little else span
        self._passes = self._passes + 1 if move == "repeat" else 1
        self._pages = self._new = 0
        self._guard = LoopGuard(self._where)
