"""Hotels as their files declare them: tenants, properties, rooms, accounts and crosswalks, upserted and never deleted.

What changes moves a version: the catalogue's or the crosswalk's, so that everybody who remembers the old one notices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from pms_sync.domain.ids import NewId
from pms_sync.store.database import Connection


class RoomTypeFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is sold: a code, its physical rooms, and how many more may be sold than there are."""

    code: str
    rooms: tuple[str, ...] = ()
    allowance: int = 0
    inventory_master: str | None = None


class PropertyFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One hotel; `timezone` is an IANA name, `currency` an ISO 4217 code."""

    code: str
    name: str
    timezone: str
    currency: str
    room_types: tuple[RoomTypeFacts, ...] = ()


class AccountFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One vendor login at one property; `crosswalk` holds their code → ours per kind."""

    vendor: str
    role: str
    property_ref: str
    mode: str = "shadow"
    mirror: Mapping[str, str] = {}
    ownership: Mapping[str, str] = {}
    crosswalk: Mapping[str, Mapping[str, str]] = {}


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A property as the store knows it."""

    tenant_id: UUID
    tenant_code: str
    property_id: UUID
    code: str


async def ensure_tenant(connection: Connection, code: str, new_id: NewId) -> UUID:
    """Return the tenant of this code, made when it is new."""
    await connection.execute(
        "INSERT INTO tenants (tenant_id, code) VALUES ($1, $2) ON CONFLICT (code) DO NOTHING", new_id(), code
    )
    tenant_id: UUID = await connection.fetchval("SELECT tenant_id FROM tenants WHERE code = $1", code)
    return tenant_id


async def places(connection: Connection, code: str | None = None) -> list[Place]:
    """Return the properties of every tenant, or those of one code (worker role)."""
    rows = await connection.fetch(
        "SELECT p.tenant_id, t.code AS tenant_code, p.property_id, p.code FROM properties p "
        "JOIN tenants t USING (tenant_id) WHERE $1::text IS NULL OR p.code = $1 ORDER BY t.code, p.code",
        code,
    )
    return [Place(**row) for row in rows]


# `moved` is null for a new property, which has no accounts yet.
_PROPERTY = """
WITH was AS (SELECT timezone, currency FROM properties WHERE tenant_id = $1 AND code = $3)
INSERT INTO properties (tenant_id, property_id, code, name, timezone, currency) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (tenant_id, code) DO UPDATE
   SET name = excluded.name, timezone = excluded.timezone, currency = excluded.currency
RETURNING property_id, (SELECT (was.timezone, was.currency) <> ($5, $6) FROM was) AS moved
"""
# Every record was mapped with both, as with a crosswalk: what was received becomes work again.
_REPROJECT = """
UPDATE accounts SET crosswalk_version = crosswalk_version + 1 WHERE tenant_id = $1 AND property_id = $2
"""


async def upsert_property(connection: Connection, tenant_id: UUID, facts: PropertyFacts, new_id: NewId) -> UUID:
    """Write the property with its room types and rooms (inside a transaction of the tenant); returns its id.

    Another currency or time zone moves the crosswalk's version of its accounts, so that what they told is mapped anew.
    """
    row = await connection.fetchrow(
        _PROPERTY, tenant_id, new_id(), facts.code, facts.name, facts.timezone, facts.currency
    )
    property_id: UUID = row["property_id"]
    if row["moved"]:
        await connection.execute(_REPROJECT, tenant_id, property_id)
    moved = [await _upsert_room_type(connection, tenant_id, property_id, one, new_id) for one in facts.room_types]
    if any(moved):
        await connection.execute(
            "UPDATE properties SET catalogue_version = catalogue_version + 1 WHERE tenant_id = $1 AND property_id = $2",
            tenant_id,
            property_id,
        )
    return property_id


_ROOM_TYPE = """
INSERT INTO room_types AS t (tenant_id, room_type_id, property_id, code, allowance, inventory_master)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (tenant_id, property_id, code) DO UPDATE
   SET allowance = excluded.allowance, inventory_master = excluded.inventory_master
 WHERE (t.allowance, t.inventory_master) IS DISTINCT FROM (excluded.allowance, excluded.inventory_master)
RETURNING room_type_id
"""
_ROOMS = """
INSERT INTO rooms AS r (tenant_id, room_id, property_id, room_type_id, code)
SELECT $1, i, $2, $3, c FROM unnest($4::uuid[], $5::text[]) AS u(i, c)
ON CONFLICT (tenant_id, property_id, code) DO UPDATE SET room_type_id = excluded.room_type_id
 WHERE r.room_type_id <> excluded.room_type_id
RETURNING room_id
"""
# A room is its own unit until somebody says that it is made of others.
_UNITS = """
INSERT INTO room_units (tenant_id, room_id, unit_id)
SELECT r.tenant_id, r.room_id, r.room_id FROM rooms r
 WHERE r.tenant_id = $1 AND r.room_id = ANY($2::uuid[])
   AND NOT EXISTS (SELECT FROM room_units u WHERE u.tenant_id = r.tenant_id AND u.room_id = r.room_id)
"""
_TOTALS = """
UPDATE inventory i SET total = n.total, allowance = n.allowance
  FROM (SELECT t.room_type_id, t.allowance, count(r.room_id)::int AS total FROM room_types t
          LEFT JOIN rooms r ON r.tenant_id = t.tenant_id AND r.room_type_id = t.room_type_id
         WHERE t.tenant_id = $1 AND t.property_id = $2 GROUP BY 1, 2) n
 WHERE i.tenant_id = $1 AND i.room_type_id = n.room_type_id AND (i.total, i.allowance) <> (n.total, n.allowance)
"""


async def _upsert_room_type(
    connection: Connection, tenant_id: UUID, property_id: UUID, facts: RoomTypeFacts, new_id: NewId
) -> bool:
    """Write one room type; returns whether anything changed."""
    changed = await connection.fetchval(
        _ROOM_TYPE, tenant_id, new_id(), property_id, facts.code, facts.allowance, facts.inventory_master
    )
    type_id = changed or await connection.fetchval(
        "SELECT room_type_id FROM room_types WHERE tenant_id = $1 AND property_id = $2 AND code = $3",
        tenant_id,
        property_id,
        facts.code,
    )
    new_ids = [new_id() for _ in facts.rooms]
    rooms = await connection.fetch(_ROOMS, tenant_id, property_id, type_id, new_ids, list(facts.rooms))
    if rooms:
        await connection.execute(_UNITS, tenant_id, [row["room_id"] for row in rooms])
    if changed or rooms:
        await connection.execute(_TOTALS, tenant_id, property_id)
    return bool(changed or rooms)


# The file's mode counts when the file says something new; between two changes of the file the command's word stands.
_ACCOUNT = """
INSERT INTO accounts AS a
       (tenant_id, account_id, property_id, vendor, property_ref, role, mode, declared_mode, mirror, ownership)
VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9)
ON CONFLICT (tenant_id, property_id, vendor, property_ref) DO UPDATE
   SET role = excluded.role, mirror = excluded.mirror, ownership = excluded.ownership,
       mode = CASE WHEN a.declared_mode IS DISTINCT FROM excluded.mode THEN excluded.mode ELSE a.mode END,
       declared_mode = excluded.mode
RETURNING account_id
"""


async def upsert_account(
    connection: Connection, tenant_id: UUID, property_id: UUID, facts: AccountFacts, new_id: NewId
) -> UUID:
    """Write the account and its crosswalk (inside a transaction of the tenant); credentials are not touched."""
    account_id: UUID = await connection.fetchval(
        _ACCOUNT,
        tenant_id,
        new_id(),
        property_id,
        facts.vendor,
        facts.property_ref,
        facts.role,
        facts.mode,
        dict(facts.mirror),
        dict(facts.ownership),
    )
    await map_codes(connection, tenant_id, account_id, facts.crosswalk)
    return account_id


_MAP = """
INSERT INTO crosswalk AS c (tenant_id, account_id, kind, vendor_code, our_code)
SELECT $1, $2, k, v, o FROM unnest($3::text[], $4::text[], $5::text[]) AS u(k, v, o)
ON CONFLICT (tenant_id, account_id, kind, vendor_code) DO UPDATE SET our_code = excluded.our_code
 WHERE c.our_code IS DISTINCT FROM excluded.our_code
RETURNING kind
"""


async def map_codes(
    connection: Connection, tenant_id: UUID, account_id: UUID, crosswalk: Mapping[str, Mapping[str, str]]
) -> int:
    """Map vendor codes to ours, per kind, and move the crosswalk's version when that is news; returns how many were."""
    pairs: Sequence[tuple[str, str, str]] = [
        (kind, theirs, ours) for kind, table in crosswalk.items() for theirs, ours in table.items()
    ]
    if not pairs:
        return 0
    columns: list[Any] = [list(column) for column in zip(*pairs, strict=True)]
    news = await connection.fetch(_MAP, tenant_id, account_id, *columns)
    if news:
        await connection.execute(
            "UPDATE accounts SET crosswalk_version = crosswalk_version + 1 WHERE tenant_id = $1 AND account_id = $2",
            tenant_id,
            account_id,
        )
    return len(news)
