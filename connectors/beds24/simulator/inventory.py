"""GET /inventory/rooms/calendar: per-day values in ranges, bookings taken off (vendors/beds24.md 10.1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

from connectors.beds24.simulator.hotel import Booking, Hotel, Property, RoomType
from connectors.beds24.simulator.query import Ask, Parameter
from connectors.beds24.simulator.refusals import VendorRefusal
from connectors.beds24.simulator.rows import TAKES_A_UNIT
from connectors.kit.simulator.contract import Row

_INCLUDES = {
    "includeNumAvail": "numAvail",
    "includeMinStay": "minStay",
    "includeMaxStay": "maxStay",
    "includeMultiplier": "multiplier",
    "includeOverride": "override",
    "includePrices": "price1",
}
PARAMETERS = {
    "startDate": Parameter("date"),
    "endDate": Parameter("date"),
    "roomId": Parameter("int", many=True),
    "propertyId": Parameter("int", many=True),
    **dict.fromkeys((*_INCLUDES, "includeLinkedPrices", "includeChannels"), Parameter("bool")),
    "page": Parameter("int"),
}
_FIXED: Row = {"minStay": 1, "maxStay": 364, "multiplier": 1, "override": "none", "price1": 120}
_HORIZON = timedelta(days=720)
_MISSING = 3000


def select(hotel: Hotel, ask: Ask, now: datetime) -> list[Row]:
    """Return one row per room type; raises VendorRefusal 400 without both dates."""
    if "startDate" not in ask or "endDate" not in ask:
        raise VendorRefusal(400, "Invalid data", _MISSING)
    wanted = [name for flag, name in _INCLUDES.items() if ask.get(flag)]
    chosen = [(place, kind) for place in hotel.properties.values() for kind in place.room_types if _asked(kind, ask)]
    taken = _taken(hotel.bookings.values(), frozenset(kind.id for _, kind in chosen)) if wanted else Counter()
    return [_row(place, kind, _days(place, ask, now), wanted, taken) for place, kind in chosen]


def _asked(kind: RoomType, ask: Ask) -> bool:
    rooms, places = ask.get("roomId"), ask.get("propertyId")
    return (rooms is None or kind.id in rooms) and (places is None or kind.property_id in places)


def _days(place: Property, ask: Ask, now: datetime) -> list[date]:
    """Return the days asked for, from the hotel's today on; past days are dropped."""
    today = now.astimezone(ZoneInfo(place.timezone)).date()
    first = max(date.fromisoformat(ask["startDate"]), today)
    last = min(date.fromisoformat(ask["endDate"]), today + _HORIZON)
    return [first + timedelta(days=step) for step in range((last - first).days + 1)]


def _taken(bookings: Iterable[Booking], rooms: frozenset[int]) -> Counter[tuple[int, str]]:
    taken: Counter[tuple[int, str]] = Counter()
    for booking in bookings:
        row = booking.row
        if row["status"] in TAKES_A_UNIT and row["roomId"] in rooms:
            arrival = date.fromisoformat(row["arrival"])
            nights = (date.fromisoformat(row["departure"]) - arrival).days
            taken.update((row["roomId"], (arrival + timedelta(days=step)).isoformat()) for step in range(nights))
    return taken


def _row(place: Property, kind: RoomType, days: list[date], wanted: list[str], taken: Counter[tuple[int, str]]) -> Row:
    def values(day: date) -> Row:
        # Overbooked days go below zero (vendors/beds24.md 10.1).
        every = {**_FIXED, "numAvail": kind.qty - taken[(kind.id, day.isoformat())]}
        return {name: every[name] for name in wanted}

    ranges = []
    for value, same in groupby(days if wanted else [], key=values):
        covered = list(same)
        ranges.append({"from": covered[0].isoformat(), "to": covered[-1].isoformat(), **value})
    return {"roomId": kind.id, "propertyId": place.id, "name": kind.name, "calendar": ranges}
