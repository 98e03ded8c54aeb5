"""What Cloudbeds can hold of our state, and that nothing is written there in this version."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from mappers.cloudbeds import MAPPER
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.reservation import Guest, Line, Revision
from pms_sync.domain.status import Status
from pms_sync.ports.mapper import Change, Crosswalk, MappingContext

FIXTURES = Path(__file__).parents[1] / "fixtures" / "cloudbeds"
MAPPED = [
    path.with_name(path.name.replace(".expected.json", ".json"))
    for path in sorted(FIXTURES.glob("*.expected.json"))
    if json.loads(path.read_text())["revisions"]
]
WALK = Crosswalk(
    room_type={"2001": "DBL", "2002": "SUI"}, room={"2001-1": "101", "2001-2": "102"}, rate_plan={"7001": "BAR"}
)
CONTEXT = MappingContext(property_code="P2", zone="Europe/Madrid", currency="EUR", crosswalk=WALK)


def shown(case: str = "multi_room_two_rates_other_dates", context: MappingContext = CONTEXT) -> Revision:
    """Map a golden case."""
    [revision] = MAPPER.to_revisions("reservations", (FIXTURES / f"{case}.json").read_bytes(), context).revisions
    return revision


def elsewhere(**stay: object) -> Revision:
    """Return the state of a booking as another vendor shows it."""
    told = shown("confirmed")
    ours = replace(told.room_stays[0], room_type_ref="55", room_ref="55/1", rate_plan_ref="1", **stay)
    return replace(told, vendor="another", vendor_status="new", vendor_channel="booking", room_stays=(ours,))


@pytest.mark.parametrize("path", MAPPED, ids=lambda path: path.stem)
@pytest.mark.parametrize("context", [CONTEXT, replace(CONTEXT, crosswalk=None)], ids=["crosswalk", "codes pass"])
def test_a_state_that_came_from_there_comes_back_as_it_was(path: Path, context: MappingContext) -> None:
    """Otherwise every read would look like an edit of ours."""
    for row in MAPPER.rows(path.read_bytes()):
        try:
            mapped = MAPPER.to_revisions("reservations", row, context)
        except MappingRejected:
            continue
        for revision in mapped.revisions:
            assert MAPPER.project(revision, context) == revision


def test_another_vendors_state_is_said_in_this_vendors_codes() -> None:
    """The crosswalk is read the other way round."""
    held = MAPPER.project(elsewhere(), CONTEXT)
    [stay] = held.room_stays

    assert (stay.room_type_ref, stay.room_ref, stay.rate_plan_ref) == ("2001", "2001-1", "7001")
    assert (held.vendor, held.vendor_status, held.vendor_channel) == ("cloudbeds", "confirmed", UNSET)
    assert MAPPER.project(held, CONTEXT) == held


def test_a_room_that_staff_moved_here_is_said_by_its_code_there() -> None:
    """A code of theirs stands only as long as it fits ours."""
    state = shown("confirmed")
    moved = replace(state, room_stays=(replace(state.room_stays[0], room="102"),))

    assert MAPPER.project(moved, CONTEXT).room_stays[0].room_ref == "2001-2"


def test_what_no_read_shows_is_neither_an_edit_nor_drift() -> None:
    """Notes, remarks, the bill and a guest's language are not in what is read."""
    line = Line(ref="1", kind="charge", amount=Decimal(5), currency="EUR")
    said = replace(
        shown(), notes="late", comments="quiet", folio_lines=(line,), booker=Guest(last_name="X", language="es")
    )
    held = MAPPER.project(said, CONTEXT)

    assert (held.notes, held.comments, held.folio_lines) == (UNSET, UNSET, UNSET)
    assert isinstance(held.booker, Guest)
    assert held.booker == Guest(last_name="X")


@pytest.mark.parametrize(("kind", "code"), [("room_type", "ATTIC"), ("room", "999")])
def test_a_code_of_ours_that_is_not_mapped_is_named(kind: str, code: str) -> None:
    """Path, value and reason, as the contract of the mapper asks."""
    with pytest.raises(MappingRejected) as rejected:
        MAPPER.project(elsewhere(**{kind: code}), CONTEXT)

    assert (rejected.value.path, rejected.value.value) == (f"room_stays[0].{kind}", code)


def test_a_code_that_is_mapped_twice_is_not_guessed() -> None:
    """Either could be meant."""
    twice = replace(CONTEXT, crosswalk=replace(WALK, room_type={"2001": "DBL", "2009": "DBL"}))
    with pytest.raises(MappingRejected, match="mapped to 2001 and 2009"):
        MAPPER.project(elsewhere(), twice)


def test_every_status_has_a_word_there() -> None:
    """MAP-05, the way back."""
    words = {status: MAPPER.project(replace(elsewhere(), status=status), CONTEXT).vendor_status for status in Status}

    assert words == {
        Status.HOLD: "not_confirmed",
        Status.CONFIRMED: "confirmed",
        Status.CHECKED_IN: "checked_in",
        Status.CHECKED_OUT: "checked_out",
        Status.CANCELLED: "canceled",
        Status.NO_SHOW: "no_show",
    }


@pytest.mark.parametrize("kind", ["create", "modify", "cancel"])
def test_a_change_is_refused_loudly(kind: str) -> None:
    """The spec declares no writing, and the mapper makes no request."""
    change = Change(kind=kind, wanted=(shown(),), paths=frozenset({"booker"}), refs=("9000000001",), token="T")  # type: ignore[arg-type]
    with pytest.raises(MappingRejected, match="read only") as rejected:
        MAPPER.to_requests(change, CONTEXT)

    assert rejected.value.path == "booker"
