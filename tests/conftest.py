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

from pms_sync.embedded import EmbeddedPostgres


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a server without fsync, from PMS_SYNC_PG_BIN where that is set."""
    given = os.environ.get("PMS_SYNC_PG_BIN")
    server = EmbeddedPostgres(
        tmp_path_factory.mktemp("pg"), Path(given) if given else None, fsync=False, settings={"max_connections": "100"}
    )
    yield asyncio.run(server.start())
    asyncio.run(server.stop())


@pytest_asyncio.fixture
async def empty_database(postgres: str) -> AsyncIterator[str]:
    """Give the address of a fresh, empty database."""
    name = f"empty_{uuid.uuid4().hex}"
    server = await asyncpg.connect(postgres)
    await server.execute(f"CREATE DATABASE {name}")
    yield postgres.replace("/pms_sync?", f"/{name}?")
    await server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    await server.close()
