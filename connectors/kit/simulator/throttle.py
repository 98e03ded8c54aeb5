"""A limit of calls within the last seconds: a window that slides with the simulated clock."""

from __future__ import annotations

from collections import defaultdict, deque
from datetime import datetime, timedelta

from connectors.kit.simulator.clock import SimulatedClock


class SlidingWindow:
    """So many calls per key within a stretch of time; a call that is turned away is not counted."""

    def __init__(self, clock: SimulatedClock, limit: int, seconds: float) -> None:
        """Begin with an empty window for every key."""
        self._clock, self._limit, self._length = clock, limit, timedelta(seconds=seconds)
        self._taken: defaultdict[str, deque[datetime]] = defaultdict(deque)

    def take(self, key: str) -> float:
        """Count one call and return 0, or return the seconds until the next one is let in."""
        now, taken = self._clock.now(), self._taken[key]
        while taken and not now - self._length < taken[0] <= now:  # a clock put back makes the past come
            taken.popleft()
        if len(taken) >= self._limit:
            return (taken[0] + self._length - now).total_seconds()
        taken.append(now)
        return 0.0
