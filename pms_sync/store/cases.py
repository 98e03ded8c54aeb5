"""Cases: what no rule can decide, one open per kind and subject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from pms_sync.domain.case import REVIEW, Case
from pms_sync.domain.events import CaseChange, case_events
from pms_sync.domain.ids import NewId
from pms_sync.store import events_out
from pms_sync.store.database import Connection

_OPEN = """
INSERT INTO cases (tenant_id, case_id, kind, subject, severity, property_id, reservation_ids, fields, account_id,
                   vendor_ref, sealed)
SELECT $1, i, k, s, v, p, string_to_array(r, ',')::uuid[], f::jsonb, a, l, b
  FROM unnest($2::uuid[], $3::text[], $4::text[], $5::smallint[], $6::uuid[], $7::text[], $8::text[], $9::uuid[],
              $10::text[], $11::bytea[])
       AS u(i, k, s, v, p, r, f, a, l, b)
ON CONFLICT (tenant_id, kind, subject) WHERE state IN ('open', 'snoozed') DO UPDATE
   SET version = cases.version + 1, severity = least(cases.severity, excluded.severity),
       reservation_ids = excluded.reservation_ids, fields = excluded.fields, account_id = excluded.account_id,
       vendor_ref = excluded.vendor_ref, sealed = excluded.sealed
 WHERE cases.fields IS DISTINCT FROM excluded.fields OR cases.reservation_ids IS DISTINCT FROM excluded.reservation_ids
RETURNING case_id, kind, severity, state, property_id, reservation_ids, (xmax = 0) AS opened
"""


class Cause(msgspec.Struct, frozen=True):
    """What made the cases: the kind of record (a backfill is told to nobody), and its correlation id."""

    kind: str = "live"
    correlation_id: str = ""


LIVE = Cause()


async def open_cases(
    connection: Connection, tenant_id: UUID, cases: Sequence[Case], new_id: NewId, cause: Cause = LIVE
) -> int:
    """Open each case, or refresh the open one of its kind and subject; returns how many are new."""
    unique = {(case.kind, case.subject): case for case in cases}
    if not unique:
        return 0
    found = [unique[key] for key in sorted(unique)]
    rows = await connection.fetch(
        _OPEN,
        tenant_id,
        [new_id() for _ in found],
        [case.kind for case in found],
        [case.subject for case in found],
        [case.severity for case in found],
        [case.property_id for case in found],
        [",".join(str(one) for one in case.reservation_ids) for case in found],
        [case.fields_json for case in found],
        [case.account_id for case in found],
        [case.vendor_ref for case in found],
        [case.sealed for case in found],
    )
    opened = [row for row in rows if row["opened"]]
    await tell(connection, tenant_id, opened, cause)
    return len(opened)


async def tell(connection: Connection, tenant_id: UUID, rows: Sequence[Any], cause: Cause) -> None:
    """Tell subscribers of cases that were opened or came to their end, in the transaction of that."""
    if not rows or not await events_out.wanted(connection, tenant_id):
        return
    changes = [
        CaseChange(
            case_id=row["case_id"],
            case_kind=row["kind"],
            severity=row["severity"],
            state=row["state"],
            property_id=row["property_id"],
            reservation_ids=row["reservation_ids"],
            kind=cause.kind,
            correlation_id=cause.correlation_id,
        )
        for row in rows
    ]
    await events_out.append(connection, tenant_id, [event for one in changes for event in case_events(one)])


async def withdraw(
    connection: Connection, tenant_id: UUID, kind: str, subjects: Sequence[str], cause: Cause = LIVE
) -> int:
    """Close the open cases of a kind whose cause has gone away by itself; returns how many."""
    if not subjects:
        return 0
    rows = await connection.fetch(
        "UPDATE cases SET state = 'withdrawn', version = version + 1, resolved_at = now() WHERE tenant_id = $1 "
        "AND kind = $2 AND subject = ANY($3::text[]) AND state IN ('open', 'snoozed') "
        "RETURNING case_id, kind, severity, state, property_id, reservation_ids",
        tenant_id,
        kind,
        list(subjects),
    )
    await tell(connection, tenant_id, rows, cause)
    return len(rows)


_LOST_CAUSE = """
UPDATE cases c SET state = 'withdrawn', version = version + 1, resolved_at = now()
  FROM json_to_recordset($2::json) AS w(account_id uuid, ref text, still text[])
 WHERE c.tenant_id = $1 AND c.account_id = w.account_id AND c.vendor_ref = w.ref AND c.state IN ('open', 'snoozed')
   AND c.kind || ' ' || c.subject <> ALL(w.still)
RETURNING c.case_id, c.kind, c.severity, c.state, c.property_id, c.reservation_ids
"""


async def withdraw_others(
    connection: Connection, tenant_id: UUID, still: Mapping[tuple[UUID, str], Sequence[Case]], cause: Cause = LIVE
) -> int:
    """Close the open cases of these links, (account, vendor ref), but those that still have their cause."""
    if not still:
        return 0
    told = [
        {"account_id": account_id, "ref": ref, "still": [f"{case.kind} {case.subject}" for case in cases]}
        for (account_id, ref), cases in still.items()
    ]
    rows = await connection.fetch(_LOST_CAUSE, tenant_id, told)
    await tell(connection, tenant_id, rows, cause)
    return len(rows)


class OpenCase(msgspec.Struct, frozen=True):
    """A case as its resolving finds it."""

    case_id: UUID
    version: int
    kind: str
    subject: str
    state: str
    property_id: UUID
    reservation_ids: list[UUID]
    fields: list[dict[str, Any]]
    account_id: UUID | None
    vendor_ref: str | None
    age_s: float | None  # since it was resolved

    @property
    def is_review(self) -> bool:
        """Tell whether it gathers what differs at many links of an account."""
        return self.kind == REVIEW and self.vendor_ref is None

    @property
    def is_linked(self) -> bool:
        """Tell whether it is about links, whose two sides can be chosen between; else about facts."""
        return self.account_id is not None and (self.vendor_ref is not None or self.is_review)


_FIND = """
SELECT case_id, version, kind, subject, state, property_id, reservation_ids, fields, account_id, vendor_ref,
       extract(epoch FROM now() - resolved_at)::float8 AS age_s
  FROM cases WHERE tenant_id = $1 AND case_id = $2
"""


async def find(connection: Connection, tenant_id: UUID, case_id: UUID) -> OpenCase | None:
    """Return a case, whatever its state, without a lock."""
    row = await connection.fetchrow(_FIND, tenant_id, case_id)
    return OpenCase(**row) if row is not None else None


async def lock(connection: Connection, tenant_id: UUID, case_id: UUID) -> OpenCase | None:
    """Lock a case against anybody else's decision and return it; what it is about is locked before."""
    row = await connection.fetchrow(f"{_FIND} FOR UPDATE", tenant_id, case_id)
    return OpenCase(**row) if row is not None else None


async def close(connection: Connection, tenant_id: UUID, case_id: UUID, by: str, cause: Cause = LIVE) -> None:
    """Mark a locked case as resolved by a person."""
    rows = await connection.fetch(
        "UPDATE cases SET state = 'resolved', version = version + 1, resolved_at = now(), resolved_by = $3 "
        "WHERE tenant_id = $1 AND case_id = $2 RETURNING case_id, kind, severity, state, property_id, reservation_ids",
        tenant_id,
        case_id,
        by,
    )
    await tell(connection, tenant_id, rows, cause)


async def reopen(connection: Connection, tenant_id: UUID, case_id: UUID) -> None:
    """Let a locked case wait for a person again; one that was opened about the same meanwhile makes way for it."""
    await connection.execute(
        "UPDATE cases o SET state = 'withdrawn', version = o.version + 1, resolved_at = now() FROM cases c "
        "WHERE c.tenant_id = $1 AND c.case_id = $2 AND o.tenant_id = $1 AND o.kind = c.kind AND o.subject = c.subject "
        "AND o.case_id <> $2 AND o.state IN ('open', 'snoozed')",
        tenant_id,
        case_id,
    )
    await connection.execute(
        "UPDATE cases SET state = 'open', version = version + 1, resolved_at = NULL, resolved_by = NULL "
        "WHERE tenant_id = $1 AND case_id = $2",
        tenant_id,
        case_id,
    )
