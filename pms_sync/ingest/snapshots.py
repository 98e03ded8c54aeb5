"""Snapshots: reading a whole range tile by tile, page by page, with progress that survives any death."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from pms_sync.domain.errors import ConfigurationFault
from pms_sync.domain.ids import NewId
from pms_sync.ingest.batch import AccountRuntime
from pms_sync.ingest.intake import Intake, Kind, Taken
from pms_sync.ingest.paging import LoopGuard, must_repeat, read_page
from pms_sync.ingest.windows import tile_end
from pms_sync.ports.connector import Page, StreamSpec, Window
from pms_sync.store import sweeps
from pms_sync.store.database import Connection, Database
from pms_sync.store.sealing import KeyRing
from pms_sync.store.sweeps import Sweep

InTransaction = Callable[[Connection, Sweep], Awaitable[None]]
OnPage = Callable[[Page, Taken, Sweep], Awaitable[None]]

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
        tile = _Tile(sweep)
        while not sweep.done:
            if sweep.page is None and sweep.position != tile.position:
                tile = _Tile(sweep)
            sweep = await self._read_page(runtime, sweep, tile, in_transaction, on_page)
        return sweep

    async def _read_page(
        self, runtime: AccountRuntime, sweep: Sweep, tile: _Tile, in_transaction: InTransaction, on_page: OnPage
    ) -> Sweep:
        spec = runtime.connector.spec.stream(sweep.stream)
        end = tile_end(sweep.position, sweep.range_to, spec.max_snapshot_window)
        window = Window(dimension=sweep.dimension, start=sweep.position, end=end)
        ticket, page = await read_page(self._database, runtime, sweep.stream, window, sweep.page, "backfill")
        commit = partial(self._commit, runtime, sweep, tile, page, ticket, window, in_transaction)
        taken, after = await self._database.once_more(commit)
        await on_page(page, taken, after)
        if page.next is not None:
            tile.guard.check(page)
            tile.add(taken)
        elif not after.done and after.position == sweep.position:
            tile.again()
        return after

    async def _commit(  # noqa: PLR0913, PLR0917 - bound once, above
        self,
        runtime: AccountRuntime,
        sweep: Sweep,
        tile: _Tile,
        page: Page,
        ticket: int,
        window: Window,
        in_transaction: InTransaction,
    ) -> tuple[Taken, Sweep]:
        spec = runtime.connector.spec.stream(sweep.stream)
        async with self._database.transaction(runtime.account.tenant_id) as connection:
            taken = await self._intake.take(connection, runtime, sweep.stream, page, kind=_KIND, ticket=ticket)
            finished = page.next is None and not tile.must_repeat(spec, taken)
            counted = taken.records if tile.passes == 1 else taken.new
            position = window.end if finished else sweep.position
            after = await sweeps.advance(connection, sweep, position, page.next, counted)
            await in_transaction(connection, after)
        return taken, after


class _Tile:
    """One tile being read: how many pages its current pass had, and what they brought."""

    def __init__(self, sweep: Sweep) -> None:
        """Begin; a tile taken up in the middle had pages that brought something, for all we know."""
        resumed = int(sweep.page is not None)
        self._where = f"{sweep.account_id}/{sweep.stream}"
        self.position, self.passes = sweep.position, 1
        self._pages, self._new = resumed, resumed
        self.guard = LoopGuard(self._where)

    def add(self, taken: Taken) -> None:
        """Count a page that is not the last."""
        self._pages += 1
        self._new += taken.new

    def must_repeat(self, spec: StreamSpec, last: Taken) -> bool:
        """Tell, at its last page, whether the tile is to be read once more."""
        return must_repeat(spec, pages=self._pages + 1, new=self._new + last.new, passes=self.passes)

    def again(self) -> None:
        """Begin another pass."""
        self.passes += 1
        self._pages = self._new = 0
        self.guard = LoopGuard(self._where)
