"""What is sent for an intent, what its values became, and how people are told what did not get through."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from conflict.atoms import Value, atoms
from pms_sync.domain.errors import MappingRejected, VendorFault
from pms_sync.domain.reservation import Guest, Revision
from pms_sync.domain.status import Status
from pms_sync.ports.connector import Receipt, Refusal, VendorRequest
from pms_sync.ports.mapper import Change, MappingContext
from pms_sync.push import telling
from pms_sync.push.comparing import Became, all_arrived, became
from pms_sync.push.composing import Composed, Nothing, NotThere, Ready, Rejected, Terms, compose
from pms_sync.push.sent import Item, Sent
from tests.unit.merge_revisions import ROOM, STATUS, revision, stay
from tests.unit.push_intents import intent

ARRIVED, OLD, OTHER = Became.ARRIVED, Became.OLD, Became.OTHER
CONTEXT = MappingContext(property_code="P1", zone="UTC", currency="EUR")
KNOWN = revision()
MOVED = revision(stay(room_ref="55/2"))
MADE = revision(stay(ref="desk.1"), ref="desk")


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """One vendor object's worth of difference."""

    wanted: Revision
    ref: str | None = "1001"
    known: Revision | None = KNOWN
    stay_id: uuid.UUID = uuid.UUID(int=3)

    @property
    def values(self) -> Mapping[str, Value | None]:
        """Return what differs."""
        there = atoms(self.known) if self.known is not None else {}
        return {path: value for path, value in atoms(self.wanted).items() if there.get(path) != value}

    @property
    def paths(self) -> frozenset[str]:
        """Return where it differs."""
        return frozenset(self.values)


class Units(msgspec.Struct, frozen=True):
    """What is to be told of one object."""

    units: tuple[Unit, ...]
    reservation_id: uuid.UUID = uuid.UUID(int=4)


class Plain:
    """A mapper with one request for each unit, which keeps what it was asked."""

    vendor, version = "vendor", 1

    def __init__(self, why: str | None = None, told: frozenset[str] | None = None) -> None:
        self.why, self.told = why, told
        self.changes: list[Change] = []

    def to_requests(self, change: Change, context: MappingContext) -> list[VendorRequest]:
        """Ask for everything, or refuse."""
        assert context is CONTEXT
        self.changes.append(change)
        if self.why:
            raise MappingRejected("room_stays[0].room_type", "SUITE", self.why)
        return [self._request(change, number) for number in range(len(change.wanted)) if self.told != frozenset()]

    def _request(self, change: Change, number: int) -> VendorRequest:
        mine = atoms(change.wanted[number]).keys() & change.paths
        return VendorRequest(
            kind=change.kind,
            ref=change.refs[number] if change.refs else None,
            body=b"{}",
            token=change.token,
            paths=tuple(sorted(self.told or mine)),
            notices=("not told to the channel",),
        )


def composed(
    *units: Unit, kind: Any = "modify", parked: tuple[Sent, ...] = (), mapper: Plain | None = None
) -> Composed:
    terms: Any = Terms(mapper or Plain(), CONTEXT)  # type: ignore[arg-type]
    return compose(intent("planned", kind=kind), Units(units), parked, terms, "t1")


def ready(*units: Unit, **given: Any) -> Ready:
    made = composed(*units, **given)
    assert isinstance(made, Ready)
    return made


def test_a_change_carries_only_what_differs_and_says_what_it_will_not_do() -> None:
    made = ready(Unit(wanted=MOVED))
    [item] = made.sent.items
    assert (item.request.kind, item.request.ref, item.request.token) == ("modify", "1001", "t1")
    assert (item.values, item.before) == ({ROOM: "55/2"}, {ROOM: "55/1"})
    assert (made.paths, made.notices) == ((ROOM,), ("not told to the channel",))


def test_nothing_that_differs_is_nothing_to_send() -> None:
    """OUT-10: a change that the vendor made first is not sent."""
    assert composed() == Nothing()
    assert compose(intent("planned"), None, (), Terms(Plain(), CONTEXT), "t1") == Nothing()  # type: ignore[arg-type]
    assert composed(Unit(wanted=MOVED), mapper=Plain(told=frozenset())) == Nothing()


def test_a_cancellation_alone_is_asked_for_as_one() -> None:
    cancelled = revision(stay(status=Status.CANCELLED), status=Status.CANCELLED)
    assert ready(Unit(wanted=cancelled)).sent.items[0].request.kind == "cancel"
    both = revision(stay(status=Status.CANCELLED), status=Status.CANCELLED, notes="no show up")
    assert ready(Unit(wanted=both)).sent.items[0].request.kind == "modify"


def test_what_the_vendor_cannot_be_told_says_path_value_and_reason() -> None:
    made = composed(Unit(wanted=MOVED), mapper=Plain("the crosswalk does not know it"))
    assert made == Rejected("room_stays[0].room_type: the crosswalk does not know it (SUITE)")


def test_a_value_that_may_be_personal_is_not_told() -> None:
    """I11, S: what is parked is shown on pages."""
    fault = MappingRejected("booker.phone", "+34 600 123 456", "too long")
    assert telling.rejected(fault) == "booker.phone: too long ((personal))"


def test_a_change_of_what_the_vendor_does_not_have_makes_nothing_there() -> None:
    assert composed(Unit(wanted=MADE, ref=None, known=None)) == NotThere()


def test_all_stays_of_a_new_group_are_made_in_one_change() -> None:
    second = revision(stay(ref="desk.2"), ref="desk", is_home=False)
    mapper = Plain()
    made = ready(
        Unit(wanted=MADE, ref=None, known=None),
        Unit(wanted=second, ref=None, known=None, stay_id=uuid.UUID(int=5)),
        kind="create",
        mapper=mapper,
    )
    [change] = mapper.changes
    assert (change.kind, len(change.wanted), change.token) == ("create", 2, "t1")
    assert [item.wanted.room_stays[0].ref for item in made.sent.items] == ["desk.1", "desk.2"]


def sent(unit: Unit, *refs: str, **request: Any) -> Sent:
    """Say that everything of a unit was handed over before."""
    facts: dict[str, Any] = {"kind": "modify", "ref": unit.ref, "body": b"", "token": "t0"} | request
    told = VendorRequest(paths=tuple(sorted(unit.paths)), **facts)
    before = {} if unit.known is None else atoms(unit.known)
    item = Item(
        request=told,
        wanted=unit.wanted,
        values=dict(unit.values),
        before={path: before[path] for path in unit.values if path in before},
        refs=refs,
    )
    return Sent((item,))


def kept(given: Sent) -> Sent:
    """Return what comes back from the store, where tuples became lists."""
    return msgspec.msgpack.decode(msgspec.msgpack.encode(given), type=Sent)


def test_a_parked_value_does_not_leave_again_beside_a_newer_change() -> None:
    """ARCHITECTURE §6: never resent by itself."""
    parked = kept(sent(Unit(wanted=MOVED)))
    both = revision(stay(room_ref="55/2"), notes="early arrival")
    assert ready(Unit(wanted=both), parked=(parked,)).paths == ("notes",)
    assert composed(Unit(wanted=MOVED), parked=(parked,)) == Nothing(telling.PARKED_ALREADY)


def test_another_value_at_a_parked_path_leaves() -> None:
    parked = kept(sent(Unit(wanted=MOVED)))
    assert ready(Unit(wanted=revision(stay(room_ref="55/3"))), parked=(parked,)).paths == (ROOM,)


def test_the_same_new_booking_is_not_made_again_but_a_changed_one_is() -> None:
    made = Unit(wanted=MADE, ref=None, known=None)
    parked = kept(sent(made, kind="create"))
    assert composed(made, kind="create", parked=(parked,)) == Nothing(telling.PARKED_ALREADY)
    later = Unit(wanted=revision(stay(ref="desk.1", departure=date(2026, 3, 13)), ref="desk"), ref=None, known=None)
    assert ready(later, kind="create", parked=(parked,)).sent.items[0].request.kind == "create"


def item_of(wanted: Revision, known: Revision | None = KNOWN, ref: str | None = "1001") -> Item:
    [item] = kept(sent(Unit(wanted=wanted, known=known, ref=ref), kind="modify" if ref else "create")).items
    return item


@pytest.mark.parametrize(("shown", "fate"), [(MOVED, ARRIVED), (KNOWN, OLD), (revision(stay(room_ref="55/3")), OTHER)])
def test_a_value_arrived_or_is_old_or_something_else(shown: Revision, fate: Became) -> None:
    assert became(item_of(MOVED), shown) == {ROOM: fate}


def test_an_object_that_is_not_shown_is_as_old_as_can_be() -> None:
    assert became(item_of(MOVED), None) == {ROOM: OLD}


def test_a_price_whose_nights_were_split_otherwise_arrived() -> None:
    """Who worked a night's price out makes no difference."""
    there = revision(stay(nights=tuple(msgspec.structs.replace(night, derived=False) for night in stay().nights)))
    changed = revision(stay(total=Decimal("200.00")), notes="x")
    item = item_of(changed, known=None)
    assert became(item, msgspec.structs.replace(there, notes="x"))["stays[1001].shape"] is ARRIVED


def test_parts_that_were_not_said_do_not_count() -> None:
    half = revision(stay(adults=3, children=msgspec.UNSET))
    assert became(item_of(half), revision(stay(adults=3, children=1))) == {"stays[1001].occupancy": ARRIVED}


def test_a_new_booking_is_found_under_the_names_the_vendor_gave_it() -> None:
    guest = Guest(first_name="Bo", last_name="Ruiz", email="bo@example.com")
    made = revision(stay(ref="desk.1"), ref="desk", guests=(guest,))
    there = revision(guests=(msgspec.structs.replace(guest, ref="9"),))
    seen = became(item_of(made, known=None, ref=None), there)
    assert set(seen.values()) == {ARRIVED}
    assert {"stays[desk.1].shape", "stays[desk.1].room"} <= seen.keys()


def test_what_was_taken_off_arrived_when_it_is_gone() -> None:
    item = msgspec.structs.replace(item_of(MOVED), values={"guests[9]": "", "lines[1]": None}, before={})
    assert set(became(item, KNOWN).values()) == {ARRIVED}


def test_everything_arrived_only_when_every_object_shows_it() -> None:
    both = Sent((item_of(MOVED), item_of(MOVED, ref="1002")))
    assert all_arrived(both, {"1001": MOVED, "1002": MOVED})
    assert not all_arrived(both, {"1001": MOVED, "1002": KNOWN})
    assert not all_arrived(both, {"1001": MOVED})
    assert not all_arrived(Sent(), {})


def test_the_vendor_s_words_come_without_anybody_s_name() -> None:
    """OUT-06: with the vendor's text; and pages show no personal data."""
    item = item_of(revision(notes="call Ana"), known=None)
    receipt = Receipt(
        refusals=(Refusal(path="email", why="ana@example.com is no address of Ruiz"),), warnings=("Ana?",)
    )
    assert telling.refused([(item, receipt)]) == "email: (personal) is no address of (personal)"
    assert telling.warned([(item, receipt)]) == ("(personal)?",)
    assert telling.turned_away(VendorFault("HTTP 422: call Ana"), Sent((item,))) == "HTTP 422: (personal)"


def test_an_old_value_is_told_with_the_one_that_was_sent() -> None:
    """ARCHITECTURE §6: parked with both values."""
    item = item_of(revision(stay(room_ref="55/2"), notes="early arrival"))
    told = telling.still_old([(item, became(item, KNOWN))])
    assert "room_stays[1001].room was taken, but is still 55/1 there, and not 55/2" in told
    assert "notes was taken, but is still (personal) there, and not (personal)" in told
    assert "late arrival" not in told


def test_what_was_decided_meanwhile_is_named() -> None:
    told = telling.decided_meanwhile([{ROOM: OTHER, STATUS: ARRIVED}])
    assert told == ("room_stays[1001].room was changed there meanwhile, and the merge has decided about it",)
