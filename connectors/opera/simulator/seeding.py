"""Seeding the chain: a repeatable world of reservations around the business date, without double-booked rooms."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from connectors.kit.simulator.contract import ResetOrder, Row
from connectors.opera.simulator import states
from connectors.opera.simulator.hotel import Hotel
from connectors.opera.simulator.people import blank_profile
from connectors.opera.simulator.rows import (
    CHANNEL_CODES,
    OUT_OF_SERVICE,
    Counters,
    blank,
    cancelled,
    comment,
    reference,
    repair,
    source,
)
from connectors.opera.simulator.site import RATE_PLANS, Place, RoomType
from connectors.opera.simulator.times import written

_DAY = timedelta(days=1)
_PLACES = (
    ("PRADO", "Hotel Prado", "Europe/Madrid", "EUR"),
    ("RETIRO", "Hotel Retiro", "Europe/Madrid", "EUR"),
    ("HARBOUR", "Harbour House", "Europe/London", "GBP"),
    ("GARDEN", "Garden Inn", "Asia/Tokyo", "JPY"),
)
_TYPES = (("DBL", "Double"), ("SGL", "Single"), ("TWN", "Twin"), ("STE", "Suite"), ("FAM", "Family"))
_FIRST_ROOMS, _MORE_ROOMS = 3, 5
_SMALL_PAST, _AVERAGE_NIGHTS = 0.3, 2.9
# The first dozen shows every kind once; later ones are drawn from the same urn.
_OPENING = ("stay", "stay", "cancelled", "stay", "waitlist", "repair", "stay", "request", "service", "noshow")
_URN = ("stay",) * 22 + ("cancelled", "cancelled", "request", "waitlist", "repair", "service", "noshow")
_OTAS = ("booking_com", "expedia", "airbnb", "agoda", "vrbo", "other")
_COUNTRIES = (("ES", "es"), ("DE", "de"), ("FR", "fr"), ("GB", "en"), (None, None))
_NO_MINOR_UNITS = frozenset({"JPY"})
_KINDS = {"cancelled": states.CANCELLED, "request": states.REQUESTED, "waitlist": states.WAITLISTED}


@dataclass
class _Room:
    number: str
    kind: RoomType
    free_from: date


@dataclass
class _Seeder:
    hotel: Hotel
    dice: random.Random
    counters: Counters
    now: datetime
    kinds: Iterator[str]
    rooms: list[_Room] = field(default_factory=list)

    def place(self, place: Place, count: int) -> None:
        """Fill one hotel with `count` reservations and blocks."""
        found = place.rooms()
        if not found:
            return
        today = place.business_date(self.now)
        start = today - timedelta(days=int(_SMALL_PAST * count / len(found) * _AVERAGE_NIGHTS) + 3)
        self.rooms = [_Room(room, kind, start + timedelta(days=self.dice.randrange(3))) for room, kind in found]
        for made in range(count):
            room = self.rooms[made % len(self.rooms)]
            arrival = room.free_from
            nights = self.dice.choice((1, 2, 2, 3, 3, 4, 5))
            room.free_from = arrival + timedelta(days=nights + self.dice.choice((0, 0, 1)))
            self._entry(place, room, (arrival, arrival + timedelta(days=nights)), today)

    def _entry(self, place: Place, room: _Room, ends: tuple[date, date], today: date) -> None:
        kind = next(self.kinds)
        if kind in {"repair", "service"}:
            row = repair(self.counters, place, room.number, *(one.isoformat() for one in (ends[0], ends[1] - _DAY)))
            self.hotel.repairs.put(row | ({"housekeepingRoomStatus": OUT_OF_SERVICE} if kind == "service" else {}))
            return
        status = _status(kind, ends, today)
        row = self._booked(place, today) | self._money(place, ends)
        row |= {"arrivalDate": ends[0].isoformat(), "departureDate": ends[1].isoformat()}
        row |= {"reservationStatus": status, "roomType": room.kind.code, "roomTypeCharged": room.kind.code}
        assigned = status in {states.IN_HOUSE, states.CHECKED_OUT} or (status == states.RESERVED and self._happens(0.6))
        if assigned:
            row["roomId"] = room.number
        if status == states.CANCELLED:
            row |= cancelled(self.counters, min(today, ends[0]).isoformat())
        if status == states.CHECKED_OUT:
            row["folioClosedOn"] = row["departureDate"]
        self.hotel.reservations.put(row)

    def _booked(self, place: Place, today: date) -> Row:
        """Return a reservation with its guest, made within the last two months."""
        midnight = datetime.combine(self.now.date(), time(), UTC)
        made = midnight - timedelta(seconds=self.dice.randrange(3600, 60 * 86400))
        touched = made + timedelta(seconds=int(self.dice.random() ** 3 * (midnight - made).total_seconds()))
        created = min(today, made.date())
        row = blank(place, self.counters, written(made, place.zone), created.isoformat())
        row |= {"lastModifyDateTime": written(touched, place.zone)}
        channel = self.dice.choice(_OTAS) if self._happens(0.6) else self.dice.choice(("direct", "booking_page"))
        row |= source(place, channel)
        if channel in _OTAS:
            letters = CHANNEL_CODES[channel][:2]
            row["externalReferences"] = reference(row, f"{letters}{self.dice.randrange(10**9, 10**10)}")
        row |= {"adults": self.dice.choice((1, 2, 2, 2, 3)), "children": self.dice.choice((0, 0, 0, 1))}
        row["guests"] = [self._guest(row) for _ in range(2 if self._happens(0.2) else 1)]
        if self._happens(0.3):
            text = self.dice.choice(("Quiet room.", "Late arrival, please."))
            row["comments"] = [comment(self.counters, text, row["createDateTime"], internal=self._happens(0.5))]
        return row

    def _guest(self, row: Row) -> str:
        number = self.counters.next("profile")
        country, language = self.dice.choice(_COUNTRIES)
        phone = f"+34 600 {int(number) % 1000:03d} {self.dice.randrange(1000):03d}" if self._happens(0.8) else None
        profile = blank_profile(number, row["createDateTime"]) | {
            "givenName": "Guest",
            "surname": f"Number {number}",
            "email": f"guest{number}@example.com",
            "phone": phone,
            "country": country,
            "language": language,
        }
        self.hotel.profiles.put(profile)
        return number

    def _money(self, place: Place, ends: tuple[date, date]) -> Row:
        """Return a rate plan, and one price per night; on some stays the price changes half way."""
        plan = self.dice.choice(RATE_PLANS)
        nights = (ends[1] - ends[0]).days
        cents = self.dice.randrange(7000, 16000)
        change = self.dice.choice((0, 0, 1550))
        prices = [cents + (change if night >= nights // 2 else 0) for night in range(nights)]
        whole = place.currency in _NO_MINOR_UNITS
        texts = [str(price) if whole else f"{price / 100:.2f}" for price in prices]
        return {"ratePlanCode": plan.code, "marketCode": plan.market, "prices": texts}

    def _happens(self, share: float) -> bool:
        return self.dice.random() < share


def _status(kind: str, ends: tuple[date, date], today: date) -> str:
    if kind in _KINDS:
        return _KINDS[kind]
    if kind == "noshow" and ends[0] < today:
        return states.NO_SHOW
    if ends[1] <= today:
        return states.CHECKED_OUT
    return states.IN_HOUSE if ends[0] < today else states.RESERVED


def _types(rooms: int) -> tuple[RoomType, ...]:
    """Return room types that hold so many rooms, numbered floor by floor."""
    kinds: list[RoomType] = []
    left, size = rooms, _FIRST_ROOMS
    while left > 0:
        code, name = _TYPES[len(kinds) % len(_TYPES)]
        turn = len(kinds) // len(_TYPES)
        floor = len(kinds) + 1
        numbers = tuple(f"{floor}{index:02d}" for index in range(1, min(size, left) + 1))
        suffix = str(turn + 1) if turn else ""
        kinds.append(RoomType(f"{code}{suffix}", name, "SUP" if name == "Suite" else "STD", numbers))
        left, size = left - size, _MORE_ROOMS
    return tuple(kinds)


def _kinds(dice: random.Random) -> Iterator[str]:
    yield from _OPENING
    while True:
        yield dice.choice(_URN)


def seed_hotel(order: ResetOrder, seed: int, now: datetime) -> tuple[Hotel, Counters]:
    """Build the world of one seed; the same seed on the same day gives the same world."""
    hotel, counters, dice = Hotel(), Counters(), random.Random(seed)  # noqa: S311 - repeatable on purpose
    hotel.begin(datetime.min.replace(tzinfo=UTC))
    seeder = _Seeder(hotel, dice, counters, now, _kinds(dice))
    share, rest = divmod(order.reservations, max(order.hotels, 1))
    for index in range(order.hotels):
        code, name, zone, currency = _PLACES[index % len(_PLACES)]
        again = index // len(_PLACES)
        place = Place(f"{code}{again + 1}" if again else code, name, zone, currency, _types(order.rooms))
        hotel.places[place.code] = place
        seeder.place(place, share + (index < rest))
    return hotel, counters
