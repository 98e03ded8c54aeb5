"""Seeding the hotels: a repeatable world of bookings around the simulated today, without double-booked rooms."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from connectors.cloudbeds.simulator import bookings, ledger, times
from connectors.cloudbeds.simulator.holds import block, furnished
from connectors.cloudbeds.simulator.hotel import Hotel
from connectors.cloudbeds.simulator.ids import Ids
from connectors.cloudbeds.simulator.site import SOURCES, Place, Room, RoomType, place
from connectors.cloudbeds.simulator.states import living
from connectors.kit.simulator.clock import stamp
from connectors.kit.simulator.contract import ResetOrder, Row

_SMALL_PAST = 0.3
_AVERAGE_NIGHTS = 2.9
# The first dozen shows most kinds; later ones are drawn from the same urn.
_OPENING = "stay no_show canceled stay group blocked_dates not_confirmed split unassigned stay out_of_service".split()
_URN = (
    *("stay",) * 28,
    *("canceled",) * 4,
    *"no_show group not_confirmed unassigned out_of_service blocked_dates split".split() * 2,
    "courtesy_hold",
)
_BLOCKS = {
    "blocked_dates": "Owner's family",
    "out_of_service": "Leaking tap",
    "courtesy_hold": "Wedding enquiry",
}
_COUNTRIES = ("ES", "DE", "FR", "GB", "US", "")


@dataclass
class _Bed:
    kind: RoomType
    room: Room
    free_from: date


@dataclass
class Seeder:
    """Fills one property; the dice and identifiers are shared by all."""

    hotel: Hotel
    home: Place
    dice: random.Random
    ids: Ids
    now: datetime
    kinds: Iterator[str]
    beds: list[_Bed] = field(default_factory=list)

    @property
    def _today(self) -> date:
        return times.today(self.now, self.home.zone)

    @property
    def _midnight(self) -> datetime:
        return times.at(self._today, time(), self.home.zone)

    def fill(self, count: int) -> None:
        """Make `count` reservations and blocks; virtual rooms are left empty, as they draw on the others."""
        real = [(kind, room) for kind in self.home.kinds if not kind.virtual for room in kind.rooms]
        if not real:
            return
        start = self._today - timedelta(days=int(_SMALL_PAST * count / len(real) * _AVERAGE_NIGHTS) + 3)
        self.beds = [_Bed(kind, room, start + timedelta(days=self.dice.randrange(3))) for kind, room in real]
        made = 0
        while made < count:
            self._next(made)
            made += 1

    def _next(self, made: int) -> None:
        kind = next(self.kinds)
        size = min(self.dice.choice((2, 2, 3)), len(self.beds)) if kind == "group" else 1
        chosen = [self.beds[(made + step) % len(self.beds)] for step in range(size)]
        arrival = max(bed.free_from for bed in chosen)
        departure = arrival + timedelta(days=self.dice.choice((2, 2, 3)) if kind == "split" else self._length())
        if kind in _BLOCKS:
            self._block(chosen[0], arrival, departure, kind)
        else:
            self._booking(chosen, arrival, departure, kind)
        for bed in chosen:
            bed.free_from = departure + timedelta(days=self.dice.choice((0, 0, 1)))

    def _length(self) -> int:
        return self.dice.choice((1, 2, 2, 3, 3, 4, 5))

    def _block(self, bed: _Bed, arrival: date, departure: date, kind: str) -> None:
        made = stamp(min(self.now, self._midnight) - timedelta(days=self.dice.randrange(1, 20)))
        last = departure - timedelta(days=1)
        row = block(self.home, self.ids, [bed.room.id], made, roomBlockType=kind, roomBlockReason=_BLOCKS[kind])
        dates = {"startDate": arrival.isoformat(), "endDate": last.isoformat()}
        self.hotel["blocks"].put(row["roomBlockID"], {**row, **dates})

    def _booking(self, chosen: list[_Bed], arrival: date, departure: date, kind: str) -> None:
        latest = min(self._midnight, times.at(arrival, time(), self.home.zone))
        made = latest - timedelta(seconds=self.dice.randrange(3600, 60 * 86400))
        touched = made + (latest - made) * self.dice.random() ** 3
        booking = bookings.reservation(
            self.home, self.ids, stamp(made), _modified=stamp(touched), **self._origin(), **self._extras(stamp(made))
        )
        booking = self._peopled(booking, stamp(made))
        for bed in chosen:
            booking = self._lined(booking, bed, (arrival, departure), kind)
        booking = self._lived(bookings.taxed(self.home, booking), arrival, departure, kind)
        for entry in ledger.posted(self.home, None, booking, stamp(made)):
            self.hotel["transactions"].put(entry["id"], entry)
        self.hotel["reservations"].put(booking["reservationID"], booking)

    def _origin(self) -> Row:
        sold = self._happens(0.55)
        source = self.dice.choice([one for one in SOURCES if one.third_party is sold])
        if not sold:
            return {"sourceID": source.id, "origin": source.name}
        number = f"{source.name[:2].upper()}{self.dice.randrange(10**9, 10**10)}"
        card = {"cardID": number[2:], "cardNumber": "4242", "cardType": "visa"}
        cards = [card] if self._happens(0.5) else []
        return {"sourceID": source.id, "origin": source.name, "thirdPartyIdentifier": number, "cardsOnFile": cards}

    def _extras(self, now: str) -> Row:
        told: Row = {}
        if self._happens(0.3):
            told["notes"] = [bookings.note(self.ids, "Quiet room.", now)]
        if self._happens(0.3):
            told["estimatedArrivalTime"] = self.dice.choice(("16:30:00", "22:15:00"))
        if self._happens(0.25):
            told["items"] = [bookings.item(self.ids, "Breakfast", self._round(30), now)]
        if self._happens(0.35):
            told["payments"] = [bookings.payment(self.ids, "cash", self._round(50), now)]
        return told

    def _peopled(self, booking: Row, now: str) -> Row:
        """Give the booking its main guest, and sometimes a companion, whose id may be the lower one."""
        names = ["main", "friend"] if self._happens(0.3) else ["main"]
        if self._happens(0.5):
            names.reverse()
        made = {name: self._guest(now)["guestID"] for name in names}
        return {**booking, "guests": list(made.values()), "mainGuest": made["main"]}

    def _guest(self, now: str) -> Row:
        row = bookings.guest(self.home, self.ids, now)
        number = row["guestID"][-4:]
        row |= {
            "guestFirstName": "Guest",
            "guestLastName": f"Number {number}",
            "guestEmail": f"seed{number}@guests.example",
            "guestPhone": f"+34 600 {self.dice.randrange(1000):03d} {number[:3]}" if self._happens(0.8) else "",
            "guestCountry": self.dice.choice(_COUNTRIES),
            "guestGender": self.dice.choice(("M", "F", "N/A")),
        }
        return self.hotel["guests"].put(row["guestID"], row)

    def _lined(self, booking: Row, bed: _Bed, dates: tuple[date, date], kind: str) -> Row:
        arrival, departure = dates
        middle = arrival + timedelta(days=1)
        spans = [(arrival, middle), (middle, departure)] if kind == "split" else [dates]
        price = self.dice.randrange(7000, 16000) * self.home.quantum
        for first, last in spans:
            row = bookings.line(self.ids, booking, bed.kind, first, last)
            row |= {
                "roomID": None if kind in {"unassigned", "not_confirmed"} else bed.room.id,
                "isRoomLocked": self._happens(0.1),
                "adults": self.dice.choice((1, 2, 2, 2, 3)),
                "children": self.dice.choice((0, 0, 0, 1)),
                "rateID": self.dice.choice((bed.kind.base_rate, bed.kind.base_rate, bed.kind.plan_rate)),
                "guests": list(booking["guests"]),
            }
            booking = {**booking, "lines": [*booking["lines"], bookings.followed(row, price)]}
        return booking

    def _lived(self, booking: Row, arrival: date, departure: date, kind: str) -> Row:
        """Bring the booking into the state that its kind and its dates ask for."""
        at = str(booking["_modified"])
        if kind == "canceled" or (kind == "not_confirmed" and arrival <= self._today):
            return living(booking, "canceled", at)
        if kind == "not_confirmed":
            return living(booking, "not_confirmed", at)
        if kind == "no_show" and arrival < self._today:
            return living(booking, "no_show", self._local(arrival, time(23, 30)))
        if kind == "unassigned" or arrival >= self._today:
            return booking
        if departure < self._today:
            return {**living(booking, "checked_out", at), "_modified": max(at, self._local(departure, time(11)))}
        began = max(at, self._local(arrival, time(15)))
        lives = {**living(booking, "checked_in", at), "_modified": began}
        # A reservation can be confirmed with guests in house (vendors/cloudbeds.md 15).
        return {**lives, "status": "confirmed"} if self._happens(0.25) else lives

    def _local(self, day: date, clock: time) -> str:
        return stamp(times.at(day, clock, self.home.zone))

    def _round(self, amount: int) -> Decimal:
        return Decimal(amount).quantize(self.home.quantum)

    def _happens(self, share: float) -> bool:
        return self.dice.random() < share


def _kinds(dice: random.Random) -> Iterator[str]:
    yield from _OPENING
    while True:
        yield dice.choice(_URN)


def seed_hotel(order: ResetOrder, seed: int, now: datetime, *, special: bool) -> tuple[Hotel, Ids, list[Place]]:
    """Build the world of one seed; the same seed on the same day gives the same world."""
    hotel, ids, dice = Hotel(), Ids(seed), random.Random(seed)  # noqa: S311 - repeatable on purpose
    hotel.begin(datetime.min.replace(tzinfo=UTC))
    kinds, places = _kinds(dice), []
    for index in range(order.hotels):
        home = place(index, order.rooms, special=special)
        places.append(home)
        furnished(hotel, home, stamp(now))
        share, rest = divmod(order.reservations, order.hotels)
        Seeder(hotel, home, dice, ids, now, kinds).fill(share + (index < rest))
    return hotel, ids, places
