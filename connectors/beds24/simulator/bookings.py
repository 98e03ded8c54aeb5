"""GET /bookings: filters, the defaults that bite, paging and what a row shows (vendors/beds24.md 5 and 6)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from connectors.beds24.simulator.auth import Access
from connectors.beds24.simulator.hotel import Booking, Hotel
from connectors.beds24.simulator.query import Ask, Parameter
from connectors.beds24.simulator.rows import CHANNEL_FILTER, FINANCIAL, PERSONAL, STATUSES
from connectors.kit.simulator.clock import stamp
from connectors.kit.simulator.contract import Row

Test = Callable[[Row], bool]

PARAMETERS = {
    "filter": Parameter("enum", allowed=("arrivals", "departures", "new", "current")),
    "propertyId": Parameter("int", many=True),
    "roomId": Parameter("int", many=True),
    "id": Parameter("int", many=True),
    "masterId": Parameter("int", many=True),
    "apiReference": Parameter("text", many=True),
    "channel": Parameter("enum", allowed=CHANNEL_FILTER),
    **dict.fromkeys(("arrival", "arrivalFrom", "arrivalTo"), Parameter("date")),
    **dict.fromkeys(("departure", "departureFrom", "departureTo"), Parameter("date")),
    **dict.fromkeys(("bookingTimeFrom", "bookingTimeTo", "modifiedFrom", "modifiedTo"), Parameter("instant")),
    "searchString": Parameter("text"),
    **dict.fromkeys(("includeInvoiceItems", "includeInfoItems"), Parameter("bool")),
    **dict.fromkeys(("includeGuests", "includeBookingGroup"), Parameter("bool")),
    "status": Parameter("enum", many=True, allowed=STATUSES),
    "page": Parameter("int"),
}

_ONE_OF = ("propertyId", "roomId", "id", "masterId", "apiReference", "status")
_BOUNDS = {
    "arrivalFrom": ("arrival", False),
    "arrivalTo": ("arrival", True),
    "departureFrom": ("departure", False),
    "departureTo": ("departure", True),
    "bookingTimeFrom": ("bookingTime", False),
    "bookingTimeTo": ("bookingTime", True),
    "modifiedFrom": ("modifiedTime", False),
    "modifiedTo": ("modifiedTime", True),
}
_EQUAL = ("arrival", "departure", "channel")
_DATE_FILTERS = frozenset({"filter", "arrival", "departure", *_BOUNDS})
_SEARCHED = ("firstName", "lastName", "email", "apiReference", "id")
_ALL_BUT_CANCELLED = frozenset(STATUSES) - {"cancelled"}
_FILTER_STATUSES = frozenset({"confirmed", "new", "request"})


def _bound(column: str, limit: str, *, upper: bool) -> Test:
    # Both ends count as inside; the vendor only says "after" and "before" (vendors/beds24.md 5.2).
    return (lambda row: str(row[column]) <= limit) if upper else (lambda row: str(row[column]) >= limit)


def _among(column: str, wanted: Iterable[object]) -> Test:
    allowed = frozenset(wanted)
    return lambda row: isinstance(row[column], Hashable) and row[column] in allowed


def _same(column: str, wanted: object) -> Test:
    return lambda row: row[column] == wanted


def _search(text: str) -> Test:
    sought = text.casefold()

    def found(row: Row) -> bool:
        texts = [str(row[column]) for column in _SEARCHED]
        return any(sought in one.casefold() for one in (*texts, f"{row['firstName']} {row['lastName']}"))

    return found


def _by_filter(word: str, today: str, now: datetime) -> Test:
    yesterday = stamp(now - timedelta(hours=24))
    tests: dict[str, Test] = {
        "arrivals": lambda row: row["arrival"] == today,
        "departures": lambda row: row["departure"] == today,
        "new": lambda row: row["bookingTime"] >= yesterday,
        "current": lambda row: str(row["arrival"]) <= today <= str(row["departure"]),
    }
    return tests[word]


def tests_of(ask: Ask, zone: str, now: datetime) -> list[Test]:
    """Turn the understood parameters into tests, the vendor's defaults included (5.1)."""
    today = now.astimezone(ZoneInfo(zone)).date().isoformat()
    tests = [_among(name, ask[name]) for name in _ONE_OF if name in ask]
    tests += [_same(name, ask[name]) for name in _EQUAL if name in ask]
    bounds = ((ask[name], *rule) for name, rule in _BOUNDS.items() if name in ask)
    tests += [_bound(column, limit, upper=upper) for limit, column, upper in bounds]
    if "filter" in ask:
        tests.append(_by_filter(ask["filter"], today, now))
    if "searchString" in ask:
        tests.append(_search(ask["searchString"]))
    return tests + _defaults(ask, today)


def _defaults(ask: Ask, today: str) -> list[Test]:
    if "id" in ask:
        return []
    tests: list[Test] = []
    if "status" not in ask:
        tests.append(_among("status", _FILTER_STATUSES if "filter" in ask else _ALL_BUT_CANCELLED))
    if not _DATE_FILTERS & ask.keys():
        tests.append(_bound("departure", today, upper=False))
    return tests


def _candidates(hotel: Hotel, ask: Ask, revision: int | None) -> Iterable[Booking]:
    if revision is not None:
        return hotel.as_of(revision)
    if "id" in ask:
        ids = sorted(set(ask["id"]), reverse=True)
        return [hotel.bookings[one] for one in ids if one in hotel.bookings]
    if "modifiedFrom" in ask or "modifiedTo" in ask:
        return hotel.modified_between(ask.get("modifiedFrom"), ask.get("modifiedTo"))
    return hotel.newest_first()


def select(hotel: Hotel, ask: Ask, zone: str, now: datetime, revision: int | None = None) -> list[Booking]:
    """Return the bookings that a read shows, in descending id; `revision` asks for an older state of the hotel."""
    tests = tests_of(ask, zone, now)
    found = _candidates(hotel, ask, revision)
    return [booking for booking in found if all(test(booking.row) for test in tests)]


def shown(hotel: Hotel, booking: Booking, ask: Ask, access: Access) -> Row:
    """Write one row for the wire: only the included parts, only what the scopes open."""
    row = dict(booking.row)
    forced = row.pop("bookingGroup", None)
    if ask.get("includeBookingGroup"):
        row["bookingGroup"] = forced or hotel.group(booking)
    if ask.get("includeInvoiceItems"):
        row["invoiceItems"] = booking.invoice_items
    if ask.get("includeInfoItems"):
        row["infoItems"] = booking.info_items
    if ask.get("includeGuests"):
        row["guests"] = booking.guests
    return within_scopes(row, access)


def within_scopes(row: Row, access: Access) -> Row:
    """Leave out what the token may not see (2.3)."""
    hidden: set[str] = set()
    hidden |= set() if access.may("read:bookings-personal") else PERSONAL
    hidden |= set() if access.may("read:bookings-financial") else FINANCIAL
    return {name: value for name, value in row.items() if name not in hidden} if hidden else row
