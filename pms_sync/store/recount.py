"""Recount: the type counters against the stays and blocks themselves (INV-10).

The counters move with the stays in one transaction, so one snapshot shows both as they belong together.
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

import msgspec

from pms_sync.store.database import Connection


class Miscounted(msgspec.Struct, frozen=True, kw_only=True):
    """A counter as it stands, and as it is due."""

    property_id: UUID
    timezone: str
    code: str
    room_type_id: UUID
    date: date
    booked: int
    due_booked: int
    blocked: int
    due_blocked: int

    @property
    def step(self) -> tuple[int, int]:
        """Return what it has to move by, as (booked, out of order)."""
        return self.due_booked - self.booked, self.due_blocked - self.blocked


_WRONG = """
WITH due AS (
    SELECT t.room_type_id, n::date AS date, sum(t.booked) AS booked, sum(t.blocked) AS blocked
      FROM (SELECT room_type_id, arrival, departure, 1 AS booked, 0 AS blocked FROM room_stays
             WHERE tenant_id = $1 AND room_type_id IS NOT NULL AND status NOT IN ('cancelled', 'no_show')
               AND blocks_inventory
             UNION ALL
            SELECT room_type_id, arrival, departure, (kind = 'allotment')::int, (kind <> 'allotment')::int FROM blocks
             WHERE tenant_id = $1 AND room_type_id IS NOT NULL AND NOT gone
               AND kind IN ('out_of_order', 'owner', 'allotment')) AS t
     CROSS JOIN LATERAL generate_series(t.arrival, t.departure - 1, interval '1 day') AS n
     GROUP BY 1, 2
)
SELECT y.property_id, p.timezone, y.code, y.room_type_id, date,
       coalesce(i.booked, 0) AS booked, coalesce(d.booked, 0) AS due_booked,
       coalesce(i.out_of_order, 0) AS blocked, coalesce(d.blocked, 0) AS due_blocked
  FROM due d FULL JOIN (SELECT * FROM inventory WHERE tenant_id = $1) AS i USING (room_type_id, date)
  JOIN room_types y ON y.tenant_id = $1 AND y.room_type_id = coalesce(d.room_type_id, i.room_type_id)
  JOIN properties p ON p.tenant_id = $1 AND p.property_id = y.property_id
 WHERE (coalesce(i.booked, 0), coalesce(i.out_of_order, 0)) <> (coalesce(d.booked, 0), coalesce(d.blocked, 0))
 ORDER BY y.property_id, y.room_type_id, date
"""


async def miscounted(connection: Connection, tenant_id: UUID) -> list[Miscounted]:
    """Return the counters that are not what the stays and blocks take (inside a transaction of the tenant)."""
    return [Miscounted(**row) for row in await connection.fetch(_WRONG, tenant_id)]
