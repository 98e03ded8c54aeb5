"""The truth: public revisions and blocks written straight from the raw rows, never through a mapper.

A reservation of OPERA is one room stay; what vendors/opera.md leaves to the hotel (channels, folios, whether a request
takes a room) is not said. An order may write anything into a row: what cannot be read is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

from connectors.kit.simulator.contract import Row
from connectors.opera.simulator import amounts, states
from connectors.opera.simulator.documents import nights_of, total_of
from connectors.opera.simulator.hotel import Hotel
from connectors.opera.simulator.rows import OUT_OF_ORDER, OUT_OF_SERVICE
from connectors.opera.simulator.site import Place
from connectors.opera.simulator.times import day, public

VENDOR = "opera"
_BLOCK_KINDS = {OUT_OF_ORDER: "out_of_order", OUT_OF_SERVICE: "out_of_service"}
_TAKES_NO_ROOM = frozenset({states.WAITLISTED, states.CANCELLED, states.NO_SHOW})
_DAY = timedelta(days=1)


def revisions(hotel: Hotel) -> list[Row]:
    """Return every reservation that can be read, in the order of their creation."""
    return [_revision(hotel, hotel.places[row["hotelId"]], row) for row in hotel.reservations.rows() if _dated(row)]


def blocks(hotel: Hotel) -> list[Row]:
    """Return the rooms out of order or of service; one that was completed is not listed any more."""
    found = (_block(hotel.places[row["hotelId"]], row) for row in hotel.repairs.rows())
    return [block for block in found if block is not None]


def _dated(row: Row) -> bool:
    first, last = day(row["arrivalDate"]), day(row["departureDate"])
    return first is not None and last is not None and first <= last


def _revision(hotel: Hotel, place: Place, row: Row) -> Row:
    raw = str(row["reservationStatus"])
    status = states.PUBLIC.get(raw)
    guests = [hotel.profiles.get(key) for key in row["guests"]]
    people = [_guest(profile) for profile in guests if profile is not None]
    return {
        "vendor": VENDOR,
        "ref": row["id"],
        "property_ref": place.code,
        "version": sortable(row["lastModifyDateTime"]),
        "scope": "reservation",
        "siblings_complete": True,
        "gone": False,
        "status": status,
        "vendor_status": raw,
        **_holding(raw),
        "channel_reference": _reference(row),
        "currency": row["currencyCode"],
        **_priced(row, total_of(row)),
        "price_basis": "gross",
        "booker": people[0] if people else None,
        "guests": people[1:],
        "room_stays": _stays(row, status),
        "notes": "\n".join(str(one["text"]) for one in row["comments"]) or None,
        "created_at": public(row["createDateTime"], place.zone),
        "modified_at": public(row["lastModifyDateTime"], place.zone),
    }


def _holding(raw: str) -> Row:
    """Return what a status says of a room; for a request the document says nothing."""
    told: Row = {"hold_kind": "request"} if raw == states.REQUESTED else {}
    if raw in states.TAKES_A_ROOM or raw in _TAKES_NO_ROOM:
        told["blocks_inventory"] = raw in states.TAKES_A_ROOM
    return told


def _reference(row: Row) -> str | None:
    return next((str(one["id"]) for one in row["externalReferences"] if one.get("id")), None)


def _stays(row: Row, status: str | None) -> list[Row]:
    """Return the stay; a reservation of several units stands for as many of them."""
    units = _whole(row["numberOfUnits"]) or 1
    stay = _stay(row, status)
    return [stay, *({**stay, "ref": f"{row['id']}/{unit}"} for unit in range(2, units + 1))]


def _stay(row: Row, status: str | None) -> Row:
    currency = row["currencyCode"]
    nights = [(night, price) for night, price in nights_of(row) if price is not None]
    return {
        "ref": row["id"],
        "room_type_ref": _text(row["roomType"]),
        "room_ref": _text(row["roomId"]),
        "rate_plan_ref": _text(row["ratePlanCode"]),
        "arrival": row["arrivalDate"],
        "departure": row["departureDate"],
        "status": status,
        "adults": _whole(row["adults"]),
        "children": _whole(row["children"]),
        **_priced(row, total_of(row)),
        "nights": [
            {"date": night.isoformat(), "price": _money(price, currency), "derived": False} for night, price in nights
        ],
    }


def _priced(row: Row, total: Decimal | None) -> Row:
    return {} if total is None else {"total": _money(total, row["currencyCode"])}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _money(amount: Decimal, currency: str) -> str:
    return str(amounts.exact(amount, currency))


def _guest(profile: Mapping[str, object]) -> Row:
    return {
        "ref": profile["id"],
        "first_name": _text(profile["givenName"]),
        "last_name": _text(profile["surname"]),
        **{name: _text(profile[name]) for name in ("email", "phone", "country", "language")},
    }


def sortable(told: object) -> str:
    """Write a time of change as it sorts: the wire's own digits, with a T, and without a fraction that is zero."""
    moment, _, fraction = str(told).replace(" ", "T").partition(".")
    digits = fraction.rstrip("0")
    return f"{moment}.{digits}" if digits else moment


def block_ref(row: Row) -> str:
    """Name a room's repair as it is known outside: repairs are numbered for the whole chain, and are of one room."""
    return f"{row['roomId']}/{row['id']}"


def _block(place: Place, row: Row) -> Row | None:
    kind, first, last = _BLOCK_KINDS.get(row["housekeepingRoomStatus"]), day(row["start"]), day(row["end"])
    if kind is None or first is None or last is None or first > last:
        return None
    room_type = place.type_of(row["roomId"])
    return {
        "vendor": VENDOR,
        "ref": block_ref(row),
        "property_ref": place.code,
        "room_type_ref": room_type.code if room_type else None,
        "room_ref": _text(row["roomId"]),
        "arrival": first.isoformat(),
        "departure": (last + _DAY).isoformat(),
        "kind": kind,
        "gone": False,
    }
