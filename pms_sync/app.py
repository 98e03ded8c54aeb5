"""The running daemon: start and stop order, one supervisor per loop, and the server that vendors and people reach.

Start: reception, then the loops, then the ticks. Stop goes the other way round: no new request is taken, what was
taken is committed, running batches end, and every lease is given back.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
from aiohttp import web

from pms_sync.domain.errors import ConfigurationFault, Fault, Unavailable
from pms_sync.ingest.group_commit import GroupCommit
from pms_sync.jobs.schedule import Schedule
from pms_sync.observe.heartbeats import Heartbeats
from pms_sync.observe.logs import get_logger
from pms_sync.ports.bus import Bus

_LOOP_LIMIT_S = 60.0
_FIRST_REST_S, _LONGEST_REST_S = 0.1, 5.0
_STOP_S = 5.0
_CLOSE_S = 10.0

_log = get_logger(__name__)


class Loop(msgspec.Struct, frozen=True, kw_only=True):
    """A step done again and again: at once while it finds work, on a wake-up of its topic, or after `idle_s`."""

    name: str
    step: Callable[[], Awaitable[int]]
    topic: str
    idle_s: float


class Supervisor:
    """Runs loops; one whose step fails rests for a while and goes on, the others do not notice."""

    def __init__(self, bus: Bus, heartbeats: Heartbeats, rand: Callable[[], float] = random.random) -> None:
        """Take the wake-ups and the stamps."""
        self._bus, self._heartbeats, self._rand = bus, heartbeats, rand
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._stopping = asyncio.Event()

    def start(self, loops: Sequence[Loop]) -> None:
        """Start one task per loop."""
        for loop in loops:
            self._heartbeats.register(loop.name, _LOOP_LIMIT_S)
            self._tasks[loop.name] = asyncio.create_task(self._supervise(loop), name=f"loop {loop.name}")

    async def stop(self) -> None:
        """Let each loop end its step; one that does not within five seconds is cancelled."""
        self._stopping.set()
        tasks = list(self._tasks.values())
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=_STOP_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for name in self._tasks:
            self._heartbeats.forget(name)

    async def _supervise(self, loop: Loop) -> None:
        failures = 0
        while not self._stopping.is_set():
            self._heartbeats.beat(loop.name)
            try:
                found = await loop.step()
            except Exception as error:  # noqa: BLE001 - the supervisor's own purpose
                failures += 1
                _complain(loop.name, error, failures)
                await self._rest(min(_LONGEST_REST_S, _FIRST_REST_S * 2 ** min(failures, 10)))
                continue
            if failures:
                _log.info("loop_works_again", loop=loop.name, failures=failures)
                failures = 0
            if not found:
                await self._wait(loop)

    async def _wait(self, loop: Loop) -> None:
        """Sleep until a wake-up, the look-anyway interval, or the end."""
        waits = {
            asyncio.create_task(self._bus.wait(loop.topic, loop.idle_s)),
            asyncio.create_task(self._stopping.wait()),
        }
        _, pending = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)

    async def _rest(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds * (0.5 + 0.5 * self._rand())):
                await self._stopping.wait()
        except TimeoutError:
            return


class Door(msgspec.Struct, frozen=True, kw_only=True):
    """One address to listen on with the application behind it."""

    host: str
    port: int
    application: web.Application


class Server:
    """The HTTP side: every address of the daemon, opened together and closed together."""

    def __init__(self, doors: Sequence[Door], settings: Mapping[str, Any]) -> None:
        """Take the addresses; `settings` go to the runner of each."""
        self._doors, self._settings = doors, settings
        self._runners: list[web.AppRunner] = []
        self._sites: list[web.TCPSite] = []

    async def start(self) -> list[str]:
        """Listen, and return each address as HOST:PORT with the port really taken; raises ConfigurationFault."""
        return [await self._listen(door) for door in self._doors]

    @property
    def servers(self) -> list[web.Server]:
        """Return the running servers, for the deadline of heads."""
        return [runner.server for runner in self._runners if runner.server is not None]

    async def refuse(self) -> None:
        """Take no new connection; requests under way go on."""
        for site in self._sites:
            await site.stop()
        self._sites.clear()

    async def aclose(self) -> None:
        """Wait a little for requests under way, then close every connection."""
        for runner in self._runners:
            await runner.cleanup()
        self._runners.clear()

    async def _listen(self, door: Door) -> str:
        runner = web.AppRunner(door.application, access_log=None, shutdown_timeout=_STOP_S, **self._settings)
        await runner.setup()
        self._runners.append(runner)
        site = web.TCPSite(runner, door.host, door.port)
        try:
            await site.start()
        except OSError as error:
            what = f"cannot listen on {door.host}:{door.port}: {error.strerror}"
            raise ConfigurationFault(what, "PMS_SYNC_BIND", "free the port, or choose another") from error
        self._sites.append(site)
        [address] = runner.addresses[:1] or [(door.host, door.port)]
        return f"[{address[0]}]:{address[1]}" if ":" in address[0] else f"{address[0]}:{address[1]}"


class App:
    """The daemon between `start` and `stop`."""

    def __init__(  # noqa: PLR0913 - what the composition root built, by keyword
        self,
        *,
        server: Server,
        inbox: GroupCommit[Any, Any],
        supervisor: Supervisor,
        loops: Sequence[Loop],
        schedule: Schedule,
        before_start: Sequence[Callable[[], Awaitable[object]]] = (),
        after_stop: Sequence[Callable[[], Awaitable[object]]] = (),
        on_listening: Callable[[str], None] = lambda _bind: None,
    ) -> None:
        """`before_start` runs before the first request is taken, `after_stop` once nothing runs any more."""
        self._server, self._inbox, self._supervisor = server, inbox, supervisor
        self._loops, self._schedule = loops, schedule
        self._before_start, self._after_stop, self._on_listening = before_start, after_stop, on_listening
        self._writer: asyncio.Task[None] | None = None

    async def start(self) -> str:
        """Start everything and return the address of the doors and pages; raises Fault with nothing left running."""
        try:
            for prepare in self._before_start:
                await prepare()
            self._writer = asyncio.create_task(self._inbox.run(), name="inbox writer")
            bind = (await self._server.start())[0]
            self._on_listening(bind)
        except BaseException:
            await self.stop()
            raise
        self._supervisor.start(self._loops)
        self._schedule.start()
        _log.info("started", bind=bind)
        return bind

    async def stop(self) -> None:
        """Stop in order; safe to call after a failed start."""
        self._schedule.aclose()
        await self._server.refuse()
        await self._supervisor.stop()
        await self._server.aclose()
        await self._inbox.aclose()
        if self._writer is not None:
            await asyncio.wait({self._writer}, timeout=_STOP_S)
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)
        for release in self._after_stop:
            await _closed(release)
        _log.info("stopped")


async def _closed(release: Callable[[], Awaitable[object]]) -> None:
    """Let go of one thing; what cannot be reached any more is left to its lease."""
    try:
        async with asyncio.timeout(_CLOSE_S):
            await release()
    except (Unavailable, TimeoutError) as error:
        _log.warning("not_released", why=str(error) or type(error).__name__)


def _complain(name: str, error: Exception, failures: int) -> None:
    """Log the first failure in a row and then ever fewer; a surprise is logged with its kind and place."""
    if failures & (failures - 1) == 0:  # 1, 2, 4, 8 …
        expected = isinstance(error, Fault)
        why = str(error) if expected else type(error).__name__
        _log.warning("loop_failed", loop=name, why=why, failures=failures, exc_info=None if expected else error)
