"""What stands around the queue: how many cases there are of what, and how lately every property was read; read only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from pms_sync.store.database import Connection


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """How many open cases there are of one kind and severity at one property, and how many of them are late."""

    property_code: str
    property_name: str
    kind: str
    severity: int
    number: int
    overdue: int


class Looked(msgspec.Struct, frozen=True, kw_only=True):
    """When a property was last read.

    Its changes are known until `changes` (its slowest stream; None: one was never read); `whole` is the end of its last
    full read, of a backfill or a comparison.
    """

    property_code: str
    property_name: str
    timezone: str
    changes: datetime | None
    whole: datetime | None


_COUNTS = """
SELECT p.code AS property_code, p.name AS property_name, c.kind, c.severity, count(*) AS number,
       count(*) FILTER (WHERE c.due_at < $2) AS overdue
  FROM cases c JOIN properties p ON p.tenant_id = c.tenant_id AND p.property_id = c.property_id
 WHERE c.tenant_id = $1 AND c.state = 'open' GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4
"""
_LOOKED = """
SELECT p.code AS property_code, p.name AS property_name, p.timezone,
       CASE WHEN bool_and(c.last_success_at IS NOT NULL) THEN min(c.last_success_at) END AS changes,
       (SELECT max(s.finished_at) FROM sweeps s
          JOIN accounts b ON b.tenant_id = s.tenant_id AND b.account_id = s.account_id
         WHERE s.tenant_id = p.tenant_id AND b.property_id = p.property_id AND s.state = 'done') AS whole
  FROM properties p
  JOIN accounts a ON a.tenant_id = p.tenant_id AND a.property_id = p.property_id
  LEFT JOIN cursors c ON c.tenant_id = a.tenant_id AND c.account_id = a.account_id
 WHERE p.tenant_id = $1 GROUP BY p.tenant_id, p.property_id ORDER BY p.code
"""


async def counts(connection: Connection, tenant_id: UUID, now: datetime) -> list[Count]:
    """Return what is open, by property, kind and severity."""
    return [Count(**row) for row in await connection.fetch(_COUNTS, tenant_id, now)]


async def vendors(connection: Connection, tenant_id: UUID) -> Sequence[str]:
    """Return the vendors that the tenant has accounts with."""
    rows = await connection.fetch("SELECT DISTINCT vendor FROM accounts WHERE tenant_id = $1 ORDER BY 1", tenant_id)
    return [row["vendor"] for row in rows]


async def looked(connection: Connection, tenant_id: UUID) -> list[Looked]:
    """Return how lately every property with an account was read."""
    return [Looked(**row) for row in await connection.fetch(_LOOKED, tenant_id)]
