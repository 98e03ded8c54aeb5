"""The atoms of a booking as fields of POST /bookings: one row per group of fields that mean something together.

The fields are those of vendors/beds24.md 6 and 7; `subStatus` is writable there, though the vendor's API file lists it
for reading only.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import NamedTuple

from msgspec import UNSET

from mappers.beds24 import words
from mappers.beds24.places import AT, is_inside
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.reservation import Guest, Revision, Stay
from pms_sync.domain.status import Status
from pms_sync.ports.mapper import MappingContext

Fields = dict[str, object]
Write = Callable[[Revision, Stay], Fields]

NOT_INSIDE = "Beds24 puts a stay only into a room of its own room type: change the room or the room type"
STAY_KINDS = frozenset("shape room status occupancy".split())
# What stands for "no longer" where leaving a field out means "as it was"; a guess for `unitId` (6.1, 18).
_TAKEN_BACK: Fields = {"subStatus": "none", "unitId": 0}


class Atom(NamedTuple):
    """Fields that are sent together or not at all, and the kind of atom they belong to."""

    kind: str
    write: Write


def whole(wanted: Revision, context: MappingContext) -> dict[str, Fields]:
    """Return the fields of a new booking by kind of atom; what is empty there need not be said."""
    found: dict[str, Fields] = {}
    for atom in _ATOMS:
        fields = {name: value for name, value in _written(atom, wanted, context).items() if value not in ("", None)}
        if fields:
            found[atom.kind] = found.get(atom.kind, {}) | fields
    return found


def changed(kind: str, wanted: Revision, known: Revision | None, context: MappingContext) -> Fields:
    """Return the fields of one kind of atom that differ from what is known there."""
    found: Fields = {}
    for atom in _ATOMS:
        if atom.kind != kind:
            continue
        mine = _written(atom, wanted, context)
        theirs = {} if known is None else atom.write(known, known.room_stays[0])
        gone = {name: _TAKEN_BACK[name] for name in theirs.keys() - mine.keys() if name in _TAKEN_BACK}
        if gone or mine != theirs:
            found |= mine | gone
    return found


def number(path: str, ref: str) -> int:
    """Write an id as Beds24 does; raises MappingRejected for anything else."""
    if not words.is_ref(ref):
        raise MappingRejected(path, ref, "no id of Beds24's, which is a whole number")
    return int(ref)


def _written(atom: Atom, state: Revision, context: MappingContext) -> Fields:
    fields = atom.write(state, state.room_stays[0])
    if "price" in fields:
        _check_price(state, context)
    return fields


def _check_price(state: Revision, context: MappingContext) -> None:
    """Refuse what a plain number cannot say: another currency, a net price, an amount out of range (6.6)."""
    amount = state.room_stays[0].total
    if not isinstance(amount, Decimal) or not 0 <= amount <= words.LARGEST_PRICE:
        raise MappingRejected(f"{AT}.total", amount, f"Beds24 holds prices from 0 to {words.LARGEST_PRICE}")
    if context.currency and state.currency not in (None, context.currency):
        why = f"Beds24 holds prices in the property's currency alone, which is {context.currency}"
        raise MappingRejected("currency", state.currency, why)
    if state.price_basis == "net":
        raise MappingRejected("price_basis", "net", "Beds24 holds gross prices")


def _room_type(_: Revision, stay: Stay) -> Fields:
    return {"roomId": number(f"{AT}.room_type_ref", stay.room_type_ref or "")}


def _unit(_: Revision, stay: Stay) -> Fields:
    """Write the unit with its room type, without which its number means nothing (6.1)."""
    if stay.room_ref is None:
        return {}
    if not is_inside(stay.room_ref, stay.room_type_ref):
        raise MappingRejected(f"{AT}.room", stay.room or stay.room_ref, NOT_INSIDE)
    room_type, _slash, unit = stay.room_ref.partition("/")
    return {"roomId": number(f"{AT}.room_ref", room_type), "unitId": number(f"{AT}.room_ref", unit)}


def _dates(_: Revision, stay: Stay) -> Fields:
    return {"arrival": stay.arrival.isoformat(), "departure": stay.departure.isoformat()}


def _status(_: Revision, stay: Stay) -> Fields:
    return {"status": stay.vendor_status}


def _sub_status(_: Revision, stay: Stay) -> Fields:
    return {"subStatus": words.NO_SHOW} if stay.status == Status.NO_SHOW else {}


def _people(name: str, count: Callable[[Stay], object]) -> Write:
    """Write a number of people; one that is not known cannot be emptied."""

    def write(_: Revision, stay: Stay) -> Fields:
        people = count(stay)
        if not isinstance(people, int):
            return {}
        if not 0 <= people <= words.MOST_GUESTS:
            raise MappingRejected(f"{AT}.{name}", people, f"Beds24 holds 0 to {words.MOST_GUESTS}")
        return {name: people}

    return write


def _price(_: Revision, stay: Stay) -> Fields:
    """Write the price; nought must be said as 0 (7), and one that is not known cannot be emptied."""
    return {"price": stay.total} if isinstance(stay.total, Decimal) else {}


def _total(state: Revision, stay: Stay) -> Fields:
    """Write a reservation's total, which is the price of its only booking."""
    return {} if state.total is UNSET else _price(state, stay)


def _names(state: Revision, _: Stay) -> Fields:
    """Write both names, since a title may have stood for them; without any name the title goes too (6.2)."""
    if not isinstance(state.booker, Guest):
        return {}
    said = {"firstName": state.booker.first_name, "lastName": state.booker.last_name}
    title: Fields = {"title": ""} if all(name is None for name in said.values()) else {}
    return {name: text or "" for name, text in said.items() if text is not UNSET} | title


def _phone(state: Revision, _: Stay) -> Fields:
    """Write the phone; where there is none, the mobile number must not take its place."""
    if not isinstance(state.booker, Guest) or state.booker.phone is UNSET:
        return {}
    return {"phone": state.booker.phone} if state.booker.phone else {"phone": "", "mobile": ""}


def _language(state: Revision, _: Stay) -> Fields:
    """Write the language; the API file takes no empty one."""
    told = state.booker.language if isinstance(state.booker, Guest) else None
    return {"lang": told} if isinstance(told, str) else {}


def _contact(name: str, field: Callable[[Guest], object], empty: str | None) -> Write:
    def write(state: Revision, _: Stay) -> Fields:
        value = field(state.booker) if isinstance(state.booker, Guest) else UNSET
        return {} if value is UNSET else {name: value or empty}

    return write


def _remarks(name: str, field: Callable[[Revision], object]) -> Write:
    def write(state: Revision, _: Stay) -> Fields:
        value = field(state)
        return {} if value is UNSET else {name: value or ""}

    return write


_ATOMS = (
    Atom("shape", _room_type),
    Atom("room", _unit),
    Atom("shape", _dates),
    Atom("status", _status),
    Atom("status", _sub_status),
    Atom("occupancy", _people("numAdult", lambda stay: stay.adults)),
    Atom("occupancy", _people("numChild", lambda stay: stay.children)),
    Atom("shape", _price),
    Atom("total", _total),
    Atom("booker", _names),
    Atom("booker", _contact("email", lambda guest: guest.email, "")),
    Atom("booker", _phone),
    Atom("booker", _contact("country2", lambda guest: guest.country, None)),
    Atom("booker", _language),
    Atom("comments", _remarks("comments", lambda state: state.comments)),
    Atom("notes", _remarks("notes", lambda state: state.notes)),
)
KINDS = frozenset(atom.kind for atom in _ATOMS)
