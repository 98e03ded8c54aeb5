"""Seen: what is known already about objects that a listing shows again, so that equal reads write nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from pms_sync.domain.room_status import STREAM as ROOM_STATUS
from pms_sync.store.database import Connection
from pms_sync.store.lanes import lane_key


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """The last word about each ref: `applied` by its link, `waiting` in its lane, `parked` since the link was read.

    `waiting` holds None where the newest unfinished event is a hint to fetch, whose answer nobody knows yet.
    """

    applied: Mapping[str, bytes]
    waiting: Mapping[str, bytes | None]
    parked: Mapping[str, bytes]

    def has(self, ref: str, digest: bytes) -> bool:
        """Tell whether storing this digest again would tell nothing new."""
        if ref in self.waiting:
            return self.waiting[ref] == digest
        return digest in (self.applied.get(ref), self.parked.get(ref))


# What was missing at its last read must be told as soon as it is shown again, even when it is unchanged.
_APPLIED = """
SELECT DISTINCT ON (vendor_ref) vendor_ref, CASE WHEN missing_reads = 0 THEN remote_digest END AS remote_digest,
       read_ticket
  FROM links
 WHERE tenant_id = $1 AND account_id = $2 AND level IN ('stay', 'block') AND vendor_ref = ANY($3::text[])
 ORDER BY vendor_ref, read_ticket DESC
"""
_APPLIED_TO_ROOMS = """
SELECT room_ref AS vendor_ref, remote_digest, read_ticket FROM room_states
 WHERE tenant_id = $1 AND account_id = $2 AND room_ref = ANY($3::text[])
"""
_WAITING = """
SELECT DISTINCT ON (lane_key) ref, CASE WHEN raw_id IS NOT NULL THEN digest END AS digest FROM events
 WHERE lane_key = ANY($1::text[]) AND state IN ('waiting', 'leased') ORDER BY lane_key, event_id DESC
"""
_PARKED = """
SELECT DISTINCT ON (ref) ref, digest, read_ticket FROM events
 WHERE lane_key = ANY($1::text[]) AND state = 'parked' AND digest IS NOT NULL AND read_ticket IS NOT NULL
 ORDER BY ref, event_id DESC
"""


async def load(connection: Connection, tenant_id: UUID, account_id: UUID, stream: str, refs: Sequence[str]) -> Seen:
    """Return what is known about these refs (inside a transaction of the tenant)."""
    applied = _APPLIED_TO_ROOMS if stream == ROOM_STATUS else _APPLIED
    links = await connection.fetch(applied, tenant_id, account_id, list(refs))
    keys = [lane_key(account_id, stream, ref) for ref in refs]
    waiting = await connection.fetch(_WAITING, keys)
    parked = await connection.fetch(_PARKED, keys)
    tickets = {row["vendor_ref"]: row["read_ticket"] for row in links}
    return Seen(
        applied={row["vendor_ref"]: row["remote_digest"] for row in links if row["remote_digest"] is not None},
        waiting={row["ref"]: row["digest"] for row in waiting},
        # A record parked before the link's last read is history: the object was something else since.
        parked={row["ref"]: row["digest"] for row in parked if row["read_ticket"] > tickets.get(row["ref"], -1)},
    )


_VERSIONS = """
SELECT vendor_ref, max(remote_version) AS version FROM links
 WHERE tenant_id = $1 AND account_id = $2 AND level IN ('stay', 'block') AND vendor_ref = ANY($3::text[])
   AND missing_reads = 0 AND remote_version IS NOT NULL
 GROUP BY vendor_ref
"""
_ASKED_FOR = "SELECT ref FROM events WHERE lane_key = ANY($1::text[]) AND state = 'waiting' AND raw_id IS NULL"


async def versions(connection: Connection, tenant_id: UUID, account_id: UUID, refs: Sequence[str]) -> dict[str, str]:
    """Return the version held of each of these refs that was there at its last read (inside a transaction)."""
    rows = await connection.fetch(_VERSIONS, tenant_id, account_id, list(refs))
    return {row["vendor_ref"]: row["version"] for row in rows}


async def asked_for(connection: Connection, account_id: UUID, stream: str, refs: Sequence[str]) -> set[str]:
    """Return those of these refs that wait to be fetched and that nobody has claimed yet."""
    rows = await connection.fetch(_ASKED_FOR, [lane_key(account_id, stream, ref) for ref in refs])
    return {row["ref"] for row in rows}
