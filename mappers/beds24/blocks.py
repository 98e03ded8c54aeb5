"""Beds24 rows with status `black`: nights held with no guest."""

from __future__ import annotations

from mappers import kit
from mappers.beds24 import words
from mappers.beds24.wire import Row
from pms_sync.domain.reservation import Block


def to_block(row: Row, room_ref: str | None, version: str, codes: kit.Codes, at: str) -> Block:
    """Read a block; one cancelled by its sub-status is gone.

    A row whose status itself became `cancelled` no longer says that it was a block: whoever stored it knows.
    """
    stay = kit.stay_range(row.arrival, row.departure, at)
    room_type_ref = str(row.room_id)
    return Block(
        vendor=words.VENDOR,
        ref=str(row.id),
        property_ref=str(row.property_id),
        version=version,
        room_type_ref=room_type_ref,
        room_ref=room_ref,
        room_type=codes.ours("room_type", room_type_ref),
        room=codes.ours("room", room_ref),
        arrival=stay.arrival,
        departure=stay.departure,
        kind="owner",
        gone=row.sub_status in words.BLOCK_GONE,
    )
