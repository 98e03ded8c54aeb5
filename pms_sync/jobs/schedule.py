"""The schedule: the daemon-wide ticks as a table, run by APScheduler with one instance of each at a time.

A tick that fails is logged once until it works again, and tried at its next turn; it never stops the others.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from pms_sync.domain.errors import Fault
from pms_sync.observe.heartbeats import Heartbeats
from pms_sync.observe.logs import get_logger

_MISSED_TURNS = 10
_SHORTEST_LIMIT_S = 60.0

# They warn at every turn that finds the one before still running; /healthz tells when that takes too long.
for _chatty in ("apscheduler.scheduler", "apscheduler.executors.default"):
    logging.getLogger(_chatty).setLevel(logging.ERROR)

_log = get_logger(__name__)


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    """Something done every `every_s` seconds; `longest_s` is how long one turn may take before /healthz complains."""

    name: str
    every_s: float
    run: Callable[[], Awaitable[object]]
    longest_s: float = 0.0

    @property
    def limit_s(self) -> float:
        """Return the age of the last finished turn at which the tick counts as stuck."""
        return max(_SHORTEST_LIMIT_S, _MISSED_TURNS * self.every_s) + self.longest_s


class Schedule:
    """Runs the ticks between `start` and `aclose`."""

    def __init__(
        self, ticks: Sequence[Tick], heartbeats: Heartbeats, rand: Callable[[], float] = random.random
    ) -> None:
        """Take the table; first turns are spread by `rand` so that they do not all fire together."""
        self._ticks, self._heartbeats, self._rand = ticks, heartbeats, rand
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._failing: set[str] = set()
        self._is_closing = False

    def start(self) -> None:
        """Begin; needs a running event loop."""
        for tick in self._ticks:
            self._heartbeats.register(tick.name, tick.limit_s)
            self._scheduler.add_job(
                self._turn,
                "interval",
                args=[tick],
                id=tick.name,
                seconds=tick.every_s,
                next_run_time=datetime.now(UTC) + timedelta(seconds=min(tick.every_s, 5.0) * self._rand()),
                coalesce=True,
                max_instances=1,
                misfire_grace_time=None,
            )
        self._scheduler.start()

    def aclose(self) -> None:
        """Start no further turn; one that runs is left to its end or to the loop's."""
        self._is_closing = True
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        for tick in self._ticks:
            self._heartbeats.forget(tick.name)

    async def _turn(self, tick: Tick) -> None:
        try:
            await tick.run()
        except asyncio.CancelledError:
            # The daemon closes: there is nobody above but the executor, which would call it an error of the job.
            if self._is_closing:
                return
            raise
        except Exception as error:  # noqa: BLE001 - around one turn; the next one tries again
            if tick.name not in self._failing:
                _log.warning("tick_failed", tick=tick.name, why=_why(error), exc_info=not isinstance(error, Fault))
            self._failing.add(tick.name)
        else:
            if tick.name in self._failing:
                self._failing.discard(tick.name)
                _log.info("tick_works_again", tick=tick.name)
        if tick.name in self._heartbeats.report()["loops"]:
            self._heartbeats.beat(tick.name)


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, Fault) else type(error).__name__
