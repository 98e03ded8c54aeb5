"""The simulated Mews tells the truth in public words, from the raw rows, and obeys orders in both languages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.contract.mews_desk import PLENTY, RESERVATIONS, STAY, Desk, Row, running_desk


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    """Run one property without bookings that takes any number of calls."""
    async with running_desk(**PLENTY, reservations=0) as one:
        yield one


@pytest.mark.parametrize(
    ("raw", "status", "hold_kind", "blocks"),
    [
        ({"State": "Inquired"}, "hold", "inquiry", False),
        ({"State": "Requested"}, "hold", "request", False),
        ({"State": "Optional"}, "hold", "option", True),
        ({"State": "Confirmed"}, "confirmed", None, True),
        ({"State": "Started"}, "checked_in", None, True),
        ({"State": "Canceled", "CancellationReason": "NoShow"}, "no_show", None, False),
        ({"State": "Canceled", "CancellationReason": "Other"}, "cancelled", None, False),
    ],
)
async def test_every_state_has_its_public_word(
    desk: Desk, raw: Row, status: str, hold_kind: str | None, *, blocks: bool
) -> None:
    """A no-show is a canceled stay; there is no such state (10.6, 11.1)."""
    made = await desk.change("create", set=STAY, vendor=raw)
    told = await desk.reservation(made["ref"])
    assert (told["status"], told["vendor_status"], told["hold_kind"]) == (status, raw["State"], hold_kind)
    assert (told["blocks_inventory"], told["room_stays"][0]["status"]) == (blocks, status)


async def test_of_a_checked_out_stay_nothing_is_said_about_stock(desk: Desk) -> None:
    """It lies in the past (11.1)."""
    told = await desk.reservation(await desk.booked(status="checked_out"))
    assert (told["status"], "blocks_inventory" in told) == ("checked_out", False)


async def test_a_group_is_one_reservation_and_its_reservations_are_room_stays(desk: Desk) -> None:
    """In the order of their ids; the status is the first present of the usual order (ARCHITECTURE §1)."""
    ref = await desk.booked(room_stays=[STAY, STAY, STAY], total="1000.01")
    stays = sorted(row["Id"] for row in await desk.stays(ReservationGroupIds=[ref]))
    told = await desk.reservation(ref)
    assert [stay["ref"] for stay in told["room_stays"]] == stays
    assert (told["total"], sorted(stay["total"] for stay in told["room_stays"])) == (
        "1000.01",
        ["333.33", "333.34", "333.34"],
    )
    await desk.change("cancel", ref=stays[0])
    told = await desk.reservation(ref)
    assert [stay["status"] for stay in told["room_stays"]] == ["cancelled", "confirmed", "confirmed"]
    assert (told["status"], told["vendor_status"]) == ("confirmed", "Confirmed")


async def test_a_canceled_stay_says_no_price(desk: Desk) -> None:
    """Its nights were canceled with it, and no document says what it costs."""
    ref = await desk.booked()
    await desk.change("cancel", ref=ref)
    told = await desk.reservation(ref)
    assert not {"total", "nights"} & told["room_stays"][0].keys()
    assert (told["status"], "total" in told, told["folio_lines"]) == ("cancelled", False, [])


async def test_prices_are_gross_night_by_night_also_in_a_net_property() -> None:
    """The vendor gives each night its price; nothing is derived (4)."""
    async with running_desk(**PLENTY, hotels=2, reservations=0) as desk:
        place = desk.simulator.backend.places[1].id
        ref = await desk.booked(property_ref=place, total="300.00")
        told = await desk.reservation(ref)
    assert (told["currency"], told["price_basis"], told["total"]) == ("USD", "gross", "300.00")
    nights = told["room_stays"][0]["nights"]
    assert [(night["price"], night["derived"]) for night in nights] == [("100.00", False)] * 3


async def test_changed_dates_keep_the_nights_that_stay_and_price_new_ones_like_the_last(desk: Desk) -> None:
    """Nights that fell away are canceled in the bill."""
    nights = [{"date": f"2030-03-0{day}", "price": price} for day, price in ((1, "90"), (2, "100"), (3, "110"))]
    ref = await desk.booked(room_stays=[{**STAY, "nights": nights}])
    await desk.change("modify", ref=ref, set={"arrival": "2030-03-02", "departure": "2030-03-05"})
    told = (await desk.reservation(ref))["room_stays"][0]
    assert [(night["date"][-2:], night["price"]) for night in told["nights"]] == [
        ("02", "100.00"),
        ("03", "110.00"),
        ("04", "110.00"),
    ]
    stay = await desk.stay(ref)
    items = await desk.rows("orderItems/getAll", ServiceOrderIds=[stay["Id"]], AccountingStates=["Canceled"])
    assert [item["Amount"]["GrossValue"] for item in items] == [90]


@pytest.mark.parametrize(
    ("said", "channel", "vendor_channel"),
    [
        ({}, "direct", "Commander"),
        ({"channel": "direct"}, "direct", "Commander"),
        ({"channel": "booking_page"}, "booking_page", "Distributor"),
        ({"channel": "booking_com"}, "booking_com", "Booking.com"),
        ({"channel": "airbnb"}, "airbnb", "Airbnb"),
        ({"channel": "expedia"}, "expedia", "Expedia"),
        ({"channel": "agoda"}, "agoda", "Agoda"),
        ({"channel": "vrbo"}, "vrbo", "Vrbo"),
        ({"channel": "other"}, "other", "Hostelworld"),
    ],
)
async def test_channels_are_told_by_origin_and_source(desk: Desk, said: Row, channel: str, vendor_channel: str) -> None:
    """The booking engine, the staff, or the source that the channel manager named (10.6, 10.7)."""
    told = await desk.reservation(await desk.booked(**said))
    assert (told["channel"], told["vendor_channel"]) == (channel, vendor_channel)


async def test_the_booker_is_the_main_guest_unless_one_is_named(desk: Desk) -> None:
    """Companions are the other guests (9, 10.6)."""
    ref = await desk.booked(booker={"last_name": "Vega", "email": "a@example.com"}, guests=[{"last_name": "Friend"}])
    told = await desk.reservation(ref)
    assert (told["booker"]["last_name"], told["booker"]["email"]) == ("Vega", "a@example.com")
    assert [guest["last_name"] for guest in told["guests"]] == ["Friend"]
    await desk.change("modify", ref=ref, vendor={"BookerId": told["guests"][0]["ref"]})
    assert (await desk.reservation(ref))["booker"]["last_name"] == "Friend"


async def test_a_merged_profile_points_to_the_one_that_counts(desk: Desk) -> None:
    """The loser is inactive and named by the stay all the same (10.8)."""
    loser, winner = [await desk.booked(booker={"last_name": name}) for name in ("Loser", "Winner")]
    ids = [(await desk.reservation(ref))["booker"]["ref"] for ref in (loser, winner)]
    await desk.change("modify", ref=ids[0], vendor={"MergeTargetId": ids[1], "IsActive": False})
    told = (await desk.reservation(loser))["booker"]
    assert (told["ref"], told["last_name"]) == (ids[1], "Winner")
    await desk.change("modify", ref=ids[1], vendor={"MergeTargetId": ids[0]})
    assert (await desk.reservation(loser))["booker"]["ref"] in ids


async def test_a_changed_profile_keeps_its_id_and_may_be_emptied(desk: Desk) -> None:
    """All but the last name, which a profile always has."""
    ref = await desk.booked(
        booker={"last_name": "Vega", "email": "a@example.com", "country": "ES", "language": "es-ES"}
    )
    before = (await desk.reservation(ref))["booker"]
    said = {"first_name": "", "last_name": "O'Neill", "email": None, "country": None}
    await desk.change("modify", ref=ref, set={"booker": said})
    after = (await desk.reservation(ref))["booker"]
    assert after == {**before, "first_name": None, "last_name": "O'Neill", "email": None, "country": None}


async def test_notes_and_comments_are_notes_of_two_kinds(desk: Desk) -> None:
    """General ones are the hotel's, the others come from guest or channel (10.7)."""
    ref = await desk.booked(notes="Zażółć \U0001f6cf", comments="Cot, please.")
    told = await desk.reservation(ref)
    assert (told["notes"], told["comments"]) == ("Zażółć \U0001f6cf", "Cot, please.")
    await desk.change("modify", ref=ref, set={"notes": "", "comments": "No cot."})
    told = await desk.reservation(ref)
    assert (told["notes"], told["comments"]) == (None, "No cot.")


async def test_folio_lines_are_open_charges_and_money_received(desk: Desk) -> None:
    """Payments positive, refunds negative; nights are lines too; a new list cancels what it does not name."""
    lines = [{"kind": "charge", "text": "Spa", "amount": "12.30"}, {"kind": "payment", "text": "Card", "amount": "50"}]
    ref = await desk.booked(total="300", folio_lines=lines)
    told = (await desk.reservation(ref))["folio_lines"]
    assert sorted((line["kind"], line["text"], line["amount"]) for line in told) == [
        ("charge", "Night", "100.00"),
        ("charge", "Night", "100.00"),
        ("charge", "Night", "100.00"),
        ("charge", "Spa", "12.30"),
        ("payment", "Card", "50.00"),
    ]
    kept = [line for line in told if line["text"] != "Spa"]
    await desk.change("modify", ref=ref, set={"folio_lines": [*kept, {"kind": "payment", "amount": "-2.00"}]})
    amounts = sorted(line["amount"] for line in (await desk.reservation(ref))["folio_lines"])
    assert amounts == ["-2.00", "100.00", "100.00", "100.00", "50.00"]


@pytest.mark.parametrize(("kind", "raw"), [("out_of_order", "OutOfOrder"), ("owner", "InternalUse")])
async def test_a_block_of_a_room_is_a_block_until_it_is_deleted(desk: Desk, kind: str, raw: str) -> None:
    """It is never a reservation; a deleted one is gone (10.4)."""
    made = await desk.change("create", set={**STAY, "kind": kind, "room_ref": desk.rooms[1]})
    told = await desk.block(made["ref"])
    assert (told["kind"], told["room_ref"], told["arrival"], told["departure"], told["gone"]) == (
        kind,
        desk.rooms[1],
        STAY["arrival"],
        STAY["departure"],
        False,
    )
    assert [row["Type"] for row in await desk.rows("resourceBlocks/getAll")] == [raw]
    await desk.change("modify", ref=made["ref"], set={"departure": "2030-03-06", "room_ref": desk.rooms[2]})
    told = await desk.block(made["ref"])
    assert (told["departure"], told["room_ref"]) == ("2030-03-06", desk.rooms[2])
    await desk.change("cancel", ref=made["ref"])
    assert (await desk.block(made["ref"]))["gone"] is True
    assert (await desk.truth())["reservations"] == []


async def test_an_allotment_is_a_block_of_a_room_type_until_it_is_canceled(desk: Desk) -> None:
    """Its last time unit is the last night (8, 10.7)."""
    made = await desk.change("create", set={**STAY, "kind": "allotment"})
    told = await desk.block(made["ref"])
    place = (await desk.truth())["properties"][0]["room_types"][0]["ref"]
    assert (told["kind"], told["room_type_ref"], told["room_ref"], told["arrival"], told["departure"]) == (
        "allotment",
        place,
        None,
        STAY["arrival"],
        STAY["departure"],
    )
    await desk.change("cancel", ref=made["ref"])
    assert (await desk.block(made["ref"]))["gone"] is True


async def test_day_use_has_one_date_and_one_price(desk: Desk) -> None:
    """TIM-14: arrival and departure are the same day."""
    ref = await desk.booked(arrival="2030-03-01", departure="2030-03-01", total="50")
    told = (await desk.reservation(ref))["room_stays"][0]
    assert (told["arrival"], told["departure"], told["total"]) == ("2030-03-01", "2030-03-01", "50.00")
    stay = await desk.stay(ref)
    assert stay["ScheduledStartUtc"] < stay["ScheduledEndUtc"]


async def test_a_room_is_chosen_while_the_category_has_one(desk: Desk) -> None:
    """The fourth stay of the same nights has none; a named room may be sold twice."""
    refs = [await desk.booked() for _ in range(4)]
    rooms = [(await desk.reservation(ref))["room_stays"][0]["room_ref"] for ref in refs]
    assert rooms == [*desk.rooms, None]
    ref = await desk.booked(room_ref=desk.rooms[0])
    assert (await desk.reservation(ref))["room_stays"][0]["room_ref"] == desk.rooms[0]


async def test_parking_is_no_room_stay(desk: Desk) -> None:
    """A booking of another service is on the wire, but is no reservation of a room (9)."""
    parking = desk.simulator.backend.places[0].at("service", "parking")
    made = await desk.change("create", set=STAY, vendor={"ServiceId": parking})
    assert (await desk.truth())["reservations"] == []
    assert len(await desk.stays(ReservationGroupIds=[made["ref"]])) == 1


async def test_every_change_moves_the_version_of_the_stays(desk: Desk) -> None:
    """Whole seconds, as text that sorts (4)."""
    versions = [(await desk.change("create", set=STAY))]
    for said in ({"notes": "a"}, {"booker": {"last_name": "B"}}, {"total": "99"}, {"adults": 1}):
        await desk.sim("clock", advance_s=2)
        versions.append(await desk.change("modify", ref=versions[0]["ref"], set=said))
        assert (await desk.reservation(versions[0]["ref"]))["version"] == versions[-1]["version"]
    texts = [one["version"] for one in versions]
    assert texts == sorted(set(texts))


async def test_a_raw_change_of_what_hangs_on_a_stay_does_not_move_it(desk: Desk) -> None:
    """Nobody says that it does; each row has its own time of change (14.1)."""
    ref = await desk.booked(notes="a", folio_lines=[{"kind": "payment", "amount": "5"}])
    before = await desk.stay(ref)
    await desk.sim("clock", advance_s=5)
    asked = (("serviceOrderNotes/getAll", "ServiceOrderIds"), ("payments/getAll", "ReservationIds"))
    for path, name in asked:
        (row,) = await desk.rows(path, **{name: [before["Id"]]})
        await desk.change("modify", ref=row["Id"], vendor={"Text": "b"} if "Text" in row else {"Notes": "b"})
        (after,) = await desk.rows(path, **{name: [before["Id"]]})
        assert after["UpdatedUtc"] > row["UpdatedUtc"]
    assert await desk.stay(ref) == before
    assert (await desk.reservation(ref))["notes"] == "b"


async def test_vendor_fields_are_written_verbatim_into_stay_group_or_any_other_row(desk: Desk) -> None:
    """Raw fields need no translation; an unknown word stays as it is (CUR-19's vendor)."""
    ref = await desk.booked()
    await desk.change("modify", ref=ref, vendor={"State": "Quoted", "Oddity": 1, "Name": "Wedding"})
    (stay,) = await desk.rows(RESERVATIONS, ReservationIds=[(await desk.reservation(ref))["room_stays"][0]["ref"]])
    assert (stay["State"], stay["Oddity"]) == ("Quoted", 1)
    (group,) = await desk.rows("reservationGroups/getAll", ReservationGroupIds=[ref])
    assert group["Name"] == "Wedding"
    told = await desk.reservation(ref)
    assert (told["status"], told["vendor_status"]) == (None, "Quoted")


async def test_a_whole_revision_may_be_handed_in_again(desk: Desk) -> None:
    """What the vendor says itself is passed over, and nothing changes."""
    ref = await desk.booked(
        room_stays=[STAY, STAY], channel="expedia", channel_reference="E1", notes="n", total="100.01"
    )
    told = await desk.reservation(ref)
    await desk.change("modify", ref=ref, set=told)
    after = await desk.reservation(ref)
    assert {**after, "version": None, "modified_at": None} == {**told, "version": None, "modified_at": None}


async def test_path_keys_change_one_stay_and_a_further_one_joins(desk: Desk) -> None:
    """`room_stays[1].departure` means the second stay by its id."""
    ref = await desk.booked(room_stays=[STAY, STAY], channel="vrbo", channel_reference="V9")
    await desk.change("modify", ref=ref, set={"room_stays[1].departure": "2030-03-09"})
    told = await desk.reservation(ref)
    assert [stay["departure"][-2:] for stay in told["room_stays"]] == ["04", "09"]
    known = {stay["ref"] for stay in told["room_stays"]}
    await desk.change("modify", ref=ref, set={"room_stays": [{}, {}, {"adults": 1}]})
    told = await desk.reservation(ref)
    (fresh,) = [stay for stay in told["room_stays"] if stay["ref"] not in known]
    assert (fresh["adults"], fresh["status"]) == (1, "confirmed")
    assert {row["ChannelNumber"] for row in await desk.stays(ReservationGroupIds=[ref])} == {"V9"}


async def test_a_deleted_booking_vanishes_without_a_trace(desk: Desk) -> None:
    """CUR-18's vendor: the real one never does it."""
    ref = await desk.booked(notes="n", guests=[{"last_name": "F"}], folio_lines=[{"kind": "payment", "amount": "1"}])
    stay = (await desk.stay(ref))["Id"]
    await desk.change("delete", ref=ref)
    assert await desk.stays(ReservationIds=[stay]) == []
    assert await desk.rows("reservationGroups/getAll", ReservationGroupIds=[ref]) == []
    assert await desk.rows("orderItems/getAll", ServiceOrderIds=[stay]) == []
    assert await desk.rows("payments/getAll", ReservationIds=[stay]) == []
    assert (await desk.truth())["reservations"] == []


@pytest.mark.parametrize(
    "order",
    [
        {"op": "modify", "ref": "404404", "set": {"notes": "x"}},
        {"op": "create", "set": {"bogus": 1}},
        {"op": "create", "set": {**STAY, "status": "sleeping"}},
        {"op": "create", "set": {**STAY, "room_type_ref": "55"}},
        {"op": "create", "set": {**STAY, "room_ref": "101"}},
        {"op": "create", "set": {**STAY, "property_ref": "7"}},
        {"op": "create", "set": {"arrival": "2030-03-04", "departure": "2030-03-01"}},
        {"op": "create", "set": {**STAY, "total": "much"}},
        {"op": "create", "set": {**STAY, "booker": {"last_name": ""}}},
        {"op": "create", "set": {**STAY, "folio_lines": [{"kind": "gift", "amount": "1"}]}},
        {"op": "create", "set": {**STAY, "kind": "closure"}},
        {"op": "create", "set": STAY, "vendor": {"Id": "x"}},
        {"op": "create", "set": STAY, "vendor": {"AccountId": ["x"]}},
        {"op": "modify", "ref": "", "vendor": {"Action": "IntegrationExploded"}},
        {"op": "explode"},
    ],
)
async def test_an_impossible_order_is_refused_with_a_remedy_and_changes_nothing(desk: Desk, order: Row) -> None:
    """The error says what, where and the remedy; what was half done is taken back."""
    await desk.booked()
    before = await _everything(desk)
    answer = await desk.client.post("/_sim/change", json=order)
    assert answer.status_code == 400
    assert answer.json()["error"].keys() == {"what", "where", "remedy"}
    assert await _everything(desk) == before


async def _everything(desk: Desk) -> list[Any]:
    hotel = desk.simulator.backend.hotel
    tables = "reservations groups customers items payments source_assignments resource_blocks rates"
    return [(await desk.truth())["reservations"], *(list(hotel[name].rows()) for name in tables.split())]


@pytest.mark.parametrize(
    "garbage",
    [
        {"State": ["Confirmed"]},
        {"State": None, "Origin": {"x": 1}},
        {"ScheduledStartUtc": None},
        {"ScheduledStartUtc": "soon", "ScheduledEndUtc": 7},
        {"UpdatedUtc": None, "CreatedUtc": 5},
        {"PersonCounts": "two", "ChannelNumber": ["a"]},
        {"PersonCounts": [1, {"AgeCategoryId": None, "Count": "x"}]},
        {"RequestedResourceCategoryId": ["x"], "RateId": {"y": 1}, "CancellationReason": []},
        {"AccountId": None, "BookerId": "nobody"},
    ],
)
async def test_one_garbage_booking_never_breaks_the_truth_nor_the_next_booking(desk: Desk, garbage: Row) -> None:
    """What cannot be read is left out, and the rest stays."""
    await desk.change("create", set=STAY, vendor=garbage)
    ref = await desk.booked()
    told = await desk.truth()
    assert ref in {one["ref"] for one in told["reservations"]}
    assert (await desk.reservation(ref))["room_stays"][0]["arrival"] == STAY["arrival"]
    assert (await desk.read(RESERVATIONS)).status_code == 200


async def test_an_amount_that_is_none_is_no_line(desk: Desk) -> None:
    """Neither a night nor a charge."""
    ref = await desk.booked(total="300")
    stay = await desk.stay(ref)
    items = await desk.rows("orderItems/getAll", ServiceOrderIds=[stay["Id"]])
    for item, amount in zip(items, (None, {"Currency": "EUR", "GrossValue": "x"}), strict=False):
        await desk.change("modify", ref=item["Id"], vendor={"Amount": amount})
    told = await desk.reservation(ref)
    assert (told["total"], len(told["folio_lines"])) == ("100.00", 1)


async def test_twenty_thousand_bookings_are_seeded_and_paged_quickly(desk: Desk) -> None:
    """A large world stays usable; the bound is wide on purpose."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    await desk.sim("reset", seed=9, hotels=2, rooms=200, reservations=20000)
    cursor, seen = None, 0
    while True:
        page = (await desk.read(RESERVATIONS, cursor=cursor)).json()
        cursor, seen = page["Cursor"], seen + len(page["Reservations"])
        if cursor is None:
            break
    assert seen > 15000
    assert loop.time() - began < 30
