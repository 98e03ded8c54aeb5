"""A vendor for the tests of draining: a queue that hands each message out once, beside bookings that can be listed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec

from pms_sync.domain.errors import MappingRejected
from pms_sync.ports.connector import (
    ConnectorSpec,
    Page,
    RateBudget,
    RejectedRow,
    Sighting,
    StreamSpec,
    VendorEvent,
    Window,
)
from pms_sync.ports.queue import Drained

EVENTS, BOOKINGS = "events", "reservations"
MOST = 3  # messages of one body
SPEC = ConnectorSpec(
    vendor="beds24",
    label="Queued",
    capabilities=frozenset(),
    streams=(
        StreamSpec(
            name=BOOKINGS,
            feed="sweep",
            snapshot_dimension="arrival",
            day_dimensions=("cancelled",),
            period=timedelta(days=1),
            overlap=timedelta(minutes=5),
        ),
        StreamSpec(name=EVENTS, feed="queue"),
    ),
    rate_budget=RateBudget(credits=Decimal(100), window_s=300),
    max_in_flight=1,
    batch_fetch_limit=1,
)


class PlainReader:
    """Reads a list of messages: an object with `ref` and perhaps `property`, a text names a stream to sweep."""

    streams = frozenset({BOOKINGS})

    def read(self, body: bytes) -> Drained:
        """Return what the messages are about; anything but an object or a text cannot be read."""
        try:
            told: list[Any] = msgspec.json.decode(body, type=list[Any])
        except msgspec.DecodeError as error:
            raise MappingRejected("$", "(not shown)", "no list of messages") from error
        objects = [one for one in told if isinstance(one, dict)]
        odd = [one for one in told if not isinstance(one, dict | str)]
        return Drained(
            messages=len(told),
            events=tuple(_event(one) for one in objects),
            sweep=frozenset(one for one in told if isinstance(one, str)),
            rejected=tuple(RejectedRow(body=msgspec.json.encode(one), path="$", why="no message") for one in odd),
            full=len(told) >= MOST,
        )


def _event(told: dict[str, Any]) -> VendorEvent:
    return VendorEvent(stream=BOOKINGS, ref=told["ref"], property_ref=told.get("property"))


class QueueHotel:
    """The vendor's side: `say` puts messages into the queue, `book` makes bookings that a listing names."""

    def __init__(self) -> None:
        self.spec, self.queue = SPEC, PlainReader()
        self.waiting: list[object] = []
        self.bookings: dict[str, str] = {}
        self.windows: list[Window] = []
        self.asked = 0
        self.before_answer: Callable[[list[object]], Awaitable[None]] | None = None

    def say(self, *messages: object) -> None:
        """Put messages into the queue; a text is short for the ref of a booking."""
        self.waiting += [{"ref": one} if isinstance(one, str) else one for one in messages]

    def book(self, ref: str, version: str) -> None:
        """Make or change a booking."""
        self.bookings[ref] = version

    async def drain(self, stream: str) -> bytes | None:
        """Hand out the oldest messages; whatever goes wrong after that, they are gone."""
        assert stream == EVENTS
        self.asked += 1
        taken, self.waiting = self.waiting[:MOST], self.waiting[MOST:]
        if self.before_answer is not None:
            await self.before_answer(taken)
        return msgspec.json.encode(taken) if taken else None

    async def pull(self, stream: str, window: Window, page: str | None) -> Page:
        """Name every booking, along either dimension."""
        assert (stream, page) == (BOOKINGS, None)
        self.windows.append(window)
        return Page(records=(), sightings=tuple(Sighting(ref, version) for ref, version in self.bookings.items()))
