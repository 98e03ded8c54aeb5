"""Tape: a room sold twice, drawn with its neighbours, rooms down and nights across; pure.

Guests come in the afternoon, so a night begins in the middle of its day. The sentence beside the drawing says the same
for those who do not see it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from pms_sync.domain.status import TAKES_NO_ROOM
from pms_sync.store.case_bookings import Booking
from pms_sync.store.case_desk import CaseHead
from pms_sync.store.case_rooms import Holder, RoomLine

Row = Mapping[str, Any]

_BEFORE, _AFTER = 5, 14  # days shown at most on both sides of the night
_AROUND = 3
_MOST_ROOMS = 8
_WIDTH, _NARROWEST, _WIDEST = 1040, 52, 110
_LANE, _BAR, _TOP, _GUTTER, _GAP = 26, 20, 44, 82, 6
_LETTER = 7.2
_DAY_USE_SHARE = 0.4


class Place(NamedTuple):
    """Where a collision is: a room, a night, the days to be drawn (first, last), and those of the stays as a whole."""

    room: str
    night: date
    days: tuple[date, date]
    whole: tuple[date, date]


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """One stay or block in drawing units; `look` is held, refused, other or block, `title` its whole text."""

    label: str
    title: str
    look: str
    x: float
    y: float
    width: float
    height: int = _BAR


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One room: its code, and whether the refused stay would fit into it as a whole."""

    code: str
    y: float
    height: float
    free: bool
    contested: bool


class Tape(msgspec.Struct, frozen=True, kw_only=True):
    """The drawing; `free` are the codes of all rooms that the refused stay fits into, `more` rooms are not drawn."""

    width: int
    height: int
    gutter: int
    ticks: Sequence[tuple[float, str, int, str]]
    band: tuple[float, float]
    lines: Sequence[Line]
    bars: Sequence[Bar]
    says: str
    free: Sequence[str]
    more: int


def place_of(case: CaseHead, stays: Sequence[Row]) -> Place | None:
    """Say what is to be drawn of a case; None where it is about no room of one night."""
    rows = {row["path"]: row["here"] for row in case.fields}
    if case.kind != "room_double_booked" or not {"room", "date"} <= rows.keys():
        return None
    try:
        night = date.fromisoformat(str(rows["date"]))
    except ValueError:
        return None
    room = str(rows["room"])
    theirs = _parties(stays, room, night)
    first = min((stay["arrival"] for stay in theirs), default=night) - timedelta(days=_AROUND)
    last = max((stay["departure"] for stay in theirs), default=night) + timedelta(days=_AROUND)
    days = max(first, night - timedelta(days=_BEFORE)), min(last, night + timedelta(days=_AFTER))
    return Place(room, night, days, (first, last))


class _Scale(NamedTuple):
    """From days to drawing units; `day` is the width of one."""

    first: date
    last: date
    day: float

    @classmethod
    def of(cls, days: tuple[date, date]) -> _Scale:
        """Fit the days into the usual width of a page."""
        number = (days[1] - days[0]).days + 1
        return cls(*days, min(max((_WIDTH - _GUTTER) / number, _NARROWEST), _WIDEST))

    @property
    def end(self) -> float:
        """Return where the last day ends."""
        return _GUTTER + ((self.last - self.first).days + 1) * self.day

    def noon(self, day: date) -> float:
        """Return the middle of a day, where guests change."""
        return _GUTTER + ((day - self.first).days + 0.5) * self.day


def draw(place: Place, rooms: Sequence[RoomLine], stays: Sequence[Row], bookings: Mapping[UUID, Booking]) -> Tape:
    """Draw the contested room first, then rooms that are free for the refused stay, then the others."""
    parties = [_as_holder(stay, bookings) for stay in _parties(stays, place.room, place.night)]
    refused = {stay["stay_id"] for stay in stays if stay["claim_state"] == "refused"}
    wanted = next((one for one in parties if one.holder_id in refused), None)
    free = [room.code for room in rooms if room.code != place.room and wanted is not None and _fits(wanted, room)]
    chosen = sorted(rooms, key=lambda room: (room.code != place.room, room.code not in free))[:_MOST_ROOMS]
    looks = {one.holder_id: "refused" if one.holder_id in refused else "held" for one in parties}
    scale = _Scale.of(place.days)
    lines: list[Line] = []
    bars: list[Bar] = []
    y = float(_TOP)
    for room in chosen:
        contested = room.code == place.room
        seen = [one for one in room.holders if one.arrival <= scale.last and scale.first <= one.departure]
        lanes = _lanes(_merged(seen, parties) if contested else seen)
        height = len(lanes) * _LANE + _GAP
        lines.append(Line(code=room.code, y=y, height=height, free=room.code in free, contested=contested))
        for index, lane in enumerate(lanes):
            bars += [_bar(one, looks, scale, y + _GAP + index * _LANE) for one in lane]
        y += height
    return Tape(
        width=round(scale.end),
        height=round(y + 2),
        gutter=_GUTTER,
        ticks=list(_ticks(scale)),
        band=(round(scale.noon(place.night), 1), round(scale.day, 1)),
        lines=lines,
        bars=bars,
        says=_says(place, parties, refused, free),
        free=free,
        more=len(rooms) - len(chosen),
    )


def _parties(stays: Iterable[Row], room: str, night: date) -> list[Row]:
    """Return the stays that have or want the room on that night, or a day of it."""
    return [
        stay
        for stay in stays
        if room in {stay["room"], stay["room_ref"]}
        and stay["arrival"] <= night <= max(stay["arrival"], stay["departure"] - timedelta(days=1))
        and stay["status"] not in TAKES_NO_ROOM
    ]


def _as_holder(stay: Row, bookings: Mapping[UUID, Booking]) -> Holder:
    booking = bookings.get(stay["reservation_id"])
    return Holder(
        holder_id=stay["stay_id"],
        reservation_id=stay["reservation_id"],
        arrival=stay["arrival"],
        departure=stay["departure"],
        status=stay["status"],
        vendor_ref=stay["vendor_ref"],
        guest=booking.guest if booking else None,
    )


def _merged(held: Sequence[Holder], parties: Sequence[Holder]) -> list[Holder]:
    known = {one.holder_id: one for one in (*held, *parties)}
    return list(known.values())


def _fits(wanted: Holder, room: RoomLine) -> bool:
    return not any(one.arrival < wanted.departure and wanted.arrival < one.departure for one in room.holders)


def _lanes(holders: Sequence[Holder]) -> list[list[Holder]]:
    """Lay what overlaps into lanes of its own; a room always has one."""
    lanes: list[list[Holder]] = [[]]
    for one in sorted(holders, key=lambda held: (held.arrival, held.departure)):
        fitting = next((lane for lane in lanes if not lane or _ends(lane[-1]) <= one.arrival), None)
        if fitting is None:
            lanes.append([one])
        else:
            fitting.append(one)
    return lanes


def _ends(one: Holder) -> date:
    return max(one.departure, one.arrival + timedelta(days=1))


def _bar(one: Holder, looks: Mapping[UUID, str], scale: _Scale, y: float) -> Bar:
    """Draw a stay, cut where the drawing ends."""
    nights = (one.departure - one.arrival).days or _DAY_USE_SHARE
    begins = scale.noon(one.arrival)
    left, right = max(begins, float(_GUTTER)), min(begins + nights * scale.day, scale.end)
    name = one.status.replace("_", " ") if one.is_block else one.guest or one.vendor_ref or "a stay"
    return Bar(
        label=_fitted(name, int((right - left - 12) / _LETTER)),
        title=f"{name}, {_day(one.arrival)} to {_day(one.departure)} {one.departure.year}",
        look="block" if one.is_block else looks.get(one.holder_id, "other"),
        x=round(left, 1),
        y=y,
        width=round(max(4.0, right - left), 1),
    )


def _fitted(name: str, letters: int) -> str:
    """Cut a name to so many letters; its whole stands in the bar's title."""
    if len(name) <= letters:
        return name
    return f"{name[: letters - 1]}…" if letters > 1 else ""


def _ticks(scale: _Scale) -> Iterator[tuple[float, str, int, str]]:
    for offset in range((scale.last - scale.first).days + 1):
        day = scale.first + timedelta(days=offset)
        begins = offset == 0 or day.day == 1
        yield round(_GUTTER + offset * scale.day, 1), f"{day:%a}", day.day, f"{day:%b %Y}" if begins else ""


def _says(place: Place, parties: Sequence[Holder], refused: set[UUID], free: Sequence[str]) -> str:
    """Say what is drawn in one sentence."""
    told = [
        f"{one.guest or one.vendor_ref or 'a stay'} {'wants' if one.holder_id in refused else 'has'} it from "
        f"{_day(one.arrival)} to {_day(one.departure)}"
        for one in parties
    ]
    rooms = f"free for the whole of it: {', '.join(free)}" if free else "no other room of the type is free for it"
    return f"Room {place.room} on the night of {_day(place.night)}: {'; '.join(told)}; {rooms}."


def _day(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b}"
