"""Reading Opera's loose JSON totally: lists that may be single objects, wrappers that have gone, dates without zone.

Everything that cannot be read ends in MappingRejected with the whole path (vendors/opera.md 5).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime
from typing import NamedTuple, TypeVar
from zoneinfo import ZoneInfo

import msgspec

from mappers import kit
from mappers.opera import words
from pms_sync.domain.errors import MappingRejected

T = TypeVar("T")
NOTHING = msgspec.Raw(b"null")

_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[ T]00:00(?::00(?:\.0+)?)?)?")
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[ T](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:?\d{2})?)?")
_LIST: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])


def loose(kind: type[T]) -> msgspec.json.Decoder[T]:
    """Return a decoder that takes numbers as texts, which official samples send."""
    return msgspec.json.Decoder(kind, strict=False)


def read(decoder: msgspec.json.Decoder[T], raw: bytes, at: str = "$") -> T:
    """Decode one object that stands at a path; raises MappingRejected at the first field that does not fit."""
    try:
        return kit.read(decoder, raw, words.SHOWN)
    except MappingRejected as rejected:
        raise MappingRejected(at + rejected.path.removeprefix("$"), rejected.value, rejected.why) from None


class Element(NamedTuple):
    """One element of a list with its path."""

    raw: bytes
    at: str


def split(raw: msgspec.Raw, at: str, wrapper: str = "") -> list[Element] | None:
    """Return the elements of what should be a list; None when it is absent or null.

    A single object stands for a list of one; an object with the key `wrapper` is a wrapper of former times.
    """
    whole = bytes(raw).strip()
    if whole == b"null":
        return None
    if whole[:1] == b"[":
        return [Element(bytes(one), f"{at}[{index}]") for index, one in enumerate(_elements(whole, at))]
    if wrapper and whole[:1] == b"{":
        inner = read(_PARTS, whole, at).get(wrapper)
        if inner is not None:
            return split(inner, f"{at}.{wrapper}")
    return [Element(whole, at)]


def _elements(whole: bytes, at: str) -> list[msgspec.Raw]:
    found: list[msgspec.Raw] = read(_LIST, whole, at)
    return found


def each(decoder: msgspec.json.Decoder[T], raw: msgspec.Raw, at: str, wrapper: str = "") -> Iterator[tuple[T, str]]:
    """Decode every element of a list, with its path; nothing for an absent one."""
    return ((read(decoder, one.raw, one.at), one.at) for one in split(raw, at, wrapper) or ())


_PARTS: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw])


def parts(raw: bytes) -> dict[str, msgspec.Raw]:
    """Read the outermost keys of an object; raises MappingRejected for anything else."""
    return kit.read(_PARTS, raw, frozenset())


def day(text: str | None, path: str) -> date:
    """Read a property-local date, which may carry a midnight but no zone; raises MappingRejected."""
    if text is None:
        raise kit.absent(path, "required date is missing")
    found = _DATE.fullmatch(text.strip())
    try:
        if found is not None:
            return date.fromisoformat(found[1])
    except ValueError:
        pass
    raise kit.rejected(path, text, "not a date of the hotel's own calendar", words.SHOWN)


class Moment(NamedTuple):
    """A time of the wire: how it sorts as a version, and the instant it stands for."""

    version: str
    instant: datetime
    ambiguous: bool = False


def moment(text: str, path: str, zone: str) -> Moment:
    """Read a time, which nearly always lacks a zone and is then the property's own; raises MappingRejected.

    That it is the property's is an inference (5), so the version keeps the digits of the wire, whatever they are times
    of: it sorts rightly all the same. Of the two readings of a repeated or missing hour the earlier one is taken
    (TIM-07).
    """
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        raise kit.rejected(path, text, "not a time", words.SHOWN)
    clock, fraction = found[2] or "00:00:00", (found[3] or "").rstrip("0")
    version = f"{found[1]}T{clock}{'.' + fraction if fraction else ''}"
    try:
        local = datetime.fromisoformat(f"{version[:26]}{(found[4] or '').replace('Z', '+00:00')}")
    except ValueError:
        raise kit.rejected(path, text, "not a time", words.SHOWN) from None
    if local.tzinfo is not None:
        return Moment(version, kit.instant(path, local))
    here = _zone(zone)
    readings = [kit.instant(path, local.replace(tzinfo=here, fold=fold)) for fold in (0, 1)]
    return Moment(version, min(readings), ambiguous=readings[0] != readings[1])


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        raise MappingRejected("$", name, "the property's time zone does not exist") from None
