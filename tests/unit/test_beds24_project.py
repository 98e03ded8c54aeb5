"""What Beds24 can hold of our state: their codes, their words, their limits, and one price."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from conflict.atoms import atoms
from mappers.beds24 import MAPPER
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.reservation import Guest, Night
from pms_sync.domain.status import HoldKind, Status
from pms_sync.ports.mapper import MappingContext
from tests.unit.beds24_states import CONTEXT, MARIA, known, ours, with_stay


def test_our_codes_become_theirs() -> None:
    """The crosswalk is read the other way round."""
    stay = MAPPER.project(ours(), CONTEXT).room_stays[0]
    assert (stay.room_type_ref, stay.room_ref) == ("55", "55/1")
    assert (stay.room_type, stay.room) == ("DBL", "101")


def test_without_a_crosswalk_codes_pass_through() -> None:
    plain = MappingContext(property_code="P1", zone="UTC", currency="EUR")
    stay = MAPPER.project(ours({"room_type": "55", "room": "55/1"}), plain).room_stays[0]
    assert (stay.room_type_ref, stay.room_ref) == ("55", "55/1")


@pytest.mark.parametrize(
    ("stay", "path", "why"),
    [
        ({"room_type": "TENT"}, "room_stays[0].room_type", "not mapped"),
        ({"room_type": None}, "room_stays[0].room_type", "always of one room type"),
        ({"room": "999"}, "room_stays[0].room", "not mapped"),
        ({"room_type": "FAM", "room": None}, "room_stays[0].room_type", "mapped to 77 and 78"),
        ({"room": "301"}, "room_stays[0].room", "mapped to 77/1 and 78/1"),
    ],
)
def test_a_code_without_a_place_there_is_rejected(stay: dict[str, Any], path: str, why: str) -> None:
    """MAP-03 the other way round: never guessed, and the code is named."""
    with pytest.raises(MappingRejected, match=why) as caught:
        MAPPER.project(ours(stay), CONTEXT)
    assert caught.value.path == path


def test_of_a_room_with_two_codes_the_room_type_decides() -> None:
    """Several room types may share one physical room (vendors/beds24.md 11)."""
    stay = MAPPER.project(ours({"room_type": "FAM", "room_type_ref": "78", "room": "301"}), CONTEXT).room_stays[0]
    assert stay.room_ref == "78/1"


def test_a_room_of_another_type_keeps_its_code_so_that_the_difference_is_seen() -> None:
    """An upgrade: whether it can be told is asked when it is told."""
    stay = MAPPER.project(ours({"room": "201"}), CONTEXT).room_stays[0]
    assert (stay.room_type_ref, stay.room_ref) == ("55", "66/1")


def test_a_code_of_theirs_that_fits_ours_stands_and_a_stale_one_goes() -> None:
    """One of two room types of the same name is where the booking is."""
    kept = MAPPER.project(ours({"room_type": "FAM", "room_type_ref": "78", "room": None}), CONTEXT)
    moved = MAPPER.project(
        ours({"room_type": "SUI", "room_type_ref": "55", "room": "201", "room_ref": "55/1"}), CONTEXT
    )
    assert kept.room_stays[0].room_type_ref == "78"
    assert (moved.room_stays[0].room_type_ref, moved.room_stays[0].room_ref) == ("66", "66/1")


def test_a_rate_plan_is_held_only_where_the_vendor_has_the_booking() -> None:
    """No offer can be written, so a new booking has none; a standing one is compared in their code."""
    fresh = MAPPER.project(ours({"rate_plan": "BAR"}), CONTEXT).room_stays[0]
    linked = MAPPER.project(ours({"ref": "1001", "rate_plan": "FLEX", "rate_plan_ref": "1"}), CONTEXT).room_stays[0]
    assert (fresh.rate_plan_ref, fresh.rate_plan) == (None, None)
    assert (linked.rate_plan_ref, linked.rate_plan) == ("2", "FLEX")


@pytest.mark.parametrize(
    ("stay", "word", "status", "blocks"),
    [
        ({"status": Status.CHECKED_IN}, "confirmed", Status.CONFIRMED, True),
        ({"status": Status.CHECKED_OUT}, "confirmed", Status.CONFIRMED, True),
        ({"status": Status.CHECKED_IN, "vendor_status": "new"}, "new", Status.CONFIRMED, True),
        ({"status": Status.CONFIRMED, "vendor_status": "cancelled"}, "confirmed", Status.CONFIRMED, True),
        ({"status": Status.CANCELLED, "vendor_status": "new"}, "cancelled", Status.CANCELLED, False),
        ({"status": Status.NO_SHOW}, "confirmed", Status.NO_SHOW, False),
        ({"status": Status.NO_SHOW, "vendor_status": "new"}, "new", Status.NO_SHOW, False),
        ({"status": Status.HOLD, "hold_kind": HoldKind.OPTION}, "request", Status.HOLD, True),
        (
            {"status": Status.HOLD, "hold_kind": HoldKind.OPTION, "blocks_inventory": False},
            "inquiry",
            Status.HOLD,
            False,
        ),
    ],
)
def test_a_status_becomes_what_beds24_can_hold(stay: dict[str, Any], word: str, status: Status, blocks: bool) -> None:
    """There is no checked-in or checked-out status (vendors/beds24.md 6.3)."""
    told = MAPPER.project(ours(stay), CONTEXT)
    held = told.room_stays[0]
    assert (held.vendor_status, held.status, held.blocks_inventory) == (word, status, blocks)
    assert (told.status, told.vendor_status, told.blocks_inventory) == (status, word, blocks)


def test_a_check_in_is_no_change_there() -> None:
    """So it is neither an edit to push nor drift to report."""
    before = known()
    assert atoms(MAPPER.project(with_stay(before, status=Status.CHECKED_IN), CONTEXT)) == atoms(before)


def test_prices_by_the_night_become_one_price() -> None:
    """Beds24 holds a total; our split of it says that it is derived."""
    nights = (Night(date(2026, 5, 4), Decimal(100)), Night(date(2026, 5, 5), Decimal("139.99")))
    stay = MAPPER.project(ours({"total": UNSET, "nights": nights}, total=UNSET), CONTEXT).room_stays[0]
    assert stay.total == Decimal("239.99")
    assert [(night.price, night.derived) for night in stay.nights] == [
        (Decimal("120.00"), True),
        (Decimal("119.99"), True),
    ]


def test_an_amount_finer_than_the_currency_is_rejected() -> None:
    """MON-03: nothing is rounded in silence."""
    with pytest.raises(MappingRejected, match="finer than the minor unit"):
        MAPPER.project(ours({"total": Decimal("1.005")}), CONTEXT)


def test_texts_are_cut_and_addresses_dropped_at_the_limit() -> None:
    """vendors/beds24.md 6.2; half an e-mail address would be somebody else's."""
    long = Guest(
        first_name="f" * 101, last_name="l\0" * 3, email="e" * 101, phone="", country="Spain", language="en-GB"
    )
    told = MAPPER.project(ours(booker=long, notes="n" * 2001, comments="c" * 1001), CONTEXT)
    assert told.booker == Guest(
        first_name="f" * 100, last_name="lll", email=None, phone=None, country=None, language="en"
    )
    assert (len(str(told.notes)), len(str(told.comments))) == (2000, 1000)


def test_guests_of_ours_alone_are_not_held_and_guests_of_theirs_stay() -> None:
    """The list cannot be written yet, so a guest more here is neither an edit nor drift."""
    before = known("guest_list")
    assert not isinstance(before.guests, type(UNSET))
    told = MAPPER.project(replace(before, guests=(*before.guests, MARIA)), CONTEXT)
    assert told.guests == before.guests


def test_a_state_of_two_stays_is_refused() -> None:
    """One booking is one room stay."""
    stays = ours().room_stays * 2
    with pytest.raises(MappingRejected, match="exactly one room stay"):
        MAPPER.project(ours(room_stays=stays), CONTEXT)


def test_another_vendors_word_for_the_channel_becomes_theirs() -> None:
    told = [
        MAPPER.project(ours(channel=channel, vendor_channel=word), CONTEXT).vendor_channel
        for channel, word in (("booking_com", "OTA-1"), ("direct", None), ("other", "OTA-1"), ("other", "booking"))
    ]
    assert told == ["booking", "direct", "OTA-1", UNSET]
