"""Which of our links a vendor must still show: those with a stay to come or in the house, whoever shares them."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest

from pms_sync.domain.reservation import Block
from pms_sync.domain.status import Status
from pms_sync.store import accounts, equality
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from tests.integration.applied_hotel import House, revision

TODAY = date(2026, 3, 1)
ENDED = {"arrival": date(2026, 2, 1), "departure": date(2026, 2, 3)}


@pytest.fixture
def house(database: Database, keys: KeyRing, hotel: Any) -> House:
    """Give the hotel with nothing in it."""
    return House(database, keys, hotel.tenant_id, hotel.account_id)


async def live(house: House, today: date = TODAY) -> set[str]:
    """Name the live links of the account."""
    async with house.database.transaction(house.tenant_id) as connection:
        [account] = await accounts.load(connection, [house.account_id])
        stays = await equality.live(connection, account, today)
        blocks = await equality.live_blocks(connection, account, today, "reservations")
    return {*stays, *blocks}


async def test_stays_that_ended_or_were_cancelled_are_not_live(house: House) -> None:
    await house.apply(
        revision("1001"),
        revision("1002", room="102", status=Status.CHECKED_IN, arrival=date(2026, 2, 20), departure=TODAY),
        revision("1003", room="103", status=Status.CANCELLED),
        revision("1004", room=None, status=Status.CONFIRMED, **ENDED),
    )
    assert await live(house) == {"1001", "1002"}
    assert await live(house, date(2026, 3, 13)) == set()


async def test_a_group_member_is_live_for_itself_alone(house: House) -> None:
    """Each member has a link of its own, so that a cancelled one is not expected because its neighbour is."""
    await house.apply(revision("2001", group="2001"), revision("2002", group="2001", home=False, room="102"))
    await house.apply(
        revision("2002", group="2001", home=False, room="102", status=Status.CANCELLED, version="2026-03-02T10:00:00Z")
    )
    assert await live(house) == {"2001"}


async def test_a_record_of_several_stays_is_live_while_any_of_them_is(house: House) -> None:
    """Only the first of its stays has the link; the second one keeps it expected."""
    whole = revision("3001")
    [first] = whole.room_stays
    second = msgspec.structs.replace(first, ref="3001/2", room="102", room_ref="55/2")
    ended = msgspec.structs.replace(first, status=Status.CANCELLED)
    await house.apply(msgspec.structs.replace(whole, scope="reservation", room_stays=(ended, second)))
    assert await live(house) == {"3001"}


async def test_a_block_is_live_until_it_is_lifted_or_over(house: House) -> None:
    block = Block(
        vendor="beds24",
        ref="4001",
        property_ref="7",
        version="1",
        room_type_ref="55",
        room_ref="55/1",
        room_type="DBL",
        room="101",
        arrival=date(2026, 5, 1),
        departure=date(2026, 5, 4),
        kind="owner",
    )
    await house.apply(block)
    assert await live(house) == {"4001"}
    assert await live(house, date(2026, 5, 5)) == set()
    await house.apply(msgspec.structs.replace(block, gone=True, version="2"))
    assert await live(house) == set()
