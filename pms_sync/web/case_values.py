"""Values: how a field of a case reads and is typed, part by part; pure.

A field is a document of parts (`room_stays[1].shape`) or one value (`notes`). What both sides and the base have alike
is told once, so that a person reads only what differs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

import msgspec

from conflict.atoms import key_of, kind_of, stay_of
from conflict.fields import PARTS, SUMMED, Part, field_path, link_path
from pms_sync.domain.reservation import CHANNELS
from pms_sync.domain.status import HoldKind, Status
from pms_sync.web.render import channel, money, words

NOTHING, NOT_SHOWN = "nothing", "no longer shown"
_MOST_NIGHTS = 7
_LABELS = {
    "shape": "Dates, type and price",
    "room": "Room",
    "status": "Status",
    "occupancy": "Guests in the room",
    "stays": "Room stay",
    "booker": "Booker",
    "guests": "Guest",
    "notes": "Notes",
    "comments": "Guest's comments",
    "lines": "Line of the bill",
    "total": "Total",
    "channel": "Channel",
}
# Rows that only say what a case is about.
_FACTS = {
    "room_stays.room": "Who has it, who wants it",
    "room": "Room",
    "room_type": "Room type",
    "date": "Night",
    "inventory.booked": "Rooms there are, stays there are",
    "room_stays.status": "Status",
    "links.ref": "The vendor's number",
    "channel_reference": "The vendor's number, the channel's number",
}
_PART_LABELS = {
    "room_type_ref": "Room type",
    "rate_plan_ref": "Rate plan",
    "nights": "Night by night",
    "first_name": "First name",
    "last_name": "Last name",
    "email": "E-mail",
    "vendor_channel": "The vendor's word",
    "channel_reference": "Channel's number",
}
_LONG = frozenset({"notes", "comments"})
_STATUSES = ("hold", *(f"hold {kind}" for kind in HoldKind), *(status for status in Status if status != "hold"))


class Piece(msgspec.Struct, frozen=True):
    """One part of a value as it reads; a value without parts has one without a label."""

    label: str
    text: str


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """A place to type one part; `part` is None for a value without parts, `text` what stands there."""

    part: str | None
    label: str
    text: str
    sort: Literal["text", "long", "date", "amount", "count", "choice"] = "text"
    options: tuple[tuple[str, str], ...] = ()


class Reading(msgspec.Struct, frozen=True):
    """A field's three values as they read, and what is alike in all of them."""

    base: tuple[Piece, ...]
    here: tuple[Piece, ...]
    there: tuple[Piece, ...]
    alike: tuple[Piece, ...]


def label_of(path: str) -> str:
    """Name a field as its row does; a stay and a line are told by their ref."""
    try:
        atom, _ = field_path(path)
    except ValueError:
        return _FACTS.get(path) or words(path.rpartition(".")[2]).capitalize()
    return _LABELS[kind_of(atom)]


def subject_of(path: str) -> str | None:
    """Return which stay or line of the bill a field belongs to, and of which booking where it names one."""
    try:
        atom, _ = field_path(path)
    except ValueError:
        return None
    (link, _), ref = link_path(path), stay_of(atom)
    told = [f"stay {ref}"] if ref is not None else [f"line {key_of(atom)}"] if kind_of(atom) == "lines" else []
    return " of ".join([*told, *([f"booking {link}"] if link is not None else [])]) or None


def reading(row: Mapping[str, Any], currency: str) -> Reading:
    """Lay a row's values beside each other."""
    base, here, there = row["base"], row["here"], row["there"]
    known = [side for side in (base, here, there) if isinstance(side, Mapping)]
    parts = _parts(row["path"])
    alike: list[Part] = []
    if isinstance(here, Mapping) and isinstance(there, Mapping) and base in (None, *known):
        alike = [part for part in parts if _all_alike(part.name, known)]
    told = [part for part in parts if part not in alike and any(part.name in side for side in known)]
    kind = _kind(row["path"])

    def pieces(side: object) -> tuple[Piece, ...]:
        return _pieces(told, side, currency) if isinstance(side, Mapping) else (Piece("", _text(kind, side, currency)),)

    shared = [part for part in alike if known[0].get(part.name) not in (None, [])]
    return Reading(base=pieces(base), here=pieces(here), there=pieces(there), alike=_pieces(shared, here, currency))


def inputs(row: Mapping[str, Any]) -> tuple[Input, ...]:
    """Return where another value can be typed, filled with the suggested one; nights follow the dates and the total."""
    path, basis = row["path"], basis_of(row)
    kind = _kind(path)
    if kind == "stays":
        return ()
    if not isinstance(basis, Mapping):
        return (_input(kind, None, "Another value", basis),)
    parts = [part for part in _parts(path) if part.sort != "nights" and part.name != "ref"]
    return tuple(_input(part.name, part, _label(part.name), basis.get(part.name)) for part in parts)


def side_of(row: Mapping[str, Any]) -> Literal["here", "there"]:
    """Return the side whose value a typed one begins with."""
    suggested: Literal["here", "there"] = row["suggested"] or "here"
    other: Literal["here", "there"] = "there" if suggested == "here" else "here"
    has_parts = isinstance(row["here"], Mapping) or isinstance(row["there"], Mapping)
    return other if has_parts and not isinstance(row[suggested], Mapping) else suggested


def basis_of(row: Mapping[str, Any]) -> Any:  # noqa: ANN401 - a field's document
    """Return the value that a typed one begins with."""
    return row[side_of(row)]


def _kind(path: str) -> str:
    try:
        return kind_of(field_path(path)[0])
    except ValueError:
        return path.rpartition(".")[2]


def _parts(path: str) -> tuple[Part, ...]:
    return PARTS.get(_kind(path), ())


def _all_alike(name: str, sides: Sequence[Mapping[str, Any]]) -> bool:
    return all(side.get(name) == sides[0].get(name) for side in sides)


def _pieces(parts: Sequence[Part], side: Any, currency: str) -> tuple[Piece, ...]:  # noqa: ANN401 - a document
    used = side.get("currency") or currency if parts else currency
    return tuple(Piece(_label(part.name), _text(part.name, side.get(part.name), used)) for part in parts)


def _label(name: str) -> str:
    return _PART_LABELS.get(name) or words(name).capitalize()


def _text(name: str, value: Any, currency: str) -> str:  # noqa: ANN401 - whatever a field holds
    if value is None or value in ("", []):
        return NOT_SHOWN if name == "stays" else NOTHING
    write = _TEXTS.get(name)
    return str(value) if write is None else write(value, currency)


def _amount(value: Any, currency: str) -> str:  # noqa: ANN401
    if value == SUMMED:
        return str(value)
    try:
        return money(Decimal(str(value)), currency)
    except InvalidOperation:
        return str(value)


def _date(value: Any, _: str) -> str:  # noqa: ANN401
    try:
        told = date.fromisoformat(str(value))
    except ValueError:
        return str(value)
    return f"{told:%a} {told.day} {told:%b %Y}"


def _nights(value: Any, currency: str) -> str:  # noqa: ANN401
    prices = [_amount(night.get("price"), currency) for night in value]
    if len(prices) > 1 and len(set(prices)) == 1:
        told = f"{len(prices)} x {prices[0]}"
    else:
        told = ", ".join(prices[:_MOST_NIGHTS])
        told += f" and {len(prices) - _MOST_NIGHTS} more" if len(prices) > _MOST_NIGHTS else ""
    return told + (" (our split)" if all(night.get("derived") for night in value) else "")


_TEXTS: Mapping[str, Callable[[Any, str], str]] = {
    "arrival": _date,
    "departure": _date,
    "date": _date,
    "total": _amount,
    "amount": _amount,
    "nights": _nights,
    "status": lambda value, _: words(value),
    "stays": lambda value, _: words(value),
    "channel": lambda value, _: channel(str(value)),
}


def _input(name: str, part: Part | None, label: str, value: object) -> Input:
    told, text = part and part.name, "" if value is None else str(value)
    known = {"status": _STATUSES, "channel": tuple(sorted(CHANNELS))}.get(name, ())
    if known:
        options = tuple((one, words(one)) for one in (*known, *({text} - set(known))))
        return Input(part=told, label=label, text=text, sort="choice", options=options)
    return Input(part=told, label=label, text=text, sort=_sort(name, part))


def _sort(name: str, part: Part | None) -> Literal["text", "long", "date", "amount", "count"]:
    if name in {"arrival", "departure"}:
        return "date"
    if name in _LONG:
        return "long"
    if name == "total" or (part is not None and part.sort == "amount"):
        return "amount"
    return "count" if part is not None and part.sort == "count" else "text"
