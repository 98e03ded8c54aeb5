"""What the tests of the Beds24 mapper's write side share: our states, golden bookings, and the changes between them."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from conflict.atoms import atoms
from mappers.beds24 import MAPPER
from pms_sync.domain.reservation import Guest, Revision, Stay
from pms_sync.domain.status import Status
from pms_sync.ports.connector import VendorRequest
from pms_sync.ports.mapper import Change, Crosswalk, MappingContext

FIXTURES = Path(__file__).parents[1] / "fixtures" / "beds24"
CROSSWALK = Crosswalk(
    room_type={"55": "DBL", "66": "SUI", "77": "FAM", "78": "FAM"},
    room={"55/1": "101", "55/2": "102", "66/1": "201", "77/1": "301", "78/1": "301"},
    rate_plan={"1": "BAR", "2": "FLEX"},
)
CONTEXT = MappingContext(property_code="P1", zone="Europe/Madrid", currency="EUR", crosswalk=CROSSWALK)
TOKEN = "01991234-5678-7123-8456-789012345678"
MARIA = Guest(
    first_name="Maria", last_name="Prado", email="maria@example.test", phone="+34 600", country="ES", language="es"
)


def ours(stay: dict[str, Any] | None = None, /, **fields: Any) -> Revision:
    """Build our state of one stay, as the front desk made it: our codes, our words."""
    made: dict[str, Any] = {
        "ref": "0190-stay",
        "room_type": "DBL",
        "room": "101",
        "arrival": date(2026, 5, 4),
        "departure": date(2026, 5, 6),
        "status": Status.CONFIRMED,
        "adults": 2,
        "children": 0,
        "total": Decimal("240.00"),
    }
    room = Stay(**(made | (stay or {})))
    said: dict[str, Any] = {
        "vendor": "beds24",
        "ref": "",
        "property_ref": "7",
        "version": "",
        "scope": "reservation",
        "status": room.status,
        "channel": "direct",
        "currency": "EUR",
        "total": room.total,
        "booker": MARIA,
        "notes": "sea view",
        "comments": None,
    }
    return Revision(**(said | {"room_stays": (room,)} | fields))


def known(case: str = "direct", /, **changes: Any) -> Revision:
    """Read a golden booking as the vendor shows it."""
    row = json.loads((FIXTURES / f"{case}.json").read_bytes()) | changes
    return MAPPER.to_revisions("reservations", json.dumps(row).encode(), CONTEXT).revisions[0]


def with_stay(revision: Revision, **changes: Any) -> Revision:
    """Change the one stay of a revision."""
    return replace(revision, room_stays=(replace(revision.room_stays[0], **changes),))


def with_booker(revision: Revision, **changes: Any) -> Revision:
    """Change the booker of a revision."""
    assert isinstance(revision.booker, Guest)
    return replace(revision, booker=replace(revision.booker, **changes))


def modified(before: Revision, after: Revision, *paths: str) -> list[VendorRequest]:
    """Make the requests for a change of what was read, as the dispatcher would; paths are worked out unless given."""
    wanted = MAPPER.project(after, CONTEXT)
    mine, theirs = atoms(wanted), atoms(before)
    dirty = frozenset(paths) or frozenset(path for path in mine if mine[path] != theirs.get(path))
    change = Change(kind="modify", wanted=(wanted,), known=before, paths=dirty, refs=("1001",), token=TOKEN)
    return MAPPER.to_requests(change, CONTEXT)


def created(*states: Revision) -> list[VendorRequest]:
    """Make the requests for new bookings."""
    wanted = tuple(MAPPER.project(state, CONTEXT) for state in states)
    return MAPPER.to_requests(Change(kind="create", wanted=wanted, token=TOKEN), CONTEXT)


def body_of(requests: list[VendorRequest]) -> dict[str, Any]:
    """Return the one item that is sent."""
    (request,) = requests
    told: dict[str, Any] = json.loads(request.body)
    return told
