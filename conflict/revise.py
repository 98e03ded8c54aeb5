"""Revising: a revision with some of its atoms set to other values, or taken whole from another revision.

Only what is named changes; every other field stays as it was, to the last digit. What follows from the stays
(the reservation's status, a total that is their sum) is worked out again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Protocol, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from conflict import atoms
from conflict.atoms import EMPTIED, SUM_OF_STAYS, Value, key_of, kind_of, stay_of
from conflict.pairing import UNPAIRED, Pairing, guest_keys
from pms_sync.domain import money
from pms_sync.domain.reservation import Guest, Line, Night, Revision, Stay
from pms_sync.domain.status import TAKES_NO_ROOM, HoldKind, Status, reservation_status

Fields: TypeAlias = dict[str, Any]
Change: TypeAlias = Callable[[Stay | None, Mapping[str, Any]], Stay]


class Codes(Protocol):
    """The vendor's codes to ours; a crosswalk is one."""

    @property
    def room_type(self) -> Mapping[str, str]:
        """Room types."""

    @property
    def room(self) -> Mapping[str, str]:
        """Rooms."""

    @property
    def rate_plan(self) -> Mapping[str, str]:
        """Rate plans."""


# The fields that an atom carries when it is taken whole.
_STAY_FIELDS: dict[str, list[str]] = {
    "shape": "arrival departure room_type_ref room_type rate_plan_ref rate_plan total nights".split(),
    "room": ["room_ref", "room"],
    "status": "status hold_kind blocks_inventory vendor_status".split(),
    "occupancy": ["adults", "children"],
}
_RESERVATION_FIELDS: dict[str, list[str]] = {
    "booker": ["booker"],
    "notes": ["notes"],
    "comments": ["comments"],
    "total": ["total"],
    "channel": "channel vendor_channel channel_reference".split(),
}
_PERSON = "ref first_name last_name email phone country language".split()


def with_atoms(
    revision: Revision, values: Mapping[str, Value], pairing: Pairing = UNPAIRED, codes: Codes | None = None
) -> Revision:
    """Set these atoms; paths are those of `atoms(revision, pairing)`, a guest or line set to emptied is taken off.

    A part that a value leaves unsaid (None) stays as it was. A stay is added where its shape and status are given.
    `codes` finds our code for another one of the vendor's; without it ours becomes unknown (None), never the old one.
    Raises ValueError on a value that is not one of its kind (`validate.value_problems` names it before).
    """
    draft = _Draft(revision, pairing)
    for path, value in values.items():
        ref, kind = stay_of(path), kind_of(path)
        if ref is not None:
            draft.stays.setdefault(ref, {})[kind] = value
        elif kind == "guests":
            draft.guests[key_of(path)] = _person(value, draft.guests.get(key_of(path)))
        elif kind == "lines":
            draft.lines[key_of(path)] = _line(key_of(path), value)
        elif path == "total" and value == SUM_OF_STAYS:
            draft.sums = True
        else:
            draft.fields |= _reservation_fields(kind, value, revision)
    return draft.done(lambda stay, told: _set_stay(stay, told, revision.currency, codes))


def copy_atoms(into: Revision, source: Revision, paths: Iterable[str], pairing: Pairing = UNPAIRED) -> Revision:
    """Take these atoms as they stand in another revision, with our codes, the vendor's words and the derived marks.

    `pairing` gives the stays and guests of `into` the names they have in `source`. A stay that `into` lacks is added
    whole, none is ever taken away; a guest or line that `source` lacks is taken off.
    """
    draft, given = _Draft(into, pairing), _Draft(source, UNPAIRED)
    stays = {stay.ref: stay for stay in source.room_stays}
    for path in paths:
        ref, kind = stay_of(path), kind_of(path)
        if ref is not None:
            draft.stays.setdefault(ref, {})[kind] = stays[ref]
        elif kind == "guests":
            draft.guests[key_of(path)] = given.guests.get(key_of(path))
        elif kind == "lines":
            draft.lines[key_of(path)] = given.lines.get(key_of(path))
        elif path == "total" and atoms.adds_up(source):
            draft.sums = True
        else:
            draft.fields |= {name: getattr(source, name) for name in _RESERVATION_FIELDS[kind]}
    return draft.done(_copied)


class _Draft:
    """A revision taken apart; what is put into it replaces what was there."""

    def __init__(self, revision: Revision, pairing: Pairing) -> None:
        self._revision = revision
        self._names = [pairing.stays.get(stay.ref, stay.ref) for stay in revision.room_stays]
        self.stays: dict[str, dict[str, Any]] = {}
        self.fields: Fields = {}
        self.sums = atoms.adds_up(revision)
        self.guests: dict[str, Guest | None] = {}
        if not isinstance(revision.guests, UnsetType):
            keys = (pairing.guests.get(key, key) for key in guest_keys(revision.guests))
            self.guests.update(zip(keys, revision.guests, strict=True))
        self.lines: dict[str, Line | None] = {}
        if not isinstance(revision.folio_lines, UnsetType):
            self.lines.update((line.ref, line) for line in revision.folio_lines)

    def done(self, change: Change) -> Revision:
        """Put the revision together again."""
        before = self._revision
        stays = self._stays_done(change)
        fields = self.fields | self._lists()
        if _statuses(stays) != _statuses(before.room_stays):
            fields |= _following(before, stays)
        if self.sums and "total" not in fields:
            fields["total"] = _sum(stays, before.total)
        return msgspec.structs.replace(before, room_stays=stays, **fields)

    def _stays_done(self, change: Change) -> tuple[Stay, ...]:
        known = zip(self._names, self._revision.room_stays, strict=True)
        kept = [change(stay, self.stays[name]) if name in self.stays else stay for name, stay in known]
        added = [change(None, {**told, "ref": ref}) for ref, told in self.stays.items() if ref not in self._names]
        return (*kept, *added)

    def _lists(self) -> Fields:
        """Return the lists that now hold something else; a list nobody told and nobody filled stays unsaid."""
        guests = tuple([guest for guest in self.guests.values() if guest is not None])
        lines = tuple([line for line in self.lines.values() if line is not None])
        found: Fields = {}
        if guests != (() if self._revision.guests is UNSET else self._revision.guests):
            found["guests"] = guests
        if lines != (() if self._revision.folio_lines is UNSET else self._revision.folio_lines):
            found["folio_lines"] = lines
        return found


def _statuses(stays: tuple[Stay, ...]) -> list[tuple[Status, HoldKind | None]]:
    return [(stay.status, stay.hold_kind) for stay in stays]


def _following(before: Revision, stays: tuple[Stay, ...]) -> Fields:
    """Return what the reservation says because its stays say it."""
    status = reservation_status(stay.status for stay in stays)
    leading = [stay for stay in stays if stay.status == status]
    hold_kind = next((stay.hold_kind for stay in leading if stay.hold_kind), None)
    fields: Fields = {
        "status": status,
        "hold_kind": hold_kind,
        "blocks_inventory": any(stay.blocks_inventory for stay in stays),
    }
    if (status, hold_kind) != (before.status, before.hold_kind):
        fields["vendor_status"] = next((stay.vendor_status for stay in leading), None)
    return fields


def _sum(stays: tuple[Stay, ...], otherwise: Decimal | UnsetType | None) -> Decimal | UnsetType | None:
    totals = [stay.total for stay in stays if isinstance(stay.total, Decimal)]
    return sum(totals, Decimal(0)) if len(totals) == len(stays) else otherwise


def _copied(stay: Stay | None, told: Mapping[str, Any]) -> Stay:
    """Take each atom of a stay from the other stay."""
    if stay is None:
        return next(other for other in told.values() if isinstance(other, Stay))
    fields = {name: getattr(other, name) for kind, other in told.items() for name in _STAY_FIELDS[kind]}
    return msgspec.structs.replace(stay, **fields)


def _set_stay(stay: Stay | None, told: Mapping[str, Any], currency: str | None, codes: Codes | None) -> Stay:
    """Set the atoms of a stay to values; a new one needs at least shape and status."""
    if stay is None:
        if "shape" not in told or "status" not in told:
            raise ValueError(f"a new stay needs shape and status, got {sorted(told)}")
        arrival, departure = (date.fromisoformat(told["shape"][place]) for place in (atoms.ARRIVAL, atoms.DEPARTURE))
        stay = Stay(ref=told["ref"], arrival=arrival, departure=departure, status=Status(told["status"][0]))
    fields: Fields = {}
    for kind, value in told.items():
        if kind != "ref":
            fields |= _STAY_SETTERS[kind](stay, value, currency, codes)
    return msgspec.structs.replace(stay, **fields)


def _set_shape(stay: Stay, value: tuple[Any, ...], currency: str | None, codes: Codes | None) -> Fields:
    arrival, departure, room_type, rate_plan, total, nights, derived = value
    fields: Fields = {"arrival": date.fromisoformat(arrival), "departure": date.fromisoformat(departure)}
    if room_type != (stay.room_type_ref or EMPTIED):
        fields |= {"room_type_ref": room_type or None, "room_type": codes.room_type.get(room_type) if codes else None}
    if rate_plan != (stay.rate_plan_ref or EMPTIED):
        fields |= {"rate_plan_ref": rate_plan or None, "rate_plan": codes.rate_plan.get(rate_plan) if codes else None}
    if total is not None:
        fields["total"] = _amount(total, currency)
    priced = tuple([Night(date.fromisoformat(day), _exact(price, currency), day in derived) for day, price in nights])
    moved = (fields["arrival"], fields["departure"]) != (stay.arrival, stay.departure)
    if moved or priced != tuple([night for night in stay.nights if night.price is not None]):
        fields["nights"] = priced
    return fields


def _set_room(stay: Stay, value: str, currency: str | None, codes: Codes | None) -> Fields:  # noqa: ARG001 - one of a table
    if value == (stay.room_ref or EMPTIED):
        return {}
    return {"room_ref": value or None, "room": codes.room.get(value) if codes else None}


def _set_status(stay: Stay, value: tuple[str, str], currency: str | None, codes: Codes | None) -> Fields:  # noqa: ARG001 - one of a table
    status, kind = Status(value[0]), HoldKind(value[1]) if value[1] else None
    if (status, kind) == (stay.status, stay.hold_kind):
        return {}
    takes_room = status not in TAKES_NO_ROOM and kind is not HoldKind.INQUIRY
    return {"status": status, "hold_kind": kind, "blocks_inventory": takes_room, "vendor_status": None}


def _set_occupancy(stay: Stay, value: tuple[Any, ...], currency: str | None, codes: Codes | None) -> Fields:  # noqa: ARG001 - one of a table
    told = zip(_STAY_FIELDS["occupancy"], value, strict=True)
    return {name: None if count == EMPTIED else count for name, count in told if count is not None}


_STAY_SETTERS: dict[str, Callable[[Stay, Any, str | None, Codes | None], Fields]] = {
    "shape": _set_shape,
    "room": _set_room,
    "status": _set_status,
    "occupancy": _set_occupancy,
}


def _reservation_fields(kind: str, value: Value, revision: Revision) -> Fields:
    """Return the fields of a reservation-level atom."""
    if kind == "booker":
        known = revision.booker if isinstance(revision.booker, Guest) else None
        return {"booker": _person(value, known) or UNSET}
    if kind == "channel":
        told = zip(_RESERVATION_FIELDS["channel"], value, strict=True)
        return {name: part or None for name, part in told if part is not None}
    if kind == "total":
        return {"total": _amount(str(value), revision.currency)}
    return {kind: value or None}


def _person(value: Value, before: Guest | None) -> Guest | None:
    """Return the person a value describes, keeping of the one before what it leaves unsaid; None for nobody."""
    if value == EMPTIED:
        return None
    said = {name: part or None for name, part in zip(_PERSON, value, strict=True) if part is not None}
    return msgspec.structs.replace(before or Guest(), **said)


def _line(ref: str, value: Value) -> Line | None:
    if isinstance(value, str):
        return None
    kind, text, amount, currency = value
    return Line(ref=ref, kind=kind, text=text or None, amount=_exact(amount, currency), currency=currency)


def _amount(text: str, currency: str | None) -> Decimal | None:
    return _exact(text, currency) if text else None


def _exact(text: str, currency: str | None) -> Decimal:
    """Read an amount with the digits of its currency, or as it is where that would round."""
    amount = Decimal(text)
    try:
        return money.fit(amount, currency) if currency else amount
    except money.AmountRejected:
        return amount
