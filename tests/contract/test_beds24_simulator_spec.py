"""The simulated Beds24 answers as the vendor's own API file says, apart from listed deviations with a source."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from urllib.parse import urlencode

import httpx
import pytest
import pytest_asyncio

from connectors.beds24.simulator.app import Beds24Simulator, create
from connectors.beds24.simulator.auth import DEFAULT_SCOPES
from connectors.beds24.simulator.hooks import body as webhook_body
from tests.contract.vendor_spec import (
    VendorSpec,
    check_answer,
    check_headers,
    check_request,
    check_webhook,
    deviations,
    spec_file,
    unexplained,
)

SIX = [("status", word) for word in ("confirmed", "request", "new", "cancelled", "black", "inquiry")]
INCLUDES = [(f"include{name}", "true") for name in ("InvoiceItems", "InfoItems", "Guests", "BookingGroup")]
DAYS = [("startDate", "2026-03-01"), ("endDate", "2026-05-01")]
CALENDAR = [
    (f"include{name}", "true") for name in ("NumAvail", "MinStay", "MaxStay", "Multiplier", "Override", "Prices")
]
NEAR, FAR = ({"from": day, "to": day} for day in (f"{datetime.now(UTC) + timedelta(days=far):%F}" for far in (2, 1200)))
FIELDS = {"version": "twoWithPersonalData", "url": "http://127.0.0.1/x", "additionalData": "none"}
HOOKS = [{"id": 7, "webhooks": FIELDS}]
CALLS: list[tuple[str, str, list[tuple[str, str]], object]] = [
    ("GET", "/bookings", [*SIX, ("modifiedFrom", "2020-01-01T00:00:00"), *INCLUDES], None),
    ("GET", "/bookings", [("status", "bogus")], None),
    ("GET", "/bookings", [("arrivalFrom", "01.03.2026")], None),
    ("GET", "/properties", [("includeAllRooms", "true"), ("includeUnitDetails", "true")], None),
    ("POST", "/properties", [], HOOKS),
    ("POST", "/properties", [], [{"id": 999999, "webhooks": {"url": ""}}]),
    ("GET", "/inventory/rooms/calendar", [*DAYS, *CALENDAR], None),
    ("GET", "/inventory/rooms/calendar", DAYS, None),
    ("GET", "/inventory/rooms/calendar", [], None),
    ("GET", "/accounts", [], None),
    ("GET", "/authentication/details", [], None),
]
STAY = {"roomId": 55, "arrival": "2030-03-01", "departure": "2030-03-04"}
LINES = {"invoiceItems": [{"type": "charge", "qty": 2, "amount": 50.5}, {"type": "payment", "amount": 20}]}
INFOS = {"infoItems": [{"code": "PMSSYNC", "text": "token"}]}
GROUP = {"actions": {"makeGroup": True, "allowWebhooks": True}}
PERSON = {"firstName": "Ann", "email": "ann@example.com", "country2": "ES", "lang": "es", "price": 120.5, "notes": "n"}
OWN = {"reference": "token", "subStatus": "noShow", "allowReview": "disable"}
WRITES: list[tuple[str, str, list[tuple[str, str]], object]] = [
    (
        "POST",
        "/bookings",
        [],
        [{**STAY, **PERSON, **LINES, **INFOS}, {**STAY, **GROUP}, {**STAY, **GROUP, "unitId": 2}],
    ),
    ("POST", "/bookings", [], [{"id": 1001, "status": "cancelled"}, {"id": 1002, "roomId": 55, "unitId": 1, **OWN}]),
    ("POST", "/bookings", [], [{"id": 1003, "masterId": None, "infoItems": [{"id": 1}], "numAdult": 2}]),
    ("POST", "/bookings", [], [{**STAY, "roomId": 1}, {"id": 1}]),
    ("GET", "/bookings", [("id", "1061"), ("id", "1001"), ("id", "1063"), *INCLUDES], None),
    ("POST", "/inventory/rooms/calendar", [], [{"roomId": 55, "calendar": [{**NEAR, "price1": 99.5, "maxStay": 9}]}]),
    ("POST", "/inventory/rooms/calendar", [], [{"roomId": 55, "calendar": [{**FAR, "numAvail": 1}]}, {"roomId": 1}]),
    ("DELETE", "/bookings", [("id", "1001"), ("id", "1")], None),
]


@pytest.fixture(scope="module")
def spec() -> VendorSpec:
    """Read the vendor's API file once."""
    file = spec_file("beds24-v2.yaml")
    if not file.is_file():
        pytest.skip(f"no vendor API file at {file}; set PMS_SYNC_VENDOR_SPECS to the folder that holds it")
    return VendorSpec(file)


@pytest_asyncio.fixture
async def simulator() -> AsyncIterator[tuple[Beds24Simulator, str]]:
    """Run a simulated account of sixty bookings."""
    one = create(seed=5, reservations=60, scopes=(*DEFAULT_SCOPES, "delete:bookings"))
    yield one, await one.start()
    await one.stop()


async def _errors(spec: VendorSpec, simulator: Beds24Simulator, base_url: str) -> list[str]:
    """Make every call of the list and return what differs from the API file."""
    found: list[str] = []
    access = simulator.backend.tokens.mint(simulator.credentials["refresh_token"])["token"]
    async with httpx.AsyncClient(base_url=base_url, headers={"token": access}) as client:
        for method, path, query, body in [*CALLS, ("GET", "/bookings", [("id", "1")], None), *WRITES]:
            answer = await client.request(method, f"{path}?{urlencode(query)}", json=body)
            found += check_headers(spec, method, path, answer.status_code, answer.headers)
            found += check_answer(spec, method, path, answer.status_code, answer.json())
        for method, path, query, body in WRITES:
            found += check_request(spec, method, path, query, body)
        refused = await client.get("/bookings", headers={"token": "wrong"})
        found += check_answer(spec, "GET", "/bookings", refused.status_code, refused.json())
        limited = simulator.backend.refusal(429)
        found += check_answer(spec, "GET", "/bookings", limited.status, json.loads(limited.text or ""))
    return found + _webhook_errors(spec, simulator)


def _webhook_errors(spec: VendorSpec, simulator: Beds24Simulator) -> list[str]:
    hotel = simulator.backend.hotel
    bodies = [
        webhook_body(hotel, booking, hotel.properties[7], "2026-03-01T10:00:00Z", 0)
        for booking in hotel.bookings.values()
    ]
    return [error for body in bodies for error in check_webhook(spec, body)]


async def test_every_answer_agrees_with_the_vendors_file_or_with_a_listed_deviation(
    spec: VendorSpec, simulator: tuple[Beds24Simulator, str]
) -> None:
    """Answers, error answers, webhook bodies and the requests that write are checked against the schemas."""
    assert unexplained(await _errors(spec, *simulator), "beds24") == []


async def test_every_listed_deviation_is_still_seen(spec: VendorSpec, simulator: tuple[Beds24Simulator, str]) -> None:
    """A deviation that matches nothing any more would hide a later mistake."""
    errors = await _errors(spec, *simulator)
    idle = [pattern for pattern in deviations("beds24") if not any(fnmatchcase(error, pattern) for error in errors)]
    assert idle == []


async def test_token_answers_agree_with_the_file(spec: VendorSpec, simulator: tuple[Beds24Simulator, str]) -> None:
    """Setup by invite code and minting by refresh token have the documented bodies."""
    one, base_url = simulator
    async with httpx.AsyncClient(base_url=base_url) as client:
        setup = await client.get("/authentication/setup", headers={"code": one.backend.invite()})
        minted = await client.get("/authentication/token", headers={"refreshToken": setup.json()["refreshToken"]})
    assert check_answer(spec, "GET", "/authentication/setup", setup.status_code, setup.json()) == []
    assert check_answer(spec, "GET", "/authentication/token", minted.status_code, minted.json()) == []


@pytest.mark.parametrize(
    ("call", "query", "body", "said"),
    [
        ("GET /bookings", [("status", "new,confirmed")], None, "query status"),
        ("GET /bookings", [("includeCancelled", "true")], None, "unknown to the vendor"),
        ("GET /bookings", [("bookingId[]", "1")], None, "unknown to the vendor"),
        ("GET /bookings", [("page", "1"), ("page", "2")], None, "sent 2 times"),
        ("GET /bookings", [("arrivalFrom", "1.3.2026")], None, "is no date"),
        ("GET /inventory/rooms/calendar", [], None, "required and missing"),
        ("POST /bookings", [], [{"roomId": 55, "arrival": "2026-03-01"}], "'departure' is a required property"),
        ("POST /bookings", [], {"roomId": 55}, "is not of type 'array'"),
        ("POST /bookings", [], [{"id": 1, "checkIn": "x"}], "0/checkIn: unknown to the vendor"),
        ("GET /v2/settings/webhooks", [], None, "no such operation"),
    ],
)
def test_a_wrong_request_is_named(
    spec: VendorSpec, call: str, query: list[tuple[str, str]], body: object, said: str
) -> None:
    """The request check finds what the vendor would ignore or refuse."""
    method, path = call.split()
    assert any(said in error for error in check_request(spec, method, path, query, body))


@pytest.mark.parametrize("base", ["", "/v2", "/api/v2"])
def test_a_right_request_passes_under_every_base_path(spec: VendorSpec, base: str) -> None:
    """Repeated arrays and known names are no error."""
    query = [*SIX, ("modifiedFrom", "2026-03-01T00:00:00"), *INCLUDES, ("page", "2"), ("id", "1"), ("id", "2")]
    assert check_request(spec, "GET", f"{base}/bookings", query) == []
