"""Projection: raw records once more as work, after the crosswalk has changed, a mapper learned, or a person asks.

What is known of an object keeps the ticket of its read, so that a replay can never overtake a newer read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from pms_sync.domain.room_status import STREAM as ROOM_STATUS
from pms_sync.store import lanes
from pms_sync.store.accounts import Account
from pms_sync.store.database import Connection
from pms_sync.store.lanes import BACKFILL, NewEvent

KIND = "replay"
_STREAM = "reservations"
_AT_ONCE = 500


class Settled(msgspec.Struct, frozen=True, kw_only=True):
    """What became of replayed events: how many are finished, how many moved the store, how many are parked (again)."""

    finished: int
    changed: int
    parked: int


class Enqueued(msgspec.Struct, frozen=True, kw_only=True):
    """The ids of the events, how many objects were left out, and the ref to go on after (None at the end)."""

    ids: list[int]
    gone: int
    after: str | None


_LINKS = """
SELECT l.vendor_ref, r.raw_id, r.stream, l.read_ticket, l.remote_digest
  FROM links l LEFT JOIN raw_records r ON r.raw_id = l.raw_id
 WHERE l.tenant_id = $1 AND l.account_id = $2 AND l.level = ANY('{stay,block}') AND l.remote_digest IS NOT NULL
   AND l.crosswalk_version < $3 AND l.vendor_ref > $4
 ORDER BY l.vendor_ref LIMIT $5
"""


async def enqueue_links(
    connection: Connection,
    account: Account,
    below_version: int,
    correlation_id: str,
    *,
    after: str,
    read_again: bool,
) -> Enqueued:
    """Open lanes for some of the account's objects, by ref, that were mapped with a crosswalk below a version.

    What retention has dropped the body of is read at the vendor where `read_again` says so, else left out and counted.
    Inside a transaction of the tenant.
    """
    rows = await connection.fetch(_LINKS, account.tenant_id, account.account_id, below_version, after, _AT_ONCE)
    ids, gone = await _replayed(connection, account, rows, correlation_id, read_again=read_again)
    after_this = rows[-1]["vendor_ref"] if len(rows) == _AT_ONCE else None
    return Enqueued(ids=ids, gone=gone, after=after_this)


# A hotel has no more rooms than go at once.
_ROOMS = """
SELECT s.room_ref AS vendor_ref, r.raw_id, $4::text AS stream, s.read_ticket
  FROM room_states s LEFT JOIN raw_records r ON r.raw_id = s.raw_id
 WHERE s.tenant_id = $1 AND s.account_id = $2 AND s.crosswalk_version < $3
 ORDER BY s.room_ref
"""


async def enqueue_rooms(
    connection: Connection, account: Account, below_version: int, correlation_id: str, *, read_again: bool
) -> Enqueued:
    """Open lanes for the account's rooms that were mapped with a crosswalk below a version, as `enqueue_links` does."""
    rows = await connection.fetch(_ROOMS, account.tenant_id, account.account_id, below_version, ROOM_STATUS)
    ids, gone = await _replayed(connection, account, rows, correlation_id, read_again=read_again)
    return Enqueued(ids=ids, gone=gone, after=None)


async def _replayed(
    connection: Connection,
    account: Account,
    rows: Sequence[Mapping[str, Any]],
    correlation_id: str,
    *,
    read_again: bool,
) -> tuple[list[int], int]:
    """Return the events' ids, and how many objects were left out."""
    events = [
        NewEvent(
            tenant_id=account.tenant_id,
            account_id=account.account_id,
            kind=KIND,
            stream=row["stream"] or _STREAM,
            ref=row["vendor_ref"],
            correlation_id=correlation_id,
            raw_id=row["raw_id"],
            read_ticket=row["read_ticket"] if row["raw_id"] else None,
            priority=BACKFILL,
        )
        for row in rows
        if row["raw_id"] or read_again
    ]
    return await lanes.append(connection, events), len(rows) - len(events)


async def projected(connection: Connection, account: Account, version: int) -> None:
    """Remember that everything mapped with an older crosswalk has been opened as work."""
    await connection.execute(
        "UPDATE accounts SET projected_version = greatest(projected_version, $2) WHERE account_id = $1",
        account.account_id,
        version,
    )


async def mapped_subjects(connection: Connection, account: Account) -> list[str]:
    """Return the subjects of the account's `mapping_missing` cases whose code is mapped by now."""
    rows = await connection.fetch(
        "SELECT kind, vendor_code FROM crosswalk WHERE tenant_id = $1 AND account_id = $2 AND our_code IS NOT NULL",
        account.tenant_id,
        account.account_id,
    )
    return [f"{account.account_id}:{row['kind']}:{row['vendor_code']}" for row in rows]


# The newest parked row of an object stands for the older ones; a row that nothing names cannot be mapped again.
_PARKED = """
WITH closed AS (
    UPDATE events SET state = 'done', outcome = 'replayed'
     WHERE account_id = ANY($1::uuid[]) AND state = 'parked' AND raw_id IS NOT NULL AND ref NOT LIKE 'unreadable-%'
    RETURNING event_id, tenant_id, account_id, stream, ref, raw_id, read_ticket, digest, correlation_id
)
SELECT DISTINCT ON (account_id, stream, ref) * FROM closed ORDER BY account_id, stream, ref, event_id DESC
"""


async def enqueue_parked(connection: Connection, account_ids: Sequence[UUID]) -> list[int]:
    """Try the accounts' parked records again (inside a transaction); returns the event ids."""
    rows = await connection.fetch(_PARKED, list(account_ids))
    events = [
        NewEvent(
            tenant_id=row["tenant_id"],
            account_id=row["account_id"],
            kind=KIND,
            stream=row["stream"],
            ref=row["ref"],
            correlation_id=row["correlation_id"],
            raw_id=row["raw_id"],
            read_ticket=row["read_ticket"],
            digest=row["digest"],
            priority=BACKFILL,
        )
        for row in rows
    ]
    return await lanes.append(connection, events)


async def reopen_deliveries(connection: Connection) -> int:
    """Give the parked deliveries to the router once more; returns how many."""
    told = await connection.execute(
        "UPDATE deliveries SET state = 'waiting', park_path = NULL, park_reason = NULL, done_at = NULL "
        "WHERE state = 'parked'"
    )
    return int(told.rpartition(" ")[2])


async def parked_count(connection: Connection) -> int:
    """Count the rows that wait for a person: deliveries and records."""
    count: int = await connection.fetchval(
        "SELECT (SELECT count(*) FROM deliveries WHERE state = 'parked') "
        "+ (SELECT count(*) FROM events WHERE state = 'parked')"
    )
    return count


async def settled(connection: Connection, event_ids: Sequence[int]) -> Settled:
    """Say what became of these events so far."""
    row = await connection.fetchrow(
        "SELECT count(*) FILTER (WHERE state NOT IN ('waiting', 'leased')) AS finished, "
        "count(*) FILTER (WHERE outcome IN ('new', 'changed')) AS changed, "
        "count(*) FILTER (WHERE state = 'parked') AS parked FROM events WHERE event_id = ANY($1::bigint[])",
        list(event_ids),
    )
    return Settled(**row)
