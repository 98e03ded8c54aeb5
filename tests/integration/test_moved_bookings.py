"""A booking that its vendor moved to another property of the same login: a person is told where it went."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import pytest

from benchmarks.house import RealClock
from pms_sync.apply.batch import Applier
from pms_sync.apply.sift import REREAD
from pms_sync.ingest.landing import Landing
from pms_sync.ingest.worker import Worker
from pms_sync.ports.connector import Missing, Record
from pms_sync.ports.mapper import Mapped
from pms_sync.store import lanes
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from tests.integration.applied_hotel import revision
from tests.integration.listed_hotel import STREAM, ListedHotel, Runtime, rows, runtime_of

REF = "1001"
OTHER_PROPERTY = """
WITH place AS (INSERT INTO properties (tenant_id, property_id, code, name, timezone, currency)
               VALUES ($1, $2, 'P2', 'Hotel Two', 'Europe/Madrid', 'EUR') RETURNING property_id)
INSERT INTO accounts (tenant_id, account_id, property_id, vendor, property_ref, role)
SELECT $1, $3, property_id, 'beds24', '8', 'channel_manager' FROM place
"""


class Reading:
    """A mapper that finds the same stay in every record."""

    vendor, version = "beds24", 1

    def to_revisions(self, _stream: str, _body: bytes, _context: Any) -> Mapped:
        """Find the stay, without a room."""
        return Mapped(revisions=(revision(REF, room=None),))


class Login(ListedHotel):
    """One vendor login with two properties, as the account of one of them sees it."""

    def __init__(self, mine: str, shown: dict[str, str]) -> None:
        super().__init__()
        self.mine, self.shown = mine, shown

    async def fetch(self, stream: str, refs: Sequence[str]) -> Mapping[str, Record | Missing]:
        """Show the booking under the property that has it now."""
        place = self.shown["at"]
        if place != self.mine:
            return {ref: Missing("not_ours", place) for ref in refs}
        return {ref: Record(stream=stream, ref=ref, property_ref=place, body=b'{"id":1001}') for ref in refs}


class Group:
    """Two hotels of one login, and the worker that follows both."""

    def __init__(self, database: Database, keys: KeyRing, hotel: Any) -> None:
        self.database, self.hotel = database, hotel
        self.at, self.other = {"at": "7"}, uuid.uuid4()
        self.runtimes: dict[uuid.UUID, Runtime] = {}
        landing = Landing(database, keys, Applier(keys, RealClock(), uuid.uuid4), uuid.uuid4)
        directory: Any = self
        self.worker = Worker(database, directory, landing, new_id=uuid.uuid4, random=Random(1))

    async def open(self) -> None:
        """Open the second hotel beside the first."""
        async with self.database.transaction(self.hotel.tenant_id) as connection:
            await connection.execute(OTHER_PROPERTY, self.hotel.tenant_id, uuid.uuid4(), self.other)
        for account_id, place in ((self.hotel.account_id, "7"), (self.other, "8")):
            runtime = await runtime_of(self.database, account_id, Login(place, self.at))
            runtime.mapper = Reading()
            self.runtimes[account_id] = runtime

    async def get(self, account_id: uuid.UUID) -> Any:
        """Find an account as the worker does."""
        return self.runtimes[account_id]

    async def announce(self, account_id: uuid.UUID) -> None:
        """Let a webhook name the booking under one property, and work until nothing waits."""
        event = lanes.NewEvent(
            tenant_id=self.hotel.tenant_id,
            account_id=account_id,
            kind="webhook",
            stream=STREAM,
            ref=REF,
            correlation_id="asked",
        )
        async with self.database.transaction(self.hotel.tenant_id) as connection:
            await lanes.append(connection, [event])
        while await self._hasten():
            await self.worker.drain()

    async def cases(self) -> list[Any]:
        """Return the cases of vanished objects."""
        return await rows(self.database, self.hotel, "SELECT * FROM cases WHERE kind = 'vanished'")

    async def _hasten(self) -> bool:
        async with self.database.connection() as connection:
            return bool(await connection.execute("UPDATE lanes SET not_before = '-infinity'") != "UPDATE 0")


@pytest.fixture
async def group(database: Database, keys: KeyRing, hotel: Any) -> Group:
    """Give two hotels, the booking at the first."""
    made = Group(database, keys, hotel)
    await made.open()
    await made.announce(hotel.account_id)
    return made


async def test_a_booking_moved_to_another_property_is_told_with_the_property_it_went_to(group: Group) -> None:
    """The vendor announces it under its new property only; where it was it is read again, twice, and a person asked."""
    group.at["at"] = "8"
    await group.announce(group.other)
    [case] = await group.cases()
    assert case["property_id"] == group.hotel.property_id
    assert "property 8" in str(case["fields"])
    kept = await rows(group.database, group.hotel, "SELECT 1 FROM links WHERE level = 'stay'")
    assert len(kept) == 2


async def test_a_booking_that_stays_where_it_is_makes_no_case(group: Group) -> None:
    await group.announce(group.hotel.account_id)
    assert await group.cases() == []
    reads = await rows(group.database, group.hotel, f"SELECT 1 FROM events WHERE kind = '{REREAD}'")
    assert reads == []
