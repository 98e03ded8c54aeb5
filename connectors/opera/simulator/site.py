"""What a hotel is made of: room types with their rooms, rate plans, and a business date of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

_AUDIT_AT = timedelta(hours=3)
"""The night audit runs at this local time, so until then the business date is yesterday's (vendors/opera.md 7.5)."""


@dataclass(frozen=True)
class RoomType:
    """A sellable type; `rooms` are room numbers, which are the room ids."""

    code: str
    name: str
    room_class: str
    rooms: tuple[str, ...]


@dataclass(frozen=True)
class RatePlan:
    """A rate code with the market and source codes that go with it."""

    code: str
    name: str
    market: str


RATE_PLANS = (
    RatePlan("BAR", "Best Available Rate", "TRANS"),
    RatePlan("OTA", "Online Travel Agencies", "OTA"),
    RatePlan("CORP", "Corporate", "CORP"),
    RatePlan("ADVP", "Advance Purchase", "TRANS"),
)


@dataclass
class Place:
    """One hotel of the chain; `shift` is how many days tests have put its business date ahead."""

    code: str
    name: str
    zone: str
    currency: str
    room_types: tuple[RoomType, ...] = ()
    shift: int = 0
    rate_plans: tuple[RatePlan, ...] = field(default=RATE_PLANS)

    def business_date(self, now: datetime) -> date:
        """Return the date that OPERA calls today."""
        local = now.astimezone(ZoneInfo(self.zone))
        return (local.replace(tzinfo=None) - _AUDIT_AT).date() + timedelta(days=self.shift)

    def put_business_date(self, wanted: date, now: datetime) -> None:
        """Set the business date; it goes on from there with the clock."""
        self.shift += (wanted - self.business_date(now)).days

    def type_of(self, room: object) -> RoomType | None:
        """Return the type of a room number."""
        return next((kind for kind in self.room_types if room in kind.rooms), None)

    def kind(self, code: object) -> RoomType | None:
        """Return a room type by its code."""
        return next((kind for kind in self.room_types if kind.code == code), None)

    def rooms(self) -> list[tuple[str, RoomType]]:
        """Return all rooms with their types, in the order of their numbers."""
        return [(room, kind) for kind in self.room_types for room in kind.rooms]
