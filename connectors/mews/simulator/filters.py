"""The filters of read operations: what a request may send, and the test that a row must pass (mews.md 4, 5, 10).

Every filter refuses a bad value with 400 and names the parameter; `null` is the same as left out.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from connectors.kit.simulator.clock import stamp
from connectors.kit.simulator.contract import Row
from connectors.mews.simulator.refusals import VendorRefusal, invalid
from connectors.mews.simulator.times import read_instant

Test = Callable[[Row], bool]

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_MONTHS = 12
_LAST_YEAR = 9000


@dataclass(frozen=True)
class Longest:
    """The longest interval an operation takes, and how the vendor spells it in its message."""

    text: str
    months: int = 0
    days: int = 0

    def refuse_beyond(self, start: datetime, end: datetime) -> None:
        """Raise VendorRefusal when the interval is longer."""
        months = start.month - 1 + self.months
        year, month = start.year + months // _MONTHS, months % _MONTHS + 1
        day = min(start.day, monthrange(year, month)[1])
        if end > start.replace(year=year, month=month, day=day) + timedelta(days=self.days):
            raise VendorRefusal(400, f"The interval must not exceed {self.text}.")


THREE_MONTHS = Longest("3M1D", months=3, days=1)


@dataclass(frozen=True)
class Interval:
    """A half-open stretch of time as it was asked for."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        """Return how long it is."""
        return self.end - self.start


@dataclass(frozen=True)
class Filter:
    """One filter: its kind, the columns it looks at, how many values it takes, and the words it knows."""

    kind: str
    columns: tuple[str, ...]
    most: int = 1000
    words: Collection[str] = ()

    def read(self, name: str, value: object) -> object:
        """Return the value understood; raises VendorRefusal."""
        return _READERS[self.kind](self, name, value)

    def test(self, value: object) -> Test:
        """Return the test for a value that `read` understood."""
        return _TESTS[self.kind](self, value)


def ids(column: str, most: int = 1000) -> Filter:
    """Filter by identifiers."""
    return Filter("ids", (column,), most)


def texts(column: str, most: int = 1000) -> Filter:
    """Filter by texts."""
    return Filter("texts", (column,), most)


def words(column: str, *allowed: str) -> Filter:
    """Filter by words of an enumeration."""
    return Filter("words", (column,), words=allowed)


def word(column: str, *allowed: str) -> Filter:
    """Filter by one word of an enumeration."""
    return Filter("word", (column,), words=allowed)


def within(column: str) -> Filter:
    """Filter by an instant: start <= x < end, or equality where both ends agree."""
    return Filter("within", (column,))


def crossing(first: str, last: str) -> Filter:
    """Filter by a stretch of time that shares a moment with the interval."""
    return Filter("crossing", (first, last))


def _list(rule: Filter, name: str, value: object) -> list[str]:
    if (
        not isinstance(value, list)
        or not 1 <= len(value) <= rule.most
        or not all(isinstance(one, str) for one in value)
    ):
        raise invalid(name)  # an empty list is invalid too
    return value


def _read_ids(rule: Filter, name: str, value: object) -> frozenset[str]:
    found = _list(rule, name, value)
    if not all(_UUID.match(one) for one in found):
        raise invalid(name)
    return frozenset(one.lower() for one in found)


def _read_texts(rule: Filter, name: str, value: object) -> frozenset[str]:
    return frozenset(_list(rule, name, value))


def _read_words(rule: Filter, name: str, value: object) -> frozenset[str]:
    found = frozenset(_list(rule, name, value))
    if not found <= frozenset(rule.words):
        raise invalid(name)
    return found


def _read_word(rule: Filter, name: str, value: object) -> frozenset[str]:
    return _read_words(rule, name, [value])


def _read_interval(_rule: Filter, name: str, value: object) -> Interval:
    """Read an interval; both ends are required (mews.md 4)."""
    ends = value if isinstance(value, dict) else {}
    start, end = read_instant(ends.get("StartUtc")), read_instant(ends.get("EndUtc"))
    if start is None or end is None or start > end or end.year > _LAST_YEAR:
        raise invalid(name)
    THREE_MONTHS.refuse_beyond(start, end)
    return Interval(start, end)


def _up(instant: datetime) -> str:
    """Round up to whole seconds: the clock of the rows."""
    return stamp(instant + timedelta(microseconds=999_999))


def _among(rule: Filter, value: object) -> Test:
    column, wanted = rule.columns[0], value
    return lambda row: isinstance(row.get(column), str) and row[column] in wanted  # type: ignore[operator]


def _within(rule: Filter, value: object) -> Test:
    column, interval = rule.columns[0], value
    assert isinstance(interval, Interval)  # noqa: S101 - `read` made it
    low, high = _up(interval.start), _up(interval.end)
    if interval.start == interval.end:
        whole = stamp(interval.start) == low
        return lambda row: whole and row.get(column) == low
    return lambda row: isinstance(row.get(column), str) and low <= row[column] < high


def _crossing(rule: Filter, value: object) -> Test:
    (first, last), interval = rule.columns, value
    assert isinstance(interval, Interval)  # noqa: S101 - `read` made it
    low, high = stamp(interval.start), _up(interval.end)

    def shares(row: Row) -> bool:
        begins, ends = row.get(first), row.get(last)
        return isinstance(begins, str) and isinstance(ends, str) and begins < high and ends > low

    return shares


_READERS: Mapping[str, Callable[[Filter, str, object], object]] = MappingProxyType(
    {
        "ids": _read_ids,
        "texts": _read_texts,
        "words": _read_words,
        "word": _read_word,
        "within": _read_interval,
        "crossing": _read_interval,
    }
)
_TESTS: Mapping[str, Callable[[Filter, object], Test]] = MappingProxyType(
    {**dict.fromkeys(("ids", "texts", "words", "word"), _among), "within": _within, "crossing": _crossing}
)
