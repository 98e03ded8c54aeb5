"""Outbox: what is to become true at vendors, one planned intent per account and object, on lanes of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

import msgspec

from pms_sync.store.database import Connection

PUSH = "push"  # the stream of the lanes on which objects leave


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """What is newly to be told to an account about one object: a stay's id, for a create the first stay's.

    Nothing leaves before `held_s` seconds have passed.
    """

    account_id: UUID
    object_id: UUID
    reservation_id: UUID
    kind: Literal["create", "modify", "cancel"]
    paths: tuple[str, ...]
    actor: str
    correlation_id: str
    held_s: float = 0.0


_PLAN = """
INSERT INTO intents (tenant_id, intent_id, account_id, object_id, reservation_id, kind, paths, actor, correlation_id,
                     held_until)
SELECT $1, gen_random_uuid(), a, o, r, k, p, w, c, CASE WHEN h > 0 THEN now() + h * interval '1 second' END
  FROM json_to_recordset($2::json) AS u(a uuid, o uuid, r uuid, k text, p text[], w text, c text, h float8)
 ORDER BY a, o
ON CONFLICT (tenant_id, account_id, object_id) WHERE state = 'planned' DO UPDATE
   SET kind = CASE WHEN intents.kind = 'create' THEN intents.kind ELSE excluded.kind END,
       paths = ARRAY(SELECT DISTINCT unnest(intents.paths || excluded.paths) ORDER BY 1),
       actor = excluded.actor, correlation_id = excluded.correlation_id,
       held_until = greatest(intents.held_until, excluded.held_until)
"""
_OPEN_LANES = """
INSERT INTO lanes (lane_key, tenant_id, account_id, stream, ref, priority, not_before)
SELECT a || '/push/' || o, $1, a, 'push', o::text, 0,
       CASE WHEN max(h) > 0 THEN now() + max(h) * interval '1 second' ELSE '-infinity' END
  FROM json_to_recordset($2::json) AS u(a uuid, o uuid, h float8) GROUP BY a, o ORDER BY 1
ON CONFLICT (lane_key) DO UPDATE
   SET ready_at = least(lanes.ready_at, now()), not_before = greatest(lanes.not_before, excluded.not_before)
"""


async def plan(connection: Connection, tenant_id: UUID, planned: Sequence[Planned]) -> None:
    """Plan what is to be sent, together with what waits already for the same object, and open the objects' lanes."""
    unique = {(one.account_id, one.object_id): one for one in planned}
    if not unique:
        return
    rows = [
        {
            "a": one.account_id,
            "o": one.object_id,
            "r": one.reservation_id,
            "k": one.kind,
            "p": sorted({path for other in planned if _same(one, other) for path in other.paths}),
            "w": one.actor,
            "c": one.correlation_id,
            "h": one.held_s,
        }
        for one in unique.values()
    ]
    await connection.execute(_PLAN, tenant_id, rows)
    await connection.execute(_OPEN_LANES, tenant_id, rows)


def _same(one: Planned, other: Planned) -> bool:
    return (one.account_id, one.object_id) == (other.account_id, other.object_id)
