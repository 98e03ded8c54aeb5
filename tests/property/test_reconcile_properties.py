"""Whatever two sides look like, a plan only ever reads, holds back or leaves to a person; equal sides plan nothing."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from conflict.collisions import is_mass
from pms_sync.domain.status import Status
from pms_sync.reconcile.plan import Plan, missing, plan
from pms_sync.reconcile.sides import Class, Difference, Glance, Shown, difference, glance
from pms_sync.store.equality import Held
from tests.integration.applied_hotel import revision

REFS = st.sampled_from([str(number) for number in range(1001, 1031)])
STATUSES = st.sampled_from([Status.CONFIRMED, Status.CANCELLED, Status.CHECKED_OUT])
STATES = st.tuples(STATUSES, st.sampled_from([100, 200]))
Side = dict[str, tuple[Status, int]]
SIDES = st.dictionaries(REFS, STATES, max_size=30)
LIVE = {Status.CONFIRMED}


def digest(state: tuple[Status, int]) -> bytes:
    """Stand for the bytes of a booking in a state."""
    return repr(state).encode()


def compared(here: Side, there: Side, missed: dict[str, int], whole: bool) -> tuple[list[Difference], int]:
    """Compare two sides as the room does, and return what differs with the number of live stays here."""
    held = {
        ref: Held(
            vendor_ref=ref,
            level="stay",
            digest=digest(state),
            version=None,
            missing_reads=missed.get(ref, 0),
            read_ticket=1,
        )
        for ref, state in here.items()
    }
    found = []
    for ref, state in there.items():
        shown = Shown(ref=ref, ticket=2, digest=digest(state))
        if glance(shown, held.get(ref)) is Glance.DIFFERENT:
            told = revision(ref, status=state[0], total=Decimal(state[1]))
            before = here.get(ref)
            remote = None if before is None else revision(ref, status=before[0], total=Decimal(before[1]))
            one = difference(shown, held.get(ref), told, remote)
            found += [one] if one is not None else []
    live = {ref for ref, state in here.items() if state[0] in LIVE}
    unlisted = {ref: held[ref] for ref in live if ref not in there}
    if whole:
        found += missing(unlisted, first_ticket=2, last_ticket=2, must_be_shown=live)
    return found, len(live)


@given(SIDES, SIDES, st.dictionaries(REFS, st.integers(0, 3)), st.booleans(), st.booleans())
def test_a_plan_never_deletes(here: Side, there: Side, missed: dict[str, int], whole: bool, let_through: bool) -> None:
    """CUR-18: all that can be done about a difference is to read it again, or to ask; nothing of ours is named lost."""
    found, live = compared(here, there, missed, whole)
    made = plan(found, live=live, listed=len(there), let_through=let_through)
    assert {one.ref for one in (*made.reads, *made.held_back)} <= here.keys() | there.keys()
    assert not (made.reads and made.held_back)
    assert set(Plan.__struct_fields__) == {"reads", "held_back", "takes_away"}
    for one in found:
        is_asked = one in made.reads or one in made.held_back
        assert is_asked is not one.needs_person


@given(SIDES, SIDES, st.booleans())
def test_a_plan_that_takes_much_away_waits(here: Side, there: Side, let_through: bool) -> None:
    """ARCHITECTURE §7, valve."""
    found, live = compared(here, there, {}, whole=True)
    made = plan(found, live=live, listed=len(there), let_through=let_through)
    gone = {ref for ref, state in here.items() if state[0] in LIVE and there.get(ref, (None,))[0] not in LIVE}
    assert made.takes_away == len(gone)
    assert made.is_stopped == (is_mass(live, len(gone)) and not let_through)


@given(SIDES, st.booleans())
def test_equal_sides_plan_nothing(side: Side, whole: bool) -> None:
    found, live = compared(side, side, {}, whole)
    assert found == []
    assert plan(found, live=live, listed=len(side)) == Plan()


@given(SIDES, SIDES)
def test_every_difference_is_found_and_nothing_else(here: Side, there: Side) -> None:
    found = {one.ref: one.kind for one in compared(here, there, {}, whole=True)[0]}
    for ref in here.keys() | there.keys():
        if ref not in here:
            assert found[ref] is Class.MISSING_HERE
        elif ref not in there:
            assert found.get(ref) is (Class.MISSING_THERE if here[ref][0] in LIVE else None)
        else:
            assert (ref in found) is (here[ref] != there[ref])


@given(SIDES, SIDES)
def test_a_listing_that_is_not_whole_tells_nothing_of_what_it_does_not_show(here: Side, there: Side) -> None:
    found, _ = compared(here, there, {}, whole=False)
    assert Class.MISSING_THERE not in {one.kind for one in found}
    assert {one.ref for one in found} <= there.keys()
