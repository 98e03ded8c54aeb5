"""Time as an injected port: instants are UTC, intervals come from a monotonic reading."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Where the time comes from; tests and the simulators bring their own."""

    def now(self) -> datetime:
        """Return the current instant in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never step back."""
        ...


def rfc3339(instant: datetime) -> str:
    """Write an instant as RFC 3339 with `Z`, whole seconds unless there are microseconds."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_instant(text: str) -> datetime:
    """Read an RFC 3339 instant; a text without a zone is refused with ValueError."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        message = f"instant without a zone: {text!r}"
        raise ValueError(message)
    return instant.astimezone(UTC)


def seconds_outside(told: datetime, asked_at: datetime, answered_at: datetime) -> float:
    """Return by how many seconds another clock's word lies outside question and answer, 0 for one that fits.

    Headers tell whole seconds, so up to one second before the question fits as well.
    """
    early, late = asked_at - timedelta(seconds=1) - told, told - answered_at
    return max(early.total_seconds(), late.total_seconds(), 0.0)
