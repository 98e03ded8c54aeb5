"""The rooms around a collision: who has which room of the type on which nights; read only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

import msgspec

from pms_sync.store import case_bookings
from pms_sync.store.database import Connection
from pms_sync.store.sealing import KeyRing


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """What has a room: a stay, or a block with its kind as `status`; equal dates are day use."""

    holder_id: UUID
    reservation_id: UUID | None
    arrival: date
    departure: date
    status: str
    vendor_ref: str | None
    guest: str | None = None

    @property
    def is_block(self) -> bool:
        """Tell a block from a stay."""
        return self.reservation_id is None


class RoomLine(msgspec.Struct, frozen=True, kw_only=True):
    """One room of the type with all that has it within the days looked at."""

    room_id: UUID
    code: str
    holders: tuple[Holder, ...]


# Claims are found by their key, room by room; stays have no index by room.
_HELD = """
SELECT m.room_id, m.code, array_agg(DISTINCT k.holder_id) FILTER (WHERE k.holder_id IS NOT NULL) AS holders
  FROM rooms w
  JOIN rooms m ON m.tenant_id = w.tenant_id AND m.property_id = w.property_id AND m.room_type_id = w.room_type_id
  LEFT JOIN room_units u ON u.tenant_id = m.tenant_id AND u.room_id = m.room_id
  LEFT JOIN room_claims k ON k.tenant_id = u.tenant_id AND k.unit_id = u.unit_id AND k.date BETWEEN $4 AND $5
 WHERE w.tenant_id = $1 AND w.property_id = $2 AND w.code = $3
 GROUP BY m.room_id, m.code ORDER BY length(m.code), m.code
"""
_HOLDERS = """
SELECT stay_id AS holder_id, reservation_id, arrival, departure, status, vendor_ref FROM room_stays
 WHERE tenant_id = $1 AND stay_id = ANY($2::uuid[])
UNION ALL
SELECT block_id, NULL, arrival, departure, kind, vendor_ref FROM blocks
 WHERE tenant_id = $1 AND block_id = ANY($2::uuid[])
"""


async def around(  # noqa: PLR0913 - a room of a property, days, and for whose eyes
    connection: Connection,
    keys: KeyRing,
    tenant_id: UUID,
    property_id: UUID,
    room: str,
    days: tuple[date, date],
    *,
    names: bool,
) -> Sequence[RoomLine]:
    """Return the rooms of this room's type, by code, with what has them on these days (inside `acting`)."""
    rows = await connection.fetch(_HELD, tenant_id, property_id, room, *days)
    ids = sorted({one for row in rows for one in row["holders"] or ()})
    found = {row["holder_id"]: Holder(**row) for row in await connection.fetch(_HOLDERS, tenant_id, ids)}
    booked = sorted({one.reservation_id for one in found.values() if one.reservation_id is not None})
    guests = await case_bookings.guest_names(connection, keys, tenant_id, booked, names=names)
    named = {
        key: one if one.reservation_id is None else msgspec.structs.replace(one, guest=guests.get(one.reservation_id))
        for key, one in found.items()
    }
    return [
        RoomLine(
            room_id=row["room_id"],
            code=row["code"],
            holders=tuple(
                sorted((named[one] for one in row["holders"] or () if one in named), key=lambda held: held.arrival)
            ),
        )
        for row in rows
    ]
