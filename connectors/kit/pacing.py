"""Pace: several calls inside one method keep to a limit per second that no answer tells; waiting turns, first come."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

_MARGIN = 1.05  # the vendor counts arrivals, we count departures


class Pace:
    """At most so many calls begin in any `window_s` seconds; `clock` is monotonic seconds, and `sleep` must fit it."""

    def __init__(
        self,
        calls: int,
        window_s: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Begin with nothing called; `calls` is at least one."""
        self._calls, self._window_s = max(calls, 1), window_s * _MARGIN
        self._clock, self._sleep = clock, sleep
        self._begun: deque[float] = deque()
        self._turn = asyncio.Lock()

    async def turn(self) -> None:
        """Wait until a call may begin, and count it."""
        async with self._turn:
            if len(self._begun) >= self._calls:
                wait = self._begun.popleft() + self._window_s - self._clock()
                if wait > 0:
                    await self._sleep(wait)
            self._begun.append(self._clock())
