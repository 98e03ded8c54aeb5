"""Every request of the Cloudbeds connector agrees with the vendor's own API file, or with a listed deviation."""

from __future__ import annotations

from datetime import UTC, datetime
from fnmatch import fnmatchcase

import httpx
import pytest
from msgspec.structs import replace

from connectors.cloudbeds import facts
from pms_sync.ports.connector import Window
from tests.contract.cloudbeds_wire import LIST, LOGIN, Asked, Vendor, block, connector, guest, hook, reservation
from tests.contract.test_cloudbeds_reading import TODAY
from tests.contract.test_cloudbeds_session import CODE
from tests.contract.test_cloudbeds_subscribing import URL
from tests.contract.vendor_spec import VendorSpec, check_request, deviations, spec_file, unexplained

FILE = spec_file("cloudbeds-pms-v1.3-openapi.yaml")
pytestmark = pytest.mark.skipif(not FILE.is_file(), reason=f"no vendor API file at {FILE}; set PMS_SYNC_VENDOR_SPECS")
Pairs = list[tuple[str, str]]
NIGHTS = Window(dimension="night", start=datetime(2026, 3, 1, tzinfo=UTC), end=datetime(2026, 4, 5, tzinfo=UTC))
DEPARTURES = Window(dimension="departure", start=NIGHTS.start, end=NIGHTS.end)


@pytest.fixture(scope="module")
def spec() -> VendorSpec:
    """Read the vendor's API file once."""
    return VendorSpec(FILE)


async def everything() -> list[Asked]:
    """Let the connector do all it can, with each kind of credential, and return what it asked."""
    vendor = Vendor(reservation(), reservation("2"))
    vendor.blocks, vendor.guests = [block("b", "2001-1")], [guest("2")]
    vendor.hooks = [hook("old", "reservation/created", f"{URL}?key=old")]
    for credentials in (LOGIN, CODE):
        one = connector(vendor, credentials=credentials)
        await one.check()
        await one.catalogue()
        for window in (TODAY, replace(TODAY, open_ended=True), DEPARTURES):
            await one.pull("reservations", window, None)
        for stream, window in (("guests", TODAY), ("blocks", NIGHTS), ("room_status", TODAY), ("catalogue", TODAY)):
            await one.pull(stream, window, None)
        await one.fetch("reservations", ["9000000001", "2"])
        await one.fetch("blocks", ["b/2001-1"])
        await one.fetch("room_status", ["2001-1"])
        await one.subscribe(URL, "secret")
    return vendor.asked


def errors(spec: VendorSpec, asked: Asked) -> list[str]:
    """Compare one request with the API file: verb, parameters, form fields, and whether a body belongs there."""
    form = dict(asked.form) if asked.form else None
    path = f"/api/v1.3/{asked.method}"
    found = check_request(spec, asked.verb, path, asked.query, form)
    schema = _form_of(spec, asked)
    known = spec.known_fields(schema) if schema else set()
    return found + [f"{asked.verb} {path} {name}: unknown to the vendor" for name in (form or {}).keys() - known]


def _form_of(spec: VendorSpec, asked: Asked) -> dict[str, object] | None:
    operation = spec.operation(asked.verb, f"/api/v1.3/{asked.method}") or {}
    schema: dict[str, object] | None = (
        operation.get("requestBody", {}).get("content", {}).get("application/x-www-form-urlencoded", {}).get("schema")
    )
    return schema


async def test_every_request_is_one_the_vendor_documents(spec: VendorSpec) -> None:
    """Names, verbs, types, required parameters; an unknown parameter would be ignored in silence."""
    asked = await everything()
    found = [error for one in asked for error in errors(spec, one)]

    assert unexplained(found, "cloudbeds") == []
    used = {one.method for one in asked}
    assert used == {*facts.PROPERTY_PARAMETER, facts.METADATA, facts.ACCESS_TOKEN}


async def test_every_listed_deviation_still_happens(spec: VendorSpec) -> None:
    """An entry that matches nothing is taken out."""
    found = [error for one in await everything() for error in errors(spec, one)]
    idle = [pattern for pattern in deviations("cloudbeds") if not any(fnmatchcase(error, pattern) for error in found)]

    assert idle == []


def test_a_wrong_request_would_be_seen(spec: VendorSpec) -> None:
    """The check can fail: verb, parameter, type, form field."""
    wrong: list[tuple[str, str, Pairs, Pairs]] = [
        ("POST", LIST, [], []),
        ("GET", LIST, [("resultsPerPage", "5")], []),
        ("GET", LIST, [("pageSize", "many")], []),
        ("GET", "getRatePlans", [("startDate", "2026-03-01")], []),
        ("POST", "postWebhook", [], [("url", "x")]),
        ("DELETE", "deleteWebhook", [], [("subscriptionID", "x")]),
    ]
    for verb, method, query, form in wrong:
        asked = Asked(verb, "", method, query, form, httpx.Headers())
        assert unexplained(errors(spec, asked), "cloudbeds"), (verb, method)
