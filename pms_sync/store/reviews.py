"""Reviews: the one open case an account, which gathers what differs at its links when they are first seen beside ours.

Each row names its link and reservation. Rows of one link change only under the lock of its reservation; the case itself
is locked after that, while rows of several links are put together.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from pms_sync.domain.case import REVIEW, Case
from pms_sync.domain.ids import NewId
from pms_sync.store import cases
from pms_sync.store.cases import Cause
from pms_sync.store.database import Connection


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """An open review, locked; `opened` by this very call."""

    case_id: UUID
    account_id: UUID
    severity: int
    fields: list[dict[str, Any]]
    sealed: bytes | None
    opened: bool = False


_HOLDING = f"""
SELECT account_id FROM cases
 WHERE tenant_id = $1 AND kind = '{REVIEW}' AND subject = ANY($2::text[]) AND state IN ('open', 'snoozed')
   AND ARRAY(SELECT f->>'ref' FROM jsonb_array_elements(fields) AS f) && $3::text[]
"""  # noqa: S608 - a constant of the domain
_LOCK = f"""
SELECT case_id, account_id, severity, fields, sealed FROM cases
 WHERE tenant_id = $1 AND kind = '{REVIEW}' AND subject = $2 AND state IN ('open', 'snoozed') FOR UPDATE
"""  # noqa: S608 - a constant of the domain
_OPEN = f"""
INSERT INTO cases (tenant_id, case_id, kind, subject, severity, property_id, reservation_ids, fields, account_id,
                   sealed)
VALUES ($1, $2, '{REVIEW}', $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (tenant_id, kind, subject) WHERE state IN ('open', 'snoozed') DO UPDATE
   SET severity = least(cases.severity, excluded.severity)
RETURNING case_id, account_id, severity, fields, sealed, (xmax = 0) AS opened,
          kind, state, property_id, reservation_ids
"""  # noqa: S608 - a constant of the domain
_KEEP = """
UPDATE cases SET version = version + 1, reservation_ids = $3, fields = $4, sealed = $5
 WHERE tenant_id = $1 AND case_id = $2
"""
_END = """
UPDATE cases SET state = 'withdrawn', version = version + 1, resolved_at = now() WHERE tenant_id = $1 AND case_id = $2
RETURNING case_id, kind, severity, state, property_id, reservation_ids
"""


async def holding(
    connection: Connection, tenant_id: UUID, account_ids: Iterable[UUID], refs: Iterable[str]
) -> set[UUID]:
    """Return which of these accounts have an open review with rows of any of these links."""
    rows = await connection.fetch(_HOLDING, tenant_id, [str(one) for one in account_ids], list(refs))
    return {row["account_id"] for row in rows}


async def lock(connection: Connection, tenant_id: UUID, account_id: UUID) -> Review | None:
    """Lock the open review of an account and return it.

    One that came in the place of another while this waited is found by a second look.
    """
    for _ in range(2):
        row = await connection.fetchrow(_LOCK, tenant_id, str(account_id))
        if row is not None:
            return Review(**row)
    return None


async def open_(connection: Connection, tenant_id: UUID, part: Case, new_id: NewId, cause: Cause) -> Review:
    """Open an account's review with the rows of a part, or lock the open one as it is."""
    row = await connection.fetchrow(
        _OPEN,
        tenant_id,
        new_id(),
        part.subject,
        part.severity,
        part.property_id,
        reservations_of(part.fields),
        list(part.fields),
        part.account_id,
        part.sealed,
    )
    if row["opened"]:
        await cases.tell(connection, tenant_id, [row], cause)
    return Review(**{name: row[name] for name in Review.__struct_fields__})


async def keep(
    connection: Connection, tenant_id: UUID, case_id: UUID, fields: Sequence[Mapping[str, Any]], sealed: bytes | None
) -> None:
    """Let a locked review have these rows, under a new version."""
    await connection.execute(_KEEP, tenant_id, case_id, reservations_of(fields), list(fields), sealed)


async def end(connection: Connection, tenant_id: UUID, case_id: UUID, cause: Cause) -> None:
    """Withdraw a locked review of which nothing is left; it goes on showing its last rows."""
    await cases.tell(connection, tenant_id, await connection.fetch(_END, tenant_id, case_id), cause)


async def sealed_rows(connection: Connection, tenant_id: UUID, case_id: UUID) -> bytes | None:
    """Return the full rows of a case as they are sealed."""
    found: bytes | None = await connection.fetchval(
        "SELECT sealed FROM cases WHERE tenant_id = $1 AND case_id = $2", tenant_id, case_id
    )
    return found


def reservations_of(fields: Iterable[Mapping[str, Any]]) -> list[UUID]:
    """Return the reservations that the rows are about, each once and in order."""
    return sorted({UUID(row["reservation_id"]) for row in fields})
