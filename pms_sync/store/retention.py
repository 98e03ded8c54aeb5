"""Retention: raw records past their months go, a month at a time, and never one that somebody still waits for.

What a vendor said is kept for replay and for questions; what we hold of an object stands in its link, and does not need
the body it was read from.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

import asyncpg

from pms_sync.store.database import WORKER, Connection

_NAME = re.compile(r"^raw_records_(\d{4})_(\d{2})$")
_MONTHS = "SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'raw_records'::regclass"
_NEEDED = """
SELECT EXISTS (SELECT FROM events e JOIN {month} r ON r.raw_id = e.raw_id
                WHERE e.state IN ('waiting', 'leased', 'parked'))
    OR EXISTS (SELECT FROM deliveries d JOIN {month} r ON r.raw_id = d.raw_id WHERE d.state IN ('waiting', 'parked'))
"""
# A block that stands for years is compared by the stream its record came with.
_STANDING = """
SELECT r.raw_id FROM {month} r
  JOIN links l ON l.raw_id = r.raw_id AND l.tenant_id = r.tenant_id AND l.level = 'block'
  JOIN blocks b ON b.tenant_id = l.tenant_id AND b.block_id = l.object_id AND NOT b.gone AND b.departure >= $1
"""
_CARRY = """
WITH old AS (DELETE FROM raw_records WHERE raw_id = ANY($1::bigint[]) RETURNING *)
INSERT INTO raw_records (raw_id, tenant_id, account_id, stream, ref, digest, sealed)
SELECT raw_id, tenant_id, account_id, stream, ref, digest, sealed FROM old
"""


async def drop_old_months(connection: Connection, today: date, months: int) -> list[str]:
    """Drop the partitions that ended more than `months` months ago; returns their names.

    One that a waiting or parked row points into stays until that row is done. Needs the owner's rights, as making
    partitions does; what is busy is tried again the next time.
    """
    dropped: list[str] = []
    try:
        for name in _past(await connection.fetch(_MONTHS), today, months):
            async with connection.transaction():
                if await _dropped(connection, name, today):
                    dropped.append(name)
    except asyncpg.LockNotAvailableError:
        return dropped
    return dropped


def _past(rows: Sequence[asyncpg.Record], today: date, months: int) -> list[str]:
    """Return the partitions whose last day lies before the kept months, oldest first."""
    oldest_kept = today.year * 12 + today.month - 1 - months
    named = [found for row in rows if (found := _NAME.match(row["name"]))]
    return sorted(found[0] for found in named if int(found[1]) * 12 + int(found[2]) - 1 < oldest_kept)


async def _dropped(connection: Connection, month: str, today: date) -> bool:
    await connection.execute("SET LOCAL ROLE NONE; SET LOCAL lock_timeout = '2s'")
    if await connection.fetchval(_NEEDED.format(month=month)):
        return False
    # Whoever has seen a row of this month and not committed yet may be about to point to it.
    await connection.execute("LOCK TABLE raw_records IN ACCESS EXCLUSIVE MODE")
    if await connection.fetchval(_NEEDED.format(month=month)):
        return False
    standing = [row["raw_id"] for row in await connection.fetch(_STANDING.format(month=month), today)]
    if standing:
        await _carry(connection, standing)
    await connection.execute(f"DROP TABLE {month}")
    return True


async def _carry(connection: Connection, raw_ids: Sequence[int]) -> None:
    """Move these records into the present month under their own ids; only the worker may write rows of all tenants."""
    await connection.execute(f'SET LOCAL ROLE "{WORKER}"')
    await connection.execute(_CARRY, list(raw_ids))
    await connection.execute("SET LOCAL ROLE NONE")
