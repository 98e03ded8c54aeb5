"""Every request of the Mews connector agrees with the vendor's own API file and with its newer field tables."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from connectors.mews import facts
from pms_sync.ports.connector import Window
from tests.contract.mews_wire import NOW, TODAY, Asked, Vendor, block, connector, customer, item, stay, uuid
from tests.contract.vendor_spec import VendorSpec, check_request, spec_file, unexplained

FILE, TABLES = spec_file("mews-connector.yaml"), spec_file("mews-connector-operations.json")
pytestmark = pytest.mark.skipif(not FILE.is_file(), reason=f"no vendor API file at {FILE}; set PMS_SYNC_VENDOR_SPECS")
NIGHTS = Window(dimension="night", start=NOW, end=NOW + timedelta(days=30))
ARRIVALS = Window(dimension="arrival", start=NOW, end=NOW + timedelta(days=80))


@pytest.fixture(scope="module")
def spec() -> VendorSpec:
    """Read the vendor's API file once."""
    return VendorSpec(FILE)


async def everything() -> list[Asked]:
    """Let the connector do all it can, and return what it asked."""
    vendor = Vendor(
        Reservations=[stay(number, TravelAgencyId=uuid(17, 1)) for number in range(1, 602)],
        OrderItems=[item(1)],
        Customers=[customer(1, MergeTargetId=uuid(9, 999)), customer(3), customer(4)],
        Companies=[{"Id": uuid(17, 1), "Name": "Agency"}],
        SourceAssignments=[
            {"Id": uuid(16, 1), "ReservationGroupId": uuid(8, 1), "SourceId": uuid(12, 1), "IsPrimary": True}
        ],
        Companionships=[
            {"Id": uuid(18, 1), "CustomerId": uuid(9, 4), "ReservationGroupId": uuid(8, 2), "ReservationId": None}
        ],
        ResourceBlocks=[block()],
    )
    one = connector(vendor)
    await one.check()
    await one.catalogue()
    for window in (TODAY, replace(TODAY, open_ended=True), ARRIVALS):
        page = await one.pull("reservations", window, None)
        if page.next:
            await one.pull("reservations", window, page.next)
    for stream, window in (
        ("guests", TODAY),
        ("blocks", TODAY),
        ("blocks", NIGHTS),
        ("catalogue", TODAY),
        ("room_status", TODAY),
    ):
        await one.pull(stream, window, None)
    await one.fetch("reservations", [uuid(7, 1), uuid(7, 999)])
    await one.fetch("blocks", [uuid(11, 1)])
    await one.fetch("room_status", [uuid(4, 1)])
    record = (await one.pull("reservations", TODAY, None)).records[0]
    await one.calibrate("reservations", record)
    return vendor.asked


async def test_every_request_is_one_the_vendor_documents(spec: VendorSpec) -> None:
    """Path, fields, types, enums and the sizes of lists; the API file forbids fields that it does not know."""
    asked = await everything()
    assert {one.operation for one in asked} == {facts.CONFIGURATION, *facts.ROWS}
    found = [error for one in asked for error in check_request(spec, "POST", one.path, (), one.body)]
    assert unexplained(found, "mews") == []


async def test_every_field_stands_in_the_newer_tables_too() -> None:
    """Section 16: where file and tables differ, the tables are newer; nothing ended or restricted is used."""
    operations: dict[str, Any] = json.loads(TABLES.read_text())["operations"]
    for one in await everything():
        told = operations[one.path]
        assert not one.said.keys() - told["request"].keys(), one.operation
        needed = {name for name, field in told["request"].items() if field.get("required")}
        assert needed <= one.said.keys(), one.operation
        assert not told.get("restricted"), one.operation
        assert not [name for name in one.said if told["request"][name].get("deprecated")], one.operation


async def test_a_wrong_request_would_be_seen(spec: VendorSpec) -> None:
    """The check itself can fail: another spelling, an empty list, an unknown state."""
    tokens = {"ClientToken": "c", "AccessToken": "a", "Client": "x", "Limitation": {"Count": 1}}
    path = f"{facts.ROOT}/{facts.STAYS}"
    wrong_ones: list[dict[str, Any]] = [
        {"ReservationId": "x"},
        {"ReservationIds": []},
        {"States": ["Enquired"]},
        {"Limitation": {}},
    ]
    for wrong in wrong_ones:
        assert check_request(spec, "POST", path, (), tokens | wrong)


async def test_no_list_of_ids_is_longer_than_the_vendor_takes() -> None:
    """Section 4: at most a thousand in each, and never none."""
    for one in await everything():
        for name, value in one.said.items():
            assert not isinstance(value, list) or 1 <= len(value) <= facts.MOST_ROWS, (one.operation, name)
        count = one.said.get("Limitation", {"Count": 1})["Count"]
        assert 1 <= count <= facts.MOST_ROWS
