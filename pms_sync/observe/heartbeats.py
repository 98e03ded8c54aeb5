"""Proof of life of the loops: each stamps, and a stamp older than its limit turns /healthz red."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypedDict


class LoopReport(TypedDict):
    """One loop on /healthz; seconds."""

    age_s: float
    limit_s: float


class HealthReport(TypedDict):
    """The body of /healthz."""

    status: Literal["ok", "stale"]
    loops: dict[str, LoopReport]


class Heartbeats:
    """Keeps the last stamp of every registered loop; `clock` returns seconds that never step back."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Begin with no loops, which is healthy."""
        self._clock = clock
        self._limits: dict[str, float] = {}
        self._stamps: dict[str, float] = {}

    def register(self, name: str, limit_s: float) -> None:
        """Expect a stamp of this loop at least every `limit_s` seconds, the first one from now on."""
        if not limit_s > 0:
            message = f"loop {name!r}: a limit of {limit_s!r} seconds can never be met; give a positive number"
            raise ValueError(message)
        self._limits[name] = limit_s
        self._stamps[name] = self._clock()

    def beat(self, name: str) -> None:
        """Stamp a loop; a name that was not registered raises KeyError, because nobody would watch it."""
        if name not in self._limits:
            raise KeyError(name)
        self._stamps[name] = self._clock()

    def forget(self, name: str) -> None:
        """Stop watching a loop that ended on purpose; may be called twice."""
        self._limits.pop(name, None)
        self._stamps.pop(name, None)

    def report(self) -> HealthReport:
        """Return every loop's age and limit; stale as soon as one age exceeds its limit."""
        now = self._clock()
        loops: dict[str, LoopReport] = {
            name: {"age_s": round(max(now - self._stamps[name], 0.0), 3), "limit_s": limit}
            for name, limit in sorted(self._limits.items())
        }
        stale = any(loop["age_s"] > loop["limit_s"] for loop in loops.values())
        return {"status": "stale" if stale else "ok", "loops": loops}
