"""From public Rev words to raw Beds24 fields, for the control plane's `set`."""

from __future__ import annotations

from decimal import Decimal

from connectors.beds24.simulator.rows import number, origin
from connectors.kit.simulator.contract import OrderRefused, Row

WHERE = "/_sim/change"
_STATUS = {
    "confirmed": {"status": "confirmed", "subStatus": "none"},
    "cancelled": {"status": "cancelled", "subStatus": "none"},
    "no_show": {"status": "confirmed", "subStatus": "noShow"},
}
_CHANNEL = {"booking_page": "bookingpage", "booking_com": "booking", "other": "ota"}
_BOOKER = {
    "first_name": "firstName",
    "last_name": "lastName",
    "email": "email",
    "phone": "phone",
    "language": "lang",
}
_STAY = {
    "arrival": "arrival",
    "departure": "departure",
    "adults": "numAdult",
    "children": "numChild",
}
_PLAIN = {"notes": "notes", "comments": "comments", "created_at": "bookingTime", "modified_at": "modifiedTime"}
# Said by the vendor side itself; a whole Rev may be handed in, so these are passed over.
_PASSED_OVER_WORDS = """
id vendor ref version scope siblings_complete gone vendor_status blocks_inventory guaranteed currency price_basis
property_ref vendor_channel channel_status hold_kind nights kind
"""
_PASSED_OVER = frozenset(_PASSED_OVER_WORDS.split())


def status_fields(word: str, hold_kind: object) -> Row:
    """Return the raw status of a public one; raises OrderRefused for what Beds24 cannot say (6.3)."""
    if word == "hold":
        return {"status": "inquiry" if hold_kind == "inquiry" else "request", "subStatus": "none"}
    if word not in _STATUS:
        raise OrderRefused(f"status {word!r} does not exist at Beds24", WHERE, f"use hold or one of {sorted(_STATUS)}")
    return dict(_STATUS[word])


def booker_fields(booker: Row | None) -> Row:
    """Return the raw guest fields of a booker; null becomes the vendor's empty text."""
    if booker is None:
        return {**dict.fromkeys(_BOOKER.values(), ""), "country": "", "country2": None}
    fields: Row = {raw: booker[name] or "" for name, raw in _BOOKER.items() if name in booker}
    if "country" in booker:
        fields |= {"country": (booker["country"] or "").lower(), "country2": booker["country"]}
    return fields


def stay_fields(stay: Row) -> Row:
    """Return the raw fields of one room stay; raises OrderRefused for an unknown word."""
    fields: Row = {raw: stay[name] for name, raw in _STAY.items() if name in stay}
    if "status" in stay:
        fields |= status_fields(stay["status"], stay.get("hold_kind"))
    if stay.get("total") is not None:
        fields["price"] = number(stay["total"])
    elif stay.get("nights"):
        fields["price"] = number(float(sum(Decimal(night["price"]) for night in stay["nights"])))
    if "rate_plan_ref" in stay:
        fields["offerId"] = int(stay["rate_plan_ref"] or 0)
    return fields | _room_fields(stay)


def _room_fields(stay: Row) -> Row:
    fields: Row = {}
    if stay.get("room_type_ref") is not None:
        fields["roomId"] = int(stay["room_type_ref"])
    if "room_ref" in stay:
        room, _, unit = str(stay["room_ref"] or "").partition("/")
        fields |= {"unitId": int(unit)} if unit else {"unitId": 0}
        fields |= {"roomId": int(room)} if unit else {}
    return fields


def shared_fields(told: Row) -> Row:
    """Return the raw fields that every booking of the reservation gets; raises OrderRefused for an unknown word."""
    _known(told)
    fields: Row = {raw: told[name] or "" for name, raw in _PLAIN.items() if name in told}
    if "status" in told:
        fields |= status_fields(told["status"], told.get("hold_kind"))
    if "booker" in told:
        fields |= booker_fields(told["booker"])
    if told.get("kind") == "owner":
        fields["status"] = "black"
    if "channel" in told or "vendor_channel" in told:
        word = str(told.get("channel"))
        channel = str(told.get("vendor_channel") or _CHANNEL.get(word, word))
        fields |= {name: value for name, value in origin(channel, "").items() if name not in _KEPT}
    if "channel_reference" in told:
        fields["apiReference"] = told["channel_reference"] or ""
    return fields


_KEPT = frozenset({"apiReference", "reference"})
_HEARD = frozenset(
    {
        *_PLAIN,
        *_STAY,
        *("status", "booker", "channel", "channel_reference", "room_stays", "folio_lines", "guests", "total"),
        *("room_type_ref", "room_ref", "rate_plan_ref"),
    }
)


def _known(told: Row) -> None:
    strange = sorted(told.keys() - _HEARD - _PASSED_OVER)
    if strange:
        raise OrderRefused(f"unknown fields {strange}", WHERE, "use the words of Rev, or put raw fields under `vendor`")
