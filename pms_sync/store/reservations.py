"""Reservations, stays, nights, guests and the bill: loaded and written for a whole batch at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from pms_sync.store.bulk import Bulk
from pms_sync.store.database import Connection

RESERVATION_COLUMNS = {
    "reservation_id": "uuid",
    "property_id": "uuid",
    "status": "text",
    "hold_kind": "text",
    "vendor_status": "text",
    "blocks_inventory": "boolean",
    "guaranteed": "boolean",
    "channel": "text",
    "vendor_channel": "text",
    "channel_reference": "text",
    "currency": "text",
    "total": "numeric",
    "price_basis": "text",
    "quarantined": "boolean",
    "flags": "text[]",
    "version": "integer",
    "source": "text",
    "private": "bytea",
    "private_digest": "bytea",
    "created_at": "timestamptz",
    "modified_at": "timestamptz",
}
STAY_COLUMNS = {
    "stay_id": "uuid",
    "reservation_id": "uuid",
    "account_id": "uuid",
    "vendor": "text",
    "vendor_ref": "text",
    "object_ref": "text",
    "room_type_id": "uuid",
    "room_id": "uuid",
    "room_type_ref": "text",
    "room_ref": "text",
    "rate_plan_ref": "text",
    "rate_plan": "text",
    "arrival": "date",
    "departure": "date",
    "status": "text",
    "hold_kind": "text",
    "vendor_status": "text",
    "blocks_inventory": "boolean",
    "claim_state": "text",
    "refused_ticket": "bigint",
    "adults": "integer",
    "children": "integer",
    "total": "numeric",
    "flags": "text[]",
}
BLOCK_COLUMNS = {
    "block_id": "uuid",
    "property_id": "uuid",
    "account_id": "uuid",
    "vendor": "text",
    "vendor_ref": "text",
    "room_type_id": "uuid",
    "room_id": "uuid",
    "room_type_ref": "text",
    "room_ref": "text",
    "arrival": "date",
    "departure": "date",
    "kind": "text",
    "gone": "boolean",
    "claim_state": "text",
    "refused_ticket": "bigint",
}
RESERVATIONS = Bulk.of("reservations", ("reservation_id",), RESERVATION_COLUMNS)
STAYS = Bulk.of("room_stays", ("stay_id",), STAY_COLUMNS)
BLOCKS = Bulk.of("blocks", ("block_id",), BLOCK_COLUMNS)
NIGHTS = Bulk.of(
    "stay_nights",
    ("stay_id", "night"),
    {
        "stay_id": "uuid",
        "night": "date",
        "room_id": "uuid",
        "rate_plan_ref": "text",
        "price": "numeric",
        "derived": "boolean",
    },
)
GUESTS = Bulk.of(
    "guests",
    ("reservation_id", "role", "position"),
    {
        "reservation_id": "uuid",
        "role": "text",
        "position": "smallint",
        "guest_id": "uuid",
        "vendor_ref": "text",
        "contact": "bytea",
        "contact_digest": "bytea",
        "country": "text",
        "language": "text",
        "has_email": "boolean",
        "has_phone": "boolean",
    },
)
LINES = Bulk.of(
    "folio_lines",
    ("line_id",),
    {
        "line_id": "uuid",
        "reservation_id": "uuid",
        "vendor_ref": "text",
        "kind": "text",
        "text": "text",
        "amount": "numeric",
        "currency": "text",
        "reverses_id": "uuid",
    },
    update=False,
)

Row = Mapping[str, Any]

_ADD_NIGHTS = """
INSERT INTO stay_nights (tenant_id, stay_id, night, room_id, rate_plan_ref, price, derived)
SELECT $1, s.stay_id, s.arrival + n.number::int - 1, s.room_id, s.rate_plan_ref, n.price, n.derived
  FROM json_to_recordset($2::json)
       AS s(stay_id uuid, arrival date, room_id uuid, rate_plan_ref text, prices numeric[], derived boolean[])
 CROSS JOIN LATERAL unnest(s.prices, s.derived) WITH ORDINALITY AS n(price, derived, number)
"""


async def add_nights(connection: Connection, tenant_id: UUID, stays: Sequence[Row]) -> None:
    """Write the nights of new stays: each stay with its arrival and, night by night, its price and whether derived."""
    if stays:
        await connection.execute(_ADD_NIGHTS, tenant_id, stays)


async def lock(connection: Connection, tenant_id: UUID, reservation_ids: Sequence[UUID]) -> dict[UUID, Row]:
    """Lock these reservations in id order and return their rows; those not there yet are missing."""
    rows = await connection.fetch(
        "SELECT * FROM reservations WHERE tenant_id = $1 AND reservation_id = ANY($2::uuid[]) "
        "ORDER BY reservation_id FOR NO KEY UPDATE",
        tenant_id,
        list(reservation_ids),
    )
    return {row["reservation_id"]: row for row in rows}


async def load(connection: Connection, tenant_id: UUID, reservation_ids: Sequence[UUID]) -> dict[UUID, Row]:
    """Return these reservations' rows by id, without a lock."""
    rows = await connection.fetch(
        "SELECT * FROM reservations WHERE tenant_id = $1 AND reservation_id = ANY($2::uuid[])",
        tenant_id,
        list(reservation_ids),
    )
    return {row["reservation_id"]: row for row in rows}


async def stays(connection: Connection, tenant_id: UUID, reservation_ids: Sequence[UUID]) -> dict[UUID, Row]:
    """Return the stays of these reservations by stay id."""
    rows = await connection.fetch(
        "SELECT * FROM room_stays WHERE tenant_id = $1 AND reservation_id = ANY($2::uuid[])",
        tenant_id,
        list(reservation_ids),
    )
    return {row["stay_id"]: row for row in rows}


async def blocks(connection: Connection, tenant_id: UUID, block_ids: Sequence[UUID]) -> dict[UUID, Row]:
    """Lock and return these blocks by id."""
    rows = await connection.fetch(
        "SELECT * FROM blocks WHERE tenant_id = $1 AND block_id = ANY($2::uuid[]) ORDER BY block_id FOR NO KEY UPDATE",
        tenant_id,
        list(block_ids),
    )
    return {row["block_id"]: row for row in rows}


async def nights(
    connection: Connection, tenant_id: UUID, stay_ids: Sequence[UUID]
) -> dict[UUID, set[tuple[date, UUID | None, str | None, Any, bool]]]:
    """Return the nights of these stays as sets of (night, room, rate plan, price, derived)."""
    found: dict[UUID, set[tuple[date, UUID | None, str | None, Any, bool]]] = {}
    for row in await connection.fetch(
        "SELECT stay_id, night, room_id, rate_plan_ref, price, derived FROM stay_nights "
        "WHERE tenant_id = $1 AND stay_id = ANY($2::uuid[])",
        tenant_id,
        list(stay_ids),
    ):
        stay_id, *night = row
        found.setdefault(stay_id, set()).add(tuple(night))
    return found


async def drop_nights(connection: Connection, tenant_id: UUID, gone: Sequence[tuple[UUID, date]]) -> None:
    """Remove nights that a stay no longer has."""
    if gone:
        stay_ids, dates = (list(column) for column in zip(*gone, strict=True))
        await connection.execute(
            "DELETE FROM stay_nights WHERE ctid = ANY(ARRAY(SELECT n.ctid "
            "FROM unnest($2::uuid[], $3::date[]) AS g(s, d) "
            "CROSS JOIN LATERAL (SELECT ctid FROM stay_nights n WHERE n.tenant_id = $1 AND n.stay_id = g.s "
            "AND n.night = g.d OFFSET 0) AS n))",
            tenant_id,
            stay_ids,
            dates,
        )


async def guests(connection: Connection, tenant_id: UUID, reservation_ids: Sequence[UUID]) -> list[Row]:
    """Return the guests of these reservations, contact data still sealed."""
    rows: list[Row] = await connection.fetch(
        "SELECT reservation_id, role, position, guest_id, contact_digest, erased FROM guests "
        "WHERE tenant_id = $1 AND reservation_id = ANY($2::uuid[])",
        tenant_id,
        list(reservation_ids),
    )
    return rows


async def drop_guests(connection: Connection, tenant_id: UUID, gone: Sequence[UUID]) -> None:
    """Remove companions that the vendor no longer names."""
    if gone:
        await connection.execute(
            "DELETE FROM guests WHERE tenant_id = $1 AND guest_id = ANY($2::uuid[])", tenant_id, list(gone)
        )


async def standing_lines(connection: Connection, tenant_id: UUID, reservation_ids: Sequence[UUID]) -> list[Row]:
    """Return the bill's lines that are neither reversals nor reversed."""
    rows: list[Row] = await connection.fetch(
        "SELECT * FROM folio_lines WHERE tenant_id = $1 AND reservation_id = ANY($2::uuid[])",
        tenant_id,
        list(reservation_ids),
    )
    reversed_ids = {row["reverses_id"] for row in rows}
    return [row for row in rows if row["reverses_id"] is None and row["line_id"] not in reversed_ids]
