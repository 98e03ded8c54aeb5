"""A real PostgreSQL for the tests: one embedded server a worker, a fresh database a test."""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings

from pms_sync.embedded import EmbeddedPostgres

# How fast a busy machine draws examples is no verdict on them; timings belong in benchmarks.
settings.register_profile("steady", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("steady")


class Postgres:
    """A running server and the addresses of its databases."""

    def __init__(self, dsn: str) -> None:
        """Keep the address of the database every server starts with."""
        self._dsn = dsn

    def dsn(self, database: str = "pms_sync") -> str:
        """Return the address of one database."""
        return self._dsn.replace("/pms_sync?", f"/{database}?")


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """Give a server without fsync, of the programs PMS_SYNC_PG_BIN names where that is set."""
    given = os.environ.get("PMS_SYNC_PG_BIN")
    server = EmbeddedPostgres(
        tmp_path_factory.mktemp("pg"),
        Path(given) if given else None,
        fsync=False,
        settings={"max_connections": "100", "max_wal_size": "2GB"},
    )
    yield Postgres(asyncio.run(server.start()))
    asyncio.run(server.stop())


@pytest_asyncio.fixture
async def empty_database(postgres: Postgres) -> AsyncIterator[str]:
    """Give the address of a fresh, empty database."""
    name = f"empty_{uuid.uuid4().hex}"
    server = await asyncpg.connect(postgres.dsn("postgres"))
    try:
        await server.execute(f"CREATE DATABASE {name}")
        yield postgres.dsn(name)
        await server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    finally:
        await server.close()
