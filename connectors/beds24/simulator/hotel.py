"""The in-memory hotel: properties, bookings with their older versions, and the indexes that keep reads quick."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from connectors.kit.simulator.contract import Row

_VERSIONS_KEPT = 6


@dataclass(frozen=True)
class RoomType:
    """A room in Beds24 words: `qty` numbered units of one type."""

    id: int
    property_id: int
    name: str
    qty: int


@dataclass
class Property:
    """One hotel of the account; `webhooks` is the block of vendors/beds24.md 13.2."""

    id: int
    name: str
    timezone: str
    currency: str
    room_types: list[RoomType] = field(default_factory=list)
    webhooks: dict[str, str] = field(
        default_factory=lambda: {"version": "one", "url": "", "additionalData": "none", "customHeader": ""}
    )


@dataclass(frozen=True)
class Booking:
    """One booking as it stands; a change makes a new one, so older versions stay readable."""

    row: Row
    invoice_items: list[Row] = field(default_factory=list)
    info_items: list[Row] = field(default_factory=list)
    guests: list[Row] = field(default_factory=list)
    messages: list[Row] = field(default_factory=list)
    block: bool = False
    """Once black; the wire does not tell a lifted block from a cancelled stay, the hotel remembers."""
    ota_status: str | None = None
    """The status that the OTA still holds where it differs from the row's; None = the same. Never on the wire."""

    @property
    def id(self) -> int:
        """Return the booking id, stable for life."""
        return int(self.row["id"])

    def changed(self, fields: Row) -> Booking:
        """Return a copy with raw fields replaced."""
        row = {**self.row, **fields}
        block = row["status"] == "black" or (self.block and row["status"] == "cancelled")
        return replace(self, row=row, block=block)


class Hotel:
    """All bookings of one account; `revision` grows by one with every change operation."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.properties: dict[int, Property] = {}
        self.bookings: dict[int, Booking] = {}
        self.calendar: dict[tuple[int, str], Row] = {}
        """Per-day values written by hand, by (roomId, day); `stock` is numAvail with the bookings added back."""
        self.revision = 0
        self._began: list[datetime] = []
        self._ids: list[int] = []
        self._modified: list[tuple[str, int]] = []
        self._members: dict[int, set[int]] = {}
        self._versions: dict[int, list[tuple[int, Booking | None]]] = {}

    def begin(self, at: datetime) -> None:
        """Open a change operation; what is put or dropped from here on belongs to it."""
        self.revision += 1
        self._began.append(at)

    def put(self, booking: Booking) -> None:
        """Store a booking, new or changed."""
        old = self.bookings.get(booking.id)
        if old is None:
            insort(self._ids, booking.id)
        else:
            self._unlink(old)
        self.bookings[booking.id] = booking
        self._link(booking)
        self._remember(booking.id, booking)

    def drop(self, booking_id: int) -> None:
        """Delete a booking without a trace (vendors/beds24.md 5.3)."""
        self._unlink(self.bookings.pop(booking_id))
        self._ids.pop(bisect_left(self._ids, booking_id))
        self._remember(booking_id, None)

    def newest_first(self) -> Iterator[Booking]:
        """Walk all bookings in descending id, the order seen once on the wire (vendors/beds24.md 4.1)."""
        return (self.bookings[booking_id] for booking_id in reversed(self._ids))

    def modified_between(self, low: str | None, high: str | None) -> Iterator[Booking]:
        """Walk the bookings with low <= modifiedTime <= high, in descending id."""
        first = bisect_left(self._modified, (low or "", -1))
        last = bisect_right(self._modified, (high or "~", 1 << 62))
        found = sorted((booking_id for _, booking_id in self._modified[first:last]), reverse=True)
        return (self.bookings[booking_id] for booking_id in found)

    def as_of(self, revision: int) -> Iterable[Booking]:
        """Return the bookings as they stood after the given revision, in descending id."""
        found = (self._at(versions, revision) for versions in self._versions.values())
        return sorted((booking for booking in found if booking is not None), key=lambda one: one.id, reverse=True)

    def revision_at(self, instant: datetime) -> int:
        """Return the last revision begun at or before an instant."""
        return sum(began <= instant for began in self._began)

    def group(self, booking: Booking) -> Row | None:
        """Return `{master, ids}` of a grouped booking, else None; the master's own masterId is null."""
        master = booking.row["masterId"]
        if master is None:
            if booking.id not in self._members:
                return None
            master = booking.id
        ids = sorted({*self._members.get(master, ()), *((master,) if master in self.bookings else ())})
        return {"master": master, "ids": ids}

    def room_type(self, room_id: int) -> RoomType | None:
        """Return a room type by its id, whichever property it belongs to."""
        types = (kind for place in self.properties.values() for kind in place.room_types)
        return next((kind for kind in types if kind.id == room_id), None)

    def _link(self, booking: Booking) -> None:
        insort(self._modified, (str(booking.row["modifiedTime"]), booking.id))
        if booking.row["masterId"] is not None:
            self._members.setdefault(booking.row["masterId"], set()).add(booking.id)

    def _unlink(self, booking: Booking) -> None:
        key = (str(booking.row["modifiedTime"]), booking.id)
        self._modified.pop(bisect_left(self._modified, key))
        members = self._members.get(booking.row["masterId"])
        if members is not None:
            members.discard(booking.id)
            if not members:
                del self._members[booking.row["masterId"]]

    def _remember(self, booking_id: int, booking: Booking | None) -> None:
        versions = self._versions.setdefault(booking_id, [])
        if versions and versions[-1][0] == self.revision:
            versions.pop()  # several writes of one request are one version
        versions.append((self.revision, booking))
        del versions[:-_VERSIONS_KEPT]

    @staticmethod
    def _at(versions: list[tuple[int, Booking | None]], revision: int) -> Booking | None:
        return next((booking for since, booking in reversed(versions) if since <= revision), None)
