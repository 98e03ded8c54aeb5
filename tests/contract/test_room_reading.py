"""How rooms stand, as the connectors read it: all of them at once, the named ones, and nothing that is no room."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from connectors.cloudbeds.faults import Degraded as CloudbedsDegraded
from connectors.mews import facts as mews
from connectors.mews.faults import Degraded as MewsDegraded
from pms_sync.domain.errors import VendorFault
from pms_sync.ports.connector import Missing, Record, Window
from tests.contract import cloudbeds_wire, mews_wire, opera_wire

DAY = Window(dimension="today", start=datetime(2026, 3, 2, tzinfo=UTC), end=datetime(2026, 3, 3, tzinfo=UTC))
ROOM, SECOND, LOT = mews_wire.uuid(4, 1), mews_wire.uuid(4, 2), mews_wire.uuid(4, 3)
EMPTY = httpx.Response(204)


def board(*rooms: dict[str, Any], more: bool = False) -> httpx.Response:
    """Answer as Opera's housekeeping board does."""
    return httpx.Response(200, json={"housekeepingRoomInfo": {"housekeepingRooms": {"room": rooms}, "hasMore": more}})


def opera_room(number: str, **fields: Any) -> dict[str, Any]:
    """Build a room of the board."""
    status = {"housekeepingRoomStatus": "Dirty", "frontOfficeStatus": "Vacant"}
    return {
        "roomId": number,
        "roomType": {"roomType": "DBL"},
        "housekeeping": {"housekeepingRoomStatus": status},
    } | fields


async def test_mews_lists_the_rooms_that_somebody_stays_in() -> None:
    """Section 10.4: a parking space is a resource too, and told from a room by its category alone."""
    vendor = mews_wire.Vendor()
    page = await mews_wire.connector(vendor).pull("room_status", DAY, None)
    assert [one.ref for one in page.records] == [ROOM, SECOND]
    assert (page.next, page.rejected) == (None, ())
    assert json.loads(page.records[0].body) == {"Resource": vendor.tables[mews.RESOURCES][0]}


async def test_mews_reads_named_rooms_whatever_else_is_asked_for() -> None:
    vendor = mews_wire.Vendor()
    vendor.tables[mews.RESOURCES].append({"Id": mews_wire.uuid(4, 9), "EnterpriseId": mews_wire.OTHER, "Name": "9"})
    asked = [SECOND, LOT, mews_wire.uuid(4, 9), mews_wire.uuid(4, 8)]
    found = await mews_wire.connector(vendor).fetch("room_status", asked)
    assert isinstance(found[SECOND], Record)
    assert found[LOT] == found[mews_wire.uuid(4, 8)] == Missing("absent")
    assert found[mews_wire.uuid(4, 9)] == Missing("not_ours", mews_wire.OTHER)


async def test_mews_rooms_that_may_not_be_read_stop_no_other_stream() -> None:
    vendor = mews_wire.Vendor()
    vendor.withheld = {mews.RESOURCES}
    with pytest.raises(MewsDegraded):
        await mews_wire.connector(vendor).pull("room_status", DAY, None)


async def test_mews_row_that_is_no_room_is_rejected_alone() -> None:
    vendor = mews_wire.Vendor()
    vendor.tables[mews.RESOURCES].append(
        {"Id": mews_wire.uuid(4, 9), "EnterpriseId": mews_wire.PROPERTY, "IsActive": "maybe"}
    )
    page = await mews_wire.connector(vendor).pull("room_status", DAY, None)
    assert len(page.records) == 2
    assert [one.path for one in page.rejected] == ["$.IsActive"]


@pytest.mark.parametrize("inflated", [0, 20])
async def test_cloudbeds_lists_every_room_though_the_counts_promise_more(inflated: int) -> None:
    """Sections 6 and 10.5: 119 were counted where 99 came; a page holds 5000."""
    vendor = cloudbeds_wire.Vendor()
    vendor.states = [cloudbeds_wire.room_state(f"2001-{number}") for number in range(120)]
    vendor.inflated = inflated
    page = await cloudbeds_wire.connector(vendor).pull("room_status", DAY, None)
    assert len({one.ref for one in page.records}) == 120
    assert page.next is None
    asked = [one.said for one in vendor.calls("getHousekeepingStatus")]
    assert asked[0] == {"propertyID": cloudbeds_wire.PROPERTY, "pageNumber": "1", "pageSize": "5000"}
    assert len(asked) == (2 if inflated else 1)


async def test_cloudbeds_keeps_nothing_that_staff_wrote() -> None:
    page = await cloudbeds_wire.connector(cloudbeds_wire.Vendor()).pull("room_status", DAY, None)
    told = json.loads(page.records[0].body)
    assert told["propertyID"] == cloudbeds_wire.PROPERTY
    assert not {"housekeeper", "roomComments"} & told.keys()


async def test_cloudbeds_finds_named_rooms_in_the_list() -> None:
    """No filter names a room (10.5)."""
    found = await cloudbeds_wire.connector(cloudbeds_wire.Vendor()).fetch("room_status", ["2001-2", "9-9"])
    assert isinstance(found["2001-2"], Record)
    assert found["9-9"] == Missing("absent")


async def test_cloudbeds_scope_that_lacks_stops_no_other_stream() -> None:
    """CB-04."""
    lacks = cloudbeds_wire.failure("Scope required for this call was not granted by property.")
    with pytest.raises(CloudbedsDegraded):
        await cloudbeds_wire.connector(cloudbeds_wire.Vendor(getHousekeepingStatus=[lacks])).pull(
            "room_status", DAY, None
        )


@pytest.mark.parametrize("answer", [cloudbeds_wire.data("x"), cloudbeds_wire.data(7)])
async def test_cloudbeds_answer_without_rooms_is_no_empty_list(answer: httpx.Response) -> None:
    with pytest.raises(VendorFault, match="another shape"):
        await cloudbeds_wire.connector(cloudbeds_wire.Vendor(getHousekeepingStatus=[answer])).pull(
            "room_status", DAY, None
        )


async def test_opera_reads_the_board_to_its_end_without_whoever_is_in_the_rooms() -> None:
    """Section 7.2: a posting master is a room of the board, and nobody's bed."""
    first = board(*(opera_room(str(number), resvInfo=[{"name": "x"}]) for number in range(200)), more=True)
    last = board(opera_room("900"), opera_room("PM", roomType={"roomType": "PM", "pseudoRoom": True}))
    gateway = opera_wire.Gateway(housekeepingOverview=[first, last])
    page = await opera_wire.connector(gateway).pull("room_status", DAY, None)
    assert [one.ref for one in page.records] == [*map(str, range(200)), "900"]
    told = json.loads(page.records[0].body)
    assert told["hotelId"] == "SAND01"
    assert "resvInfo" not in told


async def test_opera_asks_for_one_room_and_finds_it_even_among_others() -> None:
    """A gateway ignores parameters that it does not know (5)."""
    gateway = opera_wire.Gateway(housekeepingOverview=[board(opera_room("101"), opera_room("102"))])
    found = await opera_wire.connector(gateway).fetch("room_status", ["102"])
    assert isinstance(found["102"], Record)
    [asked] = [one for one in gateway.asked if "housekeepingOverview" in one.url.path]
    assert asked.url.params["fromRoomNumber"] == asked.url.params["toRoomNumber"] == "102"
    assert not gateway.wrong  # the parameters stand in the vendor's own file


async def test_opera_room_that_is_not_shown_is_absent() -> None:
    gateway = opera_wire.Gateway(housekeepingOverview=[EMPTY])
    assert await opera_wire.connector(gateway).fetch("room_status", ["102"]) == {"102": Missing("absent")}
