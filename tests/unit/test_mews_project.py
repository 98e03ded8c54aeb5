"""What Mews can hold of our state: what came from there as it was, what came from elsewhere in its own terms."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from mappers.mews import MAPPER
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.reservation import Guest, Line, Revision, Stay
from pms_sync.domain.status import HoldKind, Status
from pms_sync.ports.mapper import Change, Crosswalk, MappingContext
from tests.unit.test_mews_mapper import CASES, FIXTURES, context

NO_CROSSWALK = MappingContext(property_code="P1", zone="Europe/Madrid", currency="EUR")
CODES = Crosswalk(room_type={"mews-dbl": "DBL"}, room={"mews-101": "101"}, rate_plan={"mews-bar": "BAR"})
CONTEXT = MappingContext(property_code="P1", zone="Europe/Madrid", currency="EUR", crosswalk=CODES)


def ours(**stay: object) -> Revision:
    """Build a state as another vendor told it."""
    fields: dict[str, object] = {
        "ref": "1001",
        "room_type_ref": "55",
        "room_type": "DBL",
        "room_ref": "55/1",
        "room": "101",
        "arrival": date(2026, 5, 4),
        "departure": date(2026, 5, 6),
        "status": Status.CONFIRMED,
        "vendor_status": "new",
        "total": Decimal(200),
    } | stay
    room = Stay(**fields)  # type: ignore[arg-type]
    return Revision(
        vendor="other",
        ref="1001",
        property_ref="7",
        version="v",
        scope="reservation",
        siblings_complete=True,
        status=room.status,
        hold_kind=room.hold_kind,
        blocks_inventory=room.blocks_inventory,
        channel="booking_com",
        vendor_channel="booking",
        total=Decimal(200),
        booker=Guest(first_name="Ada", last_name="Lovelace"),
        room_stays=(room,),
        folio_lines=(Line(ref="1", kind="charge", amount=Decimal(200), currency="EUR"),),
        notes="late",
    )


@pytest.mark.parametrize("case", CASES)
def test_what_was_read_is_held_as_it_is(case: str) -> None:
    """Every golden payload: nothing of the vendor's own state is an edit of ours."""
    for known in (context(), NO_CROSSWALK):
        for row in MAPPER.rows(Path(FIXTURES / f"{case}.json").read_bytes()):
            try:
                revisions = MAPPER.to_revisions("reservations", row, known).revisions
            except MappingRejected:
                continue
            for revision in revisions:
                assert MAPPER.project(revision, known) == revision


def test_a_state_from_elsewhere_is_said_in_mews_codes_and_words() -> None:
    """And projecting again changes nothing."""
    held = MAPPER.project(ours(), CONTEXT)
    [stay] = held.room_stays
    assert (stay.room_type_ref, stay.room_ref, stay.vendor_status) == ("mews-dbl", "mews-101", "Confirmed")
    assert (held.vendor, held.scope, held.siblings_complete) == ("mews", "stay", False)
    assert held.vendor_channel is held.folio_lines is held.total is UNSET
    assert (held.notes, held.booker) == ("late", Guest(first_name="Ada", last_name="Lovelace"))
    assert MAPPER.project(held, CONTEXT) == held


@pytest.mark.parametrize(
    ("status", "kind", "takes_room", "word", "held_kind"),
    [
        (Status.HOLD, HoldKind.OPTION, True, "Optional", HoldKind.OPTION),
        (Status.HOLD, HoldKind.REQUEST, True, "Optional", HoldKind.OPTION),  # what takes a room there is an option
        (Status.HOLD, HoldKind.REQUEST, False, "Requested", HoldKind.REQUEST),
        (Status.HOLD, HoldKind.INQUIRY, False, "Inquired", HoldKind.INQUIRY),
        (Status.CHECKED_IN, None, True, "Started", None),
        (Status.CHECKED_OUT, None, True, "Processed", None),
        (Status.CANCELLED, None, False, "Canceled", None),
        (Status.NO_SHOW, None, False, "Canceled", None),
    ],
)
def test_every_status_has_a_word(
    status: Status, kind: HoldKind | None, takes_room: bool, word: str, held_kind: HoldKind | None
) -> None:
    """Section 11.1; a no-show stays one although its word is that of any cancellation."""
    held = MAPPER.project(ours(status=status, hold_kind=kind, blocks_inventory=takes_room), CONTEXT)
    [stay] = held.room_stays
    assert (stay.vendor_status, stay.hold_kind, stay.status) == (word, held_kind, status)
    assert MAPPER.project(held, CONTEXT) == held


def test_a_code_of_ours_that_mews_has_not_is_refused_and_a_rate_plan_never_blocks() -> None:
    with pytest.raises(MappingRejected, match="not mapped"):
        MAPPER.project(ours(room_type="SUI"), CONTEXT)
    twice = replace(CODES, room={"a": "101", "b": "101"})
    with pytest.raises(MappingRejected, match="must be one"):
        MAPPER.project(ours(), replace(CONTEXT, crosswalk=twice))
    held = MAPPER.project(ours(rate_plan="XXX", rate_plan_ref="9"), CONTEXT)
    assert held.room_stays[0].rate_plan_ref == "9"


def test_several_stays_are_no_reservation_of_mews() -> None:
    state = ours()
    with pytest.raises(MappingRejected, match="exactly one room stay"):
        MAPPER.project(replace(state, room_stays=state.room_stays * 2), CONTEXT)


def test_nothing_is_written_in_this_version() -> None:
    change = Change(kind="modify", wanted=(ours(),), paths=frozenset({"notes"}), refs=("1",), token="t")
    with pytest.raises(MappingRejected, match="read only") as told:
        MAPPER.to_requests(change, CONTEXT)
    assert told.value.path == "notes"
    json.dumps(told.value.value)
