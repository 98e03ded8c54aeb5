"""What a change of status does to a reservation and its rooms (vendors/cloudbeds.md 7)."""

from __future__ import annotations

from types import MappingProxyType

from connectors.cloudbeds.simulator.bookings import derived_status
from connectors.kit.simulator.contract import Row

_ROOM_STATUS = MappingProxyType(
    {
        "not_confirmed": "not_checked_in",
        "confirmed": "not_checked_in",
        "no_show": "not_checked_in",
        "checked_in": "in_house",
        "checked_out": "checked_out",
        "canceled": "cancelled",
    }
)
KNOWN = frozenset(_ROOM_STATUS)


def living(booking: Row, status: str, now: str) -> Row:
    """Return the booking in a new status, all its rooms with it; canceled has one l, cancelled rooms have two."""
    word = _ROOM_STATUS[status]
    reborn = booking["status"] == "canceled" and status != "canceled"
    lines = [
        line if line["roomStatus"] == "cancelled" and not reborn else {**line, "roomStatus": word}
        for line in booking["lines"]
    ]
    cancelled = now if status == "canceled" else None
    return {**booking, "status": status, "lines": lines, "_cancelled": cancelled, "_modified": now}


def room_lives(booking: Row, sub_id: str, word: str) -> Row:
    """Return the booking with one room in a new state; the top says checked out when all rooms are."""
    lines = [{**line, "roomStatus": word} if line["subReservationID"] == sub_id else line for line in booking["lines"]]
    return {**booking, "lines": lines, "status": derived_status(booking["status"], lines)}
