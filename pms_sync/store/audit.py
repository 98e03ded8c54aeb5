"""The audit log: append-only, one row per mutation, chained by one sealer (RELIABILITY I9)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from pms_sync.store.database import Connection

_GENESIS = bytes(32)


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One mutation; `fields` holds names with old and new values, sensitive ones by name alone."""

    actor: str
    action: str
    entity_type: str
    entity_id: str
    fields: Mapping[str, Any] = {}
    correlation_id: str | None = None


_APPEND = """
INSERT INTO audit_log (tenant_id, actor, action, entity_type, entity_id, fields, correlation_id)
SELECT $1, actor, action, entity_type, entity_id, fields, correlation_id
  FROM json_to_recordset($2::json)
       AS u(actor text, action text, entity_type text, entity_id text, fields jsonb, correlation_id text)
"""


async def append(connection: Connection, tenant_id: UUID, entries: Sequence[Entry]) -> None:
    """Write the entries in the transaction of what they tell."""
    if not entries:
        return
    await connection.execute(_APPEND, tenant_id, entries)


_UNSEALED = """
SELECT audit_id, at, actor, action, entity_type, entity_id, fields::text AS fields, correlation_id FROM audit_log
 WHERE tenant_id = $1 AND sealed_at IS NULL ORDER BY audit_id LIMIT $2
"""
_SEAL = """
UPDATE audit_log a SET seq = u.seq, prev_hash = u.prev_hash, hash = u.hash, sealed_at = now()
  FROM unnest($1::bigint[], $2::timestamptz[], $3::bigint[], $4::bytea[], $5::bytea[])
       AS u(audit_id, at, seq, prev_hash, hash)
 WHERE a.audit_id = u.audit_id AND a.at = u.at
"""


async def seal(connection: Connection, tenant_id: UUID, limit: int = 2000) -> int:
    """Chain the tenant's committed, unsealed rows (inside its transaction); returns how many.

    The head row is locked first, so only one sealer extends a tenant's chain at a time.
    """
    await connection.execute(
        "INSERT INTO audit_heads (tenant_id, seq, hash) VALUES ($1, 0, $2) ON CONFLICT DO NOTHING", tenant_id, _GENESIS
    )
    head = await connection.fetchrow("SELECT seq, hash FROM audit_heads WHERE tenant_id = $1 FOR UPDATE", tenant_id)
    rows = await connection.fetch(_UNSEALED, tenant_id, limit)
    if not rows:
        return 0
    seq, previous = head["seq"], head["hash"]
    sealed = []
    for row in rows:
        seq += 1
        digest = chain_hash(previous, tenant_id, seq, row)
        sealed.append((row["audit_id"], row["at"], seq, previous, digest))
        previous = digest
    await connection.execute(_SEAL, *(list(column) for column in zip(*sealed, strict=True)))
    await connection.execute(
        "UPDATE audit_heads SET seq = $2, hash = $3 WHERE tenant_id = $1", tenant_id, seq, previous
    )
    return len(rows)


def chain_hash(previous: bytes, tenant_id: UUID, seq: int, row: Mapping[str, Any]) -> bytes:
    """Return the hash of one entry after the one before it."""
    told = [
        str(tenant_id),
        seq,
        row["at"].isoformat(),
        row["actor"],
        row["action"],
        row["entity_type"],
        row["entity_id"],
        row["fields"],
        row["correlation_id"],
    ]
    return hashlib.sha256(previous + msgspec.json.encode(told)).digest()


async def tenants_with_unsealed(connection: Connection) -> list[UUID]:
    """Return every tenant; the sealer looks at each (worker role)."""
    return [row["tenant_id"] for row in await connection.fetch("SELECT tenant_id FROM tenants")]


async def verify(connection: Connection, tenant_id: UUID) -> tuple[int, int | None]:
    """Walk the tenant's chain; returns (rows verified, seq of the first broken row or None)."""
    previous, expected = _GENESIS, 1
    async for row in connection.cursor(
        "SELECT seq, prev_hash, hash, at, actor, action, entity_type, entity_id, fields::text AS fields, "
        "correlation_id FROM audit_log WHERE tenant_id = $1 AND seq IS NOT NULL ORDER BY seq",
        tenant_id,
    ):
        broken = row["seq"] != expected or row["prev_hash"] != previous
        if broken or chain_hash(previous, tenant_id, row["seq"], row) != row["hash"]:
            return expected - 1, row["seq"]
        previous, expected = row["hash"], expected + 1
    head = await connection.fetchrow("SELECT seq, hash FROM audit_heads WHERE tenant_id = $1", tenant_id)
    if head is not None and (head["seq"], head["hash"]) != (expected - 1, previous):
        return expected - 1, expected
    return expected - 1, None
