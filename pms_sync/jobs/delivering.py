"""Delivering: committed events to whoever subscribed, signed, in order, each subscriber at its own pace.

At least once: a consumer recognises a repetition by `webhook-id`. Nothing is sent while a transaction is open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from http import HTTPStatus
from random import Random
from typing import Any
from uuid import UUID

import msgspec

from pms_sync.domain.clock import Clock, rfc3339
from pms_sync.domain.errors import ConfigurationFault, Fault, VendorFault
from pms_sync.domain.ids import NewId
from pms_sync.domain.signing import signed_headers
from pms_sync.observe.logs import get_logger
from pms_sync.ports.posting import OpenPoster, Posted, Poster
from pms_sync.store import events_out
from pms_sync.store.database import Database
from pms_sync.store.events_out import Claimed, DueDelivery, Refusal
from pms_sync.store.sealing import KeyRing
from pms_sync.store.subscribers import secret_place

BASE_S, CAP_S = 5.0, 6 * 3600.0
_LEASE_S = 60.0  # longer than one attempt may take, and prolonged with every event that arrived
_TURN_S = 10.0  # a slow subscriber with a long queue gives its place up for a moment
_MOST_AT_ONCE = 32
_MOST_IN_ONE_READ = 20

_log = get_logger(__name__)


def rest_s(failures: int, rand: float) -> float:
    """Return the seconds to wait after so many failures in a row: exponential with full jitter, `rand` from 0 to 1."""
    return rand * min(CAP_S, BASE_S * 2.0 ** min(max(failures, 1) - 1, 30))


def body_of(event: DueDelivery) -> bytes:
    """Write an event as Standard Webhooks lays it out: type, timestamp (of the fact) and data."""
    data: dict[str, Any] = {**event.payload, "property": event.property_code, "correlation_id": event.correlation_id}
    if event.reservation_id is not None:
        data["reservation_id"] = str(event.reservation_id)
    told = {"type": event.topic, "timestamp": rfc3339(event.created_at), "data": data}
    return msgspec.json.encode(told, order="sorted")


class Deliveries:
    """Tells several subscribers at once, each of them one event after the other."""

    def __init__(  # noqa: PLR0913 - injected ports, most by keyword
        self,
        database: Database,
        keys: KeyRing,
        open_poster: OpenPoster,
        *,
        clock: Clock,
        new_id: NewId,
        random: Random,
        told: Callable[[str], None] = lambda _outcome: None,
    ) -> None:
        """`told` hears what became of every attempt: delivered, refused, given_up or stopped."""
        self._database, self._keys, self._open_poster = database, keys, open_poster
        self._clock, self._new_id, self._random, self._told = clock, new_id, random, told
        self._busy: dict[UUID, asyncio.Task[None]] = {}
        self._owners: dict[UUID, UUID] = {}

    async def step(self) -> int:
        """Begin with every subscriber that can be told something; returns how many there were.

        They are told in the background; `idle` waits for them.
        """
        free = _MOST_AT_ONCE - len(self._busy)
        if free <= 0:
            return 0
        owner = self._new_id()
        async with self._database.transaction() as connection:
            claimed = await events_out.claim(connection, owner, _LEASE_S, free)
            if not all(self._keys.knows(one.tenant_id) for one in claimed):
                await self._keys.load(connection)
        for one in claimed:
            self._begin(one, owner)
        return len(claimed)

    async def idle(self) -> None:
        """Wait until nobody is being told anything."""
        while self._busy:
            await asyncio.wait(list(self._busy.values()))

    async def aclose(self, patience_s: float = 5.0) -> None:
        """Let attempts under way end, cut those that take too long, and let go of every subscriber."""
        if self._busy:
            await asyncio.wait(list(self._busy.values()), timeout=patience_s)
        for task in tuple(self._busy.values()):
            task.cancel()
        await self.idle()
        async with self._database.connection() as connection:
            await events_out.release(connection, list(self._owners.values()))

    def _begin(self, claimed: Claimed, owner: UUID) -> None:
        key = claimed.subscriber_id
        task = asyncio.create_task(self._tell(claimed, owner), name=f"deliveries to {key}")
        self._busy[key], self._owners[key] = task, owner
        task.add_done_callback(lambda done: self._done(key, done))

    def _done(self, subscriber_id: UUID, task: asyncio.Task[None]) -> None:
        self._busy.pop(subscriber_id, None)
        if task.cancelled():
            return
        self._owners.pop(subscriber_id, None)
        error = task.exception()
        if error is not None:
            _log.error("deliveries_broke", subscriber_id=str(subscriber_id), exc_info=error)

    async def _tell(self, claimed: Claimed, owner: UUID) -> None:
        """Tell one subscriber what waits for it, for a turn or until it refuses; a lost lease runs out by itself."""
        try:
            if await self._turn(claimed, owner):
                async with self._database.connection() as connection:
                    await events_out.release(connection, [owner], claimed.subscriber_id)
        except Fault as fault:
            _log.warning("deliveries_left_for_later", subscriber_id=str(claimed.subscriber_id), why=fault.what)

    async def _turn(self, claimed: Claimed, owner: UUID) -> bool:
        """Return whether the subscriber is still ours at the end."""
        until = self._clock.monotonic() + _TURN_S
        key = self._keys.open(claimed.tenant_id, secret_place(claimed.subscriber_id), claimed.secret)
        poster = self._opened(claimed.url)
        try:
            while events := await self._due(claimed):
                for event in events:
                    answer = await self._attempt(poster, key, event)
                    if not await self._written(claimed, owner, event, answer):
                        return False
                    claimed = msgspec.structs.replace(claimed, failures=0)
                    if self._clock.monotonic() >= until:
                        return True
        finally:
            await poster.aclose()
        return True

    async def _due(self, claimed: Claimed) -> list[DueDelivery]:
        async with self._database.connection() as connection:
            return await events_out.due(connection, claimed, _MOST_IN_ONE_READ)

    def _opened(self, url: str) -> Poster:
        try:
            return self._open_poster(url)
        except ConfigurationFault as fault:
            return _NoWay(fault)

    async def _attempt(self, poster: Poster, key: bytes, event: DueDelivery) -> Posted | Fault:
        body, at = body_of(event), int(self._clock.now().timestamp())
        try:
            return await poster.post(signed_headers(key, str(event.message_id), at, body), body)
        except (VendorFault, ConfigurationFault) as fault:
            return fault

    async def _written(self, claimed: Claimed, owner: UUID, event: DueDelivery, answer: Posted | Fault) -> bool:
        """Write what an attempt came to; returns whether the next event may follow."""
        if not _took(answer):
            await self._refused(claimed, owner, event, answer)
            return False
        async with self._database.connection() as connection:
            still_ours = await events_out.delivered(connection, claimed, owner, event.event_id, _text(answer), _LEASE_S)
        self._told("delivered")
        if claimed.failures:
            _log.info("subscriber_works_again", subscriber_id=str(claimed.subscriber_id), failures=claimed.failures)
        return still_ours

    async def _refused(self, claimed: Claimed, owner: UUID, event: DueDelivery, answer: Posted | Fault) -> None:
        asked = (answer.retry_after if isinstance(answer, Posted) else None) or 0.0
        refusal = Refusal(
            answer=_text(answer),
            subscriber_rest_s=max(asked, rest_s(claimed.failures + 1, self._random.random())),
            delivery_rest_s=max(asked, rest_s(event.attempts + 1, self._random.random())),
            gone=isinstance(answer, Posted) and answer.status == HTTPStatus.GONE,
        )
        async with self._database.connection() as connection:
            verdict = await events_out.refused(connection, claimed, owner, event.event_id, refusal)
        told = {"subscriber_id": str(claimed.subscriber_id), "message_id": str(event.message_id), "why": refusal.answer}
        self._told("refused")
        if not claimed.failures:
            _log.warning("subscriber_refuses", **told)
        if verdict is not None and verdict.delivery == "given_up":
            self._told("given_up")
            _log.error("event_given_up", **told)
        if verdict is not None and verdict.subscriber != "active":
            self._told("stopped")
            _log.error("subscriber_stopped", state=verdict.subscriber, **told)


class _NoWay:
    """Stands for an address that nothing may be sent to (ports.posting.Poster)."""

    def __init__(self, why: ConfigurationFault) -> None:
        self._why = why

    async def post(self, headers: Mapping[str, str], body: bytes) -> Posted:  # noqa: ARG002 - the port's signature
        """Raise why."""
        raise self._why

    async def aclose(self) -> None:
        """Have nothing to let go."""


def _took(answer: Posted | Fault) -> bool:
    return isinstance(answer, Posted) and HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES


def _text(answer: Posted | Fault) -> str:
    """Say what came back without a word of what the other side wrote."""
    return f"HTTP {answer.status}" if isinstance(answer, Posted) else answer.what[:200]
