"""Seeding the chain: a repeatable world of bookings around the simulated today, without double-booked rooms."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from connectors.kit.simulator.clock import stamp
from connectors.kit.simulator.contract import ResetOrder, Row
from connectors.mews.simulator import holds, rows
from connectors.mews.simulator.adorning import Adorner
from connectors.mews.simulator.amounts import quantum
from connectors.mews.simulator.catalogue import SOURCES, block_rate, furnish, furnish_chain
from connectors.mews.simulator.hotel import Hotel
from connectors.mews.simulator.ids import Ids, fixed
from connectors.mews.simulator.site import Place, place
from connectors.mews.simulator.states import canceled, lived
from connectors.mews.simulator.times import days_between

_SMALL_PAST = 0.3
_AVERAGE_NIGHTS = 2.9
_FAR_AHEAD = 200
# The first dozen shows most kinds; later ones are drawn from the same urn.
_OPENING = (
    "stay",
    "no_show",
    "cancelled",
    "stay",
    "group",
    "out_of_order",
    "Optional",
    "Requested",
    "stay",
    "Inquired",
)
_URN = (
    *("stay",) * 28,
    *("cancelled",) * 4,
    *("no_show", "group", "Optional", "Requested", "Inquired", "out_of_order") * 2,
    "allotment",
)
_HOLDS = frozenset({"Optional", "Requested", "Inquired"})
_OWN_ORIGINS = (("Distributor", None), ("Commander", "InPerson"), ("Commander", "Phone"), ("Commander", "Email"))


@dataclass
class _Room:
    category_id: str
    id: str
    free_from: date


@dataclass
class _Party:
    """What the stays of one booking share."""

    said: Row
    made: datetime
    source: str | None


@dataclass
class Seeder:
    """Fills one property; the chain's dice and identifiers are shared."""

    hotel: Hotel
    home: Place
    dice: random.Random
    ids: Ids
    now: datetime
    kinds: Iterator[str]
    rooms: list[_Room] = field(default_factory=list)

    @property
    def _adorner(self) -> Adorner:
        return Adorner(self.hotel, self.home, self.dice, self.ids)

    @property
    def _today(self) -> date:
        return self.now.astimezone(ZoneInfo(self.home.site.zone)).date()

    @property
    def _midnight(self) -> datetime:
        return datetime.combine(self._today, time(), ZoneInfo(self.home.site.zone))

    def fill(self, count: int) -> None:
        """Make `count` reservations and blocks."""
        numbered = [(category.id, room) for category in self.home.categories for room, _ in category.rooms]
        if not numbered:
            return
        start = self._today - timedelta(days=int(_SMALL_PAST * count / len(numbered) * _AVERAGE_NIGHTS) + 3)
        for category_id, room in numbered:
            self.rooms.append(_Room(category_id, room, start + timedelta(days=self.dice.randrange(3))))
        made = 0
        while made < count:
            made += self._next(count - made, made)

    def _next(self, left: int, made: int) -> int:
        kind = next(self.kinds)
        if kind == "allotment":
            self._allotment()
            return 1
        size = min(self.dice.choice((2, 2, 3)), left, len(self.rooms)) if kind == "group" else 1
        chosen = [self.rooms[(made + step) % len(self.rooms)] for step in range(size)]
        arrival = max(room.free_from for room in chosen)
        departure = arrival + timedelta(days=self.dice.choice((1, 2, 2, 3, 3, 4, 5)))
        if kind in holds.BLOCK_KINDS:
            self._block(chosen[0], arrival, departure, kind)
        else:
            self._booking(chosen, arrival, departure, kind)
        for room in chosen:
            room.free_from = departure + timedelta(days=self.dice.choice((0, 0, 1)))
        return size

    def _block(self, room: _Room, arrival: date, departure: date, kind: str) -> None:
        made = stamp(min(self.now, self._midnight) - timedelta(days=self.dice.randrange(1, 20)))
        word = holds.BLOCK_KINDS["owner" if self._happens(0.3) else kind]
        block = holds.resource_block(self.home, self.ids, room.id, word, made)
        self.hotel["resource_blocks"].put({**block, **holds.held(self.home, arrival, departure)})

    def _allotment(self) -> None:
        made = stamp(self._midnight - timedelta(days=self.dice.randrange(1, 20)))
        arrival = self._today + timedelta(days=_FAR_AHEAD + self.dice.randrange(60))
        times = holds.units(self.home, arrival, arrival + timedelta(days=self.dice.randrange(2, 6)))
        block = holds.availability_block(self.home, self.ids, made, **times)
        self.hotel["availability_blocks"].put(block)
        self.hotel["rates"].put(block_rate(self.home, block))
        category = self.dice.choice(self.home.categories)
        self.hotel["adjustments"].put(holds.adjustment(self.home, self.ids, block, category.id, made))

    def _booking(self, chosen: list[_Room], arrival: date, departure: date, kind: str) -> None:
        party = self._party(arrival, grouped=len(chosen) > 1)
        for number, room in enumerate(chosen, 1):
            inside = str(number) if party.source and len(chosen) > 1 else party.said["ChannelManagerNumber"]
            said = {**party.said, "ChannelManagerNumber": inside}
            stay = self._stay(party, room, (arrival, departure), said)
            self._let_live(stay, arrival, departure, kind)
            living = self.hotel["reservations"].get(stay["Id"]) or stay
            self._adorner.adorn(living, party.source, first=number == 1)

    def _party(self, arrival: date, *, grouped: bool) -> _Party:
        latest = min(self._midnight, datetime.combine(arrival, time(), ZoneInfo(self.home.site.zone)))
        made = latest - timedelta(seconds=self.dice.randrange(3600, 60 * 86400))
        touched = made + (latest - made) * self.dice.random() ** 3
        stamped = stamp(made)
        source = self.dice.choice(SOURCES) if self._happens(0.55) else None
        guest = self._adorner.guest(stamped, source)
        number = self.dice.randrange(10**9, 10**10)
        name = f"{guest['LastName']} group" if grouped else None
        outside = {"ChannelManager": "SiteMinder", "ChannelManagerGroupNumber": f"SM-{number}"} if source else {}
        group = rows.group(self.home, self.ids, stamped, Name=name, **outside)
        self.hotel["groups"].put(group)
        origin, staff_origin = ("ChannelManager", None) if source else self.dice.choice(_OWN_ORIGINS)
        said = {
            "GroupId": group["Id"],
            "AccountId": guest["Id"],
            "Origin": origin,
            "CommanderOrigin": staff_origin,
            "CreatorProfileId": rows.writer(origin),
            "UpdaterProfileId": rows.writer(origin),
            "ChannelNumber": f"{source[:2].upper()}{number}" if source else None,
            "ChannelManagerNumber": "" if source else None,
            "TravelAgencyId": fixed("company", source) if source else None,
            "CreatedUtc": stamped,
            "UpdatedUtc": stamp(touched),
        }
        return _Party(said, made, source)

    def _stay(self, party: _Party, room: _Room, dates: tuple[date, date], said: Row) -> Row:
        people = rows.persons(self.home, self.dice.choice((1, 2, 2, 2, 3)), self.dice.choice((0, 0, 0, 1)))
        stay = rows.reservation(
            self.home,
            self.ids,
            stamp(party.made),
            **said,
            **rows.planned(self.home, *dates),
            RequestedResourceCategoryId=room.category_id,
            AssignedResourceId=room.id,
            RateId=self.home.at("rate", self.dice.choice(("flexible", "flexible", "saver"))),
            PersonCounts=people,
        )
        self.hotel["reservations"].put(stay)
        price = self._price()
        for day in days_between(*dates):
            self.hotel["items"].put(rows.night(self.home, self.ids, stay, day, price, stamp(party.made)))
        return stay

    def _price(self) -> Decimal:
        return self.dice.randrange(7000, 16000) * quantum(self.home.site.currency)

    def _let_live(self, stay: Row, arrival: date, departure: date, kind: str) -> None:
        """Bring the stay into the state that its kind and its dates ask for."""
        over = arrival <= self._today
        at = str(stay["UpdatedUtc"])
        if kind == "cancelled" or (kind in _HOLDS and over):
            canceled(self.hotel, stay, at, "RequestedByGuest" if kind == "cancelled" else "ConfirmationMissed")
        elif kind == "no_show" and arrival < self._today:
            canceled(self.hotel, stay, self._evening(arrival), "NoShow")
        elif kind in _HOLDS:
            released = {"ReleasedUtc": stamp(self._released(arrival))} if kind == "Optional" else {}
            homeless = {} if kind == "Optional" else {"AssignedResourceId": None}  # nothing is held for it
            lived(self.hotel, {**stay, "State": kind, **released, **homeless})
        elif departure < self._today:
            ended = {"ActualStartUtc": stay["ScheduledStartUtc"], "ActualEndUtc": stay["ScheduledEndUtc"]}
            touched = max(at, str(stay["ScheduledEndUtc"]))
            lived(self.hotel, {**stay, "State": "Processed", **ended, "UpdatedUtc": touched})
        elif arrival < self._today:
            begun = {"ActualStartUtc": stay["ScheduledStartUtc"], "UpdatedUtc": max(at, str(stay["ScheduledStartUtc"]))}
            lived(self.hotel, {**stay, "State": "Started", **begun})

    def _evening(self, day: date) -> str:
        return stamp(datetime.combine(day, time(23, 30), ZoneInfo(self.home.site.zone)))

    def _released(self, arrival: date) -> datetime:
        start = datetime.combine(arrival, time(), ZoneInfo(self.home.site.zone))
        return self._midnight + (start - self._midnight) / 2 + timedelta(hours=20)

    def _happens(self, share: float) -> bool:
        return self.dice.random() < share


def _kinds(dice: random.Random) -> Iterator[str]:
    yield from _OPENING
    while True:
        yield dice.choice(_URN)


def seed_hotel(order: ResetOrder, seed: int, now: datetime) -> tuple[Hotel, Ids, list[Place]]:
    """Build the world of one seed; the same seed on the same day gives the same world."""
    hotel, ids, dice = Hotel(), Ids(seed), random.Random(seed)  # noqa: S311 - repeatable on purpose
    hotel.begin(datetime.min.replace(tzinfo=UTC))
    furnish_chain(hotel)
    kinds, places = _kinds(dice), []
    for index in range(order.hotels):
        home = place(index, order.rooms)
        places.append(home)
        furnish(hotel, home)
        share, rest = divmod(order.reservations, order.hotels)
        Seeder(hotel, home, dice, ids, now, kinds).fill(share + (index < rest))
    return hotel, ids, places
