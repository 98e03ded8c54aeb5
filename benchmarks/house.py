"""The house under measurement: an embedded PostgreSQL that syncs to the disk, a migrated database, and hotels in it."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import asyncpg
import msgspec

from benchmarks.sample import Sample
from pms_sync.embedded import EmbeddedPostgres
from pms_sync.store import accounts, hotels, upkeep
from pms_sync.store.accounts import Account
from pms_sync.store.database import Database, use_tenant
from pms_sync.store.migrations import migrate
from pms_sync.store.sealing import KeyRing

MASTER_KEY = bytes(range(32))


class RealClock:
    """The time as it is."""

    def now(self) -> datetime:
        """Return the current instant in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never step back."""
        return time.monotonic()


class House(msgspec.Struct, frozen=True):
    """An open database with the keys of its tenants."""

    dsn: str
    database: Database
    keys: KeyRing

    async def hotel(self, sample: Sample, tenant: str) -> Account:
        """Move a hotel in, under a tenant of its own."""
        async with self.database.transaction() as connection:
            tenant_id = await hotels.ensure_tenant(connection, tenant, uuid4)
            await use_tenant(connection, tenant_id)
            await self.keys.ensure(connection, tenant_id)
            property_id = await hotels.upsert_property(connection, tenant_id, sample.property_facts("P1"), uuid4)
            account_id = await hotels.upsert_account(connection, tenant_id, property_id, sample.account_facts(), uuid4)
            [account] = await accounts.load(connection, [account_id])
        return account

    async def count(self, account: Account, query: str) -> int:
        """Count something of the account's tenant."""
        async with self.database.transaction(account.tenant_id) as connection:
            found: int = await connection.fetchval(query)
        return found

    async def version(self) -> str:
        """Return the server's version."""
        async with self.database.connection() as connection:
            told: str = await connection.fetchval("SELECT current_setting('server_version')")
        return told


@asynccontextmanager
async def server(folder: Path) -> AsyncIterator[str]:
    """Run a server as `pms-sync run` does, fsync on, that also remembers when each transaction was committed.

    Gives the address of its first database.
    """
    embedded = EmbeddedPostgres(folder, settings={"track_commit_timestamp": "on"})
    yield await embedded.start()
    await embedded.stop()


@asynccontextmanager
async def fresh_house(dsn: str, name: str, *, pool: int = 8) -> AsyncIterator[House]:
    """Make a database of that name at head, and drop it afterwards."""
    await _run(dsn, f"CREATE DATABASE {name}")
    address = urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))
    await migrate(address)
    database = await Database.connect(address, size=pool)
    async with database.connection() as connection:
        await upkeep.ensure_partitions(connection, datetime.now(UTC).date())
    await _run(dsn, "CHECKPOINT")
    yield House(address, database, KeyRing(MASTER_KEY))
    await database.close()
    await _run(dsn, f"DROP DATABASE {name} WITH (FORCE)")


async def _run(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
