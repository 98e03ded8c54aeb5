"""Which rooms are taken: by bookings, by blocks, and by virtual rooms that draw on them (cloudbeds.md 15.17)."""

from __future__ import annotations

from datetime import date

from connectors.cloudbeds.simulator.bookings import LIVING
from connectors.cloudbeds.simulator.hotel import View
from connectors.cloudbeds.simulator.site import Place, Room, RoomType

_HOLDING = frozenset({"not_confirmed", "confirmed", "checked_in"})


def free_rooms(view: View, home: Place, kind: RoomType, first: date, last: date) -> list[Room]:
    """Return the rooms of a type that nothing holds in a span of nights."""
    taken = taken_rooms(view, home, first.isoformat(), last.isoformat())
    return [room for room in kind.rooms if room.id not in taken and not taken.intersection(room.links)]


def taken_rooms(view: View, home: Place, first: str, last: str) -> set[str]:
    """Return the rooms held by bookings or blocks in a span of nights."""
    found: set[str] = set()
    for booking in view.rows("reservations"):
        if booking["propertyID"] != home.id or booking["isDeleted"] or booking["status"] not in _HOLDING:
            continue
        for line in booking["lines"]:
            if line["roomID"] and line["roomStatus"] in LIVING and line["startDate"] < last and line["endDate"] > first:
                found.add(line["roomID"])
                room = home.room(line["roomID"])
                found.update(room.links if room else ())
    for block in view.rows("blocks"):
        if block["startDate"] < last and block["endDate"] >= first:  # the last night of a block is in it
            found.update(one["roomID"] for one in block["rooms"])
    return found


def is_blocked(view: View, room_id: str, day: date) -> bool:
    """Tell whether a block holds a room on a night."""
    text = day.isoformat()
    return any(
        block["startDate"] <= text <= block["endDate"] and any(one["roomID"] == room_id for one in block["rooms"])
        for block in view.rows("blocks")
    )
