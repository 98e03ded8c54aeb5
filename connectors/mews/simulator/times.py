"""Time in a property: local dates and UTC instants, and durations written out in full (vendors/mews.md 4 and 8)."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from connectors.kit.simulator.clock import stamp

CHECK_IN, CHECK_OUT = time(15), time(11)
"""Planned times of day: the service's StartOffset and EndOffset."""


def duration(days: int = 0, hours: int = 0) -> str:
    """Write a duration as the vendor does; parts may be negative."""
    return f"P0M{days}DT{hours}H0M0S"


def instant(day: date, at: time, zone: str) -> str:
    """Return the UTC instant of a local time of day."""
    return stamp(datetime.combine(day, at, ZoneInfo(zone)))


def midnight(day: date, zone: str) -> str:
    """Return the UTC instant at which a local date, and with it a time unit, begins."""
    return instant(day, time(), zone)


def local_date(value: object, zone: str) -> date | None:
    """Return the local date of an instant; None for what is no instant."""
    found = read_instant(value)
    return None if found is None else found.astimezone(ZoneInfo(zone)).date()


def read_instant(value: object) -> datetime | None:
    """Read an ISO 8601 instant with its zone; None for anything else."""
    try:
        found = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return None if found is None or found.tzinfo is None else found.astimezone(UTC)


def days_between(first: date, last: date) -> list[date]:
    """Return the dates from the first up to, but without, the last."""
    return [first + timedelta(days=step) for step in range((last - first).days)]
