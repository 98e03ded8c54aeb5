"""Claims and counters: what makes a room sold twice impossible in the database (ARCHITECTURE §5).

Order of locks: units in id order, then releases, then sorted inserts, then type counters in (type, date) order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from pms_sync.store.database import Connection

Claim = tuple[UUID, UUID, date, str]  # (holder, unit, date, slot)


class Rival(msgspec.Struct, frozen=True):
    """A claim that was refused, and who holds it."""

    holder_id: UUID
    unit_id: UUID
    date: date
    slot: str
    rival_id: UUID


async def lock_units(connection: Connection, tenant_id: UUID, units: Sequence[UUID]) -> None:
    """Lock the physical units in id order."""
    await connection.execute(
        "SELECT FROM rooms WHERE tenant_id = $1 AND room_id = ANY($2::uuid[]) ORDER BY room_id FOR NO KEY UPDATE",
        tenant_id,
        sorted(set(units)),
    )


# Claims travel by holder and unit, with the dates of each slot.
_WANTED = """
(SELECT r.h, r.u, c.d, c.s FROM json_to_recordset($2::json) AS r(h uuid, u uuid, night date[], day date[])
  CROSS JOIN LATERAL (SELECT unnest(r.night), 'night' UNION ALL SELECT unnest(r.day), 'day') AS c(d, s)) AS w
"""
_RELEASE = f"""
DELETE FROM room_claims
 WHERE ctid = ANY(ARRAY(
       SELECT c.ctid FROM {_WANTED}
        CROSS JOIN LATERAL (SELECT ctid FROM room_claims c WHERE c.tenant_id = $1 AND c.unit_id = w.u AND c.date = w.d
                               AND c.slot = w.s AND c.holder_id = w.h OFFSET 0) AS c))
RETURNING unit_id, date
"""  # noqa: S608 - a constant fragment, here and below
_ADD = f"""
INSERT INTO room_claims (tenant_id, holder_id, unit_id, date, slot)
SELECT $1, h, u, d, s FROM {_WANTED}
 ORDER BY u, d, s, h
"""  # noqa: S608
_TAKE = f"{_ADD} ON CONFLICT DO NOTHING"
_RIVALS = f"""
SELECT w.h AS holder_id, w.u AS unit_id, w.d AS date, w.s AS slot, c.holder_id AS rival_id
  FROM {_WANTED}
 CROSS JOIN LATERAL (SELECT holder_id FROM room_claims c WHERE c.tenant_id = $1 AND c.unit_id = w.u AND c.date = w.d
                        AND c.slot = w.s AND c.holder_id <> w.h OFFSET 0) AS c
 ORDER BY 1, 2, 3, 4
"""  # noqa: S608


async def release(connection: Connection, tenant_id: UUID, unwanted: Sequence[Claim]) -> set[tuple[UUID, date]]:
    """Give up these claims where they are held; returns the freed (unit, date) pairs."""
    if not unwanted:
        return set()
    rows = await connection.fetch(_RELEASE, tenant_id, _told(unwanted))
    return {(row["unit_id"], row["date"]) for row in rows}


async def take(connection: Connection, tenant_id: UUID, wanted: Sequence[Claim]) -> list[Rival]:
    """Claim what is free, keep what was held, and return what somebody else holds."""
    if not wanted:
        return []
    told = _told(wanted)
    try:  # nearly always all is free, and asking row by row costs half as much again
        async with connection.transaction():
            await connection.execute(_ADD, tenant_id, told)
    except asyncpg.UniqueViolationError:
        await connection.execute(_TAKE, tenant_id, told)
        return [Rival(**row) for row in await connection.fetch(_RIVALS, tenant_id, told)]
    return []


def _told(claims: Sequence[Claim]) -> list[dict[str, Any]]:
    gathered: dict[tuple[UUID, UUID], dict[str, Any]] = {}
    for holder, unit, night, slot in claims:
        found = gathered.get((holder, unit))
        if found is None:
            found = gathered[holder, unit] = {"h": holder, "u": unit, "night": [], "day": []}
        found[slot].append(night)
    return list(gathered.values())


class Holder(msgspec.Struct, frozen=True):
    """Who holds a claim: enough to read the object again and to name it in a case."""

    holder_id: UUID
    account_id: UUID | None
    vendor_ref: str | None
    reservation_id: UUID | None
    read_ticket: int | None
    missing_reads: int | None


async def holders(connection: Connection, tenant_id: UUID, holder_ids: Sequence[UUID]) -> dict[UUID, Holder]:
    """Return who these holders are, stays and blocks alike."""
    rows = await connection.fetch(
        """
        SELECT h.id AS holder_id, coalesce(s.account_id, b.account_id) AS account_id,
               coalesce(s.object_ref, s.vendor_ref, b.vendor_ref) AS vendor_ref, s.reservation_id, l.read_ticket,
               l.missing_reads
          FROM unnest($2::uuid[]) AS h(id)
          LEFT JOIN room_stays s ON s.tenant_id = $1 AND s.stay_id = h.id
          LEFT JOIN blocks b ON b.tenant_id = $1 AND b.block_id = h.id
          LEFT JOIN links l ON l.tenant_id = $1 AND l.account_id = coalesce(s.account_id, b.account_id)
                           AND l.vendor_ref = coalesce(s.object_ref, s.vendor_ref, b.vendor_ref)
                           AND l.level = CASE WHEN s.stay_id IS NULL THEN 'block' ELSE 'stay' END
        """,
        tenant_id,
        list(holder_ids),
    )
    return {row["holder_id"]: Holder(**row) for row in rows}


_REFUSED_ON = """
WITH freed AS (
    SELECT u.room_id, f.date FROM unnest($2::uuid[], $3::date[]) AS f(unit_id, date)
      JOIN room_units u ON u.tenant_id = $1 AND u.unit_id = f.unit_id
)
SELECT s.account_id, coalesce(s.object_ref, s.vendor_ref) AS vendor_ref FROM freed f
  JOIN room_stays s ON s.tenant_id = $1 AND s.room_id = f.room_id AND s.claim_state = 'refused'
   AND f.date BETWEEN s.arrival AND s.departure
 WHERE s.account_id IS NOT NULL
 UNION
SELECT b.account_id, b.vendor_ref FROM freed f
  JOIN blocks b ON b.tenant_id = $1 AND b.room_id = f.room_id AND b.claim_state = 'refused'
   AND f.date BETWEEN b.arrival AND b.departure
 WHERE b.account_id IS NOT NULL
"""


async def refused_on(
    connection: Connection, tenant_id: UUID, freed: Sequence[tuple[UUID, date]]
) -> list[tuple[UUID, str]]:
    """Return (account, vendor ref) of the refused stays and blocks that want one of the freed (unit, date) pairs."""
    if not freed:
        return []
    units, dates = (list(column) for column in zip(*freed, strict=True))
    rows = await connection.fetch(_REFUSED_ON, tenant_id, units, dates)
    return [(row["account_id"], row["vendor_ref"]) for row in rows]


class Counter(msgspec.Struct, frozen=True):
    """A type counter after a change."""

    room_type_id: UUID
    date: date
    total: int
    out_of_order: int
    booked: int
    allowance: int

    @property
    def capacity(self) -> int:
        """Return how many stays the night can take."""
        return self.total - self.out_of_order + self.allowance


_COUNT = """
INSERT INTO inventory (tenant_id, room_type_id, date, total, allowance, booked, out_of_order)
SELECT $1, t, d, n, a, b, o
  FROM json_to_recordset($2::json) AS u(t uuid, d date, n int, a int, b int, o int)
 ORDER BY t, d
ON CONFLICT (tenant_id, room_type_id, date) DO UPDATE
   SET booked = inventory.booked + excluded.booked, out_of_order = inventory.out_of_order + excluded.out_of_order
RETURNING room_type_id, date, total, out_of_order, booked, allowance
"""


async def count(
    connection: Connection,
    tenant_id: UUID,
    deltas: Mapping[tuple[UUID, date], tuple[int, int]],
    totals: Mapping[UUID, int],
    allowances: Mapping[UUID, int],
) -> list[Counter]:
    """Move the counters by (booked, out of order) per (type, date), and return them as they are now."""
    moved = sorted((key, delta) for key, delta in deltas.items() if delta != (0, 0))
    if not moved:
        return []
    told = [
        {"t": kind, "d": night, "n": totals[kind], "a": allowances[kind], "b": booked, "o": blocked}
        for (kind, night), (booked, blocked) in moved
    ]
    rows = await connection.fetch(_COUNT, tenant_id, told)
    return [Counter(**row) for row in rows]


_FREE_ROOMS = """
SELECT t.code AS room_type, r.code AS room FROM rooms r
  JOIN room_types t ON t.tenant_id = r.tenant_id AND t.room_type_id = r.room_type_id
 WHERE r.tenant_id = $1 AND r.property_id = $2
   AND NOT EXISTS (
       SELECT FROM room_units u JOIN room_claims c ON c.tenant_id = $1 AND c.unit_id = u.unit_id
         JOIN unnest($3::date[], $4::text[]) AS w(date, slot) ON c.date = w.date AND c.slot = w.slot
        WHERE u.tenant_id = $1 AND u.room_id = r.room_id AND c.holder_id <> $6)
   AND NOT EXISTS (
       SELECT FROM inventory i WHERE i.tenant_id = $1 AND i.room_type_id = r.room_type_id AND i.date = ANY($3::date[])
          AND i.booked + (CASE WHEN r.room_type_id = $5 THEN 0 ELSE 1 END) > i.total - i.out_of_order + i.allowance)
 ORDER BY r.room_type_id = $5 DESC, t.code, r.code LIMIT $7
"""


async def free_rooms(  # noqa: PLR0913 - a question about a stay, a house and who asks
    connection: Connection,
    tenant_id: UUID,
    property_id: UUID,
    wanted: Sequence[tuple[date, str]],
    *,
    room_type_id: UUID | None,
    holder_id: UUID,
    limit: int = 6,
) -> list[tuple[str, str]]:
    """Return (room type, room) by our codes of rooms that nobody else holds at these (date, slot) pairs.

    Those of the wanted type come first; its counters count the asking stay already, those of other types do not.
    """
    dates, slots = (list(column) for column in zip(*wanted, strict=True)) if wanted else ([], [])
    rows = await connection.fetch(_FREE_ROOMS, tenant_id, property_id, dates, slots, room_type_id, holder_id, limit)
    return [(row["room_type"], row["room"]) for row in rows]
