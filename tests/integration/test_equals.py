"""Rooms of one booking that nothing tells apart, seen through two accounts: which is which shows when one changes."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from pms_sync.domain.reservation import Revision
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from tests.integration.conftest import Hotel
from tests.integration.joined_hotel import Joined, Room, counted, grouped_rooms, one_object, single_rooms, spans
from tests.integration.test_joined_rooms import outgoing_to

ANN, BEN = Room(name="Ann"), Room(name="Ben")
WITHOUT_BEN = (ANN, msgspec.structs.replace(BEN, cancelled=True))
LONGER = (msgspec.structs.replace(ANN, departure="2026-05-08", price=400), BEN)
SUITE = Room(type="SUI", departure="2026-05-07", price=450, name="Ben")
_BOOKED = (".status", ".shape")
_CHANGES: Sequence[dict[str, Any]] = [{"departure": "2026-05-08"}, {"cancelled": True}, {"price": 240}, {"type": "SUI"}]


async def to_be_told(house: Joined) -> list[str]:
    """Return what accounts would be told now of when and whether somebody stays."""
    found = []
    for row in await house.rows(
        "SELECT l.object_id, a.vendor FROM links l JOIN accounts a USING (account_id) WHERE l.level = 'stay'"
    ):
        try:
            unit = await outgoing_to(house, row["vendor"], row["object_id"])
        except AssertionError:  # nothing at all
            continue
        found += [path for path in unit.paths if path.endswith(_BOOKED)]
    return found


async def agreed(house: Joined, rooms: Sequence[Room]) -> None:
    """Demand that the rooms stand as both accounts show them, once, and that nobody is told otherwise."""
    assert await house.stays() == spans(*rooms)
    assert await house.booked() == counted(*rooms)
    assert "identity_doubt" not in await house.cases()
    assert await to_be_told(house) == []


@pytest.mark.parametrize("member", [0, 1])
async def test_whichever_room_comes_before_the_whole_both_are_held_once(
    database: Database, keys: KeyRing, hotel: Hotel, member: int
) -> None:
    """I2: the ref of the whole is the ref of its first line, which another room must not be taken for."""
    house, rooms = await Joined.open(database, keys, hotel), (ANN, SUITE)
    singles = single_rooms(*rooms)
    await house.see(singles[member], one_object(*rooms))
    assert await house.stays() == spans(*rooms)
    await house.see(singles[1 - member])
    await agreed(house, rooms)


@pytest.mark.parametrize("rooms", [WITHOUT_BEN, LONGER], ids=["cancelled", "longer"])
@pytest.mark.parametrize("whole_first", [True, False])
@pytest.mark.parametrize("whole_changes_first", [True, False])
async def test_what_befell_one_of_two_equal_rooms_befalls_no_other(
    database: Database,
    keys: KeyRing,
    hotel: Hotel,
    rooms: Sequence[Room],
    *,
    whole_first: bool,
    whole_changes_first: bool,
) -> None:
    """I3: joined crosswise at first, since nothing told them apart; nobody's room is changed for another's."""
    house = await Joined.open(database, keys, hotel)
    singles, whole = single_rooms(ANN, BEN), one_object(ANN, BEN)
    await house.see(*([whole, singles[1], singles[0]] if whole_first else [singles[1], whole, singles[0]]))
    singles, whole = single_rooms(*rooms, version=2), one_object(*rooms, version=2)
    await house.see(*([whole, *singles] if whole_changes_first else [*singles, whole]))
    await agreed(house, rooms)


@pytest.mark.parametrize("group_changes_first", [True, False])
async def test_equal_rooms_that_both_accounts_keep_apart_are_told_apart_too(
    database: Database, keys: KeyRing, hotel: Hotel, *, group_changes_first: bool
) -> None:
    house = await Joined.open(database, keys, hotel)
    singles, group = single_rooms(ANN, ANN), grouped_rooms(ANN, ANN)
    await house.see(singles[1], group[0], singles[0], group[1])
    rooms = (ANN, msgspec.structs.replace(ANN, cancelled=True))
    singles, group = single_rooms(*rooms, version=2), grouped_rooms(*rooms, version=2)
    await house.see(*([group[1], singles[1]] if group_changes_first else [singles[1], group[1]]))
    await agreed(house, rooms)


@pytest.mark.parametrize("whole_is_behind", [True, False])
async def test_a_room_that_one_account_shows_changed_at_first_sight_finds_its_like(
    database: Database, keys: KeyRing, hotel: Hotel, *, whole_is_behind: bool
) -> None:
    house = await Joined.open(database, keys, hotel)
    early, late = ((ANN, BEN), LONGER) if not whole_is_behind else (LONGER, (ANN, BEN))
    await house.see(*single_rooms(*early), one_object(*late))
    await house.see(*single_rooms(*LONGER, version=3), one_object(*LONGER, version=3))
    await agreed(house, LONGER)


async def test_what_one_account_shows_of_an_equal_waits_for_the_other_to_show_it(
    database: Database, keys: KeyRing, hotel: Hotel
) -> None:
    """A channel tells both within minutes; only what stays one-sided is brought across."""
    house = await Joined.open(database, keys, hotel)
    await house.see(*single_rooms(ANN, BEN), one_object(ANN, BEN))
    await house.see(single_rooms(*WITHOUT_BEN, version=2)[1])
    [held] = await house.rows(
        "SELECT held_until > now() + interval '10 minutes' AS held FROM intents "
        "WHERE 'stays[9000000001-2].status' = ANY(paths) OR 'stays[9000000001].status' = ANY(paths)"
    )
    assert held["held"]


async def test_a_room_that_is_added_and_seen_first_leaves_its_equal_to_the_one_that_was_there(
    database: Database, keys: KeyRing, hotel: Hotel
) -> None:
    """The whole shows it later, as a line that it did not have: nothing was told of that line before."""
    house = await Joined.open(database, keys, hotel)
    double, suite = Room(departure="2026-05-07", price=240), Room(type="SUI", price=240)
    await house.see(one_object(double, suite), single_rooms(double, suite)[1])
    rooms = (double, suite, Room(departure="2026-05-07", price=200, name="Ben"))
    singles = single_rooms(*rooms, version=2)
    await house.see(singles[2], singles[0], singles[1], one_object(*rooms, version=2))
    await agreed(house, rooms)


async def test_one_room_has_no_equal_and_all_of_it_is_brought_across(
    database: Database, keys: KeyRing, hotel: Hotel
) -> None:
    """What is told of when somebody stays is more than what equals are known by: a rate plan, say."""
    house = await Joined.open(database, keys, hotel)
    [single] = single_rooms(ANN)
    await house.see(single, one_object(ANN))
    stays = tuple([msgspec.structs.replace(stay, rate_plan="BAR", rate_plan_ref="1") for stay in single.room_stays])
    await house.see(msgspec.structs.replace(single_rooms(ANN, version=2)[0], room_stays=stays))
    assert await to_be_told(house) == ["stays[9000000001].shape"]


def _numbered(shown: Revision, number: int) -> Revision:
    """Let a booking be another one, by its channel's number and by its own."""
    if shown.vendor == "beds24":
        return msgspec.structs.replace(shown, channel_reference=f"77{number:06}")
    stays = tuple([msgspec.structs.replace(stay, ref=f"{number}x{stay.ref}") for stay in shown.room_stays])
    ref = f"{number}x{shown.ref}"
    return msgspec.structs.replace(shown, ref=ref, room_stays=stays, channel_reference=f"77{number:06}")


def _changed(dice: random.Random, rooms: Sequence[Room]) -> list[Room]:
    one = dice.randrange(len(rooms))
    change: dict[str, Any] = dice.choice(_CHANGES)
    return [msgspec.structs.replace(room, **change) if at == one else room for at, room in enumerate(rooms)]


@pytest.mark.parametrize("seed", range(25))
async def test_whatever_is_seen_in_whatever_order_ends_as_both_show_it(
    database: Database, keys: KeyRing, hotel: Hotel, seed: int
) -> None:
    """I2, I4: some views are missed, some come late; once both accounts show the same, so do we."""
    house, dice = await Joined.open(database, keys, hotel), random.Random(seed)
    rooms = [
        Room(type=dice.choice(["DBL", "SUI"]), name=dice.choice(["Ann", "Ben"])) for _ in range(dice.randint(2, 3))
    ]
    for version in range(1, 7):
        shown = [
            _numbered(one, seed)
            for one in (*single_rooms(*rooms, version=version), one_object(*rooms, version=version))
        ]
        dice.shuffle(shown)
        settled = version > 3
        await house.see(*[one for one in shown if settled or dice.random() < 0.6])
        rooms = rooms if version >= 3 else _changed(dice, rooms)
    await agreed(house, rooms)
