"""The simulated Cloudbeds answers as the vendor's own API files say, apart from listed deviations with a source."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from fnmatch import fnmatchcase
from typing import Any

import pytest
import pytest_asyncio

from connectors.cloudbeds.simulator.access import READ_SCOPES, AccessHabits
from connectors.cloudbeds.simulator.ledger import PATH as LEDGER
from connectors.cloudbeds.simulator.operations import OPERATIONS, TOKENS
from tests.contract.cloudbeds_desk import API, RATED, Desk, Row, running_desk
from tests.contract.vendor_spec import VendorSpec, check_answer, check_request, deviations, spec_file, unexplained

ALL_SCOPES = AccessHabits(scopes=(*READ_SCOPES, "write:appError"))
EVERYTHING = {f"include{name}": "true" for name in ("GuestsDetails", "CustomFields", "AllRooms")}
UNLISTED = {"getRate"}
"""Every request takes propertyID (vendors/cloudbeds.md 10); the API file leaves it out here."""
DAYS = {"startDate": "2030-03-01", "endDate": "2030-03-04"}


def _read(name: str) -> VendorSpec:
    file = spec_file(name)
    if not file.is_file():
        pytest.skip(f"no vendor API file at {file}; set PMS_SYNC_VENDOR_SPECS to the folder that holds it")
    return VendorSpec(file)


@pytest.fixture(scope="module")
def spec() -> VendorSpec:
    """Read the API file of the PMS once."""
    return _read("cloudbeds-pms-v1.3-openapi.yaml")


@pytest.fixture(scope="module")
def accounting() -> VendorSpec:
    """Read the API file of the accounting module once."""
    return _read("cloudbeds-accounting-v1.0-openapi.json")


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    """Run two properties with a dorm, a virtual room type and a hundred bookings."""
    async with running_desk(5, hotels=2, rooms=8, reservations=120, special_rooms=True, access=ALL_SCOPES) as one:
        yield one


async def _asked(desk: Desk) -> list[tuple[str, dict[str, str]]]:
    """Return reads that together show every kind of row."""
    place, group = {"propertyID": desk.home}, {"propertyIDs": desk.home}
    held = next(one for one in (await desk.truth())["blocks"] if one["property_ref"] == desk.home)
    mine = [one for one in (await desk.truth())["reservations"] if one["property_ref"] == desk.home]
    one = {"reservationID": mine[0]["ref"]}
    return [
        ("oauth/metadata", {}),
        ("userinfo", {}),
        ("getReservations", {**place, "includeGuestsDetails": "true", "includeAllRooms": "true"}),
        ("getReservations", {**place, "includeCustomFields": "true", "status": "canceled", "pageSize": "2"}),
        ("getReservations", {**place, "roomID": desk.rooms[0], "status": "confirmed"}),
        (RATED, {**place, "includeGuestsDetails": "true", "includeCustomFields": "true", "includeDeleted": "true"}),
        *(("getReservation", {**place, "reservationID": each["ref"]}) for each in mine),
        ("getReservation", {**place, "reservationID": "0"}),
        ("getReservationNotes", {**place, **one}),
        ("getReservationAssignments", {**place, "date": mine[0]["room_stays"][0]["arrival"]}),
        ("getReservationRoomDetails", {**place, "subReservationID": mine[0]["room_stays"][0]["ref"]}),
        ("getSources", group),
        ("getGuest", {**place, "guestID": mine[0]["booker"]["ref"]}),
        ("getGuestList", {**group, "includeGuestInfo": "true"}),
        ("getGuestList", {**group, "guestEmail": "nobody@guests.example"}),
        ("getGuestsModified", {**group, "checkInFrom": "2020-01-01"}),
        ("getGuestsModified", {**group, "resultsFrom": "2020-01-01 00:00:00", "resultsTo": "2040-01-01 00:00:00"}),
        ("getGuestsByStatus", {**place, "status": "checked_out"}),
        ("getGuestsByFilter", {**group, "status": "cancelled"}),
        ("getHotels", group),
        ("getHotelDetails", place),
        ("getRoomTypes", group),
        ("getRooms", {**group, "includeRoomRelations": "1"}),
        ("getRoomsUnassigned", group),
        ("getRatePlans", {**group, **DAYS, "detailedRates": "true"}),
        ("getRate", {**place, **DAYS, "roomTypeID": "20123401", "detailedRates": "true"}),
        ("getRoomBlocks", {**place, "startDate": held["arrival"], "endDate": held["arrival"]}),
        ("getHousekeepingStatus", place),
        ("getHousekeepers", place),
        ("getHouseAccountList", place),
        ("getDashboard", place),
        ("getCurrencySettings", place),
        ("getTaxesAndFees", place),
        ("getCustomFields", place),
        ("getGroups", place),
        ("getAllotmentBlocks", place),
        ("getAppState", place),
        ("getAppSettings", place),
        ("getWebhooks", place),
    ]


def _written(desk: Desk) -> list[tuple[str, Row]]:
    hook = {"object": "reservation", "action": "created", "endpointUrl": "http://127.0.0.1/x"}
    error = {"timestamp": "2026-03-01T10:00:00", "eventType": "sync", "description": "n"}
    return [
        ("postWebhook", {"propertyID": desk.home, **hook}),
        ("postAppState", {"propertyID": desk.home, "app_state": "enabled"}),
        ("postAppError", {"propertyID": desk.home, **error}),
    ]


async def _errors(desk: Desk, spec: VendorSpec) -> list[str]:
    """Make every call and return what differs from the API file."""
    found: list[str] = []
    await desk.change("cancel", ref=await desk.booked(guests=[{"last_name": "Friend"}]))
    await desk.change("delete", ref=await desk.booked())
    for method, body in _written(desk):
        written = await desk.client.post(API + method, data=body, headers=desk.key)
        found += check_request(spec, "POST", API + method, (), body)
        found += check_answer(spec, "POST", API + method, written.status_code, written.json())
    for method, query in await _asked(desk):
        answer = await desk.client.get(API + method, params=query, headers=desk.key)
        named = [(name, value) for name, value in query.items() if method not in UNLISTED or name != "propertyID"]
        found += check_request(spec, "GET", API + method, named)
        found += check_answer(spec, "GET", API + method, answer.status_code, answer.json())
    hook = (await desk.rows("getWebhooks"))[0]["id"]
    gone = await desk.client.delete(API + "deleteWebhook", params={"subscriptionID": hook}, headers=desk.key)
    found += check_answer(spec, "DELETE", API + "deleteWebhook", gone.status_code, gone.json())
    return found + await _token_errors(desk, spec)


async def _token_errors(desk: Desk, spec: VendorSpec) -> list[str]:
    access = desk.simulator.backend.access
    client = {"client_id": access.client_id, "client_secret": access.client_secret}
    body = {**client, "grant_type": "authorization_code", "code": access.code(), "redirect_uri": "https://x.example"}
    answer = await desk.client.post(API + TOKENS, data=body)
    refused = await desk.client.get(API + "getHotels", headers={"x-api-key": "cbat_wrong"})
    return [
        *check_request(spec, "POST", API + TOKENS, (), body),
        *check_answer(spec, "POST", API + TOKENS, answer.status_code, answer.json()),
        *check_answer(spec, "GET", API + "getHotels", refused.status_code, refused.json()),
    ]


async def test_every_answer_agrees_with_the_vendors_file_or_with_a_listed_deviation(
    desk: Desk, spec: VendorSpec
) -> None:
    """Answers, failures inside 200, error answers and the requests that write."""
    assert unexplained(unexplained(await _errors(desk, spec), "cloudbeds_answers"), "cloudbeds") == []


async def test_every_listed_deviation_of_the_simulator_is_still_seen(desk: Desk, spec: VendorSpec) -> None:
    """A deviation that matches nothing any more would hide a later mistake."""
    errors = await _errors(desk, spec)
    assert [
        pattern
        for pattern in deviations("cloudbeds_answers")
        if not any(fnmatchcase(error, pattern) for error in errors)
    ] == []


async def test_every_operation_is_among_the_calls(desk: Desk) -> None:
    """So that none is left unchecked."""
    asked = {method for method, _ in [*await _asked(desk), *_written(desk)]} | {"deleteWebhook"}
    assert asked == set(OPERATIONS)


async def test_every_kind_of_row_is_seeded(desk: Desk) -> None:
    """An empty list agrees with every schema."""
    hotel = desk.simulator.backend.hotel
    bookings = hotel["reservations"].rows()
    assert {one["status"] for one in bookings} >= {"confirmed", "canceled", "checked_in", "checked_out", "no_show"}
    assert {one["status"] for one in bookings} >= {"not_confirmed"}
    assert any(len(one["lines"]) > 1 for one in bookings)
    assert any(line["roomID"] is None for one in bookings for line in one["lines"])
    assert any(line["isRoomLocked"] for one in bookings for line in one["lines"])
    assert all(hotel[name].rows() for name in ("guests", "blocks", "rooms", "transactions"))


def test_verbs_and_scopes_are_those_of_the_api_file(spec: VendorSpec) -> None:
    """The name does not tell the verb (3); scopes are enforced per operation (2.4)."""
    wrong = []
    for name, operation in OPERATIONS.items():
        told = spec.operation(operation.verb, API + name)
        if told is None:
            wrong.append(f"{operation.verb} {name}: no such operation")
            continue
        scopes = {scope for way in told.get("security", []) for found in way.values() for scope in found}
        if scopes != ({operation.scope} if operation.scope else set()):
            wrong.append(f"{name}: {scopes}")
    assert wrong == []


def test_properties_and_mandatory_parameters_are_named_as_in_the_api_file(spec: VendorSpec) -> None:
    """`propertyID`, `propertyIDs`, `property_id`: the wrong one is ignored (15.10)."""
    wrong = []
    for name, operation in OPERATIONS.items():
        told = spec.operation(operation.verb, API + name) or {}
        if operation.verb == "POST" or name == "oauth/metadata":
            continue
        parameters = spec.parameters(told)
        if operation.place not in parameters and name not in UNLISTED:
            wrong.append(f"{name}: {operation.place}")
        if {one for one, rule in parameters.items() if rule.get("required")} != set(operation.needs):
            wrong.append(f"{name}: {operation.needs}")
    assert wrong == []


def test_page_sizes_are_those_of_the_api_file(spec: VendorSpec) -> None:
    """Defaults and maxima of section 6, where the file tells them."""
    told: dict[str, tuple[Any, str | None]] = {}
    for name in OPERATIONS:
        parameter = spec.parameters(spec.operation("GET", API + name) or {}).get("pageSize")
        if parameter is not None:
            most = re.search(r"Max\w* = (\d+)", parameter.get("description", ""))
            told[name] = (parameter["schema"].get("default"), most[1] if most else None)
    assert told["getReservations"] == told[RATED] == told["getGuestList"] == told["getGuestsModified"] == (100, "100")
    assert {told[name][0] for name in ("getHotels", "getRooms", "getRoomTypes", "getRoomBlocks")} == {20}
    assert told["getGuestsByStatus"][0] == 20


async def test_the_ledger_agrees_with_the_accounting_file(desk: Desk, accounting: VendorSpec) -> None:
    """Answers of POST /accounting/v1.0/transactions; for requests the file's oneOf lets one condition be two things."""
    since = {"operator": "greater_than", "field": "transaction_datetime", "value": "2020-01-01T00:00:00Z"}
    body = {"filters": {"and": [since]}, "limit": 5, "sort": [{"field": "created_at", "direction": "asc"}]}
    headers = {**desk.key, "X-Property-ID": desk.home}
    answer = await desk.client.post(LEDGER, json=body, headers=headers)
    assert answer.json()["transactions"]
    assert check_answer(accounting, "POST", LEDGER, answer.status_code, answer.json()) == []
