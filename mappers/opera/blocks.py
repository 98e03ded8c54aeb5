"""Repairs: stretches in which a room is out of order or out of service (vendors/opera.md 7.2)."""

from __future__ import annotations

from datetime import date, timedelta

from mappers import kit
from mappers.opera import wire, words
from mappers.opera.heads import code
from mappers.opera.reading import day, each, read
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.reservation import Block
from pms_sync.ports.mapper import Mapped, MappingContext

_NIGHT = timedelta(days=1)


def to_mapped(raw: bytes, context: MappingContext, at: str) -> Mapped:
    """Say what a room's repairs mean; the connector keeps one a record, a list of the vendor's may hold several."""
    room, codes = read(wire.ROOM, raw, at), kit.Codes(context.crosswalk)
    number = code(room.room_id) or code(room.room_number)
    if number is None:
        raise kit.absent(f"{at}.roomId", "a repair of no room")
    repairs = each(wire.REPAIR, room.out_of_order, f"{at}.outOfOrder")
    blocks = tuple([_block(room, number, repair, codes, place) for repair, place in repairs])
    return Mapped(blocks=blocks, unmapped=codes.unmapped)


def _block(room: wire.Room, number: str, repair: wire.Repair, codes: kit.Codes, at: str) -> Block:
    kind = words.REPAIRS.get(repair.housekeeping_room_status or "")
    if kind is None:
        told = repair.housekeeping_room_status or "(absent)"
        raise kit.rejected(f"{at}.housekeepingRoomStatus", told, "unknown kind of repair", words.SHOWN)
    name = None if repair.room_repair_id is None else repair.room_repair_id.id
    if name is None:
        raise kit.absent(f"{at}.roomRepairId", "a repair without a name")
    start = day(repair.start, f"{at}.start")
    stay = kit.stay_range(start, _behind(day(repair.end, f"{at}.end"), at), at)
    room_type = code(room.room_type.room_type) if room.room_type else None
    return Block(
        vendor=words.VENDOR,
        ref=f"{number}/{name}",
        property_ref=code(room.hotel_id) or "",
        version="",  # none is told: content decides
        room_type_ref=room_type,
        room_ref=number,
        room_type=codes.ours("room_type", room_type),
        room=codes.ours("room", number),
        arrival=stay.arrival,
        departure=stay.departure,
        kind=kind,
    )


def _behind(last: date, at: str) -> date:
    """Take the end as the last day of the repair, which is not documented: a night too many sells no room twice."""
    try:
        return last + _NIGHT
    except OverflowError:
        raise MappingRejected(f"{at}.end", last, "date outside the calendar") from None
