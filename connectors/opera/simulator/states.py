"""Reservation statuses: stored and computed, the words of searches, of events and of the public surface."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from connectors.kit.simulator.contract import Row

RESERVED, REQUESTED, WAITLISTED = "Reserved", "Requested", "Waitlisted"
IN_HOUSE, CHECKED_OUT, CANCELLED, NO_SHOW = "InHouse", "CheckedOut", "Cancelled", "NoShow"
DUE_IN, DUE_OUT = "DueIn", "DueOut"

PUBLIC: Mapping[str, str] = MappingProxyType(
    {
        RESERVED: "confirmed",
        DUE_IN: "confirmed",
        REQUESTED: "hold",
        WAITLISTED: "hold",
        IN_HOUSE: "checked_in",
        DUE_OUT: "checked_in",
        "Walkin": "checked_in",
        "PendingCheckout": "checked_in",
        CHECKED_OUT: "checked_out",
        CANCELLED: "cancelled",
        NO_SHOW: "no_show",
    }
)
RAW: Mapping[str, str] = MappingProxyType(
    {
        "confirmed": RESERVED,
        "checked_in": IN_HOUSE,
        "checked_out": CHECKED_OUT,
        "cancelled": CANCELLED,
        "no_show": NO_SHOW,
    }
)
HOLDS: Mapping[str, str] = MappingProxyType({"inquiry": WAITLISTED, "request": REQUESTED, "option": REQUESTED})
TAKES_A_ROOM = frozenset({RESERVED, DUE_IN, IN_HOUSE, DUE_OUT, "Walkin", "PendingCheckout"})

# The filter `reservationStatuses` has words of its own (vendors/opera.md 6.1); it means the computed status.
FILTER: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "Cancelled": frozenset({CANCELLED}),
        "CheckedOut": frozenset({CHECKED_OUT}),
        "CheckedIn": frozenset({IN_HOUSE, DUE_OUT}),
        "DueIn": frozenset({DUE_IN}),
        "DueOut": frozenset({DUE_OUT}),
        "InHouse": frozenset({IN_HOUSE, DUE_OUT}),
        "NoShow": frozenset({NO_SHOW}),
        "WaitList": frozenset({WAITLISTED}),
    }
)
# Values of the data element RESERVATION STATUS: two are attested, the rest is spelt as in the asynchronous API (8.5).
ELEMENT: Mapping[str, str] = MappingProxyType(
    {
        RESERVED: "RESERVED",
        REQUESTED: "REQUESTED",
        WAITLISTED: "WAITLIST",
        IN_HOUSE: "CHECKED IN",
        CHECKED_OUT: "CHECKED OUT",
        CANCELLED: "CANCELLED",
        NO_SHOW: "NO SHOW",
    }
)
# What Oracle's table calls the step from one stored status to another (8.5); any other step is an update.
_STEPS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        **{(old, CANCELLED): "CANCEL" for old in (RESERVED, REQUESTED, WAITLISTED, IN_HOUSE, NO_SHOW)},
        **{(old, NO_SHOW): "NO SHOW" for old in (RESERVED, REQUESTED, WAITLISTED)},
        **{(CANCELLED, new): "ROLLBACK CANCEL" for new in (RESERVED, REQUESTED, WAITLISTED)},
        **{(old, IN_HOUSE): "CHECK IN" for old in (RESERVED, REQUESTED, WAITLISTED)},
        (IN_HOUSE, RESERVED): "REVERSE CHECK IN",
        (IN_HOUSE, CHECKED_OUT): "CHECK OUT",
        (CHECKED_OUT, IN_HOUSE): "REVERSE CHECK OUT",
        (NO_SHOW, RESERVED): "REACTIVATE NO SHOW",
        (WAITLISTED, RESERVED): "REACTIVATE WAITLIST",
    }
)


def step(before: Row, after: Row) -> str:
    """Return the action type of a change."""
    pair = (str(before["reservationStatus"]), str(after["reservationStatus"]))
    return _STEPS.get(pair, "UPDATE RESERVATION")


def computed(row: Row, business_date: str) -> str:
    """Return the status that depends on the business date (vendors/opera.md 6.1)."""
    status = row["reservationStatus"]
    if status == RESERVED and row["arrivalDate"] == business_date:
        return DUE_IN
    if status == IN_HOUSE and row["departureDate"] == business_date:
        return DUE_OUT
    return str(status)
