"""The owner role of a server database is no superuser: it migrates, and the daemon acts under its roles."""

from __future__ import annotations

import uuid

import asyncpg

from pms_sync.store.database import Database
from pms_sync.store.migrations import migrate
from tests.conftest import Postgres
from tests.integration.conftest import run_sql, with_database


async def test_an_owner_who_may_only_create_roles_migrates_and_becomes_the_worker(postgres: Postgres) -> None:
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
    database = await Database.connect(dsn, size=1)
    try:
        async with database.connection() as connection:
            assert await connection.fetchval("SELECT current_user") == "pms_sync_worker"
    finally:
        await database.close()
        await run_sql(server, f"DROP DATABASE {name} WITH (FORCE)", f"DROP OWNED BY {owner}", f"DROP ROLE {owner}")
