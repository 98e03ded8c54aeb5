"""The rooms of a property: categories, resources and what ties one to the other, with leftovers nobody stays in."""

from __future__ import annotations

from connectors.kit.simulator.contract import Row
from connectors.mews.simulator.hotel import ENTERPRISE, UPDATED, Hotel
from connectors.mews.simulator.site import BORN, Place


def _category(home: Place, key: object, name: str, kind: str, **said: object) -> Row:
    return {
        ENTERPRISE: home.id,
        UPDATED: BORN,
        "Id": home.at("category", key),
        "EnterpriseId": home.id,
        "ServiceId": home.stay_service,
        "IsActive": True,
        "Type": kind,
        "Classification": "StandardDouble" if kind == "Room" else "Other",
        "Names": _in_english(name),
        "ShortNames": _in_english("DBL" if name == "Double" else name[:3].upper()),
        "Descriptions": {},
        "Ordering": 0,
        "Capacity": 2,
        "ExtraCapacity": 1,
        "ExternalIdentifier": None,
        "AccountingCategoryId": None,
        **said,
    }


def _in_english(text: str) -> Row:
    return {"en-US": text}


def _resource(home: Place, room_id: str, name: str, *, active: bool = True) -> Row:
    return {
        ENTERPRISE: home.id,
        "Id": room_id,
        "EnterpriseId": home.id,
        "IsActive": active,
        "ParentResourceId": None,
        "Name": name,
        "State": "Clean",
        "Descriptions": {},
        "CreatedUtc": BORN,
        "UpdatedUtc": BORN,
        "Data": {"Discriminator": "Space", "Value": {"FloorNumber": name[:1], "LocationNotes": None}},
        "ExternalNames": {},
        "Directions": {},
    }


def _assignment(home: Place, resource_id: str, category_id: str, *, active: bool = True) -> Row:
    return {
        ENTERPRISE: home.id,
        "Id": home.at("assignment", resource_id, category_id),
        "IsActive": active,
        "ResourceId": resource_id,
        "CategoryId": category_id,
        "CreatedUtc": BORN,
        "UpdatedUtc": BORN,
    }


def furnish_rooms(hotel: Hotel, home: Place) -> None:
    """Put categories, rooms and their ties into the tables."""
    rooms = [(category, room, name) for category in home.categories for room, name in category.rooms]
    for number, category in enumerate(home.categories, 1):
        hotel["categories"].put(_category(home, number, category.name, "Room"))
    for category, room, name in rooms:
        hotel["resources"].put(_resource(home, room, name))
        hotel["assignments"].put(_assignment(home, room, category.id))
    _furnish_leftovers(hotel, home, [room for _, room, _ in rooms[:1]])


def _furnish_leftovers(hotel: Hotel, home: Place, first_room: list[str]) -> None:
    """Add what is no place to stay: a parking space, a deleted room, and a deleted category that still has a room."""
    parking = {"ServiceId": home.at("service", "parking"), "Capacity": 0, "ExtraCapacity": 0}
    hotel["categories"].put(_category(home, "parking", "Parking space", "ParkingSpot", **parking))
    hotel["resources"].put(_resource(home, home.at("room", "P1"), "P1"))
    hotel["assignments"].put(_assignment(home, home.at("room", "P1"), home.at("category", "parking")))
    hotel["resources"].put(_resource(home, home.at("room", "000"), "000", active=False))
    hotel["categories"].put(_category(home, "old", "Attic", "Room", IsActive=False))
    for room in first_room:
        hotel["assignments"].put(_assignment(home, room, home.at("category", "old")))
