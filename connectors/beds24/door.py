"""The Beds24 door: who may knock, and which booking a delivery is about. A delivery is a hint and no more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec

from connectors.beds24.wire import RESERVATIONS, SECRET_HEADER, Id, Struct
from connectors.kit.doors import check_secret, read_json
from pms_sync.ports.connector import Delivery, VendorEvent


class _Booking(Struct):
    """The two fields a hint needs."""

    id: Id
    property_id: Id | None = None


class _Body(Struct):
    """Version 2 of the booking webhook (vendors/beds24.md 13.3)."""

    booking: _Booking


_ONE: msgspec.json.Decoder[_Body] = msgspec.json.Decoder(_Body)
_WRAPPED: msgspec.json.Decoder[list[_Body]] = msgspec.json.Decoder(
    Annotated[list[_Body], msgspec.Meta(min_length=1, max_length=1)]
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
        """Name the booking of a body, an object or an intermediary's list of one; raises MappingRejected."""
        if body.lstrip()[:1] == b"[":
            (told,) = read_json(_WRAPPED, body)
        else:
            told = read_json(_ONE, body)
        booking = told.booking
        place = None if booking.property_id is None else str(booking.property_id)
        return [VendorEvent(stream=RESERVATIONS, ref=str(booking.id), property_ref=place)]


DOOR = Beds24Door()
