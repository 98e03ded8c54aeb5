"""The nightly check of the type counters: what is wrong is found, put right and audited; what is right is let be."""

from __future__ import annotations

import asyncio
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from pms_sync.apply.recounting import recount
from pms_sync.domain.status import Status
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from tests.integration.applied_hotel import House, revision

COUNTERS = "SELECT date, booked, out_of_order FROM inventory WHERE booked <> 0 OR out_of_order <> 0 ORDER BY date"


@pytest.fixture
async def house(database: Database, keys: KeyRing, hotel: Any) -> House:
    """Give the small hotel with three bookings, one of them over, and one without a night."""
    made = House(database, keys, hotel.tenant_id, hotel.account_id)
    await made.apply(
        revision("1001"),
        revision("1002", room="102", departure=date(2026, 3, 13), total=Decimal("300.00")),
        revision("1003", room="103", status=Status.CANCELLED, blocks_inventory=False),
    )
    return made


async def count(house: House) -> int:
    """Let the check come round."""
    return await recount(house.database, house.applier)


async def test_right_counters_are_let_be(house: House) -> None:
    before = await house.rows(COUNTERS)
    assert await count(house) == 0
    assert await house.rows(COUNTERS) == before
    assert await house.rows("SELECT 1 FROM audit_log WHERE action = 'inventory.repaired'") == []


@pytest.mark.parametrize(
    ("corrupt", "wrong"),
    [
        ("UPDATE inventory SET booked = booked + 5 WHERE date = '2026-03-10' RETURNING 1", 1),
        ("UPDATE inventory SET booked = 0, out_of_order = 2 RETURNING 1", 3),
        ("DELETE FROM inventory WHERE date = '2026-03-11' RETURNING 1", 1),
        (
            (
                "INSERT INTO inventory SELECT tenant_id, room_type_id, date '2027-01-01', 3, 0, 1, 0 FROM room_types "
                "RETURNING 1"
            ),
            1,
        ),
    ],
)
async def test_a_counter_that_was_spoilt_by_hand_is_put_right_and_audited(
    house: House, corrupt: str, wrong: int
) -> None:
    """INV-10: found, repaired, audited with what stood and what stands; the next round finds nothing."""
    before = await house.rows(COUNTERS)
    await house.rows(corrupt)
    assert await house.rows(COUNTERS) != before
    assert await count(house) == wrong
    assert await house.rows(COUNTERS) == before
    told = await house.rows("SELECT actor, entity_id, fields FROM audit_log WHERE action = 'inventory.repaired'")
    assert len(told) == wrong
    assert {row["actor"] for row in told} == {"daemon"}
    for row in told:
        assert row["fields"]["booked"] != row["fields"]["out_of_order"]
        assert row["fields"]["room_type"] == ["DBL", "DBL"]
    assert await count(house) == 0


CASES = "SELECT DISTINCT kind, state FROM cases"


async def test_an_oversell_that_a_repair_reveals_is_a_case(house: House) -> None:
    """INV-04: a counter that was too low let bookings through without a word."""
    await house.rows("UPDATE inventory SET booked = 0 RETURNING 1")
    await house.apply(revision("1004", room=None), revision("1005", room=None))
    assert await house.rows(CASES) == []
    assert await count(house) == 3
    assert await house.rows(CASES) == [{"kind": "type_oversold", "state": "open"}]


async def test_an_oversell_that_was_only_miscounted_is_withdrawn(house: House) -> None:
    await house.rows("UPDATE inventory SET booked = 3 WHERE date = '2026-03-10' RETURNING 1")
    await house.apply(revision("1004", room=None))
    assert await house.rows(CASES) == [{"kind": "type_oversold", "state": "open"}]
    assert await count(house) == 1
    assert await house.rows(CASES) == [{"kind": "type_oversold", "state": "withdrawn"}]


async def test_two_daemons_that_count_at_once_repair_once(house: House) -> None:
    """INV-10: a difference is put right by its amount, so it must not be done twice."""
    before = await house.rows(COUNTERS)
    await house.rows("UPDATE inventory SET booked = booked + 7 RETURNING 1")
    assert sum(await asyncio.gather(*(count(house) for _ in range(4)))) + await count(house) == 3
    assert await house.rows(COUNTERS) == before


async def test_bookings_that_come_in_meanwhile_are_counted_once(house: House) -> None:
    """INV-10 under load: repair and apply move the same counters, and neither loses the other's step."""
    await house.rows("UPDATE inventory SET booked = booked + 2 RETURNING 1")
    numbers = range(2000, 2008)
    await asyncio.gather(
        *(house.apply(revision(str(number), room=None)) for number in numbers), *(count(house) for _ in numbers)
    )
    await count(house)
    assert [row["booked"] for row in await house.rows(COUNTERS)] == [10, 10, 1]
