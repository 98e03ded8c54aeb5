"""Outbox: what is to become true at vendors, one planned intent per account and object, on lanes of their own.

A push lane belongs to one object of one account and has no events: its work are the open intents of that object
(store.intents). It is opened in the transaction that plans, claimed and leased like any lane, and closed when no
intent is under way. Intents are locked before lanes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal
from uuid import UUID

import msgspec

from pms_sync.domain.ids import NewId
from pms_sync.store.database import Connection
from pms_sync.store.ids import new_id as fresh_id
from pms_sync.store.lanes import DUE, LEAVING, PUSH, lane_key

Kind = Literal["create", "modify", "cancel"]


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """What is newly to be told to an account about one object: a stay's id, for a create the first stay's.

    Nothing leaves before `held_s` seconds have passed. `notices` say what the vendor will not do with it.
    """

    account_id: UUID
    object_id: UUID
    reservation_id: UUID
    kind: Kind
    paths: tuple[str, ...]
    actor: str
    correlation_id: str
    held_s: float = 0.0
    notices: tuple[str, ...] = ()


# A create stays one whatever is planned after it: until the vendor has the object there is nothing to modify.
_PLAN = """
INSERT INTO intents (tenant_id, intent_id, account_id, object_id, reservation_id, kind, paths, notices, actor,
                     correlation_id, held_until)
SELECT $1, intent_id, account_id, object_id, reservation_id, kind, paths, notices, actor, correlation_id,
       CASE WHEN held_s > 0 THEN now() + held_s * interval '1 second' END
  FROM json_to_recordset($2::json)
       AS u(intent_id uuid, account_id uuid, object_id uuid, reservation_id uuid, kind text, paths text[],
            notices text[], actor text, correlation_id text, held_s float8)
 ORDER BY account_id, object_id
ON CONFLICT (tenant_id, account_id, object_id) WHERE state = 'planned' DO UPDATE
   SET kind = CASE WHEN intents.kind = 'create' THEN intents.kind ELSE excluded.kind END,
       paths = ARRAY(SELECT DISTINCT unnest(intents.paths || excluded.paths) ORDER BY 1),
       notices = ARRAY(SELECT DISTINCT unnest(intents.notices || excluded.notices) ORDER BY 1),
       actor = excluded.actor, correlation_id = excluded.correlation_id, vendor_error = NULL,
       held_until = greatest(intents.held_until, excluded.held_until)
"""
_OPEN = f"""
INSERT INTO lanes (lane_key, tenant_id, account_id, stream, ref, priority)
SELECT DISTINCT lane_key, $1::uuid, account_id, '{PUSH}', object_id::text, {LEAVING}
  FROM json_to_recordset($2::json) AS u(lane_key text, account_id uuid, object_id uuid) ORDER BY 1
ON CONFLICT (lane_key) DO UPDATE
   SET ready_at = least(lanes.ready_at, now()),
       not_before = CASE WHEN $3 THEN '-infinity' ELSE lanes.not_before END
"""  # noqa: S608 - constants of this package


async def plan(connection: Connection, tenant_id: UUID, planned: Sequence[Planned], new_id: NewId = fresh_id) -> None:
    """Plan what is to be sent, together with what waits already for the same object, and open the objects' lanes."""
    objects: dict[tuple[UUID, UUID], Planned] = {}
    for one in planned:
        key = (one.account_id, one.object_id)
        objects[key] = together(objects[key], one) if key in objects else one
    if objects:
        rows = [msgspec.to_builtins(one) | {"intent_id": new_id()} for one in objects.values()]
        await connection.execute(_PLAN, tenant_id, rows)
        await open_lanes(connection, tenant_id, objects)


def together(before: Planned, after: Planned) -> Planned:
    """Join two plans for one object: the newer one's word, both ones' paths, and the longer hold."""
    return msgspec.structs.replace(
        after,
        kind="create" if before.kind == "create" else after.kind,
        paths=tuple(sorted({*before.paths, *after.paths})),
        notices=tuple(dict.fromkeys((*before.notices, *after.notices))),
        held_s=max(before.held_s, after.held_s),
    )


async def open_lanes(
    connection: Connection, tenant_id: UUID, objects: Collection[tuple[UUID, UUID]], *, at_once: bool = False
) -> None:
    """Open or lock the push lanes of these (account, object), in key order; `at_once` ends a back-off."""
    rows = [
        {"lane_key": lane_key(account_id, PUSH, str(object_id)), "account_id": account_id, "object_id": object_id}
        for account_id, object_id in objects
    ]
    await connection.execute(_OPEN, tenant_id, rows, at_once)


class PushLane(msgspec.Struct, frozen=True, kw_only=True):
    """A claimed push lane; `attempts` counts the failures in a row."""

    lane_key: str
    tenant_id: UUID
    account_id: UUID
    object_id: UUID
    attempts: int


class Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """An account with push lanes that are due; nothing is sent for one that is not active and live."""

    account_id: UUID
    mode: str
    state: str

    @property
    def may_send(self) -> bool:
        """Tell whether changes may leave for this account."""
        return self.mode == "live" and self.state == "active"


_LEAVES = f"l.priority = {LEAVING} AND l.stream = '{PUSH}' AND {DUE} <= now()"


async def waiting(connection: Connection, busy: Collection[UUID]) -> list[Waiting]:
    """Return the accounts with push lanes to claim, whoever waits longest first, without those being worked on."""
    rows = await connection.fetch(
        f"""
        SELECT a.account_id, a.mode, a.state FROM accounts a
         CROSS JOIN LATERAL (SELECT {DUE} AS since FROM lanes l WHERE l.account_id = a.account_id AND {_LEAVES}
                              ORDER BY {DUE} LIMIT 1) AS oldest
         WHERE a.account_id <> ALL($1::uuid[]) ORDER BY oldest.since
        """,  # noqa: S608 - constants of this package
        list(busy),
    )
    return [Waiting(**row) for row in rows]


_CLAIM = f"""
SELECT lane_key FROM lanes l WHERE l.account_id = $1 AND {_LEAVES} ORDER BY {DUE} LIMIT $2 FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - constants of this package
_LEASE = """
UPDATE lanes SET owner = $2, lease_until = now() + $3 * interval '1 second' WHERE lane_key = ANY($1::text[])
RETURNING lane_key, tenant_id, account_id, ref::uuid AS object_id, attempts
"""


async def claim(connection: Connection, account_id: UUID, owner: UUID, limit: int, lease_s: float) -> list[PushLane]:
    """Lease up to `limit` due push lanes of one account, oldest first (inside a transaction)."""
    due = await connection.fetch(_CLAIM, account_id, limit)
    if not due:
        return []
    rows = await connection.fetch(_LEASE, [row["lane_key"] for row in due], owner, lease_s)
    return [PushLane(**row) for row in rows]


_CLOSE = """
DELETE FROM lanes l
 WHERE l.lane_key = ANY($1::text[])
   AND NOT EXISTS (SELECT FROM intents i
                    WHERE i.tenant_id = l.tenant_id AND i.account_id = l.account_id AND i.object_id = l.ref::uuid
                      AND i.state IN ('planned', 'sent', 'acknowledged', 'unknown'))
"""
_RELEASE = """
UPDATE lanes SET owner = NULL, lease_until = '-infinity', attempts = 0, ready_at = now()
 WHERE lane_key = ANY($1::text[])
"""


async def close(connection: Connection, keys: Collection[str]) -> None:
    """Delete lanes without work, release the others; the caller holds the fence."""
    await connection.execute(_CLOSE, list(keys))
    await connection.execute(_RELEASE, list(keys))


async def remotes(connection: Connection, tenant_id: UUID, account_id: UUID, refs: Sequence[str]) -> dict[str, bytes]:
    """Return the vendor's state of these stays as last seen, still sealed, by ref."""
    rows = await connection.fetch(
        "SELECT vendor_ref, remote FROM links WHERE tenant_id = $1 AND account_id = $2 AND level = 'stay' "
        "AND vendor_ref = ANY($3::text[]) AND remote IS NOT NULL",
        tenant_id,
        account_id,
        list(refs),
    )
    return {row["vendor_ref"]: row["remote"] for row in rows}
