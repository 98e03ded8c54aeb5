"""Pure tools that every mapper shares: total reading of raw JSON, codes, dates, money and nights.

Nothing here raises anything but MappingRejected, whatever the bytes are. A rejection shows the offending value only
where the vendor's table says that the field cannot hold personal data; elsewhere it describes the value by its shape.
"""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from pms_sync.domain import money
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.reservation import CodeKind, Night, UnmappedCode
from pms_sync.domain.stay import StayRange
from pms_sync.ports.mapper import Crosswalk

T = TypeVar("T")

_BOM = b"\xef\xbb\xbf"
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
_ESCAPE = re.compile(rb"(\\u[dD][89abAB]..\\u[dD][c-fC-F]..)|\\u[dD][89a-fA-F]..|\\.", re.DOTALL)
_HARMLESS = re.compile(r"(?!.*\d{12})[\w .,:+/-]{0,60}", re.ASCII)
_MISSING_FIELD = re.compile(r"Object missing required field `([^`]+)`")
_FIRST_YEAR, _LAST_YEAR = 1900, 2199
_UNKNOWN_CURRENCY_PLACES = (2, 4)


def read(decoder: msgspec.json.Decoder[T], raw: bytes, shown: frozenset[str]) -> T:
    """Decode one record into the vendor's wire shape; raises MappingRejected at the first field that does not fit.

    `shown` names the fields whose value a rejection may repeat.
    """
    try:
        return _decoded(decoder, raw)
    except msgspec.ValidationError as error:
        raise _explained(raw, str(error), shown) from None
    except RecursionError:
        raise MappingRejected("$", f"{len(raw)} bytes", "nested too deeply") from None
    except ValueError as error:  # not JSON, or not UTF-8
        why = "not UTF-8 text" if isinstance(error, UnicodeError) else f"not JSON: {error}"
        raise MappingRejected("$", f"{len(raw)} bytes", why) from None


def _decoded(decoder: msgspec.json.Decoder[T], raw: bytes) -> T:
    """Decode; where half of a surrogate pair stands in the way, a replacement character takes its place."""
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        mended = _ESCAPE.sub(_whole, raw)
        if mended == raw:
            raise
        return decoder.decode(mended)


def _whole(match: re.Match[bytes]) -> bytes:
    """Keep whole surrogate pairs and other escapes, replace a lone half (RELIABILITY §7.3)."""
    found = match[0]
    return b"\\ufffd" if found[:2] == b"\\u" and len(found) == len(b"\\ud800") else found


def _explained(raw: bytes, message: str, shown: frozenset[str]) -> MappingRejected:
    """Turn the decoder's message into path, value and reason."""
    why, _, place = message.partition(" - at ")
    path = place.strip("`") or "$"
    missing = _MISSING_FIELD.fullmatch(why)
    if missing:
        return absent(f"{path}.{missing[1]}", "required field is missing")
    return rejected(path, _value_at(raw, path), why.replace("`", ""), shown)


def _value_at(raw: bytes, path: str) -> object:
    """Find the value a path names; numbers come back as their text on the wire."""
    try:
        found = json.loads(raw, parse_int=str, parse_float=str)
        for name, index in _STEP.findall(path):
            found = found[int(index)] if index else found[name]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return found


def rejected(path: str, value: object, why: str, shown: frozenset[str]) -> MappingRejected:
    """Build a rejection whose value is shown only when the field is listed and the text looks harmless."""
    leaf = path.rpartition(".")[2].partition("[")[0]
    text = str(value)
    if leaf in shown and not isinstance(value, (dict, list)) and _HARMLESS.fullmatch(text):
        return MappingRejected(path, text, why)
    return MappingRejected(path, _shape(value), why)


def absent(path: str, why: str) -> MappingRejected:
    """Build a rejection for a field that is not there."""
    return MappingRejected(path, "(absent)", why)


def _shape(value: object) -> str:
    """Describe a value without repeating it."""
    if isinstance(value, dict):
        return f"object with {len(value)} fields"
    if isinstance(value, list):
        return f"list of {len(value)}"
    return f"text of {len(value)} characters" if isinstance(value, str) else type(value).__name__


def split_list(body: bytes) -> list[bytes] | None:
    """Split a JSON list into the raw bytes of its elements; None when the body is not a list."""
    stripped = body.removeprefix(_BOM).lstrip()
    if not stripped.startswith(b"["):
        return None
    return [bytes(element) for element in read(_LIST, stripped.rstrip(), frozenset())]


def without_bom(body: bytes) -> bytes:
    """Drop a byte order mark and surrounding white space, which files carry and the wire does not."""
    return body.removeprefix(_BOM).strip()


_LIST: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])


def clean(text: str) -> str:
    """Return the text in NFC without NUL, which PostgreSQL cannot hold (RELIABILITY §7.3)."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    return text.replace("\0", "") if "\0" in text else text


def word(value: str | UnsetType | None) -> str | UnsetType | None:
    """Read a text field: the empty text is emptied (None), an absent one stays unsaid."""
    if value is UNSET or not value:
        return UNSET if value is UNSET else None
    return clean(value) or None


def instant(path: str, value: datetime) -> datetime:
    """Bring an instant to UTC; raises MappingRejected when that leaves the calendar."""
    if value.tzinfo is UTC:
        return value
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise MappingRejected(path, value.isoformat(), "instant outside the calendar") from None


def version_of(moment: datetime) -> str:
    """Write a UTC instant in whole seconds, so that versions sort as text; content decides ties within one."""
    return moment.isoformat()[:19] + "Z"


def stay_range(arrival: date, departure: date, at: str) -> StayRange:
    """Check both dates of a stay; raises MappingRejected on a range no hotel sells."""
    if not _FIRST_YEAR <= arrival.year <= _LAST_YEAR:
        raise MappingRejected(f"{at}.arrival", arrival, f"year outside {_FIRST_YEAR} to {_LAST_YEAR}")
    try:
        return StayRange(arrival, departure)
    except ValueError as error:
        raise MappingRejected(f"{at}.departure", departure, str(error)) from None


def amount(path: str, value: Decimal, currency: str) -> Decimal:
    """Fit an amount to its currency, exactly; raises MappingRejected where that would round.

    Without a currency the digits of the wire stand, at least two and at most four.
    """
    try:
        return money.fit(value, currency, None if currency else {"": _wire_places(value)})
    except money.AmountRejected as error:
        raise MappingRejected(path, str(value)[:60], str(error)) from None


def _wire_places(value: Decimal) -> int:
    """Count the decimals an amount uses, within what any currency has."""
    low, high = _UNKNOWN_CURRENCY_PLACES
    last = value.as_tuple().exponent if value.is_finite() else 0
    return min(max(low, -int(last)), high)


def nights(stay: StayRange, total: Decimal | UnsetType | None, currency: str) -> tuple[Night, ...]:
    """Spread a total over the nights so that the sum is exact; the first nights carry the odd minor units."""
    dates = tuple(stay.nights())
    if not isinstance(total, Decimal):
        return tuple([Night(night, None, False) for night in dates])  # noqa: FBT003
    places = None if currency else {"": _wire_places(total)}
    prices = money.split(total, len(dates), currency, places)
    return tuple([Night(night, price, True) for night, price in zip(dates, prices, strict=True)])  # noqa: FBT003


class Codes:
    """Translates a record's codes and remembers which ones the crosswalk does not know."""

    __slots__ = ("_crosswalk", "_unmapped")

    def __init__(self, crosswalk: Crosswalk | None) -> None:
        """Without a crosswalk codes pass through and nothing counts as unmapped."""
        self._crosswalk = crosswalk
        self._unmapped: dict[UnmappedCode, None] = {}

    def ours(self, kind: CodeKind, code: str | None) -> str | None:
        """Return our code for the vendor's, or None."""
        if self._crosswalk is None or code is None:
            return None
        ours = self._crosswalk.ours(kind, code)
        if ours is None:
            self._unmapped[UnmappedCode(kind, code)] = None
        return ours

    @property
    def unmapped(self) -> tuple[UnmappedCode, ...]:
        """List the unknown codes once each, in the order they were met."""
        return tuple(self._unmapped)
