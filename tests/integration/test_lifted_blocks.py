"""A block that its vendor says was deleted has ended; a booking of which that is said waits for a person."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from random import Random
from typing import Any

import pytest

from benchmarks.house import RealClock
from pms_sync.apply.batch import Applier
from pms_sync.domain.reservation import Block
from pms_sync.ingest.landing import Landing
from pms_sync.ingest.worker import Worker
from pms_sync.ports.connector import Missing, Record
from pms_sync.ports.mapper import Mapped
from pms_sync.store import lanes
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from tests.integration.applied_hotel import revision
from tests.integration.listed_hotel import STREAM, ListedHotel, rows, runtime_of

BLOCK, BOOKING = "9", "1001"


class Reading:
    """A mapper that finds a block in one record and a booking in every other."""

    vendor, version = "beds24", 1

    def to_revisions(self, _stream: str, body: bytes, _context: Any) -> Mapped:
        """Find what the body names."""
        if BLOCK.encode() not in body:
            return Mapped(revisions=(revision(BOOKING, room="102"),))
        block = Block(
            vendor="beds24",
            ref=BLOCK,
            property_ref="7",
            version="1",
            room_type_ref="55",
            room_ref="55/1",
            room_type="DBL",
            room="101",
            arrival=date(2030, 3, 10),
            departure=date(2030, 3, 12),
            kind="out_of_order",
        )
        return Mapped(blocks=(block,))


class Vendor(ListedHotel):
    """A vendor that proves deletions."""

    def __init__(self) -> None:
        super().__init__()
        self.deleted: set[str] = set()

    async def fetch(self, stream: str, refs: Sequence[str]) -> Mapping[str, Record | Missing]:
        """Show what is there, and say what was deleted."""
        return {
            ref: Missing("deleted", "7")
            if ref in self.deleted
            else Record(stream=stream, ref=ref, property_ref="7", body=f'{{"id":{ref}}}'.encode())
            for ref in refs
        }


class Place:
    """The hotel, followed by a worker."""

    def __init__(self, database: Database, keys: KeyRing, hotel: Any) -> None:
        self.database, self.hotel, self.vendor = database, hotel, Vendor()
        self.runtime: Any = None
        landing = Landing(database, keys, Applier(keys, RealClock(), uuid.uuid4), uuid.uuid4)
        directory: Any = self
        self.worker = Worker(database, directory, landing, new_id=uuid.uuid4, random=Random(1))

    async def get(self, _account_id: uuid.UUID) -> Any:
        """Find the account as the worker does."""
        return self.runtime

    async def rows(self, query: str) -> list[dict[str, Any]]:
        """Read what the store holds."""
        return [dict(row) for row in await rows(self.database, self.hotel, query)]

    async def read(self, ref: str) -> None:
        """Let the object be read now."""
        event = lanes.NewEvent(
            tenant_id=self.hotel.tenant_id,
            account_id=self.hotel.account_id,
            kind="reconcile",
            stream=STREAM,
            ref=ref,
            correlation_id="asked",
        )
        async with self.database.transaction(self.hotel.tenant_id) as connection:
            await lanes.append(connection, [event])
        await self.worker.drain()


@pytest.fixture
async def place(database: Database, keys: KeyRing, hotel: Any) -> Place:
    """Give the hotel with one block and one booking."""
    made = Place(database, keys, hotel)
    made.runtime = await runtime_of(database, hotel.account_id, made.vendor)
    made.runtime.mapper = Reading()
    await made.read(BLOCK)
    await made.read(BOOKING)
    return made


async def test_a_deleted_block_ends_and_frees_its_room(place: Place) -> None:
    """INV-07: what was out of order is for sale again, without a person."""
    assert await place.rows("SELECT gone FROM blocks") == [{"gone": False}]
    place.vendor.deleted.add(BLOCK)
    await place.read(BLOCK)
    assert await place.rows("SELECT gone, kind FROM blocks") == [{"gone": True, "kind": "out_of_order"}]
    held = "SELECT count(*) AS n FROM room_claims WHERE date >= '2030-01-01'"
    assert await place.rows(held) == [{"n": 0}]
    assert await place.rows("SELECT kind FROM cases") == []


async def test_a_deleted_booking_is_never_simply_gone(place: Place) -> None:
    """ARCHITECTURE §6: present here, gone there: never delete."""
    place.vendor.deleted.add(BOOKING)
    await place.read(BOOKING)
    [stay] = await place.rows("SELECT status FROM room_stays")
    assert stay == {"status": "confirmed"}
