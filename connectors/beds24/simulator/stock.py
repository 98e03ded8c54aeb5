"""What is free: units taken per night, what is left of a room type, and which unit a booking could have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import date, timedelta

from connectors.beds24.simulator.hotel import Booking, Hotel, RoomType
from connectors.beds24.simulator.rows import TAKES_A_UNIT
from connectors.kit.simulator.contract import Row

Taken = Counter[tuple[int, str]]
"""Units taken by (roomId, night)."""
_USUAL_PRICE = 120


def days(row: Row) -> tuple[date, date] | None:
    """Return arrival and departure; None where one of them is no date, as an order may write anything verbatim."""
    try:
        return date.fromisoformat(row["arrival"]), date.fromisoformat(row["departure"])
    except (TypeError, ValueError):
        return None


def nights(row: Row) -> list[str]:
    """Return the nights of a booking; `departure` is the day of check-out. Without real dates there are none."""
    span = days(row)
    count = (span[1] - span[0]).days if span else 0
    return [(span[0] + timedelta(days=step)).isoformat() for step in range(count)] if span else []


def taken(bookings: Iterable[Booking], rooms: Collection[int]) -> Taken:
    """Count the units that bookings take of some room types."""
    found: Taken = Counter()
    for booking in bookings:
        row = booking.row
        if _takes_one_of(row, rooms):
            for night in nights(row):
                found[(row["roomId"], night)] += row["roomQty"] or 1
    return found


def day_values(hotel: Hotel, kind: RoomType, night: str, used: Taken) -> Row:
    """Return the calendar values of one day: what was written, else the room's own; bookings are taken off.

    An overbooked day goes below zero; a day without a price is closed (vendors/beds24.md 10).
    """
    usual: Row = {"minStay": 1, "maxStay": 364, "multiplier": 1, "override": "none", "price1": _USUAL_PRICE}
    values: Row = {**usual, "stock": kind.qty, **hotel.calendar.get((kind.id, night), {})}
    count = values.pop("stock") - used[(kind.id, night)]
    return {**values, "numAvail": count if values["price1"] is not None else min(count, 0)}


def has_room(hotel: Hotel, kind: RoomType, row: Row) -> bool:
    """Tell whether a new booking would fit on every one of its nights."""
    used = taken(hotel.bookings.values(), (kind.id,))
    days = [day_values(hotel, kind, night, used) for night in nights(row)]
    return all(day["numAvail"] >= row["roomQty"] and day["override"] != "blackout" for day in days)


def usual_price(hotel: Hotel, kind: RoomType, row: Row) -> float:
    """Return the price of a booking that names none: the calendar's, night by night."""
    days = [day_values(hotel, kind, night, Counter()) for night in nights(row)]
    return float(sum(day["price1"] or 0 for day in days))


def free_unit(hotel: Hotel, kind: RoomType, row: Row, beside: Iterable[Booking] = ()) -> int:
    """Return the first free unit, or 0 (unassigned) when the type is full: nothing stops an overbooking."""
    rows = (other.row for other in (*hotel.bookings.values(), *beside))
    busy = [other["unitId"] for other in rows if _takes_one_of(other, (kind.id,)) and _overlap(other, row)]
    return next((unit for unit in range(1, kind.qty + 1) if unit not in busy), 0)


def _takes_one_of(row: Row, rooms: Collection[int]) -> bool:
    return isinstance(row["status"], str) and row["status"] in TAKES_A_UNIT and row["roomId"] in tuple(rooms)


def _overlap(one: Row, other: Row) -> bool:
    """Tell whether two bookings share a night; one without real dates shares none."""
    first, second = days(one), days(other)
    return first is not None and second is not None and first[0] < second[1] and second[0] < first[1]
