"""Tokens: what a connector keeps of its log-in; sealed, shared by the accounts of a login, refreshed by one alone."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg

from pms_sync.domain.errors import Unavailable
from pms_sync.store import accounts
from pms_sync.store.accounts import Account
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing

_PATIENCE_MS = 60_000


class AccountTokens:
    """The TokenStore of one account (ports.connector)."""

    def __init__(self, database: Database, keys: KeyRing, account: Account) -> None:
        """Open nothing yet."""
        self._database, self._keys, self._account = database, keys, account

    async def load(self) -> Mapping[str, str]:
        """Return what was stored last, empty at first; raises Unavailable."""
        async with self._database.connection() as connection:
            return await accounts.tokens(connection, self._keys, self._account)

    async def save(self, tokens: Mapping[str, str]) -> None:
        """Store for every account of the login, committed before this returns; raises Unavailable."""
        async with self._database.transaction() as connection:
            await accounts.save_tokens(connection, self._keys, self._account, tokens)

    @asynccontextmanager
    async def refreshing(self) -> AsyncIterator[None]:
        """Hold the login's lock, so that one daemon of all refreshes; raises Unavailable after a minute of waiting.

        The lock belongs to a connection, not to a transaction: none is open while the vendor is asked.
        """
        lock = _lock_number(self._account.login_digest or self._account.account_id.bytes)
        async with self._database.session() as connection:
            await connection.execute(f"SET lock_timeout = {_PATIENCE_MS}")
            try:
                await connection.execute("SELECT pg_advisory_lock($1)", lock)
            except asyncpg.LockNotAvailableError as error:
                what, remedy = "another daemon keeps refreshing this login", "wait, or look at that daemon's log"
                raise Unavailable(what, f"account {self._account.account_id}", remedy) from error
            try:
                yield
            finally:
                await connection.execute("SELECT pg_advisory_unlock($1)", lock)
                await connection.execute("RESET lock_timeout")


def login_digest(keys: KeyRing, tenant_id: UUID, vendor: str, credentials: Mapping[str, str]) -> bytes:
    """Return what two accounts of one login have in common, without telling the credentials."""
    told = "\0".join(f"{name}={value}" for name, value in sorted(credentials.items()))
    return keys.digest(tenant_id, f"login:{vendor}", told.encode())


def _lock_number(login: bytes) -> int:
    return int.from_bytes(hashlib.sha256(b"token refresh" + login).digest()[:8], signed=True)
