"""Turns: one call at a time to a vendor login, however many processes of ours talk to it.

Held as advisory locks of one connection for all logins of a process, on which no transaction is open; what a killed
process held is free at once. Who waits queues behind a second lock, so two processes that both want call after call
take turns: neither waits for longer than the calls of the others.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from enum import StrEnum
from typing import Any

from pms_sync.domain.errors import Unavailable
from pms_sync.store.database import AWAY, Connection, Database, unavailable

_SHORTEST_NAP_S, _LONGEST_NAP_S = 0.002, 0.01


class _Place(StrEnum):
    """How far one got: behind somebody who waits, next after who calls, or calling."""

    BEHIND = "behind"
    NEXT = "next"
    CALLING = "calling"


# $1 is the lock of who waits first, $2 the turn itself. CASE keeps the order of its branches.
_ASK = {
    _Place.BEHIND: """
        SELECT CASE WHEN NOT pg_try_advisory_lock($1) THEN 'behind' WHEN NOT pg_try_advisory_lock($2) THEN 'next'
                    WHEN pg_advisory_unlock($1) THEN 'calling' END""",
    _Place.NEXT: """
        SELECT CASE WHEN NOT pg_try_advisory_lock($2) THEN 'next' WHEN pg_advisory_unlock($1) THEN 'calling' END""",
}


class _Held:
    """What one caller holds, and of which connection."""

    def __init__(self) -> None:
        self.place = _Place.BEHIND
        self.line: Connection | None = None


class Turns:
    """The turns of one process; inside of it a login must ask for one at a time, as a budget of one call sees to."""

    def __init__(
        self,
        database: Database,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Connect with the first turn."""
        self._database, self._monotonic, self._sleep = database, monotonic, sleep
        self._line: Connection | None = None
        self._speaking = asyncio.Lock()

    @asynccontextmanager
    async def turn(self, login: bytes, patience_s: float) -> AsyncIterator[bool]:
        """Hold the turn of a login, or give False when nobody let go of it in time; raises Unavailable.

        Waiting holds no transaction and no connection of the pool.
        """
        locks = _number(b"waits first for" + login), _number(b"calls" + login)
        held = _Held()
        try:
            await self._wait(locks, held, patience_s)
            yield held.place is _Place.CALLING
        finally:
            # A caller that was cut off still lets go before the next one may ask.
            await _whole(self._leave(locks, held))

    async def aclose(self) -> None:
        """Hang up, which lets go of everything."""
        line, self._line = self._line, None
        if line is not None:
            with suppress(*AWAY):
                await line.close(timeout=5)

    async def _wait(self, locks: tuple[int, int], held: _Held, patience_s: float) -> None:
        until, nap_s = self._monotonic() + patience_s, _SHORTEST_NAP_S
        while True:
            await _whole(self._ask(locks, held))
            if held.place is _Place.CALLING or self._monotonic() >= until:
                return
            await self._sleep(nap_s)
            nap_s = min(nap_s * 1.5, _LONGEST_NAP_S)

    async def _ask(self, locks: tuple[int, int], held: _Held) -> None:
        async with self._speaking:
            line = await self._connected()
            if held.line is not line:  # the first time, or what was held went with its connection
                held.line, held.place = line, _Place.BEHIND
            held.place = _Place(await _said(line, _ASK[held.place], *locks))

    async def _leave(self, locks: tuple[int, int], held: _Held) -> None:
        if held.place is _Place.BEHIND or held.line is None or held.line.is_closed():
            return
        lock = locks[0] if held.place is _Place.NEXT else locks[1]
        async with self._speaking:
            with suppress(Unavailable):  # the lock went with its connection
                await _said(held.line, "SELECT pg_advisory_unlock($1)", lock)

    async def _connected(self) -> Connection:
        if self._line is None or self._line.is_closed():
            self._line = await self._database.apart()
        return self._line


async def _said(line: Connection, statement: str, *arguments: object) -> Any:  # noqa: ANN401 - whatever it selects
    try:
        return await line.fetchval(statement, *arguments, timeout=5)
    except AWAY as error:
        raise unavailable(error) from error


async def _whole(work: Coroutine[Any, Any, None]) -> None:
    """Do the work to its end although the caller is cut off meanwhile; it is one short statement."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        task.cancelled() or task.exception()  # looked at, so that nobody is told of it a second time
        raise


def _number(name: bytes) -> int:
    return int.from_bytes(hashlib.sha256(name).digest()[:8], signed=True)
