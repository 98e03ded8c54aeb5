"""Tokens of the API: a short access token and a refresh token that is good for one use; opaque, so they can be revoked.

A refresh token shown twice was stolen, or its thief was faster: the whole sign-in ends, and whoever is the real one
signs in again.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from pms_sync.auth.faults import Refused
from pms_sync.auth.proving import person_of, tell
from pms_sync.auth.roles import Person
from pms_sync.domain.clock import Clock
from pms_sync.domain.ids import NewId
from pms_sync.observe.logs import get_logger
from pms_sync.store import proofs
from pms_sync.store.database import Connection, Database
from pms_sync.store.proofs import Kind, NewToken, StoredToken
from pms_sync.store.sealing import KeyRing

ACCESS, REFRESH, LONGEST = timedelta(minutes=15), timedelta(days=7), timedelta(days=30)
# Told apart by their beginning, by people and by whoever looks for secrets in a repository.
_BEGINNINGS: dict[Kind, str] = {"access": "pmsa_", "refresh": "pmsr_"}
_TOKEN_BYTES = 32
_LONGEST_TOKEN = 100
_OVER = "the token has ended, was used before, or is none"

_log = get_logger(__name__)


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """What a client is given; `expires_in` is the seconds the access token lasts."""

    access: str
    refresh: str
    expires_in: int


class Tokens:
    """Mints, checks and rotates tokens; one object per process."""

    def __init__(
        self,
        database: Database,
        keys: KeyRing,
        clock: Clock,
        new_id: NewId,
        random_bytes: Callable[[int], bytes],
    ) -> None:
        """Take the ports."""
        self._database, self._keys, self._clock = database, keys, clock
        self._new_id, self._random_bytes = new_id, random_bytes

    async def mint(self, person: Person) -> Pair:
        """Give a first pair to somebody who has just proved themselves; raises Refused when disabled meanwhile."""
        async with self._database.connection() as connection:
            return await self._mint(connection, person, self._new_id(), self._clock.now())

    async def check(self, access: str) -> Person | None:
        """Return whose access token it is, None when it is not alive."""
        found = await self._find(access, "access")
        return None if found is None else person_of(found.holder)

    async def refresh(self, refresh: str) -> Pair:
        """Trade a refresh token for a new pair; raises Refused, and ends the whole sign-in at a second use."""
        found = await self._find(refresh, "refresh")
        if found is None:
            raise Refused(_OVER)
        person = person_of(found.holder)
        # One transaction: whoever comes second waits for the first one's pair, and then ends that too.
        async with self._database.transaction(person.tenant_id) as connection:
            if await proofs.use_refresh(connection, self._digest(refresh), self._clock.now()):
                return await self._mint(connection, person, found.family_id, found.signed_in_at)
            await proofs.end_family(connection, person.tenant_id, found.family_id)
            await tell(connection, found.holder, "auth.token_reused", {"family": str(found.family_id)})
        _log.warning("refresh_token_reused", family_id=found.family_id)
        raise Refused(_OVER)

    async def revoke(self, refresh: str) -> None:
        """End the sign-in a refresh token belongs to, access tokens included; one that is not alive is left alone."""
        found = await self._find(refresh, "refresh")
        if found is None:
            return
        async with self._database.transaction(found.holder.tenant_id) as connection:
            await proofs.end_family(connection, found.holder.tenant_id, found.family_id)
            await tell(connection, found.holder, "auth.logout", {"family": str(found.family_id)})

    async def _find(self, token: str, kind: Kind) -> StoredToken | None:
        if not token.startswith(_BEGINNINGS[kind]) or len(token) > _LONGEST_TOKEN or not token.isascii():
            return None
        async with self._database.connection() as connection:
            return await proofs.token(connection, self._digest(token), kind, self._clock.now())

    async def _mint(self, connection: Connection, person: Person, family_id: UUID, signed_in_at: datetime) -> Pair:
        now = self._clock.now()
        ends: dict[Kind, datetime] = {"access": now + ACCESS, "refresh": min(now + REFRESH, signed_in_at + LONGEST)}
        made = {kind: self._new_token(kind) for kind in ends}
        rows = [
            NewToken(
                tenant_id=person.tenant_id,
                user_id=person.user_id,
                family_id=family_id,
                kind=kind,
                token_digest=self._digest(token),
                signed_in_at=signed_in_at,
                expires_at=ends[kind],
            )
            for kind, token in made.items()
        ]
        if not await proofs.keep_tokens(connection, rows):
            raise Refused(_OVER)
        return Pair(access=made["access"], refresh=made["refresh"], expires_in=int(ACCESS.total_seconds()))

    def _new_token(self, kind: Kind) -> str:
        secret = base64.urlsafe_b64encode(self._random_bytes(_TOKEN_BYTES)).rstrip(b"=").decode()
        return _BEGINNINGS[kind] + secret

    def _digest(self, token: str) -> bytes:
        return self._keys.token_digest(f"api:{token}")
