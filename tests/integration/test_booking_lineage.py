"""One booking through its life: changed, cancelled, told again, brought back; and what may not be lost on the way."""

from __future__ import annotations

import asyncio
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from pms_sync.apply.incoming import Outcome
from pms_sync.domain.reservation import Block, Revision
from pms_sync.domain.status import Status
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from tests.integration.applied_hotel import House, revision

CLAIMS = "SELECT date FROM room_claims WHERE slot = 'night' ORDER BY date"
BOOKED = "SELECT date, booked FROM inventory WHERE booked <> 0 ORDER BY date"


@pytest.fixture
def house(database: Database, keys: KeyRing, hotel: Any) -> House:
    """Give the small hotel with an applier."""
    return House(database, keys, hotel.tenant_id, hotel.account_id)


def told(version: int, *days: int, **changes: Any) -> Revision:
    """Say the booking from one day of March to another, as a version of its own."""
    arrival, departure = (date(2026, 3, day) for day in days or (10, 12))
    total = Decimal(100) * (departure - arrival).days
    return revision(
        arrival=arrival, departure=departure, total=total, version=f"2026-03-0{version}T10:00:00Z", **changes
    )


def over(version: int, *days: int) -> Revision:
    """Say that the booking is cancelled."""
    return told(version, *days, status=Status.CANCELLED, blocks_inventory=False)


async def nights(house: House) -> list[int]:
    """Return the days of March whose nights are held, having compared them with the counters."""
    held = [row["date"].day for row in await house.rows(CLAIMS)]
    assert [(row["date"].day, row["booked"]) for row in await house.rows(BOOKED)] == [(day, 1) for day in held]
    return held


async def test_only_the_last_word_of_a_changed_cancelled_and_reinstated_booking_holds_nights(house: House) -> None:
    """BEYOND 34, 42: new dates replace the old ones, and bringing a booking back revives none of its former ones."""
    held = []
    for one in (told(1, 10, 12), told(2, 15, 18), told(3, 11, 13), over(4, 11, 13), told(5, 12, 14)):
        await house.apply(one)
        held.append(await nights(house))
    assert held == [[10, 11], [15, 16, 17], [11, 12], [], [12, 13]]
    [booking] = await house.rows("SELECT version, status FROM reservations")
    assert booking == {"version": 5, "status": "confirmed"}


async def test_a_booking_told_once_more_after_its_cancellation_stays_cancelled(house: House) -> None:
    """BEYOND 37: a late repetition of the booking is old news, and not the same as bringing it back."""
    first = told(1)
    await house.apply(first, over(2))
    assert await house.apply(first) == [Outcome.STALE]
    assert await nights(house) == []
    assert await house.rows("SELECT status FROM reservations") == [{"status": "cancelled"}]


async def test_a_cancellation_of_an_unknown_booking_is_kept(house: House) -> None:
    """BEYOND 36: nobody is answered "not found"; when the booking comes after all, it is known to be over."""
    assert await house.apply(over(2)) == [Outcome.NEW]
    assert await house.apply(told(1)) == [Outcome.STALE]
    assert await nights(house) == []


async def test_a_booking_without_a_free_room_or_of_an_unknown_one_is_kept(house: House) -> None:
    """BEYOND 36: the OTA sold it; where the type is known it takes inventory, and somebody is asked."""
    guests = [revision(str(1001 + number), room=f"10{number + 1}") for number in range(3)]
    await house.apply(*guests, revision("2000", room=None), revision("3000", room="999"))
    assert await house.rows("SELECT count(*) AS n FROM room_stays") == [{"n": 5}]
    assert {row["booked"] for row in await house.rows(BOOKED)} == {5}
    kinds = await house.rows("SELECT DISTINCT kind FROM cases WHERE state = 'open'")
    assert "type_oversold" in {row["kind"] for row in kinds}


async def test_fifty_groups_at_once_are_counted_exactly(house: House) -> None:
    """BEYOND 39: each group under one lock, all of them on one type; nothing is lost and nothing deadlocks for good."""
    groups = [
        [revision(str(master + place), group=str(master), home=place == 0, room=None) for place in range(3)]
        for master in range(1000, 1500, 10)
    ]
    gate = asyncio.Semaphore(4)

    async def arrive(rooms: list[Revision]) -> None:
        async with gate:
            await house.database.once_more(lambda: house.apply(*rooms))

    await asyncio.gather(*(arrive(rooms) for rooms in groups))
    assert await house.rows("SELECT count(*) AS n FROM reservations") == [{"n": 50}]
    assert {row["booked"] for row in await house.rows(BOOKED)} == {150}


async def test_rooms_that_were_out_of_order_before_we_came_are_out_of_order_here(house: House) -> None:
    """BEYOND 48: a first listing brings blocks that began long ago, and they hold their rooms from then on."""
    block = Block(
        vendor="beds24",
        ref="b1",
        property_ref="7",
        version="2026-01-01T10:00:00Z",
        room_type_ref="55",
        room_ref="55/1",
        room_type="DBL",
        room="101",
        arrival=date(2026, 1, 1),
        departure=date(2026, 3, 12),
        kind="out_of_order",
    )
    assert await house.apply(block, kind="backfill") == [Outcome.NEW]
    [row] = await house.rows("SELECT out_of_order FROM inventory WHERE date = '2026-03-11'")
    assert row["out_of_order"] == 1
    await house.apply(revision("1001"))
    assert await house.rows("SELECT claim_state FROM room_stays") == [{"claim_state": "refused"}]
