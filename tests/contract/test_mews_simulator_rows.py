"""The simulated Mews shows rows as vendors/mews.md says: filters, what is hidden, states, money, rooms, time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from connectors.mews.simulator.reading import ReadHabits
from tests.contract.mews_desk import (
    BOTH,
    PLENTY,
    RESERVATIONS,
    STAY,
    Desk,
    Row,
    between,
    running_desk,
)


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    """Run one property without bookings that takes any number of calls."""
    async with running_desk(**PLENTY, reservations=0) as one:
        yield one


async def test_intervals_are_half_open_and_equal_ends_mean_that_instant(desk: Desk) -> None:
    """CUR-12: a boundary row is in one of two adjacent windows; parts of a second count (4)."""
    await desk.sim("clock", now="2029-01-01T12:00:00Z")
    ref = await desk.booked()
    at = (await desk.stay(ref))["UpdatedUtc"]
    assert at.endswith("Z")
    before, after, inside = "2029-01-01T11:00:00Z", "2029-01-01T13:00:00Z", at.replace("Z", ".500Z")
    found = [
        len(await desk.stays(UpdatedUtc=between(*ends)))
        for ends in ((before, at), (at, after), (at, at), (inside, after), (before, inside), (inside, inside))
    ]
    assert found == [0, 1, 1, 0, 1, 0]


@pytest.mark.parametrize(
    ("ends", "found"),
    [
        (("2030-02-01T00:00:00Z", "2030-03-01T14:00:00Z"), 0),
        (("2030-02-01T00:00:00Z", "2030-03-01T14:00:01Z"), 1),
        (("2030-03-02T00:00:00Z", "2030-03-03T00:00:00Z"), 1),
        (("2030-03-04T09:59:59Z", "2030-03-05T00:00:00Z"), 1),
        (("2030-03-04T10:00:00Z", "2030-03-05T00:00:00Z"), 0),
    ],
)
async def test_a_colliding_stay_shares_a_moment_with_the_interval(
    desk: Desk, ends: tuple[str, str], found: int
) -> None:
    """Planned from 15:00 to 11:00 in Madrid's winter (8, 10.6)."""
    await desk.booked()
    assert len(await desk.stays(CollidingUtc=between(*ends))) == found


async def test_the_lower_bound_of_a_planned_start_may_be_outside_on_demand() -> None:
    """As one report has it (4)."""
    day = between("2030-03-01T14:00:00Z", "2030-03-02T00:00:00Z")
    found = []
    for reads in (ReadHabits(), ReadHabits(start_exclusive=True)):
        async with running_desk(**PLENTY, reservations=0, reads=reads) as desk:
            await desk.booked()
            found.append(len(await desk.stays(ScheduledStartUtc=day)))
    assert found == [1, 0]


async def test_canceled_stays_are_hidden_unless_states_or_ids_are_named(desk: Desk) -> None:
    """The default of States is not stated, so the harder of both is played (10.6)."""
    ref = await desk.booked()
    stay = await desk.stay(ref)
    await desk.change("cancel", ref=ref)
    day = between("2030-03-01T00:00:00Z", "2030-03-02T00:00:00Z")
    assert await desk.rows(RESERVATIONS, ScheduledStartUtc=day) == []
    assert len(await desk.stays(ScheduledStartUtc=day)) == 1
    assert len(await desk.rows(RESERVATIONS, ReservationIds=[stay["Id"]])) == 1


async def test_reservations_are_found_by_numbers_groups_guests_and_rooms(desk: Desk) -> None:
    """The filters that a look-up needs (10.6)."""
    ref = await desk.booked(channel="booking_com", channel_reference="BK-77")
    await desk.booked()
    stay = await desk.stay(ref)
    filters = {
        "Numbers": [stay["Number"]],
        "ChannelNumbers": ["BK-77"],
        "ReservationGroupIds": [ref],
        "AccountIds": [stay["AccountId"]],
        "AssignedResourceIds": [stay["AssignedResourceId"]],
    }
    for name, wanted in filters.items():
        assert [row["Id"] for row in await desk.stays(**{name: wanted})] == [stay["Id"]], name


async def test_special_requests_must_be_asked_for_by_name(desk: Desk) -> None:
    """Notes default to the two other types (10.7)."""
    ref = await desk.booked(notes="Quiet room.")
    stay = (await desk.stay(ref))["Id"]
    await desk.change("modify", ref=ref, set={"comments": "Cot, please."})
    usual = await desk.rows("serviceOrderNotes/getAll", ServiceOrderIds=[stay])
    asked = await desk.rows("serviceOrderNotes/getAll", ServiceOrderIds=[stay], Types=["SpecialRequest"])
    assert [note["Text"] for note in usual] == ["Quiet room."]
    assert [(note["Text"], note["OrderId"]) for note in asked] == [("Cot, please.", stay)]


async def test_deleted_things_are_seen_by_those_who_ask_for_them(desk: Desk) -> None:
    """Blocks, categories, rooms and customers hide, rates do not (10.4, 10.5, 14.1)."""
    made = await desk.change("create", set={**STAY, "kind": "out_of_order", "room_ref": desk.rooms[0]})
    await desk.change("delete", ref=made["ref"])
    guest = (await desk.reservation(await desk.booked()))["booker"]["ref"]
    await desk.change("delete", ref=guest)
    asks: list[tuple[str, Row, Row]] = [
        ("resourceBlocks/getAll", {}, {"ActivityStates": BOTH}),
        ("customers/getAll", {"CustomerIds": [guest], "Extent": {"Customers": True}}, {"ActivityStates": ["Deleted"]}),
        ("resourceCategories/getAll", {"ServiceIds": [desk.service]}, {"ActivityStates": BOTH}),
        ("resources/getAll", {"Extent": {"Resources": True}}, {"Extent": {"Resources": True, "Inactive": True}}),
    ]
    counts = [[len(await desk.rows(path, **{**said, **more})) for more in ({}, wide)] for path, said, wide in asks]
    assert counts == [[0, 1], [0, 1], [1, 2], [4, 5]]
    rates = await desk.rows("rates/getAll", ServiceIds=[desk.service])
    assert [row["IsActive"] for row in rates].count(False) == 1
    services = await desk.rows("services/getAll")
    assert [row["IsActive"] for row in services].count(False) == 1


async def test_parking_is_sold_by_the_day_too_with_a_negative_duration(desk: Desk) -> None:
    """Services to stay in are told by the types of their categories (4, 9)."""
    services = await desk.rows("services/getAll", ServiceType="Bookable")
    offsets = {row["Names"]["en-US"]: row["Data"]["Value"]["EndOffset"] for row in services}
    assert offsets == {"Accommodation": "P0M0DT11H0M0S", "Parking": "P0M0DT-4H0M0S"}
    kinds = await desk.rows("resourceCategories/getAll", ServiceIds=[row["Id"] for row in services])
    assert {row["Type"] for row in kinds} == {"Room", "ParkingSpot"}


async def test_an_assignment_shows_the_state_of_its_parents_and_is_filtered_by_its_own(desk: Desk) -> None:
    """Asking for active ones can return inactive ones (10.4)."""
    kinds = await desk.rows("resourceCategories/getAll", ServiceIds=[desk.service], ActivityStates=BOTH)
    ids = [row["Id"] for row in kinds]
    rows = await desk.rows("resourceCategoryAssignments/getAll", ResourceCategoryIds=ids, ActivityStates=["Active"])
    dead = next(row["Id"] for row in kinds if not row["IsActive"])
    assert {row["IsActive"] for row in rows if row["CategoryId"] == dead} == {False}
    assert [row["IsActive"] for row in rows if row["CategoryId"] != dead] == [True] * 3


async def test_a_room_is_out_of_order_while_a_block_of_that_kind_runs(desk: Desk) -> None:
    """Its housekeeping state is hidden meanwhile; house use closes nothing (10.4)."""
    await desk.sim("clock", now="2030-03-02T12:00:00Z")
    for kind, room in (("out_of_order", desk.rooms[0]), ("owner", desk.rooms[1])):
        await desk.change("create", set={**STAY, "kind": kind, "room_ref": room})
    await desk.change("modify", ref=desk.rooms[0], vendor={"State": "Dirty"})
    states = []
    for instant in ("2030-03-02T12:00:00Z", "2030-03-05T12:00:00Z"):
        await desk.sim("clock", now=instant)
        rows = await desk.rows("resources/getAll", Extent={"Resources": True})
        states.append([next(row["State"] for row in rows if row["Id"] == room) for room in desk.rooms])
    assert states == [["OutOfOrder", "Clean", "Clean"], ["Dirty", "Clean", "Clean"]]


@pytest.mark.parametrize(
    ("dates", "times"),
    [
        (("2026-03-28", "2026-03-30"), ("2026-03-28T14:00:00Z", "2026-03-30T09:00:00Z")),
        (("2026-10-24", "2026-10-26"), ("2026-10-24T13:00:00Z", "2026-10-26T10:00:00Z")),
    ],
)
async def test_planned_times_and_nights_follow_the_local_clock(
    desk: Desk, dates: tuple[str, str], times: tuple[str, str]
) -> None:
    """TIM-01, TIM-02: two nights over both changes of the clock; a night begins at local midnight (8)."""
    ref = await desk.booked(arrival=dates[0], departure=dates[1])
    stay = await desk.stay(ref)
    assert (stay["ScheduledStartUtc"], stay["ScheduledEndUtc"]) == times
    items = await desk.rows("orderItems/getAll", ServiceOrderIds=[stay["Id"]])
    starts = sorted(item["StartUtc"] for item in items)
    assert starts == sorted(
        {"2026-03-28": ["2026-03-27T23:00:00Z", "2026-03-28T23:00:00Z"],
         "2026-10-24": ["2026-10-23T22:00:00Z", "2026-10-24T22:00:00Z"]}[dates[0]]
    )  # fmt: skip
    told = (await desk.reservation(ref))["room_stays"][0]
    assert (told["arrival"], told["departure"], len(told["nights"])) == (*dates, 2)


async def test_nights_are_order_items_with_net_gross_and_tax(desk: Desk) -> None:
    """One SpaceOrder per night, exact to the cent, the surplus first (4, 10.6, 10.9)."""
    stay = await desk.stay(await desk.booked(total="100.01"))
    items = await desk.rows("orderItems/getAll", ServiceOrderIds=[stay["Id"]], Types=["SpaceOrder"])
    amounts = sorted((item["StartUtc"], item["Amount"]["GrossValue"]) for item in items)
    assert [amount for _, amount in amounts] == [33.34, 33.34, 33.33]
    one = next(item["Amount"] for item in items if item["Amount"]["GrossValue"] == 33.34)
    assert (one["NetValue"], one["TaxValues"]) == (30.31, [{"Code": "ES-R", "Value": 3.03}])
    assert one["Breakdown"]["Items"] == [{"TaxRateCode": "ES-R", "NetValue": 30.31, "TaxValue": 3.03}]


async def test_a_received_payment_is_negative_and_a_refund_positive(desk: Desk) -> None:
    """Against what everybody expects (10.9, 17)."""
    lines = [{"kind": "payment", "text": "Card", "amount": "50.00"}, {"kind": "payment", "amount": "-10.00"}]
    stay = await desk.stay(await desk.booked(folio_lines=lines))
    rows = await desk.rows("payments/getAll", ReservationIds=[stay["Id"]])
    assert sorted(row["Amount"]["GrossValue"] for row in rows) == [-50, 10]
    assert {row["State"] for row in rows} == {"Charged"}


@pytest.mark.parametrize(
    ("status", "state", "accounting"),
    [
        ({"status": "confirmed"}, "Confirmed", "Open"),
        ({"status": "hold", "hold_kind": "option"}, "Optional", "Inactive"),
        ({"status": "hold", "hold_kind": "request"}, "Requested", "Inactive"),
        ({"status": "hold", "hold_kind": "inquiry"}, "Inquired", "Inactive"),
        ({"status": "cancelled"}, "Canceled", "Canceled"),
        ({"status": "no_show"}, "Canceled", "Canceled"),
    ],
)
async def test_lines_of_the_bill_follow_the_state_of_the_stay(
    desk: Desk, status: Row, state: str, accounting: str
) -> None:
    """Inactive until confirmed, canceled with the stay, and back when it lives again (10.9)."""
    ref = await desk.booked()
    await desk.change("modify", ref=ref, set=status)
    stay = await desk.stay(ref)
    assert stay["State"] == state
    assert await _accounting(desk, stay) == {accounting}
    await desk.change("modify", ref=ref, set={"status": "confirmed"})
    assert await _accounting(desk, stay) == {"Open"}
    assert (await desk.stay(ref))["CancelledUtc"] is None


async def _accounting(desk: Desk, stay: Row) -> set[Any]:
    return {item["AccountingState"] for item in await desk.rows("orderItems/getAll", ServiceOrderIds=[stay["Id"]])}


async def test_check_in_and_check_out_leave_their_times(desk: Desk) -> None:
    """The plan stays what it was; actual times match started and processed stays only (10.6)."""
    await desk.sim("clock", now="2030-03-01T16:20:00Z")
    ref = await desk.booked()
    today = between("2030-03-01T00:00:00Z", "2030-03-02T00:00:00Z")
    assert await desk.stays(ActualStartUtc=today) == []
    await desk.change("modify", ref=ref, set={"status": "checked_in"})
    (started,) = await desk.stays(ActualStartUtc=today)
    assert (started["State"], started["ActualStartUtc"][:16]) == ("Started", "2030-03-01T16:20")
    await desk.sim("clock", now="2030-03-05T00:20:00Z")
    await desk.change("modify", ref=ref, set={"status": "checked_out"})
    done = await desk.stay(ref)
    assert (done["State"], done["ActualEndUtc"][:16]) == ("Processed", "2030-03-05T00:20")
    assert (done["ScheduledEndUtc"], done["ActualStartUtc"]) == ("2030-03-04T10:00:00Z", started["ActualStartUtc"])


async def test_people_are_counted_by_age_category(desk: Desk) -> None:
    """There are no adult and child numbers (10.6)."""
    stay = await desk.stay(await desk.booked(adults=2, children=1))
    ages = {
        row["Id"]: row["Classification"] for row in await desk.rows("ageCategories/getAll", ServiceIds=[desk.service])
    }
    assert [(ages[one["AgeCategoryId"]], one["Count"]) for one in stay["PersonCounts"]] == [("Adult", 2), ("Child", 1)]


async def test_a_channel_booking_names_its_manager_in_the_group_and_its_source_beside(desk: Desk) -> None:
    """The stay has the channel's number, the group the channel manager's, a source assignment the channel (10.7)."""
    ref = await desk.booked(channel="airbnb", channel_reference="HM123", room_stays=[STAY, STAY])
    stays = await desk.stays(ReservationGroupIds=[ref])
    assert {(row["Origin"], row["ChannelNumber"]) for row in stays} == {("ChannelManager", "HM123")}
    (group,) = await desk.rows("reservationGroups/getAll", ReservationGroupIds=[ref])
    assert group.keys() == {"Id", "Name", "ChannelManager", "ChannelManagerGroupNumber", "EnterpriseId"}
    assert group["ChannelManager"] == "SiteMinder"
    (tie,) = await desk.rows("sourceAssignments/getAll", ReservationGroupIds=[ref])
    sources = {row["Id"]: row["Name"] for row in await desk.rows("sources/getAll")}
    assert (sources[tie["SourceId"]], tie["IsPrimary"]) == ("Airbnb", True)


async def test_a_group_is_found_by_a_time_of_change_that_it_does_not_tell(desk: Desk) -> None:
    """And by its id (10.7)."""
    await desk.sim("clock", now="2029-06-01T12:00:00Z")
    ref = await desk.booked()
    window = between("2029-06-01T11:00:00Z", "2029-06-01T13:00:00Z")
    assert [row["Id"] for row in await desk.rows("reservationGroups/getAll", UpdatedUtc=window)] == [ref]


async def test_a_companion_who_leaves_leaves_no_trace(desk: Desk) -> None:
    """Whole sets are compared (10.7)."""
    ref = await desk.booked(guests=[{"last_name": "Friend"}])
    counts = [len(await desk.rows("companionships/getAll", ReservationGroupIds=[ref], Extent={}))]
    await desk.change("modify", ref=ref, set={"guests": []})
    counts.append(len(await desk.rows("companionships/getAll", ReservationGroupIds=[ref], Extent={})))
    assert counts == [1, 0]


async def test_a_country_stands_in_the_address_and_in_the_profile(desk: Desk) -> None:
    """The inline address comes only with its extent (10.8)."""
    ref = await desk.booked(booker={"last_name": "Vega", "country": "ES"})
    guest = (await desk.reservation(ref))["booker"]["ref"]
    extents = ({"Customers": True}, {"Customers": True, "Addresses": True})
    bare, whole = [(await desk.rows("customers/getAll", CustomerIds=[guest], Extent=one))[0] for one in extents]
    (address,) = await desk.rows("addresses/getAll", AccountIds=[guest])
    assert (bare["Address"], whole["Address"]["CountryCode"]) == (None, "ES")
    assert (address["Id"], address["CountryCode"]) == (bare["AddressId"], "ES")


async def test_an_allotment_takes_units_out_of_a_category_and_brings_a_rate(desk: Desk) -> None:
    """Both ends are time units, the last one inside; the count is negative (8, 10.7, 11.7)."""
    made = await desk.change("create", set={**STAY, "kind": "allotment"})
    extent = {"AvailabilityBlocks": True, "Adjustments": True}
    page = (await desk.read("availabilityBlocks/getAll", Extent=extent)).json()
    (block,), (taken,) = page["AvailabilityBlocks"], page["Adjustments"]
    ends = (block["FirstTimeUnitStartUtc"], block["LastTimeUnitStartUtc"])
    assert (block["Id"], ends) == (made["ref"], ("2030-02-28T23:00:00Z", "2030-03-02T23:00:00Z"))
    assert (taken["AvailabilityBlockId"], taken["UnitCount"]) == (made["ref"], -1)
    rates = await desk.rows("rates/getAll", ServiceIds=[desk.service])
    assert [row["Id"] for row in rates if row["Type"] == "AvailabilityBlock"] == [block["RateId"]]
