"""The truth of the simulated Cloudbeds says what its reads say, and what orders said."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

import pytest_asyncio

from tests.contract.cloudbeds_desk import RATED, STAY, Desk, Row, running_desk


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    """Run one property without bookings."""
    async with running_desk(reservations=0) as one:
        yield one


async def test_the_truth_says_what_the_reads_say() -> None:
    """Field by field against the list with rate details, read here by hand."""
    async with running_desk(4, hotels=2, rooms=6, reservations=120) as desk:
        truth = {one["ref"]: one for one in (await desk.truth())["reservations"]}
        for home in (place.id for place in desk.simulator.backend.places):
            rows = await desk.rows(RATED, propertyID=home, includeGuestsDetails="true")
            mine = [one for one in truth.values() if one["property_ref"] == home]
            assert {row["reservationID"] for row in rows} == {one["ref"] for one in mine}
            for row in rows:
                _agrees(row, truth[row["reservationID"]])


def _agrees(row: Row, told: Row) -> None:
    assert float(told["total"]) == row["total"]
    assert told["currency"] == row["propertyCurrency"]
    assert told["channel_reference"] == (row["thirdPartyIdentifier"] or None)
    assert datetime.fromisoformat(told["modified_at"]).strftime("%Y-%m-%d %H:%M:%S") == row["dateModifiedUTC"]
    people = row["guestList"].values()
    assert told["booker"]["email"] == next(one["guestEmail"] for one in people if one["isMainGuest"])
    assert [one["ref"] for one in told["guests"]] == [one["guestID"] for one in people]
    for stay, room in zip(told["room_stays"], row["rooms"], strict=True):
        assert (stay["ref"], stay["room_ref"]) == (room["subReservationID"], room["roomID"])
        assert (stay["arrival"], stay["departure"]) == (room["roomCheckIn"], room["roomCheckOut"])
        assert stay["rate_plan_ref"] == room["rateID"]
        nights = {night["date"]: float(night["price"]) for night in stay.get("nights", [])}
        assert nights == dict(room["detailedRoomRates"] or {})
        in_house = {"in_house": "checked_in", "checked_out": "checked_out", "cancelled": "cancelled"}
        assert stay["status"] == in_house.get(room["roomStatus"], stay["status"])


async def test_rev_words_come_out_as_they_went_in(desk: Desk) -> None:
    """What an order says is what the truth tells."""
    said = {
        "channel": "booking_com",
        "channel_reference": "BC-1",
        "booker": {"first_name": "Ann", "last_name": "O'Neill", "email": "a@b.example", "phone": "+1", "country": "FR"},
        "guests": [{"first_name": "Bo", "last_name": "Li"}],
        "status": "hold",
        "total": "100.01",
        "room_stays": [{**STAY, "adults": 1}, {**STAY, "children": 2}],
    }
    told = await desk.reservation(await desk.booked(**said))
    assert {name: told[name] for name in ("channel", "channel_reference", "status", "total")} == {
        name: said[name] for name in ("channel", "channel_reference", "status", "total")
    }
    assert told["booker"] | said["booker"] == told["booker"]
    assert [one["last_name"] for one in told["guests"]] == ["O'Neill", "Li"]
    assert [(one["adults"], one["children"]) for one in told["room_stays"]] == [(1, 0), (2, 2)]
    assert [one["ref"] for one in told["room_stays"]] == [told["ref"], f"{told['ref']}-2"]
    assert (told["hold_kind"], "blocks_inventory" in told) == ("request", False)
