"""Applying revisions: what a vendor says becomes the store's truth, whatever the order or number of tellings."""

from __future__ import annotations

import itertools
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from pms_sync.apply.incoming import Outcome
from pms_sync.domain.reservation import Block, Line, UnmappedCode
from pms_sync.domain.status import Status
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from tests.integration.applied_hotel import House, revision


@pytest.fixture
def house(database: Database, keys: KeyRing, hotel: Any) -> House:
    """Give the small hotel with an applier."""
    return House(database, keys, hotel.tenant_id, hotel.account_id)


async def test_a_first_revision_becomes_a_reservation_with_stay_nights_and_claims(house: House) -> None:
    """ING-01, store side: one reservation, one stay, its nights, its claims and its counters."""
    assert await house.apply(revision()) == [Outcome.NEW]
    [reservation] = await house.rows("SELECT status, total, version, flags, quarantined FROM reservations")
    assert reservation == {
        "status": "confirmed",
        "total": Decimal("200.00"),
        "version": 1,
        "flags": [],
        "quarantined": False,
    }
    [stay] = await house.rows("SELECT claim_state, adults, vendor_ref FROM room_stays")
    assert stay == {"claim_state": "claimed", "adults": 2, "vendor_ref": "1001"}
    nights = await house.rows("SELECT night, price FROM stay_nights ORDER BY night")
    assert [(str(one["night"]), one["price"]) for one in nights] == [("2026-03-10", 100), ("2026-03-11", 100)]
    claims = await house.rows("SELECT date, slot FROM room_claims ORDER BY date, slot")
    assert [(str(one["date"]), one["slot"]) for one in claims] == [
        ("2026-03-10", "night"),
        ("2026-03-11", "day"),
        ("2026-03-11", "night"),
    ]
    counters = await house.rows("SELECT booked, total FROM inventory ORDER BY date")
    assert [(one["booked"], one["total"]) for one in counters] == [(1, 3), (1, 3)]


async def test_the_same_bytes_again_write_nothing(house: House) -> None:
    """DUP-06, I13: a duplicate leaves no trace in the core tables."""
    await house.apply(revision())
    before = await house.rows("SELECT xmin::text AS x FROM reservations UNION ALL SELECT xmin::text FROM links")
    assert await house.apply(revision()) == [Outcome.DUPLICATE]
    assert await house.rows("SELECT xmin::text AS x FROM reservations UNION ALL SELECT xmin::text FROM links") == before
    assert len(await house.rows("SELECT FROM audit_log WHERE action LIKE 'reservation%'")) == 1


async def test_an_older_version_after_a_newer_is_kept_out_and_read_again(house: House) -> None:
    """ORD-01: v5 is kept, no update is audited, and one direct read is asked for."""
    await house.apply(revision(version="2026-03-01T10:00:05Z"))
    older = revision(version="2026-03-01T10:00:03Z", total=Decimal("150.00"))
    assert await house.apply(older) == [Outcome.STALE]
    assert (await house.rows("SELECT total FROM reservations"))[0]["total"] == Decimal("200.00")
    assert len(await house.rows("SELECT FROM events WHERE kind = 'reconcile'")) == 1
    assert len(await house.rows("SELECT FROM audit_log WHERE action = 'reservation.updated'")) == 0


async def test_a_modification_that_is_read_before_its_reservation_stands(house: House) -> None:
    """ORD-03: two queues of one vendor, the modification first; whichever comes second, there is one reservation."""
    modified = revision(version="2026-03-01T10:05:00Z", total=Decimal("250.00"))
    await house.apply(modified)
    assert await house.apply(revision(version="2026-03-01T10:00:00Z")) == [Outcome.STALE]
    assert await house.rows("SELECT status, total FROM reservations") == [
        {"status": "confirmed", "total": Decimal("250.00")}
    ]
    assert {one["booked"] for one in await house.rows("SELECT booked FROM inventory")} == {1}


async def test_a_lower_version_repeated_by_a_direct_read_is_believed(house: House) -> None:
    """ORD-06: a vendor clock that stepped back loses no update."""
    await house.apply(revision(version="2026-03-01T11:00:00Z"))
    back = revision(version="2026-03-01T10:00:00Z", total=Decimal("150.00"))
    assert await house.apply(back, direct=True) == [Outcome.STALE]
    assert await house.apply(back, direct=True) == [Outcome.CHANGED]
    assert (await house.rows("SELECT total FROM reservations"))[0]["total"] == Decimal("150.00")


async def test_a_record_read_before_the_last_read_is_discarded(house: House) -> None:
    """A page written after a fresher webhook was applied never makes the store older (BEYOND 4)."""
    early = await house.incoming(revision(total=Decimal("150.00")))
    await house.apply(revision(version="2026-03-01T10:00:01Z"))
    assert await house.apply_records([early]) == [Outcome.OUTRUN]


async def test_what_has_no_version_and_was_read_unchanged_is_not_overwritten_by_a_read_from_before(
    house: House,
) -> None:
    """ORD-01: changed and changed back, while a page that shows what was in between is on its way."""
    await house.apply(revision(version=""))
    earlier = await house.incoming(revision(version=""))
    early = await house.incoming(revision(version="", total=Decimal("150.00")))
    assert await house.apply(revision(version=""), direct=True) == [Outcome.DUPLICATE]
    assert await house.apply_records([msgspec.structs.replace(earlier, kind="reconcile")]) == [Outcome.DUPLICATE]
    assert await house.apply_records([early]) == [Outcome.OUTRUN]


async def test_a_b_a_is_three_changes(house: House) -> None:
    """DUP-03: the way back to an earlier state is not swallowed."""
    first, second = revision(), revision(total=Decimal("300.00"))
    outcomes = [(await house.apply(one))[0] for one in (first, second, first)]
    assert outcomes == [Outcome.NEW, Outcome.CHANGED, Outcome.CHANGED]
    assert await house.rows("SELECT total, version FROM reservations") == [{"total": Decimal("200.00"), "version": 3}]


async def test_a_cancellation_frees_its_nights(house: House) -> None:
    """INV-05, store side: claims and counters go with the stay."""
    await house.apply(revision())
    await house.apply(revision(status=Status.CANCELLED))
    assert await house.rows("SELECT FROM room_claims") == []
    assert {one["booked"] for one in await house.rows("SELECT booked FROM inventory")} == {0}


async def test_back_to_back_stays_share_a_room(house: House) -> None:
    """INV-03: one leaves on the day the other arrives."""
    await house.apply(revision("1"), revision("2", arrival=date(2026, 3, 12), departure=date(2026, 3, 14)))
    assert {one["claim_state"] for one in await house.rows("SELECT claim_state FROM room_stays")} == {"claimed"}


async def test_a_room_swap_in_one_batch_refuses_nobody(house: House) -> None:
    """ORD-09, INV-08, BEYOND 40: releases of the whole batch come before its claims."""
    await house.apply(revision("1", room="101"), revision("2", room="102"))
    await house.apply(revision("1", room="102"), revision("2", room="101"))
    stays = await house.rows("SELECT vendor_ref, claim_state FROM room_stays ORDER BY vendor_ref")
    assert [one["claim_state"] for one in stays] == ["claimed", "claimed"]
    assert await house.rows("SELECT FROM cases") == []


async def test_two_day_uses_of_one_room_are_detected(house: House) -> None:
    """TIM-14: an empty range is no hole."""
    day = date(2026, 3, 10)
    for ref in ("1", "2"):
        await house.apply(revision(ref, arrival=day, departure=day))
    stays = await house.rows("SELECT claim_state FROM room_stays ORDER BY vendor_ref")
    assert [one["claim_state"] for one in stays] == ["claimed", "refused"]


async def test_a_room_sold_twice_is_stored_and_becomes_a_case_once_both_were_read_again(house: House) -> None:
    """I8, INV-04, BEYOND 47: the second stay is kept and flagged; the case waits until neither was a passing swap."""
    await house.apply(revision("1"))
    await house.apply(revision("2"))
    [refused] = await house.rows("SELECT claim_state, flags FROM room_stays WHERE vendor_ref = '2'")
    assert refused == {"claim_state": "refused", "flags": ["double_booked"]}
    assert await house.rows("SELECT FROM cases") == []
    asked = await house.rows("SELECT DISTINCT ref FROM events WHERE kind = 'reconcile' ORDER BY ref")
    assert [one["ref"] for one in asked] == ["1", "2"]
    await house.apply(revision("1"), revision("2"), kind="reconcile", direct=True)
    cases = await house.rows("SELECT kind, subject, severity FROM cases ORDER BY subject")
    assert {one["kind"] for one in cases} == {"room_double_booked"}
    assert len(cases) == 2  # one a night; the day between belongs to the second night's date
    assert await _named_by(house, "room") == [("101", "2026-03-10"), ("101", "2026-03-11")]


async def _named_by(house: House, what: str) -> list[tuple[str, str]]:
    """Return the room or type and the night that each case's fields name to a person."""
    cases = [{one["path"]: one for one in case["fields"]} for case in await house.rows("SELECT fields FROM cases")]
    for fields in cases:
        for one in fields.values():
            assert one.keys() == {"path", "base", "here", "there", "suggested", "rule"}
    return sorted((fields[what]["here"], fields["date"]["here"]) for fields in cases)


async def test_a_double_booking_that_dissolves_withdraws_its_case(house: House) -> None:
    """BEYOND 31: the guard clears itself, and the refused stay gets its room."""
    await house.apply(revision("1"))
    await house.apply(revision("2"))
    await house.apply(revision("1"), revision("2"), kind="reconcile", direct=True)
    await house.apply(revision("1", status=Status.CANCELLED))
    assert (await house.rows("SELECT count(*) AS n FROM events WHERE ref = '2' AND state = 'waiting'"))[0]["n"] >= 1
    await house.apply(revision("2"), kind="reconcile", direct=True)
    assert [one["state"] for one in await house.rows("SELECT DISTINCT state FROM cases")] == ["withdrawn"]
    [stay] = await house.rows("SELECT claim_state, flags FROM room_stays WHERE vendor_ref = '2'")
    assert stay == {"claim_state": "claimed", "flags": []}


async def test_more_stays_than_units_open_one_case_a_night(house: House) -> None:
    """A type sold over its units is stored, counted and shown; it heals when one goes."""
    for ref in ("1", "2", "3", "4"):
        await house.apply(revision(ref, room=None))
    cases = await house.rows("SELECT kind, state FROM cases")
    assert [one["kind"] for one in cases] == ["type_oversold", "type_oversold"]
    assert await _named_by(house, "room_type") == [("DBL", "2026-03-10"), ("DBL", "2026-03-11")]
    await house.apply(revision("4", room=None, status=Status.CANCELLED))
    assert {one["state"] for one in await house.rows("SELECT state FROM cases")} == {"withdrawn"}


async def test_an_out_of_order_block_takes_its_unit(house: House) -> None:
    """INV-07, first half: the block holds both slots and lowers the capacity."""
    block = Block(
        vendor="beds24",
        ref="9",
        property_ref="7",
        version="1",
        room_type_ref="55",
        room_ref="55/1",
        room_type="DBL",
        room="101",
        arrival=date(2026, 3, 10),
        departure=date(2026, 3, 12),
        kind="owner",
    )
    assert await house.apply(block) == [Outcome.NEW]
    assert len(await house.rows("SELECT FROM room_claims")) == 4
    assert {one["out_of_order"] for one in await house.rows("SELECT out_of_order FROM inventory")} == {1}
    await house.apply(msgspec.structs.replace(block, gone=True))
    assert await house.rows("SELECT FROM room_claims") == []


async def test_group_members_meet_in_one_reservation_whatever_their_order(house: House) -> None:
    """MAP-04, ORD-05: three lines of one group, six orders, one result each time."""
    members = [
        revision("10", group="10", home=True, room="101", name="Master"),
        revision("11", group="10", home=False, room="102", name="Second"),
        revision("12", group="10", home=False, room="103", name="Third"),
    ]
    for member in (members[2], members[0], members[1]):
        await house.apply(member)
    [reservation] = await house.rows("SELECT total, version FROM reservations")
    assert reservation == {"total": Decimal("600.00"), "version": 3}
    assert len(await house.rows("SELECT FROM room_stays")) == 3
    await house.apply(revision("12", group="10", home=False, room="103", status=Status.CANCELLED))
    assert [one["status"] for one in await house.rows("SELECT status FROM reservations")] == ["confirmed"]


async def test_rooms_of_one_ota_number_are_one_reservation(house: House) -> None:
    """Rows that share a channel reference are one booking, also without a group."""
    sold = {"channel": "booking_com", "channel_reference": "4711"}
    await house.apply(revision("1", room="101", **sold), revision("2", room="102", **sold))
    assert len(await house.rows("SELECT FROM reservations")) == 1


@pytest.mark.parametrize(
    ("words", "bookings"),
    [
        (("hotelbeds", "traveloka"), 2),
        (("Hotelbeds", "hotelbeds "), 1),
        ((msgspec.UNSET, msgspec.UNSET), 2),
    ],
)
async def test_one_number_of_two_otas_without_a_word_of_ours_is_two_bookings(
    house: House, words: tuple[Any, Any], bookings: int
) -> None:
    """Every OTA that we have no word for is `other`; the vendor's word tells whose number it is."""
    sold = {"channel": "other", "channel_reference": "4711"}
    first, second = (revision(ref, vendor_channel=word, **sold) for ref, word in zip("12", words, strict=True))
    await house.apply(first)
    await house.apply(second)
    assert len(await house.rows("SELECT FROM reservations")) == bookings


async def test_a_booking_that_joins_a_group_moves_with_its_stay(house: House) -> None:
    """Regrouping at the vendor keeps one stay per vendor row and leaves no reservation holding nights twice."""
    await house.apply(revision("1", room="101"), revision("2", room="102"))
    await house.apply(revision("1", room="101", group="1", total=Decimal("210.00")))
    await house.apply(revision("2", room="102", group="1", home=False))
    stays = await house.rows("SELECT reservation_id FROM room_stays")
    assert len(stays) == 2
    assert len({one["reservation_id"] for one in stays}) == 1
    assert await house.rows("SELECT status FROM reservations WHERE flags = '{superseded}'") == [{"status": "cancelled"}]


async def test_an_unmapped_room_type_quarantines_and_shows_one_case_per_code(house: House) -> None:
    """MAP-03: kept, visible, with its reason; mapping gaps never block."""
    stays = [revision("1"), revision("2")]
    lost = [
        msgspec.structs.replace(
            one,
            room_stays=(msgspec.structs.replace(one.room_stays[0], room_type=None, room=None, room_type_ref="XYZ"),),
        )
        for one in stays
    ]
    await house.apply(*lost, unmapped=(UnmappedCode("room_type", "XYZ"),))
    assert {one["quarantined"] for one in await house.rows("SELECT quarantined FROM reservations")} == {True}
    [case] = await house.rows("SELECT kind, subject, cardinality(reservation_ids) AS n FROM cases")
    assert case["kind"] == "mapping_missing"
    assert case["n"] == 2
    await house.apply(*stays)
    assert {one["quarantined"] for one in await house.rows("SELECT quarantined FROM reservations")} == {False}


async def test_an_impossible_jump_is_stored_flagged_and_a_case(house: House) -> None:
    """I15: checked out to hold cannot happen, yet the vendor says so."""
    await house.apply(revision(status=Status.CHECKED_OUT))
    await house.apply(revision(status=Status.HOLD))
    [stay] = await house.rows("SELECT status, flags FROM room_stays")
    assert stay == {"status": "hold", "flags": ["illegal_status_jump"]}
    assert [one["kind"] for one in await house.rows("SELECT kind FROM cases")] == ["illegal_status_jump"]


async def test_a_reinstated_booking_keeps_its_id(house: House) -> None:
    """BEYOND 35: cancel, then the same reference again, is one reservation with a lineage."""
    for status in (Status.CONFIRMED, Status.CANCELLED, Status.CONFIRMED):
        await house.apply(revision(status=status))
    assert await house.rows("SELECT status, version FROM reservations") == [{"status": "confirmed", "version": 3}]


async def test_the_bill_is_append_only(house: House) -> None:
    """CHG-12, I7: a vendor that replaces its lines leaves postings and linked reversals that sum to its balance."""
    line = Line(ref="l1", kind="charge", text="Room", amount=Decimal("200.00"), currency="EUR")
    fee = Line(ref="l2", kind="charge", text="Cancel Fee", amount=Decimal("20.00"), currency="EUR")
    await house.apply(revision(lines=(line,)))
    await house.apply(revision(lines=(fee,)))
    posted = await house.rows("SELECT amount, reverses_id IS NOT NULL AS reversal FROM folio_lines ORDER BY amount")
    assert [(one["amount"], one["reversal"]) for one in posted] == [(-200, True), (20, False), (200, False)]


async def test_contact_data_is_sealed(house: House) -> None:
    """PRV-10: nothing of the guest stands in the clear."""
    await house.apply(revision(name="Zebedee"))
    for table in ("guests", "links", "raw_records", "reservations", "audit_log"):
        found = await house.rows(f"SELECT t::text AS text FROM {table} t")
        assert all("Zebedee" not in one["text"] and b"Zebedee".hex() not in one["text"] for one in found), table


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_every_order_of_versions_ends_in_the_newest(house: House, order: tuple[int, ...]) -> None:
    """ORD-05: versions read in any order, the newest stays."""
    versions = [
        revision(version=f"2026-03-01T10:00:0{n}Z", total=Decimal(100 * (n + 1)), status=status)
        for n, status in enumerate((Status.HOLD, Status.CONFIRMED, Status.CANCELLED))
    ]
    for index in order:
        await house.apply(versions[index])
    assert await house.rows("SELECT status, total FROM reservations") == [{"status": "cancelled", "total": 300}]
