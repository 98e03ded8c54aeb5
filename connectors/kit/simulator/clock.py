"""The simulated clock: real time moved by an offset that tests set."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def stamp(instant: datetime) -> str:
    """Write an instant as RFC 3339 with `Z`, cut to whole seconds."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class SimulatedClock:
    """Runs at the speed of real time, from wherever it was put."""

    def __init__(self, now: datetime | None = None) -> None:
        """Start at the given instant, or at the real one."""
        self._offset = timedelta()
        if now is not None:
            self.put(now)

    def now(self) -> datetime:
        """Return the simulated instant in UTC."""
        return datetime.now(UTC) + self._offset

    def advance(self, seconds: float) -> None:
        """Move the clock; a negative number steps back."""
        self._offset += timedelta(seconds=seconds)

    def put(self, instant: datetime) -> None:
        """Set the clock; raises ValueError for an instant without a zone."""
        if instant.tzinfo is None:
            message = f"instant without a zone: {instant.isoformat()}"
            raise ValueError(message)
        self._offset = instant.astimezone(UTC) - datetime.now(UTC)
