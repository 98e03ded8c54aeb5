"""How a room stands, as the housekeeping board shows it (vendors/opera.md 7.2)."""

from __future__ import annotations

from mappers import kit
from mappers.opera import wire, words
from mappers.opera.heads import code
from mappers.opera.reading import read
from pms_sync.domain.room_status import RoomStatus
from pms_sync.ports.mapper import Mapped, MappingContext


def to_mapped(raw: bytes, context: MappingContext, at: str) -> Mapped:
    """Say how a room stands; who is in it is None where the board does not tell."""
    room, codes = read(wire.ROOM, raw, at), kit.Codes(context.crosswalk)
    number = code(room.room_id) or code(room.room_number)
    if number is None:
        raise kit.absent(f"{at}.roomId", "a room without a number")
    told = room.housekeeping.housekeeping_room_status if room.housekeeping else None
    place = f"{at}.housekeeping.housekeepingRoomStatus"
    if told is None or told.housekeeping_room_status is None:
        raise kit.absent(f"{place}.housekeepingRoomStatus", "a room without a status")
    standing = words.ROOM_STATES.get(told.housekeeping_room_status)
    if standing is None:
        why = "unknown status of a room"
        raise kit.rejected(f"{place}.housekeepingRoomStatus", told.housekeeping_room_status, why, words.SHOWN)
    office = told.front_office_status
    if office is not None and office not in words.OCCUPIED:
        raise kit.rejected(f"{place}.frontOfficeStatus", office, "neither vacant nor occupied", words.SHOWN)
    status = RoomStatus(
        vendor=words.VENDOR,
        property_ref=code(room.hotel_id) or "",
        room_ref=number,
        room=codes.ours("room", number),
        condition=standing.condition,
        service=standing.service,
        occupied=None if office is None else words.OCCUPIED[office],
        vendor_word=told.housekeeping_room_status,
    )
    return Mapped(room_statuses=(status,), unmapped=codes.unmapped)
