"""The permission matrix, cell by cell as the seed gives it, and the names of roles."""

from __future__ import annotations

import re
from itertools import product
from typing import get_args
from uuid import uuid4

import pytest

from pms_sync.auth.roles import RESOURCES, ROLES, Action, Person, may, role_named
from pms_sync.domain.errors import ConfigurationFault

# S0.62 in its own words; the last resource is named after the seed's vendor.
SEED = """
| resource | S.ADMIN | ADMIN | MANAGER | FRONT_DESK | HOUSEKEEPING | MAINTENANCE | VIEWER |
| Users | CRUD | CRUD | R | R | - | - | - |
| Properties | CRUD | RU | R | R | R | R | R |
| Rooms | CRUD | CRUD | RU | R | RU (status) | R | R |
| Reservations | CRUD | CRUD | CRUD | CRU | R | R | R |
| Guests | CRUD | CRUD | CRUD | CRU | - | - | R |
| Invoices | CRUD | CRUD | CRUD | R | - | - | R |
| Housekeeping | CRUD | CRUD | RU | R | RU | R | R |
| Maintenance | CRUD | CRUD | CRUD | CRU | R | CRU | R |
| Reports | CRUD | CRUD | R | - | - | - | R |
| Audit Logs | R | R | R | - | - | - | R |
| Settings | CRUD | CRUD | R | R | - | - | R |
| Beds24 Sync | CRUD | CRUD | R | - | - | - | R |
"""
ACTIONS: dict[str, Action] = {"C": "create", "R": "read", "U": "update", "D": "delete"}


def seed_cells() -> dict[tuple[str, str], str]:
    """Return what the seed says, by role and resource, in our names."""
    head, *rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in SEED.strip().splitlines()]
    roles = [{"S.ADMIN": "super_admin"}.get(name, name.lower()) for name in head[1:]]
    cells: dict[tuple[str, str], str] = {}
    for name, *letters in rows:
        resource = {"Beds24 Sync": "sync"}.get(name, name.lower().replace(" ", "_"))
        cells |= {(role, resource): told for role, told in zip(roles, letters, strict=True)}
    return cells


def somebody(role: str) -> Person:
    return Person(user_id=uuid4(), tenant_id=uuid4(), email="a@example.org", role=role)  # type: ignore[arg-type]


def test_the_seed_has_eighty_four_cells_and_we_have_the_same() -> None:
    assert len(seed_cells()) == 84
    assert set(seed_cells()) == set(product(ROLES, RESOURCES))


@pytest.mark.parametrize(("role", "resource"), sorted(seed_cells()))
def test_a_cell_of_the_matrix_is_what_the_seed_says(role: str, resource: str) -> None:
    """SEC-01: every one of the 336 answers; the whole of a resource is asked for."""
    told = seed_cells()[role, resource]
    letters = re.sub(r"U \(status\)|-", "", told)
    answers = {letter: may(somebody(role), action, resource) for letter, action in ACTIONS.items()}  # type: ignore[arg-type]
    assert answers == {letter: letter in letters for letter in ACTIONS}


def test_housekeeping_changes_the_status_of_a_room_and_nothing_else_of_it() -> None:
    """S0.61: room status updates only."""
    maid = somebody("housekeeping")
    assert may(maid, "update", "rooms", "status")
    assert may(maid, "read", "rooms")
    assert not may(maid, "update", "rooms")
    assert not may(maid, "update", "rooms", "name")
    assert not may(maid, "create", "rooms", "status")


def test_who_may_do_the_whole_may_do_each_part() -> None:
    assert may(somebody("manager"), "update", "rooms", "status")
    assert not may(somebody("front_desk"), "update", "rooms", "status")


def test_every_action_of_the_matrix_has_a_letter() -> None:
    assert set(get_args(Action)) == set(ACTIONS.values())


@pytest.mark.parametrize(
    ("text", "role"),
    [("FRONT_DESK", "front_desk"), ("front-desk", "front_desk"), (" Manager ", "manager"), ("viewer", "viewer"),
     ("PROPERTY_ADMIN", "admin"), ("staff", "front_desk"), ("SUPER_ADMIN", "super_admin")],
)  # fmt: skip
def test_a_role_may_be_written_as_any_seed_writes_it(text: str, role: str) -> None:
    """S2.29: PROPERTY_ADMIN and STAFF are other names of ADMIN and FRONT_DESK."""
    assert role_named(text) == role


@pytest.mark.parametrize("text", ["", "boss", "admin; drop", "super admin", "root"])
def test_an_unknown_role_is_refused_with_the_list(text: str) -> None:
    with pytest.raises(ConfigurationFault) as refused:
        role_named(text)
    assert "front_desk" in refused.value.remedy


def test_the_audit_log_names_a_person_by_id() -> None:
    person = somebody("viewer")
    assert person.actor == f"user:{person.user_id}"
