"""What holds nights without a guest, by order; and which room is free."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from connectors.kit.simulator.contract import OrderRefused, Row
from connectors.mews.simulator import holds
from connectors.mews.simulator.catalogue import block_rate
from connectors.mews.simulator.events import Events
from connectors.mews.simulator.hotel import ENTERPRISE, Hotel
from connectors.mews.simulator.ids import Ids
from connectors.mews.simulator.site import Place
from connectors.mews.simulator.times import local_date
from connectors.mews.simulator.verbatim import verbatim
from connectors.mews.simulator.words import WHERE, dates_of, day, room_of, room_type_of

_NEEDS_NO_ROOM = frozenset({"Canceled", "Inquired", "Requested"})
_SPANS = {"resource_blocks": ("StartUtc", "EndUtc"), "reservations": ("ScheduledStartUtc", "ScheduledEndUtc")}


class Blocker:
    """Makes, changes and ends blocks of one property."""

    def __init__(self, hotel: Hotel, home: Place, ids: Ids, now: str, events: Events) -> None:
        """Work at an instant."""
        self._hotel, self._home, self._ids, self._now, self._events = hotel, home, ids, now, events

    def create(self, told: Row, raw: Mapping[str, object]) -> Row:
        """Make a block of the kind that an order names and return its row; raises OrderRefused."""
        kind = str(told["kind"])
        arrival, departure = day(told.get("arrival")), day(told.get("departure"))
        if departure < arrival:
            raise OrderRefused(f"a block from {arrival} to {departure}", WHERE, "let departure follow arrival")
        if kind == "allotment":
            return self._allotment(told, raw, arrival, departure)
        if kind not in holds.BLOCK_KINDS:
            known = [*holds.BLOCK_KINDS, "allotment"]
            raise OrderRefused(f"a block of kind {kind!r} does not exist", WHERE, f"use one of {known}")
        room = room_of(self._home, told.get("room_ref"))
        if room is None:
            raise OrderRefused("a block of no room", WHERE, "name a room_ref")
        block = holds.resource_block(self._home, self._ids, room, holds.BLOCK_KINDS[kind], self._now)
        return self._stored(verbatim({**block, **holds.held(self._home, arrival, departure)}, raw))

    def modify(self, block: Row, told: Row, raw: Mapping[str, object]) -> Row:
        """Change a resource block: kind, room and dates."""
        fields: Row = {}
        if told.get("kind"):
            fields["Type"] = holds.BLOCK_KINDS[str(told["kind"])]
        if told.get("room_ref"):
            fields["AssignedResourceId"] = room_of(self._home, told["room_ref"])
        if "arrival" in told or "departure" in told:
            fields |= holds.held(self._home, *dates_of(told, self._dates(block)))
        return self._stored(verbatim({**block, **fields, "UpdatedUtc": self._now}, raw))

    def end(self, block: Row) -> Row:
        """Delete a resource block; it stays readable for those who ask for deleted ones."""
        gone = {"IsActive": False, "DeletedUtc": self._now, "UpdatedUtc": self._now}
        return self._stored({**block, **gone})

    def end_allotment(self, block: Row) -> Row:
        """Cancel an availability block and give its units back."""
        for one in self._hotel["adjustments"].of("AvailabilityBlockId", block["Id"]):
            ended = {"IsActive": False, "ActivityState": "Deleted", "UpdatedUtc": self._now}
            self._hotel["adjustments"].put({**one, **ended})
        told = {"State": "Canceled", "CanceledUtc": self._now, "CancellationReason": "Other", "UpdatedUtc": self._now}
        return self._hotel["availability_blocks"].put({**block, **told})

    def free_room(self, stay: Row) -> str | None:
        """Return the first room of the stay's category that is free; None when the category is full."""
        category = self._home.category(stay["RequestedResourceCategoryId"])
        rooms = [room for room, _ in category.rooms] if category else []
        return next((room for room in rooms if not self._taken(room, stay)), None)

    def _taken(self, room: str, stay: Row) -> bool:
        begins, ends = stay["ScheduledStartUtc"], stay["ScheduledEndUtc"]
        for table, (first, last) in _SPANS.items():
            for other in self._hotel[table].of("AssignedResourceId", room):
                idle = other.get("IsActive") is False or str(other.get("State")) in _NEEDS_NO_ROOM
                if not idle and str(other[first]) < ends and str(other[last]) > begins:
                    return True
        return False

    def _dates(self, block: Row) -> tuple[date | None, date | None]:
        zone = self._home.site.zone
        return local_date(block["StartUtc"], zone), local_date(block["EndUtc"], zone)

    def _stored(self, block: Row) -> Row:
        self._events.block(block["Id"], str(block["AssignedResourceId"]), block[ENTERPRISE])
        return self._hotel["resource_blocks"].put(block)

    def _allotment(self, told: Row, raw: Mapping[str, object], arrival: date, departure: date) -> Row:
        times = holds.units(self._home, arrival, departure)
        block = verbatim(holds.availability_block(self._home, self._ids, self._now, **times), raw)
        category = room_type_of(self._home, told.get("room_type_ref") or self._home.categories[0].id)
        self._hotel["rates"].put(block_rate(self._home, block))
        self._hotel["adjustments"].put(holds.adjustment(self._home, self._ids, block, category, self._now))
        return self._hotel["availability_blocks"].put(block)
