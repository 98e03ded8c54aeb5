"""POST /inventory/rooms/calendar: per-day values, with the deviations measured (vendors/beds24.md 10.2)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from connectors.beds24.simulator.fields import Rule, Unfit, understood
from connectors.beds24.simulator.hotel import Hotel, RoomType
from connectors.beds24.simulator.stock import Taken, taken
from connectors.beds24.simulator.verdicts import Verdict
from connectors.kit.simulator.contract import Row

ACTION = "process inventory rooms calendar"
HORIZON = timedelta(days=730)
"""About 24 months; the true limit lies between 673 and 1191 days."""
_OVERRIDES = ("none", "blackout", "exception", "noCheckIn", "noCheckOut", "noCheckInOrCheckOut")
_PRICES = tuple(f"price{number}" for number in range(1, 17))
_RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "numAvail": Rule("int", -9999, 9999, nullable=True),
        "minStay": Rule("int", 1, 365, nullable=True),
        "maxStay": Rule("int", 1, 364),
        "multiplier": Rule("amount", 0.1, 100, nullable=True),
        "override": Rule("enum", allowed=_OVERRIDES, nullable=True),
        **dict.fromkeys(_PRICES, Rule("amount", 0, 99999999.99, nullable=True)),
    }
)
_DATE = Rule("date")


def write(hotel: Hotel, item: object, now: datetime) -> Row:
    """Carry out one item and return its verdict; a range beyond the horizon falls, the others are applied."""
    verdict = Verdict(ACTION)
    given = item.get("roomId") if isinstance(item, dict) else None
    kind = hotel.room_type(given) if isinstance(given, int) else None
    ranges = item.get("calendar") if isinstance(item, dict) else None
    if kind is None or not isinstance(ranges, list):
        verdict.error("roomId" if kind is None else "calendar")
        return verdict.wire()
    written = [told for told in (_range(hotel, kind, one, now, verdict) for one in ranges) if told]
    if written:
        verdict.modified = {"roomId": kind.id, "calendar": written}
    return verdict.wire()


def _range(hotel: Hotel, kind: RoomType, told: object, now: datetime, verdict: Verdict) -> Row:
    """Write one range of days and return what of it changed."""
    days = _days(hotel, kind, told, now) if isinstance(told, dict) else []
    if not isinstance(told, dict) or not days:
        verdict.refuse("calendar", "invalid dates")
        return {}
    # A limit is not lifted by null or empty text: that is ignored without a word.
    sent = {name: value for name, value in told.items() if name != "maxStay" or (value is not None and value != "")}
    known = len(verdict.warnings)
    fields = understood(sent, _RULES, verdict)
    if not fields and len(verdict.warnings) > known:
        verdict.fruitless()
    used = taken(hotel.bookings.values(), (kind.id,))
    changed = [_day(hotel, kind, day, fields, used) for day in days]
    return {"from": days[0], "to": days[-1], **fields} if any(changed) else {}


def _days(hotel: Hotel, kind: RoomType, told: Row, now: datetime) -> list[str]:
    """Return the days of a range, both ends inside; none when the dates are bad or too far away."""
    try:
        first, last = (date.fromisoformat(str(_DATE.read(told.get(name))[0])) for name in ("from", "to"))
    except Unfit:
        return []
    today = now.astimezone(ZoneInfo(hotel.properties[kind.property_id].timezone)).date()
    first = max(first, today)  # past days are dropped
    count = (last - first).days + 1 if last <= today + HORIZON else 0
    return [(first + timedelta(days=step)).isoformat() for step in range(count)]


def _day(hotel: Hotel, kind: RoomType, day: str, fields: Row, used: Taken) -> bool:
    """Write one day; tell whether anything changed."""
    old = hotel.calendar.get((kind.id, day), {})
    fresh = {**old, **fields}
    if "numAvail" in fields:
        asked = fresh.pop("numAvail")
        fresh["stock"] = None if asked is None else asked + used[(kind.id, day)]
    elif (old.get("override"), fields.get("override")) == ("blackout", "none"):
        fresh["stock"] = None  # numAvail jumps to the maximum possible
    # A removed value falls back to the room's own; a removed price closes the day.
    kept = {name: value for name, value in fresh.items() if value is not None or name in _PRICES}
    hotel.calendar[(kind.id, day)] = kept
    return kept != old
