"""Tenancy: whose an object is, for the operator's commands, which name it by its id alone."""

from __future__ import annotations

from uuid import UUID

from pms_sync.store.database import Connection, use_tenant

_TENANTS = "SELECT tenant_id FROM tenants ORDER BY created_at, tenant_id"
_HAS_RESERVATION = "SELECT EXISTS (SELECT FROM reservations WHERE tenant_id = $1 AND reservation_id = $2)"
_HAS_DECISION = "SELECT EXISTS (SELECT FROM decisions WHERE tenant_id = $1 AND decision_id = $2)"
_HAS_CASE = "SELECT EXISTS (SELECT FROM cases WHERE tenant_id = $1 AND case_id = $2)"


async def of_case(connection: Connection, case_id: UUID) -> UUID | None:
    """Return whose case it is, None when nobody has it (worker role, outside a transaction)."""
    return await _whose(connection, _HAS_CASE, case_id)


async def of_reservation(connection: Connection, reservation_id: UUID) -> UUID | None:
    """Return whose reservation it is, None when nobody has it (worker role, outside a transaction)."""
    return await _whose(connection, _HAS_RESERVATION, reservation_id)


async def of_decision(connection: Connection, decision_id: int) -> UUID | None:
    """Return whose decision it is, None when nobody has it (worker role, outside a transaction)."""
    return await _whose(connection, _HAS_DECISION, decision_id)


async def _whose(connection: Connection, query: str, key: object) -> UUID | None:
    """Ask tenant by tenant: row-level security shows a tenant's rows to itself alone."""
    for row in await connection.fetch(_TENANTS):
        async with connection.transaction(readonly=True):
            await use_tenant(connection, row["tenant_id"])
            if await connection.fetchval(query, row["tenant_id"], key):
                tenant_id: UUID = row["tenant_id"]
                return tenant_id
    return None
