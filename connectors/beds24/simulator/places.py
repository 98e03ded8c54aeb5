"""Properties, rooms and the account: reads, and the one write that registers webhooks (vendors/beds24.md 11, 13.2)."""

from __future__ import annotations

from connectors.beds24.simulator.auth import OWNER
from connectors.beds24.simulator.hooks import VERSIONS
from connectors.beds24.simulator.hotel import Hotel, Property, RoomType
from connectors.beds24.simulator.query import Ask, Parameter
from connectors.kit.simulator.contract import Row

PARAMETERS = {
    "id": Parameter("int", many=True),
    "roomId": Parameter("int", many=True),
    "includeTexts": Parameter("enum", many=True, allowed=("all", "property", "roomType")),
    **dict.fromkeys(("includePictures", "includeOffers", "includePriceRules"), Parameter("bool")),
    **dict.fromkeys(("includeUpsellItems", "includeAllRooms", "includeUnitDetails"), Parameter("bool")),
    "page": Parameter("int"),
}
ACCOUNT_PARAMETERS = dict.fromkeys(("includeSubAccounts", "includeUsage"), Parameter("bool"))

_ADDITIONAL = ("none", "CVC", "token", "CVCAndToken")
_WEBHOOK_VALUES = {"version": VERSIONS, "additionalData": _ADDITIONAL}


def select(hotel: Hotel, ask: Ask) -> list[Row]:
    """Return the properties asked for."""
    ids, rooms = frozenset(ask.get("id", ())), frozenset(ask.get("roomId", ()))
    found = [place for place in hotel.properties.values() if not ids or place.id in ids]
    if rooms:
        found = [place for place in found if any(kind.id in rooms for kind in place.room_types)]
    return [_shown(place, ask, rooms) for place in found]


def _shown(place: Property, ask: Ask, rooms: frozenset[int]) -> Row:
    row: Row = {
        "id": place.id,
        "name": place.name,
        "propertyType": "hotel",
        "currency": place.currency,
        "address": "",
        "city": "",
        "state": "",
        "country": "ES",
        "postcode": "",
        "checkInStart": "15:00",
        "checkInEnd": "22:00",
        "checkOutEnd": "11:00",
        "account": {"ownerId": OWNER},
        "webhooks": dict(place.webhooks),
    }
    # Without includeAllRooms (or roomId) there are no rooms in the row.
    if ask.get("includeAllRooms") or rooms:
        kinds = [kind for kind in place.room_types if ask.get("includeAllRooms") or kind.id in rooms]
        row["roomTypes"] = [_room(kind, details=bool(ask.get("includeUnitDetails"))) for kind in kinds]
    return row


def _room(kind: RoomType, *, details: bool) -> Row:
    more: Row = {"statusColor": "", "statusText": "", "note": ""} if details else {}
    return {
        "id": kind.id,
        "propertyId": kind.property_id,
        "name": kind.name,
        "roomType": "double",
        "qty": kind.qty,
        "maxPeople": 3,
        "maxAdult": None,
        "maxChildren": None,
        "minStay": None,
        "maxStay": None,
        "rackRate": 150,
        "cleaningFee": 0,
        "overbookingProtection": "room",
        "units": [{"id": unit, "name": str(unit), **more} for unit in range(1, kind.qty + 1)],
    }


def account(zone: str) -> Row:
    """Return the one account; it alone carries the time zone."""
    return {"id": OWNER, "ownerId": OWNER, "timezone": zone}


def write(hotel: Hotel, item: object) -> Row:
    """Change one property's webhook fields or name; other fields succeed without effect, as the vendor does (4.2)."""
    if not isinstance(item, dict):
        return _refused("", "invalid")
    place = hotel.properties.get(item["id"]) if isinstance(item.get("id"), int) else None
    if place is None:
        return _refused("id", "invalid")
    sent = item.get("webhooks", {})
    if not isinstance(sent, dict):
        return _refused("webhooks", "invalid")
    for name, value in sent.items():
        allowed = _WEBHOOK_VALUES.get(name)
        if not isinstance(value, str) or (allowed and value not in allowed):
            return _refused(f"webhooks.{name}", "invalid")
    return _stored(place, sent, item.get("name"))


def _stored(place: Property, sent: dict[str, str], name: object) -> Row:
    changed = {key: value for key, value in sent.items() if place.webhooks.get(key, value) != value}
    changed = {key: value for key, value in changed.items() if key in place.webhooks}
    place.webhooks.update(changed)
    modified: Row = {"webhooks": changed} if changed else {}
    if isinstance(name, str) and name and name != place.name:
        place.name = modified["name"] = name
    return {"success": True, **({"modified": {"id": place.id, **modified}} if modified else {})}


def _refused(field: str, message: str) -> Row:
    return {"success": False, "errors": [{"action": "modify property", "field": field, "message": message}]}
