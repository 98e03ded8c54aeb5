"""How a room stands: one word for housekeeping and repairs together (vendors/mews.md 10.4)."""

from __future__ import annotations

from mappers import kit
from mappers.mews import words
from mappers.mews.wire import Resource
from pms_sync.domain.room_status import RoomStatus
from pms_sync.ports.mapper import Mapped, MappingContext


def to_mapped(row: Resource, context: MappingContext, at: str) -> Mapped:
    """Say how a room stands; who is in it is not told here. `at` is the JSON path of the row."""
    standing, codes = words.ROOM_STATES.get(row.state), kit.Codes(context.crosswalk)
    if standing is None:
        raise kit.rejected(f"{at}.State", row.state, "unknown state of a room", words.SHOWN)
    changed = kit.instant(f"{at}.UpdatedUtc", row.updated_utc)
    status = RoomStatus(
        vendor=words.VENDOR,
        property_ref=row.enterprise_id,
        room_ref=row.id,
        room=codes.ours("room", row.id),
        version=kit.version_of(changed),
        condition=standing.condition,
        service=standing.service,
        vendor_word=row.state,
        changed_at=changed,
    )
    return Mapped(room_statuses=(status,), unmapped=codes.unmapped)
