"""The truth: public revisions and blocks written straight from the raw rows, never through a mapper.

An order may write anything into a row. What cannot be read is left out: an amount that is no number becomes null, a
stay without dates and a booking with a list for a word are not there; the truth itself never fails.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from decimal import Decimal, InvalidOperation

from connectors.beds24.simulator.consequences import NO_OTA
from connectors.beds24.simulator.hotel import Booking, Hotel
from connectors.beds24.simulator.stock import days
from connectors.kit.simulator.contract import Row
from pms_sync.domain.money import exponent

VENDOR = "beds24"
_STATUS = {
    "new": "confirmed",
    "confirmed": "confirmed",
    "request": "hold",
    "inquiry": "hold",
    "cancelled": "cancelled",
}
_NO_SHOW_FROM = frozenset({"new", "confirmed", "cancelled"})
_CHANNELS = {
    "direct": "direct",
    "bookingpage": "booking_page",
    "booking": "booking_com",
    **{same: same for same in ("airbnb", "expedia", "agoda", "vrbo")},
}
_STRONGEST_FIRST = ("checked_in", "confirmed", "hold", "checked_out", "no_show", "cancelled")
_REFUND = 213
_ALPHA2 = re.compile(r"[A-Za-z]{2}\Z")
_OTHER_PLACES = 2
_LINE = ("id", "type", "amount", "lineTotal")
_WORDS = ("status", "subStatus", "channel", "apiReference", "propertyId", "roomId", "unitId", "offerId", "masterId")


def _places(currency: str | None) -> int:
    return _OTHER_PLACES if currency is None else exponent(currency)


def _amount(value: object) -> Decimal | None:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None


def _exact(amount: Decimal, currency: str | None) -> Decimal | None:
    """Round to the currency's places; None for an amount with more digits than anybody counts."""
    try:
        return amount.quantize(Decimal(1).scaleb(-_places(currency)))
    except InvalidOperation:
        return None


def _money(value: object, currency: str | None) -> str | None:
    """Write an amount; one beyond all counting as it is, and None for what is no number."""
    amount = _amount(value)
    if amount is None:
        return None
    exact = _exact(amount, currency)
    return str(amount.normalize() if exact is None else exact)


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(value: object) -> str | None:
    return str(value) if value else None


def _status(row: Row) -> str | None:
    """Return the public word, or None for a status that vendors/beds24.md 6.3 does not know."""
    if row["subStatus"] == "noShow" and row["status"] in _NO_SHOW_FROM:
        return "no_show"
    return _STATUS.get(str(row["status"]))


def _channel_status(members: list[Booking]) -> str | None:
    """Return what the OTA still holds: a write by API does not reach it, so it may differ (vendors/beds24.md 7)."""
    if members[0].row["channel"] in NO_OTA:
        return None
    words = {_STATUS.get(str(member.ota_status or member.row["status"])) for member in members}
    return _overall(words)


def _room(row: Row) -> str | None:
    unit = _whole(row["unitId"])
    return f"{row['roomId']}/{unit}" if unit is not None and unit >= 1 else None


def _nights(row: Row, currency: str | None) -> list[Row]:
    span, amount = days(row), _amount(row["price"])
    price = None if amount is None or _exact(amount, currency) is None else amount
    if span is None or price is None or span[0] >= span[1]:
        return []
    arrival, count = span[0], (span[1] - span[0]).days
    places = _places(currency)
    share, over = divmod(int(price.scaleb(places)), count)
    amounts = [share + 1] * over + [share] * (count - over)
    return [
        {
            "date": (arrival + timedelta(days=index)).isoformat(),
            "price": _money(Decimal(cents).scaleb(-places), currency),
            "derived": True,
        }
        for index, cents in enumerate(amounts)
    ]


def _stay(booking: Booking, currency: str | None) -> Row:
    row = booking.row
    offer = _whole(row["offerId"])
    return {
        "ref": str(booking.id),
        "room_type_ref": str(row["roomId"]),
        "room_ref": _room(row),
        "rate_plan_ref": str(offer) if offer and offer >= 1 else None,
        "arrival": row["arrival"],
        "departure": row["departure"],
        "status": _status(row),
        "adults": _whole(row["numAdult"]),
        "children": _whole(row["numChild"]),
        "total": _money(row["price"], currency),
        "nights": _nights(row, currency),
    }


def _guest(row: Row, ref: str | None) -> Row:
    country = str(row.get("country2") or "")
    return {
        "ref": ref,
        "first_name": _text(row.get("firstName")),
        "last_name": _text(row.get("lastName")),
        "email": _text(row.get("email")),
        "phone": _text(row.get("phone")) or _text(row.get("mobile")),
        "country": country.upper() if _ALPHA2.match(country) else None,
        "language": _text(row.get("lang")),
    }


def _line(item: Row, currency: str | None) -> Row:
    amount = _amount(item["lineTotal"])
    if item["type"] == "payment":
        amount = _amount(item["amount"])
        amount = -amount if amount is not None and item.get("subType") == _REFUND else amount
    return {
        "ref": str(item["id"]),
        "kind": item["type"],
        "text": _text(item.get("description")),
        "amount": _money(amount, currency),
        "currency": currency,
    }


def _with(rows: object, *names: str) -> list[Row]:
    """Return the rows of a list that was written verbatim which have what makes them rows."""
    found = rows if isinstance(rows, list) else []
    return [row for row in found if isinstance(row, dict) and all(name in row for name in names)]


def _lines(members: list[Booking], currency: str | None) -> list[Row]:
    items = [item for one in members for item in _with(one.invoice_items, *_LINE)]
    return [line for line in (_line(item, currency) for item in items) if line["amount"] is not None]


def _block(booking: Booking) -> Row:
    row = booking.row
    return {
        "vendor": VENDOR,
        "ref": str(booking.id),
        "property_ref": str(row["propertyId"]),
        "room_type_ref": str(row["roomId"]),
        "room_ref": _room(row),
        "arrival": row["arrival"],
        "departure": row["departure"],
        "kind": "owner",
        "gone": row["status"] == "cancelled",
    }


def _overall(statuses: set[str | None]) -> str | None:
    return next((status for status in _STRONGEST_FIRST if status in statuses), None)


def _lead(ref: str, members: list[Booking]) -> Booking:
    return next((member for member in members if str(member.id) == ref), members[0])


def _hold_kind(status: str | None, lead: Booking, members: list[Booking]) -> str | None:
    if status != "hold":
        return None
    kinds = [member.row["status"] for member in (lead, *members) if _status(member.row) == "hold"]
    return str(kinds[0])


def _revision(hotel: Hotel, ref: str, members: list[Booking]) -> Row:
    lead = _lead(ref, members)
    row = lead.row
    place = hotel.properties.get(row["propertyId"])
    currency = place.currency if place is not None else None  # moved out of this account's sight
    stays = [_stay(member, currency) for member in members if days(member.row)]
    status = _overall({_status(member.row) for member in members})
    hold_kind = _hold_kind(status, lead, members)
    newest = max(str(member.row["modifiedTime"]) for member in members)
    amounts = [None if stay["total"] is None else Decimal(stay["total"]) for stay in stays]
    total = None if None in amounts else sum((amount for amount in amounts if amount is not None), Decimal())
    return {
        "vendor": VENDOR,
        "ref": ref,
        "property_ref": str(row["propertyId"]),
        "version": newest,
        "scope": "reservation",
        "siblings_complete": True,
        "gone": False,
        "status": status,
        "vendor_status": row["status"],
        "channel_status": _channel_status(members),
        "hold_kind": hold_kind,
        "blocks_inventory": status == "confirmed" or hold_kind == "request",
        "guaranteed": None,
        "channel": _CHANNELS.get(row["channel"], "other"),
        "vendor_channel": row["channel"],
        "channel_reference": _text(row["apiReference"]),
        "currency": currency,
        "total": _money(total, currency),
        "price_basis": "gross",
        "booker": _guest(row, None),
        "guests": [_guest(one, str(one["id"])) for member in members for one in _with(member.guests, "id")],
        "room_stays": stays,
        "folio_lines": _lines(members, currency),
        "notes": _text(row["notes"]),
        "comments": _text(row["comments"]),
        "created_at": row["bookingTime"],
        "modified_at": newest,
    }


def _gather(hotel: Hotel, bookings: Iterable[Booking]) -> dict[tuple[str, int], list[Booking]]:
    found: dict[tuple[str, int], list[Booking]] = defaultdict(list)
    lowest: dict[tuple[str, str, int], str] = {}
    for booking in bookings:
        row = booking.row
        group = hotel.group(booking)
        ref = None if group is None else str(group["master"])
        if ref is None and row["apiReference"]:
            # One OTA booking of several rooms shares its reference even when no group ties it (vendors/beds24.md 14).
            ref = lowest.setdefault((row["apiReference"], row["channel"], row["propertyId"]), str(booking.id))
        found[(ref or str(booking.id), row["propertyId"])].append(booking)
    return found


def revisions(hotel: Hotel) -> list[Row]:
    """Return every reservation of the hotel, ordered by first booking id."""
    found = _gather(hotel, (booking for booking in _readable(hotel) if not booking.block))
    return [_revision(hotel, ref, members) for (ref, _), members in found.items()]


def blocks(hotel: Hotel) -> list[Row]:
    """Return the black bookings as blocks, ordered by booking id; a cancelled one is gone."""
    return [_block(booking) for booking in _readable(hotel) if booking.block and days(booking.row)]


def _readable(hotel: Hotel) -> list[Booking]:
    """Return the bookings whose words are words, ordered by id."""
    ordered = sorted(hotel.bookings.values(), key=lambda booking: booking.id)
    return [one for one in ordered if not any(isinstance(one.row[name], list | dict) for name in _WORDS)]


def reservation_ref(hotel: Hotel, booking: Booking) -> str:
    """Return the ref under which the truth shows a booking."""
    group = hotel.group(booking)
    if group is not None:
        return str(group["master"])
    row = booking.row
    if not row["apiReference"] or booking.block:
        return str(booking.id)
    same = (other for other in hotel.bookings.values() if _same_ota_booking(other, row))
    return str(min((other.id for other in same if hotel.group(other) is None), default=booking.id))


def _same_ota_booking(other: Booking, row: Row) -> bool:
    return not other.block and all(other.row[key] == row[key] for key in ("apiReference", "channel", "propertyId"))
