"""Instants as the property's wall clock and back: filters and most times carry no zone (vendors/cloudbeds.md 8)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, tzinfo

from pms_sync.ports.connector import Window

_SECOND, _TICK = timedelta(seconds=1), timedelta(microseconds=1)
_LONGEST_REPEAT = timedelta(hours=3)  # clocks are set back by an hour, by half of one, and once by two


def wall_range(window: Window, zone: tzinfo) -> tuple[str, str]:
    """Write `[start, end)` as two wall times between which every instant of the window is shown.

    One second wider on both sides, since nobody says whether the borders are inclusive (9), and by as much as the
    clocks are set back nearby: an instant just after the repeated hour shows an earlier time than one inside it.
    """
    start, end = window.start.astimezone(UTC), window.end.astimezone(UTC)
    first = _naive(start, zone) - _set_back(start, start + _LONGEST_REPEAT, zone) - _SECOND
    last = _naive(end, zone) + _set_back(end - _LONGEST_REPEAT, end, zone) + _SECOND
    return wall(first), wall(last)


def _naive(moment: datetime, zone: tzinfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


def _set_back(before: datetime, after: datetime, zone: tzinfo) -> timedelta:
    """Return by how much the clocks are set back between two instants; nothing when they are set forward."""
    shown = _naive(after, zone) - _naive(before, zone)
    return max((after - before) - shown, timedelta())


def wall(moment: datetime) -> str:
    """Write the one form of a date-time (3): a space, no zone."""
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def days(window: Window) -> tuple[date, date]:
    """Return the first and the last date of `[start, end)`."""
    return window.start.astimezone(UTC).date(), (window.end.astimezone(UTC) - _TICK).date()


def midnight(moment: datetime) -> datetime:
    """Return the beginning of the UTC day, which is how windows of dates are written."""
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def utc(value: object) -> datetime | None:
    """Read a time that is told as UTC, with or without a zone; None when it is none."""
    moment = _read(value)
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else _at_utc(moment)


def local(value: object, zone: tzinfo) -> datetime | None:
    """Read a local time as UTC, the earlier of two readings: a cursor made of it never runs ahead."""
    moment = _read(value)
    if moment is None:
        return None
    return _at_utc(moment.replace(tzinfo=zone) if moment.tzinfo is None else moment)


def _read(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) and len(value) > len("2026-01-01") else None
    except ValueError:
        return None


def _at_utc(moment: datetime) -> datetime | None:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return None


def version(moment: datetime | None) -> str:
    """Write a version that sorts as text; empty when there is no time."""
    return "" if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")
