"""The tables of people below the application: what each role of the database sees, and the way down and up again."""

from __future__ import annotations

import uuid
from typing import Any

import asyncpg
import pytest

from pms_sync.store.database import APP, Database, act_for
from pms_sync.store.migrations import migrate
from tests.integration.signing_in import EMAIL, add_person

WORKERS_ALONE = ("sessions", "api_tokens", "sign_in_failures")


async def add_tenant(database: Database, code: str) -> uuid.UUID:
    """Let another tenant exist."""
    tenant_id = uuid.uuid4()
    async with database.transaction() as connection:
        await connection.execute("INSERT INTO tenants (tenant_id, code) VALUES ($1, $2)", tenant_id, code)
    return tenant_id


async def test_the_app_role_sees_the_people_of_its_own_tenant(database: Database, hotel: Any) -> None:
    """SEC-03: not another's, none without a tenant, and the names of tenants likewise."""
    other = await add_tenant(database, "t2")
    await add_person(database, hotel.tenant_id)
    await add_person(database, other, "bob@example.org")
    for tenant_id, emails, codes in ((hotel.tenant_id, [EMAIL], ["t1"]), (other, ["bob@example.org"], ["t2"])):
        async with database.transaction() as connection:
            await act_for(connection, tenant_id)
            assert [row["email"] for row in await connection.fetch("SELECT email FROM users")] == emails
            assert [row["code"] for row in await connection.fetch("SELECT code FROM tenants")] == codes
    async with database.transaction() as connection:
        await connection.execute(f"SET LOCAL ROLE {APP}")
        assert await connection.fetch("SELECT email FROM users") == []
        assert await connection.fetch("SELECT code FROM tenants") == []


async def test_leaving_a_transaction_leaves_its_role_and_tenant(database: Database, hotel: Any) -> None:
    """SEC-03: pooled reuse."""
    async with database.connection() as connection:
        async with connection.transaction():
            await act_for(connection, hotel.tenant_id)
        assert await connection.fetchval("SELECT current_user") == "pms_sync_worker"
        assert not await connection.fetchval("SELECT current_setting('pms_sync.tenant', true)")


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT password_hash FROM users",
        "SELECT * FROM users",
        "UPDATE users SET role = 'super_admin'",
        "DELETE FROM users",
        "INSERT INTO users (email) VALUES ('x')",
        *(f"SELECT * FROM {table}" for table in WORKERS_ALONE),
        "UPDATE tenants SET code = 'x'",
    ],
)
async def test_the_app_role_gets_at_no_proof_and_no_role(database: Database, hotel: Any, statement: str) -> None:
    await add_person(database, hotel.tenant_id)
    async with database.connection() as connection, connection.transaction():
        await act_for(connection, hotel.tenant_id)
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with connection.transaction():
                await connection.execute(statement)


async def test_the_table_takes_no_unknown_role_and_no_second_spelling(database: Database, hotel: Any) -> None:
    for email, role in (("x@example.org", "boss"), ("X@example.org", "viewer")):
        with pytest.raises(asyncpg.CheckViolationError):
            await add_person(database, hotel.tenant_id, email, role)


async def test_an_address_belongs_to_one_person_of_the_installation(database: Database, hotel: Any) -> None:
    await add_person(database, hotel.tenant_id)
    with pytest.raises(AssertionError):
        await add_person(database, await add_tenant(database, "t2"))


async def test_the_migration_goes_down_and_up_again(migrated_database: str) -> None:
    assert "0009" in (await migrate(migrated_database, "0008")).applied
    database = await Database.connect(migrated_database, size=1)
    try:
        async with database.connection() as connection:
            assert await connection.fetchval("SELECT to_regclass('users')") is None
            assert await connection.fetch("SELECT code FROM tenants") == []
        assert "0009" in (await migrate(migrated_database)).applied
        await add_person(database, await add_tenant(database, "t1"))
    finally:
        await database.close()
