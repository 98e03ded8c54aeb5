"""The Mews door: one for all properties of a client. A delivery names hundreds of objects, and is a hint and no more.

Sections are those of vendors/mews.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec

from connectors.kit.doors import check_secret, read_json
from connectors.mews.facts import BLOCKS, RESERVATIONS, ROOM_STATUS, SECRET_QUERY, is_ref
from pms_sync.domain.errors import MappingRejected
from pms_sync.ports.connector import Delivery, VendorEvent

_MOST_EVENTS = 10_000  # 12.1: "in the order of hundreds", and bodies are untrusted

# 12.1: what is read again by its id. Guests and payments are read with their reservations, which an event of theirs
# does not name; the poll of changed guests finds those, the nightly sweep these. An id that is no reservation's
# reads back as nothing.
_STREAMS = {"ServiceOrderUpdated": RESERVATIONS, "ResourceBlockUpdated": BLOCKS, "ResourceUpdated": ROOM_STATUS}


class _Value(msgspec.Struct, rename="pascal", gc=False):
    """All that is told of the object."""

    id: str


class _Event(msgspec.Struct, rename="pascal", gc=False):
    """One event; there are neither its time nor the object's state."""

    discriminator: str
    value: _Value | None = None


class _Body(msgspec.Struct, rename="pascal", gc=False):
    """A general webhook (12.1), or one about the integration itself (12.2), which has an action instead of events."""

    enterprise_id: str | None = None
    events: Annotated[list[_Event], msgspec.Meta(max_length=_MOST_EVENTS)] | None = None
    action: str | None = None


_BODY = msgspec.json.Decoder(_Body)


class MewsDoor:
    """Verifies the secret in the address, which is all that Mews offers; there is no delivery id (12.1)."""

    vendor = "mews"
    header: str | None = None

    def verify(self, delivery: Delivery, secrets: Sequence[str], *, now: datetime) -> None:  # noqa: ARG002 - the port
        """Return when the address holds a valid secret; raises DeliveryRefused (401) otherwise."""
        check_secret(delivery.query.get(SECRET_QUERY), secrets)

    def delivery_id(self, delivery: Delivery) -> str | None:  # noqa: ARG002 - the port
        """Return None: nothing tells one delivery from another."""
        return None

    def read(self, body: bytes) -> list[VendorEvent]:
        """Name each object once, with its property; nothing for events that are followed otherwise.

        News of the integration itself name no object: that it was disabled shows at the next call. They may carry a new
        access token, so nothing of them is repeated. Raises MappingRejected for a body of another shape.
        """
        told = read_json(_BODY, body)
        if told.events is None:
            if told.action is None:
                raise MappingRejected("$.Events", "(absent)", "neither events nor an action")
            return []
        if not told.enterprise_id:
            raise MappingRejected("$.EnterpriseId", "(absent)", "events of no property")
        followed = [event for event in told.events if event.discriminator in _STREAMS]
        refs = [(_STREAMS[event.discriminator], event.value.id if event.value else "") for event in followed]
        named = [(stream, ref) for stream, ref in refs if is_ref(ref)]
        if followed and not named:
            raise MappingRejected("$.Events[].Value.Id", "(not shown)", "the events name no object")
        return [
            VendorEvent(stream=stream, ref=ref, property_ref=told.enterprise_id) for stream, ref in dict.fromkeys(named)
        ]


DOOR = MewsDoor()
