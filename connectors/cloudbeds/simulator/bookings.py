"""Bookings as the hotel keeps them: a reservation with its room lines, guests, items, payments and notes.

Instants are RFC 3339 text in UTC, money is Decimal, dates are the property's own. `_raw` holds fields that an order
wrote verbatim; answers show them over everything else.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal

from connectors.cloudbeds.simulator.ids import Ids
from connectors.cloudbeds.simulator.site import WEBSITE, Place, RoomType
from connectors.cloudbeds.simulator.times import nights
from connectors.kit.simulator.contract import Row

GUEST_TEXTS = """
guestFirstName guestLastName guestEmail guestPhone guestCellPhone guestAddress guestAddress2 guestCity guestState
guestCountry guestZip
""".split()
GUEST_MAYBE = """
guestBirthdate guestDocumentType guestDocumentNumber guestDocumentIssueDate guestDocumentIssuingCountry
guestDocumentExpirationDate taxID companyTaxID companyName
""".split()
LIVING = frozenset({"not_checked_in", "in_house"})


def guest(home: Place, ids: Ids, now: str, **said: object) -> Row:
    """Return a guest; ids are per property."""
    return {
        "guestID": ids.next("guest"),
        "propertyID": home.id,
        "_created": now,
        "_modified": now,
        **dict.fromkeys(GUEST_TEXTS, ""),
        **dict.fromkeys(GUEST_MAYBE),
        "guestGender": "N/A",
        "isAnonymized": False,
        "isMerged": False,
        "newGuestID": "",
        "guestOptIn": False,
        "specialRequests": "",
        **said,
    }


def reservation(home: Place, ids: Ids, now: str, **said: object) -> Row:
    """Return a reservation without lines."""
    return {
        "propertyID": home.id,
        "reservationID": ids.reservation(home),
        "status": "confirmed",
        "_created": now,
        "_modified": now,
        "_cancelled": None,
        "isDeleted": False,
        "sourceID": WEBSITE.id,
        "thirdPartyIdentifier": "",
        "origin": "Website",
        "mealPlans": "",
        "estimatedArrivalTime": None,
        "groupCode": None,
        "allotmentBlockCode": None,
        "customFields": [],
        "cardsOnFile": [],
        "guests": [],
        "mainGuest": "",
        "lines": [],
        "taxes": Decimal(),
        "items": [],
        "payments": [],
        "notes": [],
        "_raw": {},
        **said,
    }


def sub_id(booking: Row) -> str:
    """Return the id of the next room: the first equals the reservation's, further ones count from -2.

    The support text counts from -2, one sample from -1; gaps stay (vendors/cloudbeds.md 7).
    """
    taken = [str(line["subReservationID"]) for line in booking["lines"]]
    numbers = [int(one.rpartition("-")[2]) for one in taken if "-" in one]
    return f"{booking['reservationID']}-{max(numbers, default=1) + 1}" if taken else str(booking["reservationID"])


def line(ids: Ids, booking: Row, kind: RoomType, arrival: date, departure: date) -> Row:
    """Return a room line without a room and without prices."""
    return {
        "reservationRoomID": ids.next("line"),
        "subReservationID": sub_id(booking),
        "roomTypeID": kind.id,
        "roomID": None,
        "isRoomLocked": False,
        "startDate": arrival.isoformat(),
        "endDate": departure.isoformat(),
        "adults": 2,
        "children": 0,
        "rateID": kind.base_rate,
        "rates": {},
        "roomStatus": "not_checked_in",
        "guests": [],
        "marketName": "",
        "marketCode": "",
        "_raw": {},
    }


def item(ids: Ids, text: object, amount: Decimal, now: str) -> Row:
    """Return an item on the bill."""
    return {"id": ids.next("item"), "text": str(text or ""), "amount": amount, "_at": now}


def payment(ids: Ids, text: object, amount: Decimal, now: str) -> Row:
    """Return a payment."""
    return {"id": ids.next("payment"), "text": str(text or ""), "amount": amount, "_at": now}


def note(ids: Ids, text: str, now: str, kind: str = "notes") -> Row:
    """Return a note; `kind` tells the hotel's own from the guest's, and is not shown."""
    return {"id": ids.next("note"), "text": text, "user": "Front Desk", "kind": kind, "_created": now, "_modified": now}


def dates_of(booking: Row) -> tuple[str, str]:
    """Return first check-in and last check-out of the lines that live, or of all where none does."""
    lines = [one for one in booking["lines"] if one["roomStatus"] != "cancelled"] or booking["lines"]
    if not lines:
        return "", ""
    return min(one["startDate"] for one in lines), max(one["endDate"] for one in lines)


def sums(booking: Row) -> dict[str, Decimal]:
    """Return what the balance consists of: grand total = room prices + items + taxes on top."""
    rooms = sum((price for one in booking["lines"] for price in one["rates"].values()), Decimal())
    items = sum((one["amount"] for one in booking["items"]), Decimal())
    paid = sum((one["amount"] for one in booking["payments"]), Decimal())
    return {
        "subTotal": rooms,
        "additionalItems": items,
        "taxesFees": booking["taxes"],
        "grandTotal": rooms + items + booking["taxes"],
        "paid": paid,
    }


def taxed(home: Place, booking: Row) -> Row:
    """Return the booking with the taxes that its room prices cause, where the property adds them on top."""
    rooms = sums(booking)["subTotal"]
    return {**booking, "taxes": (rooms * home.site.tax).quantize(home.quantum)}


def shares(total: Decimal, count: int, quantum: Decimal) -> list[Decimal]:
    """Split a total into so many parts, exact to the minor unit, the surplus units first."""
    share, over = divmod(int(total / quantum), count)
    return [(share + (index < over)) * quantum for index in range(count)]


def priced(room_line: Row, prices: Mapping[str, Decimal]) -> Row:
    """Return the line with these prices night by night."""
    return {**room_line, "rates": dict(sorted(prices.items()))}


def split(room_line: Row, total: Decimal, quantum: Decimal) -> Row:
    """Return the line with a total spread over its nights; a line without a night costs nothing."""
    days = days_of(room_line)
    parts = shares(total, len(days), quantum) if days else []
    return priced(room_line, dict(zip(days, parts, strict=True)))


def followed(room_line: Row, usual: Decimal) -> Row:
    """Return the line with prices for just its nights; a new night costs as the first one, or the usual price."""
    known: Mapping[str, Decimal] = room_line["rates"]
    fresh = next(iter(known.values()), usual)
    return priced(room_line, {day: known.get(day, fresh) for day in days_of(room_line)})


def days_of(room_line: Row) -> list[str]:
    """Return the nights of a line."""
    first, last = (date.fromisoformat(room_line[name]) for name in ("startDate", "endDate"))
    return [day.isoformat() for day in nights(first, last)]


def derived_status(status: str, lines: Iterable[Row]) -> str:
    """Return the top-level status after rooms changed theirs: checked out by itself when all rooms are (7)."""
    states = {one["roomStatus"] for one in lines} - {"cancelled"}
    return "checked_out" if states == {"checked_out"} else status
