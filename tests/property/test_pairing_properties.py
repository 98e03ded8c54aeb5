"""Pairing the rooms of one booking: one with one, as many as can be, and the same whoever comes first."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from conflict.pairing import Booked, pair_stays
from pms_sync.domain.reservation import Stay
from pms_sync.domain.status import Status
from tests.unit.merge_revisions import ARRIVAL

Kind = tuple[str | None, date, date]


def booking(types: st.SearchStrategy[str | None]) -> st.SearchStrategy[Booked]:
    """Any room out of so few that many are booked alike."""
    return st.builds(
        lambda kind, start, nights, total, room, status, guest: Booked(
            Stay(
                ref="",
                room_type=kind,
                room=room,
                arrival=ARRIVAL + timedelta(days=start),
                departure=ARRIVAL + timedelta(days=start + nights),
                status=status,
                total=total,
            ),
            guest,
        ),
        types,
        st.integers(0, 1),
        st.integers(1, 2),
        st.sampled_from([Decimal(100), Decimal(120), None]),
        st.sampled_from(["101", "102", None]),
        st.sampled_from([Status.CONFIRMED, Status.CANCELLED]),
        st.sampled_from(["", "ann", "ben"]),
    )


def rooms(*types: str | None, most: int = 6) -> st.SearchStrategy[dict[str, Booked]]:
    """Any rooms of one side, by ref."""
    return st.dictionaries(
        st.sampled_from([f"r{number}" for number in range(9)]), booking(st.sampled_from(types)), max_size=most
    )


MAPPED, ANY = rooms("DBL", "SUI"), rooms("DBL", "SUI", None)


def kind(one: Booked) -> Kind:
    return one.stay.room_type, one.stay.arrival, one.stay.departure


@given(ANY, ANY)
def test_every_pair_is_booked_alike_and_nobody_is_in_two(
    ours: Mapping[str, Booked], theirs: Mapping[str, Booked]
) -> None:
    pairs = pair_stays(ours, theirs)
    assert len(set(pairs.values())) == len(pairs)
    for mine, other in pairs.items():
        assert kind(ours[mine])[1:] == kind(theirs[other])[1:]
        assert ours[mine].stay.room_type in {theirs[other].stay.room_type, None} or theirs[other].stay.room_type is None


@given(MAPPED, MAPPED)
def test_as_many_pair_as_both_sides_have(ours: Mapping[str, Booked], theirs: Mapping[str, Booked]) -> None:
    """What is booked alike is never left over on both sides at once: neither room is held twice for one guest."""
    both = Counter(map(kind, ours.values())) & Counter(map(kind, theirs.values()))
    assert Counter(kind(ours[mine]) for mine in pair_stays(ours, theirs)) == both


@given(ANY, ANY, st.randoms())
def test_neither_the_order_nor_the_side_makes_a_difference(
    ours: dict[str, Booked], theirs: dict[str, Booked], chance: random.Random
) -> None:
    pairs = pair_stays(ours, theirs)
    mixed = [dict(chance.sample(sorted(side.items(), key=lambda item: item[0]), len(side))) for side in (ours, theirs)]
    assert pair_stays(*mixed) == pairs
    assert pair_stays(theirs, ours) == {other: mine for mine, other in pairs.items()}


@given(ANY)
def test_a_side_pairs_with_itself_wholly_where_every_type_is_known(side: dict[str, Booked]) -> None:
    known = {ref: one for ref, one in side.items() if one.stay.room_type is not None}
    again = {f"x{ref}": one for ref, one in known.items()}
    pairs = pair_stays(known, again)
    assert len(pairs) == len(known)
    for mine, other in pairs.items():
        assert known[mine] == again[other]


@given(MAPPED, MAPPED, st.randoms())
def test_rooms_that_come_one_by_one_find_as_many_as_together(
    ours: dict[str, Booked], theirs: dict[str, Booked], chance: random.Random
) -> None:
    """A vendor that keeps an object a room shows them in any order; in the end the same rooms are held once."""
    left = dict(ours)
    for ref in chance.sample(sorted(theirs), len(theirs)):
        for mine in pair_stays(left, {ref: theirs[ref]}):
            del left[mine]
    assert Counter(kind(one) for ref, one in ours.items() if ref not in left) == Counter(
        kind(ours[mine]) for mine in pair_stays(ours, theirs)
    )
