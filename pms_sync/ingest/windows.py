"""Windows: the pure arithmetic of what is read next, so that `[a, b)` tiles leave no gap, whatever the clocks do.

Everything is UTC inside: arithmetic on a zone's wall clock would lose or repeat an hour when the clocks change.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

# How far our clock and a vendor's may disagree before a position counts as wrong. A window that reaches "now" asks this
# much further where a connector must name an end, so that a vendor whose clock runs ahead hides nothing; that end is
# never taken as the new position.
CLOCK_DOUBT = timedelta(minutes=15)
_SMALLEST_SPAN = 5 * CLOCK_DOUBT

# Wide enough for any booking a hotel takes; tiles adapt, so that years without bookings cost next to nothing.
YEARS_BACK, YEARS_AHEAD = 5, 15
_MONTHS = 12
DAY = timedelta(days=1)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """The next delta window; `open_ended` says that it reaches the present, where rows still arrive."""

    start: datetime
    end: datetime
    open_ended: bool


def utc(instant: datetime) -> datetime:
    """Return the instant in UTC; raises ValueError when it has no zone."""
    if instant.tzinfo is None:
        message = f"an instant without a zone: {instant.isoformat()}"
        raise ValueError(message)
    return instant.astimezone(UTC)


def next_delta(position: datetime, now: datetime, overlap: timedelta, max_window: timedelta | None) -> Plan:
    """Return the window to read from `position`: reaching back by `overlap`, never longer than `max_window`.

    A long outage becomes a chain of windows (CUR-13): all but the last end at least CLOCK_DOUBT before now. A
    `max_window` of less than 75 minutes counts as 75, and at most half of a window is overlap, so that each gains.
    """
    position, now = utc(position), utc(now)
    if max_window is None:
        return Plan(start=position - overlap, end=max(now, position) + CLOCK_DOUBT, open_ended=True)
    span = max(max_window, _SMALLEST_SPAN)
    start = position - min(overlap, span / 2)
    horizon = now + CLOCK_DOUBT
    if start + span > horizon:
        return Plan(start=start, end=max(horizon, position), open_ended=True)
    return Plan(start=start, end=min(start + span, now - CLOCK_DOUBT), open_ended=False)


def is_closed(start: datetime, end: datetime, max_window: timedelta | None) -> bool:
    """Tell of a remembered window whether it was one of a chain; an unsure answer is False, which only costs reads."""
    return max_window is not None and end - start == max(max_window, _SMALLEST_SPAN)


def advance(position: datetime, end: datetime, *, high_water: datetime | None, closed: bool, records: int) -> datetime:
    """Return the position after a window was read to its end; it never decreases (I5).

    In a closed window everything before its end was listed, so the end is the position. One that reaches the present
    trusts only the newest vendor time it saw, capped by our clock when the window was planned (CUR-07); an empty one
    moves nothing (CUR-06). A vendor that tells no times is believed up to CLOCK_DOUBT before that.
    """
    planned_at = utc(end) - CLOCK_DOUBT
    if closed:
        return max(position, end)
    if high_water is not None:
        return max(position, min(utc(high_water), planned_at))
    return max(position, planned_at - CLOCK_DOUBT) if records else position


def is_future(position: datetime, now: datetime) -> bool:
    """Tell whether a position lies further ahead than clocks can disagree (CUR-09)."""
    return utc(position) > utc(now) + CLOCK_DOUBT


def snapshot_range(now: datetime) -> tuple[datetime, datetime]:
    """Return the default range of a snapshot: whole months, from five years back to fifteen ahead."""
    today = utc(now)
    start = datetime(today.year - YEARS_BACK, today.month, 1, tzinfo=UTC)
    return start, _months_later(datetime(today.year + YEARS_AHEAD, today.month, 1, tzinfo=UTC), 1)


def sweep_range(now: datetime, back: timedelta | None, ahead: timedelta | None) -> tuple[datetime, datetime]:
    """Return the range of a repeated listing: a snapshot's, cut to whole days around the present where these say so."""
    first, last = snapshot_range(now)
    start = first if back is None else max(first, midnight(utc(now) - back))
    return start, last if ahead is None else min(last, midnight(utc(now) + ahead) + DAY)


def recent_days(since: datetime | None, now: datetime) -> tuple[datetime, datetime]:
    """Return whole days from two before `since` (now, when never) to two behind today.

    A hotel's day may be a calendar day away from UTC's, and its business date one more behind.
    """
    first, today = (midnight(utc(one)) for one in (since or now, now))
    return min(first, today) - 2 * DAY, today + 2 * DAY


def midnight(instant: datetime) -> datetime:
    """Return the beginning of an instant's UTC day."""
    return datetime(instant.year, instant.month, instant.day, tzinfo=UTC)


def tile_end(start: datetime, range_to: datetime, *limits: timedelta | None) -> datetime:
    """Return where the tile that begins at `start` ends: a full limit (the shortest), or the range.

    A limit shorter than a day counts as a day. Raises ValueError when the range is already over.
    """
    start, range_to = utc(start), utc(range_to)
    if start >= range_to:
        message = f"no tile begins at {start.isoformat()}: the range ends at {range_to.isoformat()}"
        raise ValueError(message)
    return min([range_to, *(start + max(limit, DAY) for limit in limits if limit is not None)])


def quarter_of(span: timedelta) -> timedelta:
    """Return a quarter of a tile's span in whole days, at least one."""
    return max(DAY, timedelta(days=span.days // 4))


def _months_later(first: datetime, months: int) -> datetime:
    count = first.year * _MONTHS + first.month - 1 + months
    return datetime(count // _MONTHS, count % _MONTHS + 1, 1, tzinfo=UTC)
