"""The business-event queue's messages: which objects they are about (vendors/opera.md 8). Pure.

An event is a hint and no more: it is never believed, only followed by a read of the object. So neither the order of
messages matters, which is not guaranteed, nor which data elements the hotel ticked.
"""

from __future__ import annotations

import json
from typing import NamedTuple

import msgspec

from connectors.kit.doors import read_json
from connectors.opera import facts, wire
from connectors.opera.rows import is_ref, is_room
from pms_sync.domain.errors import MappingRejected
from pms_sync.ports.connector import RejectedRow, VendorEvent
from pms_sync.ports.queue import Drained

_MOST_BYTES = 32 * 1024 * 1024  # 8.3: an answer can reach 10 MB

# 8.4: the module's name; an official example tells its number instead, which fits the place in this list.
_MODULES = (
    "Activity Availability Block BlockOffsets Cashiering Catering CateringNotes Configuration ECertificate Enrollment "
    "Housekeeping MrEnrollment NightAudit OwnerContract Profile Rate Reservation StayRecords RoomRotation"
).split()
_BY_NAME = {name.casefold(): name for name in _MODULES}
_OUT = ("OUT OF ORDER", "OUT OF SERVICE")
_DAY_CLOSED = "CLOSE BUSINESS DATE"


class _Header(wire.Struct):
    module_name: str | int | None = None
    action_type: str | None = None
    primary_key: str | int | None = None
    hotel_id: str | None = None


class _Detail(wire.Struct):
    old_value: str | None = None
    new_value: str | None = None
    hotel_id: str | None = None


class _Event(wire.Struct):
    header: _Header = msgspec.field(default_factory=_Header)
    details: msgspec.Raw = wire.NOTHING


class _Message(wire.Struct):
    business_event: _Event


class _Body(wire.Struct):
    business_event_data: msgspec.Raw  # an answer without it is no empty list: empty is a 204 without a body


_BODY, _MESSAGE, _DETAIL = wire.loose(_Body), wire.loose(_Message), wire.loose(_Detail)


class _Meaning(NamedTuple):
    """What one message is about: an object to read, and what is to be listed."""

    event: VendorEvent | None = None
    sweep: frozenset[str] = frozenset()


class OperaQueue:
    """Reads drained bodies (ports.queue.QueueReader)."""

    streams = frozenset({facts.RESERVATIONS, facts.BLOCKS, facts.ROOM_STATUS})

    def read(self, body: bytes) -> Drained:
        """Say what the messages are about, each object once; raises MappingRejected for what is no list of messages."""
        rows = _rows(body)
        events: dict[VendorEvent, None] = {}
        sweep: set[str] = set()
        rejected: list[RejectedRow] = []
        for number, row in enumerate(rows):
            try:
                meaning = _meaning(row)
            except (ValueError, RecursionError) as error:
                why, _, place = str(error).partition(" - at ")
                path = f"$.businessEventData[{number}]{place.strip('`').removeprefix('$')}"
                rejected.append(RejectedRow(body=row, path=path, why=why.replace("`", "")))
                continue
            if meaning.event is not None:
                events[meaning.event] = None
            sweep |= meaning.sweep
        return Drained(
            messages=len(rows),
            events=tuple(events),
            sweep=frozenset(sweep),
            rejected=tuple(rejected),
            full=len(rows) >= facts.MOST_EVENTS,
        )


def _rows(body: bytes) -> list[bytes]:
    try:
        told = read_json(_BODY, body, most_bytes=_MOST_BYTES)
    except MappingRejected:
        told = read_json(_BODY, _each_by_itself(body), most_bytes=_MOST_BYTES)
    return wire.many(told.business_event_data)


def _each_by_itself(body: bytes) -> bytes:
    """Return a body in which a text that is no Unicode spoils its own message alone, and the body itself otherwise."""
    try:
        told = json.loads(body)["businessEventData"]
        rows = [row if _is_unicode(row) else {"unreadable": json.dumps(row)} for row in told]
    except (ValueError, RecursionError, TypeError, KeyError):
        return body
    return json.dumps({"businessEventData": rows}).encode()


def _is_unicode(row: object) -> bool:
    try:
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _meaning(row: bytes) -> _Meaning:
    """Read one message; raises ValueError when it does not say what it is about."""
    told = _MESSAGE.decode(row).business_event
    module, action = _module(told.header.module_name), " ".join((told.header.action_type or "").upper().split())
    if module == "Reservation":
        return _Meaning(event=_reservation(told))
    if module == "Housekeeping":
        return _room(told, frozenset({facts.BLOCKS} if _touches_repairs(action, told) else ()))
    if module == "NightAudit" and action == _DAY_CLOSED:
        return _Meaning(sweep=frozenset({facts.RESERVATIONS}))  # 10.4
    return _Meaning()


def _module(told: str | int | None) -> str:
    text = str(told if told is not None else "").strip()
    if text.isascii() and text.isdigit() and int(text) < len(_MODULES):
        return _MODULES[int(text)]
    name = _BY_NAME.get("".join(text.split()).casefold())
    if name is None:
        message = "an unknown module - at `$.businessEvent.header.moduleName`"
        raise ValueError(message)
    return name


def _reservation(told: _Event) -> VendorEvent:
    """Name the reservation; every action means the same: read it again, an unknown one too (8.5)."""
    ref = _key(told)
    if not is_ref(ref):
        message = "no reservation id - at `$.businessEvent.header.primaryKey`"
        raise ValueError(message)
    return VendorEvent(stream=facts.RESERVATIONS, ref=ref, property_ref=_place(told))


def _key(told: _Event) -> str:
    return str(told.header.primary_key if told.header.primary_key is not None else "").strip()


def _place(told: _Event) -> str | None:
    places = [told.header.hotel_id, *(one.hotel_id for one in wire.each(told.details, _DETAIL))]
    return next((place for place in places if place), None)


def _room(told: _Event, sweep: frozenset[str]) -> _Meaning:
    """Name the room, whose number the key is taken to be (8.4); without one all rooms are looked at."""
    number = _key(told)
    if not is_room(number):
        return _Meaning(sweep=sweep | {facts.ROOM_STATUS})
    return _Meaning(event=VendorEvent(stream=facts.ROOM_STATUS, ref=number, property_ref=_place(told)), sweep=sweep)


def _touches_repairs(action: str, told: _Event) -> bool:
    """Tell a room that goes out of order, or comes back, from one that was cleaned: its key names no repair."""
    values = [value for one in wire.each(told.details, _DETAIL) for value in (one.old_value, one.new_value)]
    return any(word in text.upper() for word in _OUT for text in (action, *(value or "" for value in values)))


QUEUE = OperaQueue()
