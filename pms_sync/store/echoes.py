"""Echoes: how many of our own changes came home per account and day, as they were sent or as something else.

A vendor that rewrites what it is sent shows as near misses, before two systems begin to correct each other in a loop.
"""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from pms_sync.store.database import Connection

_COUNT = """
INSERT INTO echoes (tenant_id, account_id, day, suppressed, near_misses)
SELECT $1, a, current_date, s, n FROM json_to_recordset($2::json) AS u(a uuid, s int, n int) ORDER BY a
ON CONFLICT (tenant_id, account_id, day) DO UPDATE
   SET suppressed = echoes.suppressed + excluded.suppressed, near_misses = echoes.near_misses + excluded.near_misses
"""


async def count(connection: Connection, tenant_id: UUID, found: Mapping[UUID, tuple[int, int]]) -> None:
    """Add (as sent, as something else) by account, in the transaction of the reads that showed it."""
    rows = [{"a": account_id, "s": same, "n": other} for account_id, (same, other) in found.items() if same or other]
    if rows:
        await connection.execute(_COUNT, tenant_id, rows)
