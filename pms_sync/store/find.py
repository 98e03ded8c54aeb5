"""Find: which reservations a person may mean by a number: a vendor's reference, or an OTA's own number."""

from __future__ import annotations

from datetime import date
from uuid import UUID

import msgspec

from pms_sync.store.database import Connection, use_tenant


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """A reservation that the number fits, with what tells it from the others; `known_by` says whose number it is."""

    reservation_id: UUID
    tenant_code: str
    property_code: str
    known_by: str
    status: str
    arrival: date | None


_MATCHES = """
WITH known AS (
    SELECT l.reservation_id, a.vendor AS known_by FROM accounts a
      JOIN links l ON l.tenant_id = $1 AND l.account_id = a.account_id AND l.level IN ('reservation', 'stay')
                  AND l.vendor_ref = $2
     WHERE a.tenant_id = $1 AND l.reservation_id IS NOT NULL
     UNION ALL
    SELECT reservation_id, channel FROM reservations WHERE tenant_id = $1 AND channel_reference = $2
)
SELECT DISTINCT ON (r.reservation_id) r.reservation_id, $3::text AS tenant_code, p.code AS property_code,
       coalesce(k.known_by, '') AS known_by, r.status,
       (SELECT min(s.arrival) FROM room_stays s WHERE s.tenant_id = $1 AND s.reservation_id = r.reservation_id)
           AS arrival
  FROM known k
  JOIN reservations r ON r.tenant_id = $1 AND r.reservation_id = k.reservation_id
  JOIN properties p ON p.tenant_id = $1 AND p.property_id = r.property_id
 ORDER BY r.reservation_id DESC, k.known_by LIMIT $4
"""


async def by_number(connection: Connection, number: str, limit: int) -> list[Match]:
    """Return at most `limit` reservations of all tenants that the number fits, the newest of each tenant first.

    To the letter; takes a connection of the worker role outside a transaction.
    """
    found: list[Match] = []
    async with connection.transaction(readonly=True):
        for tenant in await connection.fetch("SELECT tenant_id, code FROM tenants ORDER BY code"):
            await use_tenant(connection, tenant["tenant_id"])
            left = limit - len(found)
            rows = await connection.fetch(_MATCHES, tenant["tenant_id"], number, tenant["code"], left)
            found += [Match(**row) for row in rows]
    return found
