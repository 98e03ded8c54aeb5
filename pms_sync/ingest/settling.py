"""Settling: the end of a backfill, when nothing that was read waits any more, whoever worked on it."""

from __future__ import annotations

import asyncio
from uuid import UUID

from pms_sync.domain.errors import Unavailable
from pms_sync.ingest.worker import Worker
from pms_sync.ports.connector import Sleep
from pms_sync.store import filled
from pms_sync.store.database import Database

_WAIT_S, _LONGEST_WAIT_S = 0.2, 60.0


async def settle(database: Database, worker: Worker, account_id: UUID, *, sleep: Sleep = asyncio.sleep) -> None:
    """Work, beside a daemon that may hold some of it, until no backfill record of the account waits.

    Raises Unavailable when for a minute none of what waits is finished.
    """
    waited, least = 0.0, None
    async with database.connection() as connection:
        began_at = await filled.database_time(connection)
    while True:
        await worker.drain(account_id)
        async with database.connection() as connection:
            left = (await filled.since(connection, account_id, began_at)).waiting
        if not left:
            return
        if least is None or left < least:
            waited, least = 0.0, left
        if waited >= _LONGEST_WAIT_S:
            what = f"{left} records that were read are still waiting"
            raise Unavailable(what, f"account {account_id}", "look at `accounts list`: a paused account keeps its work")
        await sleep(_WAIT_S)
        waited += _WAIT_S
