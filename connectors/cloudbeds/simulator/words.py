"""From public Rev words to the hotel's own fields, for the control plane's `set`."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from types import MappingProxyType

from connectors.cloudbeds.simulator.site import SOURCES, Place
from connectors.cloudbeds.simulator.times import read_day
from connectors.kit.simulator.contract import OrderRefused, Row

WHERE = "/_sim/change"
STAY_WORDS = ("arrival", "departure", "adults", "children", "room_type_ref", "room_ref", "rate_plan_ref")
STATUSES = MappingProxyType(
    {
        "hold": "not_confirmed",
        "confirmed": "confirmed",
        "checked_in": "checked_in",
        "checked_out": "checked_out",
        "cancelled": "canceled",
        "no_show": "no_show",
    }
)
ROOM_STATUSES = MappingProxyType(
    {"confirmed": "not_checked_in", "checked_in": "in_house", "checked_out": "checked_out", "cancelled": "cancelled"}
)
"""What a single room can be by itself; the other words are said of the whole booking."""
BLOCK_KINDS = MappingProxyType(
    {
        "closure": "blocked_dates",
        "owner": "blocked_dates",
        "out_of_service": "out_of_service",
        "out_of_order": "out_of_service",
        "allotment": "courtesy_hold",
    }
)
_CHANNELS = MappingProxyType(
    {
        "direct": "Walk-In",
        "booking_page": "Website/Booking Engine",
        "booking_com": "Booking.com",
        **{name: name.capitalize() for name in ("airbnb", "expedia", "agoda", "vrbo")},
    }
)
_GUEST = MappingProxyType(
    {
        "first_name": "guestFirstName",
        "last_name": "guestLastName",
        "email": "guestEmail",
        "phone": "guestPhone",
        "country": "guestCountry",
    }
)
# Said by the vendor side itself; a whole Rev may be handed in, so these are passed over.
_PASSED_OVER = frozenset(
    """
    id vendor ref version scope siblings_complete gone vendor_status blocks_inventory guaranteed currency price_basis
    property_ref channel_status hold_kind nights
    """.split()
)
_HEARD = frozenset(
    {
        *STAY_WORDS,
        *("status", "booker", "channel", "vendor_channel", "channel_reference", "room_stays", "folio_lines"),
        *("guests", "total", "notes", "comments", "created_at", "modified_at", "kind"),
    }
)


def heard(told: Row) -> Row:
    """Return the words, all of them known; raises OrderRefused."""
    strange = sorted(told.keys() - _HEARD - _PASSED_OVER)
    if strange:
        raise OrderRefused(f"unknown fields {strange}", WHERE, "use the words of Rev, or put raw fields under `vendor`")
    return told


def shared(told: Row) -> Row:
    """Return the fields that the booking as a whole has."""
    fields: Row = {}
    if "channel" in told or "vendor_channel" in told:
        fields |= _origin(told)
    if "channel_reference" in told:
        fields["thirdPartyIdentifier"] = told["channel_reference"] or ""
    for word, name in (("created_at", "_created"), ("modified_at", "_modified")):
        if told.get(word):
            fields[name] = told[word]
    return fields


def status(word: object) -> str:
    """Return the vendor's word for a public status; raises OrderRefused."""
    if word not in STATUSES:
        raise OrderRefused(f"status {word!r} does not exist", WHERE, f"use one of {sorted(STATUSES)}")
    return STATUSES[str(word)]


def guest(told: Row) -> Row:
    """Return the fields of a person; the vendor keeps no language."""
    return {name: told[word] or "" for word, name in _GUEST.items() if word in told}


def stay(home: Place, told: Row) -> Row:
    """Return the fields of a room line that an order names; raises OrderRefused for what the hotel does not have."""
    fields: Row = {}
    for word, name in (("arrival", "startDate"), ("departure", "endDate")):
        if told.get(word):
            fields[name] = day(told[word]).isoformat()
    for word in ("adults", "children"):
        if word in told:
            fields[word] = int(told[word] or 0)
    if "room_ref" in told:
        fields |= _room(home, told["room_ref"])
    if told.get("room_type_ref"):
        fields["roomTypeID"] = _room_type(home, told["room_type_ref"])
    if told.get("rate_plan_ref"):
        fields["rateID"] = str(told["rate_plan_ref"])
    return fields


def day(value: object) -> date:
    """Read a date of an order; raises OrderRefused."""
    found = read_day(value)
    if found is None:
        raise OrderRefused(f"{value!r} is no date", WHERE, "write YYYY-MM-DD")
    return found


def money(value: object) -> Decimal:
    """Read an amount of an order; raises OrderRefused."""
    try:
        found = Decimal(str(value))
    except InvalidOperation as error:
        raise OrderRefused(f"{value!r} is no amount", WHERE, "write a decimal number") from error
    if not found.is_finite():
        raise OrderRefused(f"{value!r} is no amount", WHERE, "write a decimal number")
    return found


def _origin(told: Row) -> Row:
    names = (told.get("vendor_channel"), _CHANNELS.get(str(told.get("channel"))), "Hostelworld")
    found = next(one for name in names for one in SOURCES if one.name == name)
    return {"sourceID": found.id, "origin": found.name}


def _room_type(home: Place, ref: object) -> str:
    if home.kind(ref) is None:
        raise OrderRefused(f"no room type {ref}", WHERE, f"use one of {[one.id for one in home.kinds]}")
    return str(ref)


def _room(home: Place, ref: object) -> Row:
    """Return a room with its type, or none."""
    if not ref:
        return {"roomID": None}
    kind = home.kind_of(ref)
    if kind is None:
        known = [room.id for one in home.kinds for room in one.rooms]
        raise OrderRefused(f"no room {ref}", WHERE, f"use one of {known}, or null")
    return {"roomID": str(ref), "roomTypeID": kind.id}
