"""Draining: emptying a claimed queue that hands each message out once, so that none is lost while we can help it.

Whether a message was handed out is known to nobody but us, and only while we live. So the question is committed before
the vendor is asked, what comes is stored before anybody decodes it, and an answer that may be lost, to the wire or to
our own death, has the account's streams listed as a whole. The stored bodies become work like any other delivery.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from pms_sync.domain.clock import Clock, parse_instant
from pms_sync.domain.errors import ConfigurationFault, MappingRejected, Unavailable, VendorFault
from pms_sync.domain.ids import NewId
from pms_sync.ingest.batch import AccountRuntime
from pms_sync.ingest.receiver import without_cards
from pms_sync.observe.logs import get_logger
from pms_sync.ports.connector import Sleep
from pms_sync.ports.queue import Drained, Queue
from pms_sync.store import cursors, inbox
from pms_sync.store.cursors import Claim, Overtaken
from pms_sync.store.database import Database
from pms_sync.store.inbox import NewDelivery
from pms_sync.store.sealing import KeyRing

MOST_BODIES = 500  # of one turn; the next one goes on
_TRIES, _TRY_AGAIN_S = 60, 1.0
_SHORTEST_REST, _LONGEST_REST = timedelta(seconds=10), timedelta(seconds=60)
_IDLE_SHARE = 6  # a queue rests a sixth of the time that nothing came

_log = get_logger(__name__)


def _unheard() -> None:
    """Nobody listens."""


class Emptied:
    """What one turn at a queue came to; `rest_s` is how long it may rest, `records` counts messages."""

    def __init__(self) -> None:
        """Begin with nothing taken."""
        self.pages = self.records = self.new = 0
        self.since: str | None = None
        self.until: str | None = None
        self.rest_s: float | None = None

    def count(self, drained: Drained | None) -> None:
        """Add one body; one that cannot be read has no messages, and is parked where it is routed."""
        self.pages += 1
        if drained is not None:
            self.records += drained.messages
            self.new += len(drained.events)


class _Taken:
    """One question to the queue: what came, and whether an answer may be lost."""

    def __init__(self) -> None:
        self.body: bytes | None = None
        self.lost = False


class Draining:
    """Empties claimed queues; holds nothing between two turns."""

    def __init__(
        self,
        database: Database,
        keys: KeyRing,
        *,
        clock: Clock,
        new_id: NewId,
        stored: Callable[[], None] = _unheard,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """Take the store and the ports; `stored` is told after each commit that something waits to be routed."""
        self._database, self._keys, self._clock, self._new_id = database, keys, clock, new_id
        self._stored, self._sleep = stored, sleep

    async def read(self, runtime: AccountRuntime, claim: Claim) -> Emptied:
        """Take bodies until the queue has no more; raises what the vendor call raises, Overtaken and Unavailable."""
        queue = _queue(runtime)
        told = Emptied()
        if claim.asked_at is not None:
            await self._lose(claim, queue, "whoever asked last never stored the answer")
        received_at = _last_received(claim)
        while told.pages < MOST_BODIES:
            taken = await self._ask(runtime, claim, queue)
            if taken.body is None:
                break
            received_at = self._clock.now()
            await self._keep(runtime, claim, taken.body, received_at)
            drained = _unpacked(queue, taken.body)
            told.count(drained)
            if drained is None or not drained.full:
                break
        told.rest_s = _rest(received_at, self._clock.now()).total_seconds()
        return told

    async def _ask(self, runtime: AccountRuntime, claim: Claim, queue: Queue) -> _Taken:
        """Ask once; a question that may have cost messages, though it was repeated with success, wants a sweep."""
        taken = _Taken()

        async def drain() -> bytes | None:
            try:
                return await queue.drain(claim.stream)
            except VendorFault as fault:
                taken.lost = taken.lost or fault.sent
                raise
            except BaseException:
                taken.lost = True
                raise

        async with self._database.connection() as connection:
            await cursors.ask(connection, claim)
        try:
            taken.body = await runtime.call(drain, priority="poll", operation="drain")
        except Exception as error:
            await self._give_up(claim, queue, error, lost=taken.lost)
            raise
        if taken.lost:
            await self._lose(claim, queue, "an answer was lost before the question was repeated")
        elif taken.body is None:
            async with self._database.connection() as connection:
                await cursors.answered(connection, claim, None)
        return taken

    async def _give_up(self, claim: Claim, queue: Queue, error: Exception, *, lost: bool) -> None:
        if lost:
            await self._lose(claim, queue, type(error).__name__)
            return
        async with self._database.connection() as connection:
            await cursors.answered(connection, claim, None)

    async def _lose(self, claim: Claim, queue: Queue, why: str) -> None:
        """Have every stream that the messages can be about listed: nobody can say what the lost ones told."""
        _log.warning("answer_lost", account_id=str(claim.account_id), stream=claim.stream, why=why)
        async with self._database.transaction() as connection:
            await cursors.want_sweep(connection, claim.tenant_id, claim.account_id, queue.queue.streams)
            await cursors.answered(connection, claim, None)

    async def _keep(self, runtime: AccountRuntime, claim: Claim, body: bytes, received_at: datetime) -> None:
        """Store a body, whatever became of our lease: nobody is given it again. Raises Overtaken after the commit.

        Without a database it is held and tried again for a minute, and counts as lost after that.
        """
        delivery = NewDelivery(
            tenant_id=claim.tenant_id,
            door_id=None,
            account_id=claim.account_id,
            vendor=runtime.account.vendor,
            vendor_delivery_id=None,
            body=await without_cards(body, runtime.connector.spec.identifier_keys),
            correlation_id=str(self._new_id()),
            received_at=received_at,
        )
        held = await self._persistently(claim, delivery)
        self._stored()
        if not held:
            raise Overtaken(claim.name)

    async def _persistently(self, claim: Claim, delivery: NewDelivery) -> bool:
        for attempt in range(_TRIES):
            try:
                async with self._database.transaction() as connection:
                    await inbox.append_deliveries(connection, self._keys, [delivery])
                    return await cursors.answered(connection, claim, delivery.received_at)
            except Unavailable:
                if attempt + 1 == _TRIES:
                    raise
                await self._sleep(_TRY_AGAIN_S)
        raise AssertionError


def _queue(runtime: AccountRuntime) -> Queue:
    connector: object = runtime.connector
    if not isinstance(connector, Queue):
        vendor = runtime.connector.spec.vendor
        raise ConfigurationFault("the connector declares a queue and cannot drain one", vendor, "correct the plugin")
    return connector


def _unpacked(queue: Queue, body: bytes) -> Drained | None:
    try:
        return queue.queue.read(body)
    except MappingRejected:
        return None


def _last_received(claim: Claim) -> datetime | None:
    try:
        return parse_instant(claim.position) if claim.position else None
    except (ValueError, OverflowError):
        return None


def _rest(received_at: datetime | None, now: datetime) -> timedelta:
    """Return how long an empty queue may rest: the longer the less came lately, since asking may cost money."""
    if received_at is None:
        return _LONGEST_REST
    idle = now.astimezone(UTC) - received_at
    return min(max(idle / _IDLE_SHARE, _SHORTEST_REST), _LONGEST_REST)
