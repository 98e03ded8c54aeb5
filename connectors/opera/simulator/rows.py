"""Blank rows of the chain, and where its numbers stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from connectors.kit.simulator.contract import Row
from connectors.opera.simulator.site import Place
from connectors.opera.simulator.states import RESERVED

OUT_OF_ORDER, OUT_OF_SERVICE = "OutOfOrder", "OutOfService"
CHANNEL_CODES: Mapping[str, str] = MappingProxyType(
    {
        "booking_com": "BOOKING.COM",
        "airbnb": "AIRBNB",
        "expedia": "EXPEDIA",
        "agoda": "AGODA",
        "vrbo": "VRBO",
        "booking_page": "IBE",
        "other": "OTHER",
    }
)
"""Source codes are the hotel's own; these are the ones of the seeded hotels."""
PMS, CHANNEL = "PMS", "CHANNEL"


@dataclass
class Counters:
    """Where the vendor's numbers stand; they only grow."""

    reservation: int = 41_000
    confirmation: int = 7_000_000
    cancellation: int = 880_000
    profile: int = 50_000
    repair: int = 900
    comment: int = 30_000

    def next(self, kind: str) -> str:
        """Return the next number of a kind, as text."""
        value = int(getattr(self, kind)) + 1
        setattr(self, kind, value)
        return str(value)


def source(place: Place, channel: str) -> Row:
    """Return where a booking came from; `channel` is a public word, or `direct` for the hotel's own staff."""
    if channel == "direct":
        return {"sourceType": PMS, "sourceOfSale": place.code, "sourceCode": "DIR", "bookingMedium": "PHONE"}
    code = CHANNEL_CODES.get(channel, CHANNEL_CODES["other"])
    return {"sourceType": CHANNEL, "sourceOfSale": code, "sourceCode": code, "bookingMedium": "WEB"}


def reference(fields: Row, value: str) -> list[Row]:
    """Return the external reference of a booking that came from elsewhere."""
    return [{"id": value, "idExtension": 1, "idContext": str(fields["sourceOfSale"])[:20]}]


def blank(place: Place, counters: Counters, now: str, business_date: str) -> Row:
    """Return a new direct reservation for one night from the business date, without guests."""
    return {
        "id": counters.next("reservation"),
        "confirmation": counters.next("confirmation"),
        "hotelId": place.code,
        "reservationStatus": RESERVED,
        "arrivalDate": business_date,
        "departureDate": business_date,
        "expectedArrival": "15:00",
        "expectedDeparture": "11:00",
        "roomType": place.room_types[0].code if place.room_types else None,
        "roomTypeCharged": place.room_types[0].code if place.room_types else None,
        "roomId": None,
        "numberOfUnits": 1,
        "pseudoRoom": False,
        "adults": 2,
        "children": 0,
        "ratePlanCode": place.rate_plans[0].code,
        "marketCode": place.rate_plans[0].market,
        "guaranteeCode": "GTD",
        "paymentMethod": "CA",
        "currencyCode": place.currency,
        "prices": [],
        **source(place, "direct"),
        "externalReferences": [],
        "guests": [],
        "attached": [],
        "comments": [],
        "walkIn": False,
        "createDateTime": now,
        "createBusinessDate": business_date,
        "lastModifyDateTime": now,
        "cancellationNo": None,
        "cancellationCode": None,
        "cancelledOn": None,
        "folioClosedOn": None,
        "extra": {},
    }


def cancelled(counters: Counters, business_date: str) -> Row:
    """Return what stands on a reservation when it is cancelled."""
    number = counters.next("cancellation")
    return {"cancellationNo": number, "cancellationCode": "GUEST", "cancelledOn": business_date}


ALIVE = MappingProxyType({"cancellationNo": None, "cancellationCode": None, "cancelledOn": None})


def comment(counters: Counters, text: str, now: str, *, internal: bool) -> Row:
    """Return a comment on a reservation."""
    kind = "RESERVATION" if internal else "GEN"
    return {"id": counters.next("comment"), "text": text, "type": kind, "internal": internal, "at": now}


def repair(counters: Counters, place: Place, room: str, start: str, last: str) -> Row:
    """Return a room out of order from one day to another, both included."""
    return {
        "id": counters.next("repair"),
        "hotelId": place.code,
        "roomId": room,
        "housekeepingRoomStatus": OUT_OF_ORDER,
        "start": start,
        "end": last,
        "returnStatus": "Dirty",
        "reasonCode": "MAINT",
        "repairRemarks": "Painting",
    }
