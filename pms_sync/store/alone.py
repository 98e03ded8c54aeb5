"""Alone: work that no two processes may do at the same time, however many replicas there are."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pms_sync.store.database import Database


@asynccontextmanager
async def alone(database: Database, name: str) -> AsyncIterator[bool]:
    """Hold the work of this name, or give False when somebody else does; it ends with whoever holds it, dead or not.

    The hold belongs to a connection of its own, on which no transaction is open meanwhile. Raises Unavailable.
    """
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
    async with database.session() as connection:
        mine: bool = await connection.fetchval("SELECT pg_try_advisory_lock($1)", number)
        try:
            yield mine
        finally:
            if mine:
                await connection.execute("SELECT pg_advisory_unlock($1)", number)
