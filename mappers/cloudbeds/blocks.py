"""Room blocks: nights held with no guest, one block of ours for each room (vendors/cloudbeds.md 10.7)."""

from __future__ import annotations

from datetime import date, timedelta

from mappers import kit
from mappers.cloudbeds import words
from mappers.cloudbeds.reading import Fields
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.reservation import Block
from pms_sync.ports.mapper import Mapped, MappingContext

_NIGHT = timedelta(days=1)


def to_mapped(row: Fields, context: MappingContext) -> Mapped:
    """Say what a room block means: as many blocks as it has rooms, linked ones included, since they are held too."""
    kind = words.BLOCKS.get(row.word("roomBlockType"))
    if kind is None:
        raise row.rejected("roomBlockType", "unknown kind of room block")
    codes, ref, place = kit.Codes(context.crosswalk), row.needed_ref("roomBlockID"), row.needed_ref("propertyID")
    stay = kit.stay_range(row.needed_day("startDate"), _end(row), row.at)
    rooms = row.children("rooms")
    if not rooms:
        raise kit.absent(row.path("rooms"), "a room block without rooms")
    blocks = [
        Block(
            vendor=words.VENDOR,
            ref=f"{ref}/{room.needed_ref('roomID')}",
            property_ref=place,
            version="",  # none is told: content decides
            room_type_ref=room.ref("roomTypeID"),
            room_ref=room.ref("roomID"),
            room_type=codes.ours("room_type", room.ref("roomTypeID")),
            room=codes.ours("room", room.ref("roomID")),
            arrival=stay.arrival,
            departure=stay.departure,
            kind=kind,
        )
        for room in rooms
    ]
    return Mapped(blocks=tuple(blocks), unmapped=codes.unmapped)


def _end(row: Fields) -> date:
    """Take the end date as the last night held until somebody verifies it: a night too many sells no room twice (8)."""
    last = row.needed_day("endDate")
    try:
        return last + _NIGHT
    except OverflowError:
        raise MappingRejected(row.path("endDate"), last, "date outside the calendar") from None
