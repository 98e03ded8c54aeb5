"""The simulated OHIP gateway answers as Oracle's API files say, apart from listed deviations with a source."""

from __future__ import annotations

from collections.abc import AsyncIterator
from fnmatch import fnmatchcase

import httpx
import pytest
import pytest_asyncio

from connectors.opera.simulator.app import TOKENS
from connectors.opera.simulator.backend import OperaBackend, Options
from connectors.opera.simulator.gateway import Limits
from connectors.opera.simulator.operations import operations
from connectors.opera.simulator.quirks import plain
from tests.contract.opera_desk import CHAIN_QUEUE, EVER, HOTEL, QUEUE, RSV, STAY, Desk, running_desk
from tests.contract.swagger_spec import Swagger
from tests.contract.vendor_spec import deviations, spec_file, unexplained

FILES = [f"opera/{name}.json" for name in ("oauth", "int", "bof", "rsv", "crm", "rmcfg", "hsk", "fof", "rtp")]
VENDOR = "opera_simulator"
RM, HSK = f"/rm/config/v1/hotels/{HOTEL}", f"/hsk/v1/hotels/{HOTEL}"
ALL = [("fetchInstructions", one) for one in ("Reservation", "Comments", "ReservationPaymentMethods")]
SPAN = [("startDate", "2030-03-01"), ("endDate", "2030-05-01")]
CONTACT = [("fetchInstructions", one) for one in ("Address", "Communication")]
CALLS: list[tuple[str, list[tuple[str, str]]]] = [
    *((RSV, [EVER, ("limit", "20"), ("offset", str(offset))]) for offset in (0, 20, 500)),
    (RSV, [EVER, ("fetchInstructions", "Reservation"), ("fetchInstructions", "CancellationInfo")]),
    (RSV, [EVER, ("resvExternalReferencesToFetch", "BOOKING.COM"), ("excludePMRooms", "true")]),
    (RSV, [("createdOnStartDate", "2026-01-01"), ("cancelledOn", "2026-01-01")]),
    (RSV, []),
    ("/rsv/v1/reservations", [EVER, ("hotelIds", HOTEL)]),
    (f"{RSV}/summary", [("arrivalDate", STAY["arrival"])]),
    (f"{RSV}/99", []),
    (f"{RSV}/abc", []),
    ("/crm/v1/profiles/50001", CONTACT),
    ("/crm/v1/profiles/50003", CONTACT),
    (f"/bof/v1/hotels/{HOTEL}/businessDate", []),
    ("/bof/v1/hotels/NOWHERE/businessDate", []),
    (f"{RM}/roomTypes", []),
    (f"{RM}/roomTypes", [("summaryInfo", "true"), ("limit", "1")]),
    (f"{RM}/rooms", [("roomTypeCodes", "DBL")]),
    (f"/fof/v1/hotels/{HOTEL}/rooms", [("hotelRoomStatus", "Clean"), ("roomType", "DBL")]),
    (f"{HSK}/housekeepingOverview", [("limit", "100"), ("fetchInstructions", "Summary")]),
    (f"{HSK}/housekeepingOverview", [("fromRoomNumber", "102"), ("toRoomNumber", "102")]),
    (f"{HSK}/rooms/outOfOrderRooms", SPAN),
    (f"{HSK}/rooms/outOfServiceRooms", SPAN),
    (f"/rtp/v1/hotels/{HOTEL}/ratePlans", []),
    (QUEUE, [("limit", "20")]),
    (CHAIN_QUEUE, [("limit", "20")]),
]


@pytest.fixture(scope="module")
def spec() -> Swagger:
    """Read Oracle's API files once."""
    missing = [str(spec_file(name)) for name in FILES if not spec_file(name).is_file()]
    if missing:
        pytest.skip(f"no vendor API files at {missing}; set PMS_SYNC_VENDOR_SPECS to the folder that holds them")
    return Swagger(*FILES)


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    """Run a hotel with sixty reservations, whose queue holds an event of every kind."""
    async with running_desk(rooms=6, reservations=60) as one:
        await _make_history(one)
        yield one


async def _make_history(desk: Desk) -> None:
    stays = [{**STAY, "total": "100.10"} for _ in range(6)]
    told = await desk.change("create", set={"room_stays": stays, "notes": "x", "channel": "booking_com"})
    for status in ("checked_in", "checked_out"):
        await desk.change("modify", ref=told["ref"], set={"status": status})
    for kind in ("out_of_order", "out_of_service"):
        await desk.change("create", set={**STAY, "kind": kind, "room_ref": "101"})
    await desk.change("modify", ref="102", vendor={"housekeepingRoomStatus": "Inspected"})
    await desk.change("modify", ref=HOTEL, vendor={"nightAudit": True})


def _checked(spec: Swagger, answer: httpx.Response) -> list[str]:
    request = answer.request
    body = answer.json() if answer.content else None
    return spec.check_answer(request.method, request.url.path, answer.status_code, body)


async def _errors(spec: Swagger, desk: Desk) -> list[str]:
    """Make every call of the list and return what differs from the API files."""
    rows = await desk.infos(EVER)
    singles = [f"{RSV}/{one['id']}" for row in rows for one in row["reservationIdList"] if one["type"] == "Reservation"]
    found: list[str] = []
    for path, query in [*CALLS, *((path, ALL) for path in singles)]:
        found += _checked(spec, await desk.read(path, *query))
        found += spec.check_request("GET", path, query, {**desk.headers, "authorization": ""})
    for answer in (
        await desk.ask_token(),
        await desk.ask_token(enterpriseId=None),
        await desk.ask_token(x_app_key="x"),
    ):
        found += _checked(spec, answer)
    return found + await _refusals(spec)


async def _refusals(spec: Swagger) -> list[str]:
    """Return what differs in refusals that need another environment."""
    async with running_desk(reservations=0, mode="ssd") as desk:
        found = _checked(spec, await desk.ask_token({"password": "guessed"}))
    async with running_desk(reservations=0, limits=Limits(1000, 1000, 1)) as desk:
        answers = [await desk.read(QUEUE) for _ in range(2)]
        return found + [error for answer in answers for error in _checked(spec, answer)]


async def test_every_answer_agrees_with_the_files_or_with_a_listed_deviation(spec: Swagger, desk: Desk) -> None:
    """Answers and error answers of every operation are checked against the schemas."""
    assert unexplained(await _errors(spec, desk), VENDOR) == []


async def test_every_listed_deviation_is_still_seen(spec: Swagger, desk: Desk) -> None:
    """A deviation that matches nothing any more would hide a later mistake."""
    errors = await _errors(spec, desk)
    assert [one for one in deviations(VENDOR) if not any(fnmatchcase(error, one) for error in errors)] == []


async def test_without_its_quirks_it_keeps_to_the_schema(spec: Swagger) -> None:
    """Only the length of dates is left, which is the file's own slip."""
    async with running_desk(rooms=6, reservations=60, quirks=plain()) as desk:
        await _make_history(desk)
        answers = [await desk.read(path, *query) for path, query in CALLS]
    found = [error for answer in answers if answer.is_success for error in _checked(spec, answer)]
    assert {error for error in found if not error.endswith("is too long")} == set()


def test_every_operation_and_parameter_served_is_in_the_files(spec: Swagger) -> None:
    """A path or a parameter that Oracle does not have would be an invention."""
    backend = OperaBackend(1, Options())
    for one in operations(backend):
        path = one.path.replace("{reservationId}", "1").replace("{", "").replace("}", "")
        found = spec.operation("GET", path)
        assert found is not None, one.path
        named = {parameter["name"]: parameter for parameter in found[0]["parameters"] if parameter["in"] == "query"}
        served = set(one.parameters) - ({"hotelIds"} if "{hotelId}" in one.path else set())
        assert served <= named.keys(), one.path
        for name in served:
            allowed = one.parameters[name].allowed
            assert allowed <= set(named[name].get("enum") or named[name].get("items", {}).get("enum", allowed)), name
    assert spec.operation("POST", TOKENS) is not None
