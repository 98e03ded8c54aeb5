"""What a vendor can hold of a state is held still: projecting twice, or projecting what was read, changes nothing."""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from conflict.atoms import atoms, kind_of
from mappers.beds24 import MAPPER
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.reservation import CHANNELS, Guest, Night, Revision, Stay
from pms_sync.domain.status import HoldKind, Status
from pms_sync.ports.mapper import Change, Crosswalk, MappingContext

FIXTURES = Path(__file__).parents[1] / "fixtures" / "beds24"
CASES = sorted(path.name.removesuffix(".expected.json") for path in FIXTURES.glob("*.expected.json"))
CROSSWALK = Crosswalk(room_type={"55": "DBL", "66": "SUI"}, room={"55/1": "101", "66/1": "201"}, rate_plan={"1": "BAR"})
CONTEXT = MappingContext(property_code="P1", zone="Europe/Madrid", currency="EUR", crosswalk=CROSSWALK)
NO_CROSSWALK = MappingContext(property_code="P1", zone="Europe/Madrid", currency="EUR")
ROW: dict[str, Any] = json.loads((FIXTURES / "guest_list.json").read_bytes())


def context_of(case: str) -> MappingContext:
    """Read the context of a golden case, its own where it has one."""
    own = FIXTURES / f"{case}.context.json"
    given_context = json.loads((own if own.exists() else FIXTURES / "context.json").read_text())
    place = given_context["property"]
    return MappingContext(
        property_code=place["code"],
        zone=place["timezone"],
        currency=place["currency"],
        crosswalk=Crosswalk(**given_context["crosswalk"]),
    )


def read(raw: bytes, context: MappingContext) -> list[Revision]:
    """Map what can be mapped."""
    try:
        return list(MAPPER.to_revisions("reservations", raw, context).revisions)
    except MappingRejected:
        return []


@pytest.mark.parametrize("case", CASES)
def test_what_was_read_is_held_as_it_is(case: str) -> None:
    """Every golden payload: nothing of the vendor's own state is an edit of ours."""
    for context in (context_of(case), NO_CROSSWALK):
        for row in MAPPER.rows((FIXTURES / f"{case}.json").read_bytes()) if case != "page_empty" else []:
            for revision in read(row, context):
                assert MAPPER.project(revision, context) == revision


def text(longest: int) -> st.SearchStrategy[str | None]:
    """Any text the vendor can have."""
    return st.none() | st.text(st.characters(codec="utf-8"), max_size=longest)


FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from(["new", "confirmed", "request", "inquiry", "cancelled"]),
        "subStatus": st.sampled_from(["none", "noShow", "waitlist", "cancelledByGuest", None]),
        "roomId": st.sampled_from([55, 66, 77]),
        "unitId": st.sampled_from([0, 1, 2, None]),
        "offerId": st.sampled_from([0, 1, 2, None]),
        "numAdult": st.none() | st.integers(0, 99),
        "price": st.none() | st.decimals(0, 10**8, places=2).map(float),
        "departure": st.integers(0, 40).map(lambda days: f"{date(2026, 5, 4) + timedelta(days=days)}"),
        "firstName": text(100),
        "lastName": text(100),
        "title": text(100),
        "email": text(100),
        "phone": text(100),
        "mobile": text(100),
        "country2": st.none() | st.sampled_from(["", "ES", "es", "??"]),
        "lang": st.none() | st.text(st.characters(codec="utf-8"), max_size=2),
        "channel": st.none() | st.sampled_from(["", "direct", "booking", "bookingpage", "icalimport1", "newest"]),
        "notes": text(2000),
        "comments": text(1000),
        "masterId": st.sampled_from([None, 1000, 1001]),
    },
)


@given(FIELDS, st.sets(st.sampled_from(["price", "firstName", "email", "notes", "channel", "guests", "numChild"])))
def test_whatever_is_read_is_held_as_it_is(changes: dict[str, Any], absent: set[str]) -> None:
    """MAP-02: the vendor's state through our form and back is itself, also with fields missing, as without a scope."""
    row = {name: value for name, value in (ROW | changes).items() if name not in absent}
    for context in (CONTEXT, NO_CROSSWALK):
        for revision in read(json.dumps(row).encode(), context):
            assert MAPPER.project(revision, context) == revision


SAID = st.one_of(st.just(UNSET), st.none(), st.text(max_size=150))
PEOPLE = st.builds(
    Guest,
    ref=st.none() | st.just("31"),
    first_name=SAID,
    last_name=SAID,
    email=SAID,
    phone=SAID,
    country=st.one_of(st.just(UNSET), st.none(), st.sampled_from(["ES", "es", "Spain", "ﬁ"])),
    language=st.one_of(st.just(UNSET), st.none(), st.sampled_from(["en", "en-GB", "pt_BR", "deu", "x"])),
)
AMOUNTS = st.decimals(0, 10**6, places=2)


@st.composite
def stays(draw: st.DrawFn) -> Stay:
    """A stay as our store could hold it, priced by the night or as a whole or not at all."""
    arrival = date(2026, 3, 20)
    count = draw(st.integers(0, 5))
    priced = draw(st.booleans())
    return Stay(
        ref=draw(st.sampled_from(["1001", "0190-ours"])),
        room_type=draw(st.sampled_from(["DBL", "SUI"])),
        room_type_ref=draw(st.sampled_from([None, "55", "66"])),
        room=draw(st.sampled_from([None, "101", "201"])),
        room_ref=draw(st.sampled_from([None, "55/1", "66/1", "55/9"])),
        rate_plan=draw(st.sampled_from([None, "BAR", "UNKNOWN"])),
        rate_plan_ref=draw(st.sampled_from([None, "1", "2"])),
        arrival=arrival,
        departure=arrival + timedelta(days=count),
        status=draw(st.sampled_from(Status)),
        hold_kind=draw(st.none() | st.sampled_from(HoldKind)),
        blocks_inventory=draw(st.booleans()),
        vendor_status=draw(st.sampled_from([None, "new", "cancelled", "in_house"])),
        adults=draw(st.one_of(st.just(UNSET), st.none(), st.integers(0, 120))),
        total=draw(st.one_of(st.just(UNSET), st.none(), AMOUNTS)),
        nights=tuple(
            Night(arrival + timedelta(days=offset), draw(AMOUNTS) if priced else None) for offset in range(count)
        ),
    )


STATES = st.builds(
    Revision,
    vendor=st.just("another"),
    ref=st.sampled_from(["1001", "", "0190-ours"]),
    property_ref=st.just("7"),
    version=st.just(""),
    scope=st.sampled_from(["reservation", "stay"]),
    status=st.sampled_from(Status),
    guaranteed=st.booleans(),
    channel=st.one_of(st.just(UNSET), st.sampled_from(sorted(CHANNELS))),
    vendor_channel=st.one_of(st.just(UNSET), st.none(), st.sampled_from(["booking", "Expedia", "direct"])),
    currency=st.just("EUR"),
    total=st.one_of(st.just(UNSET), st.none(), AMOUNTS),
    booker=st.one_of(st.just(UNSET), PEOPLE),
    guests=st.one_of(st.just(UNSET), st.lists(PEOPLE, max_size=3).map(tuple)),
    room_stays=stays().map(lambda stay: (stay,)),
    notes=st.one_of(st.just(UNSET), st.none(), st.text(max_size=20), st.just("n" * 2500)),
    comments=SAID,
)


@given(STATES)
def test_projecting_twice_is_projecting_once(state: Revision) -> None:
    """MAP-02: our state in the vendor's form, read and written again, is the same on all that the vendor can hold."""
    once = MAPPER.project(state, CONTEXT)
    assert MAPPER.project(once, CONTEXT) == once


@given(STATES)
def test_the_nights_held_add_up_to_the_price_held(state: Revision) -> None:
    """MON-04: Beds24 has one price, and our split of it makes or loses no cent."""
    stay = MAPPER.project(state, CONTEXT).room_stays[0]
    if isinstance(stay.total, Decimal) and stay.nights:
        assert sum(night.price or 0 for night in stay.nights) == stay.total


@given(STATES, STATES, st.sets(st.sampled_from(["shape", "status", "occupancy", "booker", "notes", "comments"])))
def test_a_modification_says_nothing_of_atoms_it_was_not_asked_for(
    wanted: Revision, known: Revision, kinds: set[str]
) -> None:
    """Whatever differs: only fields of the named atoms travel, and what they say is what is wanted."""
    mine, theirs = MAPPER.project(wanted, CONTEXT), MAPPER.project(known, CONTEXT)
    ours = replace(mine.room_stays[0], ref="1001", adults=2)
    mine = replace(mine, price_basis="gross", room_stays=(ours,))
    theirs = replace(theirs, room_stays=(replace(theirs.room_stays[0], ref="1001"),))
    paths = frozenset(path for path in atoms(mine) if kind_of(path) in kinds)
    change = Change(kind="modify", wanted=(mine,), known=theirs, paths=paths, refs=("1001",), token="T")
    try:
        requests = MAPPER.to_requests(change, CONTEXT)
    except MappingRejected:
        return
    for request in requests:
        body = json.loads(request.body)
        sent = body.keys() - {"id", "actions"}
        assert sent
        assert sent <= set().union(*(FIELDS_OF[kind] for kind in kinds))
        assert set(request.paths) <= paths


FIELDS_OF = {
    "shape": {"roomId", "arrival", "departure", "price"},
    "status": {"status", "subStatus"},
    "occupancy": {"numAdult", "numChild"},
    "booker": {"firstName", "lastName", "title", "email", "phone", "mobile", "country2", "lang"},
    "notes": {"notes"},
    "comments": {"comments"},
}
