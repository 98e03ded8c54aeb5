"""Pushes: the outbox as people see it, and the two things they may do about it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

import msgspec

from pms_sync.store import intents, outbox
from pms_sync.store.database import Connection
from pms_sync.store.intents import Intent, State


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """One push with the account it is for."""

    tenant_id: UUID
    intent_id: UUID
    account_id: UUID
    reservation_id: UUID | None
    kind: str
    state: State
    attempts: int
    vendor_ref: str | None
    vendor_error: str | None
    correlation_id: str
    created_at: datetime
    sent_at: datetime | None
    verified_at: datetime | None
    held_until: datetime | None
    paths: tuple[str, ...]
    notices: tuple[str, ...]
    mode: str
    account_state: str


_LISTED = """
SELECT i.tenant_id, i.intent_id, i.account_id, i.reservation_id, i.kind, i.state, i.attempts, i.vendor_ref,
       i.vendor_error, i.correlation_id, i.created_at, i.sent_at, i.verified_at, i.held_until, i.paths, i.notices,
       a.mode, a.state AS account_state
  FROM intents i JOIN accounts a ON a.tenant_id = i.tenant_id AND a.account_id = i.account_id
 WHERE i.state = ANY($1::text[]) AND ($2::uuid IS NULL OR i.account_id = $2)
   AND ($3::uuid IS NULL OR i.intent_id = $3)
 ORDER BY i.created_at DESC, i.intent_id DESC LIMIT $4
"""


async def listed(
    connection: Connection,
    states: Collection[State],
    limit: int,
    *,
    account_id: UUID | None = None,
    intent_id: UUID | None = None,
) -> list[Push]:
    """Return pushes in these states, newest first, of one account or of one id where that is given (worker role)."""
    rows = await connection.fetch(_LISTED, list(states), account_id, intent_id, limit)
    return [Push(**{**row, "paths": tuple(row["paths"]), "notices": tuple(row["notices"])}) for row in map(dict, rows)]


async def retry(connection: Connection, intent: Intent, actor: str) -> Intent:
    """Plan a parked push again, with what was planned for its object since, and open its lane at once.

    Its token stays where what it makes may exist already: then it is looked up before it is sent. Raises Moved.
    """
    locked = await intents.lock(connection, intent)
    again = await intents.plan_again(
        connection,
        locked,
        by=actor,
        attempts=0,
        look_ups=0,
        old_reads=0,
        token=locked.token if locked.may_exist else None,
        vendor_error=None,
    )
    await outbox.open_lanes(connection, again.tenant_id, [(again.account_id, again.object_id)], at_once=True)
    return again


async def cancel(connection: Connection, intent: Intent, actor: str) -> Intent:
    """Give a planned or parked push up; raises Moved. What we hold ourselves stays as it is."""
    locked = await intents.lock(connection, intent)
    return await intents.move(connection, locked, "superseded", by=actor, notices=(f"given up by {actor}",))
