"""The pool: what is left on a connection's session is gone before the next one borrows it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from pms_sync.store.database import Database

LEFT = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"


@pytest_asyncio.fixture
async def single(migrated_database: str) -> AsyncIterator[Database]:
    """Open a pool of one connection, which everybody borrows in turn."""
    one = await Database.connect(migrated_database, size=1)
    yield one
    await one.close()


async def test_a_lock_and_a_setting_left_on_a_session_end_with_its_use(single: Database) -> None:
    async with single.session() as connection:
        await connection.execute("SET lock_timeout = 77")
        await connection.execute("SELECT pg_advisory_lock(1)")
    async with single.connection() as connection:
        assert await connection.fetchval("SHOW lock_timeout") == "0"
        assert await connection.fetchval(LEFT) == 0
        assert await connection.fetchval("SELECT current_user") == "pms_sync_worker"


async def test_a_transaction_leaves_nothing_on_its_session(single: Database) -> None:
    """I10: neither the tenant nor the haste of one use is met by the next one."""
    async with single.connection() as connection:
        await connection.execute("SET synchronous_commit TO local")
    async with single.transaction(durable=False) as connection:
        assert await connection.fetchval("SHOW synchronous_commit") == "off"
        await connection.execute("SELECT set_config('pms_sync.tenant', 'somebody', true)")
    async with single.connection() as connection:
        assert await connection.fetchval("SHOW synchronous_commit") == "local"
        assert await connection.fetchval("SELECT current_setting('pms_sync.tenant', true)") in (None, "")


async def test_a_transaction_cut_short_is_rolled_back_before_the_next_use(single: Database) -> None:
    connection = await single.pool.acquire()
    await connection.execute("BEGIN")
    await connection.execute("SELECT set_config('pms_sync.tenant', 'somebody', true)")
    await single.pool.release(connection)
    async with single.connection() as connection:
        assert await connection.fetchval("SELECT current_setting('pms_sync.tenant', true)") in (None, "")
        assert not connection.is_in_transaction()
