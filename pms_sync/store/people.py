"""People who may sign in: their e-mail, role and password hash (worker role: a person is found before the tenant is).

An e-mail is unique in the whole installation and stored in lower case.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from pms_sync.store.database import Connection


class User(msgspec.Struct, frozen=True, kw_only=True):
    """One person as the store knows them; the password hash is not part of it."""

    tenant_id: UUID
    tenant_code: str
    user_id: UUID
    email: str
    name: str | None
    role: str
    last_sign_in_at: datetime | None
    disabled_at: datetime | None
    created_at: datetime


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """A person with what proves them; never logged."""

    user: User
    password_hash: str


class NewUser(msgspec.Struct, frozen=True, kw_only=True):
    """A person to be added."""

    tenant_id: UUID
    user_id: UUID
    email: str
    name: str | None
    role: str
    password_hash: str


_SELECT = """
SELECT u.tenant_id, t.code AS tenant_code, u.user_id, u.email, u.name, u.role, u.last_sign_in_at, u.disabled_at,
       u.created_at, u.password_hash
  FROM users u JOIN tenants t ON t.tenant_id = u.tenant_id
"""


async def tenants(connection: Connection) -> dict[str, UUID]:
    """Return every tenant by its code."""
    return {row["code"]: row["tenant_id"] for row in await connection.fetch("SELECT code, tenant_id FROM tenants")}


async def add(connection: Connection, new: NewUser, now: datetime) -> bool:
    """Add the person; returns False when the e-mail is taken, whoever has it."""
    told = await connection.execute(
        "INSERT INTO users (tenant_id, user_id, email, name, role, password_hash, password_changed_at, created_at) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (email) DO NOTHING",
        new.tenant_id,
        new.user_id,
        new.email,
        new.name,
        new.role,
        new.password_hash,
        now,
    )
    return bool(told == "INSERT 0 1")


async def listed(connection: Connection) -> list[User]:
    """Return everybody, by tenant and e-mail."""
    return [_known(row).user for row in await connection.fetch(f"{_SELECT} ORDER BY t.code, u.email")]


async def by_email(connection: Connection, email: str) -> Known | None:
    """Return the person of this lower-case address with their password hash, disabled or not."""
    row = await connection.fetchrow(f"{_SELECT} WHERE u.email = $1", email)
    return None if row is None else _known(row)


async def set_password(connection: Connection, user: User, password_hash: str, now: datetime) -> None:
    """Store a new password's hash."""
    await connection.execute(
        "UPDATE users SET password_hash = $3, password_changed_at = $4 WHERE tenant_id = $1 AND user_id = $2",
        user.tenant_id,
        user.user_id,
        password_hash,
        now,
    )


async def rehash(connection: Connection, known: Known, password_hash: str) -> None:
    """Store the same password's hash at another cost, unless the password was changed meanwhile."""
    await connection.execute(
        "UPDATE users SET password_hash = $3 WHERE tenant_id = $1 AND user_id = $2 AND password_hash = $4",
        known.user.tenant_id,
        known.user.user_id,
        password_hash,
        known.password_hash,
    )


async def set_role(connection: Connection, user: User, role: str) -> None:
    """Give the person another role."""
    await connection.execute(
        "UPDATE users SET role = $3 WHERE tenant_id = $1 AND user_id = $2", user.tenant_id, user.user_id, role
    )


async def set_disabled(connection: Connection, user: User, at: datetime | None) -> None:
    """Close the door to the person since `at`, or open it again (None)."""
    await connection.execute(
        "UPDATE users SET disabled_at = $3 WHERE tenant_id = $1 AND user_id = $2", user.tenant_id, user.user_id, at
    )


async def signed_in(connection: Connection, user: User, now: datetime) -> None:
    """Remember when the person proved themselves last."""
    await connection.execute(
        "UPDATE users SET last_sign_in_at = $3 WHERE tenant_id = $1 AND user_id = $2", user.tenant_id, user.user_id, now
    )


async def end_everything(connection: Connection, user: User) -> int:
    """End every session and token of the person; returns how many there were."""
    ended = 0
    for statement in (
        "DELETE FROM sessions WHERE tenant_id = $1 AND user_id = $2",
        "DELETE FROM api_tokens WHERE tenant_id = $1 AND user_id = $2",
    ):
        told = await connection.execute(statement, user.tenant_id, user.user_id)
        ended += int(told.rpartition(" ")[2])
    return ended


def _known(row: Any) -> Known:  # noqa: ANN401 - a row of _SELECT
    user = User(**{name: row[name] for name in User.__struct_fields__})
    return Known(user=user, password_hash=row["password_hash"])
