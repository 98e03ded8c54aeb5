"""Room blocks: one block of the vendor's holds several rooms, one record of ours one (vendors/cloudbeds.md 10.7)."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from connectors.cloudbeds import facts, wire
from connectors.kit import rest
from pms_sync.ports.connector import Record, RejectedRow

_WHERE = f"GET {facts.ROOM_BLOCKS}"


def blocks_of(data: msgspec.Raw, property_ref: str) -> list[bytes]:
    """List the blocks of our property; raises Refused for an answer of another shape."""
    listed = wire.elements(data, _WHERE) if bytes(data).lstrip()[:1] == b"[" else [bytes(data)]
    places = wire.read_all(listed, wire.BLOCKS_OF, _WHERE)
    if any(place.room_blocks is None for place in places):
        what = "the answer has another shape than documented: no roomBlocks"
        raise rest.Refused(what, _WHERE)
    mine = [place for place in places if wire.text(place.property_id) in {"", property_ref}]
    return [bytes(block) for place in mine for block in place.room_blocks or ()]


def split(rows: Sequence[bytes], property_ref: str) -> tuple[list[Record], tuple[RejectedRow, ...]]:
    """Make one record of each blocked room, named after block and room; a block without rooms is rejected."""
    records: list[Record] = []
    rejected: list[RejectedRow] = []
    for row in rows:
        try:
            records += _rooms(row, property_ref)
        except (ValueError, RecursionError) as error:
            why, _, path = str(error).partition(" - at ")
            rejected.append(RejectedRow(body=row, path=path.strip("`") or "$", why=why.replace("`", "")))
    return records, tuple(rejected)


def ref_of(block: str, room: str) -> str:
    """Name a blocked room: `eventID` would do, but webhooks do not tell it (11.3)."""
    return f"{block}/{room}"


def _rooms(row: bytes, property_ref: str) -> list[Record]:
    block, fields = wire.ROOM_BLOCK.decode(row), wire.FIELDS.decode(row)
    if not wire.text(block.room_block_id) or not block.rooms:
        missing = "rooms" if wire.text(block.room_block_id) else "roomBlockID"
        message = f"a room block without {missing} - at `$.{missing}`"
        raise ValueError(message)
    return [_record(fields, wire.text(block.room_block_id), room, property_ref) for room in block.rooms]


def _record(fields: dict[str, msgspec.Raw], block: str, room: msgspec.Raw, property_ref: str) -> Record:
    told = wire.text(wire.BLOCKED_ROOM.decode(room).room_id)
    if not told:
        message = "a blocked room without a name - at `$.rooms[].roomID`"
        raise ValueError(message)
    place = msgspec.Raw(msgspec.json.encode(property_ref))
    one = {"propertyID": place, **fields, "rooms": msgspec.Raw(b"[" + bytes(room) + b"]")}
    return Record(
        stream=facts.BLOCKS, ref=ref_of(block, told), property_ref=property_ref, body=msgspec.json.encode(one)
    )
