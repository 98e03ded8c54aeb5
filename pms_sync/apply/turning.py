"""Turning: an object that comes back as something else: a block lifted or sold, a booking made a block; or comes back.

A vendor may keep blocks and bookings as rows of one kind, and say of an ended row only that it is over. Who stored it
knows what it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from conflict import collisions
from pms_sync.apply import rows
from pms_sync.apply.incoming import Incoming
from pms_sync.apply.sift import Links
from pms_sync.domain.case import Case
from pms_sync.domain.reservation import Block, Revision
from pms_sync.domain.status import Status
from pms_sync.store.crosswalk import PropertyCatalogue
from pms_sync.store.links import Link

Row = Mapping[str, Any]
VANISHED = "vanished"


def as_known(incoming: Sequence[Incoming], known: Links) -> list[Incoming]:
    """Read a cancelled stay that we know only as a block as the end of that block."""
    return [_lifted(one, told) if (told := _end_of_block(one, known)) is not None else one for one in incoming]


def block_row(
    record: Incoming, before: Row | None, block_id: UUID, catalogue: PropertyCatalogue
) -> dict[str, Any] | None:
    """Return what becomes of the block under the record's ref, None where there is none.

    An ended block keeps its kind; one in whose place a booking stands has ended.
    """
    if isinstance(record.mapped, Block):
        row = rows.block_row(record, record.mapped, block_id, catalogue)
        return {**row, "kind": before["kind"]} if before is not None and row["gone"] else row
    if before is None or before["gone"]:
        return None
    return {**before, "gone": True, "claim_state": "none", "refused_ticket": None}


def shown_again(incoming: Iterable[Incoming], known: Links) -> list[tuple[str, str]]:
    """Name (kind, subject) of the cases that a new read settles: the object is there, or is a booking once more."""
    settled = []
    for record in incoming:
        link = _link(record, known, record.level)
        if link is None or record.ticket <= link.read_ticket:  # a replay is no new look at the vendor
            continue
        if link.missing_reads or (record.level == "stay" and _link(record, known, "block") is not None):
            settled.append((VANISHED, collisions.object_subject(link.level, link.object_id)))
    return settled


def no_longer_stays(fresh: Iterable[Incoming], known: Links) -> list[Case]:
    """Tell of the bookings that the vendor now shows as blocks: their stays are kept, and a person decides."""
    return [
        collisions.vanished(
            record.account.property_id,
            link.reservation_id,
            record.ref,
            collisions.object_subject(link.level, link.object_id),
        )
        for record in fresh
        if isinstance(record.mapped, Block) and not record.mapped.gone
        if (link := _link(record, known, "stay")) is not None
    ]


def _link(record: Incoming, known: Links, level: str) -> Link | None:
    return known.get((record.account.account_id, level, record.ref))


def _end_of_block(record: Incoming, known: Links) -> Revision | None:
    """Return what is told when it is one cancelled stay, known as a block and never as a stay."""
    told = record.mapped
    if not isinstance(told, Revision) or told.status is not Status.CANCELLED or len(told.room_stays) != 1:
        return None
    is_block = _link(record, known, "block") is not None and _link(record, known, "stay") is None
    return told if is_block else None


def _lifted(record: Incoming, told: Revision) -> Incoming:
    """Say it as a block that is gone; its kind is not told any more, `block_row` keeps the one it had."""
    [stay] = told.room_stays
    block = Block(
        vendor=told.vendor,
        ref=record.ref,
        property_ref=told.property_ref,
        version=told.version,
        room_type_ref=stay.room_type_ref,
        room_ref=stay.room_ref,
        room_type=stay.room_type,
        room=stay.room,
        arrival=stay.arrival,
        departure=stay.departure,
        kind="owner",
        gone=True,
    )
    return msgspec.structs.replace(record, mapped=block, unmapped=())
