"""Revisions and trees for the tests of `conflict`: one booking of two nights, and the sides it is seen from."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from conflict.atoms import Value, atoms
from conflict.decide import decide
from conflict.ownership import Owners, ownership
from conflict.triple import Side, side_of
from conflict.verdicts import Decision
from pms_sync.domain.reservation import Guest, Night, Revision, Stay
from pms_sync.domain.status import Status

ARRIVAL = date(2026, 3, 10)
SHAPE, ROOM, STATUS, OCCUPANCY = (f"stays[1001].{name}" for name in ("shape", "room", "status", "occupancy"))
OTA = ownership("channel_manager").of("booking_com")
DIRECT = ownership("channel_manager").of("direct")


def nights(count: int, price: str = "100.00", *, derived: bool = True, arrival: date = ARRIVAL) -> tuple[Night, ...]:
    """Return nights of one price."""
    return tuple(Night(arrival + timedelta(days=day), Decimal(price), derived) for day in range(count))


def stay(**said: Any) -> Stay:
    """Return a confirmed stay of two nights for two in room 55/1."""
    usual: dict[str, Any] = {
        "ref": "1001",
        "room_type_ref": "55",
        "room_type": "DBL",
        "room_ref": "55/1",
        "room": "101",
        "arrival": ARRIVAL,
        "departure": date(2026, 3, 12),
        "status": Status.CONFIRMED,
        "vendor_status": "confirmed",
        "adults": 2,
        "children": 0,
        "total": Decimal("200.00"),
        "nights": nights(2),
    }
    return Stay(**{**usual, **said})


def revision(*stays: Stay, **said: Any) -> Revision:
    """Return a whole reservation as its vendor tells it."""
    usual: dict[str, Any] = {
        "vendor": "vendor",
        "ref": "1001",
        "property_ref": "7",
        "version": "2026-03-01T10:00:00Z",
        "scope": "reservation",
        "siblings_complete": True,
        "status": Status.CONFIRMED,
        "channel": "booking_com",
        "vendor_channel": "booking",
        "channel_reference": "4711",
        "currency": "EUR",
        "total": Decimal("200.00"),
        "booker": Guest(first_name="Ana", last_name="Ruiz", email="ana@example.com", phone="+34 600", country="ES"),
        "guests": (),
        "room_stays": stays or (stay(),),
        "folio_lines": (),
        "notes": "late arrival",
        "comments": None,
        "modified_at": datetime(2026, 3, 1, 10, tzinfo=UTC),
    }
    return Revision(**{**usual, **said})


AGREED = atoms(revision())


def side(changes: dict[str, Value] | None = None, **said: Any) -> Side:
    """Return the agreed booking with some atoms set to other values."""
    whole = side_of(revision())
    return msgspec.structs.replace(whole, tree={**whole.tree, **(changes or {})}, **said)


def judged(here: dict[str, Value], there: dict[str, Value], owners: Owners = OTA) -> Decision:
    """Decide about the agreed booking after these changes on either side."""
    return decide(AGREED, side(here), side(there), owners)


def shape(
    departure: str = "2026-03-12", *, arrival: str = "2026-03-10", total: str = "200", room_type: str = "55"
) -> Value:
    """Return a shape without nightly prices."""
    return (arrival, departure, room_type, "", total, (), ())
