"""Seeding the hotel: a repeatable world of bookings around the simulated today, without double-booked units."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from connectors.beds24.simulator.hotel import Booking, Hotel, Property, RoomType
from connectors.beds24.simulator.rows import OTAS, Slip, blank, charge, number, origin, payment
from connectors.kit.simulator.clock import stamp
from connectors.kit.simulator.contract import ResetOrder, Row

FIRST_PROPERTY = 7
FIRST_ROOM = 55
ZONE = "Europe/Madrid"
"""One account has one time zone (vendors/beds24.md 11), so every property shares it."""

_ROOMS_APART = 1000
_FIRST_UNITS, _MORE_UNITS = 3, 5
_SMALL_PAST = 0.3
_AVERAGE_NIGHTS = 2.9
# The first dozen shows every kind once; later ones are drawn from the same urn.
_OPENING = ("confirmed", "new", "cancelled", "request", "black", "inquiry", "group")
_URN = ("confirmed",) * 9 + ("new",) * 4 + ("cancelled", "cancelled", "request", "black", "inquiry", "group")
_NAMES = (("Hotel Prado", "EUR"), ("Hotel Retiro", "EUR"), ("Harbour House", "GBP"), ("Garden Inn", "JPY"))
_COUNTRIES = (("es", "ES", "es"), ("de", "DE", "de"), ("fr", "FR", "fr"), ("gb", "GB", "en"), ("", None, ""))
_NO_MINOR_UNITS = frozenset({"JPY"})


@dataclass
class Counters:
    """Where the vendor's numbers stand; they only grow."""

    booking: int = 1000
    line: int = 500_000
    info: int = 800_000
    message: int = 900_000
    guest: int = 300_000

    def next(self, kind: str) -> int:
        """Return the next number of a kind."""
        value = int(getattr(self, kind)) + 1
        setattr(self, kind, value)
        return value


@dataclass
class _Unit:
    room: RoomType
    number: int
    free_from: date


@dataclass
class _Seeder:
    hotel: Hotel
    dice: random.Random
    counters: Counters
    today: date
    kinds: Iterator[str]
    units: list[_Unit] = field(default_factory=list)

    def property(self, place: Property, count: int) -> None:
        """Fill one property with `count` bookings."""
        total = sum(kind.qty for kind in place.room_types)
        if total == 0:
            return
        start = self.today - timedelta(days=int(_SMALL_PAST * count / total * _AVERAGE_NIGHTS) + 3)
        numbered = ((kind, unit) for kind in place.room_types for unit in range(1, kind.qty + 1))
        self.units = [_Unit(kind, unit, start + timedelta(days=self.dice.randrange(3))) for kind, unit in numbered]
        made = 0
        while made < count:
            made += self._reservation(place, count - made, made)

    def _reservation(self, place: Property, left: int, made: int) -> int:
        kind = next(self.kinds)
        size = min(self.dice.choice((2, 2, 3)), left, len(self.units)) if kind == "group" else 1
        first = made % len(self.units)
        chosen = [self.units[(first + step) % len(self.units)] for step in range(size)]
        arrival = max(unit.free_from for unit in chosen)
        nights = self.dice.choice((1, 2, 2, 3, 3, 4, 5))
        shared = self._shared("new" if kind == "group" else kind)
        master: int | None = None
        for unit in chosen:
            dates = (arrival, arrival + timedelta(days=nights))
            booking = self._booking(place, unit, dates, {**shared, "masterId": master})
            master = master or booking.id
            unit.free_from = arrival + timedelta(days=nights + self.dice.choice((0, 0, 1)))
            self.hotel.put(booking)
        return size

    def _shared(self, status: str) -> Row:
        midnight = datetime.combine(self.today, time(), UTC)
        made = midnight - timedelta(seconds=self.dice.randrange(3600, 60 * 86400))
        touched = made + timedelta(seconds=int(self.dice.random() ** 3 * (midnight - made).total_seconds()))
        number_ = self.counters.booking + 1
        shared: Row = {"status": status, "bookingTime": stamp(made), "modifiedTime": stamp(touched)}
        if status == "black":
            return {**shared, "lastName": "", "notes": "Owner's block"}
        country, country2, lang = self.dice.choice(_COUNTRIES)
        ota = self._happens(0.6) and status in {"new", "confirmed", "cancelled"}
        channel = self.dice.choice(OTAS) if ota else self.dice.choice(("direct", "bookingpage"))
        reference = f"{channel[:2].upper()}{self.dice.randrange(10**9, 10**10)}" if ota else ""
        return {
            **shared,
            **origin(channel, reference),
            "firstName": "Guest",
            "lastName": f"Number {number_}",
            "email": f"guest{number_}@example.com",
            "phone": f"+34 600 {number_ % 1000:03d} {self.dice.randrange(1000):03d}" if self._happens(0.8) else "",
            "country": country,
            "country2": country2,
            "lang": lang,
            "comments": "Late arrival, please." if self._happens(0.2) else "",
            "notes": "Quiet room." if self._happens(0.2) else "",
            "cancelTime": stamp(touched) if status == "cancelled" else None,
            "numAdult": self.dice.choice((1, 2, 2, 2, 3)),
            "numChild": self.dice.choice((0, 0, 0, 1)),
        }

    def _booking(self, place: Property, unit: _Unit, dates: tuple[date, date], shared: Row) -> Booking:
        booking_id = self.counters.next("booking")
        row = {**blank(booking_id, shared["bookingTime"]), **shared}
        nights = (dates[1] - dates[0]).days
        fields: Row = {
            "propertyId": place.id,
            "roomId": unit.room.id,
            "unitId": unit.number,
            "arrival": dates[0].isoformat(),
            "departure": dates[1].isoformat(),
            "price": 0 if row["status"] == "black" else self._price(place.currency, nights),
        }
        booking = Booking(row).changed(fields)
        return booking if row["status"] in {"black", "inquiry"} else self._adorned(booking)

    def _price(self, currency: str, nights: int) -> float:
        cents = self.dice.randrange(7000, 16000) * nights
        return number(cents if currency in _NO_MINOR_UNITS else round(cents / 100, 2))

    def _adorned(self, booking: Booking) -> Booking:
        """Give a stay its invoice lines and, for an OTA, its information items and messages."""
        row, key, at = booking.row, booking.id, str(booking.row["bookingTime"])
        ota = row["channel"] in OTAS
        if row["status"] == "cancelled" and row["channel"] == "booking":
            # Bookings cancelled at Booking.com arrive with price and commission 0 (vendors/beds24.md 14).
            fee = charge(self._slip(key, at), "Cancel Fee", 0, 8)
            return Booking({**row, "price": 0, "commission": 0}, [fee])
        lines = [charge(self._slip(key, at), "Room", row["price"], 8 if ota else 1)]
        if self._happens(0.4):
            lines.append(payment(self._slip(key, at), "Deposit", max(1, int(row["price"]) // 2)))
        infos = [self._info(key, at)] if row["channel"] == "booking" else []
        messages = [self._message(key, at)] if ota and self._happens(0.3) else []
        return Booking(row, lines, infos, [], messages)

    def _slip(self, booking_id: int, at: str) -> Slip:
        return Slip(self.counters.next("line"), booking_id, at)

    def _happens(self, share: float) -> bool:
        return self.dice.random() < share

    def _info(self, booking_id: int, at: str) -> Row:
        text = "booker is genius"
        number_ = self.counters.next("info")
        return {"id": number_, "bookingId": booking_id, "code": "BOOKINGCOMFLAG", "text": text, "createTime": at}

    def _message(self, booking_id: int, at: str) -> Row:
        return {
            "id": self.counters.next("message"),
            "authorOwnerId": None,
            "bookingId": booking_id,
            "time": at,
            "read": False,
            "message": "Is there a lift????",
            "source": "guest",
        }


def _types(property_id: int, first_room: int, units: int) -> list[RoomType]:
    kinds = [RoomType(first_room, property_id, "Double", min(units, _FIRST_UNITS))]
    left = units - _FIRST_UNITS
    while left > 0:
        room_id = first_room + len(kinds)
        kinds.append(RoomType(room_id, property_id, f"Type {room_id}", min(left, _MORE_UNITS)))
        left -= _MORE_UNITS
    return kinds


def _kinds(dice: random.Random) -> Iterator[str]:
    yield from _OPENING
    while True:
        yield dice.choice(_URN)


def seed_hotel(order: ResetOrder, seed: int, now: datetime) -> tuple[Hotel, Counters]:
    """Build the world of one seed; the same seed on the same UTC day gives the same world."""
    hotel, counters, dice = Hotel(), Counters(), random.Random(seed)  # noqa: S311 - repeatable on purpose
    hotel.begin(datetime.min.replace(tzinfo=UTC))
    seeder = _Seeder(hotel, dice, counters, now.date(), _kinds(dice))
    for index in range(order.hotels):
        name, currency = _NAMES[index % len(_NAMES)]
        title = name if index < len(_NAMES) else f"{name} {index // len(_NAMES) + 1}"
        place = Property(FIRST_PROPERTY + index, title, ZONE, currency)
        place.room_types = _types(place.id, FIRST_ROOM + index * _ROOMS_APART, order.rooms) if order.rooms > 0 else []
        hotel.properties[place.id] = place
        share, rest = divmod(order.reservations, order.hotels)
        seeder.property(place, share + (index < rest))
    return hotel, counters
