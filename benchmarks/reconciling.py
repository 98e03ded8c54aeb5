"""Reconcile: an account whose two sides are equal, compared to the last booking; the vendor is in memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, cast
from uuid import UUID

import asyncpg
import msgspec

from benchmarks.house import House, RealClock
from benchmarks.sample import Sample
from benchmarks.spent import Spent, spending
from benchmarks.vendor import runtime_of
from pms_sync.bootstrap import new_id
from pms_sync.ingest import windows
from pms_sync.ingest.walking import walk
from pms_sync.ports.connector import Connector, Page, Window
from pms_sync.reconcile.given import RESERVATIONS
from pms_sync.reconcile.runner import Reconcile
from pms_sync.store.accounts import Account

_PROOFS = 2  # one a run is all that is written
_STATEMENTS = ("execute", "executemany", "fetch", "fetchrow", "fetchval")
_TABLES = "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """What comparing came to; `calls` were made for `pages` of rows, `writes` are rows beside the proof itself.

    `spent` is what it costs with the real connector, `local` what it costs once the vendor's pages are at hand.
    """

    objects: int
    equal: bool
    pages: int
    calls: int
    statements: int
    writes: int
    spent: Spent
    local: Spent


class _Kept:
    """The real connector's pages, each made once; those that come again cost nothing."""

    def __init__(self, connector: Connector) -> None:
        self.spec, self._connector = connector.spec, connector
        self._pages: dict[tuple[Window, str | None], Page] = {}

    async def pull(self, stream: str, window: Window, page: str | None) -> Page:
        """Return the page, pulled the first time."""
        if (window, page) not in self._pages:
            self._pages[window, page] = await self._connector.pull(stream, window, page)
        return self._pages[window, page]


async def measure(house: House, account: Account, sample: Sample) -> Compared:
    """Reconcile an account that holds the whole sample, and once more from the pages that were shown."""
    runtime = runtime_of(account, sample)
    runtime.connector = cast("Connector", _Kept(runtime.connector))
    reconcile = Reconcile(
        house.database,
        house.keys,
        walk=partial(walk, house.database),
        take_in=_nothing_to_take_in,
        work=_nothing_to_do,
        clock=RealClock(),
        new_id=new_id,
    )
    ends = windows.snapshot_range(RealClock().now())
    before = await _mark(house)
    with _counted() as statements, spending() as spent:
        told = await reconcile.run(runtime, RESERVATIONS, ends)
    with spending() as local:
        again = await reconcile.run(runtime, RESERVATIONS, ends)
    return Compared(
        objects=told["compared"],
        equal=told["proof"]["equal"] and again["proof"]["equal"],
        pages=runtime.vendor.pages,
        calls=runtime.vendor.calls,
        statements=len(statements),
        writes=await _written(house, before) - _PROOFS,
        spent=spent,
        local=local,
    )


@contextmanager
def _counted() -> Iterator[list[str]]:
    """Note every statement that is sent to the database."""
    plain, sent = {name: getattr(asyncpg.Connection, name) for name in _STATEMENTS}, list[str]()

    def noting(name: str) -> Any:  # noqa: ANN401 - a method of any of these shapes
        async def call(connection: Any, query: str, *rest: Any, **more: Any) -> Any:  # noqa: ANN401 - passed through
            sent.append(query)
            return await plain[name](connection, query, *rest, **more)

        return call

    for name in _STATEMENTS:
        setattr(asyncpg.Connection, name, noting(name))
    try:
        yield sent
    finally:
        for name, method in plain.items():
            setattr(asyncpg.Connection, name, method)


async def _mark(house: House) -> int:
    connection = await asyncpg.connect(house.dsn)
    try:
        told: int = await connection.fetchval("SELECT pg_current_xact_id()::text::bigint")
    finally:
        await connection.close()
    return told


async def _written(house: House, since: int) -> int:
    """Count the rows of all tables that were inserted or updated by a later transaction."""
    connection = await asyncpg.connect(house.dsn)
    try:
        tables = [row[0] for row in await connection.fetch(_TABLES)]
        counts = [
            await connection.fetchval(f"SELECT count(*) FROM {name} WHERE xmin::text::bigint > $1", since)  # noqa: S608
            for name in tables
        ]
    finally:
        await connection.close()
    return sum(counts)


async def _nothing_to_take_in(runtime: object, stream: str, page: Page, ticket: int) -> None:
    """Every row of the sample can be read."""
    raise RuntimeError(runtime, stream, page, ticket)


async def _nothing_to_do(_account_id: UUID) -> None:
    """Nothing differs."""
