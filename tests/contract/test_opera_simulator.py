"""The simulated OHIP gateway lets in, limits and answers as vendors/opera.md says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from connectors.opera.simulator import gateway
from connectors.opera.simulator.gateway import Limits
from connectors.opera.simulator.quirks import Quirks, plain
from tests.contract.opera_desk import EVER, HOTEL, OTHER, QUEUE, RSV, STAY, Desk, Row, ref_of, running_desk

GEN = "OPERAWS-GEN0"


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    """Run two hotels with thirty reservations each."""
    async with running_desk(hotels=2, rooms=6, reservations=60) as one:
        yield one


@pytest_asyncio.fixture
async def quiet() -> AsyncIterator[Desk]:
    """Run one empty hotel that keeps to its schema."""
    async with running_desk(reservations=0, quirks=plain()) as one:
        yield one


async def test_a_token_is_handed_out_for_an_hour(desk: Desk) -> None:
    """Section 1: access_token, expires_in, token_type, oracle_tk_context; there is no refresh token."""
    told = (await desk.ask_token()).json()
    assert (told["expires_in"], told["token_type"], told["oracle_tk_context"]) == (3600, "Bearer", "user_assertion")
    assert not any("refresh" in name for name in told)
    await desk.sim("clock", advance_s=3599)
    assert (await desk.read(f"/bof/v1/hotels/{HOTEL}/businessDate")).status_code == 200
    await desk.sim("clock", advance_s=2)
    refused = await desk.read(f"/bof/v1/hotels/{HOTEL}/businessDate")
    assert (refused.status_code, refused.content) == (401, b"")


@pytest.mark.parametrize(
    ("form", "headers", "status", "said"),
    [
        ({}, {"enterpriseId": None}, 400, "Enterprise ID is required"),
        ({}, {"enterpriseId": None, "x_enterpriseId": "DEMOCHN"}, 400, "Enterprise ID is required"),
        ({}, {"enterpriseId": "lower"}, 400, "Enterprise ID is invalid"),
        ({}, {"enterpriseId": "OTHERCHN"}, 401, ""),
        ({}, {"Authorization": "Basic bm9ib2R5Om5vdGhpbmc="}, 401, ""),
        ({}, {"Authorization": "Basic %%"}, 401, ""),
        ({}, {"x_app_key": None}, 401, ""),
        ({}, {"x_app_key": "11111111-1111-4111-a111-111111111111"}, 401, ""),
        ({"grant_type": "Client Credentials"}, {}, 401, ""),
        ({"grant_type": "password"}, {}, 403, ""),
        ({"scope": "urn:opc:hgbu:ws:myscopes"}, {}, 401, ""),
    ],
)
async def test_a_wrong_token_request_is_refused(
    desk: Desk, form: Row, headers: dict[str, str | None], status: int, said: str
) -> None:
    """Section 1: the header has no prefix, the grant no blank, the scope double underscores."""
    answer = await desk.ask_token(form, **headers)
    assert answer.status_code == status
    assert said in answer.text if said else answer.content == b""


async def test_an_older_environment_takes_a_password() -> None:
    """Section 1: SSD environments; a wrong password is 402."""
    async with running_desk(mode="ssd", reservations=0) as desk:
        assert desk.simulator.credentials.keys() >= {"username", "password"}
        assert (await desk.read(f"/bof/v1/hotels/{HOTEL}/businessDate")).status_code == 200
        wrong = await desk.ask_token({"password": "guessed"})
        assert (wrong.status_code, "invalid_grant" in wrong.text) == (402, True)
        assert (await desk.ask_token({"grant_type": "client_credentials"}, enterpriseId="DEMOCHN")).status_code == 403


async def test_a_token_request_is_a_form(desk: Desk) -> None:
    answer = await desk.client.post("/oauth/v1/tokens", json={"grant_type": "client_credentials"})
    assert (answer.status_code, answer.content) == (415, b"")


@pytest.mark.parametrize(
    ("path", "headers", "status", "code"),
    [
        (f"{RSV}/41001", {"Authorization": "Bearer nobody"}, 401, None),
        (f"{RSV}/41001", {"x_app_key": "x"}, 401, None),
        (f"{RSV}/41001", {"Accept": "text/html"}, 406, None),
        (f"{RSV}/41001", {"x_hotelid": "NOWHERE"}, 403, f"{GEN}1244"),
        (f"{RSV}/41001", {"x_hotelid": ""}, 403, f"{GEN}1244"),
        ("/rsv/v1/hotels/NOWHERE/reservations/41001", {}, 403, f"{GEN}1244"),
        (f"{RSV}/41001", {"x_hubid": "HUB"}, 403, f"{GEN}1265"),
        (f"{RSV}/abc", {}, 400, f"{GEN}1278"),
        (f"{RSV}/abc", {"x_hotelid": "NOWHERE"}, 400, f"{GEN}1278"),
        (f"{RSV}/99", {}, 404, None),
        (f"/rsv/v1/hotels/{HOTEL}/nothing", {}, 404, None),
    ],
)
async def test_a_wrong_read_is_refused(
    desk: Desk, path: str, headers: dict[str, str], status: int, code: str | None
) -> None:
    """Section 3: most refusals are bare; values are checked before permissions."""
    answer = await desk.read(path, **headers)
    assert answer.status_code == status
    assert answer.json()["o:errorCode"] == code if code else answer.content == b""


async def test_another_method_is_not_allowed(desk: Desk) -> None:
    answer = await desk.client.delete(f"{RSV}/41001", headers=desk.headers)
    assert (answer.status_code, answer.content) == (405, b"")


async def test_modules_and_hotels_may_be_closed_to_an_application() -> None:
    """Section 1: not every gateway serves every module."""
    async with running_desk(hotels=2, modules=("rsv",), hidden_hotels=(OTHER,), reservations=4) as desk:
        plan = await desk.read(f"/bof/v1/hotels/{HOTEL}/businessDate")
        assert (plan.status_code, "No Subscribed Plan" in plan.text) == (403, True)
        assert (await desk.read(RSV, EVER)).status_code == 200
        assert (await desk.read(f"/rsv/v1/hotels/{OTHER}/reservations", EVER)).status_code == 403
        across = (await desk.read("/rsv/v1/reservations", EVER)).json()["reservations"]["reservationInfo"]
        assert {row["hotelId"] for row in across} == {HOTEL}


async def test_the_gateway_delays_first_and_refuses_above_the_burst(monkeypatch: pytest.MonkeyPatch) -> None:
    """Section 2: all calls count, 429 has neither body nor Retry-After."""
    held_back: list[float] = []

    async def hold_back(seconds: float) -> None:
        held_back.append(seconds)

    monkeypatch.setattr(gateway, "sleep", hold_back)
    async with running_desk(reservations=0, limits=Limits(sustained=3, burst=5, delay=0.75)) as desk:
        calls = [desk.read(f"/bof/v1/hotels/{HOTEL}/businessDate") for _ in range(7)]
        answers = await asyncio.gather(*calls)
        assert [one.status_code for one in answers].count(429) == 3  # the token took one of the five
        assert held_back == [0.75, 0.75]
        refused = next(one for one in answers if one.status_code == 429)
        assert (refused.content, "Retry-After" in refused.headers) == (b"", False)


async def test_polling_has_a_limit_of_its_own() -> None:
    """Section 2: 300 polls a minute for the whole gateway."""
    async with running_desk(reservations=0, limits=Limits(1000, 1000, polls_per_minute=3)) as desk:
        assert [(await desk.read(QUEUE)).status_code for _ in range(4)] == [204, 204, 204, 429]
        await desk.sim("clock", advance_s=61)
        assert (await desk.read(QUEUE)).status_code == 204


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ([], f"{GEN}1346"),
        ([("limit", "20"), ("searchType", "Any")], f"{GEN}1346"),
        ([EVER, ("searchType", "Sometimes")], f"{GEN}1346"),
        ([EVER, ("reservationStatuses", "NoShow,Cancelled")], f"{GEN}1346"),
        ([EVER, ("fetchInstructions", "Comments")], f"{GEN}1346"),
        ([("reservationIdList", "41001,41002")], f"{GEN}1346"),
        ([("reservationIdList", "abc")], f"{GEN}1278"),
        ([("arrivalStartDate", "1.3.2026")], f"{GEN}1346"),
        ([EVER, ("limit", "many")], f"{GEN}1346"),
        ([EVER, ("limit", "201")], "ODE09998"),
    ],
)
async def test_a_search_with_a_bad_value_fails_as_a_whole(desk: Desk, query: list[Any], code: str) -> None:
    """Section 5: comma lists are one unknown value; one unknown instruction fails the call."""
    answer = await desk.read(RSV, *query)
    assert (answer.status_code, answer.json()["o:errorCode"]) == (400, code)


async def test_an_unknown_parameter_is_silently_ignored(desk: Desk) -> None:
    """Section 5: there is no modified-since filter, and asking for one filters nothing."""
    assert await desk.infos(EVER, ("lastModifiedDate", "2099-01-01")) == await desk.infos(EVER)


async def test_pages_follow_the_arrival_and_their_offset_is_the_next_one(desk: Desk) -> None:
    """Sections 5 and 6.1: hasMore is a hint only, an empty page is 204."""
    rows: list[Row] = []
    while (answer := await desk.read(RSV, EVER, ("limit", 7), ("offset", len(rows)))).status_code == 200:
        told = answer.json()["reservations"]
        rows += told["reservationInfo"]
        assert (int(told["offset"]) % 7, told["hasMore"]) == (0, True)
    assert answer.content == b""
    assert int(told["totalResults"]) == len(rows)
    arrivals = [row["roomStay"]["arrivalDate"] for row in rows]
    assert arrivals == sorted(arrivals)
    mine = [one["ref"] for one in (await desk.truth())["reservations"] if one["property_ref"] == HOTEL]
    assert sorted(map(ref_of, rows)) == sorted(mine)


async def test_rows_shift_between_pages_when_the_data_change(quiet: Desk) -> None:
    """CUR-04's sender: sorting is by stay fields, never by time of change."""
    refs = [await quiet.booked(arrival=f"2030-03-0{day}", departure="2030-03-20") for day in (1, 2, 3)]
    first = [
        ref_of(row) for row in (await quiet.read(RSV, EVER, ("limit", 1))).json()["reservations"]["reservationInfo"]
    ]
    await quiet.change("modify", ref=refs[2], set={"arrival": "2030-02-01"})
    second = await quiet.read(RSV, EVER, ("limit", 1), ("offset", 1))
    assert first == [ref_of(second.json()["reservations"]["reservationInfo"][0])] == [refs[0]]


async def test_a_day_of_creation_or_cancellation_is_a_business_date(quiet: Desk) -> None:
    """Sections 6.1 and 7.5: at half past one in the night the business date is still yesterday (TIM-08's sender)."""
    await quiet.sim("clock", now="2026-03-10T00:30:00Z")
    await quiet.log_in()
    kept, gone = await quiet.booked(), await quiet.booked()
    await quiet.change("cancel", ref=gone)
    told = (await quiet.read(f"/bof/v1/hotels/{HOTEL}/businessDate")).json()
    assert told["hotels"] == [{"hotelId": HOTEL, "businessDate": "2026-03-09"}]
    assert [ref_of(row) for row in await quiet.infos(("createdOnStartDate", "2026-03-09"))] == [kept, gone]
    assert [ref_of(row) for row in await quiet.infos(("cancelledOn", "2026-03-09"))] == [gone]
    assert await quiet.infos(("createdOnStartDate", "2026-03-10")) == []


async def test_the_summary_is_a_light_row_of_one_day(quiet: Desk) -> None:
    """Section 6.1: single days, with the time of change, at most 200 rows and 5,000 in all."""
    ref = await quiet.booked()
    path = f"{RSV}/summary"
    told = (await quiet.read(path, ("arrivalDate", STAY["arrival"]))).json()["reservationsSummaryInformation"]
    (row,) = told["reservationsInformation"]
    assert (ref_of(row), told["hasMore"], told["offset"], told["limit"]) == (ref, False, 200, 200)
    assert row["reservationDates"]["lastModifyDateTime"].endswith(".0")
    assert (await quiet.read(path, ("arrivalDate", "2030-03-02"))).status_code == 204
    assert (await quiet.read(path, ("arrivalDate", "2030-03-01"), ("offset", 4801))).status_code == 400
    assert (await quiet.read(path)).status_code == 400


async def test_a_search_can_ask_for_statuses_rooms_and_people(desk: Desk) -> None:
    """Section 6.1: the filter's words are not the status words."""
    truth = [one for one in (await desk.truth())["reservations"] if one["property_ref"] == HOTEL]
    for word, status in (("WaitList", "Waitlisted"), ("Cancelled", "Cancelled"), ("CheckedOut", "CheckedOut")):
        wanted = {one["ref"] for one in truth if one["vendor_status"] == status}
        assert {ref_of(row) for row in await desk.infos(EVER, ("reservationStatuses", word))} == wanted != set()
    one = truth[0]
    assert [ref_of(row) for row in await desk.infos(("profileId", one["booker"]["ref"]))] == [one["ref"]]
    assert ref_of((await desk.infos(("surname", one["booker"]["last_name"])))[0]) == one["ref"]


async def test_external_references_come_only_when_asked_for(quiet: Desk) -> None:
    """Section 6.1: resvExternalReferencesToFetch; the single read and the summary have them."""
    ref = await quiet.booked(channel="booking_com", channel_reference="BO123")
    assert all("externalReferences" not in row for row in await quiet.infos(EVER))
    (row,) = await quiet.infos(EVER, ("resvExternalReferencesToFetch", "BOOKING.COM"))
    reference = {"id": "BO123", "idExtension": 1, "idContext": "BOOKING.COM"}
    assert row["externalReferences"] == (await quiet.reservation(ref))["externalReferences"] == [reference]
    found = await quiet.read(f"/rsv/v1/hotels/{HOTEL}/externalSystems/BOOKING.COM/reservations/BO123")
    assert ref_of(found.json()["reservations"]["reservation"][0]) == ref
    assert (await quiet.read(RSV, ("externalReferenceIds", "BO999"))).status_code == 204


async def test_the_computed_status_follows_the_business_date(quiet: Desk) -> None:
    """Section 6.1: a stored Reserved is DueIn on the day of arrival, InHouse DueOut on the day of departure."""
    ref = await quiet.booked()
    seen: list[tuple[str, str]] = []
    for day, status in (("2030-02-28", None), ("2030-03-01", None), ("2030-03-02", "checked_in"), ("2030-03-04", None)):
        await quiet.change("modify", ref=HOTEL, vendor={"businessDate": day})
        if status:
            await quiet.change("modify", ref=ref, set={"status": status})
        row = await quiet.reservation(ref)
        seen.append((row["reservationStatus"], row["computedReservationStatus"]))
    assert seen == [("Reserved", "Reserved"), ("Reserved", "DueIn"), ("InHouse", "InHouse"), ("InHouse", "DueOut")]


async def test_comments_come_only_with_their_instruction(quiet: Desk) -> None:
    """Section 5: `Comments` is accepted where `ReservationComments` fails the call."""
    ref = await quiet.booked(notes="Quiet room.")
    assert "comments" not in await quiet.reservation(ref)
    (comment,) = (await quiet.reservation(ref, "Reservation", "Comments"))["comments"]
    assert (comment["comment"]["text"]["value"], comment["comment"]["type"]) == ("Quiet room.", "RESERVATION")
    assert (await quiet.read(f"{RSV}/{ref}", ("fetchInstructions", "ReservationComments"))).status_code == 400


async def test_a_subscription_may_refuse_an_instruction() -> None:
    """Section 5: which are accepted differs per operation and subscription."""
    async with running_desk(refused_instructions=("Comments",), reservations=1) as desk:
        ref = (await desk.truth())["reservations"][0]["ref"]
        assert (await desk.read(f"{RSV}/{ref}", ("fetchInstructions", "Comments"))).status_code == 400
        assert (await desk.reservation(ref, "Reservation"))["hotelId"] == HOTEL


async def test_an_unknown_reservation_may_also_be_an_empty_answer() -> None:
    """The API file has 204, section 3 has 404; which of them a server sends is a switch."""
    async with running_desk(missing=204, reservations=0) as desk:
        assert (await desk.read(f"{RSV}/99")).status_code == 204


async def test_a_reservation_of_another_hotel_is_not_there(desk: Desk) -> None:
    theirs = next(one["ref"] for one in (await desk.truth())["reservations"] if one["property_ref"] == OTHER)
    assert (await desk.read(f"{RSV}/{theirs}")).status_code == 404


async def test_ids_stand_in_any_order_and_numbers_may_be_texts(desk: Desk) -> None:
    """Section 5: search by type, accept text and number, list and single object, both meanings of `end`."""
    rows = [await desk.reservation(ref_of(row), "Reservation") for row in await desk.infos(EVER)]
    assert len({row["reservationIdList"][0]["type"] for row in rows}) > 1
    assert {type(row["roomStay"]["guestCounts"]["adults"]) for row in rows} == {int, str}
    assert {type(row["roomStay"]["roomRates"]) for row in rows} == {list, dict}
    rates = [row["roomStay"]["roomRates"] for row in rows]
    ends = [(row["roomStay"]["departureDate"], rate) for row, rate in zip(rows, rates, strict=True)]
    last = [(left, rate[-1] if isinstance(rate, list) else rate) for left, rate in ends]
    assert {left == rate["end"] for left, rate in last} == {True, False}
    assert all(isinstance(one["id"], str) for row in rows for one in row["reservationIdList"])


async def test_old_wrappers_and_iso_times_can_be_switched_on() -> None:
    """Section 5: obsolete wrappers of examples, and times that are ISO after all."""
    async with running_desk(reservations=0, quirks=Quirks(old_wrappers="always", iso_times="always")) as desk:
        ref = await desk.booked(notes="x")
        row = await desk.reservation(ref, "Reservation", "Comments")
        assert row["reservationGuests"]["reservationGuest"][0]["primary"] is True
        assert row["comments"]["commentInfo"][0]["type"] == "Comment"
        assert "T" in row["lastModifyDateTime"]


async def test_prices_are_told_per_night_before_and_after_tax(quiet: Desk) -> None:
    """Section 6.2: one entry of roomRates for each stretch of equal prices."""
    ref = await quiet.booked(total="330.01")
    stay = (await quiet.reservation(ref))["roomStay"]
    assert (stay["total"]["amountAfterTax"], stay["total"]["currencyCode"]) == (330.01, "EUR")
    nights = [night for stretch in stay["roomRates"] for night in stretch["rates"]["rate"]]
    assert [night["total"]["amountAfterTax"] for night in nights] == [110.01, 110, 110]
    assert [night["base"]["amountBeforeTax"] for night in nights] == [100.01, 100, 100]
    assert len(stay["roomRates"]) == 2
    assert stay["roomRates"][0]["start"] == STAY["arrival"]


async def test_the_catalogue_is_what_the_control_plane_says(desk: Desk) -> None:
    """Sections 7.1, 7.2, 7.5: types with their rooms, rate plans, numbers of rooms as ids."""
    place = (await desk.truth())["properties"][0]
    types = (await desk.read(f"/rm/config/v1/hotels/{HOTEL}/roomTypes")).json()["roomTypes"][0]["roomType"]
    units = [(one["ref"], one["units"]) for one in place["room_types"]]
    assert [(one["roomType"], one["numberOfRooms"]) for one in types] == units
    numbers = [room["ref"] for one in place["room_types"] for room in one["rooms"]]
    configured = (await desk.read(f"/rm/config/v1/hotels/{HOTEL}/rooms")).json()["rooms"][0]["room"]
    at_the_desk = (await desk.read(f"/fof/v1/hotels/{HOTEL}/rooms")).json()["hotelRoomsDetails"]["room"]
    board = (await desk.read(f"/hsk/v1/hotels/{HOTEL}/housekeepingOverview")).json()["housekeepingRoomInfo"]
    for rooms in (configured, at_the_desk, board["housekeepingRooms"]["room"]):
        assert [room["roomId"] for room in rooms] == numbers
    plans = (await desk.read(f"/rtp/v1/hotels/{HOTEL}/ratePlans")).json()["ratePlans"]
    used = {one["room_stays"][0]["rate_plan_ref"] for one in (await desk.truth())["reservations"]}
    assert used <= {plan["ratePlanCode"] for plan in plans}


async def test_rooms_out_of_order_are_listed_within_ninety_days(quiet: Desk) -> None:
    """Sections 2 and 7.2: the last day is out of order too; out of service is a list of its own."""
    said = {"kind": "out_of_order", "room_ref": "101", **STAY}
    ref = (await quiet.change("create", set=said))["ref"]
    lists = [f"/hsk/v1/hotels/{HOTEL}/rooms/{name}" for name in ("outOfOrderRooms", "outOfServiceRooms")]
    span = [("startDate", "2030-03-03"), ("endDate", "2030-06-01")]
    (room,) = (await quiet.read(lists[0], *span)).json()["housekeepingRooms"]["room"]
    (repair,) = room["outOfOrder"]
    named = f"101/{repair['roomRepairId']['id']}"
    assert (named, repair["start"], repair["end"]) == (ref, "2030-03-01", "2030-03-03")
    assert (await quiet.read(lists[1], *span)).status_code == 204
    assert (await quiet.read(lists[0], ("startDate", "2030-03-04"))).status_code == 204
    assert (await quiet.read(lists[0], span[0], ("endDate", "2030-06-02"))).status_code == 400
    assert (await quiet.read(lists[0])).status_code == 400
    await quiet.change("delete", ref=ref)
    assert (await quiet.read(lists[0], *span)).status_code == 204


async def test_a_profile_shows_contact_data_only_when_asked(quiet: Desk) -> None:
    """Section 7.4: Address and Communication are instructions; one that is not there is CRM00073."""
    booker = {"first_name": "Ann", "last_name": "Lee", "email": "ann@example.com", "phone": "1", "country": "FR"}
    guest = (await quiet.told(await quiet.booked(booker=booker)))["booker"]["ref"]
    bare = (await quiet.read(f"/crm/v1/profiles/{guest}")).json()["profileDetails"]
    assert "emails" not in bare
    asked = [("fetchInstructions", "Address"), ("fetchInstructions", "Communication")]
    told = (await quiet.read(f"/crm/v1/profiles/{guest}", *asked)).json()["profileDetails"]
    assert told["emails"]["emailInfo"][0]["email"]["emailAddress"] == "ann@example.com"
    assert told["addresses"]["addressInfo"][0]["address"]["country"]["code"] == "FR"
    missing = await quiet.read("/crm/v1/profiles/1")
    assert (missing.status_code, missing.json()["o:errorCode"]) == (404, "CRM00073")
