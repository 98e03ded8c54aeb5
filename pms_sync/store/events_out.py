"""Events out: told by the transaction that makes them true, delivered after its commit, in order, to each by itself.

A subscriber is claimed and leased as a whole. What it does not take blocks what follows, so that order is kept; after
`ASIDE_AFTER` refusals a delivery is set aside, and from then on holds up only what concerns the same reservation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from pms_sync.domain.events import DomainEvent
from pms_sync.store.database import Connection

__all__ = [
    "ASIDE_AFTER",
    "PATIENCE_DAYS",
    "Claimed",
    "DomainEvent",
    "DueDelivery",
    "Refusal",
    "Verdict",
    "append",
    "claim",
    "delivered",
    "due",
    "prune",
    "refused",
    "release",
    "wanted",
]

PATIENCE_DAYS = 3
ASIDE_AFTER = 5

SubscriberState = Literal["active", "gone", "exhausted", "removed"]


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """A leased subscriber; `secret` is sealed, `failures` counts what went wrong in a row."""

    tenant_id: UUID
    subscriber_id: UUID
    url: str
    secret: bytes
    failures: int


class DueDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """An event one subscriber is to be told; `message_id` is what it recognises a repetition by."""

    event_id: int
    message_id: UUID
    topic: str
    reservation_id: UUID | None
    property_code: str | None
    payload: Mapping[str, Any]
    correlation_id: str
    created_at: datetime
    attempts: int


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt that failed: what was answered, how long the subscriber and this delivery rest, and whether for good.

    Seconds. The delivery's own rest counts once it was set aside; until then it holds up its subscriber.
    """

    answer: str
    subscriber_rest_s: float
    delivery_rest_s: float
    gone: bool = False


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What became of both after a refusal."""

    subscriber: SubscriberState
    delivery: Literal["waiting", "aside", "given_up"]


_APPEND = """
WITH wanted AS MATERIALIZED (
    SELECT subscriber_id, topics FROM subscribers WHERE tenant_id = $1 AND state = 'active'
), told AS (
    INSERT INTO events_out (tenant_id, topic, reservation_id, property_id, payload, correlation_id)
    SELECT $1, topic, reservation_id, property_id, payload, correlation_id
      FROM ROWS FROM (json_to_recordset($2::json)
           AS (topic text, reservation_id uuid, property_id uuid, payload jsonb, correlation_id text)) WITH ORDINALITY
           AS u(topic, reservation_id, property_id, payload, correlation_id, o)
     WHERE EXISTS (SELECT FROM wanted) AND EXISTS (SELECT FROM wanted w WHERE u.topic = ANY(w.topics))
     ORDER BY o
    RETURNING event_id, topic, reservation_id
)
INSERT INTO deliveries_out (tenant_id, event_id, subscriber_id, object_id)
SELECT $1, t.event_id, w.subscriber_id, t.reservation_id FROM told t JOIN wanted w ON t.topic = ANY(w.topics)
"""


async def append(connection: Connection, tenant_id: UUID, events: Sequence[DomainEvent]) -> None:
    """Tell the events, in order, inside the transaction that makes them true; nothing leaves before it commits.

    What nobody asked for is not written: the audit log remembers it. Events of one reservation must be appended while
    that reservation is locked: then their order is that of the facts.
    """
    if events:
        await connection.execute(_APPEND, tenant_id, events)


async def wanted(connection: Connection, tenant_id: UUID) -> frozenset[str]:
    """Return the topics somebody listens to now, so that a large batch need not put events together for nobody."""
    topics = await connection.fetchval(
        "SELECT array_agg(DISTINCT t) FROM subscribers, unnest(topics) t WHERE tenant_id = $1 AND state = 'active'",
        tenant_id,
    )
    return frozenset(topics or ())


# While what is first in line rests, so does its subscriber: only what was set aside has a time of its own.
_READY = """
d.state = 'waiting' AND NOT EXISTS (
    SELECT FROM deliveries_out e
     WHERE e.subscriber_id = d.subscriber_id AND e.state = 'aside' AND e.object_id = d.object_id
       AND e.event_id < d.event_id)
"""
_CLAIM = f"""
UPDATE subscribers SET owner = $1, lease_until = now() + $2 * interval '1 second'
 WHERE subscriber_id = ANY(ARRAY(
       SELECT subscriber_id FROM subscribers s
        WHERE state = 'active' AND next_at <= now() AND lease_until <= now()
          AND (EXISTS (SELECT FROM deliveries_out d WHERE d.subscriber_id = s.subscriber_id AND {_READY})
               OR EXISTS (SELECT FROM deliveries_out d WHERE d.subscriber_id = s.subscriber_id
                             AND d.state = 'aside' AND d.next_at <= now()))
        ORDER BY next_at LIMIT $3 FOR UPDATE SKIP LOCKED))
RETURNING tenant_id, subscriber_id, url, secret, failures
"""  # noqa: S608 - a constant expression


async def claim(connection: Connection, owner: UUID, lease_s: float, limit: int) -> list[Claimed]:
    """Lease up to `limit` subscribers that can be told something now, those that waited longest first (worker role)."""
    return [Claimed(**row) for row in await connection.fetch(_CLAIM, owner, lease_s, limit)]


_DUE = f"""
WITH ready AS (
    (SELECT d.event_id, d.attempts, false AS aside FROM deliveries_out d
      WHERE d.subscriber_id = $2 AND {_READY} ORDER BY d.event_id LIMIT $3)
    UNION ALL
    (SELECT d.event_id, d.attempts, true FROM deliveries_out d
      WHERE d.subscriber_id = $2 AND d.state = 'aside' AND d.next_at <= now() ORDER BY d.next_at LIMIT $4)
)
SELECT r.event_id, e.message_id, e.topic, e.reservation_id, p.code AS property_code, e.payload, e.correlation_id,
       e.created_at, r.attempts
  FROM ready r
  JOIN events_out e ON e.tenant_id = $1 AND e.event_id = r.event_id
  LEFT JOIN properties p ON p.tenant_id = e.tenant_id AND p.property_id = e.property_id
 ORDER BY r.aside, r.event_id
"""  # noqa: S608 - a constant expression
_MOST_ASIDE = 3


async def due(connection: Connection, claimed: Claimed, limit: int) -> list[DueDelivery]:
    """Return what the subscriber is to be told next, in order; what was set aside comes last."""
    rows = await connection.fetch(_DUE, claimed.tenant_id, claimed.subscriber_id, limit, _MOST_ASIDE)
    return [DueDelivery(**row) for row in rows]


_DELIVERED = """
WITH done AS (
    UPDATE deliveries_out
       SET state = 'delivered', attempts = attempts + 1, first_tried_at = coalesce(first_tried_at, now()),
           last_answer = $4, done_at = now()
     WHERE tenant_id = $1 AND subscriber_id = $2 AND event_id = $5
)
UPDATE subscribers
   SET failures = 0, failing_since = NULL, last_answer = $4, lease_until = now() + $6 * interval '1 second'
 WHERE tenant_id = $1 AND subscriber_id = $2 AND owner = $3
RETURNING state
"""


async def delivered(
    connection: Connection, claimed: Claimed, owner: UUID, event_id: int, answer: str, lease_s: float
) -> bool:
    """Write that the event arrived and prolong the lease; returns whether the subscriber is still this owner's."""
    state = await connection.fetchval(
        _DELIVERED, claimed.tenant_id, claimed.subscriber_id, owner, answer, event_id, lease_s
    )
    return bool(state == "active")


_REFUSED = f"""
WITH held AS (
    UPDATE subscribers
       SET failures = failures + 1, failing_since = coalesce(failing_since, now()), last_answer = $4,
           next_at = now() + $6 * interval '1 second', owner = NULL, lease_until = '-infinity',
           state = CASE WHEN state <> 'active' THEN state WHEN $8 THEN 'gone'
                        WHEN failing_since <= now() - interval '{PATIENCE_DAYS} days' THEN 'exhausted'
                        ELSE 'active' END
     WHERE tenant_id = $1 AND subscriber_id = $2 AND owner = $3
    RETURNING state
)
UPDATE deliveries_out d
   SET attempts = attempts + 1, first_tried_at = coalesce(first_tried_at, now()), last_answer = $4,
       next_at = now() + $7 * interval '1 second',
       state = CASE WHEN {{over}} THEN 'given_up' WHEN attempts + 1 < {ASIDE_AFTER} THEN 'waiting' ELSE 'aside' END,
       done_at = CASE WHEN {{over}} THEN now() END
  FROM held
 WHERE tenant_id = $1 AND subscriber_id = $2 AND event_id = $5
RETURNING held.state AS subscriber, d.state AS delivery
""".format(  # noqa: S608 - constants
    over=f"held.state = 'active' AND first_tried_at <= now() - interval '{PATIENCE_DAYS} days'"
)


async def refused(
    connection: Connection, claimed: Claimed, owner: UUID, event_id: int, refusal: Refusal
) -> Verdict | None:
    """Write a failed attempt and let the subscriber go until its rest is over; None when the lease was lost.

    An event that fails for three days while others arrive is given up; a subscriber that takes nothing for three days
    is stopped with everything still waiting, and one that answers 410 at once.
    """
    row = await connection.fetchrow(
        _REFUSED,
        claimed.tenant_id,
        claimed.subscriber_id,
        owner,
        refusal.answer,
        event_id,
        refusal.subscriber_rest_s,
        refusal.delivery_rest_s,
        refusal.gone,
    )
    return None if row is None else Verdict(**row)


_RELEASE = """
UPDATE subscribers SET owner = NULL, lease_until = '-infinity', next_at = greatest(next_at, now())
 WHERE owner = ANY($1::uuid[]) AND ($2::uuid IS NULL OR subscriber_id = $2)
"""


async def release(connection: Connection, owners: Sequence[UUID], subscriber_id: UUID | None = None) -> None:
    """Let go of one subscriber these owners still hold, or of all of them; others get their turn first."""
    if owners:
        await connection.execute(_RELEASE, list(owners), subscriber_id)


async def prune(connection: Connection, days: int, limit: int) -> int:
    """Delete events past their time with their deliveries, a bounded number at once; returns how many."""
    told: str = await connection.execute(
        "DELETE FROM events_out USING (SELECT tenant_id, event_id FROM events_out "
        "WHERE created_at < now() - make_interval(days => $1) ORDER BY created_at LIMIT $2) AS old "
        "WHERE events_out.tenant_id = old.tenant_id AND events_out.event_id = old.event_id",
        days,
        limit,
    )
    return int(told.rpartition(" ")[2])
