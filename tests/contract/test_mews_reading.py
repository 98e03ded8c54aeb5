"""Reading Mews: windows, pages, what is read with a reservation, guests that changed, blocks, and single objects."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from connectors.mews import facts
from connectors.mews.faults import Degraded, TooMuch, Withheld
from pms_sync.domain.errors import ConfigurationFault, Disposition, NotBuiltYet, VendorFault
from pms_sync.observe.redact import scrub_json
from pms_sync.ports.connector import Missing, Page, Record, Sighting, VendorRequest, Window
from tests.contract.mews_wire import (
    ADULT,
    CHILD,
    DOUBLE,
    LOT,
    NOW,
    OTHER,
    PARKING,
    PROPERTY,
    RATE,
    ROOM,
    ROOMS,
    TODAY,
    Meter,
    Row,
    Vendor,
    at,
    block,
    body_of,
    connector,
    customer,
    failure,
    item,
    stay,
    uuid,
)

QUARTER = Window(dimension="modified", start=NOW - timedelta(days=85), end=NOW)
_UUIDS = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ARRIVALS = Window(dimension="arrival", start=NOW, end=NOW + timedelta(days=83))


async def walk(one: Any, window: Window, stream: str = "reservations") -> list[Page]:
    """Read a window to its end."""
    pages = [await one.pull(stream, window, None)]
    while pages[-1].next is not None:
        pages.append(await one.pull(stream, window, pages[-1].next))
    return pages


async def patiently(read: Callable[[], Awaitable[Page]]) -> Page:
    """Try again as the engine does."""
    for _ in range(3):
        try:
            return await read()
        except TooMuch:
            continue
    return await read()


def refs(pages: list[Page]) -> list[str]:
    """Name what was listed, in order."""
    return [record.ref for page in pages for record in page.records]


def hours(said: Row, name: str = "UpdatedUtc") -> float:
    """Return how long a stretch was asked for."""
    first, last = (datetime.fromisoformat(said[name][end]) for end in ("StartUtc", "EndUtc"))
    return (last - first).total_seconds() / 3600


async def test_a_record_holds_the_reservation_and_all_that_belongs_to_it() -> None:
    """Section 10.6: guests, price, notes, channel and money stand in lists of their own."""
    vendor = Vendor(
        Reservations=[stay(1, BookerId=uuid(9, 2), TravelAgencyId=uuid(17, 1)), stay(2)],
        OrderItems=[item(1), item(2), item(3, stay_number=2)],
        ReservationGroups=[{"Id": uuid(8, number)} for number in (1, 2)],
        SourceAssignments=[{"Id": "a", "ReservationGroupId": uuid(8, 1), "SourceId": uuid(12, 1), "IsPrimary": True}],
        Companionships=[
            {"Id": "b", "CustomerId": uuid(9, 3), "ReservationGroupId": uuid(8, 1), "ReservationId": uuid(7, 1)}
        ],
        ServiceOrderNotes=[{"Id": "c", "OrderId": uuid(7, 2), "Text": "late", "Type": "General"}],
        Payments=[{"Id": "d", "ReservationId": uuid(7, 1), "Data": {"Number": "4111"}, "Identifier": "x"}],
        Customers=[customer(number) for number in (1, 2, 3, 4)],
        Companies=[{"Id": uuid(17, 1), "Name": "Agency", "TaxIdentifier": "T-1"}],
    )
    [page] = await walk(connector(vendor), TODAY)
    first, second = map(body_of, page.records)
    assert first["Enterprise"] == {"Id": PROPERTY, "TimeZoneIdentifier": "Europe/Madrid", "Pricing": "Gross"}
    assert [one["Id"] for one in first["Customers"]] == [uuid(9, 1), uuid(9, 2), uuid(9, 3)]
    assert [one["Id"] for one in first["OrderItems"]] == [uuid(10, 1), uuid(10, 2)]
    assert [one["Id"] for one in second["OrderItems"]] == [uuid(10, 3)]
    assert first["Companies"] == [{"Id": uuid(17, 1), "Name": "Agency"}]
    assert first["Payments"] == [{"Id": "d", "ReservationId": uuid(7, 1)}]
    assert first["Sources"][0]["Name"] == "Booking.com"
    assert [one["Id"] for one in first["AgeCategories"]] == [ADULT, CHILD]
    assert second["ServiceOrderNotes"][0]["Text"] == "late"
    assert (second["Companionships"], second["Payments"], second["Companies"]) == ([], [], [])
    assert page.high_water == NOW - timedelta(hours=1)
    assert page.records[0].version == at(-60)


async def test_a_page_costs_one_call_for_each_list_whatever_it_holds() -> None:
    """Section 14.1: ids are coalesced, up to a thousand a call."""
    vendor = Vendor(Reservations=[stay(number) for number in range(1, 301)])
    one = connector(vendor)
    await one.pull("reservations", TODAY, None)
    assert len(vendor.calls(facts.ITEMS)) == len(vendor.calls(facts.CUSTOMERS)) == 1
    assert len(vendor.calls(facts.ITEMS)[0]["ServiceOrderIds"]) == 300
    first = len(vendor.asked)
    await one.pull("reservations", TODAY, None)
    assert len(vendor.asked) - first == 8  # what the hotel is made of is not asked for again (15)


async def test_nothing_of_documents_birth_or_cards_is_kept() -> None:
    """The record of a guest holds what a booking needs."""
    vendor = Vendor(Reservations=[stay()], Customers=[customer()])
    [record] = (await connector(vendor).pull("reservations", TODAY, None)).records
    assert b"HIDDEN" not in record.body
    assert b"1815" not in record.body
    assert body_of(record)["Customers"][0]["Email"] == "ada1@example.test"


async def test_pages_are_read_newest_first_to_the_end_while_new_ones_arrive() -> None:
    """CUR-11: more than one page, some arrive meanwhile, and nothing that was there at the start is lost."""
    vendor = Vendor(Reservations=[stay(number, minutes=-number / 10) for number in range(1, 1201)])
    one = connector(vendor)
    first = await one.pull("reservations", TODAY, None)
    vendor.tables[facts.STAYS][:0] = [stay(5000 + number, minutes=0) for number in range(20)]
    token = first.next
    pages = [first]
    while token is not None:
        pages.append(await connector(vendor).pull("reservations", TODAY, token))  # another process goes on
        token = pages[-1].next
    assert refs(pages) == [uuid(7, number) for number in range(1, 1201)]
    assert [len(page.records) for page in pages] == [500, 500, 200]


async def test_a_row_at_the_edge_of_two_windows_is_listed_once() -> None:
    """CUR-12: windows are half open, and asked wider, since the lower bound was seen to be exclusive."""
    vendor = Vendor(Reservations=[stay(1, minutes=-60)])
    one, edge = connector(vendor), NOW - timedelta(hours=1)
    before = await one.pull("reservations", replace(TODAY, end=edge), None)
    after = await one.pull("reservations", replace(TODAY, start=edge), None)
    assert (refs([before]), refs([after])) == ([], [uuid(7, 1)])


async def test_an_open_window_asks_beyond_our_clock() -> None:
    """CUR-07: the newest changes of a vendor whose clock runs ahead are not hidden behind ours."""
    vendor = Vendor(Reservations=[stay(1, minutes=40)])
    page = await connector(vendor).pull("reservations", replace(TODAY, open_ended=True), None)
    assert refs([page]) == [uuid(7, 1)]


async def test_no_interval_is_longer_than_the_vendor_takes() -> None:
    """CUR-13: three months, of which the shortest have 89 days, and one day more (section 5)."""
    spec = facts.SPEC.stream("reservations")
    assert spec.max_window is not None
    assert spec.max_snapshot_window is not None
    vendor = Vendor()
    one = connector(vendor)
    longest = Window(dimension="modified", start=NOW - spec.max_window, end=NOW, open_ended=True)
    await walk(one, longest)
    await walk(one, Window(dimension="arrival", start=NOW, end=NOW + spec.max_snapshot_window))
    changes, arrivals = vendor.calls(facts.STAYS)
    assert hours(changes) < 89 * 24
    assert hours(arrivals, "ScheduledStartUtc") < 89 * 24


async def test_stays_are_listed_by_arrival_as_far_as_zones_reach() -> None:
    """A day of the hotel's may begin 14 hours before or after UTC's; every state is named (10.6)."""
    vendor = Vendor(Reservations=[stay(1, ScheduledStartUtc=(NOW - timedelta(hours=10)).isoformat())])
    page = await connector(vendor).pull("reservations", ARRIVALS, None)
    assert refs([page]) == [uuid(7, 1)]
    assert page.high_water is None
    [said] = vendor.calls(facts.STAYS)
    assert set(said["States"]) == set(facts.STATES)
    assert said["EnterpriseIds"] == [PROPERTY]


async def test_what_takes_too_long_is_halved_and_grown_back() -> None:
    """MW-27, CUR-14: after 408 half the window and half the rows, and after some good reads more again."""
    vendor = Vendor(Reservations=[stay(number, minutes=-number * 1440) for number in range(1, 80)])
    vendor.check = lambda asked: (
        failure(408) if asked.operation == facts.STAYS and hours(asked.said) > 24 * 30 else None
    )
    one = connector(vendor)
    for _ in range(2):
        with pytest.raises(TooMuch) as told:
            await one.pull("reservations", QUARTER, None)
        assert told.value.disposition is Disposition.RETRY
        assert not told.value.counts_against_breaker
    pages = [await one.pull("reservations", QUARTER, None)]
    asked = vendor.calls(facts.STAYS)
    assert [round(hours(said) / 24) for said in asked] == [85, 43, 21]
    assert [said["Limitation"]["Count"] for said in asked] == [500, 250, 125]
    while pages[-1].next is not None:
        pages.append(await patiently(lambda: one.pull("reservations", QUARTER, pages[-1].next)))
    assert refs(pages) == [uuid(7, number) for number in range(1, 80)]
    vendor.check = lambda _asked: None
    await walk(one, QUARTER)
    await walk(one, QUARTER)
    assert vendor.calls(facts.STAYS)[-1]["Limitation"]["Count"] == 500


async def test_slices_without_rows_do_not_look_like_a_list_without_end() -> None:
    """The engine gives up after twenty empty pages, which a quiet year in small slices would have."""
    vendor = Vendor(Reservations=[stay(1, minutes=-84 * 1440)])
    one = connector(vendor)
    vendor.planned[facts.STAYS] = [failure(408) for _ in range(10)]
    for _ in range(10):
        with pytest.raises(TooMuch):
            await one.pull("reservations", QUARTER, None)
    pages = await walk(one, QUARTER)
    assert refs(pages) == [uuid(7, 1)]
    assert len(pages) < 20


async def test_a_cursor_that_repeats_ends_the_run() -> None:
    """CUR-15: one list was seen to return the same cursor for ever (section 7)."""
    vendor = Vendor(Reservations=[stay(number) for number in range(1, 601)])
    vendor.loops = True
    one = connector(vendor)
    with pytest.raises(VendorFault, match="circle") as told:
        await walk(one, TODAY)
    assert told.value.disposition is Disposition.ABORT
    assert len(vendor.calls(facts.STAYS)) <= 3


async def test_a_cursor_that_repeats_in_a_list_beside_ends_the_run_too() -> None:
    """CUR-15 and MAP-06: what belongs to a reservation is read to its end, or the page fails."""
    vendor = Vendor(Reservations=[stay()], OrderItems=[item(number) for number in range(1, 1501)])
    one = connector(vendor)
    [record] = (await one.pull("reservations", TODAY, None)).records
    assert len(body_of(record)["OrderItems"]) == 1500
    vendor.loops = True
    with pytest.raises(VendorFault, match="circle"):
        await one.pull("reservations", TODAY, None)


@pytest.mark.parametrize(
    "page",
    [
        "no-token",
        "{}",
        "7",
        '{"until":"2026-03-02T00:00:00"}',
        '{"until":"2999-01-01T00:00:00Z"}',
        "x" * 500,
        '{"until":1e999}',
    ],
)
async def test_a_foreign_page_token_is_refused(page: str) -> None:
    """CUR-10: also one of another window."""
    vendor = Vendor(Reservations=[stay()])
    with pytest.raises(VendorFault) as told:
        await connector(vendor).pull("reservations", TODAY, page)
    assert told.value.disposition is Disposition.ABORT
    assert not vendor.asked


async def test_only_our_property_and_only_stays_are_listed() -> None:
    """Sections 9 and 10.6: a reservation tells its property by its service, and parking is no stay."""
    rows = [stay(1), stay(2, ServiceId=PARKING), stay(3, ServiceId=uuid(2, 9)), stay(4, ServiceId=uuid(2, 77))]
    page = await connector(Vendor(Reservations=rows)).pull("reservations", TODAY, None)
    assert refs([page]) == [uuid(7, 1), uuid(7, 4)]  # a service that nobody shows may be new: nothing is lost for it
    assert {record.property_ref for record in page.records} == {PROPERTY}


async def test_a_row_that_cannot_be_read_is_told_alone() -> None:
    """One bad row never stops a page."""
    rows = [stay(1), {"Id": 7, "UpdatedUtc": at(-60)}, stay(2)]
    page = await connector(Vendor(Reservations=rows)).pull("reservations", TODAY, None)
    assert refs([page]) == [uuid(7, 1), uuid(7, 2)]
    [bad] = page.rejected
    assert bad.path == "$.Id"


async def test_a_read_twice_brings_the_same_bytes_in_whatever_order_the_vendor_lists() -> None:
    """CUR-01: no order is documented for what belongs to a reservation (section 7)."""
    vendor = Vendor(Reservations=[stay(1)], OrderItems=[item(1), item(2)], Customers=[customer(1), customer(2)])
    one = connector(vendor)
    [first] = (await one.pull("reservations", TODAY, None)).records
    vendor.tables[facts.ITEMS].reverse()
    vendor.tables[facts.CUSTOMERS].reverse()
    [second] = (await one.pull("reservations", TODAY, None)).records
    assert first == second


async def test_a_merged_profile_brings_the_one_that_took_its_place() -> None:
    """Section 10.8: follow the pointer, also when it points on."""
    people = [customer(1, MergeTargetId=uuid(9, 5)), customer(5, MergeTargetId=uuid(9, 6)), customer(6), customer(7)]
    vendor = Vendor(Reservations=[stay(1), stay(2)], Customers=people)
    first, second = (await connector(vendor).pull("reservations", TODAY, None)).records
    assert [one["Id"] for one in body_of(first)["Customers"]] == [uuid(9, 1), uuid(9, 5), uuid(9, 6)]
    assert body_of(second)["Customers"] == []


async def test_a_withheld_list_leaves_its_part_out_and_is_not_asked_again_at_once() -> None:
    """Section 17.16: a missing permission answers 401 as a dead token does, and must not drop the connection."""
    vendor = Vendor(Reservations=[stay()], Customers=[customer()])
    vendor.withheld = {facts.CUSTOMERS, facts.SOURCES, facts.AGES, facts.NOTES}
    one = connector(vendor)
    [record] = (await one.pull("reservations", TODAY, None)).records
    told = body_of(record)
    assert not {"Customers", "ServiceOrderNotes", "AgeCategories"} & told.keys()
    assert "OrderItems" in told
    await one.pull("reservations", TODAY, None)
    assert len(vendor.calls(facts.CUSTOMERS)) == 1
    later = connector(vendor, now=lambda: NOW + timedelta(hours=2))
    await later.pull("reservations", TODAY, None)
    assert len(vendor.calls(facts.CUSTOMERS)) == 2


async def test_without_the_price_nothing_is_read_and_the_person_is_told_which_permission_lacks() -> None:
    """What nothing can be told without pauses the account, in words to act upon."""
    vendor = Vendor(Reservations=[stay()])
    vendor.withheld = {facts.ITEMS}
    with pytest.raises(Withheld, match="orderItems/getAll") as told:
        await connector(vendor).pull("reservations", TODAY, None)
    assert told.value.disposition is Disposition.PAUSE
    assert "HIDDEN" not in str(told.value)


@pytest.mark.parametrize(("stream", "operation"), [("guests", facts.CUSTOMERS), ("blocks", facts.REPAIRS)])
async def test_a_stream_that_is_withheld_does_not_stop_the_others(stream: str, operation: str) -> None:
    vendor = Vendor()
    vendor.withheld = {operation}
    with pytest.raises(Degraded) as told:
        await connector(vendor).pull(stream, TODAY, None)
    assert told.value.disposition is Disposition.ABORT


async def test_a_thousand_ids_are_one_call() -> None:
    """Section 14.1: a webhook of hundreds of events needs one read."""
    vendor = Vendor(Reservations=[stay(number) for number in range(1, 1001)])
    one = connector(vendor)
    found = await one.fetch("reservations", [uuid(7, number) for number in range(1, 1001)])
    assert all(isinstance(record, Record) for record in found.values())
    assert len(vendor.calls(facts.STAYS)) == 1
    with pytest.raises(ValueError, match="1000"):
        await one.fetch("reservations", [uuid(7, number) for number in range(1001)])


async def test_a_fetch_that_takes_too_long_asks_for_half_next_time() -> None:
    """CUR-14: and every ref still has its answer."""
    vendor = Vendor(Reservations=[stay(number) for number in range(1, 11)])
    vendor.planned[facts.STAYS] = [failure(408) for _ in range(7)]
    one, wanted = connector(vendor), [uuid(7, number) for number in range(1, 31)]
    for _ in range(7):
        with pytest.raises(TooMuch):
            await one.fetch("reservations", wanted)
    found = await one.fetch("reservations", wanted)
    assert sum(isinstance(record, Record) for record in found.values()) == 10
    assert max(len(said["ReservationIds"]) for said in vendor.calls(facts.STAYS)[7:]) == 20


async def test_what_a_fetch_does_not_find_is_told_apart() -> None:
    """Absent, another property's, no stay, no id at all; and a state that is newer than the list of states."""
    rows = [stay(1), stay(2, ServiceId=uuid(2, 9)), stay(3, ServiceId=PARKING), stay(4, State="Quoted")]
    vendor = Vendor(Reservations=rows)
    wanted = [uuid(7, number) for number in (1, 2, 3, 4, 5)]
    found = await connector(vendor).fetch("reservations", [*wanted, "no id", "", wanted[0]])
    kinds = [found[ref] for ref in (*wanted[1:3], wanted[4], "no id", "")]
    assert kinds == [Missing("not_ours", OTHER), *[Missing("absent")] * 4]
    assert isinstance(found[wanted[0]], Record)
    assert isinstance(found[wanted[3]], Record)


async def test_an_id_whose_row_cannot_be_read_is_kept_for_a_person() -> None:
    """The mapper parks it with its bytes."""
    vendor = Vendor(Reservations=[{"Id": uuid(7, 1), "ServiceId": None, "State": "Confirmed"}])
    found = (await connector(vendor).fetch("reservations", [uuid(7, 1)]))[uuid(7, 1)]
    assert isinstance(found, Record)
    assert body_of(found)["Reservation"]["ServiceId"] is None


async def test_rows_that_nobody_asked_for_make_absence_meaningless() -> None:
    vendor = Vendor()
    vendor.planned[facts.STAYS] = [httpx.Response(200, json={"Reservations": [stay(9)], "Cursor": None})]
    with pytest.raises(VendorFault, match="not asked for"):
        await connector(vendor).fetch("reservations", [uuid(7, 1)])


async def test_guests_that_changed_name_their_reservations() -> None:
    """Section 14.1.7: an edited profile may leave the reservation's time of change alone; companions count too."""
    vendor = Vendor(
        Reservations=[stay(1, minutes=-9999), stay(2, minutes=-9999), stay(3, minutes=-9999, ServiceId=PARKING)],
        Customers=[customer(1), customer(3), customer(4), customer(8, UpdatedUtc=at(-9999))],
        Companionships=[
            {"Id": "a", "CustomerId": uuid(9, 4), "ReservationGroupId": uuid(8, 2), "ReservationId": None},
            {"Id": "b", "CustomerId": uuid(9, 4), "ReservationGroupId": uuid(8, 1), "ReservationId": uuid(7, 1)},
        ],
    )
    page = await connector(vendor).pull("guests", TODAY, None)
    assert page.sightings == (Sighting(uuid(7, 1)), Sighting(uuid(7, 2)))
    assert page.high_water == NOW - timedelta(hours=1)
    assert "EnterpriseIds" not in vendor.calls(facts.CUSTOMERS)[0]  # chain data, refused with it (section 2)
    found = await connector(vendor).fetch("guests", [one.ref for one in page.sightings])
    assert {one.stream for one in found.values() if isinstance(one, Record)} == {"guests"}


async def test_a_profile_of_thousands_of_stays_takes_several_pages() -> None:
    """A travel agent's profile must not be too large for one call."""
    vendor = Vendor(
        Reservations=[stay(number, minutes=-9999, AccountId=uuid(9, 1)) for number in range(1, 2501)],
        Customers=[customer(1)],
    )
    pages = await walk(connector(vendor), TODAY, "guests")
    assert [len(page.sightings) for page in pages] == [1000, 1000, 500]
    assert len({one.ref for page in pages for one in page.sightings}) == 2500


async def test_blocks_come_with_what_their_room_is_sold_as() -> None:
    """Section 10.4: both activity states are asked for, or a deletion is never seen."""
    vendor = Vendor(ResourceBlocks=[block(1), block(2, IsActive=False), block(3, EnterpriseId=OTHER)])
    one = connector(vendor)
    page = await one.pull("blocks", TODAY, None)
    assert refs([page]) == [uuid(11, 1), uuid(11, 2)]
    told = body_of(page.records[0])
    assert [each["CategoryId"] for each in told["ResourceCategoryAssignments"]] == [DOUBLE]
    assert vendor.calls(facts.REPAIRS)[0]["ActivityStates"] == ["Active", "Deleted"]
    found = await one.fetch("blocks", [uuid(11, 2), uuid(11, 3), uuid(11, 4)])
    assert isinstance(found[uuid(11, 2)], Record)
    assert found[uuid(11, 3)] == Missing("not_ours", OTHER)
    assert found[uuid(11, 4)] == Missing("absent")


async def test_all_blocks_are_listed_in_one_piece_and_a_few_nights_by_their_nights() -> None:
    """A cold start lists twenty years at once: without an interval the list is whole."""
    vendor = Vendor(ResourceBlocks=[block(1)])
    one, years = connector(vendor), timedelta(days=7000)
    everything = Window(dimension="night", start=NOW - years, end=NOW + years)
    vendor.planned[facts.REPAIRS] = [failure(408)]
    with pytest.raises(TooMuch):
        await one.pull("blocks", everything, None)
    assert refs(await walk(one, everything, "blocks")) == [uuid(11, 1)]
    assert "CollidingUtc" not in vendor.calls(facts.REPAIRS)[1]
    month = Window(dimension="night", start=NOW + timedelta(days=60), end=NOW + timedelta(days=90))
    assert refs(await walk(one, month, "blocks")) == [uuid(11, 1)]
    assert "CollidingUtc" in vendor.calls(facts.REPAIRS)[2]


async def test_the_catalogue_holds_what_somebody_stays_in() -> None:
    """Categories with their active rooms, rates without those of availability blocks; parking is left out."""
    told = await connector(Vendor()).catalogue()
    [kind] = told.room_types
    assert (kind.ref, kind.name, kind.units) == (DOUBLE, "Double", 2)
    assert {room.ref for room in kind.rooms} == {ROOM, uuid(4, 2)}
    assert [(plan.ref, plan.name) for plan in told.rate_plans] == [(RATE, "Pružná")]
    assert (told.zone, told.currency, told.name) == ("Europe/Madrid", "EUR", "Hotel Prado")
    assert LOT not in {one.ref for one in told.room_types}


async def test_a_type_of_category_that_is_new_counts_as_a_place_to_stay() -> None:
    vendor = Vendor()
    vendor.tables[facts.CATEGORIES] = [{"Id": DOUBLE, "ServiceId": ROOMS, "Type": "Houseboat", "Names": None}]
    assert [one.ref for one in (await connector(vendor).catalogue()).room_types] == [DOUBLE]


async def test_another_propertys_token_pauses_the_account() -> None:
    vendor = Vendor(Reservations=[stay()])
    vendor.enterprise["Id"] = OTHER
    with pytest.raises(VendorFault, match="not one of property") as told:
        await connector(vendor).catalogue()
    assert told.value.disposition is Disposition.PAUSE


async def test_the_check_tells_clock_zone_currency_and_each_missing_permission() -> None:
    """Section 2: permissions are granted one by one, and listed nowhere."""
    vendor = Vendor()
    vendor.planned[facts.GROUPS] = [failure(400, "Invalid ReservationGroupIds")]  # only said to those who may ask
    vendor.withheld = {facts.ITEMS, facts.PAYMENTS}
    told = await connector(vendor).check()
    assert (told.zone, told.currency, told.vendor_time) == ("Europe/Madrid", "EUR", NOW)
    assert told.missing_scopes == (facts.ITEMS,)
    assert facts.GROUPS in told.scopes
    assert "payments/getAll" in told.detail
    assert set(told.property_refs) == {PROPERTY, OTHER}


async def test_a_token_that_covers_one_property_shows_that_one() -> None:
    vendor = Vendor()
    vendor.withheld = {facts.ENTERPRISES}
    assert (await connector(vendor).check()).property_refs == (PROPERTY,)


async def test_the_enterprise_is_the_record_of_the_catalogue() -> None:
    [record] = (await connector(Vendor()).pull("catalogue", TODAY, None)).records
    assert (record.ref, body_of(record)["Pricing"]) == (PROPERTY, "Gross")


async def test_a_known_change_proves_the_filter() -> None:
    """And nothing else does."""
    vendor = Vendor(Reservations=[stay(1), stay(2, minutes=-90)])
    one = connector(vendor)
    known = (await one.pull("reservations", TODAY, None)).records[0]
    assert await one.calibrate("reservations", known)
    assert not await one.calibrate("reservations", replace(known, version="?"))
    assert not await one.calibrate("blocks", known)
    assert not await one.calibrate("reservations", replace(known, version=at(-300)))


async def test_what_the_calls_of_one_method_cost_is_reported_together() -> None:
    """Section 5: 200 calls in 30 seconds, which the engine's budget counts by method."""
    meter, vendor = Meter(), Vendor(Reservations=[stay()])
    one = connector(vendor, report=meter)
    await one.pull("reservations", TODAY, None)
    assert [told.cost for told in meter.told] == [float(len(vendor.asked))]
    vendor.planned[facts.STAYS] = [failure(500)]
    with pytest.raises(VendorFault):
        await one.pull("reservations", TODAY, None)
    assert meter.told[-1].cost == 1.0


async def test_unknown_streams_and_dimensions_send_nothing() -> None:
    vendor = Vendor()
    one = connector(vendor)
    with pytest.raises(KeyError):
        await one.pull("no such stream", TODAY, None)
    with pytest.raises(KeyError):
        await one.pull("reservations", replace(TODAY, dimension="colour"), None)
    for stream in ("no such stream", "catalogue"):
        with pytest.raises(ValueError, match="fetch takes"):
            await one.fetch(stream, ["1"])
    assert not vendor.asked


async def test_nothing_is_written_in_this_version() -> None:
    """A missing capability is refused loudly, and not declared."""
    one = connector(Vendor())
    request = VendorRequest(kind="cancel", ref=uuid(7, 1), body=b"{}", token="t")
    with pytest.raises(NotBuiltYet, match="read only"):
        await one.push([request])
    with pytest.raises(NotBuiltYet):
        await one.look_up(request, NOW)
    assert "push" not in facts.SPEC.capabilities
    await one.aclose()
    await one.aclose()


async def test_subscribing_is_a_persons_work_and_the_secret_is_not_repeated() -> None:
    """Section 12.1: there is no call for it, and one address serves all properties of a client."""
    vendor = Vendor()
    [told] = await connector(vendor).subscribe("https://hotel.example/webhooks/mews/t", "s3cret")
    assert told.manual is not None
    assert "https://hotel.example/webhooks/mews/t?Token=" in told.manual
    assert "s3cret" not in told.manual
    assert not vendor.asked


def test_a_property_ref_that_is_no_id_is_refused_at_once() -> None:
    with pytest.raises(ConfigurationFault, match="enterprise id"):
        connector(Vendor(), property_ref="7")


async def test_no_id_is_taken_for_a_card() -> None:
    """Ids are UUIDs, and one of digits alone may pass for a card; each stands under a name that is declared."""
    digits = "44696291-3702-8587-3357-736589430185"
    vendor = Vendor(Reservations=[stay()], OrderItems=[item(1)], Customers=[customer()], ResourceBlocks=[block()])
    one = connector(vendor)
    records = [*(await one.pull("reservations", TODAY, None)).records, *(await one.pull("blocks", TODAY, None)).records]
    for record in records:
        body = _UUIDS.sub(digits.encode(), record.body)
        assert scrub_json(body, facts.SPEC.identifier_keys) == (body, 0)
    hint = {
        "EnterpriseId": digits,
        "IntegrationId": digits,
        "Events": [{"Discriminator": "x", "Value": {"Id": digits}}],
    }
    body = json.dumps(hint).encode()
    assert scrub_json(body, facts.SPEC.identifier_keys) == (body, 0)
    assert scrub_json(json.dumps({"Notes": digits}).encode(), facts.SPEC.identifier_keys)[1] == 1
