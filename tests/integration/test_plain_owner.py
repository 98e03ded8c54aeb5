"""The owner role of a server database is no superuser: it migrates, and the daemon acts under its roles."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest_asyncio

from pms_sync.store.database import Database
from pms_sync.store.migrations import migrate
from tests.conftest import Postgres
from tests.integration.conftest import run_sql, with_database

TABLES = ("cursors", "sweeps", "lanes", "events")
WORK = (
    "INSERT INTO cursors (tenant_id, account_id, stream) VALUES ($1, $2, $3)",
    (
        "INSERT INTO sweeps (tenant_id, account_id, stream, sweep_id, kind, dimension, range_from, range_to, position) "
        "VALUES ($1, $2, $3, gen_random_uuid(), 'k', 'd', now(), now(), now())"
    ),
    "INSERT INTO lanes (tenant_id, account_id, stream, lane_key, ref) VALUES ($1, $2, $3, $3, '1')",
    (
        "INSERT INTO events (tenant_id, account_id, stream, lane_key, kind, ref, correlation_id) "
        "VALUES ($1, $2, $3, $3, 'poll', '1', 'c')"
    ),
)


@pytest_asyncio.fixture
async def plain(postgres: Postgres) -> AsyncIterator[str]:
    """Give the address of a database at head that belongs to such an owner."""
    owner, name = f"owner_{uuid.uuid4().hex[:8]}", f"plain_{uuid.uuid4().hex[:8]}"
    server = postgres.dsn("postgres")
    # The roles may be there already from other tests of this server; then somebody has to grant them once.
    await run_sql(server, f"CREATE ROLE {owner} LOGIN CREATEROLE")
    await run_sql(server, f"CREATE DATABASE {name} OWNER {owner}")
    superuser = await asyncpg.connect(server)
    try:
        for role in await superuser.fetch("SELECT rolname FROM pg_roles WHERE rolname LIKE 'pms_sync_%'"):
            # What creating a role gives its creator: from 16 on he may administer it, not become it.
            modern = superuser.get_server_version().major >= 16
            options = "ADMIN TRUE, SET FALSE, INHERIT FALSE" if modern else "ADMIN OPTION"
            await superuser.execute(f'GRANT "{role["rolname"]}" TO {owner} WITH {options}')
    finally:
        await superuser.close()
    dsn = with_database(server, name).replace("pms@", f"{owner}@")
    await migrate(dsn)
    yield dsn
    await run_sql(server, f"DROP DATABASE {name} WITH (FORCE)", f"DROP OWNED BY {owner}", f"DROP ROLE {owner}")


async def test_an_owner_who_may_only_create_roles_migrates_and_becomes_the_worker(plain: str) -> None:
    database = await Database.connect(plain, size=1)
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT current_user") == "pms_sync_worker"
    await database.close()


async def test_the_way_down_leaves_nothing_of_a_stream_that_older_versions_do_not_know(plain: str) -> None:
    """They would stumble over its cursor for ever; what is of other streams stays, and stays protected."""
    tenant, place, account = (uuid.uuid4() for _ in range(3))
    database = await Database.connect(plain, size=1)
    async with database.transaction(tenant) as connection:
        await connection.execute("INSERT INTO tenants (tenant_id, code) VALUES ($1, 't1')", tenant)
        await connection.execute(
            "INSERT INTO properties (tenant_id, property_id, code, name, timezone, currency) "
            "VALUES ($1, $2, 'P1', 'One', 'Europe/Madrid', 'EUR')",
            tenant,
            place,
        )
        await connection.execute(
            "INSERT INTO accounts (tenant_id, account_id, property_id, vendor, property_ref, role) "
            "VALUES ($1, $2, $3, 'mews', '7', 'pms')",
            tenant,
            account,
            place,
        )
        for stream in ("room_status", "reservations"):
            for statement in WORK:
                await connection.execute(statement, tenant, account, stream)
    await migrate(plain, "0015")
    async with database.connection() as connection:
        for table in TABLES:
            left = await connection.fetch(f"SELECT DISTINCT stream FROM {table}")
            assert [row["stream"] for row in left] == ["reservations"]
            assert await connection.fetchval("SELECT relforcerowsecurity FROM pg_class WHERE relname = $1", table)
    await database.close()
