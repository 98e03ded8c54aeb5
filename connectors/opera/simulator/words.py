"""From public Rev words to raw fields of a reservation or a profile, for the control plane's `set`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType

from connectors.kit.simulator.contract import OrderRefused, Row
from connectors.opera.simulator import amounts, rows, states
from connectors.opera.simulator.site import Place
from connectors.opera.simulator.times import day, rewritten

WHERE = "/_sim/change"
STAY_WORDS = ("arrival", "departure", "adults", "children", "room_type_ref", "room_ref", "rate_plan_ref")
BLOCK_KINDS = MappingProxyType({"out_of_order": rows.OUT_OF_ORDER, "out_of_service": rows.OUT_OF_SERVICE})
_GUEST = MappingProxyType(
    {
        "first_name": "givenName",
        "last_name": "surname",
        **{same: same for same in ("email", "phone", "country", "language")},
    }
)
_COMMENTS = {"notes": True, "comments": False}
# Said by the vendor side itself, or held where no read of this connector looks: passed over, as a whole Rev may come.
_PASSED_OVER = frozenset(
    """
    id vendor ref version scope siblings_complete gone vendor_status blocks_inventory guaranteed currency price_basis
    property_ref vendor_channel channel_status hold_kind nights folio_lines
    """.split()
)
_HEARD = frozenset(
    {
        *STAY_WORDS,
        *_COMMENTS,
        *("status", "booker", "channel", "channel_reference", "room_stays", "guests", "total"),
        *("created_at", "modified_at", "kind"),
    }
)


def heard(told: Row) -> Row:
    """Return the words, all of them known; raises OrderRefused."""
    strange = sorted(told.keys() - _HEARD - _PASSED_OVER)
    if strange:
        raise OrderRefused(f"unknown fields {strange}", WHERE, "use the words of Rev, or put raw fields under `vendor`")
    return told


def status(word: object, hold_kind: object) -> str:
    """Return the raw status of a public one; raises OrderRefused."""
    if word == "hold":
        return states.HOLDS.get(str(hold_kind or "request"), states.REQUESTED)
    if word not in states.RAW:
        raise OrderRefused(f"status {word!r} does not exist", WHERE, f"use hold or one of {sorted(states.RAW)}")
    return states.RAW[str(word)]


def shared(place: Place, told: Row, old: Row) -> Row:
    """Return the raw fields that concern the reservation as a whole."""
    fields: Row = {}
    if "status" in told:
        fields["reservationStatus"] = status(told["status"], told.get("hold_kind"))
    if "channel" in told:
        fields |= rows.source(place, str(told["channel"] or "other"))
    if "channel_reference" in told:
        value = told["channel_reference"]
        fields["externalReferences"] = rows.reference({**old, **fields}, str(value)) if value else []
    for word, raw in (("created_at", "createDateTime"), ("modified_at", "lastModifyDateTime")):
        if told.get(word):
            fields[raw] = rewritten(str(told[word]), place.zone)
    return fields


def stay(place: Place, told: Row) -> Row:
    """Return the raw fields of the stay; raises OrderRefused for a day that is none or what the hotel does not have."""
    fields: Row = {}
    for word in ("arrival", "departure"):
        if word in told:
            if day(told[word]) is None:
                raise OrderRefused(f"{word} {told[word]!r} is no date", WHERE, "write YYYY-MM-DD")
            fields[f"{word}Date"] = told[word]
    fields |= {word: told[word] for word in ("adults", "children") if word in told}
    if told.get("room_type_ref"):
        kind = place.kind(told["room_type_ref"])
        if kind is None:
            known = [one.code for one in place.room_types]
            raise OrderRefused(f"no room type {told['room_type_ref']!r}", WHERE, f"use one of {known}")
        fields |= {"roomType": kind.code, "roomTypeCharged": kind.code}
    if "room_ref" in told:
        fields["roomId"] = room(place, told["room_ref"])
        of_room = place.type_of(fields["roomId"])
        if of_room is not None:
            fields |= {"roomType": of_room.code, "roomTypeCharged": of_room.code}
    if "rate_plan_ref" in told:
        fields["ratePlanCode"] = told["rate_plan_ref"]
    return fields


def room(place: Place, ref: object) -> str | None:
    """Return a room number of the hotel, None for no room; raises OrderRefused."""
    if not ref:
        return None
    if place.type_of(ref) is None:
        known = [number for number, _ in place.rooms()]
        raise OrderRefused(f"no room {ref!r} in {place.code}", WHERE, f"use one of {known[:20]}")
    return str(ref)


def guest(told: Mapping[str, object]) -> Row:
    """Return the raw fields of a profile; empty text is no value at all."""
    return {raw: told[word] or None for word, raw in _GUEST.items() if word in told}


def comments(told: Row, old: Sequence[Row], counters: rows.Counters, now: str) -> list[Row] | None:
    """Return the comments after an order: `notes` are the internal ones, `comments` the others; None = untouched."""
    if not told.keys() & _COMMENTS.keys():
        return None
    kept = [one for one in old if not any(name in told and one["internal"] is own for name, own in _COMMENTS.items())]
    texts = [(told[name], own) for name, own in _COMMENTS.items() if told.get(name)]
    return kept + [rows.comment(counters, str(text), now, internal=own) for text, own in texts]


def prices(row: Row, total: object) -> list[str]:
    """Return one gross price per night after a change: a total is spread, else the last price goes on."""
    first, last = day(row["arrivalDate"]), day(row["departureDate"])
    count = max(1, (last - first).days if first and last else 1)
    if total is not None:
        return [str(share) for share in amounts.shares(Decimal(str(total)), count, row["currencyCode"])]
    known = [str(price) for price in row["prices"]][:count]
    usual = str(amounts.exact(Decimal(100), row["currencyCode"]))
    return known + [known[-1] if known else usual] * (count - len(known))
