"""The end of a backfill beside a daemon: what another worker holds is waited for, and what it parked is counted."""

from __future__ import annotations

import uuid

import pytest

from pms_sync.domain.errors import Unavailable
from pms_sync.ingest.settling import settle
from pms_sync.store import filled, lanes
from pms_sync.store.database import Database
from tests.integration.test_filling import BOOKINGS, Desk, desk

__all__ = ["desk"]
PARK = "UPDATE events SET state = 'parked', outcome = 'parked', done_at = now() WHERE state IN ('waiting', 'leased')"


async def _claimed_elsewhere(desk: Desk, database: Database) -> None:
    account = desk.runtime.account
    await desk.reader.run(desk.runtime)
    async with database.transaction(account.tenant_id) as connection:
        await lanes.claim(connection, account.account_id, uuid.uuid4(), BOOKINGS, 600)


async def test_what_another_worker_holds_is_waited_for_and_counted(desk: Desk, database: Database) -> None:
    account = desk.runtime.account
    async with database.connection() as connection:
        began_at = await filled.database_time(connection)
    await _claimed_elsewhere(desk, database)

    async def meanwhile(_seconds: float) -> None:
        async with database.transaction(account.tenant_id) as connection:
            await connection.execute(PARK)

    await settle(database, desk.worker, account.account_id, sleep=meanwhile)
    async with database.connection() as connection:
        told = await filled.since(connection, account.account_id, began_at)
        later = await filled.since(connection, account.account_id, await filled.database_time(connection))
    assert (told.waiting, told.parked, later.parked) == (0, BOOKINGS, 0)


async def test_what_nobody_finishes_is_told(desk: Desk, database: Database) -> None:
    await _claimed_elsewhere(desk, database)

    async def in_vain(_seconds: float) -> None:
        return

    with pytest.raises(Unavailable, match=f"{BOOKINGS} records that were read are still waiting"):
        await settle(database, desk.worker, desk.runtime.account.account_id, sleep=in_vain)
