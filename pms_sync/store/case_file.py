"""The file of one case: its head, the stays it is about, where vendors show them, and what is on its way; read only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import msgspec

from pms_sync.store import case_bookings, case_desk, decisions
from pms_sync.store.case_bookings import Booking
from pms_sync.store.case_desk import CaseHead
from pms_sync.store.database import Connection
from pms_sync.store.decisions import Decided
from pms_sync.store.reservation_documents import Shown
from pms_sync.store.sealing import KeyRing

Row: TypeAlias = Mapping[str, Any]

_MOST_BOOKINGS = 12
_MOST_WAYS = 20
_DECIDED_BOOKINGS = 2


class CaseFile(msgspec.Struct, frozen=True, kw_only=True):
    """One case with its surroundings.

    `bookings` are its reservations by id, `stays` all their room stays, `links` where vendors show those, `ways` what
    was sent or is to be sent of them, newest first. `decided` is what rules settled about them, newest first; `entries`
    are the case's own in the audit log, oldest first, with their age by the database's clock. `people` has name and
    e-mail of the tenant's users, as the audit log calls them. `more` counts reservations that are left out.
    """

    head: CaseHead
    bookings: Mapping[UUID, Booking]
    stays: Sequence[Row]
    links: Sequence[Row]
    ways: Sequence[Row]
    decided: Sequence[Decided]
    entries: Sequence[Row]
    people: Mapping[str, tuple[str | None, str]]
    more: int


_LINKS = """
SELECT l.account_id, a.vendor, a.role, a.mode, l.level, l.vendor_ref, l.object_id, l.reservation_id, l.seen_at,
       l.missing_reads
  FROM links l JOIN accounts a ON a.tenant_id = l.tenant_id AND a.account_id = l.account_id
 WHERE l.tenant_id = $1 AND l.reservation_id = ANY($2::uuid[]) AND l.level = 'stay'
 ORDER BY a.vendor, l.account_id, length(l.vendor_ref), l.vendor_ref
"""
_WAYS = """
SELECT i.intent_id, i.kind, i.state, i.paths, i.notices, i.vendor_error, i.created_at, i.held_until, i.sent_at,
       i.verified_at, a.vendor
  FROM intents i JOIN accounts a ON a.tenant_id = i.tenant_id AND a.account_id = i.account_id
 WHERE i.tenant_id = $1 AND i.reservation_id = ANY($2::uuid[]) AND i.state <> 'superseded'
 ORDER BY i.created_at DESC, i.intent_id LIMIT $3
"""
_ENTRIES = """
SELECT at, actor, action, fields, correlation_id, extract(epoch FROM now() - at)::float8 AS age_s FROM audit_log
 WHERE tenant_id = $1 AND entity_id = $2 AND entity_type = 'case' ORDER BY at, audit_id
"""
_PEOPLE = "SELECT user_id, name, email FROM users WHERE tenant_id = $1"


async def load(
    connection: Connection, keys: KeyRing, tenant_id: UUID, case_id: UUID, now: datetime, *, shown: Shown
) -> CaseFile | None:
    """Return the file, None when the tenant has no such case (the worker, outside a transaction).

    `shown` says what is opened.
    """
    async with case_desk.acting(connection, keys, tenant_id):
        head = await case_desk.one(connection, keys, tenant_id, case_id, now, shown=shown)
        if head is None:
            return None
        wanted = head.reservation_ids[:_MOST_BOOKINGS]
        return CaseFile(
            head=head,
            bookings=await case_bookings.load(connection, keys, tenant_id, wanted, names=shown.people),
            stays=await case_bookings.stays(connection, tenant_id, wanted),
            links=await connection.fetch(_LINKS, tenant_id, list(wanted)),
            ways=await connection.fetch(_WAYS, tenant_id, list(wanted), _MOST_WAYS),
            decided=[
                told
                for one in wanted[:_DECIDED_BOOKINGS]
                for told in await decisions.of_reservation(connection, keys, tenant_id, one)
            ],
            entries=await connection.fetch(_ENTRIES, tenant_id, str(case_id)),
            people={
                f"user:{row['user_id']}": (row["name"], row["email"])
                for row in await connection.fetch(_PEOPLE, tenant_id)
            },
            more=len(head.reservation_ids) - len(wanted),
        )
