"""The gateway before all modules: limits that all consumers share, and what a call must carry (opera.md 1 and 2)."""

from __future__ import annotations

from asyncio import sleep
from dataclasses import dataclass

from aiohttp import web

from connectors.kit.simulator.clock import SimulatedClock
from connectors.kit.simulator.throttle import SlidingWindow
from connectors.opera.simulator.access import Access
from connectors.opera.simulator.refusals import VendorRefusal

_ALL = "gateway"


@dataclass(frozen=True)
class Limits:
    """Calls of the whole gateway per second, then those to the queue per minute; 429 never says when to come back."""

    sustained: int = 50
    burst: int = 100
    polls_per_minute: int = 300
    delay: float = 1.0
    """Seconds that a call above the sustained rate is held back."""


class Gateway:
    """Lets calls through, late, or not at all."""

    def __init__(self, clock: SimulatedClock, access: Access, limits: Limits, modules: frozenset[str] | None) -> None:
        """Begin with empty windows; `modules` are those the application is subscribed to, None = all."""
        self._access, self._limits, self._modules = access, limits, modules
        self._sustained = SlidingWindow(clock, limits.sustained, 1.0)
        self._burst = SlidingWindow(clock, limits.burst, 1.0)
        self._polls = SlidingWindow(clock, limits.polls_per_minute, 60.0)

    async def pace(self, *, polling: bool = False) -> None:
        """Count a call; raises VendorRefusal 429 above the burst, and holds back what is above the sustained rate."""
        if self._burst.take(_ALL) > 0 or (polling and self._polls.take(_ALL) > 0):
            raise VendorRefusal(429)
        if self._sustained.take(_ALL) > 0:
            await sleep(self._limits.delay)

    def let_in(self, request: web.Request, module: str) -> None:
        """Check token, application key, subscription and Accept; raises VendorRefusal."""
        self._access.check(request.headers)
        if self._modules is not None and module not in self._modules:
            raise VendorRefusal(403, "No Subscribed Plan or API found")
        if not _accepts_json(request.headers.get("Accept", "*/*")):
            raise VendorRefusal(406)


def _accepts_json(accept: str) -> bool:
    kinds = (part.partition(";")[0].strip().lower() for part in accept.split(","))
    return any(kind in {"*/*", "application/*", "application/json"} for kind in kinds)
