"""Time in a property: naive local date-times as the vendor writes them, and instants (vendors/cloudbeds.md 3 and 8).

The hotel keeps instants in UTC as RFC 3339 text; only what goes on the wire is local. In the hour that the clocks
repeat two instants have one local text, and nothing on the wire tells them apart.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from connectors.kit.simulator.clock import stamp

CHECK_IN, CHECK_OUT = "15:00:00", "11:00:00"
_WIRE = "%Y-%m-%d %H:%M:%S"


@lru_cache(maxsize=16384)
def local(instant: str, zone: str) -> str:
    """Write an instant as the property's wall time, without a zone."""
    return datetime.fromisoformat(instant).astimezone(ZoneInfo(zone)).strftime(_WIRE)


@lru_cache(maxsize=16384)
def in_utc(instant: str) -> str:
    """Write an instant as the twin field in UTC, without a zone too."""
    return datetime.fromisoformat(instant).astimezone(UTC).strftime(_WIRE)


def from_local(text: str, zone: str) -> str | None:
    """Return the instant of a wall time, the earlier one where there are two; None for what is no date-time."""
    try:
        found = datetime.strptime(text, _WIRE).replace(tzinfo=ZoneInfo(zone))
    except ValueError:
        return None
    return stamp(found)


def today(now: datetime, zone: str) -> date:
    """Return the property's calendar date."""
    return now.astimezone(ZoneInfo(zone)).date()


def at(day: date, clock: time, zone: str) -> datetime:
    """Return the instant of a local time of day."""
    return datetime.combine(day, clock, ZoneInfo(zone)).astimezone(UTC)


def read_day(value: object) -> date | None:
    """Read a calendar date; None for anything else."""
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def nights(first: date, last: date) -> list[date]:
    """Return the dates from the first up to, but without, the last."""
    return [first + timedelta(days=step) for step in range((last - first).days)]
