"""The desk: everything that recognises people, built once and handed to pages and API."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import msgspec

from pms_sync.auth.attempts import FORGOTTEN_AFTER, Attempts
from pms_sync.auth.passwords import Passwords
from pms_sync.auth.proving import Proving
from pms_sync.auth.sessions import Sessions
from pms_sync.auth.tokens import Tokens
from pms_sync.domain.clock import Clock
from pms_sync.domain.ids import NewId
from pms_sync.store import attempts, proofs
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """The parts, joined over one database."""

    database: Database
    keys: KeyRing
    clock: Clock
    attempts: Attempts
    proving: Proving
    sessions: Sessions
    tokens: Tokens

    async def prune(self) -> int:
        """Let ended sessions and tokens and forgotten failures go; returns how many."""
        now = self.clock.now()
        async with self.database.connection() as connection:
            ended = await proofs.prune(connection, now)
            return ended + await attempts.prune(connection, now - FORGOTTEN_AFTER)


def open_desk(
    database: Database,
    keys: KeyRing,
    clock: Clock,
    new_id: NewId,
    *,
    passwords: Passwords | None = None,
    random_bytes: Callable[[int], bytes] = secrets.token_bytes,
) -> Desk:
    """Join the parts; nothing is read yet."""
    tries = Attempts(database, keys, clock, random_bytes)
    return Desk(
        database=database,
        keys=keys,
        clock=clock,
        attempts=tries,
        proving=Proving(database, passwords or Passwords(random_bytes), tries, clock),
        sessions=Sessions(database, keys, clock, new_id, random_bytes),
        tokens=Tokens(database, keys, clock, new_id, random_bytes),
    )
