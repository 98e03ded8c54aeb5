"""What holds nights without a guest, and the rooms with their housekeeping state (vendors/cloudbeds.md 10.5, 10.7)."""

from __future__ import annotations

from collections.abc import Iterable

from connectors.cloudbeds.simulator.hotel import Hotel
from connectors.cloudbeds.simulator.ids import Ids
from connectors.cloudbeds.simulator.site import Place
from connectors.kit.simulator.contract import Row


def block(home: Place, ids: Ids, rooms: Iterable[str], now: str, **said: object) -> Row:
    """Return a block of rooms without dates; each room is an entry of its own."""
    return {
        "roomBlockID": ids.next("block"),
        "propertyID": home.id,
        "roomBlockType": "blocked_dates",
        "roomBlockReason": "",
        "startDate": "",
        "endDate": "",
        "rooms": [held(home, ids, room) for room in rooms],
        "_created": now,
        **said,
    }


def held(home: Place, ids: Ids, room: str) -> Row:
    """Return the entry of one room in a block."""
    kind = home.kind_of(room)
    return {
        "eventID": ids.next("event"),
        "roomID": room,
        "roomTypeID": kind.id if kind else "",
        "isSource": True,
        "sourceEventIds": None,
        "linkedEventIds": None,
    }


def furnished(hotel: Hotel, home: Place, now: str) -> None:
    """Store the rooms of a property, all of them clean."""
    for kind in home.kinds:
        for room in kind.rooms:
            row = {
                "roomID": room.id,
                "propertyID": home.id,
                "roomTypeID": kind.id,
                "roomCondition": "clean",
                "housekeeperID": "0",
                "doNotDisturb": False,
                "refusedService": False,
                "vacantPickup": False,
                "roomComments": "",
                "_changed": now,
                "_raw": {},
            }
            hotel["rooms"].put(room.id, row)
