"""The Opera mapper as the engine sees it: raw bytes in, meaning out, or a rejection."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec import Raw

from mappers import kit
from mappers.opera import blocks, project, reservations, rooms, summaries, wire, words
from mappers.opera.reading import NOTHING, each, parts, split
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.reservation import Revision
from pms_sync.domain.room_status import STREAM as ROOM_STATUS
from pms_sync.ports.connector import PLUGIN_API, VendorRequest
from pms_sync.ports.mapper import Change, Mapped, MappingContext

STREAMS = frozenset({"reservations", "blocks", ROOM_STATUS})
Parts = dict[str, Raw]

# Where an answer keeps its objects, from the outside in (6.1, 6.2, 7.1, 7.2); the last key holds them.
_ENVELOPES = (
    ("reservations", "reservation"),
    ("reservations", "reservationInfo"),
    ("housekeepingRoomInfo", "housekeepingRooms", "room"),
    ("housekeepingRooms", "room"),
    ("hotelRoomsDetails", "room"),
)
# What only an object of that kind has; a search row has its guest in the singular.
_OF_SEARCH = frozenset({"reservationGuest", "attachedProfiles", "hotelName", "reservationPaymentMethod"})
_OF_STAY = frozenset({"ratePlanCode", "rateAmount", "totalAmount", "adultCount", "numberOfRooms", "roomType"})


class OperaMapper:
    """Maps reservations of the single read and of a search, rooms with their repairs, and how rooms stand."""

    vendor = words.VENDOR
    version = 1
    plugin_api = PLUGIN_API

    def to_revisions(self, stream: str, raw: bytes, context: MappingContext) -> Mapped:
        """Map one record; raises MappingRejected, and nothing else, on what it cannot read.

        What a record is shows in itself, but for a room: the board shows its repairs beside how it stands, and in a
        file they are what counts.
        """
        if stream not in STREAMS:
            raise MappingRejected("$", stream, f"no such stream; opera has: {', '.join(sorted(STREAMS))}")
        told = parts(raw)
        try:
            reader = rooms.to_mapped if stream == ROOM_STATUS else _reader(told)
            return reader(raw, context, "$")
        except MappingRejected as rejection:
            rejection.ref = rejection.ref or _ref(told)
            raise

    def rows(self, body: bytes) -> list[bytes]:
        """Split a file: a record, a list of them, or an answer of the vendor's; none for drained business events.

        Raises MappingRejected when the file is not JSON, or is the vendor's error answer.
        """
        elements = kit.split_list(body)
        if elements is not None:
            return elements
        whole = kit.without_bom(body)
        kit.read(wire.ANY, whole, frozenset())
        if whole[:1] != b"{":
            return [whole]
        told = parts(whole)
        if "o:errorCode" in told or ("title" in told and "status" in told):
            raise MappingRejected("$.title", "(not shown)", "an error answer of the vendor, not a page of records")
        if "businessEventData" in told:
            return []
        for envelope in _ENVELOPES:
            found = _inside(told, envelope)
            if found is not None:
                return found
        return [whole]

    def project(self, state: Revision, context: MappingContext) -> Revision:
        """Say what Opera can hold of our state; raises MappingRejected for what it has no code for."""
        return project.project(state, context)

    def to_requests(self, change: Change, context: MappingContext) -> list[VendorRequest]:
        """Raise MappingRejected: nothing is written to Opera in this version."""
        del context
        return project.to_requests(change)


def _reader(told: Parts) -> Callable[[bytes, MappingContext, str], Mapped]:
    """Tell what a record is by the keys that only its kind has."""
    if "outOfOrder" in told and "reservationIdList" not in told:
        return blocks.to_mapped
    if "housekeeping" in told and "reservationIdList" not in told:
        return rooms.to_mapped
    stay = told.get("roomStay")
    inner = parts(bytes(stay)) if stay is not None and bytes(stay).lstrip()[:1] == b"{" else {}
    is_search = bool(_OF_SEARCH & told.keys()) or ("roomRates" not in inner and bool(_OF_STAY & inner.keys()))
    return summaries.to_mapped if is_search else reservations.to_mapped


def _inside(told: Parts, envelope: tuple[str, ...]) -> list[bytes] | None:
    """Follow an envelope's keys to its objects, each with the hotel that it names; None when that is no such file."""
    for name in envelope[:-1]:
        inner = told.get(name)
        if inner is None or bytes(inner).lstrip()[:1] != b"{":
            return None
        told = parts(bytes(inner))
    if envelope[-1] not in told:
        return None
    place = {name: told[name] for name in ("hotelId",) if name in told}
    return [_placed(one.raw, place) for one in split(told[envelope[-1]], "$") or ()]


def _placed(raw: bytes, place: Parts) -> bytes:
    if not place or raw.lstrip()[:1] != b"{":
        return raw
    return msgspec.json.encode(place | parts(raw))


def _ref(told: Parts) -> str | None:
    """Find the name of a record that could not be mapped, as far as it has one."""
    try:
        names = each(wire.IDENTIFIER, told.get("reservationIdList", NOTHING), "$.reservationIdList")
        return next(
            (str(one.id) for one, _ in names if one.type == words.RESERVATION and words.is_ref(str(one.id))), None
        )
    except MappingRejected:
        return None


MAPPER = OperaMapper()
