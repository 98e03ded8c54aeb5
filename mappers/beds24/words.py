"""Beds24's words and ours, as tables; the vendor's source stands above each."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple

from pms_sync.domain.status import HoldKind, Status

VENDOR = "beds24"
_REF = re.compile(r"[1-9][0-9]{0,18}")


def is_ref(text: str) -> bool:
    """Tell whether a text is an id of Beds24's; a stay under any other name is not there yet."""
    return _REF.fullmatch(text) is not None


class Meaning(NamedTuple):
    """What a booking status says about a stay."""

    status: Status
    hold_kind: HoldKind | None
    blocks_inventory: bool


# vendors/beds24.md 6.3; `black` is a block and has its own reading in blocks.py.
BLOCK_STATUS = "black"
STATUSES: dict[str, Meaning] = {
    "new": Meaning(Status.CONFIRMED, None, blocks_inventory=True),  # taken, only not yet looked at by staff
    "confirmed": Meaning(Status.CONFIRMED, None, blocks_inventory=True),
    "request": Meaning(Status.HOLD, HoldKind.REQUEST, blocks_inventory=True),
    "inquiry": Meaning(Status.HOLD, HoldKind.INQUIRY, blocks_inventory=False),
    "cancelled": Meaning(Status.CANCELLED, None, blocks_inventory=False),
}

# vendors/beds24.md 6.3 and the enum of the vendor's API file.
NO_SHOW = "noShow"
SUB_STATUSES = frozenset(
    "actionRequired allotment cancelledByGuest cancelledByHost noShow waitlist walkin none nonPayment".split()
)
BLOCK_GONE = frozenset({"cancelledByGuest", "cancelledByHost"})
NO_SHOW_MEANING = Meaning(Status.NO_SHOW, None, blocks_inventory=False)
NO_SHOW_FROM = frozenset({"new", "confirmed", "cancelled"})

# The way back (vendors/beds24.md 6.3): nobody is checked in or out at Beds24, and a no-show keeps its status.
# A hold is what it takes: `request` a room, `inquiry` none; options are unknown there.
WRITTEN: dict[Status, str] = {
    Status.CONFIRMED: "confirmed",
    Status.CHECKED_IN: "confirmed",
    Status.CHECKED_OUT: "confirmed",
    Status.NO_SHOW: "confirmed",
    Status.CANCELLED: "cancelled",
}
HOLDS = {True: "request", False: "inquiry"}
CANCELLED = "cancelled"

# vendors/beds24.md 6.4; every token that is not here becomes "other".
CHANNELS: dict[str, str] = {
    "direct": "direct",
    "bookingpage": "booking_page",
    "booking": "booking_com",
    **{token: token for token in ("airbnb", "expedia", "agoda", "vrbo")},
}
OTHER_CHANNEL = "other"
TOKENS = {ours: theirs for theirs, ours in CHANNELS.items()}
OWN_CHANNELS = frozenset({"direct", "booking_page"})  # no OTA stands behind these

# vendors/beds24.md 6.6: the two columns of the invoice table.
LINE_KINDS = frozenset({"charge", "payment"})

# vendors/beds24.md 6.6: a refund is a payment that goes back to the guest.
REFUND_SUB_TYPES = frozenset({213})

# vendors/beds24.md 6.2 and the API file: the longest texts, in characters.
LONGEST_NAME, LONGEST_ADDRESS, LONGEST_LANGUAGE = 100, 100, 2
LONGEST_NOTES, LONGEST_COMMENTS = 2000, 1000
# The API file: `price` and the numbers of guests.
LARGEST_PRICE = Decimal("99999999.99")
MOST_GUESTS = 99

# vendors/beds24.md 6.1-6.6: fields that hold no personal data, so that a rejection may repeat their value.
SHOWN = frozenset(
    "id masterId master propertyId roomId unitId offerId status subStatus arrival departure numAdult numChild "
    "price bookingTime modifiedTime type subType qty amount lineTotal".split()
)
