"""Decisions: what a rule settled between two different values, with the loser kept so that it can be brought back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from pms_sync.store.database import Connection
from pms_sync.store.sealing import KeyRing


class NewDecision(msgspec.Struct, frozen=True, kw_only=True):
    """One decision to keep; `values` holds base, here, there, result and loser, and is sealed."""

    reservation_id: UUID
    account_id: UUID
    vendor_ref: str
    path: str
    verdict: str
    rule: str
    values: dict[str, Any]
    actor: str
    correlation_id: str


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """One decision as it was kept."""

    decision_id: int
    reservation_id: UUID
    account_id: UUID
    vendor_ref: str
    path: str
    verdict: str
    rule: str
    values: dict[str, Any]
    actor: str
    at: datetime


_ADD = """
INSERT INTO decisions (tenant_id, reservation_id, account_id, vendor_ref, path, verdict, rule, actor, correlation_id,
                       sealed)
SELECT $1, r, a, v, p, d, u, w, c, sealed
  FROM ROWS FROM (json_to_recordset($2::json) AS (r uuid, a uuid, v text, p text, d text, u text, w text, c text),
                  unnest($3::bytea[])) AS rows(r, a, v, p, d, u, w, c, sealed)
"""

_SELECT = """
SELECT decision_id, reservation_id, account_id, vendor_ref, path, verdict, rule, sealed, actor, at FROM decisions
"""


async def add(connection: Connection, keys: KeyRing, tenant_id: UUID, decisions: Sequence[NewDecision]) -> None:
    """Keep the decisions in the transaction of what they decided."""
    if not decisions:
        return
    told = [
        {
            "r": one.reservation_id,
            "a": one.account_id,
            "v": one.vendor_ref,
            "p": one.path,
            "d": one.verdict,
            "u": one.rule,
            "w": one.actor,
            "c": one.correlation_id,
        }
        for one in decisions
    ]
    sealed = [keys.seal(tenant_id, _place(one.reservation_id), msgspec.json.encode(one.values)) for one in decisions]
    await connection.execute(_ADD, tenant_id, told, sealed)


async def of_reservation(connection: Connection, keys: KeyRing, tenant_id: UUID, reservation_id: UUID) -> list[Decided]:
    """Return the decisions about a reservation, newest first."""
    rows = await connection.fetch(
        f"{_SELECT} WHERE tenant_id = $1 AND reservation_id = $2 ORDER BY decision_id DESC", tenant_id, reservation_id
    )
    return [_opened(keys, tenant_id, row) for row in rows]


class Lately(NamedTuple):
    """What people decided in a case a short while ago: about which reservations, and under which correlation ids."""

    reservation_ids: list[UUID]
    correlation_ids: list[str]


_LATELY = """
SELECT l.correlation_id, r.id::uuid AS reservation_id
  FROM audit_log l CROSS JOIN LATERAL jsonb_array_elements_text(l.fields->'reservations') AS r(id)
 WHERE l.tenant_id = $1 AND l.entity_id = $2 AND l.entity_type = 'case' AND l.action = ANY($3::text[])
   AND l.at > now() - $4 * interval '1 second'
   AND NOT EXISTS (SELECT FROM audit_log b
                    WHERE b.tenant_id = $1 AND b.entity_id = $2 AND b.entity_type = 'case' AND b.action = $5
                      AND b.at >= l.at)
"""
RESOLVED, RESOLVED_IN_PART, REOPENED = "case.resolved", "case.resolved_in_part", "case.reopened"


async def lately(connection: Connection, tenant_id: UUID, case_id: UUID, within_s: float) -> Lately:
    """Return what was decided in a case within the last seconds and not taken back, by the audit log."""
    rows = await connection.fetch(_LATELY, tenant_id, str(case_id), [RESOLVED, RESOLVED_IN_PART], within_s, REOPENED)
    return Lately(sorted({row["reservation_id"] for row in rows}), sorted({row["correlation_id"] for row in rows}))


async def of_case(
    connection: Connection, keys: KeyRing, tenant_id: UUID, lately_: Lately, case_id: UUID
) -> list[Decided]:
    """Return these decisions of a case, the latest for each atom of a link."""
    rows = await connection.fetch(
        f"{_SELECT} WHERE tenant_id = $1 AND reservation_id = ANY($2::uuid[]) AND correlation_id = ANY($3::text[]) "
        "ORDER BY decision_id DESC",
        tenant_id,
        lately_.reservation_ids,
        lately_.correlation_ids,
    )
    found: dict[tuple[UUID, str, str], Decided] = {}
    for decided in (_opened(keys, tenant_id, row) for row in rows):
        if decided.values.get("case_id") == str(case_id):
            found.setdefault((decided.account_id, decided.vendor_ref, decided.path), decided)
    return list(found.values())


async def one(connection: Connection, keys: KeyRing, tenant_id: UUID, decision_id: int) -> Decided | None:
    """Return one decision, None where there is none of this tenant."""
    row = await connection.fetchrow(f"{_SELECT} WHERE tenant_id = $1 AND decision_id = $2", tenant_id, decision_id)
    return None if row is None else _opened(keys, tenant_id, row)


def _opened(keys: KeyRing, tenant_id: UUID, row: Any) -> Decided:  # noqa: ANN401 - a row
    told = dict(row)
    plain = keys.open(tenant_id, _place(told["reservation_id"]), told.pop("sealed"))
    return Decided(**told, values=msgspec.json.decode(plain))


def _place(reservation_id: UUID) -> str:
    return f"decisions:{reservation_id}"
