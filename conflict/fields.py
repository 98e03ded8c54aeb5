"""Fields: atoms as people and the public surface see them, and back again from what they typed.

Paths use the public words (`room_stays[1001].shape`, `folio_lines[7]`, `booker`), values are documents with the names
of the public Stay, Guest and Line; emptied is null, unsaid is left out. Everything here is exact both ways.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, NamedTuple, TypeAlias

import msgspec

from conflict.atoms import EMPTIED, RESERVATION_ATOMS, STAY_ATOMS, SUM_OF_STAYS, Value, amount_text, kind_of
from pms_sync.domain import money

Document: TypeAlias = Any
SUMMED = "sum of the stays"
_PATH = re.compile(r"(?P<list>room_stays|guests|folio_lines)\[(?P<key>.+)\](?:\.(?P<rest>[a-z_.]+))?")
_LINKED = "reservations["
_LISTS = {"room_stays": "stays", "guests": "guests", "folio_lines": "lines"}


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """The vendor's codes to ours and the currency, so that people read and type what they know.

    A code of ours stands only where it leads back to one code of the vendor.
    """

    room_type: Mapping[str, str] = {}
    room: Mapping[str, str] = {}
    rate_plan: Mapping[str, str] = {}
    currency: str | None = None

    def ours(self, kind: str, ref: str) -> str:
        """Return our code where there is exactly one way back, else the vendor's."""
        table: Mapping[str, str] = getattr(self, kind)
        code = table.get(ref)
        return ref if code is None or list(table.values()).count(code) > 1 else code

    def theirs(self, kind: str, code: str) -> str:
        """Return the vendor's code; raises ValueError for a code that neither side has."""
        table: Mapping[str, str] = getattr(self, kind)
        found = [ref for ref, ours in table.items() if ours == code]
        if len(found) == 1:
            return found[0]
        if table and code not in table:
            raise ValueError(f"no such {kind.replace('_', ' ')}; known are {', '.join(sorted(set(table.values())))}")
        return code


NAMELESS = Names()


class Part(NamedTuple):
    """One part of an atom: its public name, where it stands in the value, and how it is written."""

    name: str
    place: int
    sort: str = "text"


def _texts(names: str) -> tuple[Part, ...]:
    return tuple(Part(name, place) for place, name in enumerate(names.split()))


_PERSON = _texts("ref first_name last_name email phone country language")
PARTS: dict[str, tuple[Part, ...]] = {
    "shape": (
        Part("arrival", 0),
        Part("departure", 1),
        Part("room_type_ref", 2, "room_type"),
        Part("rate_plan_ref", 3, "rate_plan"),
        Part("total", 4, "amount"),
        Part("nights", 5, "nights"),
    ),
    "occupancy": (Part("adults", 0, "count"), Part("children", 1, "count")),
    "booker": _PERSON,
    "guests": _PERSON,
    "lines": (Part("kind", 0), Part("text", 1), Part("amount", 2, "amount"), Part("currency", 3)),
    "channel": _texts("channel vendor_channel channel_reference"),
}
# A stay's own fields lead to their atom without its name: `room_stays[1].arrival`.
_ATOM_OF = {part.name: kind for kind in ("shape", "occupancy") for part in PARTS[kind]} | {"room_ref": "room"}
PERSONAL = frozenset({"booker", "guests", "notes", "comments"})


def is_personal(path: str) -> bool:
    """Tell whether an atom's value may say who somebody is, and so is sealed where kept and masked where shown."""
    return kind_of(path) in PERSONAL


def public_path(path: str) -> str:
    """Write an atom's path in the public words."""
    if path.startswith("stays["):
        return f"room_{path}"
    return f"folio_{path}" if path.startswith("lines[") else path


def atom_path(text: str) -> tuple[str, str | None]:
    """Read a public path as an atom and, where it names one, a part of it; raises ValueError for no such field."""
    found = _PATH.fullmatch(text)
    if found is None:
        name, _, part = text.partition(".")
        if name in RESERVATION_ATOMS and (not part or _is_part(name, part)):
            return name, part or None
        raise ValueError("no such field")
    at, rest = f"{_LISTS[found['list']]}[{found['key']}]", found["rest"] or ""
    if found["list"] == "room_stays":
        return _stay_path(at, rest)
    if rest and not _is_part(_LISTS[found["list"]], rest):
        raise ValueError("no such field")
    return at, rest or None


def linked_path(ref: str, path: str) -> str:
    """Write a link's public path so that it is one of its own among those of many links of an account.

    The stay that a link is named after stands for itself; all else names the link: `reservations[1001].total`.
    """
    own = f"room_stays[{ref}]"
    return path if path == own or path.startswith(f"{own}.") else f"{_LINKED}{ref}].{path}"


def link_path(text: str) -> tuple[str | None, str]:
    """Split the link's ref off a path that names one; None where it names none."""
    at = text.find("].") if text.startswith(_LINKED) else -1
    while at >= 0:  # a ref may hold whatever stands between two paths
        ref, rest = text[len(_LINKED) : at], text[at + 2 :]
        if _is_field(rest):
            return ref, rest
        at = text.find("].", at + 1)
    return None, text


def field_path(text: str) -> tuple[str, str | None]:
    """Read a path of a case as `atom_path` does, whether it names a link or not."""
    return atom_path(link_path(text)[1])


def _is_field(text: str) -> bool:
    try:
        return bool(atom_path(text))
    except ValueError:
        return False


def _stay_path(at: str, rest: str) -> tuple[str, str | None]:
    name, _, part = rest.partition(".")
    if not rest:
        return at, None
    if name in STAY_ATOMS and (not part or _is_part(name, part)):
        return f"{at}.{name}", part or None
    if name in _ATOM_OF and not part:
        return f"{at}.{_ATOM_OF[name]}", None if name == "room_ref" else name
    raise ValueError("no such field")


def _is_part(kind: str, name: str) -> bool:
    return any(part.name == name for part in PARTS.get(kind, ()))


def public_value(path: str, value: Value | None, names: Names = NAMELESS) -> Document:
    """Write an atom's value as a document; None and emptied are null."""
    kind = kind_of(path)
    if value is None or value == EMPTIED:
        return None
    if kind in PARTS:
        told = ((part, value[part.place]) for part in PARTS[kind])
        return {part.name: _write(part, said, value, names) for part, said in told if said is not None}
    if kind in {"status", "stays"}:
        return " ".join(filter(None, value))
    if kind == "total":
        return SUMMED if value == SUM_OF_STAYS else _shown_amount(str(value), names)
    return names.ours("room", str(value)) if kind == "room" else value


def _write(part: Part, said: Any, value: Value, names: Names) -> Document:  # noqa: ANN401 - a part of any sort
    if part.sort == "nights":
        derived = value[part.place + 1]
        return [{"date": day, "price": _shown_amount(price, names), "derived": day in derived} for day, price in said]
    if said == EMPTIED:
        return None
    if part.sort in {"room_type", "rate_plan"}:
        return names.ours(part.sort, said)
    return _shown_amount(said, names) if part.sort == "amount" else said


def _shown_amount(text: str, names: Names) -> str:
    """Write an amount with the digits of its currency, where that does not round."""
    try:
        return str(money.fit(Decimal(text), names.currency)) if names.currency else text
    except money.AmountRejected:
        return text


def read_value(path: str, document: Document, names: Names = NAMELESS) -> Value:
    """Read the typed value of an atom that has no parts; raises ValueError with the reason."""
    kind = kind_of(path)
    if document is None or document == "":
        return EMPTIED
    if not isinstance(document, str):
        raise ValueError("not text")  # noqa: TRY004 - a wrong value, not a wrong call
    if kind == "status":
        status, _, hold_kind = document.partition(" ")
        return status, hold_kind
    if kind == "total":
        return SUM_OF_STAYS if document == SUMMED else _read_amount(document, names)
    return names.theirs("room", document) if kind == "room" else document


def read_parts(path: str, document: Document, names: Names = NAMELESS) -> dict[int, Any]:
    """Read a document of parts as {place in the value: part}; raises ValueError with the reason."""
    kind = kind_of(path)
    if not isinstance(document, Mapping):
        raise ValueError(f"not an object with {', '.join(part.name for part in PARTS[kind])}")  # noqa: TRY004
    unknown = sorted(set(document) - {part.name for part in PARTS[kind]})
    if unknown:
        raise ValueError(f"no such part: {', '.join(map(str, unknown))}")
    found: dict[int, Any] = {}
    for part in PARTS[kind]:
        if part.name in document:
            found |= _read_part(part, document[part.name], names)
    return found


def _read_part(part: Part, said: Document, names: Names) -> dict[int, Any]:
    try:
        if part.sort == "nights":
            nights, derived = _read_nights(said or (), names)
            return {part.place: nights, part.place + 1: derived}
        return {part.place: EMPTIED if said is None or said == "" else _READERS[part.sort](said, names)}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"{part.name}: {error}") from None


def _read_nights(nights: Any, names: Names) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:  # noqa: ANN401
    told = {_read_text(one["date"], names): (_read_amount(one["price"], names), one.get("derived")) for one in nights}
    if len(told) < len(nights):
        raise ValueError("a night stands there twice")
    prices = tuple((day, told[day][0]) for day in sorted(told))
    return prices, tuple(day for day in sorted(told) if told[day][1])


def _read_text(said: Any, names: Names) -> str:  # noqa: ANN401, ARG001 - one of a table
    if not isinstance(said, str):
        raise ValueError("not text")  # noqa: TRY004
    return said


def _read_amount(said: Any, names: Names) -> str:  # noqa: ANN401 - anything typed
    text = _read_text(said, names)
    try:
        return amount_text(money.parse_amount(text, names.currency or "", None if names.currency else {"": 4}))
    except money.AmountRejected as error:
        raise ValueError(str(error)) from None


def _read_count(said: Any, names: Names) -> int:  # noqa: ANN401, ARG001 - one of a table
    if isinstance(said, bool) or not isinstance(said, (int, str)):
        raise ValueError("not a number")  # noqa: TRY004
    return int(said)


_READERS: dict[str, Callable[[Any, Names], Any]] = {
    "text": _read_text,
    "amount": _read_amount,
    "count": _read_count,
    "room_type": lambda said, names: names.theirs("room_type", _read_text(said, names)),
    "rate_plan": lambda said, names: names.theirs("rate_plan", _read_text(said, names)),
}
