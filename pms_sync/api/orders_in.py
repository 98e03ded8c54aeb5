"""Orders as they come in: the bodies of the writing routes, and what they ask of the desk.

What can be seen from a body alone is refused here; what needs the hotel (codes, prices of its currency, whether a room
is free, whether a status leads on) is for the desk to judge.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from pms_sync.api.problems import Wrong
from pms_sync.api.reading import shown
from pms_sync.apply.orders import Draft, Edit, StayOrder
from pms_sync.domain import money
from pms_sync.domain.reservation import Guest, Night
from pms_sync.domain.status import Status
from pms_sync.domain.stay import StayRange
from pms_sync.ports import documents

LARGEST_ORDER = 262_144

_FINEST = Decimal("0.0001")  # no currency has a smaller unit
_ENOUGH = Decimal(10) ** 15

Code = Annotated[str, Meta(min_length=1, max_length=60)]
Word = Annotated[str, Meta(max_length=200)]
Address = Annotated[str, Meta(max_length=320)]
Notes = Annotated[str, Meta(max_length=10_000)]
Count = Annotated[int, Meta(ge=0, le=99)]
Currency = Annotated[str, Meta(pattern="^[A-Z]{3}$", description="ISO 4217")]
Version = Annotated[int, Meta(ge=0, description="the version that was read; the same as If-Match")]


class GuestDetails(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person; what is left out of a change stays as it is, null empties it."""

    SHOWN_ONLY: ClassVar[frozenset[str]] = frozenset({"ref"})

    first_name: Word | UnsetType | None = UNSET
    last_name: Word | UnsetType | None = UNSET
    email: Address | UnsetType | None = UNSET
    phone: Word | UnsetType | None = UNSET
    country: Word | UnsetType | None = UNSET
    language: Word | UnsetType | None = UNSET

    def guest(self) -> Guest:
        """Return the person as the desk takes them."""
        return Guest(**{name: getattr(self, name) for name in self.__struct_fields__})


class NightPrice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The price of one night, as decimal text (an exact number will do); null: nobody knows it."""

    SHOWN_ONLY: ClassVar[frozenset[str]] = frozenset({"derived"})

    date: date
    price: Decimal | None

    def wrongs(self) -> Iterator[Wrong]:
        """Yield a price that no currency could have."""
        if self.price is None:
            return
        if not self.price.is_finite() or not -_ENOUGH < self.price < _ENOUGH:
            yield Wrong(path="price", value=shown(self.price), why="is not an amount a booking can have")
        elif self.price != self.price.quantize(_FINEST):
            yield Wrong(path="price", value=shown(self.price), why="is finer than any currency's minor unit")


Nights = Annotated[tuple[NightPrice, ...], Meta(max_length=3_660)]


class NewStay(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A room stay to be made; without a room any of the type, with nights a price for each of them."""

    SHOWN_ONLY: ClassVar[frozenset[str]] = frozenset(documents.Stay.__struct_fields__)

    room_type: Code
    room: Code | None = None
    arrival: date
    departure: date
    adults: Count | UnsetType | None = UNSET
    children: Count | UnsetType | None = UNSET
    nights: Nights | UnsetType = UNSET

    def wrongs(self) -> Iterator[Wrong]:
        """Yield dates that make no stay, and nights that are not its own."""
        yield from _range_wrongs(self.arrival, self.departure, self.nights)

    def order(self) -> StayOrder:
        """Return the stay as the desk takes it."""
        return StayOrder(
            room_type=self.room_type,
            room=UNSET if self.room is None else self.room,
            arrival=self.arrival,
            departure=self.departure,
            adults=self.adults,
            children=self.children,
            nights=_nights(self.nights),
        )


class NewReservation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A reservation to be made at our own desk."""

    SHOWN_ONLY: ClassVar[frozenset[str]] = frozenset(documents.Reservation.__struct_fields__)

    property: Code
    source: Literal["direct"] = "direct"
    currency: Currency
    booker: GuestDetails
    room_stays: Annotated[tuple[NewStay, ...], Meta(min_length=1, max_length=100)]
    notes: Notes | None = None

    def wrongs(self) -> Iterator[Wrong]:
        """Yield a currency that is none, and prices finer than its minor unit."""
        if self.currency not in money.CURRENCIES:
            yield Wrong(path="currency", value=self.currency, why="is no currency of ISO 4217")
            return
        for number, stay in enumerate(self.room_stays):
            for place, night in enumerate(() if isinstance(stay.nights, UnsetType) else stay.nights):
                try:
                    money.fit(night.price or Decimal(0), self.currency)
                except money.AmountRejected as rejected:
                    path = f"room_stays[{number}].nights[{place}].price"
                    yield Wrong(path=path, value=shown(night.price), why=str(rejected))

    def draft(self) -> Draft:
        """Return the reservation as the desk takes it."""
        return Draft(
            property_code=self.property,
            currency=self.currency,
            booker=self.booker.guest(),
            stays=tuple(stay.order() for stay in self.room_stays),
            notes=self.notes,
        )


class StayPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Changes of one room stay; without an id a further one, which needs room type, arrival and departure.

    `room_type_ref` and `room_ref` are other names of `room_type` and `room`, as an answer shows both; they too take our
    codes. A stay is removed by the status `cancelled`.
    """

    SHOWN_ONLY: ClassVar[frozenset[str]] = frozenset(documents.Stay.__struct_fields__)

    id: UUID | UnsetType = UNSET
    room_type: Code | UnsetType = UNSET
    room: Code | UnsetType | None = UNSET
    arrival: date | UnsetType = UNSET
    departure: date | UnsetType = UNSET
    adults: Count | UnsetType | None = UNSET
    children: Count | UnsetType | None = UNSET
    nights: Nights | UnsetType = UNSET
    status: Status | UnsetType = UNSET
    room_type_ref: Code | UnsetType = UNSET
    room_ref: Code | UnsetType | None = UNSET

    def wrongs(self) -> Iterator[Wrong]:
        """Yield what contradicts itself, and what a further stay lacks."""
        for name in ("room_type", "room"):
            given = {getattr(self, name), getattr(self, f"{name}_ref")} - {UNSET}
            if len(given) > 1:
                value = shown(getattr(self, f"{name}_ref"))
                yield Wrong(path=f"{name}_ref", value=value, why=f"differs from {name}, whose other name it is")
        if isinstance(self.arrival, date) and isinstance(self.departure, date):
            yield from _range_wrongs(self.arrival, self.departure, self.nights)
        else:
            yield from _twice_wrongs(self.nights)
        if isinstance(self.id, UnsetType):
            yield from self._lacks()

    def _lacks(self) -> Iterator[Wrong]:
        told = {"room_type": self._either("room_type"), "arrival": self.arrival, "departure": self.departure}
        for name, value in told.items():
            if value is UNSET:
                yield Wrong(path=name, why="say it for a further stay, or name the stay you mean by its id")
        if self.status is not UNSET:
            yield Wrong(path="status", value=str(self.status), why="a further stay has none yet; name a stay by its id")

    def order(self) -> StayOrder:
        """Return the changes as the desk takes them."""
        return StayOrder(
            id=None if isinstance(self.id, UnsetType) else self.id,
            room_type=self._either("room_type"),  # type: ignore[arg-type]  # null was refused by its type
            room=self._either("room"),
            arrival=self.arrival,
            departure=self.departure,
            adults=self.adults,
            children=self.children,
            nights=_nights(self.nights),
            status=self.status,
        )

    def _either(self, name: str) -> str | UnsetType | None:
        first: str | UnsetType | None = getattr(self, name)
        second: str | UnsetType | None = getattr(self, f"{name}_ref")
        return second if first is UNSET else first


class ReservationPatch(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Changes of a reservation (RFC 7396); room stays are matched by `id`, and those not listed stay as they are."""

    SHOWN_ONLY: ClassVar[frozenset[str]] = frozenset(documents.Reservation.__struct_fields__)

    expected_version: Version | UnsetType = msgspec.field(default=UNSET, name="expectedVersion")
    booker: GuestDetails | UnsetType = UNSET
    room_stays: Annotated[tuple[StayPatch, ...], Meta(max_length=100)] | UnsetType = UNSET
    notes: Notes | UnsetType | None = UNSET

    def wrongs(self) -> Iterator[Wrong]:
        """Yield a stay that is named twice."""
        seen: set[UUID] = set()
        for number, stay in enumerate(() if isinstance(self.room_stays, UnsetType) else self.room_stays):
            if isinstance(stay.id, UnsetType):
                continue
            if stay.id in seen:
                yield Wrong(path=f"room_stays[{number}].id", value=str(stay.id), why="is named twice")
            seen.add(stay.id)

    def edit(self) -> Edit:
        """Return the changes as the desk takes them."""
        return Edit(
            stays=() if isinstance(self.room_stays, UnsetType) else tuple(stay.order() for stay in self.room_stays),
            booker=UNSET if isinstance(self.booker, UnsetType) else self.booker.guest(),
            notes=self.notes,
        )


class ActOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an act may be told; the body may be left out."""

    expected_version: Version | UnsetType = msgspec.field(default=UNSET, name="expectedVersion")


def _range_wrongs(arrival: date, departure: date, nights: Sequence[NightPrice] | UnsetType) -> Iterator[Wrong]:
    try:
        own = list(StayRange(arrival, departure).nights())
    except ValueError as error:
        yield Wrong(path="departure", value=departure.isoformat(), why=str(error))
        return
    twice = [*_twice_wrongs(nights)]
    yield from twice
    if not isinstance(nights, UnsetType) and nights and not twice:
        yield from _night_wrongs(own, nights, f"a stay from {arrival} to {departure}")


def _night_wrongs(own: Sequence[date], nights: Sequence[NightPrice], of: str) -> Iterator[Wrong]:
    dates, named = set(own), {night.date for night in nights}
    for place, night in enumerate(nights):
        if night.date not in dates:
            yield Wrong(path=f"nights[{place}].date", value=night.date.isoformat(), why=f"is no night of {of}")
    missing = next((day for day in own if day not in named), None)
    if missing is not None:
        yield Wrong(path="nights", why=f"a price is missing for {missing}; name one for every night, or none")


def _twice_wrongs(nights: Sequence[NightPrice] | UnsetType) -> Iterator[Wrong]:
    seen: set[date] = set()
    for place, night in enumerate(() if isinstance(nights, UnsetType) else nights):
        if night.date in seen:
            yield Wrong(path=f"nights[{place}].date", value=night.date.isoformat(), why="is named twice")
        seen.add(night.date)


def _nights(given: Sequence[NightPrice] | UnsetType) -> tuple[Night, ...] | UnsetType:
    return UNSET if isinstance(given, UnsetType) else tuple(Night(night.date, night.price) for night in given)
