"""Leases: prolonged while the work on claimed lanes lasts; a slow vendor, or one without credits, is no dead worker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from uuid import UUID

from pms_sync.domain.errors import Unavailable
from pms_sync.store import lanes
from pms_sync.store.database import Database

LEASE_S = 12.0  # prolonged while a batch lasts; what a killed daemon held is free again after it


@asynccontextmanager
async def kept(database: Database, keys: Sequence[str], owner: UUID) -> AsyncIterator[None]:
    """Prolong the leases of this owner's lanes until the work is done."""
    keeper = asyncio.create_task(_keep(database, keys, owner), name=f"leases of {owner}")
    try:
        yield
    finally:
        keeper.cancel()
        await asyncio.wait({keeper})


async def _keep(database: Database, keys: Sequence[str], owner: UUID) -> None:
    while True:
        await asyncio.sleep(LEASE_S / 3)
        with suppress(Unavailable):
            async with database.connection() as connection:
                await lanes.extend(connection, keys, owner, LEASE_S)
