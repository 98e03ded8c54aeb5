"""Identity: one booking is one reservation, decided by insertion, never by a look before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from pms_sync.store.database import Connection
from pms_sync.store.links import DESK

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


class Made(msgspec.Struct, frozen=True):
    """What we made at a vendor: our reservation, and the stays that were sent, in their order."""

    reservation_id: UUID
    stays: tuple[UUID, ...]

    def member(self, place: int) -> UUID | None:
        """Return the stay that was sent at this place, counted from 1; None where there was none."""
        return self.stays[place - 1] if 0 < place <= len(self.stays) else None


def desk_ref(group: str, number: int) -> str:
    """Name one stay of what was made at our desk."""
    return f"{group}.{number}"


_MADE = """
SELECT i.account_id, i.token, s.reservation_id,
       CASE WHEN i.members = '{}' THEN ARRAY[i.object_id] ELSE i.members END AS stays
  FROM intents i JOIN room_stays s ON s.tenant_id = i.tenant_id AND s.stay_id = i.object_id
 WHERE i.tenant_id = $1 AND i.token = ANY($2::text[]) AND i.kind = 'create'
"""


async def made_here(connection: Connection, tenant_id: UUID, tokens: Sequence[str]) -> dict[tuple[UUID, str], Made]:
    """Find what we made under these tokens, by (account, token)."""
    rows = await connection.fetch(_MADE, tenant_id, list(tokens))
    return {(row["account_id"], row["token"]): Made(row["reservation_id"], tuple(row["stays"])) for row in rows}


_BEING_MADE = """
SELECT i.account_id, l.vendor_ref, l.remote FROM intents i
  JOIN links l ON l.tenant_id = $1 AND l.reservation_id = i.reservation_id AND l.account_id = $3 AND l.level = 'stay'
 WHERE i.tenant_id = $1 AND i.account_id = ANY($2::uuid[]) AND i.kind = 'create' AND i.token IS NOT NULL
   AND i.state IN ('sent', 'acknowledged', 'unknown') AND l.home_ref IS NULL AND l.remote IS NOT NULL
"""


async def being_made(
    connection: Connection, tenant_id: UUID, account_ids: Sequence[UUID]
) -> list[tuple[UUID, str, bytes]]:
    """Return what these accounts were sent and have not shown yet: (account, the desk's ref, what was sent, sealed)."""
    rows = await connection.fetch(_BEING_MADE, tenant_id, list(account_ids), DESK)
    return [(row["account_id"], row["vendor_ref"], row["remote"]) for row in rows]
