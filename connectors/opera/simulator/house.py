"""What the hotel does besides reservations: repairs, room status, the business date and the night audit."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from connectors.kit.simulator.contract import ChangeOrder, OrderRefused, Row
from connectors.opera.simulator import rows, states, words
from connectors.opera.simulator.events import Happening, pictured
from connectors.opera.simulator.hotel import Hotel
from connectors.opera.simulator.site import Place
from connectors.opera.simulator.times import day, written
from connectors.opera.simulator.words import BLOCK_KINDS, WHERE

_DAY = timedelta(days=1)
_STATES = ("Clean", "Dirty", "Pickup", "Inspected")
_ACTIONS = {rows.OUT_OF_ORDER: "OUT OF ORDER", rows.OUT_OF_SERVICE: "OUT OF SERVICE"}


def new_repair(counters: rows.Counters, place: Place, told: Row, raw: Row) -> Row:
    """Return a room out of order or of service; raises OrderRefused for another kind or a missing room."""
    if told["kind"] not in BLOCK_KINDS:
        raise OrderRefused(f"blocks of kind {told['kind']!r} are not read here", WHERE, f"use {sorted(BLOCK_KINDS)}")
    number = words.room(place, told.get("room_ref"))
    if number is None:
        raise OrderRefused("only a room can be out of order", WHERE, "name it as `room_ref`")
    row = rows.repair(counters, place, number, told["arrival"], told["departure"])
    return moved(place, row, told) | raw


def moved(place: Place, old: Row, told: Row) -> Row:
    """Return a repair with other days, room or kind; its last day is the one before the public departure."""
    row = dict(old)
    if told.get("kind"):
        row["housekeepingRoomStatus"] = BLOCK_KINDS[told["kind"]]
    if told.get("room_ref"):
        row["roomId"] = words.room(place, told["room_ref"])
    if "arrival" in told:
        row["start"] = told["arrival"]
    if "departure" in told:
        leaves = day(told["departure"])
        if leaves is None:
            raise OrderRefused(f"departure {told['departure']!r} is no date", WHERE, "write YYYY-MM-DD")
        row["end"] = (leaves - _DAY).isoformat()
    if day(row["start"]) is None or row["start"] > row["end"]:
        raise OrderRefused(f"no day from {row['start']} to {row['end']}", WHERE, "let it last for a night at least")
    return row


def repair_event(verb: str, old: Row | None, new: Row | None) -> Happening:
    """Return the event of a room going out of order or coming back; its key is the room number (8.4)."""
    row = new or old or {}
    action = f"{verb} {_ACTIONS.get(row['housekeepingRoomStatus'], 'OUT OF ORDER')}"
    return Happening("Housekeeping", action, row["roomId"], row["hotelId"], _pictured(old), _pictured(new) or {})


def _pictured(row: Row | None) -> dict[str, str | None] | None:
    if row is None:
        return None
    return {"ROOM": row["roomId"], "BEGIN DATE": row["start"], "END DATE": row["end"], "REASON": row["reasonCode"]}


def profile_event(action: str, hotel: str, old: Row | None, new: Row) -> Happening:
    """Return the event of a profile."""
    before = None if old is None else {"NAME": old["surname"], "FIRST NAME": old["givenName"]}
    return Happening(
        "Profile", action, new["id"], hotel, before, {"NAME": new["surname"], "FIRST NAME": new["givenName"]}
    )


def with_room(hotel: Hotel, order: ChangeOrder) -> Place | None:
    """Return the hotel whose room an order names by its number."""
    wanted = [hotel.places[str(order.property_ref)]] if order.property_ref else [*hotel.places.values()]
    return next((place for place in wanted if place.type_of(str(order.ref)) is not None), None)


def clean(hotel: Hotel, place: Place, room: str, raw: Row) -> Happening:
    """Set the housekeeping status of a room; raises OrderRefused for anything else."""
    status = raw.get("housekeepingRoomStatus")
    if status not in _STATES:
        raise OrderRefused(f"room status {status!r} cannot be set", WHERE, f"use one of {_STATES}")
    old = hotel.room_states.get((place.code, room), "Clean")
    hotel.room_states[place.code, room] = status
    pictures = [{"ROOM STATUS": one.upper()} for one in (old, status)]
    return Happening("Housekeeping", "UPDATE ROOM STATUS", room, place.code, *pictures)


def at_the_desk(hotel: Hotel, place: Place, raw: Row, now: datetime) -> tuple[list[Row], list[Happening]]:
    """Set the business date, or run the night audit; raises OrderRefused. Returns what it changed and its events."""
    if raw.get("nightAudit") is True:
        changed = [*_no_shows(hotel, place, now)]
        pairs = [(row, hotel.reservations.get(row["id"]) or row) for row in changed]
        events = [
            Happening("Reservation", "NO SHOW", row["id"], place.code, pictured(hotel, old), pictured(hotel, row))
            for row, old in pairs
        ]
        key = place.business_date(now).isoformat()
        place.shift += 1
        audit = [Happening("NightAudit", name, key, place.code) for name in _AUDIT]
        return changed, [audit[0], *events, *audit[1:]]
    wanted = day(raw.get("businessDate"))
    if wanted is None:
        raise OrderRefused("nothing to do at the desk", WHERE, "give nightAudit: true or businessDate: YYYY-MM-DD")
    place.put_business_date(wanted, now)
    return [], []


_AUDIT = ("CLOSE BUSINESS DATE", "DUE IN RESERVATIONS", "HOTEL STATISTICS", "END OF PROCEDURES")


def _no_shows(hotel: Hotel, place: Place, now: datetime) -> Iterable[Row]:
    """Return the reservations that should have arrived until the date that closes."""
    closing = place.business_date(now).isoformat()
    for row in hotel.reservations.rows():
        late = row["hotelId"] == place.code and str(row["arrivalDate"]) <= closing
        if late and row["reservationStatus"] == states.RESERVED:
            at = written(now, place.zone)
            yield {**row, "reservationStatus": states.NO_SHOW, "lastModifyDateTime": at}
