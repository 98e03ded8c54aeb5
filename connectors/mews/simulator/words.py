"""From public Rev words to raw Mews fields, for the control plane's `set`."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from types import MappingProxyType

from connectors.kit.simulator.contract import OrderRefused, Row
from connectors.mews.simulator import rows
from connectors.mews.simulator.catalogue import SOURCES
from connectors.mews.simulator.site import Place
from connectors.mews.simulator.times import local_date

WHERE = "/_sim/change"
ENDS = ("arrival", "departure")
STAY_WORDS = (*ENDS, "adults", "children", "room_type_ref", "room_ref", "rate_plan_ref")
_HOLDS = {"inquiry": "Inquired", "request": "Requested", "option": "Optional"}
_STATES = MappingProxyType(
    {
        "confirmed": "Confirmed",
        "checked_in": "Started",
        "checked_out": "Processed",
        "cancelled": "Canceled",
        "no_show": "Canceled",
    }
)
_OWN_CHANNELS = {"direct": ("Commander", "InPerson"), "booking_page": ("Distributor", None)}
_SOLD_BY = {
    "booking_com": "Booking.com",
    **{name: name.capitalize() for name in ("airbnb", "expedia", "agoda", "vrbo")},
    "other": "Hostelworld",
}
_GUEST = {"first_name": "FirstName", "last_name": "LastName", "email": "Email", "phone": "Phone"}
# Said by the vendor side itself; a whole Rev may be handed in, so these are passed over.
_PASSED_OVER = frozenset(
    """
    id vendor ref version scope siblings_complete gone vendor_status blocks_inventory guaranteed currency price_basis
    property_ref vendor_channel channel_status hold_kind nights
    """.split()
)
_HEARD = frozenset(
    {
        *STAY_WORDS,
        *("status", "booker", "channel", "channel_reference", "room_stays", "folio_lines", "guests", "total"),
        *("notes", "comments", "created_at", "modified_at", "kind"),
    }
)


def heard(told: Row) -> Row:
    """Return the words, all of them known; raises OrderRefused."""
    strange = sorted(told.keys() - _HEARD - _PASSED_OVER)
    if strange:
        raise OrderRefused(f"unknown fields {strange}", WHERE, "use the words of Rev, or put raw fields under `vendor`")
    return told


def state(word: str, hold_kind: object) -> str:
    """Return the raw state of a public status; raises OrderRefused."""
    if word == "hold":
        return _HOLDS.get(str(hold_kind or "option"), "Optional")
    if word not in _STATES:
        raise OrderRefused(f"status {word!r} does not exist", WHERE, f"use hold or one of {sorted(_STATES)}")
    return _STATES[word]


def source_of(told: Row) -> str | None:
    """Return the name of the source that sold the booking; None for one of the hotel's own channels."""
    word = str(told.get("channel"))
    if told.get("vendor_channel") in SOURCES:
        return str(told["vendor_channel"])
    if "channel" in told and word not in _OWN_CHANNELS:
        return _SOLD_BY.get(word, _SOLD_BY["other"])
    return None


def origin(told: Row) -> Row:
    """Return where a booking came from, as it stands on each of its stays."""
    word, staff = ("ChannelManager", None) if source_of(told) else _OWN_CHANNELS.get(str(told.get("channel")), _OTHER)
    writer = rows.writer(word)
    return {"Origin": word, "CommanderOrigin": staff, "CreatorProfileId": writer, "UpdaterProfileId": writer}


_OTHER = ("Commander", "InPerson")


def shared(told: Row) -> Row:
    """Return the raw fields that stand on every stay of the booking."""
    fields: Row = origin(told) if "channel" in told or "vendor_channel" in told else {}
    if "channel_reference" in told:
        fields["ChannelNumber"] = told["channel_reference"] or None
    for word, raw in (("created_at", "CreatedUtc"), ("modified_at", "UpdatedUtc")):
        if told.get(word):
            fields[raw] = told[word]
    return fields


def guest(told: Row) -> Row:
    """Return the raw fields of a person; a profile always has a last name. Raises OrderRefused."""
    fields: Row = {raw: told[word] or None for word, raw in _GUEST.items() if word in told}
    if "LastName" in fields and fields["LastName"] is None:
        raise OrderRefused("a guest without a last name", WHERE, "give one: the vendor's profiles always have it")
    if "language" in told:
        fields |= dict.fromkeys(("PreferredLanguageCode", "LanguageCode"), told["language"] or None)
    if "country" in told:
        fields["NationalityCode"] = told["country"] or None
    return fields


def stay(home: Place, told: Row, old: Row) -> Row:
    """Return the raw fields of one stay that an order names; raises OrderRefused for what the hotel does not have."""
    fields: Row = {}
    if "arrival" in told or "departure" in told:
        fields |= rows.planned(home, *dates_of(told, dates_now(home, old)))
    if "adults" in told or "children" in told:
        fields["PersonCounts"] = _people(home, told, old)
    if "room_type_ref" in told:
        fields["RequestedResourceCategoryId"] = room_type_of(home, told["room_type_ref"])
    if "room_ref" in told:
        fields["AssignedResourceId"] = room_of(home, told["room_ref"])
    if told.get("rate_plan_ref"):
        fields["RateId"] = str(told["rate_plan_ref"])
    return fields


def day(value: object) -> date:
    """Read a date of an order; raises OrderRefused."""
    try:
        return date.fromisoformat(str(value))
    except ValueError as error:
        raise OrderRefused(f"{value!r} is no date", WHERE, "write YYYY-MM-DD") from error


def money(value: object) -> Decimal:
    """Read an amount of an order; raises OrderRefused."""
    try:
        found = Decimal(str(value))
    except InvalidOperation as error:
        raise OrderRefused(f"{value!r} is no amount", WHERE, "write a decimal number") from error
    if not found.is_finite():
        raise OrderRefused(f"{value!r} is no amount", WHERE, "write a decimal number")
    return found


def dates_of(told: Row, known: tuple[date | None, date | None]) -> tuple[date, date]:
    """Return arrival and departure of an order, what it does not name as known; raises OrderRefused."""
    ends = [day(told[word]) if told.get(word) else old for word, old in zip(ENDS, known, strict=True)]
    arrival, departure = ends
    if arrival is None or departure is None or departure < arrival:
        raise OrderRefused(f"from {arrival} to {departure}", WHERE, "let departure follow arrival")
    return arrival, departure


def room_type_of(home: Place, ref: object) -> str:
    """Return a category to stay in; raises OrderRefused."""
    if home.category(ref) is None:
        known = [one.id for one in home.categories]
        raise OrderRefused(f"no room type {ref}", WHERE, f"use one of {known}")
    return str(ref)


def room_of(home: Place, ref: object) -> str | None:
    """Return a room, or None for none; raises OrderRefused."""
    if ref and home.category_of(ref) is None:
        known = [room for one in home.categories for room, _ in one.rooms]
        raise OrderRefused(f"no room {ref}", WHERE, f"use one of {known}, or null")
    return str(ref) if ref else None


def dates_now(home: Place, stay_row: Row) -> tuple[date | None, date | None]:
    """Return the planned dates of a stay."""
    zone = home.site.zone
    return local_date(stay_row["ScheduledStartUtc"], zone), local_date(stay_row["ScheduledEndUtc"], zone)


def _people(home: Place, told: Row, old: Row) -> list[Row]:
    counts = {one["AgeCategoryId"]: one["Count"] for one in old.get("PersonCounts") or []}
    adults = told.get("adults", counts.get(home.adult, 0))
    children = told.get("children", counts.get(home.child, 0))
    return rows.persons(home, int(adults or 0), int(children or 0)) or [{"AgeCategoryId": home.adult, "Count": 0}]
