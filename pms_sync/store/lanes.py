"""Lanes: one queue per vendor object, claimed, leased and retried as a whole (DEPENDENCIES §3).

Rules that keep it right: whoever appends locks the lane rows first, in key order, with DO UPDATE; a claim is two
statements; acknowledging happens in the transaction of the effects, under the owner's fence, and marks exactly the
claimed event ids. Back-off lives in `not_before`, which new work never shortens.

What leaves for vendors runs on lanes of the stream PUSH (store.outbox), which have no events and which no query for
what comes in may claim; a priority of their own keeps them out of its part of the index.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

import msgspec

from pms_sync.store.database import Connection

PUSH = "push"  # the stream of the lanes on which objects leave
LEAVING, LIVE, POLL, BACKFILL = 0, 1, 5, 8  # lane priorities, smaller first


class NewEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One piece of work for a lane: a raw record to map, or (raw_id None) a ref to fetch as it is now."""

    tenant_id: UUID
    account_id: UUID
    kind: str
    stream: str
    ref: str
    correlation_id: str
    raw_id: int | None = None
    read_ticket: int | None = None
    digest: bytes | None = None
    priority: int = POLL
    not_before_s: float = 0.0

    @property
    def lane_key(self) -> str:
        """Return the key of the object's lane."""
        return lane_key(self.account_id, self.stream, self.ref)


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A claimed event."""

    event_id: int
    lane_key: str
    kind: str
    raw_id: int | None
    read_ticket: int | None
    digest: bytes | None
    attempts: int
    correlation_id: str


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """A claimed lane with all its waiting events, oldest first."""

    lane_key: str
    tenant_id: UUID
    account_id: UUID
    stream: str
    ref: str
    attempts: int
    events: tuple[Event, ...]


def lane_key(account_id: UUID, stream: str, ref: str) -> str:
    """Return the key of one vendor object's lane."""
    return f"{account_id}/{stream}/{ref}"


_APPEND = """
WITH work AS (
    SELECT account_id || '/' || stream || '/' || ref AS lane_key, tenant_id, account_id, kind, stream, ref,
           correlation_id, raw_id, read_ticket, decode(digest, 'base64') AS digest, priority, not_before_s AS wait_s, o
      FROM ROWS FROM (json_to_recordset($1::json)
           AS (tenant_id uuid, account_id uuid, kind text, stream text, ref text, correlation_id text, raw_id bigint,
               read_ticket bigint, digest text, priority smallint, not_before_s float8)) WITH ORDINALITY
           AS u(tenant_id, account_id, kind, stream, ref, correlation_id, raw_id, read_ticket, digest, priority,
                not_before_s, o)
), opened AS (
    INSERT INTO lanes (lane_key, tenant_id, account_id, stream, ref, priority, not_before)
    SELECT DISTINCT ON (lane_key) lane_key, tenant_id, account_id, stream, ref, priority,
           CASE WHEN wait_s > 0 THEN now() + wait_s * interval '1 second' ELSE '-infinity' END
      FROM work ORDER BY lane_key, wait_s
    ON CONFLICT (lane_key) DO UPDATE
       SET ready_at = least(lanes.ready_at, now()), priority = least(lanes.priority, excluded.priority),
           not_before = greatest(lanes.not_before, excluded.not_before)
    RETURNING 1
)
INSERT INTO events (lane_key, tenant_id, account_id, kind, stream, ref, correlation_id, raw_id, read_ticket, digest)
SELECT lane_key, tenant_id, account_id, kind, stream, ref, correlation_id, raw_id, read_ticket, digest
  FROM work WHERE (SELECT count(*) FROM opened) > 0 ORDER BY o
RETURNING event_id
"""


async def append(connection: Connection, events: Sequence[NewEvent]) -> list[int]:
    """Open or lock the lanes in key order, then append the events; returns their ids in order."""
    if not events:
        return []
    rows = await connection.fetch(_APPEND, events)
    return [row["event_id"] for row in rows]


DUE = "greatest(ready_at, not_before, lease_until)"  # shared with the index
_COMES_IN = f"priority > {LEAVING} AND stream <> '{PUSH}'"

_CLAIM = f"""
SELECT lane_key, owner IS NOT NULL AS abandoned FROM lanes
 WHERE account_id = $1 AND {_COMES_IN} AND {DUE} <= now()
 ORDER BY priority, {DUE} LIMIT $2 FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - constants of this module
_CLAIM_THESE = """
SELECT lane_key, owner IS NOT NULL AS abandoned FROM lanes
 WHERE lane_key = ANY($1::text[]) AND lease_until <= now() ORDER BY lane_key FOR UPDATE SKIP LOCKED
"""
_LEASE = """
UPDATE lanes SET owner = $2, lease_until = now() + $3 * interval '1 second'
 WHERE lane_key = ANY($1::text[])
RETURNING lane_key, tenant_id, account_id, stream, ref, attempts
"""
# A hint is marked, since a later one may only join while nobody has claimed it; a record read already is claimed with
# its lane, and is marked only when somebody claimed it before and did not end: else each one would be written twice.
_TAKE = """
UPDATE events SET state = 'leased', attempts = attempts + 1
 WHERE lane_key = ANY($1::text[]) AND state IN ('waiting', 'leased')
   AND (raw_id IS NULL OR lane_key = ANY($2::text[]))
RETURNING event_id, lane_key, kind, raw_id, read_ticket, digest, attempts, correlation_id
"""
_READ_ALREADY = """
SELECT event_id, lane_key, kind, raw_id, read_ticket, digest, attempts, correlation_id FROM events
 WHERE lane_key = ANY($1::text[]) AND state IN ('waiting', 'leased') AND raw_id IS NOT NULL
   AND lane_key <> ALL($2::text[])
"""


async def due_accounts(connection: Connection, busy: Collection[UUID]) -> list[UUID]:
    """Return the accounts that have a lane to claim now, leaving out those already being worked on."""
    rows = await connection.fetch(
        f"""
        SELECT account_id FROM accounts a
         WHERE state = 'active' AND account_id <> ALL($1::uuid[])
           AND EXISTS (SELECT FROM lanes l WHERE l.account_id = a.account_id AND {_COMES_IN} AND {DUE} <= now())
        """,  # noqa: S608 - constants of this module
        list(busy),
    )
    return [row["account_id"] for row in rows]


async def claim(connection: Connection, account_id: UUID, owner: UUID, limit: int, lease_s: float) -> list[Lane]:
    """Lease up to `limit` due lanes of one account with all their open events (inside a transaction)."""
    return await _leased(connection, await connection.fetch(_CLAIM, account_id, limit), owner, lease_s)


async def claim_these(connection: Connection, keys: Sequence[str], owner: UUID, lease_s: float) -> list[Lane]:
    """Lease those of these lanes that nobody holds, due or not, with all their open events."""
    return await _leased(connection, await connection.fetch(_CLAIM_THESE, list(keys)), owner, lease_s)


async def leased(connection: Connection, keys: Sequence[str]) -> set[str]:
    """Return those of these lanes that somebody holds now."""
    rows = await connection.fetch(
        "SELECT lane_key FROM lanes WHERE lane_key = ANY($1::text[]) AND lease_until > now()", list(keys)
    )
    return {row["lane_key"] for row in rows}


async def _leased(connection: Connection, due: Sequence[Any], owner: UUID, lease_s: float) -> list[Lane]:
    if not due:
        return []
    keys, abandoned = [row["lane_key"] for row in due], [row["lane_key"] for row in due if row["abandoned"]]
    lanes = await connection.fetch(_LEASE, keys, owner, lease_s)
    taken = await connection.fetch(_TAKE, keys, abandoned)
    taken += await connection.fetch(_READ_ALREADY, keys, abandoned)
    events: dict[str, list[Event]] = {key: [] for key in keys}
    for row in taken:
        events[row["lane_key"]].append(Event(**row))
    return [Lane(**row, events=tuple(sorted(events[row["lane_key"]], key=_event_id))) for row in lanes]


def _event_id(event: Event) -> int:
    return event.event_id


async def fence(connection: Connection, keys: Sequence[str], owner: UUID) -> set[str]:
    """Lock the lanes this owner still holds, in key order; work of any other lane must be dropped."""
    rows = await connection.fetch(
        "SELECT lane_key FROM lanes WHERE lane_key = ANY($1::text[]) AND owner = $2 ORDER BY lane_key FOR UPDATE",
        list(keys),
        owner,
    )
    return {row["lane_key"] for row in rows}


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one claimed event."""

    event_id: int
    state: str  # done | parked | ignored
    outcome: str
    raw_id: int | None = None
    digest: bytes | None = None
    read_ticket: int | None = None
    park_path: str | None = None
    park_reason: str | None = None


_MARK = """
UPDATE events e
   SET state = u.state, outcome = u.outcome, raw_id = coalesce(u.raw_id, e.raw_id),
       digest = coalesce(decode(u.digest, 'base64'), e.digest),
       read_ticket = coalesce(u.read_ticket, e.read_ticket), park_path = u.park_path, park_reason = u.park_reason,
       attempts = e.attempts + (e.state = 'waiting')::int, done_at = now()
  FROM json_to_recordset($1::json)
       AS u(event_id bigint, state text, outcome text, raw_id bigint, digest text, read_ticket bigint,
            park_path text, park_reason text)
 WHERE e.event_id = u.event_id
"""
_CLOSE = """
DELETE FROM lanes l WHERE lane_key = ANY($1::text[])
   AND (SELECT count(*) FROM (SELECT FROM events e WHERE e.lane_key = l.lane_key AND e.state IN ('waiting', 'leased')
                               LIMIT 1) AS open) = 0
"""
_RELEASE = """
UPDATE lanes SET owner = NULL, lease_until = '-infinity', attempts = 0, ready_at = now()
 WHERE lane_key = ANY($1::text[])
"""


async def acknowledge(connection: Connection, keys: Sequence[str], verdicts: Sequence[Verdict]) -> None:
    """Mark exactly these events, delete lanes without work, release the others; the caller holds the fence."""
    await connection.execute(_MARK, verdicts)
    await connection.execute(_CLOSE, list(keys))
    await connection.execute(_RELEASE, list(keys))


# A row that a replay is just reopening is locked by it, and closed by it too: waiting for it could be for ever.
_SUPERSEDE = """
UPDATE events SET state = 'done', outcome = 'superseded', done_at = now()
 WHERE event_id = ANY(ARRAY(
       SELECT e.event_id FROM unnest($1::text[], $2::bigint[], $3::bigint[]) AS u(lane_key, ticket, event_id)
        CROSS JOIN LATERAL (SELECT p.event_id FROM events p
                             WHERE p.lane_key = u.lane_key AND p.state = 'parked' AND p.event_id <> u.event_id
                               AND coalesce(p.read_ticket, 0) <= u.ticket
                               FOR UPDATE SKIP LOCKED) AS e))
"""


class Landed(msgspec.Struct, frozen=True):
    """The last word about a lane's object: the event that brought it, and the ticket of its read."""

    lane_key: str
    ticket: int
    event_id: int


async def supersede(connection: Connection, landed: Sequence[Landed]) -> None:
    """Close the parked events of these lanes that were read no later; the caller holds the fence."""
    if landed:
        columns = zip(*((one.lane_key, one.ticket, one.event_id) for one in landed), strict=True)
        await connection.execute(_SUPERSEDE, *(list(column) for column in columns))


_BACK_OFF = """
UPDATE lanes SET owner = NULL, lease_until = '-infinity', attempts = attempts + $4,
       not_before = greatest(not_before, now() + $3 * interval '1 second')
 WHERE lane_key = ANY($1::text[]) AND owner = $2
"""
_PUT_BACK = """
UPDATE events SET state = 'waiting', attempts = attempts - CASE WHEN $2 THEN 0 ELSE 1 END
 WHERE lane_key = ANY($1::text[]) AND state = 'leased'
"""


async def back_off(
    connection: Connection, keys: Sequence[str], owner: UUID, wait_s: float, *, counts: bool = True
) -> None:
    """Give the lanes back for later; `counts` is false when no attempt was made (breaker open, shutdown)."""
    held = await fence(connection, keys, owner)
    await connection.execute(_PUT_BACK, list(held), counts)
    await connection.execute(_BACK_OFF, list(held), owner, wait_s, 1 if counts else 0)


_EXTEND = """
UPDATE lanes SET lease_until = greatest(lease_until, now() + $3 * interval '1 second')
 WHERE lane_key = ANY(ARRAY(SELECT lane_key FROM lanes WHERE lane_key = ANY($1::text[]) AND owner = $2
                             ORDER BY lane_key FOR UPDATE SKIP LOCKED))
"""


async def extend(connection: Connection, keys: Sequence[str], owner: UUID, lease_s: float) -> None:
    """Prolong the lease of lanes whose work takes longer than expected; those being acknowledged are left alone."""
    await connection.execute(_EXTEND, list(keys), owner, lease_s)


_HOLD = """
UPDATE lanes SET lease_until = greatest(lease_until, now() + $3 * interval '1 second')
 WHERE lane_key = ANY(ARRAY(SELECT lane_key FROM lanes WHERE lane_key = ANY($1::text[]) AND owner = $2
                             ORDER BY lane_key FOR UPDATE))
RETURNING lane_key
"""


async def hold(connection: Connection, keys: Sequence[str], owner: UUID, lease_s: float) -> set[str]:
    """Prolong the leases of lanes this owner still holds, and return these: nobody else claims them for so long."""
    return {row["lane_key"] for row in await connection.fetch(_HOLD, list(keys), owner, lease_s)}


async def give_back(connection: Connection, owners: Sequence[UUID]) -> None:
    """Release what these owners still hold, so that a successor need not wait for the leases to end."""
    if owners:
        await connection.execute(
            "UPDATE lanes SET owner = NULL, lease_until = '-infinity' WHERE owner = ANY($1::uuid[])", list(owners)
        )


async def read_ticket(connection: Connection) -> int:
    """Draw the sequence number that orders vendor reads; taken before the vendor is called."""
    ticket: int = await connection.fetchval("SELECT nextval('read_tickets')")
    return ticket
