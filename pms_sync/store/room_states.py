"""Room states: how each account says that its rooms stand; a row is its own link, with the read that told it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from pms_sync.domain.room_status import Condition, Service
from pms_sync.store.bulk import Bulk
from pms_sync.store.database import Connection, use_tenant

Key = tuple[UUID, str]  # account and vendor's room

ROOM_STATES = Bulk.of(
    "room_states",
    ("account_id", "room_ref"),
    {
        "account_id": "uuid",
        "room_ref": "text",
        "property_id": "uuid",
        "vendor": "text",
        "room_id": "uuid",
        "condition": "text",
        "service": "text",
        "occupied": "boolean",
        "vendor_word": "text",
        "changed_at": "timestamptz",
        "changed_on": "date",
        "since": "timestamptz",
        "remote_version": "text",
        "version_doubt": "text",
        "read_ticket": "bigint",
        "raw_id": "bigint",
        "crosswalk_version": "integer",
        "remote_digest": "bytea",
    },
)


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A room as it stands in the store, and what is remembered of the read that said so."""

    account_id: UUID
    room_ref: str
    room_id: UUID | None
    condition: str | None
    service: str
    occupied: bool | None
    vendor_word: str
    since: datetime
    remote_version: str
    remote_digest: bytes
    version_doubt: str | None
    read_ticket: int


_LOAD = """
SELECT s.account_id, s.room_ref, s.room_id, s.condition, s.service, s.occupied, s.vendor_word, s.since,
       s.remote_version, s.remote_digest, s.version_doubt, s.read_ticket
  FROM unnest($2::uuid[], $3::text[]) AS w(account_id, ref)
 CROSS JOIN LATERAL (SELECT * FROM room_states r
                      WHERE r.tenant_id = $1 AND r.account_id = w.account_id AND r.room_ref = w.ref OFFSET 0) AS s
"""


async def load(connection: Connection, tenant_id: UUID, keys: Sequence[Key]) -> dict[Key, Held]:
    """Return what is held of these rooms (inside a transaction of the tenant)."""
    rows = await connection.fetch(_LOAD, tenant_id, [account for account, _ in keys], [ref for _, ref in keys])
    return {(row["account_id"], row["room_ref"]): Held(**row) for row in rows}


async def doubt(connection: Connection, tenant_id: UUID, doubts: Mapping[Key, str]) -> None:
    """Remember for each room the lower version seen, to be believed when a direct read repeats it."""
    if doubts:
        await connection.execute(
            "UPDATE room_states s SET version_doubt = w.version FROM unnest($2::uuid[], $3::text[], $4::text[]) "
            "AS w(a, ref, version) WHERE s.tenant_id = $1 AND s.account_id = w.a AND s.room_ref = w.ref",
            tenant_id,
            [account for account, _ in doubts],
            [ref for _, ref in doubts],
            list(doubts.values()),
        )


async def touch(connection: Connection, tenant_id: UUID, reads: Mapping[Key, int]) -> None:
    """Remember that these rooms were read again by ticket and found unchanged."""
    if reads:
        await connection.execute(
            "UPDATE room_states s SET read_ticket = w.ticket FROM unnest($2::uuid[], $3::text[], $4::bigint[]) "
            "AS w(a, ref, ticket) WHERE s.tenant_id = $1 AND s.account_id = w.a AND s.room_ref = w.ref "
            "AND s.read_ticket < w.ticket",
            tenant_id,
            [account for account, _ in reads],
            [ref for _, ref in reads],
            list(reads.values()),
        )


class RoomState(msgspec.Struct, frozen=True, kw_only=True):
    """A room as one account's vendor says that it stands; `room` null: the vendor's room is not mapped to one of ours.

    `condition` null: not seen yet, as of a room in repair; `occupied` null: the vendor does not say. `changed_at`, or
    `changed_on` where it tells a day alone, is when the vendor changed it last; `since` when the state changed here.
    """

    property: str
    room: str | None
    room_type: str | None
    condition: Condition | None
    service: Service
    occupied: bool | None
    vendor: str
    account_id: UUID
    vendor_room: str
    vendor_word: str
    changed_at: datetime | None
    changed_on: date | None
    since: datetime
    age_s: float


_SHOWN = """
SELECT p.code AS property, m.code AS room, t.code AS room_type, s.condition, s.service, s.occupied, s.vendor,
       s.account_id, s.room_ref AS vendor_room, s.vendor_word, s.changed_at, s.changed_on, s.since,
       extract(epoch FROM now() - s.since)::float8 AS age_s
  FROM room_states s
  JOIN properties p ON p.tenant_id = s.tenant_id AND p.property_id = s.property_id
  LEFT JOIN rooms m ON m.tenant_id = s.tenant_id AND m.room_id = s.room_id
  LEFT JOIN room_types t ON t.tenant_id = s.tenant_id AND t.room_type_id = m.room_type_id
 WHERE s.tenant_id = $1 AND p.code = coalesce($2, p.code)
   AND ($3::date IS NULL OR (now() AT TIME ZONE p.timezone)::date = $3)
 ORDER BY p.code, m.code, s.room_ref, s.vendor, s.account_id LIMIT $4
"""


async def shown(
    connection: Connection,
    tenant_id: UUID,
    limit: int | None = None,
    *,
    property_code: str | None = None,
    on: date | None = None,
) -> list[RoomState]:
    """Return how the tenant's rooms stand, by property and room, of one property alone where it is named.

    Only the present is known: with `on`, rooms of properties where it is another day now are left out.
    """
    rows = await connection.fetch(_SHOWN, tenant_id, property_code, on, limit)
    return [RoomState(**row) for row in rows]


async def shown_to_all(connection: Connection, limit: int) -> list[RoomState]:
    """Return how rooms stand, of every tenant that the connection may see, no more than `limit`."""
    found: list[RoomState] = []
    async with connection.transaction(readonly=True):
        for tenant in await connection.fetch("SELECT tenant_id FROM tenants ORDER BY tenant_id"):
            await use_tenant(connection, tenant["tenant_id"])
            found += await shown(connection, tenant["tenant_id"], limit - len(found))
    return found
