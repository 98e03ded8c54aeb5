"""How a room stands today, in fields that the vendor keeps apart (vendors/cloudbeds.md 10.5)."""

from __future__ import annotations

from mappers import kit
from mappers.cloudbeds import words
from mappers.cloudbeds.reading import Fields
from pms_sync.domain.room_status import RoomStatus
from pms_sync.ports.mapper import Mapped, MappingContext


def to_mapped(row: Fields, context: MappingContext) -> Mapped:
    """Say how a room stands: a vacant room to be touched up counts as that, a blocked one as out of order, as shown."""
    codes, ref, word = kit.Codes(context.crosswalk), row.needed_ref("roomID"), row.word("roomCondition")
    condition = words.CONDITIONS.get(word)
    if condition is None:
        raise row.rejected("roomCondition", "unknown condition of a room")
    pickup = bool(row.yes_or_no("vacantPickup"))
    status = RoomStatus(
        vendor=words.VENDOR,
        property_ref=row.ref("propertyID") or "",
        room_ref=ref,
        room=codes.ours("room", ref),
        condition="pickup" if pickup else condition,
        service="out_of_order" if row.yes_or_no("roomBlocked") else "in_service",
        occupied=row.yes_or_no("roomOccupied"),
        vendor_word=f"{word}, vacantPickup" if pickup else word,
        changed_on=row.day("date"),  # 10.5: the day of the last change of the condition, or a dash
    )
    return Mapped(room_statuses=(status,), unmapped=codes.unmapped)
