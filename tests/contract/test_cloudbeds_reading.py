"""The Cloudbeds connector reads: pages, windows in local time, single objects, room blocks, guests, the catalogue."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from msgspec.structs import replace

from connectors.cloudbeds import CONNECTOR, SPEC
from pms_sync.domain.errors import ConfigurationFault, Disposition, NotBuiltYet, VendorFault
from pms_sync.ports.connector import CallFacts, Missing, Record, VendorRequest, Window
from tests.contract.cloudbeds_wire import (
    LIST,
    NOW,
    OTHER,
    PROPERTY,
    Vendor,
    block,
    changes,
    connector,
    data,
    failure,
    guest,
    reservation,
)

HOUR = timedelta(hours=1)
TODAY = changes(NOW - 2 * HOUR, NOW + HOUR)


def refs_of(*found: Record) -> list[str]:
    """Name records."""
    return [one.ref for one in found]


async def test_a_window_is_asked_for_in_the_propertys_own_time() -> None:
    """CB-03: modifiedFrom carries no zone; local time is assumed, one second wider on both sides."""
    vendor = Vendor(reservation())
    page = await connector(vendor).pull("reservations", TODAY, None)

    said = vendor.calls(LIST)[-1].said
    assert (said["modifiedFrom"], said["modifiedTo"]) == ("2026-03-02 10:59:59", "2026-03-02 14:00:01")
    assert refs_of(*page.records) == ["9000000001"]
    assert page.high_water == datetime(2026, 3, 2, 11, 30, 15, tzinfo=UTC)


async def test_an_open_window_has_no_upper_bound() -> None:
    """CUR-07: only the vendor knows what its clock shows."""
    vendor = Vendor(reservation(dateModified="2026-03-02 23:59:00"))
    page = await connector(vendor).pull("reservations", replace(TODAY, open_ended=True), None)

    assert "modifiedTo" not in vendor.calls(LIST)[-1].said
    assert len(page.records) == 1


async def test_the_zone_is_asked_for_once() -> None:
    """Reference data is cached (section 5)."""
    vendor = Vendor()
    one = connector(vendor)
    for _ in range(3):
        await one.pull("reservations", TODAY, None)

    assert len(vendor.calls("getHotels")) == 1


async def test_a_list_by_departure_shares_its_border_days() -> None:
    """Section 9: slices of a full sweep overlap by a day; it needs no zone."""
    vendor = Vendor(reservation())
    tile = Window(dimension="departure", start=datetime(2026, 5, 1, tzinfo=UTC), end=datetime(2026, 5, 6, tzinfo=UTC))
    page = await connector(vendor).pull("reservations", tile, None)

    said = vendor.calls(LIST)[-1].said
    assert (said["reservationCheckOutFrom"], said["reservationCheckOutTo"]) == ("2026-05-01", "2026-05-06")
    assert refs_of(*page.records) == ["9000000001"]
    assert page.high_water is None
    assert not vendor.calls("getHotels")


async def test_pages_are_read_to_the_end() -> None:
    """CUR-03: 250 rows in pages of 100, each once, and no page more than needed."""
    vendor = Vendor(*(reservation(str(9000000001 + number)) for number in range(250)))
    one, found, page = connector(vendor), list[str](), None
    while True:
        told = await one.pull("reservations", TODAY, page)
        found += refs_of(*told.records)
        page = told.next
        if page is None:
            break

    assert len(found) == len(set(found)) == 250
    assert len(vendor.calls(LIST)) == 3


async def test_an_inflated_total_does_not_prolong_a_list_for_ever() -> None:
    """CUR-15, section 6: a short page whose total promises more is followed once, an empty page ends it."""
    shown = [reservation()]
    vendor = Vendor(**{LIST: [data(shown, total=119), data([], total=119)]})
    one = connector(vendor)
    first = await one.pull("reservations", TODAY, None)
    second = await one.pull("reservations", TODAY, first.next)

    assert (first.next, second.next, len(second.records)) == ("2", None, 0)


async def test_a_full_page_without_a_total_is_followed() -> None:
    """Some answers omit both counts."""
    full = [reservation(str(number)) for number in range(100)]
    vendor = Vendor(**{LIST: [data(full), data([])]})
    page = await connector(vendor).pull("reservations", TODAY, None)

    assert page.next == "2"


async def test_the_same_page_twice_is_a_fault() -> None:
    """CUR-15: bounded calls, and an alarm."""
    full = [reservation(str(number)) for number in range(100)]
    vendor = Vendor(**{LIST: [data(full), data(full)]})
    one = connector(vendor)
    first = await one.pull("reservations", TODAY, None)
    with pytest.raises(VendorFault, match="circle") as fault:
        await one.pull("reservations", TODAY, first.next)
    assert fault.value.disposition is Disposition.ABORT


@pytest.mark.parametrize("page", ["", "0", "x", "-1", "1.5", "\u0661", "9" * 9])
async def test_a_foreign_page_token_is_a_fault(page: str) -> None:
    """CUR-10: never an empty list, and nothing is sent."""
    vendor = Vendor(reservation())
    with pytest.raises(VendorFault):
        await connector(vendor).pull("reservations", TODAY, page)
    assert not vendor.calls(LIST)


async def test_a_row_without_a_name_is_rejected_alone() -> None:
    """CUR-19: its neighbours flow."""
    vendor = Vendor(**{LIST: [data([reservation(), {"status": "confirmed"}, 7])]})
    page = await connector(vendor).pull("reservations", TODAY, None)

    assert refs_of(*page.records) == ["9000000001"]
    assert [row.path for row in page.rejected] == ["$.reservationID", "$"]


async def test_rows_of_another_property_are_left_out() -> None:
    """Section 15.10: a filter that was not heard must not bring somebody else's bookings."""
    vendor = Vendor(reservation(), reservation("2", propertyID=OTHER))
    vendor.ignored = {"propertyID"}
    page = await connector(vendor).pull("reservations", TODAY, None)

    assert refs_of(*page.records) == ["9000000001"]


async def test_a_deletion_is_listed() -> None:
    """Section 9: only this list shows it, and only when asked."""
    vendor = Vendor(reservation(isDeleted=True))
    page = await connector(vendor).pull("reservations", TODAY, None)

    assert json.loads(page.records[0].body)["isDeleted"] is True


async def test_no_card_and_no_document_is_kept() -> None:
    """I11, section 15.28: what came unasked is dropped before anything else sees it; the rest stays as it came."""
    person = {
        "guestID": "5001",
        "guestFirstName": "Nora",
        "guestDocumentNumber": "X1",
        "taxID": "T",
        "guestBirthdate": "",
    }
    cards = [{"cardNumber": "1111"}]
    vendor = Vendor(reservation(cardsOnFile=cards, guestList={"5001": person}, total=231.55))
    one = connector(vendor)
    page = await one.pull("reservations", TODAY, None)
    fetched = await one.fetch("reservations", ["9000000001"])

    told = json.loads(page.records[0].body)
    assert "cardsOnFile" not in told
    assert told["guestList"] == {"5001": {"guestID": "5001", "guestFirstName": "Nora"}}
    assert b'"total":231.55' in page.records[0].body
    assert fetched["9000000001"] == page.records[0]


async def test_a_row_without_such_fields_stays_byte_for_byte() -> None:
    """The raw record is what the vendor said."""
    raw = b'{"reservationID": 1,  "propertyID":190000, "total": 10.10}'
    answer = httpx.Response(200, content=b'{"success":true,"data":[' + raw + b"]}")
    page = await connector(Vendor(**{LIST: [answer]})).pull("reservations", TODAY, None)

    assert page.records[0].body == raw
    assert (page.records[0].ref, page.records[0].property_ref) == ("1", PROPERTY)


async def test_many_references_cost_one_call() -> None:
    """One call for up to 100 references; what does not exist is absent."""
    vendor = Vendor(*(reservation(str(9000000001 + number)) for number in range(100)))
    asked = [str(9000000001 + number) for number in range(99)] + ["A1B2C3D4E"]
    found = await connector(vendor).fetch("reservations", asked)

    assert len(vendor.calls(LIST)) == 1
    assert vendor.calls(LIST)[0].said["reservationID"] == ",".join(asked)
    assert found["A1B2C3D4E"] == Missing("absent")
    assert sum(isinstance(one, Record) for one in found.values()) == 99


async def test_a_deleted_reservation_is_told_with_proof() -> None:
    """Section 9.4: deletion is no cancellation."""
    vendor = Vendor(reservation(isDeleted=True), reservation("2", status="canceled"))
    found = await connector(vendor).fetch("reservations", ["9000000001", "2"])

    assert found["9000000001"] == Missing("deleted", PROPERTY)
    assert isinstance(found["2"], Record)


async def test_junk_references_never_reach_the_vendor() -> None:
    """A comma list would be spoilt by them."""
    vendor = Vendor(reservation())
    junk = ["", "' OR 1=1", "a,b", "a&b=c", "\u0661"]
    found = await connector(vendor).fetch("reservations", [*junk, "9000000001"])

    assert [found[ref] for ref in junk] == [Missing("absent")] * len(junk)
    assert vendor.calls(LIST)[0].said["reservationID"] == "9000000001"
    assert await connector(vendor).fetch("reservations", []) == {}


async def test_a_filter_that_was_ignored_proves_no_absence() -> None:
    """Section 15.25: everything came back, so what is missing means nothing."""
    vendor = Vendor(reservation("1"), reservation("2"))
    vendor.ignored = {"reservationID"}
    with pytest.raises(VendorFault, match="ignored"):
        await connector(vendor).fetch("reservations", ["7"])


async def test_a_fetch_follows_a_total_that_promises_more() -> None:
    """Absence counts only in a complete answer."""
    vendor = Vendor(**{LIST: [data([reservation("1")], total=2), data([reservation("2")], total=2)]})
    found = await connector(vendor).fetch("reservations", ["1", "2", "3"])

    assert [isinstance(found[ref], Record) for ref in ("1", "2", "3")] == [True, True, False]


async def test_too_many_references_are_the_callers_mistake() -> None:
    """Also a stream that is read by nobody."""
    one = connector(Vendor())
    with pytest.raises(ValueError, match="at most 100"):
        await one.fetch("reservations", ["1"] * 101)
    with pytest.raises(ValueError, match="at most"):
        await one.fetch("catalogue", ["1"])
    with pytest.raises(KeyError):
        await one.pull("no such stream", TODAY, None)


async def test_changed_guests_bring_their_reservations() -> None:
    """Section 9: an edited guest may leave the reservation's modified time alone."""
    vendor = Vendor(reservation("1", dateModified="2020-01-01 00:00:00"), reservation("2"))
    vendor.guests = [guest("1"), guest("1"), guest("", "2026-03-02 12:31:00")]
    page = await connector(vendor).pull("guests", TODAY, None)

    assert refs_of(*page.records) == ["1"]
    assert vendor.calls("getGuestsModified")[0].said["resultsFrom"] == "2026-03-02 10:59:59"
    assert page.high_water == datetime(2026, 3, 2, 11, 31, tzinfo=UTC)
    assert {one.stream for one in page.records} == {"guests"}


async def test_no_changed_guest_costs_one_call() -> None:
    """Nothing is fetched for nobody."""
    vendor = Vendor(reservation())
    page = await connector(vendor).pull("guests", TODAY, None)

    assert (page.records, page.next, vendor.calls(LIST)) == ((), None, [])


async def test_an_open_window_of_guests_has_an_end_beyond_every_clock() -> None:
    """Without both ends this list could show today only."""
    vendor = Vendor()
    await connector(vendor).pull("guests", replace(TODAY, open_ended=True), None)

    assert vendor.calls("getGuestsModified")[0].said["resultsTo"] == "2026-03-03 14:00:01"


async def test_each_blocked_room_is_a_record() -> None:
    """Section 10.7: a block of three rooms is three records, and ends with its room."""
    vendor = Vendor()
    vendor.blocks = [block("b1", "2001-1", "2001-2"), block("b2", "2002-1"), block("b3")]
    week = Window(dimension="night", start=datetime(2026, 3, 1, tzinfo=UTC), end=datetime(2026, 3, 8, tzinfo=UTC))
    page = await connector(vendor).pull("blocks", week, None)

    assert refs_of(*page.records) == ["b1/2001-1", "b1/2001-2", "b2/2002-1"]
    assert [row["roomID"] for row in json.loads(page.records[1].body)["rooms"]] == ["2001-2"]
    assert json.loads(page.records[0].body)["propertyID"] == PROPERTY
    assert [row.path for row in page.rejected] == ["$.rooms"]
    said = vendor.calls("getRoomBlocks")[0].said
    assert (said["startDate"], said["endDate"]) == ("2026-03-01", "2026-03-07")


async def test_blocks_are_found_by_name_in_windows_the_vendor_allows() -> None:
    """Section 15.21: asked without dates it shows today, and no window may be longer than 35 days."""
    vendor = Vendor()
    vendor.blocks = [block("far", "2001-1", startDate="2027-01-10", endDate="2027-01-12")]
    found = await connector(vendor).fetch("blocks", ["far/2001-1", "gone/2001-1"])

    assert isinstance(found["far/2001-1"], Record)
    assert found["gone/2001-1"] == Missing("absent")
    for call in vendor.calls("getRoomBlocks"):
        first, last = (datetime.fromisoformat(call.said[name]) for name in ("startDate", "endDate"))
        assert last - first < timedelta(days=35)


@pytest.mark.parametrize("answer", [data({"propertyID": PROPERTY}), data("x"), data([7]), data({"roomBlocks": 7})])
async def test_an_answer_without_blocks_is_no_empty_list(answer: httpx.Response) -> None:
    """A missing list must not lift every block."""
    with pytest.raises(VendorFault, match="another shape"):
        await connector(Vendor(getRoomBlocks=[answer])).pull("blocks", TODAY, None)


async def test_the_catalogue_holds_every_room() -> None:
    """Section 10.3: 20 rooms come at a time, and the counts speak of properties."""
    vendor = Vendor()
    vendor.rooms = [{"roomID": f"2001-{n}", "roomName": f"{n}", "roomTypeID": 2001} for n in range(1, 66)]
    told = await connector(vendor).catalogue()

    assert (told.name, told.currency, told.zone) == ("Hotel Inventado", "EUR", "Europe/Madrid")
    assert {kind.ref: kind.units for kind in told.room_types} == {"2001": 65, "2002": 0}
    assert len({room.ref for kind in told.room_types for room in kind.rooms}) == 65
    assert [(plan.ref, plan.name) for plan in told.rate_plans] == [("7001", "Double"), ("7002", "Early / Double")]
    said = vendor.calls("getRatePlans")[0].said
    assert (said["startDate"], said["endDate"]) == ("2026-03-02", "2026-03-03")


async def test_a_room_of_an_unlisted_type_is_still_there() -> None:
    """A booking may name it."""
    vendor = Vendor()
    vendor.rooms.append({"roomID": "2003-1", "roomName": "V", "roomTypeID": "2003", "roomTypeName": "Villa"})
    told = await connector(vendor).catalogue()

    assert [(kind.ref, kind.name) for kind in told.room_types][-1] == ("2003", "Villa")


async def test_a_missing_scope_of_rates_leaves_the_rest_of_the_catalogue() -> None:
    """CB-04: the connector works on with less."""
    vendor = Vendor(getRatePlans=[failure("Scope required for this call was not granted by property.")])
    told = await connector(vendor).catalogue()

    assert told.rate_plans == ()
    assert len(told.room_types) == 2


async def test_a_property_that_is_not_covered_pauses_the_account() -> None:
    """A person has to correct the ref."""
    with pytest.raises(VendorFault, match="not among") as fault:
        await connector(Vendor(), property_ref="777").catalogue()
    assert fault.value.disposition is Disposition.PAUSE


async def test_the_check_tells_what_it_saw() -> None:
    """Zone, currency, clock and the properties of the credential."""
    vendor = Vendor()
    vendor.hotels.append({"propertyID": 190001, "propertyName": "Another", "propertyTimezone": "UTC"})
    told = await connector(vendor).check()

    assert (told.zone, told.currency, told.property_refs) == ("Europe/Madrid", "EUR", (PROPERTY, OTHER))
    assert told.vendor_time == datetime(2026, 3, 2, 12, 0, 1, tzinfo=UTC)
    assert (told.missing_scopes, told.detail) == ((), "ok")


async def test_the_check_names_the_scopes_that_lack() -> None:
    """CB-04: clear text, and what is merely nice to have is no failure."""
    lacks = [failure("Scope required for this call was not granted by property.")]
    vendor = Vendor(getGuestsModified=[*lacks], getRoomTypes=[httpx.Response(403, json={})])
    told = await connector(vendor).check()

    assert told.missing_scopes == ("read:room",)
    assert "read:guest" not in told.scopes
    assert told.detail.startswith("missing scopes: read:room, read:guest; make a new key")


async def test_the_check_says_when_the_property_is_not_there() -> None:
    """Before the first poll fails."""
    vendor = Vendor()
    vendor.hotels = [{"propertyID": OTHER, "propertyTimezone": "UTC"}]
    told = await connector(vendor).check()

    assert told.detail == f"property {PROPERTY} is not among the 1 that the credential covers"


@pytest.mark.parametrize("zone", [None, "", "Mars/Olympus", "../etc/passwd"])
async def test_a_zone_that_does_not_exist_stops_the_read(zone: str | None) -> None:
    """Guessing one would move every window."""
    vendor = Vendor()
    vendor.hotels[0]["propertyTimezone"] = zone
    with pytest.raises(VendorFault, match="time zone"):
        await connector(vendor).pull("reservations", TODAY, None)


async def test_a_known_change_proves_how_the_filter_reads_our_times() -> None:
    """Section 8: until then every window is 28 hours wider."""
    vendor = Vendor(reservation())
    one = connector(vendor)
    [known] = (await one.pull("reservations", TODAY, None)).records

    assert await one.calibrate("reservations", known)
    assert not await one.calibrate("reservations", replace(known, version="?"))
    assert not await one.calibrate("guests", known)


async def test_a_filter_in_another_zone_is_not_proven() -> None:
    """The row does not come, so the overlap stays wide; nor does a filter count that lets everything through."""
    one = connector(Vendor(reservation(dateModified="2026-03-02 11:30:15")))
    known = Record(
        stream="reservations", ref="9000000001", property_ref=PROPERTY, body=b"{}", version="2026-03-02T11:30:15Z"
    )
    assert not await one.calibrate("reservations", known)

    open_door = Vendor(reservation(), reservation("2", dateModifiedUTC="2025-01-01 00:00:00"))
    open_door.ignored = {"modifiedFrom", "modifiedTo"}
    assert not await connector(open_door).calibrate("reservations", known)


async def test_the_property_is_listed_as_a_record() -> None:
    """The catalogue's own stream shows what the vendor says of the property."""
    page = await connector(Vendor()).pull("catalogue", TODAY, None)

    assert refs_of(*page.records) == [PROPERTY]


async def test_writing_is_refused_loudly() -> None:
    """The spec declares no such capability."""
    one = connector(Vendor())
    request = VendorRequest(kind="create", ref=None, body=b"{}", token="T")
    with pytest.raises(NotBuiltYet, match="read only"):
        await one.push([request])
    with pytest.raises(NotBuiltYet, match="read only"):
        await one.look_up(request, NOW)
    assert "push" not in SPEC.capabilities


@pytest.mark.parametrize("ref", ["", "7a", "\u0661", "1" * 21, "190 000"])
def test_a_ref_that_is_no_property_id_is_told_at_once(ref: str) -> None:
    """Before anything is stored."""
    with pytest.raises(ConfigurationFault, match="property id"):
        connector(Vendor(), property_ref=ref)


async def test_every_call_is_counted() -> None:
    """CB-01: a method of several calls costs as many."""
    facts: list[CallFacts] = []
    vendor = Vendor()
    await connector(vendor, report=facts.append).catalogue()

    assert sum(one.cost or 0 for one in facts) == len(vendor.asked)


async def test_calls_of_one_method_keep_to_five_a_second() -> None:
    """CB-01, section 5: build for five."""
    from connectors.cloudbeds.connector import CloudbedsConnector  # noqa: PLC0415 - the one built by the plugin
    from connectors.kit.pacing import Pace  # noqa: PLC0415
    from tests.contract.cloudbeds_wire import Sleeper  # noqa: PLC0415

    vendor, timer, begun = Vendor(), Sleeper(), list[float]()
    vendor.rooms = [{"roomID": f"2001-{n}", "roomTypeID": "2001"} for n in range(300)]
    one = connector(vendor, report=lambda _facts: begun.append(timer.now))
    context = one._session._context
    await CloudbedsConnector(context, Pace(5, 1.0, clock=timer, sleep=timer.sleep)).catalogue()

    assert len(begun) > 15
    assert all(later - earlier >= 1.0 for earlier, later in zip(begun, begun[5:], strict=False))
    assert CONNECTOR.connect(context).spec is SPEC
