"""The hotel that is measured: bookings as the vendor sends them, made by its simulator, the same every time."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from connectors.beds24.simulator import hooks
from connectors.beds24.simulator.auth import Access
from connectors.beds24.simulator.bookings import shown
from connectors.beds24.simulator.hotel import Booking, Property
from connectors.beds24.simulator.rows import number
from connectors.beds24.simulator.seeding import FIRST_PROPERTY, ZONE, seed_hotel
from connectors.kit.simulator.clock import stamp
from connectors.kit.simulator.contract import ResetOrder, Row
from pms_sync.store.hotels import AccountFacts, PropertyFacts, RoomTypeFacts

PROPERTY_REF, TIMEZONE = str(FIRST_PROPERTY), ZONE
MIDDAY = datetime(2026, 5, 1, 12, tzinfo=UTC)
_STAYS_PER_ROOM = 320  # three years of a hotel that is nearly always full
_EVERYTHING = dict.fromkeys(("includeInvoiceItems", "includeInfoItems", "includeGuests", "includeBookingGroup"), True)
_SCOPES = ("read:bookings", "read:bookings-personal", "read:bookings-financial")
_ACCESS = Access(refresh="", scopes=_SCOPES, device="", made=MIDDAY, until=MIDDAY)


class Sample:
    """One property's bookings in the order of their arrival."""

    def __init__(self, reservations: int, seed: int = 1) -> None:
        """Make so many bookings; rooms follow from their number, since each is sold to one guest a night."""
        order = ResetOrder(seed=seed, rooms=max(3, -(-reservations // _STAYS_PER_ROOM)), reservations=reservations)
        self._hotel, _ = seed_hotel(order, seed, MIDDAY)
        found = sorted(self._hotel.bookings.values(), key=lambda one: (one.row["arrival"], one.id))
        self._arrivals = [str(one.row["arrival"]) for one in found]
        self._bookings = found
        self._rows = [msgspec.json.encode(shown(self._hotel, one, _EVERYTHING, _ACCESS)) for one in found]

    def __len__(self) -> int:
        """Return the number of bookings."""
        return len(self._rows)

    @property
    def rows(self) -> Sequence[bytes]:
        """Return each booking as it stands in a page."""
        return self._rows

    @property
    def refs(self) -> list[str]:
        """Return the booking ids, in the order of the rows."""
        return [str(one.id) for one in self._bookings]

    def arriving(self, start: datetime, end: datetime) -> Sequence[bytes]:
        """Return the rows that arrive in `[start, end)`."""
        first, last = (bisect_left(self._arrivals, moment.date().isoformat()) for moment in (start, end))
        return self._rows[first:last]

    def changed(self, minutes: int) -> list[bytes]:
        """Return every row as it is `minutes` later: another price and note, and so another version."""
        later = stamp(MIDDAY + timedelta(minutes=minutes))
        return [self._changed(one, later, minutes) for one in self._bookings]

    def deliveries(self, number: int) -> list[bytes]:
        """Return webhook bodies of the first bookings."""
        place = self._hotel.properties[FIRST_PROPERTY]
        return [
            msgspec.json.encode(hooks.body(self._hotel, one, place, stamp(MIDDAY), 0))
            for one in self._bookings[:number]
        ]

    def property_facts(self, code: str) -> PropertyFacts:
        """Describe the property as a hotel file would."""
        types = tuple(
            RoomTypeFacts(code=_type_code(kind.id), rooms=tuple(_room_code(kind.id, n) for n in _numbers(kind.qty)))
            for kind in self._place().room_types
        )
        return PropertyFacts(code=code, name=code, timezone=TIMEZONE, currency="EUR", room_types=types)

    def account_facts(self) -> AccountFacts:
        """Describe the account, with every type and unit mapped."""
        kinds = self._place().room_types
        rooms = {f"{kind.id}/{n}": _room_code(kind.id, n) for kind in kinds for n in _numbers(kind.qty)}
        types = {str(kind.id): _type_code(kind.id) for kind in kinds}
        return AccountFacts(
            vendor="beds24",
            role="channel_manager",
            property_ref=PROPERTY_REF,
            crosswalk={"room_type": types, "room": rooms},
        )

    def _place(self) -> Property:
        return self._hotel.properties[FIRST_PROPERTY]

    def _changed(self, booking: Booking, later: str, minutes: int) -> bytes:
        price = booking.row["price"]
        told: Row = {"modifiedTime": later, "notes": f"Changed {minutes} minutes later."}
        told |= {"numAdult": booking.row["numAdult"] + 1}
        told |= {"price": number(round(price + minutes, 2))} if price else {}
        return msgspec.json.encode(shown(self._hotel, booking.changed(told), _EVERYTHING, _ACCESS))


def as_page(rows: Sequence[bytes], *, more: bool) -> bytes:
    """Write rows as the vendor's answer."""
    head = b'{"success":true,"type":"booking","count":%d,"pages":{"nextPageExists":%s},"data":['
    return head % (len(rows), b"true" if more else b"false") + b",".join(rows) + b"]}"


def _numbers(units: int) -> range:
    return range(1, units + 1)


def _type_code(kind: int) -> str:
    return f"T{kind}"


def _room_code(kind: int, number: int) -> str:
    return f"{kind}-{number}"
