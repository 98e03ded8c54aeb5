"""GET /inventory/rooms/calendar: per-day values in ranges, bookings taken off (vendors/beds24.md 10.1)."""

from __future__ import annotations

from collections import Counter
from datetime import date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from connectors.beds24.simulator.hotel import Hotel, Property, RoomType
from connectors.beds24.simulator.query import Ask, Parameter
from connectors.beds24.simulator.refusals import VendorRefusal
from connectors.beds24.simulator.stock import Taken, day_values, taken
from connectors.kit.simulator.contract import Row

_INCLUDES = {
    "includeNumAvail": "numAvail",
    "includeMinStay": "minStay",
    "includeMaxStay": "maxStay",
    "includeMultiplier": "multiplier",
    "includeOverride": "override",
    "includePrices": "price",
}
PARAMETERS = {
    "startDate": Parameter("date"),
    "endDate": Parameter("date"),
    "roomId": Parameter("int", many=True),
    "propertyId": Parameter("int", many=True),
    **dict.fromkeys((*_INCLUDES, "includeLinkedPrices", "includeChannels"), Parameter("bool")),
    "page": Parameter("int"),
}
_HORIZON = timedelta(days=720)
_MISSING = 3000
_DIGITS = "0123456789"


def select(hotel: Hotel, ask: Ask, now: datetime) -> list[Row]:
    """Return one row per room type; raises VendorRefusal 400 without both dates."""
    if "startDate" not in ask or "endDate" not in ask:
        raise VendorRefusal(400, "Invalid data", _MISSING)
    wanted = [name for flag, name in _INCLUDES.items() if ask.get(flag)]
    chosen = [(place, kind) for place in hotel.properties.values() for kind in place.room_types if _asked(kind, ask)]
    used = taken(hotel.bookings.values(), frozenset(kind.id for _, kind in chosen)) if wanted else Counter()
    return [_row(hotel, kind, _days(place, ask, now), wanted, used) for place, kind in chosen]


def _asked(kind: RoomType, ask: Ask) -> bool:
    rooms, places = ask.get("roomId"), ask.get("propertyId")
    return (rooms is None or kind.id in rooms) and (places is None or kind.property_id in places)


def _days(place: Property, ask: Ask, now: datetime) -> list[date]:
    """Return the days asked for, from the hotel's today on; past days are dropped."""
    today = now.astimezone(ZoneInfo(place.timezone)).date()
    first = max(date.fromisoformat(ask["startDate"]), today)
    last = min(date.fromisoformat(ask["endDate"]), today + _HORIZON)
    return [first + timedelta(days=step) for step in range((last - first).days + 1)]


def _row(hotel: Hotel, kind: RoomType, days: list[date], wanted: list[str], used: Taken) -> Row:
    def values(day: date) -> Row:
        every = day_values(hotel, kind, day.isoformat(), used)
        return {name: value for name, value in every.items() if value is not None and name.rstrip(_DIGITS) in wanted}

    ranges = []
    for value, same in groupby(days if wanted else [], key=values):
        covered = list(same)
        ranges.append({"from": covered[0].isoformat(), "to": covered[-1].isoformat(), **value})
    return {"roomId": kind.id, "propertyId": kind.property_id, "name": kind.name, "calendar": ranges}
