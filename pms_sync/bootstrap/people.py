"""People: what the `users` commands do, over an open store."""

from __future__ import annotations

import secrets
from typing import Any
from uuid import UUID

import msgspec

from pms_sync.auth import emails
from pms_sync.auth.passwords import Passwords, check_new
from pms_sync.auth.roles import Role
from pms_sync.bootstrap.administration import ACTOR
from pms_sync.bootstrap.opening import Opened
from pms_sync.domain.clock import rfc3339
from pms_sync.domain.errors import ConfigurationFault
from pms_sync.store import people
from pms_sync.store.audit import Entry, append
from pms_sync.store.database import Connection
from pms_sync.store.ids import new_id
from pms_sync.store.people import NewUser, User


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A person as somebody asks for them; never logged."""

    email: str
    role: Role
    password: str
    tenant: str | None = None
    name: str | None = None


async def add(core: Opened, wanted: Wanted) -> dict[str, Any]:
    """Add the person; raises ConfigurationFault for a taken e-mail, a poor password or an unclear tenant."""
    email = emails.checked(wanted.email)
    check_new(wanted.password, email, wanted.name)
    tenant_id = await _tenant(core, wanted.tenant)
    new = NewUser(
        tenant_id=tenant_id,
        user_id=new_id(),
        email=email,
        name=wanted.name or None,
        role=wanted.role,
        password_hash=await _hash(wanted.password),
    )
    async with core.database.transaction(tenant_id) as connection:
        if not await people.add(connection, new, core.clock.now()):
            raise ConfigurationFault(
                f"{email} is taken",
                "EMAIL",
                "see `pms-sync users list`; `users role` and `users password` change people",
            )
        await _tell(connection, tenant_id, new.user_id, "user.created", {"role": [None, wanted.role]})
    return await _shown(core, email)


async def listed(core: Opened) -> list[dict[str, Any]]:
    """Return everybody of every tenant."""
    async with core.database.connection() as connection:
        return [_row(user) for user in await people.listed(connection)]


async def set_password(core: Opened, email: str, password: str) -> dict[str, Any]:
    """Give the person a new password; every session and token of theirs ends."""
    user = await _user(core, email)
    check_new(password, user.email, user.name)
    password_hash = await _hash(password)
    async with core.database.transaction(user.tenant_id) as connection:
        await people.set_password(connection, user, password_hash, core.clock.now())
        await _end(connection, user, "auth.password_change", {"password": None})
    return await _shown(core, user.email)


async def set_role(core: Opened, email: str, role: Role) -> dict[str, Any]:
    """Give the person another role; every session and token of theirs ends."""
    user = await _user(core, email)
    async with core.database.transaction(user.tenant_id) as connection:
        await people.set_role(connection, user, role)
        await _end(connection, user, "auth.permission_change", {"role": [user.role, role]})
    return await _shown(core, user.email)


async def disable(core: Opened, email: str) -> dict[str, Any]:
    """Close the door to the person; every session and token of theirs ends."""
    user = await _user(core, email)
    async with core.database.transaction(user.tenant_id) as connection:
        await people.set_disabled(connection, user, user.disabled_at or core.clock.now())
        await _end(connection, user, "user.disabled", {"state": [_state(user), "disabled"]})
    return await _shown(core, user.email)


async def enable(core: Opened, email: str) -> dict[str, Any]:
    """Let a disabled person in again, with the password they had."""
    user = await _user(core, email)
    async with core.database.transaction(user.tenant_id) as connection:
        await people.set_disabled(connection, user, None)
        await _tell(connection, user.tenant_id, user.user_id, "user.enabled", {"state": [_state(user), "active"]})
    return await _shown(core, user.email)


async def _hash(password: str) -> str:
    return await Passwords(secrets.token_bytes).hash(password)


async def _tenant(core: Opened, code: str | None) -> UUID:
    """Find the tenant that is meant: the one named, or the only one there is."""
    async with core.database.connection() as connection:
        known = await people.tenants(connection)
    if not known:
        remedy = "write a hotel file first and name its folder in PMS_SYNC_CONFIG"
        raise ConfigurationFault("there is no tenant that a person could belong to", "--tenant", remedy)
    if code is None and len(known) == 1:
        return next(iter(known.values()))
    if code not in known:
        what = "there are several tenants" if code is None else f"there is no tenant {code[:60]!r}"
        raise ConfigurationFault(what, "--tenant", f"choose one of: {', '.join(sorted(known))}")
    return known[code]


async def _user(core: Opened, email: str) -> User:
    async with core.database.connection() as connection:
        found = await people.by_email(connection, emails.checked(email))
    if found is None:
        raise ConfigurationFault(f"nobody has the e-mail {email[:80]!r}", "EMAIL", "see `pms-sync users list`")
    return found.user


async def _end(connection: Connection, user: User, action: str, fields: dict[str, Any]) -> None:
    """End everything the person holds, and tell the audit log why."""
    ended = await people.end_everything(connection, user)
    await _tell(connection, user.tenant_id, user.user_id, action, {**fields, "sessions_ended": ended})


async def _tell(connection: Connection, tenant_id: UUID, user_id: UUID, action: str, fields: dict[str, Any]) -> None:
    entry = Entry(actor=ACTOR, action=action, entity_type="user", entity_id=str(user_id), fields=fields)
    await append(connection, tenant_id, [entry])


async def _shown(core: Opened, email: str) -> dict[str, Any]:
    return _row(await _user(core, email))


def _row(user: User) -> dict[str, Any]:
    return {
        "user_id": str(user.user_id),
        "email": user.email,
        "name": user.name,
        "role": user.role,
        "tenant": user.tenant_code,
        "state": _state(user),
        "created_at": rfc3339(user.created_at),
        "last_sign_in_at": None if user.last_sign_in_at is None else rfc3339(user.last_sign_in_at),
    }


def _state(user: User) -> str:
    return "active" if user.disabled_at is None else "disabled"
