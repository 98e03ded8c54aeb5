"""Recount: the type counters against the stays and blocks themselves, and what differs put right (INV-10).

The counters move with the stays in one transaction, so one snapshot shows both as they belong together. What differs is
put right by its difference: whatever moves the counter meanwhile is neither lost nor counted twice.
"""

from __future__ import annotations

from uuid import UUID

import asyncpg

from pms_sync.domain.ids import NewId
from pms_sync.store import audit, claims, crosswalk
from pms_sync.store.alone import alone
from pms_sync.store.database import Connection, Database

_ACTOR = "daemon"
_TAKEN = """
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
SELECT y.property_id, y.code, y.room_type_id, date,
       coalesce(i.booked, 0) AS booked, coalesce(d.booked, 0) AS due_booked,
       coalesce(i.out_of_order, 0) AS blocked, coalesce(d.blocked, 0) AS due_blocked
  FROM due d FULL JOIN (SELECT * FROM inventory WHERE tenant_id = $1) AS i USING (room_type_id, date)
  JOIN room_types y ON y.tenant_id = $1 AND y.room_type_id = coalesce(d.room_type_id, i.room_type_id)
 WHERE (coalesce(i.booked, 0), coalesce(i.out_of_order, 0)) <> (coalesce(d.booked, 0), coalesce(d.blocked, 0))
 ORDER BY 1, 3, 4
"""


async def recount(database: Database, new_id: NewId) -> int:
    """Put every counter right, tenant by tenant, and audit each; returns how many were wrong. Raises Unavailable.

    Where somebody else is counting, nothing is done.
    """
    async with alone(database, "recount") as mine:
        if not mine:
            return 0
        async with database.connection() as connection:
            tenants = [row["tenant_id"] for row in await connection.fetch("SELECT tenant_id FROM tenants ORDER BY 1")]
        wrong = 0
        for tenant_id in tenants:
            async with database.transaction(tenant_id) as connection:
                wrong += await _put_right(connection, tenant_id, str(new_id()))
        return wrong


async def _put_right(connection: Connection, tenant_id: UUID, correlation_id: str) -> int:
    rows = await connection.fetch(_TAKEN, tenant_id)
    for property_id in sorted({row["property_id"] for row in rows}):
        catalogue = await crosswalk.load_catalogue(connection, tenant_id, property_id)
        found = [row for row in rows if row["property_id"] == property_id]
        steps = {
            (row["room_type_id"], row["date"]): (row["due_booked"] - row["booked"], row["due_blocked"] - row["blocked"])
            for row in found
        }
        await claims.count(connection, tenant_id, steps, catalogue.totals, catalogue.allowances)
    await audit.append(connection, tenant_id, [_entry(row, correlation_id) for row in rows])
    return len(rows)


def _entry(row: asyncpg.Record, correlation_id: str) -> audit.Entry:
    return audit.Entry(
        actor=_ACTOR,
        action="inventory.repaired",
        entity_type="inventory",
        entity_id=f"{row['room_type_id']}:{row['date']}",
        fields={
            "room_type": [row["code"], row["code"]],
            "booked": [row["booked"], row["due_booked"]],
            "out_of_order": [row["blocked"], row["due_blocked"]],
        },
        correlation_id=correlation_id,
    )
