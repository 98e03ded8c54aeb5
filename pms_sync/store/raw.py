"""Raw records: what a vendor said, byte for byte (cards removed), sealed and kept for replay."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from uuid import UUID

import msgspec

from pms_sync.store.database import Connection
from pms_sync.store.sealing import KeyRing


class RawRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One raw body with its place; `digest` recognises equal bytes of one object."""

    tenant_id: UUID
    account_id: UUID | None
    stream: str | None
    ref: str | None
    body: bytes
    digest: bytes


def body_digest(body: bytes) -> bytes:
    """Return the digest by which equal bodies are recognised."""
    return hashlib.sha256(body).digest()


_INSERT = """
INSERT INTO raw_records (tenant_id, account_id, stream, ref, digest, sealed)
SELECT tenant_id, account_id, stream, ref, digest, sealed
  FROM ROWS FROM (json_to_recordset($1::json) AS (tenant_id uuid, account_id uuid, stream text, ref text),
                  unnest($2::bytea[]), unnest($3::bytea[])) WITH ORDINALITY
       AS u(tenant_id, account_id, stream, ref, digest, sealed, o)
 ORDER BY o
RETURNING raw_id
"""


async def insert(connection: Connection, keys: KeyRing, records: Sequence[RawRecord]) -> list[int]:
    """Store the records in one statement and return their raw ids in the same order."""
    rows = await connection.fetch(
        _INSERT,
        [
            {"tenant_id": one.tenant_id, "account_id": one.account_id, "stream": one.stream, "ref": one.ref}
            for one in records
        ],
        [record.digest for record in records],
        [keys.seal(record.tenant_id, context(record.digest), record.body) for record in records],
    )
    return [row["raw_id"] for row in rows]


async def load(connection: Connection, keys: KeyRing, raw_ids: Sequence[int]) -> dict[int, bytes]:
    """Open the bodies of these raw ids."""
    rows = await connection.fetch(
        "SELECT raw_id, tenant_id, digest, sealed FROM raw_records WHERE raw_id = ANY($1::bigint[])", list(raw_ids)
    )
    return {row["raw_id"]: keys.open(row["tenant_id"], context(row["digest"]), row["sealed"]) for row in rows}


def context(digest: bytes) -> str:
    """Return the place a raw body is sealed for: its own digest, since the row id is not known before."""
    return f"raw_records:{digest.hex()}"
