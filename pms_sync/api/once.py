"""Once: a request with an Idempotency-Key has one effect, however often it comes (seed S1.43, S1.57).

The same key with the same method, address and body gets the first answer again, byte for byte; with another body 422;
while the first is still at work 409. An answer is kept for a day for the person who asked, and so is a refusal, but for
those that say nothing about the request itself: a stale version, which a retry names anew, and our own failures.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from http import HTTPStatus
from typing import TypeAlias
from uuid import UUID

from aiohttp import hdrs, web

from pms_sync.api.guard import person_of
from pms_sync.api.preconditions import KEY_HEADER, idempotency_key
from pms_sync.api.problems import Problem
from pms_sync.auth.roles import Person
from pms_sync.domain.clock import Clock
from pms_sync.domain.errors import Unavailable
from pms_sync.domain.ids import NewId
from pms_sync.store import idempotency
from pms_sync.store.database import AGAIN, Connection, Database, act_for
from pms_sync.store.idempotency import Answer, Claim
from pms_sync.store.sealing import KeyRing

Work: TypeAlias = Callable[[Connection], Awaitable[Answer]]

KEPT, LEASE = timedelta(hours=24), timedelta(seconds=60)
REPLAYED = "Idempotency-Replayed"
_FORGOTTEN = frozenset({HTTPStatus.PRECONDITION_FAILED, HTTPStatus.PRECONDITION_REQUIRED, HTTPStatus.TOO_MANY_REQUESTS})
_AGAIN_S = 1


class _Lost(Exception):
    """Somebody else took the key over: what this try did must not be committed."""


class Once:
    """Runs what changes something in a transaction of the person's tenant, once per key."""

    def __init__(self, database: Database, keys: KeyRing, clock: Clock, new_id: NewId) -> None:
        """Take the ports."""
        self._database, self._keys, self._clock, self._new_id = database, keys, clock, new_id

    async def answer(self, request: web.Request, body: bytes, work: Work) -> web.Response:
        """Answer with what `work` returns, or returned before; raises Problem as `work` does."""
        person, key = person_of(request), idempotency_key(request)
        await self._know(person.tenant_id)
        if key is None:
            return _response(await self._written(person, work))
        claim = self._claimed(person, key, f"{request.method} {request.path}", body)
        held = await self._claim(claim)
        if held is not None:
            return held
        try:
            return _response(await self._written(person, work, claim))
        except Problem as refusal:
            await self._refused(claim, refusal)
            raise
        except _Lost as lost:
            raise _in_progress() from lost
        except BaseException:
            await asyncio.shield(self._release(claim))
            raise

    def _claimed(self, person: Person, key: str, target: str, body: bytes) -> Claim:
        asked = target.encode("utf-8", "surrogatepass") + b"\0" + body
        return Claim(
            tenant_id=person.tenant_id,
            user_id=person.user_id,
            key=key,
            fingerprint=self._keys.digest(person.tenant_id, "idempotency", asked),
            owner=self._new_id(),
        )

    async def _claim(self, claim: Claim) -> web.Response | None:
        now = self._clock.now()
        async with self._database.transaction(claim.tenant_id) as connection:
            held = await idempotency.claim(
                connection, self._keys, claim, now=now, lease_until=now + LEASE, expires_at=now + KEPT
            )
        if held is None:
            return None
        if not held.is_same_request:
            detail = f"this {KEY_HEADER} was used for another request; take a new key for a new one"
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
        if held.answer is None:
            raise _in_progress()
        return _response(held.answer, {REPLAYED: "true"})

    async def _written(self, person: Person, work: Work, claim: Claim | None = None) -> Answer:
        async def once() -> Answer:
            async with self._database.transaction() as connection:
                await act_for(connection, person.tenant_id)
                answer = await work(connection)
                if claim is not None and not await idempotency.finish(connection, self._keys, claim, answer):
                    raise _Lost
                return answer

        try:
            return await self._database.once_more(once)
        except AGAIN as error:
            headers: dict[str, str] = {hdrs.RETRY_AFTER: str(_AGAIN_S)}
            detail = "others are changing the same; nothing was changed, send it again"
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers=headers) from error

    async def _refused(self, claim: Claim, refusal: Problem) -> None:
        if refusal.status >= HTTPStatus.INTERNAL_SERVER_ERROR or refusal.status in _FORGOTTEN:
            await self._release(claim)
            return
        async with self._database.transaction(claim.tenant_id) as connection:
            await idempotency.finish(connection, self._keys, claim, told(refusal.answer()))

    async def _release(self, claim: Claim) -> None:
        """Free the key at once; where the database is away as well, its lease will."""
        with suppress(Unavailable):
            async with self._database.transaction(claim.tenant_id) as connection:
                await idempotency.release(connection, claim)

    async def _know(self, tenant_id: UUID) -> None:
        if not self._keys.knows(tenant_id):
            async with self._database.connection() as connection:
                await self._keys.load(connection)


def told(response: web.Response) -> Answer:
    """Return an answer that is about to be sent, as it is kept."""
    body = response.body
    assert isinstance(body, bytes)  # noqa: S101 - our answers are whole documents
    return Answer(
        status=response.status, headers={str(name): value for name, value in response.headers.items()}, body=body
    )


def _response(answer: Answer, more: dict[str, str] | None = None) -> web.Response:
    return web.Response(status=answer.status, headers={**answer.headers, **(more or {})}, body=answer.body)


def _in_progress() -> Problem:
    detail = f"a request with this {KEY_HEADER} is still at work; ask again for its answer"
    return Problem(HTTPStatus.CONFLICT, detail, headers={hdrs.RETRY_AFTER: str(_AGAIN_S)})
