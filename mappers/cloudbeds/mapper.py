"""The Cloudbeds mapper as the engine sees it: raw bytes in, meaning out, or a rejection."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import msgspec

from mappers import kit
from mappers.cloudbeds import blocks, project, reservations, rooms, words
from mappers.cloudbeds.reading import ROW, Fields
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.reservation import Revision
from pms_sync.ports.connector import PLUGIN_API, VendorRequest
from pms_sync.ports.mapper import Change, Mapped, MappingContext

STREAMS = frozenset({"reservations", "guests", "blocks", "room_status"})


class CloudbedsMapper:
    """Maps reservations of all three reads, room blocks and rooms of the PMS API v1.3."""

    vendor = words.VENDOR
    version = 1
    plugin_api = PLUGIN_API

    def to_revisions(self, stream: str, raw: bytes, context: MappingContext) -> Mapped:
        """Map one record; raises MappingRejected, and nothing else, on what it cannot read.

        What a record is shows in itself: the stream of guests brings the reservations of those who changed.
        """
        if stream not in STREAMS:
            raise MappingRejected("$", stream, f"no such stream; cloudbeds has: {', '.join(sorted(STREAMS))}")
        row = Fields(kit.read(ROW, raw, words.SHOWN), "$")
        try:
            return _kind(row).read(row, context)
        except MappingRejected as rejection:
            rejection.ref = rejection.ref or _ref(row)
            raise

    def rows(self, body: bytes) -> list[bytes]:
        """Split a file: a record, a list of them, or an answer of the vendor's; none for a webhook, which is a hint.

        Raises MappingRejected when the file is not JSON, or is the vendor's error answer.
        """
        elements = kit.split_list(body)
        if elements is not None:
            return elements
        whole = kit.without_bom(body)
        told = kit.read(_PARTS, whole, frozenset())
        if bytes(told.get("success", b"")) == b"false":
            raise MappingRejected("$.success", "false", "an error answer of the vendor, not a page of records")
        if "reservationID" in told or "roomBlockID" in told or "data" not in told:
            return [] if "event" in told else [whole]
        return _rows_of(bytes(told["data"]))

    def project(self, state: Revision, context: MappingContext) -> Revision:
        """Say what Cloudbeds can hold of our state; raises MappingRejected for what it has no code for."""
        return project.project(state, context)

    def to_requests(self, change: Change, context: MappingContext) -> list[VendorRequest]:
        """Raise MappingRejected: nothing is written to Cloudbeds in this version."""
        del context
        return project.to_requests(change)


_PARTS: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw])


def _rows_of(data: bytes) -> list[bytes]:
    """List the records under `data`: a list, one record, the room blocks of a property, or a map keyed by id (3)."""
    elements = kit.split_list(data)
    if elements is not None:
        return [row for element in elements for row in _with_blocks(element)]
    told = kit.read(_PARTS, data, frozenset())
    if "reservationID" in told or "roomBlocks" in told or "roomBlockID" in told:
        return _with_blocks(data)
    return [bytes(value) for value in told.values()]


def _with_blocks(element: bytes) -> list[bytes]:
    """Give each room block of a property the name of the property; any other element stands for itself."""
    if element.lstrip()[:1] != b"{":
        return [element]
    told = kit.read(_PARTS, element, frozenset())
    listed = kit.split_list(bytes(told["roomBlocks"])) if "roomBlocks" in told else None
    if listed is None:
        return [element]
    place = {name: told[name] for name in ("propertyID",) if name in told}
    return [
        msgspec.json.encode(place | kit.read(_PARTS, block, frozenset())) if block.lstrip()[:1] == b"{" else block
        for block in listed
    ]


class _Kind(NamedTuple):
    """How one kind of record is read, and the field that names it."""

    read: Callable[[Fields, MappingContext], Mapped]
    name: str


_RESERVATION, _BLOCK = _Kind(reservations.to_mapped, "reservationID"), _Kind(blocks.to_mapped, "roomBlockID")
_ROOM = _Kind(rooms.to_mapped, "roomID")


def _kind(row: Fields) -> _Kind:
    """Tell what a record is by the keys that only its kind has."""
    if "reservationID" in row:
        return _RESERVATION
    if "roomBlockID" in row:
        return _BLOCK
    return _ROOM if "roomCondition" in row else _RESERVATION


def _ref(row: Fields) -> str | None:
    """Find the id of a record that could not be mapped, as far as it is one."""
    try:
        return row.ref(_kind(row).name)
    except MappingRejected:
        return None


MAPPER = CloudbedsMapper()
