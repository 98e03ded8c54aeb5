"""The raw Beds24 booking row: its keys in wire order, and the small vendor tables the simulator draws on."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from connectors.kit.simulator.contract import Row

STATUSES = ("confirmed", "request", "new", "cancelled", "black", "inquiry")
SUB_STATUSES = (
    "actionRequired",
    "allotment",
    "cancelledByGuest",
    "cancelledByHost",
    "noShow",
    "waitlist",
    "walkin",
    "none",
    "nonPayment",
)
TAKES_A_UNIT = frozenset({"new", "confirmed", "request", "black"})
"""Whether `request` holds stock depends on settings (vendors/beds24.md 6.3); here it does."""

# Source numbers and display texts: vendors/beds24.md 6.1 and 6.4.
SOURCES: MappingProxyType[str, tuple[int, str]] = MappingProxyType(
    {
        "direct": (0, "Direct"),
        "bookingpage": (1, "Booking Page"),
        "booking": (19, "Booking.com"),
        "airbnb": (46, "Airbnb"),
        "expedia": (14, "Expedia"),
        "agoda": (17, "Agoda"),
        "vrbo": (30, "Vrbo"),
        "hostelworld": (24, "Hostelworld"),
        "ota": (42, "OTA"),
    }
)
OTAS = ("booking", "airbnb", "expedia", "agoda", "vrbo", "hostelworld")

# The enum of the `channel` filter in the vendor's API file.
_CHANNEL_WORDS = """
agoda airbnb asiatravel atraveode booking bookingpage despegar direct edreamsodigeo expedia feratel
goibibo hometogo hostelworld hotelbeds hrs jomres marriott ostrovokru ota tiket tomastravel
traveloka travia traum trip tripadvisorrentals vacationstay vrbo airbnbical bedandbreakfasteu
bedandbreakfastnl bookeasycomau bookitconz flipkey googlecal googleads guestlinkcouk
holidaylettingscouk hostelinternational hostelsclub housetripcom icalimport1 icalimport2 icalimport3
lastminute nzaa reserva rezintelnet tablethotels traumferienwohnungen trivagocom visitscotlandcom
vrboical webroomsconz
"""
CHANNEL_FILTER = frozenset(_CHANNEL_WORDS.split())

# What a token without the scope does not see (vendors/beds24.md 2.3: the keys are missing, not empty).
_PERSONAL_WORDS = """
title firstName lastName email phone mobile fax company address city state postcode country country2 comments message
guests messages
"""
PERSONAL = frozenset(_PERSONAL_WORDS.split())
FINANCIAL = frozenset({"price", "deposit", "tax", "commission", "rateDescription", "invoiceItems"})

_TEXTS_BEFORE = "title firstName lastName email phone mobile fax company address city state postcode country"
_TEXTS_AFTER = "arrivalTime voucher comments notes message"


def blank(booking_id: int, now: str) -> Row:
    """Return a new direct booking row with the vendor's empty values ("" for texts, not null)."""
    customs = {f"custom{number}": "" for number in range(1, 11)}
    return {
        "id": booking_id,
        "masterId": None,
        "propertyId": 0,
        "roomId": 0,
        "unitId": 0,
        "roomQty": 1,
        "offerId": 0,
        "status": "confirmed",
        "subStatus": "none",
        "arrival": "",
        "departure": "",
        "numAdult": 2,
        "numChild": 0,
        **dict.fromkeys(_TEXTS_BEFORE.split(), ""),
        "country2": None,
        **dict.fromkeys(_TEXTS_AFTER.split(), ""),
        "groupNote": "",
        **customs,
        "flagColor": "",
        "flagText": "",
        "statusCode": 0,
        "lang": "",
        **_origin("direct"),
        "allowChannelUpdate": "all",
        "allowAutoAction": "enable",
        "allowReview": "default",
        "allowCancellation": {"type": "propertyDefault"},
        "bookingTime": now,
        "modifiedTime": now,
        "cancelTime": None,
        "invoiceeId": None,
        "price": 0,
        "deposit": 0,
        "tax": 0,
        "commission": 0,
        "rateDescription": "",
        "stripeToken": None,
        "pcibookingToken": None,
        "apiMessage": "",
    }


def _origin(channel: str) -> Row:
    number, text = SOURCES.get(channel, (999, channel))
    return {
        "referer": text,
        "refererEditable": text,
        "reference": "",
        "channel": channel,
        "apiSourceId": number,
        "apiSource": text,
        "apiReference": "",
    }


def origin(channel: str, reference: str) -> Row:
    """Return the fields that say where a booking came from; `channel` is the vendor's token."""
    return {**_origin(channel), "apiReference": reference}


def number(amount: float | str) -> float:
    """Write an amount the vendor's way: a whole one as int, any other as float."""
    value = float(amount)
    return int(value) if value.is_integer() else value


@dataclass(frozen=True)
class Slip:
    """The identity of an invoice line: its own id, its booking, and when it was written."""

    line_id: int
    booking_id: int
    at: str


def charge(slip: Slip, text: str, amount: float, sub_type: int = 1) -> Row:
    """Return a charge line of one unit."""
    units = {"qty": 1, "amount": number(amount), "lineTotal": number(amount), "vatRate": 0}
    return _line(slip, "charge", sub_type, text) | units


def payment(slip: Slip, text: str, amount: float, sub_type: int = 200) -> Row:
    """Return a payment line: amount positive, line total negative, no `qty`, no `vatRate` (vendors/beds24.md 6.6)."""
    return _line(slip, "payment", sub_type, text) | {"amount": number(amount), "lineTotal": number(-float(amount))}


def _line(slip: Slip, kind: str, sub_type: int, text: str) -> Row:
    return {
        "id": slip.line_id,
        "bookingId": slip.booking_id,
        "invoiceeId": None,
        "type": kind,
        "subType": sub_type,
        "description": text,
        "status": "",
        "createdBy": None,
        "createTime": slip.at,
    }
