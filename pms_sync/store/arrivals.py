"""Arrivals: what was applied lately and how it came, for the live table; and whether anything is still on its way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from pms_sync.store.database import Connection


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """One finished event of the inbox."""

    event_id: int
    account_id: UUID
    kind: str
    ref: str
    outcome: str | None
    state: str
    received_at: datetime
    done_at: datetime


class Quiet(msgspec.Struct, frozen=True, kw_only=True):
    """What is still on its way, and when each stream was last read to its end (None: never).

    A stream that rests for long between reads counts until its first one only: what changes there is told otherwise.
    """

    waiting: int
    last_read_at: datetime | None


async def since(connection: Connection, event_id: int, limit: int = 200) -> list[Arrival]:
    """Return the events finished after this one, oldest first (worker role)."""
    rows = await connection.fetch(
        "SELECT event_id, account_id, kind, ref, outcome, state, received_at, done_at FROM events "
        "WHERE event_id > $1 AND done_at IS NOT NULL ORDER BY event_id LIMIT $2",
        event_id,
        limit,
    )
    return [Arrival(**row) for row in rows]


async def quiet(connection: Connection) -> Quiet:
    """Say what still waits, over all tenants, and the oldest of the streams' last reads."""
    row = await connection.fetchrow(
        "SELECT (SELECT count(*) FROM deliveries WHERE state = 'waiting') "
        "+ (SELECT count(*) FROM events WHERE state IN ('waiting', 'leased')) "
        "+ (SELECT count(*) FROM intents WHERE state IN ('planned', 'sent', 'acknowledged', 'unknown')) AS waiting, "
        "(SELECT CASE WHEN bool_and(last_success_at IS NOT NULL) THEN min(last_success_at) "
        "FILTER (WHERE next_due_at - last_success_at < interval '1 minute') END FROM cursors) "
        "AS last_read_at"
    )
    return Quiet(**row)


async def cases(connection: Connection) -> tuple[int, int]:
    """Return how many cases were ever opened and how many are open (inside a transaction of the tenant)."""
    row = await connection.fetchrow(
        "SELECT count(*) AS opened, count(*) FILTER (WHERE state IN ('open', 'snoozed')) AS open FROM cases"
    )
    return row["opened"], row["open"]


async def reservation_of(connection: Connection, ref: str) -> UUID | None:
    """Return the reservation that a vendor's booking leads to (inside a transaction of the tenant)."""
    found: UUID | None = await connection.fetchval(
        "SELECT reservation_id FROM links WHERE level = 'stay' AND vendor_ref = $1", ref
    )
    return found


async def refused_of(connection: Connection, refs: Sequence[str]) -> str | None:
    """Return which of these bookings has no room, once a case tells of it (inside a transaction of the tenant)."""
    found: str | None = await connection.fetchval(
        "SELECT s.vendor_ref FROM room_stays s WHERE s.vendor_ref = ANY($1::text[]) AND s.claim_state = 'refused' "
        "AND EXISTS (SELECT FROM cases c WHERE c.kind = 'room_double_booked' AND c.state = 'open' "
        "AND s.reservation_id = ANY(c.reservation_ids))",
        list(refs),
    )
    return found
