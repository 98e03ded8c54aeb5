"""One booking of several rooms, seen through two accounts that keep it in pieces of their own."""

from __future__ import annotations

import itertools
from typing import Any
from uuid import UUID

import msgspec
import pytest

from pms_sync.apply.desk import Desk
from pms_sync.apply.orders import Edit, StayOrder
from pms_sync.apply.outgoing import OutgoingUnit, outgoing
from pms_sync.domain.reservation import Revision, Stay
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from tests.integration.joined_hotel import Joined, Room, counted, grouped_rooms, one_object, single_rooms, spans
from tests.integration.test_own_state import ANNE

TWO = (Room(name="Ann"), Room(type="SUI", departure="2026-05-07", price=450, name="Ben"))
ALIKE = (Room(name="Ann"), Room(name="Ben"))


@pytest.fixture
async def hotel_of_three(database: Database, keys: KeyRing, hotel: Any) -> Joined:
    """Give the small hotel with three accounts."""
    return await Joined.open(database, keys, hotel)


async def holds_once(house: Joined, *rooms: Room) -> None:
    """Check that the booking is one reservation, with each room once and counted once."""
    live = await house.rows("SELECT count(*) AS n FROM reservations WHERE status <> 'cancelled'")
    assert live == [{"n": 1}]
    assert await house.stays() == spans(*rooms)
    assert await house.booked() == counted(*rooms)


ORDERS = {
    "rooms first": lambda rooms, whole: [*rooms, whole],
    "whole first": lambda rooms, whole: [whole, *rooms],
    "between": lambda rooms, whole: [rooms[0], whole, *rooms[1:]],
    "members before their master": lambda rooms, whole: [whole, *reversed(rooms)],
}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("rooms", [TWO, ALIKE], ids=["different", "alike"])
async def test_objects_of_one_room_and_an_object_of_several_are_one_booking(
    hotel_of_three: Joined, order: str, rooms: tuple[Room, ...]
) -> None:
    """DUP-09 for groups: whoever comes first, every room is held once, and nobody is asked."""
    await hotel_of_three.see(*ORDERS[order](single_rooms(*rooms), one_object(*rooms)))
    await holds_once(hotel_of_three, *rooms)
    assert "identity_doubt" not in await hotel_of_three.cases()


@pytest.mark.parametrize("order", ORDERS)
async def test_the_same_again_changes_nothing(hotel_of_three: Joined, order: str) -> None:
    """I13: a joined booking that either side shows again stays as it is, and nobody is told anything."""
    await hotel_of_three.see(*ORDERS[order](single_rooms(*TWO), one_object(*TWO)))
    sent = "SELECT count(*) AS n FROM intents"
    before = await hotel_of_three.pairs(), await hotel_of_three.rows(sent), await hotel_of_three.cases()
    await hotel_of_three.see(*ORDERS[order](single_rooms(*TWO, version=2), one_object(*TWO, version=2)))
    await holds_once(hotel_of_three, *TWO)
    assert (await hotel_of_three.pairs(), await hotel_of_three.rows(sent), await hotel_of_three.cases()) == before


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_each_room_goes_by_the_ref_of_its_own_kind_at_both(
    hotel_of_three: Joined, order: tuple[int, ...]
) -> None:
    """BEYOND 44: which room is which is told by type, dates and price, never by the order in which they came."""
    rooms = (Room(price=200), Room(price=240), Room(type="SUI", price=500))
    shown = single_rooms(*rooms)
    await hotel_of_three.see(one_object(*rooms), *[shown[place] for place in order])
    found = await hotel_of_three.rows(
        "SELECT l.vendor_ref, s.vendor_ref AS home FROM links l JOIN room_stays s ON s.stay_id = l.object_id "
        "WHERE l.level = 'stay' AND l.account_id = $1 ORDER BY 1",
        hotel_of_three.accounts["beds24"],
    )
    assert [row["home"] for row in found] == ["9000000001", "9000000001-2", "9000000001-3"]


async def test_groups_of_single_rooms_at_both_are_one_booking(hotel_of_three: Joined) -> None:
    """DUP-09 for groups: both keep an object a room, and members come mixed."""
    ours, theirs = single_rooms(*TWO), grouped_rooms(*TWO)
    await hotel_of_three.see(ours[1], theirs[0], ours[0], theirs[1])
    await holds_once(hotel_of_three, *TWO)
    assert "identity_doubt" not in await hotel_of_three.cases()


async def test_rooms_that_are_not_booked_alike_are_both_kept_until_somebody_looked(hotel_of_three: Joined) -> None:
    """Never pretend: a room of other dates may be the same or a third one; it is stored, and a case asks."""
    moved = (TWO[0], Room(type="SUI", departure="2026-05-08", price=600, name="Ben"))
    await hotel_of_three.see(*single_rooms(*TWO), one_object(*moved))
    assert await hotel_of_three.stays() == spans(*TWO, moved[1])
    assert "identity_doubt" in await hotel_of_three.cases()


FIRST = {"rooms": lambda rooms, whole: [*rooms, whole], "whole": lambda rooms, whole: [whole, *rooms]}


@pytest.mark.parametrize("first", FIRST)
@pytest.mark.parametrize("follows", ["rooms", "whole"])
async def test_a_doubt_ends_once_both_say_the_same(hotel_of_three: Joined, first: str, follows: str) -> None:
    """Never double: the change that one side was behind with arrives, and the room held twice is held once again."""
    moved = (TWO[0], Room(type="SUI", departure="2026-05-08", price=600, name="Ben"))
    behind, ahead = (single_rooms(*TWO), one_object(*moved)) if follows == "rooms" else (
        single_rooms(*moved), one_object(*TWO)
    )  # fmt: skip
    await hotel_of_three.see(*FIRST[first](behind, ahead))
    assert "identity_doubt" in await hotel_of_three.cases()
    if follows == "rooms":
        await hotel_of_three.see(*single_rooms(*moved, version=2))
    else:
        await hotel_of_three.see(one_object(*moved, version=2))
    await holds_once(hotel_of_three, *moved)
    assert "identity_doubt" not in await hotel_of_three.cases()


async def test_a_room_more_at_one_side_is_a_room_more_and_no_doubt(hotel_of_three: Joined) -> None:
    """BEYOND 38: a room is added to the booking; whoever shows it first is believed, and it is counted once."""
    three = (*TWO, Room(price=333, name="Cem"))
    await hotel_of_three.see(*single_rooms(*TWO), one_object(*TWO), one_object(*three, version=2))
    await holds_once(hotel_of_three, *three)
    assert "identity_doubt" not in await hotel_of_three.cases()
    await hotel_of_three.see(*single_rooms(*three, version=2))
    await holds_once(hotel_of_three, *three)


async def test_a_member_more_is_taken_up_by_the_object_that_holds_all(hotel_of_three: Joined) -> None:
    """BEYOND 38: the same the other way round."""
    three = (*TWO, Room(price=333, name="Cem"))
    await hotel_of_three.see(*single_rooms(*TWO), one_object(*TWO), *single_rooms(*three, version=2))
    await holds_once(hotel_of_three, *three)
    await hotel_of_three.see(one_object(*three, version=2))
    await holds_once(hotel_of_three, *three)
    homes = await hotel_of_three.rows(
        "SELECT DISTINCT home_ref FROM links WHERE level = 'stay' AND account_id = $1",
        hotel_of_three.accounts["beds24"],
    )
    assert homes == [{"home_ref": "9000000001"}]


async def test_an_object_of_one_room_that_grows_takes_the_rooms_of_the_other_side(hotel_of_three: Joined) -> None:
    """What was one stay at both becomes a booking of two: the object that holds both is their home."""
    await hotel_of_three.see(*single_rooms(TWO[0]), one_object(TWO[0]))
    await hotel_of_three.see(one_object(*TWO, version=2), *single_rooms(*TWO, version=2))
    await holds_once(hotel_of_three, *TWO)


@pytest.mark.parametrize("first", FIRST)
async def test_a_change_of_one_room_is_taken_and_the_others_stay(hotel_of_three: Joined, first: str) -> None:
    """ARCHITECTURE §6: what the channel manager changes of an OTA booking is taken, in the one stay it is of."""
    longer = (TWO[0], Room(type="SUI", departure="2026-05-08", price=600, name="Ben"))
    await hotel_of_three.see(*FIRST[first](single_rooms(*TWO), one_object(*TWO)))
    changed = single_rooms(*longer, version=2)[1]
    await hotel_of_three.see(changed)
    await holds_once(hotel_of_three, *longer)
    planned = await hotel_of_three.rows("SELECT DISTINCT account_id FROM intents WHERE state = 'planned'")
    assert planned == [{"account_id": hotel_of_three.accounts["cloudbeds"]}]


async def test_a_cancelled_room_frees_its_nights_and_no_others(hotel_of_three: Joined) -> None:
    """BEYOND 38: one room of a joined booking is cancelled."""
    fewer = (TWO[0], Room(type="SUI", departure="2026-05-07", price=450, name="Ben", cancelled=True))
    await hotel_of_three.see(*single_rooms(*TWO), one_object(*TWO))
    await hotel_of_three.see(*single_rooms(*fewer, version=2), one_object(*fewer, version=2))
    await holds_once(hotel_of_three, *fewer)


async def test_members_shown_together_join_one_by_one(hotel_of_three: Joined) -> None:
    """One batch may hold all members of a group: each finds its own room."""
    await hotel_of_three.see(one_object(*ALIKE))
    await hotel_of_three.see_together(*single_rooms(*ALIKE))
    await holds_once(hotel_of_three, *ALIKE)


async def test_two_objects_of_several_rooms_are_both_kept_and_asked_about(hotel_of_three: Joined) -> None:
    """Never pretend: which line of one is which of another is kept nowhere yet, so a person is asked."""
    whole = one_object(*TWO)
    other = msgspec.structs.replace(whole, vendor="mews", room_stays=tuple(renamed(whole)), ref="group-1")
    for account in ("cloudbeds", "mews"):
        role = "channel_manager" if account == "mews" else "pms"
        await hotel_of_three.rows(
            "UPDATE accounts SET role = $2 WHERE account_id = $1 RETURNING 1", hotel_of_three.accounts[account], role
        )
    await hotel_of_three.see(whole, other)
    assert "identity_doubt" in await hotel_of_three.cases()
    assert await hotel_of_three.stays() == spans(*TWO, *TWO)


def renamed(whole: Revision) -> list[Stay]:
    return [msgspec.structs.replace(stay, ref=f"line-{number}") for number, stay in enumerate(whole.room_stays)]


@pytest.mark.parametrize("first", FIRST)
async def test_rooms_without_a_code_of_ours_wait_for_their_map(hotel_of_three: Joined, first: str) -> None:
    """Never guess: two rooms of unmapped types and the same dates may be either; once mapped, each finds its own."""
    alike = (TWO[0], Room(type="SUI", price=450, name="Ben"))
    unmapped = [without_type(without_type(one, "SUI"), "DBL") for one in single_rooms(*alike)]
    await hotel_of_three.see(*FIRST[first](unmapped, one_object(*alike)))
    assert "identity_doubt" in await hotel_of_three.cases()
    await hotel_of_three.see(*single_rooms(*alike, version=2))
    await holds_once(hotel_of_three, *alike)
    assert "identity_doubt" not in await hotel_of_three.cases()


@pytest.mark.parametrize("first", FIRST)
async def test_rooms_that_one_vendor_has_no_word_for_are_joined_all_the_same(
    hotel_of_three: Joined, first: str
) -> None:
    """A room number that only one side has mapped keeps nobody from seeing that it is one booking."""
    house = hotel_of_three
    numbered = [with_room(one, "55/1", "101") if place == 0 else one for place, one in enumerate(single_rooms(*TWO))]
    await house.rows(
        "DELETE FROM crosswalk WHERE account_id = $1 AND kind = 'room' RETURNING 1", house.accounts["cloudbeds"]
    )
    await house.see(*FIRST[first](numbered, one_object(*TWO)))
    await holds_once(house, *TWO)
    assert "identity_doubt" not in await house.cases()


def with_room(told: Revision, ref: str, code: str) -> Revision:
    [stay] = told.room_stays
    return msgspec.structs.replace(told, room_stays=(msgspec.structs.replace(stay, room_ref=ref, room=code),))


def without_type(told: Revision, code: str) -> Revision:
    stays = [
        msgspec.structs.replace(stay, room_type=None if stay.room_type == code else stay.room_type)
        for stay in told.room_stays
    ]
    return msgspec.structs.replace(told, room_stays=tuple(stays))


@pytest.mark.parametrize("first", FIRST)
async def test_an_edit_of_one_room_is_for_both_accounts_and_for_that_room(hotel_of_three: Joined, first: str) -> None:
    """ARCHITECTURE §6: the desk moves one room; each vendor is told of its own object, and of nothing else."""
    house = hotel_of_three
    await house.see(*FIRST[first](single_rooms(*TWO), one_object(*TWO)))
    [suite] = await house.rows(
        "SELECT stay_id, reservation_id, version FROM room_stays JOIN reservations USING (reservation_id) "
        "WHERE room_type_ref IN ('2002', '66')"
    )
    async with house.database.transaction(house.tenant_id) as connection:
        edit = Edit(stays=(StayOrder(id=suite["stay_id"], adults=1),))
        await Desk(house.applier).edit(
            connection, house.tenant_id, suite["reservation_id"], suite["version"], edit, ANNE
        )
    planned = await house.rows("SELECT account_id, paths FROM intents WHERE state = 'planned'")
    assert {(row["account_id"], path) for row in planned for path in row["paths"] if path.startswith("stays")} == {
        (house.accounts["beds24"], "stays[1001].occupancy"),
        (house.accounts["cloudbeds"], "stays[9000000001-2].occupancy"),
    }
    told = await outgoing_to(house, "beds24", suite["stay_id"])
    assert told.ref == "1001"
    assert told.paths == {"stays[1001].occupancy"}
    assert [stay.ref for stay in told.wanted.room_stays] == ["1001"]


async def outgoing_to(house: Joined, vendor: str, stay_id: UUID) -> OutgoingUnit:
    """Say what an account is to be told of a stay now."""
    async with house.database.transaction(house.tenant_id) as connection:
        tongue = (await house.applier.tongues.of(connection, [house.accounts[vendor]]))[house.accounts[vendor]]
        found = await outgoing(
            connection,
            house.keys,
            house.tenant_id,
            tongue.account,
            stay_id,
            mapper=tongue.mapper,
            context=tongue.context,
        )
    assert found is not None
    [unit] = found.units
    return unit


async def test_an_edit_here_outlives_the_object_that_comes_to_hold_it(hotel_of_three: Joined) -> None:
    """Never lose: what the desk typed is ours, whichever object our state stands on in the end."""
    house = hotel_of_three
    await house.see(*single_rooms(*TWO))
    [suite] = await house.rows(
        "SELECT stay_id, reservation_id, version FROM room_stays JOIN reservations USING (reservation_id) "
        "WHERE room_type_ref = '66'"
    )
    async with house.database.transaction(house.tenant_id) as connection:
        edit = Edit(stays=(StayOrder(id=suite["stay_id"], adults=3),))
        await Desk(house.applier).edit(
            connection, house.tenant_id, suite["reservation_id"], suite["version"], edit, ANNE
        )
    await house.see(one_object(*TWO))
    await holds_once(house, *TWO)
    [told] = await house.rows("SELECT object_id FROM links WHERE vendor_ref = '1001' AND home_ref = '9000000001'")
    assert told["object_id"] == suite["stay_id"]
    unit = await outgoing_to(house, "beds24", suite["stay_id"])
    assert unit.paths == {"stays[1001].occupancy"}
