"""Who may call a vendor account next: one queue per priority over one budget of credits and calls in flight."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import IntEnum

from pms_sync.domain.errors import Disposition, VendorFault
from pms_sync.resilience.meter import Meter


class Priority(IntEnum):
    """What a call is for, most urgent first (ARCHITECTURE 7)."""

    PUSH = 0
    LIVE = 1
    POLL = 2
    RECONCILE = 3
    BACKFILL = 4


# Multiples of the declared reserve that a priority leaves untouched, so that an urgent call finds credits.
_KEEPS_BACK = {
    Priority.PUSH: 0.0,
    Priority.LIVE: 1 / 3,
    Priority.POLL: 1.0,
    Priority.RECONCILE: 1.5,
    Priority.BACKFILL: 2.0,
}
_MOST_KEPT = 0.5  # of all credits, or a large reserve would shut the least urgent out for good
_LONGEST_PAUSE_S = 3600.0  # vendors have sent milliseconds as seconds (BEYOND 78)
_SHORTEST_NAP_S = 0.001
_PLENTY = 0.4  # the share of credits above which nothing is spread
_LONGEST_GATHERING_S = 20.0


class BudgetFull(VendorFault):
    """Too many calls wait for this account already; the work stays in its lane."""


@dataclass(eq=False)
class Slot:
    """Leave to make one call; the vendor's meter is reported to it while it is held.

    A call may be several requests: what each of them cost adds up in `told`.
    """

    owner: Budget
    estimated: float
    actual: float
    sent: bool = True
    told: float = 0.0


@dataclass(eq=False)
class _Waiter:
    cost: float
    since: float
    granted: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


_held: ContextVar[tuple[Slot, ...]] = ContextVar("pms_sync_budget_slots", default=())  # one of each budget at most


class Budget:
    """Shares an account's credits and its `max_in_flight` between priorities, first come first served inside one.

    `credits` per `window_s` seconds are declared facts, corrected by `observe`. Less urgent calls leave multiples of
    `reserve` untouched; whoever got nothing for `patience_s` (a quarter of the window by default) goes next, as low as
    the one it overtakes, so none starves. `clock` is monotonic seconds; `sleep` must fit it.
    """

    def __init__(  # noqa: PLR0913  facts and injected ports, all by keyword
        self,
        *,
        credits: float,  # noqa: A002  the vendors' word
        window_s: float,
        max_in_flight: int = 1,
        reserve: float = 0.0,
        patience_s: float | None = None,
        max_waiters: int = 1000,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Start with a full budget and nobody waiting."""
        self._meter = Meter(float(credits), float(window_s), clock)
        self._reserve = float(reserve)
        self._max_in_flight, self._max_waiters = max(max_in_flight, 1), max_waiters
        self._patience_s = window_s / 4 if patience_s is None else patience_s
        self._clock, self._sleep = clock, sleep
        self._queues: dict[Priority, deque[_Waiter]] = {priority: deque() for priority in Priority}
        self._served = dict.fromkeys(Priority, -math.inf)
        self._backlog_since = dict.fromkeys(Priority, -math.inf)
        self._in_flight = 0
        self._paused_until = -math.inf
        self._alarm: asyncio.Task[None] | None = None
        self._alarm_at = math.inf

    @property
    def available(self) -> float:
        """Return the credits that may be spent now."""
        return self._meter.available()

    @property
    def waiting(self) -> int:
        """Return how many calls wait."""
        return sum(map(len, self._queues.values()))

    @property
    def paused_for(self) -> float:
        """Return for how many more seconds the account rests."""
        return max(self._paused_until - self._clock(), 0.0)

    def pace(self) -> float:
        """Return the seconds to gather work before the next call: none while half of the credits are left.

        Below that, calls are spread so that what is left lasts to the end of a window: a burst of webhooks then costs
        few, full calls instead of all credits and a long silence.
        """
        left = self._meter.available()
        if left >= self._meter.credits * _PLENTY:
            return 0.0
        return min(self._meter.window_s / max(left, 1.0), _LONGEST_GATHERING_S)

    def pause(self, seconds: float) -> None:
        """Let nobody call for this long (429, Retry-After); never shortens a running pause, at most one hour."""
        if seconds > 0:  # False for NaN too
            self._paused_until = max(self._paused_until, self._clock() + min(seconds, _LONGEST_PAUSE_S))

    def observe(
        self, remaining: float | None = None, resets_in: float | None = None, cost: float | None = None
    ) -> None:
        """Take the vendor's meter from an answer; called inside the slot that made the call."""
        slot = next((one for one in _held.get() if one.owner is self), None)
        if slot is not None and cost is not None and math.isfinite(cost) and cost >= 0:
            slot.told += cost
            slot.actual = slot.told
        if slot is not None and remaining is not None:
            # The answer's remainder already holds this call, so it must not be counted a second time.
            self._meter.finish(slot.estimated, slot.actual)
            slot.estimated = slot.actual = slot.told = 0.0
        self._meter.correct(remaining, resets_in)

    @asynccontextmanager
    async def slot(self, priority: Priority, estimated_cost: float = 1.0) -> AsyncIterator[Slot]:
        """Wait for leave to make one call and hold it; raises BudgetFull when too many wait already."""
        await self._enter(priority, estimated_cost)
        held = Slot(self, estimated_cost, estimated_cost)
        token = _held.set((*_held.get(), held))
        try:
            yield held
        finally:
            _held.reset(token)
            self._leave(held.estimated, held.actual if held.sent else 0.0)

    async def _enter(self, priority: Priority, cost: float) -> None:
        if self.waiting >= self._max_waiters:
            raise BudgetFull(
                f"{self._max_waiters} calls wait for this account already",
                remedy="the work stays queued and is tried again",
                disposition=Disposition.RETRY,
                retry_after=max(self.paused_for, self._patience_s),
                sent=False,
            )
        waiter = _Waiter(cost, self._clock())
        if not self._queues[priority]:
            self._backlog_since[priority] = waiter.since
        self._queues[priority].append(waiter)
        self._pump()
        try:
            await waiter.granted
        except asyncio.CancelledError:
            if waiter.granted.done() and not waiter.granted.cancelled():
                self._leave(cost, 0.0)
            else:
                self._pump()
            raise

    def _leave(self, estimated: float, actual: float) -> None:
        self._in_flight -= 1
        self._meter.finish(estimated, actual)
        self._pump()

    def _pump(self) -> None:
        self._forget_the_cancelled()
        while self._in_flight < self._max_in_flight and self.waiting:
            wait, priority = self._next()
            if wait > 0:
                self._set_alarm(wait)
                return
            waiter = self._queues[priority].popleft()
            self._served[priority] = self._clock()
            self._in_flight += 1
            self._meter.start(waiter.cost)
            waiter.granted.set_result(None)

    def _forget_the_cancelled(self) -> None:
        for queue in self._queues.values():
            if any(waiter.granted.done() for waiter in queue):
                kept = [waiter for waiter in queue if not waiter.granted.done()]
                queue.clear()
                queue.extend(kept)

    def _next(self) -> tuple[float, Priority]:
        """Return who goes next and in how many seconds."""
        heads = [(priority, queue[0]) for priority, queue in self._queues.items() if queue]
        urgent, head = heads[0]
        pause = self.paused_for
        choice = max(pause, self._meter.seconds_until(self._need(urgent, head.cost))), urgent
        # Who starves may go as low as the one it overtakes: those credits would not be kept back anyway.
        lowest = min(urgent, Priority.POLL)
        for priority, starving in heads[1:]:
            overtaken_since = max(self._served[priority], starving.since, self._backlog_since[urgent])
            due = overtaken_since + self._patience_s - self._clock()
            wait = max(pause, due, self._meter.seconds_until(self._need(lowest, starving.cost)))
            if due <= 0 and wait <= choice[0]:
                return wait, priority
            choice = min(choice, (wait, priority), key=lambda pair: pair[0])
        return self._patience_of_the_only_class(heads, choice)

    def _patience_of_the_only_class(
        self, heads: list[tuple[Priority, _Waiter]], choice: tuple[float, Priority]
    ) -> tuple[float, Priority]:
        """Let the most urgent class that waits also fall back to the plain reserve once it waited long enough."""
        priority, head = heads[0]
        due = max(self._served[priority], head.since) + self._patience_s - self._clock()
        wait = max(self.paused_for, due, self._meter.seconds_until(self._need(min(priority, Priority.POLL), head.cost)))
        return min(choice, (wait, priority), key=lambda pair: pair[0])

    def _need(self, priority: Priority, cost: float) -> float:
        """Return the credits that must be there, never more than a fresh window has."""
        kept = min(self._reserve * _KEEPS_BACK[priority], self._meter.credits * _MOST_KEPT)
        return min(cost + kept, self._meter.credits)

    def _set_alarm(self, seconds: float) -> None:
        at = self._clock() + max(seconds, _SHORTEST_NAP_S)
        if self._alarm is not None and not self._alarm.done():
            if self._alarm_at <= at:
                return
            self._alarm.cancel()
        self._alarm_at = at
        self._alarm = asyncio.get_running_loop().create_task(self._ring(at))

    async def _ring(self, at: float) -> None:
        await self._sleep(max(at - self._clock(), 0.0))
        self._alarm, self._alarm_at = None, math.inf
        self._pump()

    async def aclose(self) -> None:
        """Stop the alarm and refuse whoever waits; may be called twice."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        for queue in self._queues.values():
            while queue:
                queue.popleft().granted.cancel()
