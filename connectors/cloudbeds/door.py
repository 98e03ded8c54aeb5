"""The Cloudbeds door: who may knock, and which object a delivery is about. A delivery is a hint and no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from connectors.cloudbeds.facts import BLOCKS, RESERVATIONS, ROOM_STATUS, SECRET_QUERY
from connectors.kit.doors import check_secret, read_json
from pms_sync.domain.errors import MappingRejected
from pms_sync.ports.connector import Delivery, VendorEvent

_BODY: msgspec.json.Decoder[dict[str, Any]] = msgspec.json.Decoder(dict[str, Any])
_LONGEST_REF = 64

Fields = Mapping[str, Any]


class CloudbedsDoor:
    """Verifies the secret that we put into the address; there is no signature and no delivery id (11.2)."""

    vendor = "cloudbeds"
    header: str | None = None

    def verify(self, delivery: Delivery, secrets: Sequence[str], *, now: datetime) -> None:  # noqa: ARG002 - the port
        """Return when the address holds a valid secret; raises DeliveryRefused (401) otherwise."""
        check_secret(delivery.query.get(SECRET_QUERY), secrets)

    def delivery_id(self, delivery: Delivery) -> str | None:  # noqa: ARG002 - the port
        """Return None: no id is sent, and two changes within one tick of the timestamp may have one body."""
        return None

    def read(self, body: bytes) -> list[VendorEvent]:
        """Name the objects of a body; none for an event that nothing here follows. Raises MappingRejected.

        Keys are matched without regard to case, since the vendor spells them in two ways (11.3).
        """
        told = {name.lower(): value for name, value in read_json(_BODY, body).items()}
        event = told.get("event")
        if not isinstance(event, str) or "/" not in event:
            raise MappingRejected("$.event", "(not shown)", "no event is named")
        follow = _BY_ENTITY.get(event.partition("/")[0].lower())
        return follow(told, _text(told, "propertyid") or None) if follow else []


def _text(told: Fields, name: str) -> str:
    """Read an id: the text beside a number is exact where the number may not be (11.3)."""
    for value in (told.get(f"{name}_str"), told.get(name)):
        if isinstance(value, (str, int)) and not isinstance(value, bool) and len(str(value)) <= _LONGEST_REF:
            return str(value)
    return ""


def _reservation(told: Fields, place: str | None) -> list[VendorEvent]:
    """Name the reservation; raises MappingRejected where an event of one names none."""
    ref = _text(told, "reservationid")
    if not ref:
        raise MappingRejected("$.reservationID", "(not shown)", "an event of a reservation names none")
    return [VendorEvent(stream=RESERVATIONS, ref=ref, property_ref=place), *_entered(told, place)]


def _entered(told: Fields, place: str | None) -> list[VendorEvent]:
    """Name the room that guests came into or left, where that is what is told: whether it is occupied has changed."""
    is_it = str(told.get("event")).lower().endswith("/accommodation_status_changed")
    return _room(told, place) if is_it else []


def _room(told: Fields, place: str | None) -> list[VendorEvent]:
    """Name the room that is to be looked at; the next listing finds what an event of no room was about."""
    ref = _text(told, "roomid")
    return [VendorEvent(stream=ROOM_STATUS, ref=ref, property_ref=place)] if ref else []


def _guest(told: Fields, place: str | None) -> list[VendorEvent]:
    """Name the reservation of a guest; some events tell none, and the poll of changed guests finds those."""
    ref = _text(told, "reservationid")
    return [VendorEvent(stream=RESERVATIONS, ref=ref, property_ref=place)] if ref else []


def _room_block(told: Fields, place: str | None) -> list[VendorEvent]:
    """Name each blocked room; a room that left its block is found by the next sweep."""
    block, rooms = _text(told, "roomblockid"), told.get("rooms")
    if not block:
        raise MappingRejected("$.roomBlockID", "(not shown)", "an event of a room block names none")
    named = [
        _text({name.lower(): value for name, value in room.items()}, "roomid")
        for room in (rooms if isinstance(rooms, list) else [])
        if isinstance(room, dict)
    ]
    return [VendorEvent(stream=BLOCKS, ref=f"{block}/{room}", property_ref=place) for room in named if room]


_BY_ENTITY: dict[str, Callable[[Fields, str | None], list[VendorEvent]]] = {
    "reservation": _reservation,
    "guest": _guest,
    "roomblock": _room_block,
    "housekeeping": _room,
}

DOOR = CloudbedsDoor()
