"""Wake-ups inside one daemon."""

from __future__ import annotations

import asyncio


class InProcessBus:
    """Topics as latches: a publication wakes every present waiter, or is kept for the next one.

    All calls belong to one event loop. Publications coalesce; nothing is queued, so memory does not grow with load.
    """

    def __init__(self) -> None:
        """Start with nothing published."""
        self._kept: set[str] = set()
        self._waiters: dict[str, set[asyncio.Future[None]]] = {}

    def publish(self, topic: str) -> None:
        """Wake whoever waits for the topic; with nobody waiting, the next wait returns at once."""
        waiters = self._waiters.pop(topic, None)
        if not waiters:
            self._kept.add(topic)
            return
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self, topic: str, timeout: float) -> bool:  # noqa: ASYNC109  the caller's look-anyway interval
        """Return True on a wake-up, False after `timeout` seconds without one."""
        if topic in self._kept:
            self._kept.discard(topic)
            return True
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(topic, set()).add(waiter)
        try:
            async with asyncio.timeout(timeout):
                await waiter
        except TimeoutError:
            return waiter.done() and not waiter.cancelled()
        except asyncio.CancelledError:
            # Woken and cancelled in the same turn: the work is still there, so the next one must look.
            if waiter.done() and not waiter.cancelled():
                self.publish(topic)
            raise
        finally:
            self._leave(topic, waiter)
        return True

    def _leave(self, topic: str, waiter: asyncio.Future[None]) -> None:
        waiters = self._waiters.get(topic)
        if waiters is not None:
            waiters.discard(waiter)
            if not waiters:
                del self._waiters[topic]
