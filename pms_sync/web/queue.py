"""The queue as a page: what is asked for in its address, the chips that change it, and each case in one line; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from urllib.parse import urlencode

import msgspec

from conflict.cases import is_choosable
from pms_sync.store.case_counts import Count
from pms_sync.store.case_desk import STATES, CaseHead, Filters
from pms_sync.web import case_words
from pms_sync.web.case_words import Told

SEVERITIES = {1: "urgent", 2: "high", 3: "normal", 4: "low"}
TONES = {1: "bad", 2: "warn", 3: "wait", 4: "off"}
ALL = "all"
_NAMES = ("property", "vendor", "kind", "severity", "overdue", "state", "q")


class Chip(msgspec.Struct, frozen=True):
    """One filter to press: what it says, where it leads, whether it is on, and how many cases it has."""

    label: str
    href: str
    on: bool
    number: int | None = None


class Chips(msgspec.Struct, frozen=True):
    """The chips of one question."""

    title: str
    chips: Sequence[Chip]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One case in a line; ages in seconds."""

    case: CaseHead
    told: Told
    tone: str
    grade: str
    when: str | None
    age_s: float
    late_s: float | None
    suggestion: str
    dates: Sequence[tuple[date, date]]


def filters_of(query: Mapping[str, str]) -> Filters:
    """Read what an address asks for; what makes no sense is as if it were not there."""
    severity, state = query.get("severity", ""), query.get("state", "open")
    return Filters(
        state=None if state == ALL else next((one for one in STATES if one == state), "open"),
        property_code=query.get("property") or None,
        vendor=query.get("vendor") or None,
        kind=query.get("kind") or None,
        severity=int(severity) if severity in {str(one) for one in SEVERITIES} else None,
        text=query.get("q") or None,
        overdue=query.get("overdue") == "1",
    )


def address(query: Mapping[str, str], **changes: str | None) -> str:
    """Write the address of the queue with some filters changed, from its beginning."""
    told = {name: query[name] for name in _NAMES if query.get(name)} | changes
    kept = {name: text for name, text in told.items() if text}
    return f"/?{urlencode(kept)}" if kept else "/"


def chips(query: Mapping[str, str], counts: Sequence[Count], vendors: Sequence[str]) -> list[Chips]:
    """Return the chips; a question with one answer is not asked, unless it is answered already."""
    asked = [
        Chips("How urgent", [*_severities(query, counts), *_overdue(query, counts)]),
        Chips("What", _counted(query, "kind", counts, lambda one: (one.kind, case_words.name_of(one.kind)))),
        Chips("Property", _counted(query, "property", counts, lambda one: (one.property_code, one.property_name))),
        Chips("Vendor", [_chip(query, "vendor", one, one) for one in vendors]),
        Chips("State", [_chip(query, "state", one, one) for one in (*STATES[1:], ALL)]),
    ]
    return [one for one in asked if len(one.chips) > 1 or any(chip.on for chip in one.chips)]


def _severities(query: Mapping[str, str], counts: Iterable[Count]) -> list[Chip]:
    found = _counted(query, "severity", counts, lambda one: (str(one.severity), SEVERITIES[one.severity]))
    return sorted(found, key=lambda chip: list(SEVERITIES.values()).index(chip.label))


def _overdue(query: Mapping[str, str], counts: Iterable[Count]) -> list[Chip]:
    late = sum(one.overdue for one in counts)
    return [_chip(query, "overdue", "overdue", "1", late)] if late or query.get("overdue") else []


def _counted(
    query: Mapping[str, str], name: str, counts: Iterable[Count], told: Callable[[Count], tuple[str, str]]
) -> list[Chip]:
    """Return a chip for each value there is, the most frequent first."""
    total: Counter[tuple[str, str]] = Counter()
    for one in counts:
        total[told(one)] += one.number
    return [_chip(query, name, label, value, number) for (value, label), number in total.most_common()]


def _chip(query: Mapping[str, str], name: str, label: str, value: str, number: int | None = None) -> Chip:
    """Press once to ask, once more to ask no longer."""
    on = query.get(name) == value
    return Chip(label, address(query, **{name: None if on else value}), on, number)


def rows(cases: Iterable[CaseHead], now: datetime) -> list[Row]:
    """Return the lines of the queue."""
    return [
        Row(
            case=case,
            told=case_words.told(case),
            tone=TONES[case.severity],
            grade=SEVERITIES[case.severity],
            when=case_words.when(case.soon, case.today),
            age_s=(now - case.opened_at).total_seconds(),
            late_s=None if case.due_at is None else (now - case.due_at).total_seconds(),
            suggestion=_suggestion(case),
            dates=list(
                dict.fromkeys((one.arrival, one.departure) for one in case.bookings if one.arrival and one.departure)
            ),
        )
        for case in cases
    ]


def _suggestion(case: CaseHead) -> str:
    """Say in a few words what the rules suggest."""
    sides = {row["suggested"] for row in case.fields if case.vendor and is_choosable(row["path"])}
    if not sides:
        return case_words.told(case).short
    if sides == {"here"}:
        return "keep ours"
    if sides == {"there"}:
        return f"take {case.vendor}'s"
    return "decide" if None in sides else "some of each"
