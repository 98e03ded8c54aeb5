"""Resource blocks: a room out of order, or kept for the hotel's own use (vendors/mews.md 10.4)."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UnsetType

from mappers import kit
from mappers.mews import clock, words
from mappers.mews.wire import Assignment, BlockRecord
from pms_sync.domain.reservation import Block
from pms_sync.ports.mapper import Mapped, MappingContext


def to_mapped(record: BlockRecord, context: MappingContext, at: str) -> Mapped:
    """Say what a block means; one that is no longer active is gone. `at` is the JSON path of its own row."""
    row, zone, codes = record.resource_block, clock.zone_of(record.enterprise, context), kit.Codes(context.crosswalk)
    kind = words.BLOCKS.get(row.type)
    if kind is None:
        raise kit.rejected(f"{at}.Type", row.type, "unknown kind of resource block", words.SHOWN)
    arrival = clock.day(f"{at}.StartUtc", row.start_utc, zone)
    departure = clock.last_day(f"{at}.EndUtc", row.end_utc, zone)
    span = clock.span(at, ("StartUtc", arrival), ("EndUtc", departure))
    room_type = _category(record.resource_category_assignments, row.assigned_resource_id)
    block = Block(
        vendor=words.VENDOR,
        ref=row.id,
        property_ref=row.enterprise_id,
        version=kit.version_of(kit.instant(f"{at}.UpdatedUtc", row.updated_utc)),
        room_type_ref=room_type,
        room_ref=row.assigned_resource_id,
        room_type=codes.ours("room_type", room_type),
        room=codes.ours("room", row.assigned_resource_id),
        arrival=span.arrival,
        departure=span.departure,
        kind=kind,
        gone=not row.is_active,
    )
    return Mapped(blocks=(block,), unmapped=codes.unmapped)


def _category(assignments: Sequence[Assignment] | UnsetType, room: str) -> str | None:
    """Return what the room is sold as; None where that is several things, or not known."""
    if isinstance(assignments, UnsetType):
        return None
    found = {one.category_id for one in assignments if one.is_active and one.resource_id == room}
    return next(iter(found)) if len(found) == 1 else None
