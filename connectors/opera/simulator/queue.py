"""The business-event queues: one per external system, handed out once and never again (vendors/opera.md 8.3)."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from connectors.kit.simulator.clock import SimulatedClock
from connectors.kit.simulator.contract import Row
from connectors.kit.simulator.faults import FaultPlan

_BEHIND_NEWER = 0.5


@dataclass(order=True)
class _Waiting:
    due: datetime
    number: int
    hotel: str = field(compare=False)
    event: Row = field(compare=False)


class EventQueues:
    """Queues that forget what was fetched; the planned faults of webhooks strike events on their way in."""

    def __init__(self, clock: SimulatedClock, faults: FaultPlan, systems: Sequence[str]) -> None:
        """Begin with an empty queue for each external system."""
        self._clock, self._faults = clock, faults
        self._queues: dict[str, list[_Waiting]] = {system: [] for system in systems}
        self._dice = random.Random(0)  # noqa: S311 - repeatable on purpose
        self._number = 0

    def offer(self, hotel: str, event: Row, delay: float) -> None:
        """Put an event into every queue, `delay` seconds of the simulated clock from now."""
        for system in self._queues:
            for late in self._arrivals(system, hotel):
                self._number += 1
                due = self._clock.now() + timedelta(seconds=delay + late)
                self._queues[system].append(_Waiting(due, self._number, hotel, event))

    def dequeue(self, system: str, hotel: str | None, limit: int, *, shuffled: bool) -> list[Row]:
        """Take out and return up to `limit` events that are due; an unknown system has nothing, for ever."""
        now, queue = self._clock.now(), self._queues.get(system, [])
        due = sorted(one for one in queue if one.due <= now and hotel in {None, one.hotel})[:limit]
        taken = {one.number for one in due}
        if system in self._queues:
            self._queues[system] = [one for one in queue if one.number not in taken]
        events = [one.event for one in due]
        if shuffled:
            self._dice.shuffle(events)
        return events

    def waiting(self, system: str) -> int:
        """Return how many events a queue holds, due or not."""
        return len(self._queues.get(system, ()))

    def _arrivals(self, system: str, hotel: str) -> Iterable[float]:
        """Return the additional seconds until each copy of an event is due; none for one that is lost."""
        below = f"/int/v1/externalSystem/{system}"
        paths = (f"{below}/businessEvents", f"{below}/hotels/{hotel}/businessEvents")

        def struck(kind: str, usual: float) -> list[float]:
            faults = self._faults.strike((kind,), "GET", paths)
            return [usual if fault.seconds is None else fault.seconds for fault in faults]

        if struck("webhook_drop", 0):
            return []
        late = sum(struck("webhook_delay", 1.0)) + sum(struck("webhook_reorder", _BEHIND_NEWER))
        return [late] * (1 + len(struck("webhook_duplicate", 0)))
