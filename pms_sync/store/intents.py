"""Intents: one attempt each to make something true at a vendor, from planned to verified (ARCHITECTURE §7).

Every move is guarded by the state it leaves, and belongs into a transaction that ends with the fence of the object's
lane. A planned intent takes in what is planned later, so whoever moves one locks it first and reads it under the lock;
where the reservation is locked as well, that comes before.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from pms_sync.domain.events import push_parked
from pms_sync.store import events_out
from pms_sync.store.audit import Entry, append
from pms_sync.store.database import Connection
from pms_sync.store.outbox import Kind

State = Literal["planned", "sent", "acknowledged", "verified", "unknown", "parked", "superseded"]
UNDER_WAY: frozenset[State] = frozenset({"planned", "sent", "acknowledged", "unknown"})
UNSETTLED: frozenset[State] = UNDER_WAY | {"parked"}


class Moved(Exception):
    """The intent is no longer in the state it was read in; what was worked out for it must not be written."""


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """One intent; `request` is sealed for `place(intent_id)`.

    `token` is our mark on what is sent, committed before it is. `look_ups` counts how often an unknown outcome was
    looked up in vain, `old_reads` how often the old value was still there after it was taken. `members` are the stays
    that a create was sent with, in the order of the marks which the vendor's objects carry.
    """

    tenant_id: UUID
    intent_id: UUID
    account_id: UUID
    object_id: UUID
    reservation_id: UUID | None
    kind: Kind
    state: State
    attempts: int
    token: str | None
    paths: tuple[str, ...]
    notices: tuple[str, ...]
    request: bytes | None
    look_ups: int
    old_reads: int
    actor: str
    held_until: datetime | None
    sent_at: datetime | None
    vendor_ref: str | None
    vendor_error: str | None
    correlation_id: str
    created_at: datetime
    members: tuple[UUID, ...] = ()

    @property
    def may_exist(self) -> bool:
        """Tell whether a create that is not done may have been done all the same, in part or out of sight."""
        return self.kind == "create" and (self.look_ups > 0 or self.old_reads > 0 or self.vendor_ref is not None)


def place(intent_id: UUID) -> str:
    """Return the place an intent's request is sealed for."""
    return f"intents.request:{intent_id}"


_COLUMNS = """
tenant_id, intent_id, account_id, object_id, reservation_id, kind, state, attempts, token, paths, notices, request,
look_ups, old_reads, coalesce(actor, '') AS actor, held_until, sent_at, vendor_ref, vendor_error, correlation_id,
created_at, members
"""
_OF_OBJECTS = f"""
SELECT {_COLUMNS}, clock_timestamp() AS now FROM intents
 WHERE tenant_id = $1 AND account_id = $2 AND object_id = ANY($3::uuid[])
   AND state IN ('planned', 'sent', 'acknowledged', 'unknown', 'parked')
 ORDER BY created_at, intent_id
"""  # noqa: S608 - constants of this module


class Open(msgspec.Struct, frozen=True):
    """The open intents of some objects, oldest first, and the database's time, by which theirs are told."""

    by_object: Mapping[UUID, Sequence[Intent]]
    now: datetime | None = None


async def of_objects(connection: Connection, tenant_id: UUID, account_id: UUID, object_ids: Collection[UUID]) -> Open:
    """Return the open intents of these objects of one account, parked ones included."""
    rows = await connection.fetch(_OF_OBJECTS, tenant_id, account_id, list(object_ids))
    found: defaultdict[UUID, list[Intent]] = defaultdict(list)
    for row in rows:
        found[row["object_id"]].append(_intent(row))
    return Open(found, rows[0]["now"] if rows else None)


async def lock(connection: Connection, intent: Intent) -> Intent:
    """Lock an intent and return it as it is now; raises Moved when it is no longer in the state it was read in."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM intents WHERE tenant_id = $1 AND intent_id = $2 FOR UPDATE",  # noqa: S608 - a constant
        intent.tenant_id,
        intent.intent_id,
    )
    if row is None or row["state"] != intent.state:
        raise Moved(f"intent {intent.intent_id} is no longer {intent.state}")
    return _intent(row)


async def find(connection: Connection, intent_id: UUID) -> Intent | None:
    """Return an intent of any tenant (worker role)."""
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM intents WHERE intent_id = $1", intent_id)  # noqa: S608
    return None if row is None else _intent(row)


async def creates_of(connection: Connection, tenant_id: UUID, account_id: UUID, reservation_id: UUID) -> bool:
    """Tell whether a create of the reservation is under way to this account."""
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM intents WHERE tenant_id = $1 AND reservation_id = $3 AND account_id = $2 "
        "AND kind = 'create' AND state IN ('planned', 'sent', 'acknowledged', 'unknown'))",
        tenant_id,
        account_id,
        reservation_id,
    )
    return found


class HandedOver(msgspec.Struct, frozen=True):
    """What was handed over for an object and may have taken effect without our having seen it; sealed."""

    intent_id: UUID
    account_id: UUID
    object_id: UUID
    request: bytes


_HANDED_OVER = """
SELECT i.intent_id, i.account_id, i.object_id, i.request FROM intents i
 WHERE i.tenant_id = $1 AND i.account_id = ANY($2::uuid[]) AND i.object_id = ANY($3::uuid[]) AND i.request IS NOT NULL
   AND i.state IN ('sent', 'acknowledged', 'unknown', 'parked')
   AND (i.state <> 'parked' OR i.look_ups > 0 OR i.old_reads > 0)
"""


async def handed_over(
    connection: Connection, tenant_id: UUID, objects: Collection[tuple[UUID, UUID]]
) -> list[HandedOver]:
    """Return what is under way to these (account, object)."""
    account_ids, object_ids = ({one[place] for one in objects} for place in (0, 1))
    rows = await connection.fetch(_HANDED_OVER, tenant_id, list(account_ids), list(object_ids))
    return [HandedOver(**row) for row in rows if (row["account_id"], row["object_id"]) in objects]


async def parked_creates(connection: Connection, tenant_id: UUID, reservation_id: UUID) -> list[tuple[UUID, UUID]]:
    """Return (account, object) of the creates of a reservation that are parked."""
    rows = await connection.fetch(
        "SELECT DISTINCT account_id, object_id FROM intents WHERE tenant_id = $1 AND reservation_id = $2 "
        "AND kind = 'create' AND state = 'parked' ORDER BY account_id, object_id",
        tenant_id,
        reservation_id,
    )
    return [(row["account_id"], row["object_id"]) for row in rows]


# A parked create without a sign that it took effect makes nothing, and neither does one that was never sent.
_MADE_ELSEWHERE = """
SELECT DISTINCT unnest(members) AS stay_id FROM intents
 WHERE tenant_id = $1 AND reservation_id = $3 AND account_id = $2 AND object_id <> $4 AND kind = 'create'
   AND (state IN ('sent', 'acknowledged', 'unknown')
        OR (state = 'planned' AND sent_at IS NOT NULL AND token IS NOT NULL)
        OR (state = 'parked' AND (look_ups > 0 OR old_reads > 0 OR vendor_ref IS NOT NULL)))
"""


async def made_elsewhere(
    connection: Connection, tenant_id: UUID, account_id: UUID, reservation_id: UUID, object_id: UUID
) -> set[UUID]:
    """Return the stays of a reservation that other creates than this object's may have made at the account."""
    rows = await connection.fetch(_MADE_ELSEWHERE, tenant_id, account_id, reservation_id, object_id)
    return {row["stay_id"] for row in rows}


_MOVE = """
UPDATE intents
   SET kind = $4, state = $5, attempts = $6, token = $7, paths = $8, notices = $9, request = $10, look_ups = $11,
       old_reads = $12, held_until = $13, vendor_ref = $14, vendor_error = $15, members = $17,
       sent_at = CASE WHEN $5 = 'sent' THEN clock_timestamp() WHEN $16 THEN NULL ELSE sent_at END,
       verified_at = CASE WHEN $5 = 'verified' THEN clock_timestamp() ELSE verified_at END
 WHERE tenant_id = $1 AND intent_id = $2 AND state = $3
RETURNING intent_id
"""


async def move(
    connection: Connection, intent: Intent, state: State, *, never_sent: bool = False, by: str | None = None,
    **changes: Any,  # noqa: ANN401 - other fields of the intent, by name
) -> Intent:  # fmt: skip
    """Move an intent on and tell the audit log; raises Moved when it left its state meanwhile.

    `never_sent` takes back that it was sent, `by` names who moved it, where that is not who planned it.
    """
    after = msgspec.structs.replace(intent, state=state, **changes)
    moved = await connection.fetchval(
        _MOVE,
        after.tenant_id,
        after.intent_id,
        intent.state,
        after.kind,
        after.state,
        after.attempts,
        after.token,
        list(after.paths),
        list(after.notices),
        after.request,
        after.look_ups,
        after.old_reads,
        after.held_until,
        after.vendor_ref,
        after.vendor_error,
        never_sent,
        list(after.members),
    )
    if moved is None:
        raise Moved(f"intent {intent.intent_id} is no longer {intent.state}")
    if state != intent.state:
        await append(connection, after.tenant_id, [_entry(after, by or after.actor)])
        if state == "parked":
            await _tell_parked(connection, after)
    return after


async def _tell_parked(connection: Connection, intent: Intent) -> None:
    """Tell subscribers that a change waits for a person, in the transaction that parks it."""
    if not await events_out.wanted(connection, intent.tenant_id):
        return
    property_id = await connection.fetchval(
        "SELECT property_id FROM accounts WHERE tenant_id = $1 AND account_id = $2", intent.tenant_id, intent.account_id
    )
    event = push_parked(intent.intent_id, intent.account_id, intent.reservation_id, property_id, intent.correlation_id)
    await events_out.append(connection, intent.tenant_id, [event])


def _entry(intent: Intent, actor: str) -> Entry:
    """Write the move into the story of the reservation: what it was about by name, never by value."""
    return Entry(
        actor=actor,
        action=f"push.{intent.state}",
        entity_type="intent" if intent.reservation_id is None else "reservation",
        entity_id=str(intent.reservation_id or intent.intent_id),
        fields={"push.intent": str(intent.intent_id), "push.paths": ", ".join(intent.paths)},
        correlation_id=intent.correlation_id,
    )


async def plan_again(connection: Connection, intent: Intent, **changes: Any) -> Intent:  # noqa: ANN401 - fields by name
    """Move an intent back to planned; what was planned for the object since then joins it.

    Raises Moved, or the driver's error for another planned one that came meanwhile (`Database.once_more`).
    """
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM intents WHERE tenant_id = $1 AND account_id = $2 AND object_id = $3 "  # noqa: S608
        "AND state = 'planned' AND intent_id <> $4 FOR UPDATE",
        intent.tenant_id,
        intent.account_id,
        intent.object_id,
        intent.intent_id,
    )
    if row is not None:
        later = await move(connection, _intent(row), "superseded", notices=(f"joined push {intent.intent_id}",))
        changes |= {
            "kind": "create" if "create" in (intent.kind, later.kind) else later.kind,
            "paths": tuple(sorted({*intent.paths, *later.paths})),
            "held_until": max(filter(None, (intent.held_until, later.held_until)), default=None),
        }
    return await move(connection, intent, "planned", **changes)


def _intent(row: Mapping[str, Any]) -> Intent:
    told = {name: row[name] for name in Intent.__struct_fields__}
    return Intent(**told | {name: tuple(row[name]) for name in ("paths", "notices", "members")})
