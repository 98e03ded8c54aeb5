"""Nights: the stays of a reservation drawn as bars over their days, for the eye; the table has the same facts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import msgspec

from pms_sync.store.explain import Row

# Longer ranges would be hairlines.
_MOST_DAYS = 62
_DAY_WIDTH, _BAR_HEIGHT, _ROW_HEIGHT, _TOP = 40, 20, 28, 40
_DAY_USE_SHARE = 0.4


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One stay in drawing units; guests come in the afternoon, so a night begins in the middle of its day.

    `look` is the stay's status, or `refused` where another stay has its room.
    """

    label: str
    look: str
    x: float
    y: int
    width: float
    height: int = _BAR_HEIGHT


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """The drawing: its size, one tick per day (x, day of the month, month where it begins), and the bars."""

    width: int
    height: int
    ticks: Sequence[tuple[int, int, str]]
    bars: Sequence[Bar]


def chart(stays: Sequence[Row]) -> Chart | None:
    """Draw the stays; None when there is none, or when they reach over more than two months."""
    if not stays:
        return None
    first = min(stay["arrival"] for stay in stays)
    days = (max(stay["departure"] for stay in stays) - first).days + 1
    if days > _MOST_DAYS:
        return None
    return Chart(
        width=days * _DAY_WIDTH,
        height=_TOP + len(stays) * _ROW_HEIGHT,
        ticks=list(_ticks(first, days)),
        bars=[_bar(stay, index, first) for index, stay in enumerate(stays)],
    )


def _ticks(first: date, days: int) -> Iterator[tuple[int, int, str]]:
    for offset in range(days):
        day = first + timedelta(days=offset)
        begins = offset == 0 or day.day == 1
        yield offset * _DAY_WIDTH, day.day, f"{day:%b %Y}" if begins else ""


def _bar(stay: Row, index: int, first: date) -> Bar:
    offset, nights = (stay["arrival"] - first).days, (stay["departure"] - stay["arrival"]).days
    return Bar(
        label=stay["room"] or stay["room_type"] or stay["room_ref"] or stay["room_type_ref"] or "no room",
        look="refused" if stay["claim_state"] == "refused" else stay["status"],
        x=(offset + 0.5) * _DAY_WIDTH,
        y=_TOP + index * _ROW_HEIGHT + (_ROW_HEIGHT - _BAR_HEIGHT) // 2,
        width=(nights or _DAY_USE_SHARE) * _DAY_WIDTH,
    )
