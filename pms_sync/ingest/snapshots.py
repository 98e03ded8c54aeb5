"""Snapshots: reading a whole range tile by tile, page by page, with progress that survives any death."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from pms_sync.domain.ids import NewId
from pms_sync.ingest.batch import AccountRuntime
from pms_sync.ingest.intake import Intake, Kind, Taken
from pms_sync.ingest.paging import read_page
from pms_sync.ingest.tiling import Move, Tiling, following
from pms_sync.ports.connector import Page, Window
from pms_sync.store import sweeps
from pms_sync.store.database import Connection, Database
from pms_sync.store.sealing import KeyRing
from pms_sync.store.sweeps import Sweep

InTransaction = Callable[[Connection, Sweep], Awaitable[None]]
OnPage = Callable[[Page, Taken, Sweep], Awaitable[None]]

SNAPSHOT, BACKFILL = "snapshot", "backfill"  # kinds of sweeps: a cold start's, and the command's


class Snapshots:
    """Reads sweeps to their end; holds no state between them."""

    def __init__(self, database: Database, keys: KeyRing, new_id: NewId) -> None:
        """Take the store, and ids as a port."""
        self._database, self._intake = database, Intake(keys, new_id)

    async def read(
        self,
        runtime: AccountRuntime,
        sweep: Sweep,
        *,
        in_transaction: InTransaction,
        on_page: OnPage,
        kind: Kind = "backfill",
    ) -> Sweep:
        """Read from where the sweep stands to its end and return it done; `kind` is what its records come in as.

        `in_transaction` runs last in the transaction of every page, with the sweep as it then stands; `on_page` runs
        after the commit. Raises what the vendor call raises, and Overtaken.
        """
        tiling = Tiling(
            runtime.connector.spec.stream(sweep.stream),
            f"{sweep.account_id}/{sweep.stream}",
            resumed=sweep.page is not None,
        )
        while not sweep.done:
            sweep = await self._read_page(runtime, sweep, tiling, in_transaction, on_page, kind)
        return sweep

    async def _read_page(
        self,
        runtime: AccountRuntime,
        sweep: Sweep,
        tiling: Tiling,
        in_transaction: InTransaction,
        on_page: OnPage,
        kind: Kind,
    ) -> Sweep:
        window = tiling.window(sweep.dimension, sweep)
        ticket, page = await read_page(self._database, runtime, sweep.stream, window, sweep.page, "backfill")
        commit = partial(self._commit, runtime, sweep, tiling, page, ticket, window, in_transaction, kind)
        (taken, after), move = await self._database.once_more(commit)
        await on_page(page, taken, after)
        tiling.done(move, page, window, rows=taken.records, new=taken.new)
        return after

    async def _commit(  # noqa: PLR0913, PLR0917 - bound once, above
        self,
        runtime: AccountRuntime,
        sweep: Sweep,
        tiling: Tiling,
        page: Page,
        ticket: int,
        window: Window,
        in_transaction: InTransaction,
        kind: Kind,
    ) -> tuple[tuple[Taken, Sweep], Move]:
        """Store the page with the progress it stands for."""
        async with self._database.transaction(runtime.account.tenant_id) as connection:
            taken = await self._intake.take(connection, runtime, sweep.stream, page, kind=kind, ticket=ticket)
            move = tiling.judge(page, window, new=taken.new)
            counted = _counted(move, taken, first_pass=tiling.is_first_pass)
            after = await sweeps.advance(connection, sweep, *following(move, page, window), counted)
            await in_transaction(connection, after)
        return (taken, after), move


def _counted(move: Move, taken: Taken, *, first_pass: bool) -> int:
    """Return how many rows to count: each once, however often it is read."""
    if move == "split":
        return 0
    return taken.records if first_pass else taken.new
