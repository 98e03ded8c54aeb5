"""The simulated Mews answers as the vendor's API file and field tables say, apart from listed deviations with a source.

Both are read: the API file validates requests and answers, the field tables of the documentation are newer.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from fnmatch import fnmatchcase

import pytest
import pytest_asyncio

from connectors.mews.simulator import hooks
from connectors.mews.simulator.access import ACTIONS, Integration
from connectors.mews.simulator.operations import OPERATIONS
from tests.contract.mews_desk import API, BOTH, RESERVATIONS, STATES, Desk, Row, between, running_desk
from tests.contract.mews_tables import FieldTables
from tests.contract.vendor_spec import VendorSpec, check_answer, check_request, deviations, spec_file, unexplained

RECENT = between("2026-01-01T00:00:00Z", "2026-03-31T00:00:00Z")
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def spec() -> VendorSpec:
    """Read the vendor's API file once."""
    file = spec_file("mews-connector.yaml")
    if not file.is_file():
        pytest.skip(f"no vendor API file at {file}; set PMS_SYNC_VENDOR_SPECS to the folder that holds it")
    return VendorSpec(file)


@pytest.fixture(scope="module")
def tables() -> FieldTables:
    """Read the field tables once."""
    file = spec_file("mews-connector-operations.json")
    if not file.is_file():
        pytest.skip(f"no field tables at {file}; set PMS_SYNC_VENDOR_SPECS to the folder that holds them")
    return FieldTables(file)


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    """Run a chain of two properties with a hundred bookings."""
    async with running_desk(5, hotels=2, rooms=8, reservations=120) as one:
        yield one


async def _asked(desk: Desk) -> list[tuple[str, Row]]:
    """Return calls that together read every kind of row, with every kind of filter."""
    stays = await desk.stays()
    ids, groups, guests = (list({row[name] for row in stays}) for name in ("Id", "GroupId", "AccountId"))
    services = [row["Id"] for row in await desk.rows("services/getAll")]
    categories = await desk.rows("resourceCategories/getAll", ServiceIds=services, ActivityStates=BOTH)
    page = {"Limitation": {"Count": 1000}}
    return [
        ("configuration/get", {}),
        ("configuration/get", {"EnterpriseId": desk.home}),
        ("configuration/get", {"EnterpriseId": NOBODY}),
        ("enterprises/getAll", {"EnterpriseIds": [desk.home], **page}),
        ("services/getAll", {"ServiceType": "Bookable", **page}),
        ("services/getAll", page),
        ("resourceCategories/getAll", {"ServiceIds": services, "ActivityStates": BOTH, **page}),
        ("resourceCategoryAssignments/getAll", {"ResourceCategoryIds": [one["Id"] for one in categories], **page}),
        ("resources/getAll", {"Extent": {"Resources": True, "Inactive": True}, **page}),
        ("resources/getAll", {"Extent": {"Resources": False}, **page}),
        ("rates/getAll", {"ServiceIds": services, **page}),
        ("rateGroups/getAll", page),
        ("ageCategories/getAll", {"ServiceIds": services, **page}),
        ("products/getAll", {"ServiceIds": services, **page}),
        ("sources/getAll", page),
        ("companies/getAll", page),
        (RESERVATIONS, {"States": STATES, "ReservationIds": ids, **page}),
        (RESERVATIONS, {"UpdatedUtc": RECENT, "CollidingUtc": RECENT, "Limitation": {"Count": 2}}),
        (RESERVATIONS, {"UpdatedUtc": between("2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z"), **page}),
        ("reservationGroups/getAll", {"ReservationGroupIds": groups, **page}),
        ("sourceAssignments/getAll", {"ReservationGroupIds": groups, **page}),
        ("sourceAssignments/getAll", {"ReservationGroupIds": [NOBODY], **page}),
        ("customers/getAll", {"CustomerIds": guests, "Extent": {"Customers": True, "Addresses": True}, **page}),
        ("addresses/getAll", {"AccountIds": guests, **page}),
        ("companionships/getAll", {"ReservationIds": ids, "Extent": {}, **page}),
        ("serviceOrderNotes/getAll", {"ServiceOrderIds": ids, "Types": ["General", "SpecialRequest"], **page}),
        ("orderItems/getAll", {"ServiceOrderIds": ids, **page}),
        ("payments/getAll", {"ReservationIds": ids, **page}),
        ("bills/getAll", {"CustomerIds": guests, **page}),
        ("resourceBlocks/getAll", {"ActivityStates": BOTH, "CollidingUtc": RECENT, **page}),
        ("resourceBlocks/getAll", {"ActivityStates": BOTH, **page}),
        ("availabilityBlocks/getAll", {"Extent": {"AvailabilityBlocks": True, "Adjustments": True}, **page}),
        ("availabilityAdjustments/getAll", page),
        ("reservations/getChannelManagerDetails", {"ReservationIds": ids[:5]}),
        ("reservations/getAllItems", {"ReservationIds": ids[:5]}),
    ]


async def _errors(desk: Desk, spec: VendorSpec, tables: FieldTables) -> list[str]:
    """Make every call and return what differs from either document."""
    found: list[str] = []
    for path, said in await _asked(desk):
        body = {**desk.tokens, **said}
        answer = await desk.client.post(API + path, json=body)
        found += check_request(spec, "POST", API + path, (), body)
        found += check_answer(spec, "POST", API + path, answer.status_code, answer.json())
        found += tables.answer_errors(API + path, answer.json()) if answer.status_code == 200 else []
    huge = await desk.client.post(API + RESERVATIONS, content=b" " * (1 << 20) + b"{}")
    found += check_answer(spec, "POST", API + RESERVATIONS, huge.status_code, huge.json())
    return found


async def test_every_answer_agrees_with_the_vendors_documents_or_with_a_listed_deviation(
    desk: Desk, spec: VendorSpec, tables: FieldTables
) -> None:
    """Requests of these tests, answers and error answers alike."""
    assert unexplained(await _errors(desk, spec, tables), "mews") == []


async def test_every_listed_deviation_is_still_seen(desk: Desk, spec: VendorSpec, tables: FieldTables) -> None:
    """A deviation that matches nothing any more would hide a later mistake."""
    errors = await _errors(desk, spec, tables)
    idle = [pattern for pattern in deviations("mews") if not any(fnmatchcase(error, pattern) for error in errors)]
    assert idle == []


async def test_every_operation_is_among_the_calls(desk: Desk) -> None:
    """So that none is left unchecked."""
    asked = {path for path, _ in await _asked(desk)}
    assert {operation.path for operation in OPERATIONS} <= asked


async def test_every_kind_of_row_is_seeded(desk: Desk) -> None:
    """An empty list agrees with every schema."""
    empty = {
        name
        for name in (operation.table for operation in OPERATIONS)
        if not list(desk.simulator.backend.hotel[name].rows())
    }
    assert empty == set()


def test_filters_and_limits_are_those_of_the_api_file(spec: VendorSpec) -> None:
    """Every filter has the vendor's name, its longest list, and its longest interval."""
    wrong: list[str] = []
    for operation in OPERATIONS:
        schema = spec.resolved(
            spec.operations["POST", API + operation.path]["requestBody"]["content"]["application/json"]["schema"]
        )
        for name, rule in operation.filters.items():
            told = schema["properties"].get(name)
            if told is None:
                wrong.append(f"{operation.path} {name}: unknown to the vendor")
                continue
            plain = str(told)
            most = re.search(r"'maxItems': (\d+)", plain)
            if most and int(most[1]) != rule.most:
                wrong.append(f"{operation.path} {name}: at most {most[1]}, not {rule.most}")
            if (rule.kind in {"within", "crossing"}) != ("TimeFilterInterval" in plain):
                wrong.append(f"{operation.path} {name}: an interval, or none")
    assert wrong == []


def test_webhook_bodies_have_the_fields_of_the_tables(tables: FieldTables) -> None:
    """General webhooks hold ids only; there are seven integration webhooks."""
    words = ("ServiceOrderUpdated", "ResourceUpdated", "ResourceBlockUpdated", "CustomerAdded", "PaymentUpdated")
    assert tables.webhook_errors(hooks.body(NOBODY, NOBODY, [(word, NOBODY) for word in words])) == []
    one = Integration(NOBODY, (NOBODY,), "T")
    bodies = [
        hooks.integration_body(action, one, {"Id": NOBODY, "Name": "Hotel"}, "2026-03-01T10:00:00Z")
        for action in sorted(ACTIONS)
    ]
    assert [error for body in bodies for error in tables.integration_errors(body)] == []
    assert {body["Action"] for body in bodies} == set(tables.events["integrationWebhook"]["body"]["Action"]["values"])
