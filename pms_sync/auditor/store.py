"""The store's side: everything the checks look at, read by own SQL in one consistent, read-only snapshot.

What the public views show is read through them, as the reader role; the rest from the tables, as their owner.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import asyncpg
import msgspec

from pms_sync.domain.errors import Unavailable

Connection: TypeAlias = Any
Row: TypeAlias = Mapping[str, Any]
Rows: TypeAlias = tuple[Row, ...]

READER = "pms_sync_reader"

_VIEWS = {
    "reservations": "SELECT * FROM pms_public.reservations",
    "stays": "SELECT * FROM pms_public.room_stays",
    "guests": "SELECT * FROM pms_public.guests",
    "blocks": "SELECT * FROM pms_public.blocks",
    "lines": "SELECT * FROM pms_public.folio_lines ORDER BY posted_at",
    "cases": "SELECT * FROM pms_public.cases WHERE state <> 'withdrawn'",
    "cursors": "SELECT * FROM pms_public.cursors",
    "outbox": "SELECT * FROM pms_public.outbox WHERE state IN ('planned', 'sent', 'acknowledged', 'unknown')",
    # A parked row speaks for its object until a later event of the same object was applied.
    "parked": """
        SELECT p.account_id, p.ref FROM pms_public.inbox p
         WHERE p.state = 'parked' AND p.ref IS NOT NULL AND NOT EXISTS (
               SELECT FROM pms_public.inbox d
                WHERE d.account_id = p.account_id AND d.ref = p.ref AND d.state = 'done'
                  AND d.outcome IN ('new', 'changed', 'same', 'duplicate')
                  AND substr(d.id, 2)::bigint > substr(p.id, 2)::bigint)
    """,
    "waiting": "SELECT DISTINCT account_id, ref FROM pms_public.inbox WHERE state IN ('waiting', 'leased')",
}
_TABLES = {
    "tenants": "SELECT tenant_id FROM tenants",
    "accounts": "SELECT tenant_id, account_id, property_id, vendor, property_ref FROM accounts",
    "people": "SELECT guest_id, vendor_ref, position, language FROM guests",
    "stay_rows": """
        SELECT tenant_id, stay_id, reservation_id, account_id, vendor, vendor_ref, room_type_id, room_id, arrival,
               departure, status, blocks_inventory, claim_state FROM room_stays
    """,
    "block_rows": """
        SELECT tenant_id, block_id, account_id, vendor, vendor_ref, room_type_id, room_id, room_type_ref, room_ref,
               arrival, departure, kind, gone, claim_state FROM blocks
    """,
    "links": """
        SELECT tenant_id, account_id, level, vendor_ref, object_id, reservation_id, remote_version FROM links
    """,
    "crosswalk": """
        SELECT account_id, kind, vendor_code, our_code FROM crosswalk WHERE our_code IS NOT NULL
    """,
    "room_types": "SELECT tenant_id, property_id, room_type_id, code, allowance FROM room_types",
    "rooms": "SELECT tenant_id, property_id, room_type_id, room_id, code FROM rooms",
    "units": "SELECT room_id, unit_id FROM room_units",
    "claims": "SELECT tenant_id, unit_id, date, slot, holder_id FROM room_claims",
    "inventory": "SELECT * FROM inventory",
    "progress": "SELECT account_id, stream, phase, page, high_water FROM cursors",
    "audit": """
        SELECT audit_id, tenant_id, at, actor, action, entity_type, entity_id, fields::text AS fields, correlation_id,
               seq, prev_hash, hash, sealed_at
          FROM audit_log ORDER BY tenant_id, seq, audit_id
    """,
    "audit_heads": "SELECT tenant_id, seq, hash FROM audit_heads",
    "deliveries": "SELECT vendor, count(*) AS number FROM deliveries GROUP BY 1",
}


class Store(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of each query, under its name."""

    reservations: Rows
    stays: Rows
    guests: Rows
    blocks: Rows
    lines: Rows
    cases: Rows
    cursors: Rows
    outbox: Rows
    parked: Rows
    waiting: Rows
    tenants: Rows
    accounts: Rows
    people: Rows
    stay_rows: Rows
    block_rows: Rows
    links: Rows
    crosswalk: Rows
    room_types: Rows
    rooms: Rows
    units: Rows
    claims: Rows
    inventory: Rows
    progress: Rows
    audit: Rows
    audit_heads: Rows
    deliveries: Rows


_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.InvalidCatalogNameError,
    asyncpg.InvalidAuthorizationSpecificationError,
)
_NOT_OURS = (
    asyncpg.UndefinedTableError,
    asyncpg.UndefinedColumnError,
    asyncpg.UndefinedObjectError,
    asyncpg.InvalidParameterValueError,  # the reader role is unknown
    asyncpg.InsufficientPrivilegeError,
)


# Digests hold instants as text, which must not depend on the zone a server was set up in (TIM-06).
_SESSION = {"application_name": "pms-sync auditor", "timezone": "UTC"}

# Row-level security would show anybody else empty tables, and silence would look like loss.
_OWNS = "SELECT pg_has_role(relowner, 'USAGE') FROM pg_class WHERE oid = 'public.reservations'::regclass"


@asynccontextmanager
async def snapshot(dsn: str) -> AsyncIterator[Connection]:
    """Open the database as its owner, seeing one moment and unable to write.

    Raises Unavailable when it is away, has another schema, or belongs to somebody else.
    """
    try:
        connection = await asyncpg.connect(dsn, server_settings=_SESSION, timeout=10)
    except _AWAY as error:
        raise _unaudited(error, "start the server or correct the address") from error
    try:
        for name in ("json", "jsonb"):
            await connection.set_type_codec(name, encoder=str, decoder=msgspec.json.decode, schema="pg_catalog")
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            if not await connection.fetchval(_OWNS):
                raise _unaudited(PermissionError(), "connect as the owner of the database")
            yield connection
    except _NOT_OURS as error:
        raise _unaudited(error, "run `pms-sync migrate`, and connect as the owner of the database") from error
    finally:
        await connection.close()


def _unaudited(error: Exception, remedy: str) -> Unavailable:
    return Unavailable(f"the database cannot be audited ({type(error).__name__})", "the auditor's DSN", remedy)


async def read(connection: Connection) -> Store:
    """Read everything; the connection acts as the owner again afterwards."""
    found = {name: await _rows(connection, query) for name, query in _TABLES.items()}
    await connection.execute(f"SET LOCAL ROLE {READER}")
    found |= {name: await _rows(connection, query) for name, query in _VIEWS.items()}
    await connection.execute("RESET ROLE")
    return Store(**found)


async def _rows(connection: Connection, query: str) -> Rows:
    return tuple(dict(row) for row in await connection.fetch(query))
