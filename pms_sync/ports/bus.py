"""Wake-ups: how one loop tells another that there is work, without promising anything about it."""

from __future__ import annotations

from typing import Protocol


class Bus(Protocol):
    """A hint channel; losing a wake-up costs latency only, because every loop also looks by itself."""

    def publish(self, topic: str) -> None:
        """Wake whoever waits for the topic; many publications before the next wait are one wake-up."""
        ...

    async def wait(self, topic: str, timeout: float) -> bool:  # noqa: ASYNC109  the caller's look-anyway interval
        """Return True on a wake-up, False after `timeout` seconds without one."""
        ...
