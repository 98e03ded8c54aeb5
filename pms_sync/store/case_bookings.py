"""The bookings that cases are about: who comes, when, through what, and which vendors show it; read only."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

import msgspec

from pms_sync.domain.reservation import Guest
from pms_sync.store.database import Connection
from pms_sync.store.explain import masked
from pms_sync.store.sealing import KeyRing

Row: TypeAlias = Mapping[str, Any]


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """One reservation in short; `guest` is its booker's name, masked unless the reader may see names."""

    reservation_id: UUID
    status: str
    channel: str | None
    channel_reference: str | None
    currency: str | None
    total: Decimal | None
    arrival: date | None
    departure: date | None
    vendors: tuple[str, ...]
    guest: str | None


_BOOKINGS = """
SELECT r.reservation_id, r.status, r.channel, r.channel_reference, r.currency, r.total, s.arrival, s.departure,
       coalesce(s.vendors, '{}') AS vendors
  FROM reservations r
  LEFT JOIN LATERAL (
       SELECT min(arrival) AS arrival, max(departure) AS departure,
              array_agg(DISTINCT vendor) FILTER (WHERE vendor IS NOT NULL) AS vendors
         FROM room_stays s WHERE s.tenant_id = r.tenant_id AND s.reservation_id = r.reservation_id) AS s ON true
 WHERE r.tenant_id = $1 AND r.reservation_id = ANY($2::uuid[])
"""
_BOOKERS = """
SELECT DISTINCT ON (reservation_id) reservation_id, role, position, contact FROM guests
 WHERE tenant_id = $1 AND reservation_id = ANY($2::uuid[]) AND NOT erased AND contact IS NOT NULL
 ORDER BY reservation_id, role, position
"""


async def load(
    connection: Connection, keys: KeyRing, tenant_id: UUID, reservation_ids: Iterable[UUID], *, names: bool
) -> dict[UUID, Booking]:
    """Return these bookings by id (inside a transaction of the tenant); `names` opens who comes."""
    wanted = sorted(set(reservation_ids))
    if not wanted:
        return {}
    guests = await guest_names(connection, keys, tenant_id, wanted, names=names)
    rows = await connection.fetch(_BOOKINGS, tenant_id, wanted)
    return {
        row["reservation_id"]: Booking(
            **{**row, "vendors": tuple(row["vendors"])}, guest=guests.get(row["reservation_id"])
        )
        for row in rows
    }


async def guest_names(
    connection: Connection, keys: KeyRing, tenant_id: UUID, reservation_ids: Sequence[UUID], *, names: bool
) -> dict[UUID, str]:
    """Return the name of each reservation's booker, else of its first guest; nobody who was erased or has no name."""
    found: dict[UUID, str] = {}
    for row in await connection.fetch(_BOOKERS, tenant_id, list(reservation_ids)):
        reservation_id = row["reservation_id"]
        place = f"guests.contact:{reservation_id}:{row['role']}:{row['position']}"
        guest = msgspec.json.decode(keys.open(tenant_id, place, row["contact"]), type=Guest)
        told = [part for part in (guest.first_name, guest.last_name) if isinstance(part, str) and part.strip()]
        if told:
            found[reservation_id] = " ".join(told if names else filter(None, map(masked, told)))
    return found


_STAYS = """
SELECT s.*, t.code AS room_type, t.name AS room_type_name, m.code AS room FROM room_stays s
  LEFT JOIN room_types t ON t.tenant_id = s.tenant_id AND t.room_type_id = s.room_type_id
  LEFT JOIN rooms m ON m.tenant_id = s.tenant_id AND m.room_id = s.room_id
 WHERE s.tenant_id = $1 AND s.reservation_id = ANY($2::uuid[])
 ORDER BY s.arrival, length(s.vendor_ref), s.vendor_ref, s.stay_id
"""


async def stays(connection: Connection, tenant_id: UUID, reservation_ids: Sequence[UUID]) -> list[Row]:
    """Return the room stays of these reservations with the codes of their rooms, by arrival."""
    return list(await connection.fetch(_STAYS, tenant_id, list(reservation_ids)))
