"""The simulated Cloudbeds reads as vendors/cloudbeds.md says: envelopes, filters, pages, local times, lost changes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
import pytest_asyncio

from connectors.cloudbeds.simulator.asking import ReadHabits
from connectors.cloudbeds.simulator.ledger import PATH as LEDGER
from tests.contract.cloudbeds_desk import API, RATED, STAY, Desk, Row, running_desk

MORNING = datetime(2026, 3, 2, 9, tzinfo=UTC)
FOLD = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
"""02:30 in Madrid, the first of two."""


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    """Run one property without bookings, on a morning in March."""
    async with running_desk(reservations=0, now=MORNING) as one:
        yield one


async def _single(desk: Desk, ref: str) -> Row:
    return dict(await desk.rows("getReservation", reservationID=ref))


# Envelopes


async def test_a_failure_is_inside_200_and_every_answer_has_a_request_id(desk: Desk) -> None:
    """Business failures are HTTP 200 with `success:false` and a message (4)."""
    answer = await desk.call("getReservation")
    assert answer.json() == {"success": False, "message": "Parameter reservationID is required"}
    assert answer.status_code == 200
    assert answer.headers["X-Request-ID"] != (await desk.call("getHotels")).headers["X-Request-ID"]
    assert "not found" in await desk.refusal("getReservation", reservationID="1")


@pytest.mark.parametrize(("verb", "method"), [("POST", "getHotels"), ("GET", "postWebhook"), ("GET", "getNothing")])
async def test_a_wrong_verb_or_name_is_404_in_another_envelope(desk: Desk, verb: str, method: str) -> None:
    """The name does not tell the verb, and this envelope has no `success` (3)."""
    answer = await desk.client.request(verb, API + method, headers=desk.key)
    assert (answer.status_code, answer.json()) == (404, {"status": False, "error": "Unknown method."})


async def test_there_are_two_versions_alike_and_html_without_one(desk: Desk) -> None:
    """v1.2 and v1.3 have the same operations (1); a wrong path is a page (4)."""
    both = [await desk.client.get(f"/api/v1.{number}/getHotels", headers=desk.key) for number in (2, 3)]
    assert both[0].json() == both[1].json()
    bare = await desk.client.get("/getHotels", headers=desk.key)
    assert (bare.status_code, bare.headers["content-type"].split(";")[0]) == (404, "text/html")


async def test_a_json_body_is_accepted_and_its_fields_are_not_seen(desk: Desk) -> None:
    """The trap of section 3: nothing is refused but what is missing."""
    told = {"object": "reservation", "action": "created", "endpointUrl": "http://127.0.0.1/x"}
    answer = await desk.client.post(API + "postWebhook", json=told, headers=desk.key)
    assert (answer.status_code, answer.json()["message"]) == (200, "Parameter object is required")


# Lists and pages


async def test_pages_end_where_the_rows_end_and_the_largest_is_a_hundred(desk: Desk) -> None:
    """Page numbers count from 1; an unknown parameter name is ignored silently (6)."""
    refs = [await desk.booked() for _ in range(103)]
    pages = [await desk.read("getReservations", pageNumber=number, pageSize=500) for number in (1, 2, 3)]
    assert [(page["count"], page["total"]) for page in pages] == [(100, 103), (3, 103), (0, 103)]
    assert [row["reservationID"] for page in pages for row in page["data"]] == refs
    assert len((await desk.read("getReservations", resultsPerPage=5))["data"]) == 100


async def test_a_total_may_claim_more_than_there_is() -> None:
    """`count` and `total` do not always match the rows (6)."""
    async with running_desk(reservations=0, reads=ReadHabits(inflated_total=20)) as desk:
        await desk.booked()
        answer = await desk.read("getReservations")
    assert (len(answer["data"]), answer["total"]) == (1, 21)


async def test_rooms_come_twenty_by_default() -> None:
    """Even if the hotel has more (10.3)."""
    async with running_desk(reservations=0, rooms=27) as desk:
        first = await desk.read("getRooms", propertyIDs=desk.home)
        second = await desk.read("getRooms", propertyIDs=desk.home, pageNumber=2)
    assert [len(page["data"][0]["rooms"]) for page in (first, second)] == [20, 7]
    assert (first["count"], first["total"]) == (20, 27)


async def test_the_modified_window_is_local_wall_time_with_both_borders_in_it(desk: Desk) -> None:
    """Madrid is an hour ahead in winter; the UTC twins stand in the rate-details list only (8)."""
    ref = await desk.booked()
    row = await desk.rated(ref)
    assert row["dateModified"].startswith("2026-03-02 10:00:")
    assert row["dateModifiedUTC"].startswith("2026-03-02 09:00:")
    assert not [name for name in (await desk.rows("getReservations"))[0] if name.endswith("UTC")]
    at = row["dateModified"]
    for method in ("getReservations", RATED):
        assert await desk.ids(method, modifiedFrom=at, modifiedTo=at) == [ref]
        assert await desk.ids(method, modifiedFrom="2026-03-02 11:00:00") == []
        assert await desk.ids(method, modifiedTo="2026-03-02 09:59:59") == []


async def test_the_zone_and_the_borders_of_the_window_can_be_the_other_reading() -> None:
    """Neither is documented (19); the connector must find the offset by itself (8)."""
    habits = ReadHabits(filter_utc=True, borders_inclusive=False)
    async with running_desk(reservations=0, now=MORNING, reads=habits) as desk:
        row = await desk.rated(await desk.booked())
        assert await desk.ids(modifiedFrom=row["dateModifiedUTC"]) == []
        assert len(await desk.ids(modifiedFrom="2026-03-02 08:59:00", modifiedTo="2026-03-02 09:01:00")) == 1


async def test_in_the_repeated_hour_two_instants_have_one_local_text() -> None:
    """TIM-07: nothing on the local wire tells them apart, the UTC twins do."""
    async with running_desk(reservations=0, now=FOLD) as desk:
        first = await desk.booked()
        await desk.sim("clock", now="2026-10-25T01:30:00Z")
        rows = [await desk.rated(ref) for ref in (first, await desk.booked())]
        assert {row["dateCreated"][:16] for row in rows} == {"2026-10-25 02:30"}
        assert [row["dateCreatedUTC"][:16] for row in rows] == ["2026-10-25 00:30", "2026-10-25 01:30"]
        window = {"modifiedFrom": "2026-10-25 02:30:00", "modifiedTo": "2026-10-25 02:31:00"}
        assert len(await desk.ids(**window)) == 2


@pytest.mark.parametrize(
    ("order", "seen"),
    [
        ({"set": {"booker": {"email": "new@guests.example"}}}, False),
        ({"set": {"notes": "A quiet room"}}, False),
        ({"set": {"folio_lines": [{"kind": "payment", "amount": "20"}]}}, False),
        ({"set": {"folio_lines": [{"kind": "charge", "amount": "20"}]}}, True),
        ({"set": {"departure": "2030-03-06"}}, True),
        ({"set": {"adults": 1}}, True),
        ({"vendor": {"mealPlans": "half board"}}, True),
    ],
)
async def test_some_changes_do_not_touch_the_modified_time(desk: Desk, order: Row, seen: bool) -> None:
    """The delta misses them; the specification warns of it (9, fact 1)."""
    ref = await desk.booked()
    await desk.sim("clock", advance_s=3600)
    await desk.change("modify", ref=ref, **order)
    assert (await desk.ids(modifiedFrom="2026-03-02 10:30:00") == [ref]) is seen


async def test_a_guests_own_time_moves_where_the_bookings_does_not(desk: Desk) -> None:
    """Guest edits have a feed of their own (9)."""
    ref = await desk.booked()
    await desk.sim("clock", advance_s=3600)
    await desk.change("modify", ref=ref, set={"booker": {"first_name": "Ann"}})
    rows = await desk.rows("getGuestsModified", propertyIDs=desk.home, resultsFrom="2026-03-02 10:30:00")
    assert [(row["reservationID"], row["guestFirstName"]) for row in rows] == [(ref, "Ann")]
    assert await desk.rows("getGuestsModified", propertyIDs=desk.home) != []
    assert await desk.rows("getGuestsModified", propertyIDs=desk.home, resultsFrom="2026-03-03 00:00:00") == []


async def test_the_two_lists_have_different_filters(desk: Desk) -> None:
    """A parameter that is no filter there returns everything (15.25)."""
    gone, kept = await desk.booked(), await desk.booked(arrival="2030-05-01", departure="2030-05-02")
    await desk.change("cancel", ref=gone)
    assert await desk.ids(status="canceled") == [gone]
    assert await desk.ids(RATED, status="canceled") == [gone, kept]
    assert await desk.ids(RATED, excludeStatuses="canceled,no_show") == [kept]
    assert await desk.ids(checkInFrom="2030-05-01", checkInTo="2030-05-01") == [kept]
    assert await desk.ids(RATED, checkInFrom="2030-05-01") == [gone, kept]
    assert await desk.ids(RATED, reservationCheckOutFrom="2030-05-01", reservationCheckOutTo="2030-05-02") == [kept]
    assert await desk.ids(RATED, reservationID=f"{kept},{gone}") == [gone, kept]
    assert await desk.ids(thirdPartyIdentifier="nothing") == [gone, kept]


async def test_an_unknown_status_is_no_empty_list(desk: Desk) -> None:
    """400 or 422; the body is not recorded (4)."""
    answer = await desk.call("getReservations", status="cancelled")
    assert (answer.status_code, answer.json()["success"]) == (400, False)


async def test_a_room_filter_needs_dates_or_a_status_and_then_tells_the_room_line(desk: Desk) -> None:
    """Fact 7 of section 9."""
    ref = await desk.booked(room_ref=desk.rooms[1])
    assert "required" in await desk.refusal("getReservations", roomID=desk.rooms[1])
    (row,) = await desk.rows("getReservations", roomID=desk.rooms[1], status="confirmed")
    assert (row["reservationID"], row["subReservationID"]) == (ref, ref)


async def test_a_deleted_booking_is_shown_by_one_list_to_those_who_ask(desk: Desk) -> None:
    """Hard deletion differs from cancelation (9, fact 4)."""
    ref = await desk.booked()
    await desk.change("delete", ref=ref)
    assert await desk.ids() == await desk.ids(RATED) == []
    assert "not found" in await desk.refusal("getReservation", reservationID=ref)
    assert (await desk.rated(ref, includeDeleted="true"))["isDeleted"] is True
    assert [one for one in (await desk.truth())["reservations"] if one["ref"] == ref] == []


# One booking


async def test_an_unassigned_room_looks_different_everywhere(desk: Desk) -> None:
    """Null in lists, apart in getReservation, an empty text in the room's details (15.14)."""
    ref = await desk.booked(room_ref=None)
    one = await _single(desk, ref)
    assert (one["assigned"], [line["subReservationID"] for line in one["unassigned"]]) == ([], [ref])
    (room,) = (await desk.rows("getReservations", includeAllRooms="true"))[0]["rooms"]
    assert room["roomID"] is None
    assert "roomName" not in room
    assert (await desk.rows("getReservationRoomDetails", subReservationID=ref))["roomID"] == ""


async def test_a_reservation_stays_confirmed_while_a_room_is_in_house(desk: Desk) -> None:
    """In-house state is the room's, and when all are checked out the top follows by itself (7)."""
    ref = await desk.booked(room_stays=[STAY, STAY])
    stay = {"ref": ref, "status": "checked_in"}
    await desk.change("modify", ref=ref, set={"room_stays": [stay]})
    row = await desk.rated(ref)
    assert (row["status"], [room["roomStatus"] for room in row["rooms"]]) == (
        "confirmed",
        ["in_house", "not_checked_in"],
    )
    out = [{"ref": one, "status": "checked_out"} for one in (ref, f"{ref}-2")]
    await desk.change("modify", ref=ref, set={"room_stays": out})
    assert (await desk.rated(ref))["status"] == "checked_out"


async def test_canceled_has_one_l_above_and_two_below_and_loses_its_rates(desk: Desk) -> None:
    """Traps 3 and fact 10 of section 9; an empty map is an empty list (3)."""
    ref = await desk.booked()
    await desk.change("cancel", ref=ref)
    row, one = await desk.rated(ref), await _single(desk, ref)
    assert (row["status"], row["rooms"][0]["roomStatus"]) == ("canceled", "cancelled")
    assert (row["detailedRates"], row["rooms"][0]["detailedRoomRates"]) == ([], [])
    assert row["dateCancelledUTC"] == row["dateModifiedUTC"]
    assert (len(one["assigned"]), one["assigned"][0]["dailyRates"]) == (1, [])
    assert "dateCancelled" not in await desk.rated(await desk.booked())


async def test_money_is_numbers_apart_from_two_texts_and_adds_up() -> None:
    """Grand total = rooms + items + taxes on top (10.1)."""
    async with running_desk(reservations=0, hotels=2) as desk:
        place = desk.simulator.backend.places[1].id
        lines = [{"kind": "charge", "amount": "30"}, {"kind": "payment", "amount": "50"}]
        ref = await desk.booked(property_ref=place, total="400", folio_lines=lines)
        one = await desk.rows("getReservation", propertyID=place, reservationID=ref)
    detail = one["balanceDetailed"]
    assert (one["total"], one["balance"], detail["paid"]) == (400.0, 350.0, 50.0)
    assert round(detail["subTotal"] + detail["additionalItems"] + detail["taxesFees"], 2) == detail["grandTotal"]
    assert detail["taxesFees"] > 0
    assert one["assigned"][0]["roomTotal"] == f"{detail['subTotal']:.2f}"
    assert round(sum(night["rate"] for night in one["assigned"][0]["dailyRates"]), 2) == detail["subTotal"]


async def test_the_main_guest_need_not_be_the_first(desk: Desk) -> None:
    """Trap 12; every call spells the address in its own way (trap 9)."""
    async with running_desk(3, reservations=60) as other:
        rows = await other.rows("getReservations", includeGuestsDetails="true")
    firsts = [next(iter(row["guestList"].values()))["isMainGuest"] for row in rows]
    assert {True, False} == set(firsts)
    ref = await desk.booked()
    guest = (await desk.reservation(ref))["booker"]["ref"]
    await desk.change("modify", ref=guest, vendor={"guestAddress": "Calle 1"})
    assert (await _single(desk, ref))["guestList"][guest]["guestAddress"] == "Calle 1"
    assert (await desk.rows("getGuest", guestID=guest))["address"] == "Calle 1"
    listed = await desk.rows("getGuestList", propertyIDs=desk.home, includeGuestInfo="true")
    assert listed[guest]["guestAddress1"] == "Calle 1"


async def test_a_split_stay_is_several_lines_with_consecutive_dates() -> None:
    """There is no flag for it (10.1)."""
    async with running_desk(1, reservations=12, rooms=6) as desk:
        rows = [await _single(desk, ref) for ref in await desk.ids()]
    pairs = [row["assigned"] for row in rows if len(row["assigned"]) == 2]
    assert any(one["endDate"] == two["startDate"] and one["roomID"] == two["roomID"] for one, two in pairs)


# The house


async def test_room_blocks_are_of_today_and_of_35_days_at_most(desk: Desk) -> None:
    """Fact 12 of section 9; the end date is taken as the last blocked night (8)."""
    block = {"kind": "out_of_service", "room_ref": desk.rooms[0], "arrival": "2026-03-10", "departure": "2026-03-12"}
    made = await desk.change("create", set=block)
    assert (await desk.rows("getRoomBlocks"))["roomBlocks"] == []
    assert "35 days" in await desk.refusal("getRoomBlocks", startDate="2026-03-01", endDate="2026-04-06")
    found = await desk.rows("getRoomBlocks", startDate="2026-03-01", endDate="2026-04-05")
    (row,) = found["roomBlocks"]
    assert (row["startDate"], row["endDate"]) == ("2026-03-10", "2026-03-11")
    assert [f"{row['roomBlockID']}/{one['roomID']}" for one in row["rooms"]] == [made["ref"]]
    (told,) = (await desk.truth())["blocks"]
    assert (told["arrival"], told["departure"]) == ("2026-03-10", "2026-03-12")
    await desk.change("delete", ref=made["ref"])
    assert (await desk.rows("getRoomBlocks", roomBlockID=row["roomBlockID"]))["roomBlocks"] == []


async def test_housekeeping_is_of_today_with_a_dash_for_no_date(desk: Desk) -> None:
    """Live extras `arrivalDate` and `departureDate` (10.5)."""
    room = desk.rooms[0]
    stay = {"arrival": "2026-03-02", "departure": "2026-03-03", "room_ref": room}
    await desk.booked(**stay)
    await desk.change("modify", ref=room, vendor={"roomCondition": "dirty"})
    rows = {row["roomID"]: row for row in await desk.rows("getHousekeepingStatus")}
    assert (rows[room]["roomCondition"], rows[room]["frontdeskStatus"]) == ("dirty", "check-in")
    assert rows[desk.rooms[1]]["arrivalDate"] == "-"
    assert [row["roomID"] for row in await desk.rows("getHousekeepingStatus", roomCondition="dirty")] == [room]


async def test_rates_over_several_nights_are_totals(desk: Desk) -> None:
    """Read night by night, or in detail (15.19)."""
    query = {"propertyIDs": desk.home, "startDate": "2030-03-01", "endDate": "2030-03-04", "detailedRates": "true"}
    base, plan = await desk.rows("getRatePlans", **query)
    assert (base["roomRate"], base["isDerived"], plan["isDerived"]) == (300.0, False, True)
    assert [night["rateBase"] for night in base["roomRateDetailed"]] == [100.0] * 3
    assert plan["parentRateID"] == base["rateID"]


async def test_the_time_zone_is_told_in_one_place_only(desk: Desk) -> None:
    """GetHotels has it, the details lack it; the currency is a list here and an object there (8, 3)."""
    (hotel,) = await desk.rows("getHotels", propertyIDs=desk.home)
    details = await desk.rows("getHotelDetails")
    assert hotel["propertyTimezone"] == "Europe/Madrid"
    assert "propertyTimezone" not in details
    assert hotel["propertyCurrency"][0]["currencyCode"] == details["propertyCurrency"]["currencyCode"] == "EUR"


async def test_the_ledger_keeps_every_line_and_adds_what_changed(desk: Desk) -> None:
    """Append-only: a change is a further row tied to the first (10.8)."""
    ref = await desk.booked(folio_lines=[{"kind": "charge", "text": "Spa", "amount": "30"}])
    await desk.change("modify", ref=ref, set={"folio_lines": [{"kind": "payment", "amount": "5.50"}]})
    since = {"operator": "greater_than", "field": "transaction_datetime", "value": "2020-01-01T00:00:00Z"}
    headers = {**desk.key, "X-Property-ID": desk.home}
    answer = await desk.client.post(LEDGER, json={"filters": since}, headers=headers)
    rows = answer.json()["transactions"]
    assert sorted((row["amount"], row["externalRelationKind"]) for row in rows) == [
        (-3000, "ITEM"),
        (-550, "PAYMENT"),
        (3000, "ITEM"),
    ]
    assert {row["sourceIdentifier"] for row in rows} == {ref}
    bare = await desk.client.post(LEDGER, json={"filters": {**since, "field": "service_date"}}, headers=headers)
    assert bare.status_code == 400
