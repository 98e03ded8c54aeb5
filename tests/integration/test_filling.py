"""A backfill with the worker beside it: everything that was read is in the store when it ends."""

from __future__ import annotations

import uuid
from collections import Counter
from random import Random

import pytest_asyncio

from benchmarks.house import House, RealClock
from benchmarks.sample import Sample
from benchmarks.vendor import Directory, Runtime, runtime_of
from pms_sync.apply.batch import Applier
from pms_sync.ingest.backfill import Backfill, BackfillResult
from pms_sync.ingest.filling import fill
from pms_sync.ingest.landing import Landing
from pms_sync.ingest.worker import Worker
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing

BOOKINGS = 300  # more than a page
IN_STORE = "SELECT count(*) FROM links WHERE level IN ('stay', 'block') AND remote_digest IS NOT NULL"
WAITING = "SELECT count(*) FROM events WHERE state IN ('waiting', 'leased')"


class Desk:
    """A hotel with its history at the vendor, and what reads it."""

    def __init__(self, house: House, runtime: Runtime) -> None:
        self.house, self.runtime = house, runtime
        database, keys = house.database, house.keys
        landing = Landing(database, keys, Applier(keys, RealClock(), uuid.uuid4), uuid.uuid4)
        self.worker = Worker(database, Directory(runtime), landing, new_id=uuid.uuid4, random=Random(1))
        self.reader = Backfill(database, keys, clock=RealClock(), new_id=uuid.uuid4)

    async def fill(self, *, enough: int = BOOKINGS + 1) -> tuple[BackfillResult, Counter[str]]:
        """Fill, and stop after the page that brings so many records."""
        seen: list[int] = []
        return await fill(
            self.reader,
            self.worker,
            self.runtime,
            progress=lambda records, _parked, _position: seen.append(records),
            stop=lambda: seen[-1] >= enough,
        )

    async def ask(self, question: str) -> int:
        """Count within the tenant."""
        return await self.house.count(self.runtime.account, question)


@pytest_asyncio.fixture
async def desk(migrated_database: str, database: Database, keys: KeyRing) -> Desk:
    """Give an empty hotel whose vendor knows three hundred bookings."""
    sample = Sample(BOOKINGS)
    house = House(migrated_database, database, keys)
    return Desk(house, runtime_of(await house.hotel(sample, "t1"), sample))


async def test_what_was_read_is_in_the_store_at_the_end(desk: Desk) -> None:
    told, outcomes = await desk.fill()
    assert told == {"records": BOOKINGS, "parked": 0, "resumed": False, "complete": True}
    assert outcomes == {"new": BOOKINGS}
    assert await desk.ask(IN_STORE) == BOOKINGS
    assert await desk.ask(WAITING) == 0


async def test_a_second_run_finds_nothing_new(desk: Desk) -> None:
    await desk.fill()
    told, outcomes = await desk.fill()
    assert told["records"] == BOOKINGS
    assert outcomes == {}


async def test_an_interrupted_run_lands_what_it_read_and_the_next_one_the_rest(desk: Desk) -> None:
    told, outcomes = await desk.fill(enough=50)
    assert not told["complete"]
    assert 0 < await desk.ask(IN_STORE) == outcomes["new"] < BOOKINGS
    assert await desk.ask(WAITING) == 0
    told, _ = await desk.fill()
    assert told["resumed"]
    assert told["complete"]
    assert await desk.ask(IN_STORE) == BOOKINGS


async def test_nothing_misleads_the_check_of_a_stay_to_its_reservation(desk: Desk) -> None:
    """Decision 0003: of two indexes that begin alike, an empty table's plan may take the one that reads the tenant."""
    beginning_like_the_key = await desk.ask(
        "SELECT count(*) FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] "
        "WHERE i.indrelid = 'reservations'::regclass AND a.attname = 'tenant_id'"
    )
    assert beginning_like_the_key == 1
