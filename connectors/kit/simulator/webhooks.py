"""The webhook sender: one ordered queue per receiver, merging, bounded retries, and counts of what became of it."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

import aiohttp

if TYPE_CHECKING:
    from connectors.kit.simulator.faults import FaultPlan

Snapshot = Callable[[int], bytes | None]
"""Makes the body at the moment of sending from the number of earlier attempts; None = nothing to tell any more."""

_REORDER_SECONDS = 0.5
_MOST_REDIRECTS = 5


@dataclass
class Delivery:
    """One message to one receiver; deliveries of the same key that still wait are merged into one."""

    key: str
    url: str
    headers: dict[str, str]
    snapshot: Snapshot
    attempt: int = 0
    frozen: bytes | None = None

    @property
    def mergeable(self) -> bool:
        """Tell whether a later change may ride along."""
        return self.attempt == 0 and self.frozen is None


@dataclass(frozen=True)
class Habits:
    """How the vendor sends: seconds between attempts, answer time-out, what a retry carries, what counts as taken.

    `follows` are the redirect statuses after which the message is sent once more to where the receiver points.
    """

    retry_after: tuple[float, ...] = (0.5, 2.0, 8.0, 30.0, 60.0)
    timeout: float = 5.0
    fresh_retries: bool = True
    refused_from: int = 400
    follows: frozenset[int] = frozenset()


@dataclass
class _Lane:
    heap: list[tuple[float, int, Delivery]] = field(default_factory=list)
    waiting: set[str] = field(default_factory=set)
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None


class Sender:
    """Sends deliveries in order per receiver, never two at once to one of them."""

    def __init__(self, faults: FaultPlan, habits: Habits) -> None:
        """Begin with empty queues; nothing is opened before the first delivery."""
        self._faults, self._habits = faults, habits
        self._lanes: dict[str, _Lane] = {}
        self._order = itertools.count()
        self._client: aiohttp.ClientSession | None = None
        self._counts: Counter[str] = Counter()
        self._busy = 0

    def counts(self) -> dict[str, int]:
        """Return requests sent, accepted (below 400), dropped, given up, and deliveries still waiting."""
        pending = sum(len(lane.heap) for lane in self._lanes.values()) + self._busy
        names = ("sent", "accepted", "dropped", "given_up")
        return {**{name: self._counts[name] for name in names}, "pending": pending}

    def offer(self, delivery: Delivery, delay: float) -> None:
        """Queue a delivery `delay` seconds from now, or merge it into one that still waits."""
        lane = self._lane(delivery.url)
        if delivery.key in lane.waiting:
            return
        late = self._faults.strike(("webhook_delay",), "POST", (urlsplit(delivery.url).path,))
        lane.waiting.add(delivery.key)
        self._push(lane, delivery, delay + sum(fault.seconds or 1.0 for fault in late))

    async def clear(self) -> None:
        """Forget everything that waits and all counts."""
        tasks = [lane.task for lane in self._lanes.values() if lane.task is not None]
        self._lanes.clear()
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._counts.clear()
        self._busy = 0

    async def close(self) -> None:
        """Stop sending; safe to call twice."""
        await self.clear()
        if self._client is not None:
            await self._client.close()
            self._client = None

    def _lane(self, url: str) -> _Lane:
        if url not in self._lanes:
            lane = self._lanes[url] = _Lane()
            lane.task = asyncio.get_running_loop().create_task(self._run(lane))
        return self._lanes[url]

    def _push(self, lane: _Lane, delivery: Delivery, delay: float) -> None:
        due = asyncio.get_running_loop().time() + delay
        heapq.heappush(lane.heap, (due, next(self._order), delivery))
        lane.wake.set()

    async def _run(self, lane: _Lane) -> None:
        while True:
            delivery = await self._next(lane)
            self._busy += 1
            try:
                await self._deliver(lane, delivery)
            finally:
                self._busy -= 1

    async def _next(self, lane: _Lane) -> Delivery:
        loop = asyncio.get_running_loop()
        while True:
            wait = lane.heap[0][0] - loop.time() if lane.heap else None
            if wait is not None and wait <= 0:
                delivery = heapq.heappop(lane.heap)[2]
                if delivery.mergeable:
                    lane.waiting.discard(delivery.key)
                return delivery
            lane.wake.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(lane.wake.wait(), wait)

    async def _deliver(self, lane: _Lane, delivery: Delivery) -> None:
        path = (urlsplit(delivery.url).path,)
        body = delivery.frozen or delivery.snapshot(delivery.attempt)  # also of what is lost: it was on its way
        if body is None:
            return
        if self._faults.strike(("webhook_drop",), "POST", path):
            self._counts["dropped"] += 1
            return
        if delivery.mergeable and (held := self._faults.strike(("webhook_reorder",), "POST", path)):
            # The old picture is kept and arrives after newer ones, as a late retry would.
            delivery.frozen = body
            self._push(lane, delivery, held[0].seconds or _REORDER_SECONDS)
            return
        copies = 1 + len(self._faults.strike(("webhook_duplicate",), "POST", path))
        answers = [await self._post(delivery, body) for _ in range(copies)]
        if not any(answers):
            self._again(lane, delivery, body)

    async def _post(self, delivery: Delivery, body: bytes) -> bool:
        self._counts["sent"] += 1
        url, status = delivery.url, 0
        for _ in range(_MOST_REDIRECTS):
            status, target = await self._sent(url, delivery.headers, body)
            if status not in self._habits.follows or not target:
                break
            url = urljoin(url, target)
        accepted = 0 < status < self._habits.refused_from
        self._counts["accepted"] += accepted
        return accepted

    async def _sent(self, url: str, lines: dict[str, str], body: bytes) -> tuple[int, str | None]:
        """Send once; returns the status, 0 without an answer in time, and where the receiver points to."""
        if self._client is None:
            self._client = aiohttp.ClientSession()
        limit = aiohttp.ClientTimeout(total=self._habits.timeout)
        headers = {"Content-Type": "application/json", **lines}
        try:
            async with self._client.post(
                url, data=body, headers=headers, timeout=limit, allow_redirects=False
            ) as answer:
                return answer.status, answer.headers.get("Location")
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return 0, None

    def _again(self, lane: _Lane, delivery: Delivery, body: bytes) -> None:
        if delivery.attempt >= len(self._habits.retry_after):
            self._counts["given_up"] += 1
            return
        pause = self._habits.retry_after[delivery.attempt]
        delivery.attempt += 1
        delivery.frozen = None if self._habits.fresh_retries else body
        self._push(lane, delivery, pause)
