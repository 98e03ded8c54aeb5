"""Work beside work: a slow vendor delays only itself, and a long backfill never stands before what happens now."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import pytest

from benchmarks.house import RealClock
from pms_sync.apply.batch import Applier
from pms_sync.ingest.landing import Landing
from pms_sync.ingest.worker import Worker
from pms_sync.ports.connector import Missing, Record
from pms_sync.ports.mapper import Mapped
from pms_sync.store import lanes
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from tests.integration.applied_hotel import revision
from tests.integration.listed_hotel import STREAM, ListedHotel, rows, runtime_of

SECOND = """
INSERT INTO accounts (tenant_id, account_id, property_id, vendor, property_ref, role)
SELECT tenant_id, $2, property_id, vendor, '8', 'pms' FROM accounts WHERE account_id = $1
"""


class Reading:
    """A mapper for which a record's text is its version, and its ref the booking's."""

    vendor, version = "beds24", 1

    def to_revisions(self, _stream: str, body: bytes, _context: Any) -> Mapped:
        """Read `ref version` as a booking without a room."""
        ref, _, version = body.decode().partition(" ")
        return Mapped(revisions=(revision(ref, room=None, version=version),))


class Slow(ListedHotel):
    """A vendor that answers when the test lets it, each time with a newer version of everything asked for."""

    def __init__(self, account: str, *, waits: bool) -> None:
        super().__init__()
        self.account, self.asked = account, asyncio.Event()
        self.lets = asyncio.Event()
        self.told: list[tuple[str, ...]] = []
        if not waits:
            self.lets.set()

    async def fetch(self, stream: str, refs: Sequence[str]) -> Mapping[str, Record | Missing]:
        """Answer, once it may."""
        self.told.append(tuple(refs))
        self.asked.set()
        await self.lets.wait()
        number = len(self.told)
        return {ref: Record(stream=stream, ref=ref, property_ref="7", body=f"{ref} v{number}".encode()) for ref in refs}


class Two:
    """Two accounts at one hotel, the first slow, and the worker that follows both."""

    def __init__(self, database: Database, keys: KeyRing, hotel: Any) -> None:
        self.database, self.hotel = database, hotel
        self.slow, self.quick = Slow("slow", waits=True), Slow("quick", waits=False)
        self.other = uuid.uuid4()
        self.runtimes: dict[uuid.UUID, Any] = {}
        landing = Landing(database, keys, Applier(keys, RealClock(), uuid.uuid4), uuid.uuid4)
        directory: Any = self
        self.worker = Worker(database, directory, landing, new_id=uuid.uuid4, random=Random(1))

    async def open(self) -> None:
        """Open the second account beside the first."""
        async with self.database.transaction(self.hotel.tenant_id) as connection:
            await connection.execute(SECOND, self.hotel.account_id, self.other)
        for account_id, vendor in ((self.hotel.account_id, self.slow), (self.other, self.quick)):
            self.runtimes[account_id] = await runtime_of(self.database, account_id, vendor)
            self.runtimes[account_id].mapper = Reading()

    async def get(self, account_id: uuid.UUID) -> Any:
        """Find an account as the worker does."""
        return self.runtimes[account_id]

    async def hint(self, account_id: uuid.UUID, *refs: str, priority: int = lanes.LIVE) -> None:
        """Name some bookings, as a webhook or a backfill would."""
        events = [
            lanes.NewEvent(
                tenant_id=self.hotel.tenant_id,
                account_id=account_id,
                kind="webhook",
                stream=STREAM,
                ref=ref,
                correlation_id=f"hint-{ref}",
                priority=priority,
            )
            for ref in refs
        ]
        async with self.database.transaction(self.hotel.tenant_id) as connection:
            await lanes.append(connection, events)

    async def done(self, account_id: uuid.UUID) -> int:
        """Count the finished events of an account."""
        query = f"SELECT count(*) AS n FROM events WHERE account_id = '{account_id}' AND state = 'done'"
        [row] = await rows(self.database, self.hotel, query)
        return int(row["n"])


@pytest.fixture
async def two(database: Database, keys: KeyRing, hotel: Any) -> Two:
    """Give the two accounts."""
    made = Two(database, keys, hotel)
    await made.open()
    return made


async def test_a_slow_vendor_delays_only_itself_and_its_own_stays_in_order(two: Two) -> None:
    """ORD-08: a hundred bookings elsewhere are done while one waits; what is told of that one meanwhile comes after."""
    slow = two.hotel.account_id
    await two.hint(slow, "1")
    await two.worker.step()
    await two.slow.asked.wait()
    await two.hint(slow, "1")
    await two.hint(two.other, *(str(number) for number in range(100, 200)))
    while await two.done(two.other) < 100:
        await two.worker.step()
        await asyncio.sleep(0.005)
    assert await two.done(slow) == 0
    assert two.slow.told == [("1",)]
    two.slow.lets.set()
    await two.worker.drain()
    assert two.slow.told == [("1",), ("1",)]
    [link] = await rows(
        two.database, two.hotel, "SELECT remote_version FROM links WHERE vendor_ref = '1' AND level = 'stay'"
    )
    assert link["remote_version"] == "v2"


async def test_what_happens_now_is_read_before_the_rest_of_a_backfill(two: Two) -> None:
    """CUR-20: with two thousand records of history waiting, a hint waits for the batch under way and for no other."""
    history = [str(number) for number in range(10_000, 12_000)]
    await two.hint(two.other, *history, priority=lanes.BACKFILL)
    await two.worker.step()
    await two.hint(two.other, "1")
    await two.worker.idle()
    await two.worker.step()
    await two.worker.idle()
    waits = "SELECT count(*) AS n FROM events WHERE state = 'waiting'"
    [live] = await rows(two.database, two.hotel, "SELECT state FROM events WHERE ref = '1'")
    [left] = await rows(two.database, two.hotel, waits)
    assert live["state"] == "done"
    assert left["n"] >= 1000
    await two.worker.drain()
    assert await two.done(two.other) == 2001
