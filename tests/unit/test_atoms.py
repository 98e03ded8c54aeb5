"""Atoms: what of a revision is decided about as a whole, and how people are recognised."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import msgspec
import pytest
from msgspec import UNSET

from conflict.atoms import SUM_OF_STAYS, atoms, complete, key_of, kind_of, stay_of
from conflict.pairing import Pairing, guest_keys, pair_guests
from conflict.revise import copy_atoms, with_atoms
from conflict.triple import divergence, rekeyed, restore
from pms_sync.domain.reservation import Guest, Line, Night
from pms_sync.domain.status import HoldKind, Status
from pms_sync.ports.mapper import Crosswalk
from tests.unit.merge_revisions import OCCUPANCY, ROOM, SHAPE, STATUS, nights, revision, shape, stay

ANA = Guest(first_name="Ana", last_name="Ruiz", email="family@example.com")
BEN = Guest(first_name="Ben", last_name="Ruiz", email="family@example.com")


def test_a_reservation_falls_into_its_atoms() -> None:
    line = Line(ref="9", kind="charge", text="Breakfast", amount=Decimal("12.50"), currency="EUR")
    assert atoms(revision(folio_lines=(line,))) == {
        SHAPE: (
            "2026-03-10",
            "2026-03-12",
            "55",
            "",
            "200",
            (("2026-03-10", "100"), ("2026-03-11", "100")),
            ("2026-03-10", "2026-03-11"),
        ),
        ROOM: "55/1",
        STATUS: ("confirmed", ""),
        OCCUPANCY: (2, 0),
        "booker": (None, "Ana", "Ruiz", "ana@example.com", "+34 600", "ES", None),
        "notes": "late arrival",
        "comments": "",
        "total": SUM_OF_STAYS,
        "channel": ("booking_com", "booking", "4711"),
        "lines[9]": ("charge", "Breakfast", "12.5", "EUR"),
    }


@pytest.mark.parametrize(
    ("path", "kind", "stay_ref"),
    [
        ("stays[10.01].shape", "shape", "10.01"),
        ("stays[a]b].room", "room", "a]b"),
        ("guests[~ab.cd]", "guests", None),
        ("lines[7]", "lines", None),
        ("notes", "notes", None),
    ],
)
def test_a_path_says_what_it_names(path: str, kind: str, stay_ref: str | None) -> None:
    assert (kind_of(path), stay_of(path)) == (kind, stay_ref)


def test_a_key_may_hold_any_sign() -> None:
    assert key_of("guests[a]b]") == "a]b"


def test_only_the_home_record_speaks_for_the_reservation() -> None:
    """ARCHITECTURE §3: reservation-level atoms are observed only from their home record."""
    member = revision(scope="stay", is_home=False, siblings_complete=False)
    assert set(atoms(member)) == {SHAPE, ROOM, STATUS, OCCUPANCY}
    assert complete(member) == frozenset()
    assert complete(revision(guests=UNSET)) == {"stays", "lines"}


def test_what_was_not_said_is_no_atom_and_what_was_emptied_is_one() -> None:
    """MAP-07."""
    silent = revision(stay(adults=UNSET, children=UNSET), notes=UNSET, comments=None, booker=UNSET, total=UNSET)
    found = atoms(silent)
    assert not {OCCUPANCY, "notes", "booker", "total"} & set(found)
    assert found["comments"] == ""


def test_equal_amounts_are_equal_text_whatever_their_digits() -> None:
    one, other = revision(stay(total=Decimal("1E+2"))), revision(stay(total=Decimal("100.000")))
    assert atoms(one)[SHAPE] == atoms(other)[SHAPE]


def test_the_order_in_which_nights_are_told_makes_no_difference() -> None:
    assert atoms(revision(stay(nights=nights(2)[::-1]))) == atoms(revision())


def test_a_total_that_is_no_more_than_its_stays_is_no_fact_of_its_own() -> None:
    """So that two rooms repriced on two sides are no quarrel about the sum."""
    assert atoms(revision(total=Decimal("200.00")))["total"] == SUM_OF_STAYS
    assert atoms(revision(total=Decimal("215.00")))["total"] == "215"
    assert atoms(revision(stay(total=None), total=Decimal("200.00")))["total"] == "200"
    assert "total" not in atoms(revision(siblings_complete=False))


class TestGuests:
    """BEYOND 44: identity by strong keys only."""

    def test_a_ref_is_the_key_and_a_path_never_says_who_it_is(self) -> None:
        keys = guest_keys([Guest(ref="77", email="x@example.com"), ANA])
        assert keys[0] == "77"
        assert keys[1].startswith("~")
        assert "ana" not in keys[1].lower()
        assert "family" not in keys[1]

    def test_a_family_behind_one_address_stays_apart_in_any_order(self) -> None:
        keys = dict(zip("ab", guest_keys([ANA, BEN]), strict=True))
        assert dict(zip("ba", guest_keys([BEN, ANA]), strict=True)) == keys
        assert keys["a"] != keys["b"]

    def test_a_case_or_a_space_makes_nobody_else(self) -> None:
        assert guest_keys([ANA]) == guest_keys([msgspec.structs.replace(ANA, email=" Family@Example.com", phone="1")])

    def test_a_guest_we_sent_is_known_again_when_he_comes_back_with_a_ref(self) -> None:
        here, there = revision(guests=(ANA,)), revision(guests=(msgspec.structs.replace(ANA, ref="77"),))
        pairs = pair_guests(here, there)
        assert pairs == {guest_keys([ANA])[0]: "77"}
        assert set(atoms(here, Pairing(guests=pairs))) == set(atoms(there))
        assert "guests[77]" in rekeyed(atoms(here), Pairing(guests=pairs))

    def test_nobody_is_paired_by_a_sign_that_two_people_share(self) -> None:
        relay = Guest(ref="77", last_name="Ott", email="family@example.com")
        assert pair_guests(revision(guests=(ANA, BEN)), revision(guests=(relay,))) == {}

    def test_guests_of_whom_the_same_is_said_are_counted(self) -> None:
        first, second = guest_keys([ANA, ANA])
        assert second == f"{first}#2"

    def test_who_is_known_by_his_key_already_is_paired_with_nobody_else(self) -> None:
        again = msgspec.structs.replace(ANA, ref="77", email=None)
        assert pair_guests(revision(guests=(ANA,)), revision(guests=(ANA, again))) == {}

    def test_two_refs_are_two_people(self) -> None:
        one, other = (msgspec.structs.replace(ANA, ref=ref) for ref in ("76", "77"))
        assert pair_guests(revision(guests=(one,)), revision(guests=(other,))) == {}

    def test_a_list_nobody_told_pairs_nobody(self) -> None:
        assert pair_guests(revision(guests=UNSET), revision(guests=(ANA,))) == {}


class TestRevising:
    """A revision with some of its atoms set to other values."""

    def test_only_what_is_named_changes(self) -> None:
        before = revision(guests=(ANA,))
        after = with_atoms(before, {"notes": "quiet room", OCCUPANCY: (3, None)})
        assert after == msgspec.structs.replace(before, notes="quiet room", room_stays=(stay(adults=3),))

    def test_what_follows_from_the_stays_follows(self) -> None:
        after = with_atoms(revision(), {STATUS: ("cancelled", ""), SHAPE: shape(total="0")})
        assert (after.status, after.vendor_status, after.blocks_inventory) == (Status.CANCELLED, None, False)
        assert after.total == Decimal("0.00")
        assert after.room_stays[0].nights == ()

    def test_an_inquiry_takes_no_room(self) -> None:
        held = with_atoms(revision(), {STATUS: ("hold", "inquiry")})
        assert (held.room_stays[0].hold_kind, held.room_stays[0].blocks_inventory) == (HoldKind.INQUIRY, False)
        assert held.hold_kind is HoldKind.INQUIRY

    def test_another_code_of_the_vendor_is_never_shown_under_our_old_one(self) -> None:
        changed = {SHAPE: shape(room_type="56"), ROOM: "56/2"}
        known = with_atoms(revision(), changed, codes=Crosswalk(room_type={"56": "SGL"}, room={"56/2": "202"}))
        assert (known.room_stays[0].room_type, known.room_stays[0].room) == ("SGL", "202")
        unknown = with_atoms(revision(), changed)
        assert (unknown.room_stays[0].room_type, unknown.room_stays[0].room) == (None, None)

    def test_amounts_get_the_digits_of_their_currency(self) -> None:
        after = with_atoms(revision(), {"total": "215", "lines[9]": ("charge", "", "12.5", "EUR")})
        assert str(after.total) == "215.00"
        assert not isinstance(after.folio_lines, msgspec.UnsetType)
        assert after.folio_lines == (Line(ref="9", kind="charge", amount=Decimal("12.50"), currency="EUR"),)

    def test_a_stay_is_added_and_a_guest_taken_off(self) -> None:
        key = guest_keys([ANA])[0]
        added = {"stays[1002].shape": shape(), "stays[1002].status": ("confirmed", ""), "stays[1002].room": "55/2"}
        after = with_atoms(revision(guests=(ANA,)), {**added, f"guests[{key}]": ""})
        assert [one.ref for one in after.room_stays] == ["1001", "1002"]
        assert (after.guests, after.total) == ((), Decimal("400.00"))

    def test_half_a_stay_cannot_be_added(self) -> None:
        with pytest.raises(ValueError, match="shape and status"):
            with_atoms(revision(), {"stays[1002].room": "55/2"})

    def test_taking_an_atom_takes_our_codes_the_vendors_word_and_the_derived_marks(self) -> None:
        given = revision(
            stay(
                departure=date(2026, 3, 13),
                room_type_ref="56",
                room_type="SGL",
                total=Decimal("270.00"),
                nights=nights(3, "90.00", derived=False),
                status=Status.CANCELLED,
                vendor_status="annulled",
            ),
            total=Decimal("270.00"),
        )
        after = copy_atoms(revision(notes="ours"), given, [SHAPE, STATUS])
        assert after.room_stays == (
            stay(
                departure=date(2026, 3, 13),
                room_type_ref="56",
                room_type="SGL",
                total=Decimal("270.00"),
                nights=nights(3, "90.00", derived=False),
                status=Status.CANCELLED,
                vendor_status="annulled",
            ),
        )
        assert (after.notes, after.total, after.status) == ("ours", Decimal("270.00"), Status.CANCELLED)

    def test_a_stay_kept_under_our_own_name_is_found_by_its_pairing(self) -> None:
        pairing = Pairing(stays={"ours-1": "1001"})
        ours = revision(stay(ref="ours-1"))
        assert SHAPE in atoms(ours, pairing)
        after = with_atoms(ours, {ROOM: "55/3"}, pairing)
        assert [(one.ref, one.room_ref) for one in after.room_stays] == [("ours-1", "55/3")]
        assert SHAPE in rekeyed(atoms(ours), pairing)

    def test_a_night_nobody_priced_stays_without_a_price(self) -> None:
        free = revision(stay(nights=(Night(date(2026, 3, 10), None),)))
        assert with_atoms(free, atoms(free)) == free


def test_a_link_remembers_only_where_the_three_trees_differ() -> None:
    there, base = atoms(revision()), atoms(revision(notes="early"))
    here = {path: value for path, value in there.items() if path != "comments"} | {"guests[77]": ("77",) + (None,) * 6}
    kept = divergence(base, here, there)
    assert kept == {
        "notes": ("early", "late arrival"),
        "comments": ("", None),
        "guests[77]": (None, ("77",) + (None,) * 6),
    }
    assert restore(there, msgspec.json.decode(msgspec.json.encode(kept))) == (base, here)
