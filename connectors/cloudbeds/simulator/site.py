"""The simulated properties: rooms, room types, rates and sources, the same in every world (vendors/cloudbeds.md 7)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from connectors.kit.simulator.contract import Row
from pms_sync.domain.money import exponent

ORGANIZATION = "55001"
_FIRST_UNITS, _MORE_UNITS = 3, 5
_ISLAND_TWO = 1_730_000_000_000_000
"""Ids of newer islands exceed 32 bits; the second property lives there."""


@dataclass(frozen=True)
class Site:
    """What tells one property from the next; `tax` is on top of room prices, else it is in them."""

    name: str
    zone: str
    currency: str
    symbol: str
    country: str
    city: str
    tax: Decimal = Decimal()


_SITES = (
    Site("Hotel Prado", "Europe/Madrid", "EUR", "€", "ES", "Madrid"),
    Site("Hotel Hudson", "America/New_York", "USD", "$", "US", "New York", Decimal("0.1475")),
    Site("Harbour House", "Europe/London", "GBP", "£", "GB", "London"),
    Site("Garden Inn", "Asia/Tokyo", "JPY", "¥", "JP", "Tokyo"),
)


@dataclass(frozen=True)
class Room:
    """A physical room, a bed of a dorm, or a virtual room that draws on physical ones."""

    id: str
    name: str
    dorm: str = ""
    links: tuple[str, ...] = ()


@dataclass(frozen=True)
class RoomType:
    """A place to stay of one kind, with its rooms, a base rate and a derived one."""

    id: str
    name: str
    short: str
    rooms: tuple[Room, ...]
    private: bool = True
    virtual: bool = False

    @property
    def base_rate(self) -> str:
        """Return the rate of the room type itself, under no plan."""
        return f"{self.id}1"

    @property
    def plan_rate(self) -> str:
        """Return its rate under the plan, derived from the base rate."""
        return f"{self.id}2"


@dataclass(frozen=True)
class Source:
    """Where bookings come from: the property's own ways, or a third party."""

    id: str
    name: str
    category: str
    third_party: bool = False
    collect: str = "hotel"


SOURCES = (
    Source("s-1", "Website/Booking Engine", "direct"),
    Source("s-2", "Walk-In", "direct"),
    Source("s-3", "Phone", "direct"),
    Source("s-4", "Email", "direct"),
    Source("ss-11-1", "Booking.com", "ota", third_party=True),
    Source("ss-12-0", "Expedia", "ota", third_party=True, collect="channel"),
    Source("ss-13-0", "Airbnb", "ota", third_party=True, collect="channel"),
    Source("ss-14-1", "Agoda", "ota", third_party=True),
    Source("ss-15-0", "Vrbo", "ota", third_party=True, collect="channel"),
    Source("ss-16-1", "Hostelworld", "ota", third_party=True),
)
"""The suffix says who collects: -0 the channel, -1 the hotel, none for the property's own (7)."""
WEBSITE = SOURCES[0]


def source(source_id: object) -> Source:
    """Return a source by its id; bookings without a known one come from the website."""
    return next((one for one in SOURCES if one.id == source_id), WEBSITE)


@dataclass(frozen=True)
class Place:
    """One property."""

    index: int
    id: str
    name: str
    site: Site
    kinds: tuple[RoomType, ...] = ()

    @property
    def zone(self) -> str:
        """Return its time zone."""
        return self.site.zone

    @property
    def plan(self) -> str:
        """Return the id of its rate plan."""
        return f"9{self.id[-4:]}"

    @property
    def quantum(self) -> Decimal:
        """Return one minor unit of its currency."""
        return Decimal(1).scaleb(-exponent(self.site.currency))

    def kind(self, type_id: object) -> RoomType | None:
        """Return a room type by its id."""
        return next((one for one in self.kinds if one.id == type_id), None)

    def kind_of(self, room_id: object) -> RoomType | None:
        """Return the room type that a room belongs to; the room's id embeds it by habit only."""
        return next((one for one in self.kinds if any(room.id == room_id for room in one.rooms)), None)

    def room(self, room_id: object) -> Room | None:
        """Return a room by its id."""
        return next((room for one in self.kinds for room in one.rooms if room.id == room_id), None)

    def rate_name(self, rate_id: object) -> str:
        """Return the name of a rate."""
        return "Non Refundable" if any(one.plan_rate == rate_id for one in self.kinds) else "Base Rate"

    def shown(self) -> Row:
        """Return the property as the control plane shows it, with the names and rooms of the types beside."""
        return {
            "ref": self.id,
            "name": self.name,
            "timezone": self.zone,
            "currency": self.site.currency,
            "room_types": [
                {
                    "ref": one.id,
                    "units": len(one.rooms),
                    "name": one.name,
                    "rooms": [{"ref": room.id, "name": room.name} for room in one.rooms],
                }
                for one in self.kinds
            ],
        }


def place(index: int, rooms: int, *, special: bool = False) -> Place:
    """Return the property of an index: three rooms of the first type, then five of each; `special` adds two types."""
    site = _SITES[index % len(_SITES)]
    name = site.name if index < len(_SITES) else f"{site.name} {index // len(_SITES) + 1}"
    number = 201_234 + index
    kinds: list[RoomType] = []
    left = rooms
    while left > 0:
        count = min(left, _MORE_UNITS if kinds else _FIRST_UNITS)
        kinds.append(_kind(number, len(kinds) + 1, count))
        left -= count
    if special and kinds:
        kinds += [_dorm(number, len(kinds) + 1), _virtual(number, len(kinds) + 2, kinds[0])]
    return Place(index, str(number + _ISLAND_TWO if index == 1 else number), name, site, tuple(kinds))


def _kind(number: int, floor: int, count: int) -> RoomType:
    type_id = f"{number}{floor:02d}"
    rooms = tuple(Room(f"{type_id}-{nth}", f"{floor}{nth + 1:02d}") for nth in range(count))
    name, short = ("Double", "DBL") if floor == 1 else (f"Type {floor}", f"T{floor}")
    return RoomType(type_id, name, short, rooms)


def _dorm(number: int, floor: int) -> RoomType:
    type_id = f"{number}{floor:02d}"
    beds = tuple(Room(f"{type_id}-{nth}", f"Bed {nth + 1}", dorm="Dorm A") for nth in range(4))
    return RoomType(type_id, "Dorm Bed", "DRM", beds, private=False)


def _virtual(number: int, floor: int, parts: RoomType) -> RoomType:
    type_id = f"{number}{floor:02d}"
    links = tuple(room.id for room in parts.rooms[:2])
    return RoomType(type_id, "Family Apartment", "FAM", (Room(f"{type_id}-0", "F1", links=links),), virtual=True)
