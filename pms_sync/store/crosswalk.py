"""The crosswalk and the catalogue: our room types and rooms, and the vendors' codes for them."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

import msgspec

from pms_sync.ports.connector import Catalogue
from pms_sync.ports.mapper import Crosswalk
from pms_sync.store.accounts import Account
from pms_sync.store.database import Connection


class PropertyCatalogue(msgspec.Struct, frozen=True, kw_only=True):
    """Our codes of one property, with the physical units each room takes."""

    room_types: Mapping[str, UUID]
    rooms: Mapping[str, UUID]
    units: Mapping[UUID, tuple[UUID, ...]]
    totals: Mapping[UUID, int]
    allowances: Mapping[UUID, int]


async def load_crosswalk(connection: Connection, account: Account) -> Crosswalk:
    """Return the account's mapped codes (inside a transaction of its tenant)."""
    rows = await connection.fetch(
        "SELECT kind, vendor_code, our_code FROM crosswalk "
        "WHERE tenant_id = $1 AND account_id = $2 AND our_code IS NOT NULL",
        account.tenant_id,
        account.account_id,
    )
    tables: dict[str, dict[str, str]] = {"room_type": {}, "room": {}, "rate_plan": {}}
    for row in rows:
        tables[row["kind"]][row["vendor_code"]] = row["our_code"]
    return Crosswalk(version=account.crosswalk_version, **tables)


async def load_catalogue(connection: Connection, tenant_id: UUID, property_id: UUID) -> PropertyCatalogue:
    """Return our codes of one property (inside a transaction of its tenant)."""
    types = await connection.fetch(
        "SELECT t.code, t.room_type_id, t.allowance, count(r.room_id)::int AS total FROM room_types t "
        "LEFT JOIN rooms r ON r.tenant_id = t.tenant_id AND r.room_type_id = t.room_type_id "
        "WHERE t.tenant_id = $1 AND t.property_id = $2 GROUP BY 1, 2, 3",
        tenant_id,
        property_id,
    )
    rooms = await connection.fetch(
        "SELECT r.code, r.room_id, array_agg(u.unit_id ORDER BY u.unit_id) AS units FROM rooms r "
        "JOIN room_units u ON u.tenant_id = r.tenant_id AND u.room_id = r.room_id "
        "WHERE r.tenant_id = $1 AND r.property_id = $2 GROUP BY 1, 2",
        tenant_id,
        property_id,
    )
    return PropertyCatalogue(
        room_types={row["code"]: row["room_type_id"] for row in types},
        rooms={row["code"]: row["room_id"] for row in rooms},
        units={row["room_id"]: tuple(row["units"]) for row in rooms},
        totals={row["room_type_id"]: row["total"] for row in types},
        allowances={row["room_type_id"]: row["allowance"] for row in types},
    )


_SEEN = """
INSERT INTO crosswalk (tenant_id, account_id, kind, vendor_code, vendor_name, units, seen_at)
SELECT $1, $2, k, c, n, u, now() FROM unnest($3::text[], $4::text[], $5::text[], $6::int[]) AS x(k, c, n, u)
ON CONFLICT (tenant_id, account_id, kind, vendor_code)
DO UPDATE SET vendor_name = excluded.vendor_name, units = excluded.units, seen_at = excluded.seen_at
"""


async def import_catalogue(connection: Connection, account: Account, catalogue: Catalogue) -> int:
    """Record the vendor's codes as seen, mapped or not; mapping them stays a person's act. Returns how many."""
    seen: list[tuple[str, str, str | None, int | None]] = [
        ("room_type", kind.ref, kind.name, kind.units) for kind in catalogue.room_types
    ]
    seen += [("room", room.ref, room.name, None) for kind in catalogue.room_types for room in kind.rooms]
    seen += [("rate_plan", plan.ref, plan.name, None) for plan in catalogue.rate_plans]
    if seen:
        kinds, codes, names, units = (list(column) for column in zip(*seen, strict=True))
        await connection.execute(_SEEN, account.tenant_id, account.account_id, kinds, codes, names, units)
    return len(seen)
