"""Sessions of the pages: a random token in a cookie, known here by its digest, alive while it is used and not too old.

A session is looked up for every request together with its person, so that signing out, disabling somebody or taking a
role away counts from the next request on.
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
from pms_sync.store import proofs
from pms_sync.store.database import Database, use_tenant
from pms_sync.store.proofs import NewSession, StoredSession
from pms_sync.store.sealing import KeyRing

IDLE, ABSOLUTE = timedelta(hours=2), timedelta(hours=12)
_TOUCH_EVERY = timedelta(minutes=1)
_TOKEN_BYTES = 32
_LONGEST_TOKEN = 100


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A session that is alive; `csrf` is what every form of it carries."""

    session_id: UUID
    person: Person
    csrf: str
    expires_at: datetime


class Sessions:
    """Opens, checks and ends sessions; one object per process."""

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

    async def open(self, person: Person, address: bytes) -> tuple[str, Session]:
        """Open a session for somebody who has just proved themselves; returns its token and the session.

        `address` is a digest (Attempts.address). Raises Refused when they were disabled meanwhile.
        """
        token, secret, now = self._new_token(), self._random_bytes(_TOKEN_BYTES), self._clock.now()
        new = NewSession(
            tenant_id=person.tenant_id,
            user_id=person.user_id,
            session_id=self._new_id(),
            token_digest=self._digest(token),
            csrf_secret=secret,
            ip_digest=address,
            created_at=now,
            expires_at=now + ABSOLUTE,
        )
        async with self._database.connection() as connection:
            if not await proofs.open_session(connection, new):
                raise Refused
        return token, Session(session_id=new.session_id, person=person, csrf=_text(secret), expires_at=new.expires_at)

    async def check(self, token: str, *, touch: bool = True) -> Session | None:
        """Return the session of a token, None when it is not alive; `touch` counts the request as use of it."""
        if not _can_be_token(token):
            return None
        now = self._clock.now()
        async with self._database.connection() as connection:
            found = await proofs.session(connection, self._digest(token), now, now - IDLE)
            if found is None:
                return None
            if touch and now - found.last_seen_at > _TOUCH_EVERY:
                await proofs.touch(connection, found, now)
        return _session(found)

    async def rotate(self, token: str) -> str | None:
        """Give the session another token and return it; the old one is dead. None when it was not alive."""
        fresh = self._new_token()
        async with self._database.connection() as connection:
            replaced = await proofs.replace_token(
                connection, self._digest(token), self._digest(fresh), self._clock.now()
            )
        return fresh if replaced else None

    async def end(self, token: str) -> None:
        """End the session; one that is not alive is left alone."""
        if not _can_be_token(token):
            return
        async with self._database.transaction() as connection:
            holder = await proofs.end_session(connection, self._digest(token))
            if holder is not None:
                await use_tenant(connection, holder.tenant_id)
                await tell(connection, holder, "auth.logout", {})

    def _new_token(self) -> str:
        return _text(self._random_bytes(_TOKEN_BYTES))

    def _digest(self, token: str) -> bytes:
        return self._keys.token_digest(f"session:{token}")


def _session(found: StoredSession) -> Session:
    return Session(
        session_id=found.session_id,
        person=person_of(found.holder),
        csrf=_text(found.csrf_secret),
        expires_at=found.expires_at,
    )


def _can_be_token(token: str) -> bool:
    return 0 < len(token) <= _LONGEST_TOKEN and token.isascii()


def _text(secret: bytes) -> str:
    return base64.urlsafe_b64encode(secret).rstrip(b"=").decode()
