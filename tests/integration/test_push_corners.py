"""Corners of the way out: groups that change before they are made, and edits that overtake what is under way."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from pms_sync.apply.orders import Edit, StayOrder
from pms_sync.domain.reservation import Night
from pms_sync.domain.status import Status
from tests.integration.audited_hotel import running_site
from tests.integration.test_push_round_trip import ANNE, STAY, Hotel


class Front(Hotel):
    """The whole way for one account, with more to do at the desk."""

    async def change(self, *orders: StayOrder) -> None:
        """Change stays of the only reservation, or add some."""
        [row] = await self.rows("SELECT reservation_id, version FROM reservations")
        async with self.database.transaction(self.tenant_id) as connection:
            await self.desk.edit(
                connection, self.tenant_id, row["reservation_id"], row["version"], Edit(stays=orders), ANNE
            )

    async def stay_in(self, room: str) -> uuid.UUID:
        """Return the stay in a room."""
        [row] = await self.rows(
            f"SELECT stay_id FROM room_stays s JOIN rooms r USING (room_id) WHERE r.code = '{room}'"
        )
        stay_id: uuid.UUID = row["stay_id"]
        return stay_id

    async def there(self) -> list[dict[str, Any]]:
        """Return the vendor's room stays, by room and status."""
        found = [stay for one in (await self.site.desk.truth())["reservations"] for stay in one["room_stays"]]
        return sorted(found, key=lambda stay: (stay["room_ref"] or "", stay["status"]))

    async def rooms_there(self) -> list[tuple[str, str]]:
        """Return room and status of every stay at the vendor."""
        return [(stay["room_ref"], stay["status"]) for stay in await self.there()]

    async def rooms_here(self) -> list[tuple[str, str, str]]:
        """Return room, status and vendor's ref of every stay here."""
        found = await self.rows("SELECT room_ref, status, vendor_ref FROM room_stays ORDER BY room_ref")
        return [(row["room_ref"], row["status"], row["vendor_ref"]) for row in found]


def another(room: str) -> StayOrder:
    """Order one more stay on the dates that `Hotel.create` books."""
    return StayOrder(
        room_type="DBL",
        room=room,
        arrival=date(2030, 4, 10),
        departure=date(2030, 4, 12),
        adults=2,
        children=0,
        nights=tuple(Night(date(2030, 4, day), Decimal("90.00")) for day in (10, 11)),
    )


@pytest.fixture
async def front(empty_database: str) -> AsyncIterator[Front]:
    """Give a live account of an empty simulated hotel."""
    async with running_site(empty_database, reservations=0) as site:
        made = Front(site)
        await made.go_live()
        yield made


async def test_a_room_added_before_the_booking_left_is_made_once(front: Front) -> None:
    """I2, BEYOND 71: two creations of one reservation wait at once, and neither makes the room of the other."""
    await front.create("101")
    await front.change(another("102"))
    await front.push()
    assert await front.rooms_there() == [("55/1", "confirmed"), ("55/2", "confirmed")]
    assert [room for room, _, _ in await front.rooms_here()] == ["55/1", "55/2"]
    assert await front.left_to_say() == []


async def test_rooms_added_one_by_one_are_each_made(front: Front) -> None:
    """I3: a second addition does not take the place of the first one that still waits."""
    await front.create("101")
    await front.push()
    await front.change(another("102"))
    await front.change(another("103"))
    await front.push()
    assert await front.rooms_there() == [("55/1", "confirmed"), ("55/2", "confirmed"), ("55/3", "confirmed")]
    assert await front.left_to_say() == []


async def test_a_room_cancelled_before_its_group_was_made_is_not_taken_for_the_next(front: Front) -> None:
    """I2: the vendor's bookings find the stays they were made of, whichever of the group stayed at home."""
    await front.create("101", "102", "103")
    await front.change(StayOrder(id=await front.stay_in("102"), status=Status.CANCELLED))
    await front.push()
    assert await front.rooms_there() == [("55/1", "confirmed"), ("55/3", "confirmed")]
    here = await front.rooms_here()
    assert [(room, status) for room, status, _ in here if status == "confirmed"] == [
        ("55/1", "confirmed"),
        ("55/3", "confirmed"),
    ]
    assert await front.left_to_say() == []
    assert {row["kind"] for row in await front.rows("SELECT kind FROM cases WHERE state = 'open'")} == set()


async def test_a_group_whose_first_room_was_cancelled_is_still_made_under_the_guest_s_name(front: Front) -> None:
    """I3: who leads a booking at the vendor carries the name, also where the first room of ours is never made."""
    await front.create("101", "102")
    await front.change(StayOrder(id=await front.stay_in("101"), status=Status.CANCELLED))
    await front.push()
    assert await front.rooms_there() == [("55/2", "confirmed")]
    [there] = (await front.site.desk.truth())["reservations"]
    assert there["booker"]["last_name"] == "Example"
    assert await front.left_to_say() == []
    confirmed = [one for one in await front.rooms_here() if one[1] == "confirmed"]
    assert [(room, there["ref"]) for room, _, _ in confirmed] == [("55/2", confirmed[0][2])]


async def test_a_member_edited_while_its_group_is_under_way_is_edited_at_the_vendor(front: Front) -> None:
    """I3: what was sent is the base; a later edit of a member goes out once the vendor shows the group."""
    await front.create("101", "102")
    front.runtime.lose_answers = 1
    await front.worker.drain()
    await front.dispatcher.drain()
    await front.change(StayOrder(id=await front.stay_in("102"), room="103"))
    await front.push()
    assert await front.rooms_there() == [("55/1", "confirmed"), ("55/3", "confirmed")]
    assert await front.left_to_say() == []


async def test_a_member_cancelled_while_its_group_is_under_way_is_cancelled_at_the_vendor(front: Front) -> None:
    """I3, B24: a room cancelled here while the group is on its way is not left standing there."""
    await front.create("101", "102")
    front.runtime.lose_answers = 1
    await front.worker.drain()
    await front.dispatcher.drain()
    await front.change(StayOrder(id=await front.stay_in("102"), status=Status.CANCELLED))
    await front.push()
    assert await front.rooms_there() == [("55/1", "confirmed"), ("55/2", "cancelled")]
    assert await front.left_to_say() == []


async def test_a_second_edit_while_the_first_is_under_way_is_not_lost_to_the_first_one_s_echo(front: Front) -> None:
    """I3, OUT-04, BEYOND 66: our own value coming home is the vendor's agreement to it, and no change of theirs."""
    told = await front.site.desk.sim(
        "change",
        op="create",
        set={"channel": "booking_com", "channel_reference": "4711", "room_stays": [STAY]},
        silent=True,
    )
    await front.read(told["ref"])
    await front.edit(adults=3)
    front.runtime.lose_answers = 1
    await front.dispatcher.drain()
    await front.edit(adults=4)
    await front.push()
    assert await front.rows("SELECT adults FROM room_stays") == [{"adults": 4}]
    [stay] = (await front.site.desk.reservation(told["ref"]))["room_stays"]
    assert stay["adults"] == 4
    assert await front.rows("SELECT path FROM decisions") == []
    assert await front.rows("SELECT near_misses FROM echoes WHERE near_misses > 0") == []
    assert await front.left_to_say() == []


async def test_an_edit_taken_back_while_it_is_under_way_is_taken_back_there_as_well(front: Front) -> None:
    """I3, A to B to A is three changes: what was sent meanwhile does not come home as the vendor's own wish."""
    await front.booked(adults=2)
    await front.edit(adults=3)
    front.runtime.lose_answers = 1
    await front.dispatcher.drain()
    await front.edit(adults=2)
    await front.push()
    assert await front.rows("SELECT adults FROM room_stays") == [{"adults": 2}]
    assert [stay["adults"] for stay in await front.there()] == [2]
    assert await front.left_to_say() == []


async def test_a_booking_killed_on_its_way_is_made_once_with_what_was_added_meanwhile(front: Front) -> None:
    """I2, I6: the daemon dies right after handing over, a room is added, and nothing is made twice."""
    await front.create("101", "102")
    front.runtime.lose_answers = 1
    await front.dispatcher.drain()
    await front.rows("UPDATE intents SET state = 'sent' WHERE state = 'unknown' RETURNING 1")
    await front.change(another("103"))
    await front.push()
    assert await front.rooms_there() == [("55/1", "confirmed"), ("55/2", "confirmed"), ("55/3", "confirmed")]
    assert len(await front.rows("SELECT 1 FROM reservations")) == 1
    assert [room for room, _, _ in await front.rooms_here()] == ["55/1", "55/2", "55/3"]
    assert await front.left_to_say() == []


async def test_a_cancellation_overtaken_by_an_edit_under_way_reaches_the_vendor(front: Front) -> None:
    """I3: cancelled here while an edit of ours is unknown there; the echo of the edit is no reason to ask anybody."""
    await front.booked(adults=2)
    await front.edit(adults=3)
    front.runtime.lose_answers = 1
    await front.dispatcher.drain()
    await front.cancel()
    await front.push()
    assert [stay["status"] for stay in await front.there()] == ["cancelled"]
    assert await front.rows("SELECT kind FROM cases WHERE state = 'open'") == []
    assert await front.left_to_say() == []
