"""Valve: how many live stays of an account there are, and whether a person let a mass change through."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from pms_sync.store.database import Connection

_LIVE = "s.status IN ('hold', 'confirmed', 'checked_in')"
_COUNT = f"""
SELECT count(*) AS live, count(*) FILTER (WHERE s.vendor_ref = ANY($3::text[])) AS touched FROM room_stays s
 WHERE s.tenant_id = $1 AND s.account_id = $2 AND {_LIVE} AND s.departure >= current_date
"""  # noqa: S608 - a constant
_LET_THROUGH = """
SELECT EXISTS (SELECT FROM cases WHERE tenant_id = $1 AND kind = 'mass_change' AND subject = $2
                  AND state = 'resolved' AND resolved_at > now() - interval '1 hour')
"""


async def count(connection: Connection, tenant_id: UUID, account_id: UUID, refs: Sequence[str]) -> tuple[int, int]:
    """Return how many stays of the account are still to come or in the house, and how many of these refs are."""
    row = await connection.fetchrow(_COUNT, tenant_id, account_id, list(refs))
    return row["live"], row["touched"]


async def let_through(connection: Connection, tenant_id: UUID, subject: str) -> bool:
    """Tell whether a person looked at the mass change of this subject within the hour and let it through."""
    told: bool = await connection.fetchval(_LET_THROUGH, tenant_id, subject)
    return told
