"""The simulated Beds24 takes calendar values as vendors/beds24.md 10.2 measured them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest
import pytest_asyncio

from tests.contract.beds24_desk import Desk, running_desk

TODAY = date(2030, 1, 10)
INCLUDES = [(f"include{name}", "true") for name in ("NumAvail", "MinStay", "MaxStay", "Override", "Prices")]


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    """Run one empty hotel on a known day."""
    async with running_desk(credits=1000, reservations=0) as one:
        await one.sim("clock", now=f"{TODAY}T12:00:00Z")
        await one.mint()
        yield one


def ahead(days: int) -> str:
    """Return the day so many days from today."""
    return (TODAY + timedelta(days=days)).isoformat()


async def written(desk: Desk, *ranges: dict[str, Any], room: int = 55) -> dict[str, Any]:
    """Write ranges of one room and return the verdict."""
    answer = await desk.post([{"roomId": room, "calendar": list(ranges)}], "/inventory/rooms/calendar")
    assert answer.status_code == 201
    return dict(answer.json()[0])


async def shown(desk: Desk, first: int = 0, last: int = 0) -> list[dict[str, Any]]:
    """Read the ranges of room 55."""
    days = [("startDate", ahead(first)), ("endDate", ahead(last)), ("roomId", 55)]
    answer = await desk.read(*days, *INCLUDES, path="/inventory/rooms/calendar")
    return list(answer.json()["data"][0]["calendar"])


async def test_values_are_written_per_day_and_read_back_in_ranges(desk: Desk) -> None:
    """Days around the range keep the room's own values."""
    verdict = await written(desk, {"from": ahead(1), "to": ahead(2), "price1": 80.5, "price2": 70, "minStay": 2})
    assert (verdict["success"], verdict["modified"]["calendar"][0]["price1"]) == (True, 80.5)
    before, inside, after = await shown(desk, 0, 3)
    assert (inside["from"], inside["to"], inside["price1"], inside["price2"]) == (ahead(1), ahead(2), 80.5, 70)
    assert (before["price1"], after["price1"], before["minStay"], inside["minStay"]) == (120, 120, 1, 2)


async def test_a_range_beyond_the_horizon_falls_and_the_others_are_applied(desk: Desk) -> None:
    """Warnings only, and `modified` names what was taken."""
    near, far = {"from": ahead(1), "to": ahead(1)}, {"from": ahead(700), "to": ahead(1200)}
    verdict = await written(desk, {**near, "minStay": 3}, {**far, "minStay": 3})
    warning = {"action": "process inventory rooms calendar", "field": "calendar", "message": "invalid dates"}
    assert (verdict["success"], verdict["warnings"]) == (False, [warning])
    assert verdict["modified"] == {"roomId": 55, "calendar": [{**near, "minStay": 3}]}


@pytest.mark.parametrize(
    ("sent", "stored", "warned"), [(0, 1, True), (400, 364, True), (None, 5, False), ("", 5, False)]
)
async def test_a_maximum_stay_is_clamped_and_never_lifted(
    desk: Desk, sent: object, stored: int, *, warned: bool
) -> None:
    """Null and empty text are ignored without a word."""
    await written(desk, {"from": ahead(0), "to": ahead(0), "maxStay": 5})
    verdict = await written(desk, {"from": ahead(0), "to": ahead(0), "maxStay": sent})
    assert (verdict["success"], "warnings" in verdict, "modified" in verdict) == (True, warned, warned)
    assert (await shown(desk))[0]["maxStay"] == stored


async def test_stock_set_by_hand_is_reduced_by_later_bookings(desk: Desk) -> None:
    """It is what is left besides the bookings there are, and what `checkAvailability` looks at."""
    stay = {"roomId": 55, "arrival": ahead(0), "departure": ahead(1), "actions": {"checkAvailability": True}}
    await desk.write(stay)
    await written(desk, {"from": ahead(0), "to": ahead(0), "numAvail": 1})
    assert (await shown(desk))[0]["numAvail"] == 1
    assert [one["success"] for one in await desk.write(stay, stay)] == [True, False]
    assert (await shown(desk))[0]["numAvail"] == 0


async def test_lifting_a_blackout_without_stock_makes_it_jump_to_the_most(desk: Desk) -> None:
    """Both must be sent together; a blackout refuses a checked create."""
    today = {"from": ahead(0), "to": ahead(0)}
    await written(desk, {**today, "numAvail": 1, "override": "blackout"})
    stay = {"roomId": 55, "arrival": ahead(0), "departure": ahead(1), "actions": {"checkAvailability": True}}
    assert (await desk.write(stay))[0]["success"] is False
    await written(desk, {**today, "override": "none"})
    assert (await shown(desk))[0]["numAvail"] == 3


async def test_a_day_without_a_price_is_closed(desk: Desk) -> None:
    """Null removes a value (10)."""
    await written(desk, {"from": ahead(0), "to": ahead(0), "price1": None})
    day = (await shown(desk))[0]
    assert ("price1" in day, day["numAvail"]) == (False, 0)


@pytest.mark.parametrize("item", [{"roomId": 99, "calendar": []}, {"roomId": 55}, "x"])
async def test_an_item_without_a_room_or_a_calendar_is_an_error(desk: Desk, item: object) -> None:
    """HTTP says 201 all the same."""
    answer = await desk.post([item], "/inventory/rooms/calendar")
    assert (answer.status_code, answer.json()[0]["success"], len(answer.json()[0]["errors"])) == (201, False, 1)
