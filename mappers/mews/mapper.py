"""The Mews mapper as the engine sees it: raw bytes in, meaning out, or a rejection."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from mappers import kit
from mappers.mews import blocks, project, reservations, rooms, wire, words
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.reservation import Revision
from pms_sync.ports.connector import PLUGIN_API, VendorRequest
from pms_sync.ports.mapper import Change, Mapped, MappingContext

STREAMS = frozenset({"reservations", "guests", "blocks", "room_status"})

Parts = Mapping[str, msgspec.Raw]

_STAY, _BLOCK, _ROOM = "Reservation", "ResourceBlock", "Resource"
_PAGES = ("Reservations", "ResourceBlocks", "Resources")
_OF_ROOM = frozenset({"State", "Data", "Directions"})  # 10.4: what only a resource has together
_HINTS = frozenset({"Events", "Action"})
_LONGEST_REF = 200


class MewsMapper:
    """Maps reservations, resource blocks and rooms of the Connector API, whole records or rows as they are listed."""

    vendor = words.VENDOR
    version = 1
    plugin_api = PLUGIN_API

    def to_revisions(self, stream: str, raw: bytes, context: MappingContext) -> Mapped:
        """Map one record, or one bare row, which says less; raises MappingRejected, and nothing else.

        What a record is shows in itself: the stream of guests brings the reservations of those who changed.
        """
        if stream not in STREAMS:
            raise MappingRejected("$", stream, f"no such stream; mews has: {', '.join(sorted(STREAMS))}")
        parts = kit.read(wire.PARTS, raw, frozenset())
        try:
            return _mapped(parts, raw, context)
        except MappingRejected as rejection:
            rejection.ref = rejection.ref or _ref(parts)
            raise

    def rows(self, body: bytes) -> list[bytes]:
        """Split a file: a record, a list of them, or a page as the vendor sends it; none for a webhook, a hint only.

        Raises MappingRejected when the file is not JSON, or is the vendor's error answer.
        """
        elements = kit.split_list(body)
        if elements is not None:
            return elements
        whole = kit.without_bom(body)
        if whole[:1] != b"{":
            kit.read(wire.ANY, whole, frozenset())
            return [whole]
        parts = kit.read(wire.PARTS, whole, frozenset())
        if not parts.keys().isdisjoint({_STAY, _BLOCK, _ROOM, "Id"}):
            return [whole]
        pages = [name for name in _PAGES if name in parts]
        if pages:
            return [row for name in pages for row in _elements(name, parts[name])]
        if "Message" in parts:
            raise MappingRejected("$.Message", "(not shown)", "an error answer of the vendor, not a page of records")
        return [] if parts.keys() & _HINTS else [whole]

    def project(self, state: Revision, context: MappingContext) -> Revision:
        """Say what Mews can hold of our state of one stay; raises MappingRejected for what it has no code for."""
        return project.project(state, context)

    def to_requests(self, change: Change, context: MappingContext) -> list[VendorRequest]:
        """Raise MappingRejected: nothing is written to Mews in this version."""
        del context
        return project.to_requests(change)


def _mapped(parts: Parts, raw: bytes, context: MappingContext) -> Mapped:
    if _BLOCK in parts:
        return blocks.to_mapped(kit.read(wire.BLOCK_RECORD, raw, words.SHOWN), context, f"$.{_BLOCK}")
    if _STAY in parts:
        return reservations.to_mapped(kit.read(wire.RECORD, raw, words.SHOWN), context, f"$.{_STAY}")
    if _ROOM in parts:
        return rooms.to_mapped(kit.read(wire.ROOM_RECORD, raw, words.SHOWN).resource, context, f"$.{_ROOM}")
    if parts.keys() >= _OF_ROOM:
        return rooms.to_mapped(kit.read(wire.ROOM, raw, words.SHOWN), context, "$")
    if "AssignedResourceId" in parts and "EndUtc" in parts and "GroupId" not in parts:
        row = kit.read(wire.BLOCK, raw, words.SHOWN)
        return blocks.to_mapped(wire.BlockRecord(resource_block=row), context, "$")
    stay = kit.read(wire.RESERVATION, raw, words.SHOWN)
    return reservations.to_mapped(wire.Record(reservation=stay), context, "$")


def _elements(name: str, listed: msgspec.Raw) -> list[bytes]:
    """Split the list of a page."""
    elements = kit.split_list(bytes(listed))
    if elements is None:
        raise MappingRejected(f"$.{name}", "(not shown)", "no list")
    return elements


def _ref(parts: Parts) -> str | None:
    """Find the id of a record that could not be mapped, as far as it is one."""
    inner = next((parts[name] for name in (_STAY, _BLOCK, _ROOM) if name in parts), None)
    try:
        told = parts if inner is None else wire.PARTS.decode(inner)
        ref = wire.NAME.decode(told["Id"])
    except (ValueError, LookupError, RecursionError):
        return None
    return ref if 0 < len(ref) <= _LONGEST_REF and ref.isprintable() else None


MAPPER = MewsMapper()
