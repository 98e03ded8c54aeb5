"""Roles: the permission matrix as a table, and the one question asked of it; pure.

The matrix is the seed's, cell by cell. `RU:status` reads as: read everything, update the status alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple, get_args
from uuid import UUID

import msgspec

from pms_sync.domain.errors import ConfigurationFault

Action = Literal["create", "read", "update", "delete"]
Resource = Literal[
    "users", "properties", "rooms", "reservations", "guests", "invoices", "housekeeping", "maintenance", "reports",
    "audit_logs", "settings", "sync",
]  # fmt: skip
Role = Literal["super_admin", "admin", "manager", "front_desk", "housekeeping", "maintenance", "viewer"]

ROLES: tuple[Role, ...] = get_args(Role)
RESOURCES: tuple[Resource, ...] = get_args(Resource)
# One row per resource, one column per role, in the order of ROLES.
_MATRIX = """
    users         CRUD  CRUD  R     R    -          -    -
    properties    CRUD  RU    R     R    R          R    R
    rooms         CRUD  CRUD  RU    R    RU:status  R    R
    reservations  CRUD  CRUD  CRUD  CRU  R          R    R
    guests        CRUD  CRUD  CRUD  CRU  -          -    R
    invoices      CRUD  CRUD  CRUD  R    -          -    R
    housekeeping  CRUD  CRUD  RU    R    RU         R    R
    maintenance   CRUD  CRUD  CRUD  CRU  R          CRU  R
    reports       CRUD  CRUD  R     -    -          -    R
    audit_logs    R     R     R     -    -          -    R
    settings      CRUD  CRUD  R     R    -          -    R
    sync          CRUD  CRUD  R     -    -          -    R
"""
_LETTERS: Mapping[str, Action] = {"C": "create", "R": "read", "U": "update", "D": "delete"}
# Names of the same roles in another seed.
_ALIASES: Mapping[str, Role] = {"property_admin": "admin", "staff": "front_desk"}


class Permission(NamedTuple):
    """Leave to do one thing to one resource; with `part`, to that part of it alone."""

    action: Action
    resource: Resource
    part: str | None = None


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who proved who they are; belongs to one tenant and sees nothing of another."""

    user_id: UUID
    tenant_id: UUID
    email: str
    role: Role
    name: str | None = None

    @property
    def permissions(self) -> frozenset[Permission]:
        """Return what the role may do."""
        return PERMISSIONS[self.role]

    @property
    def actor(self) -> str:
        """Return how the audit log names the person: by id, never by address."""
        return f"user:{self.user_id}"


def may(person: Person, action: Action, resource: Resource, part: str | None = None) -> bool:
    """Tell whether the person may do it; `part` names what alone is touched (`status` of a room).

    A permission for a part does not cover the whole, so whoever leaves `part` out asks for everything.
    """
    held = person.permissions
    return Permission(action, resource) in held or (part is not None and Permission(action, resource, part) in held)


def role_named(text: str) -> Role:
    """Return the role of this name, in any case and with `-` or `_`; raises ConfigurationFault."""
    word = text.strip().lower().replace("-", "_")
    found = next((role for role in ROLES if role == word), _ALIASES.get(word))
    if found is None:
        raise ConfigurationFault(f"there is no role {text[:60]!r}", "--role", f"choose one of: {', '.join(ROLES)}")
    return found


def _cells() -> Iterator[tuple[Role, Permission]]:
    for row in _MATRIX.strip().splitlines():
        name, *cells = row.split()
        resource = next(one for one in RESOURCES if one == name)
        for role, cell in zip(ROLES, cells, strict=True):
            for permission in _cell(resource, cell):
                yield role, permission


def _cell(resource: Resource, cell: str) -> Iterator[Permission]:
    letters, _, part = cell.partition(":")
    for letter in letters.strip("-"):
        action = _LETTERS[letter]
        yield Permission(action, resource, part if part and action != "read" else None)


def _by_role() -> Mapping[Role, frozenset[Permission]]:
    cells = list(_cells())
    return MappingProxyType({role: frozenset(one for owner, one in cells if owner == role) for role in ROLES})


PERMISSIONS: Mapping[Role, frozenset[Permission]] = _by_role()
"""What each role may do."""
