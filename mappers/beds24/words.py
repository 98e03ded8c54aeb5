"""Beds24's words and ours, as tables; the vendor's source stands above each."""

from __future__ import annotations

from typing import NamedTuple

from pms_sync.domain.status import HoldKind, Status

VENDOR = "beds24"


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

# vendors/beds24.md 6.4; every token that is not here becomes "other".
CHANNELS: dict[str, str] = {
    "direct": "direct",
    "bookingpage": "booking_page",
    "booking": "booking_com",
    **{token: token for token in ("airbnb", "expedia", "agoda", "vrbo")},
}
OTHER_CHANNEL = "other"

# vendors/beds24.md 6.6: the two columns of the invoice table.
LINE_KINDS = frozenset({"charge", "payment"})

# vendors/beds24.md 6.6: a refund is a payment that goes back to the guest.
REFUND_SUB_TYPES = frozenset({213})

# vendors/beds24.md 6.1-6.6: fields that hold no personal data, so that a rejection may repeat their value.
SHOWN = frozenset(
    "id masterId master propertyId roomId unitId offerId status subStatus arrival departure numAdult numChild "
    "price bookingTime modifiedTime type subType qty amount lineTotal".split()
)
