"""The Beds24 door: who may knock, and which booking a delivery is about. A delivery is a hint and no more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec

from connectors.beds24.wire import RESERVATIONS, SECRET_HEADER, Id, Struct
from connectors.kit.doors import check_secret, read_json
from pms_sync.domain.errors import MappingRejected
from pms_sync.ports.connector import Delivery, PartlyRead, VendorEvent


class _Booking(Struct):
    """The two fields a hint needs."""

    id: Id
    property_id: Id | None = None


class _Body(Struct):
    """Version 2 of the booking webhook (vendors/beds24.md 13.3)."""

    booking: _Booking


_ONE: msgspec.json.Decoder[_Body] = msgspec.json.Decoder(_Body)
_SEVERAL: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(
    Annotated[list[msgspec.Raw], msgspec.Meta(min_length=1, max_length=1_000)]
)


class Beds24Door:
    """Verifies the static header that we chose ourselves; there is no signature and no delivery id."""

    vendor = "beds24"
    header: str | None = SECRET_HEADER

    def verify(self, delivery: Delivery, secrets: Sequence[str], *, now: datetime) -> None:  # noqa: ARG002 - the port
        """Return when the header holds a valid secret; raises DeliveryRefused (401) otherwise."""
        check_secret(delivery.headers.get(SECRET_HEADER.lower()), secrets)

    def delivery_id(self, delivery: Delivery) -> str | None:  # noqa: ARG002 - the port
        """Return None: Beds24 has no delivery ids."""
        return None

    def read(self, body: bytes) -> list[VendorEvent]:
        """Name the bookings of a body: an object, or an intermediary's list; raises PartlyRead or MappingRejected."""
        if body.lstrip()[:1] != b"[":
            return [_event(read_json(_ONE, body))]
        several: list[msgspec.Raw] = read_json(_SEVERAL, body)
        read, unread = list[VendorEvent](), list[MappingRejected]()
        for number, one in enumerate(several):
            try:
                read.append(_event(read_json(_ONE, bytes(one))))
            except MappingRejected as rejected:
                place = f"$[{number}]{rejected.path.removeprefix('$')}"
                unread.append(MappingRejected(place, rejected.value, rejected.why))
        if unread and read:
            raise PartlyRead(unread[0], len(unread), tuple(read))
        if unread:
            raise unread[0]
        return read


def _event(told: _Body) -> VendorEvent:
    place = None if told.booking.property_id is None else str(told.booking.property_id)
    return VendorEvent(stream=RESERVATIONS, ref=str(told.booking.id), property_ref=place)


DOOR = Beds24Door()
