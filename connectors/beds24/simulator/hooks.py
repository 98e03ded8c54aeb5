"""Booking webhooks, version 2: who is told, what the body holds (vendors/beds24.md 13.2 to 13.5)."""

from __future__ import annotations

import msgspec

from connectors.beds24.simulator.hotel import Booking, Hotel, Property
from connectors.beds24.simulator.rows import PERSONAL
from connectors.kit.simulator.clock import SimulatedClock, stamp
from connectors.kit.simulator.contract import Row
from connectors.kit.simulator.webhooks import Delivery, Sender

VERSIONS = ("one", "twoNoPersonalData", "twoWithPersonalData")


def urls(place: Property) -> list[str]:
    """Return the receivers of a property, one URL per line; none unless version 2 is set."""
    if not place.webhooks["version"].startswith("two"):
        return []
    lines = (line.strip() for line in place.webhooks["url"].splitlines())
    return [line.replace("[PROPERTYID]", str(place.id)) for line in lines if line]


def headers(place: Property) -> dict[str, str]:
    """Return the free header lines `Name: value` of a property."""
    pairs = (line.partition(":") for line in place.webhooks["customHeader"].splitlines())
    return {name.strip(): value.strip() for name, colon, value in pairs if colon and name.strip()}


def body(hotel: Hotel, booking: Booking, place: Property, now: str, retries: int) -> Row:
    """Write the whole snapshot: the complete row with bookingGroup, and the lists beside it."""
    row = {"id": booking.id, "bookingGroup": hotel.group(booking), **booking.row}
    if place.webhooks["version"] == "twoNoPersonalData":
        row = {name: value for name, value in row.items() if name not in PERSONAL}
    return {
        "timeStamp": now,
        "booking": row,
        "infoItems": booking.info_items,
        "invoiceItems": booking.invoice_items,
        "messages": booking.messages,
        "retries": retries,
    }


class Announcer:
    """Queues a delivery for every receiver of a changed booking; the state at sending is what goes out."""

    def __init__(self, clock: SimulatedClock, sender: Sender, delay: float) -> None:
        """Send `delay` real seconds after the change; changes within that time are merged."""
        self._clock, self._sender, self._delay = clock, sender, delay

    def tell(self, hotel: Hotel, booking_id: int) -> None:
        """Queue the news of one booking."""
        booking = hotel.bookings.get(booking_id)
        place = hotel.properties.get(booking.row["propertyId"]) if booking else None
        if place is None:
            return
        for url in urls(place):
            self._sender.offer(self._delivery(hotel, booking_id, url, headers(place)), self._delay)

    def _delivery(self, hotel: Hotel, booking_id: int, url: str, lines: dict[str, str]) -> Delivery:
        def snapshot(attempt: int) -> bytes | None:
            booking = hotel.bookings.get(booking_id)
            place = hotel.properties.get(booking.row["propertyId"]) if booking else None
            if booking is None or place is None:
                return None
            return msgspec.json.encode(body(hotel, booking, place, stamp(self._clock.now()), attempt))

        return Delivery(str(booking_id), url, lines, snapshot)
