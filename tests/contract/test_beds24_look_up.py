"""What became of a lost answer at Beds24: a create is found by its mark, a change by what its booking shows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx
import pytest

from pms_sync.domain.errors import VendorFault
from pms_sync.ports.connector import VendorRequest
from tests.contract.beds24_wire import MARK, NOW, Vendor, connector, create_of, modify_of, row


async def outcome(request: VendorRequest, *rows: Mapping[str, Any], since: datetime = NOW) -> Any:
    told = await connector(Vendor(rows=rows)).look_up(request, since)
    return told.outcome, told.refs


async def test_a_create_is_found_by_its_mark() -> None:
    """Whatever staff made of it meanwhile."""
    moved = row(roomId=77, arrival="2027-01-01", firstName="Somebody")
    assert await outcome(create_of(), row(1, infoItems=[]), moved) == ("found", ("5001",))


async def test_a_create_without_a_trace_is_absent() -> None:
    others = row(1, infoItems=[], firstName="Grace"), row(2, infoItems=[{**MARK, "text": "T2"}])
    assert await outcome(create_of(), *others) == ("absent", ())


async def test_two_bookings_with_one_mark_are_unsure() -> None:
    """Staff may copy a booking, info items and all."""
    assert await outcome(create_of(), row(1), row(2)) == ("unsure", ("1", "2"))


async def test_the_same_booking_without_a_mark_is_unsure() -> None:
    """The booking is kept when one of its items is refused (vendors/beds24.md 4.2)."""
    assert await outcome(create_of(), row(9, infoItems=[])) == ("unsure", ("9",))


async def test_a_look_alike_from_before_is_none() -> None:
    """A guest may well book the same room for the same days twice."""
    old = row(9, infoItems=[], bookingTime="2026-03-01T08:00:00Z")
    assert await outcome(create_of(), old) == ("absent", ())


async def test_a_create_that_bears_no_mark_cannot_be_called_found() -> None:
    assert await outcome(create_of(infoItems=[]), row(9)) == ("unsure", ("9",))


async def test_the_mark_is_found_on_any_page() -> None:
    vendor = Vendor(rows=[*(row(number, infoItems=[]) for number in range(1, 6)), row()], page_size=2)
    assert (await connector(vendor).look_up(create_of(), NOW)).refs == ("5001",)
    assert [query["page"] for query in vendor.reads] == ["1", "2", "3"]


async def test_a_create_is_sought_among_changes_and_in_its_room_on_its_day() -> None:
    """The filter's zone is not documented, so it reaches back 26 hours; what is over may not be listed (5)."""
    vendor = Vendor(rows=[])
    await connector(vendor).look_up(create_of(), NOW)
    changes, place = vendor.reads
    assert (changes["modifiedFrom"], changes["propertyId"]) == ("2026-02-28T08:00:00", "7")
    assert (place["roomId"], place["arrival"], place["propertyId"]) == ("55", "2026-05-04", "7")
    for query in vendor.reads:
        assert len(query.get_list("status")) == 6
        assert query["includeInfoItems"] == "true"


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ({"notes": "x"}, {"notes": "x"}),
        ({"notes": "a\nb"}, {"notes": "a\r\nb"}),
        ({"notes": ""}, {"notes": None}),
        ({"price": 240.0}, {"price": 240}),
        ({"unitId": 0}, {"unitId": None}),
        ({"phone": "600"}, {"phone": 600}),
        ({"status": "cancelled"}, {"status": "cancelled"}),
    ],
)
async def test_a_change_is_found_when_all_of_it_is_shown(sent: dict[str, Any], shown: dict[str, Any]) -> None:
    """However the vendor spells it."""
    assert await outcome(modify_of("5001", **sent), row(**shown)) == ("found", ("5001",))


async def test_a_change_is_absent_when_nothing_was_written_since() -> None:
    before = row(notes="old", modifiedTime="2026-03-01T09:59:59Z")
    assert await outcome(modify_of("5001", notes="new"), before) == ("absent", ())


@pytest.mark.parametrize(
    "shown",
    [
        {"notes": "another's", "modifiedTime": "2026-03-01T10:00:00Z"},
        {"notes": "old", "modifiedTime": None},
    ],
)
async def test_a_change_is_unsure_when_the_booking_was_written_since_and_shows_another_value(
    shown: dict[str, Any],
) -> None:
    """Ours may have come and gone."""
    assert await outcome(modify_of("5001", notes="new"), row(**shown)) == ("unsure", ())


async def test_a_change_is_unsure_when_the_booking_is_gone_or_does_not_show_the_field() -> None:
    """A missing scope hides fields, which is no emptiness (vendors/beds24.md 2.3)."""
    hidden = {name: value for name, value in row().items() if name != "price"}
    assert await outcome(modify_of("5001", price=0), hidden) == ("unsure", ())
    assert await outcome(modify_of("404", notes="x")) == ("unsure", ())


async def test_a_booking_is_read_wherever_it_was_moved_to() -> None:
    """Staff move bookings between properties (vendors/beds24.md 6.1)."""
    vendor = Vendor(rows=[row(propertyId=8, notes="x")])
    assert (await connector(vendor).look_up(modify_of("5001", notes="x"), NOW)).outcome == "found"
    assert "propertyId" not in vendor.reads[0]


async def test_a_list_that_cannot_be_read_is_no_proof_of_absence() -> None:
    def broken(request: httpx.Request) -> httpx.Response:
        told = (
            {"token": "t"}
            if "authentication" in request.url.path
            else {"success": True, "data": [1], "pages": {"nextPageExists": False}}
        )
        return httpx.Response(200, json=told)

    with pytest.raises(VendorFault):
        await connector(httpx.MockTransport(broken)).look_up(create_of(), NOW)
