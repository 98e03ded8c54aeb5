"""Identity: one booking is one reservation, decided by insertion, never by a look before it."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from pms_sync.store.database import Connection

Key = tuple[UUID, str]  # (property, key text)

_INSERT = """
INSERT INTO identity_keys (tenant_id, property_id, key, reservation_id)
SELECT $1, p, k, r FROM json_to_recordset($2::json) AS u(p uuid, k text, r uuid) ORDER BY p, k
ON CONFLICT DO NOTHING RETURNING property_id, key, reservation_id
"""
_LOCK = """
SELECT property_id, key, reservation_id FROM identity_keys
 WHERE ctid = ANY(ARRAY(
       SELECT i.ctid FROM unnest($2::uuid[], $3::text[]) AS u(p, k)
        CROSS JOIN LATERAL (SELECT ctid FROM identity_keys i
                             WHERE i.tenant_id = $1 AND i.property_id = u.p AND i.key = u.k OFFSET 0) AS i))
 ORDER BY property_id, key FOR NO KEY UPDATE
"""


async def settle(connection: Connection, tenant_id: UUID, wanted: Mapping[Key, UUID]) -> dict[Key, UUID]:
    """Give each key its reservation: the candidate when the key is new, whoever holds it otherwise.

    Keys are locked in order, so that two batches that meet in one booking take turns.
    """
    if not wanted:
        return {}
    keyed = [{"p": place, "k": key, "r": candidate} for (place, key), candidate in wanted.items()]
    rows = await connection.fetch(_INSERT, tenant_id, keyed)
    settled = {(row["property_id"], row["key"]): row["reservation_id"] for row in rows}
    missing = [key for key in wanted if key not in settled]
    if missing:
        properties, keys = (list(column) for column in zip(*missing, strict=True))
        for row in await connection.fetch(_LOCK, tenant_id, properties, keys):
            settled[row["property_id"], row["key"]] = row["reservation_id"]
    return settled


def vendor_key(account_id: UUID, ref: str) -> str:
    """Return the identity key of a vendor's reservation or group."""
    return f"ref:{account_id}:{ref}"


def channel_key(channel: str, reference: str, vendor_channel: str | None = None) -> str | None:
    """Return the identity key of an OTA's own number.

    "other" stands for every OTA without a word of ours, and two of them may give the same number: there the vendor's
    word tells them apart, and without one the number proves nothing (None).
    """
    if channel != "other":
        return f"channel:{channel}:{reference}"
    word = (vendor_channel or "").strip().lower()
    return f"channel:other:{word}:{reference}" if word else None
