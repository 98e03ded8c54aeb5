"""Filled: what became of the records that a backfill read, whoever worked on them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from pms_sync.store.database import Connection


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    """How many backfill records of an account wait or are worked on, and how many of them were parked."""

    waiting: int
    parked: int


async def database_time(connection: Connection) -> datetime:
    """Return the instant that a run begins now, by the clock that stamps the events."""
    now: datetime = await connection.fetchval("SELECT clock_timestamp()")
    return now


async def since(connection: Connection, account_id: UUID, start: datetime) -> Filled:
    """Count the account's open backfill events, and those that were parked since an instant."""
    row = await connection.fetchrow(
        "SELECT count(*) FILTER (WHERE state IN ('waiting', 'leased')) AS waiting, "
        "count(*) FILTER (WHERE state = 'parked' AND done_at >= $2) AS parked "
        "FROM events WHERE account_id = $1 AND kind = 'backfill' AND state IN ('waiting', 'leased', 'parked')",
        account_id,
        start,
    )
    return Filled(**row)
