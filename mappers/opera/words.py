"""Opera's words and ours, as tables; the vendor's source stands above each."""

from __future__ import annotations

import re
from typing import NamedTuple

from msgspec import UNSET, UnsetType

from pms_sync.domain.reservation import BlockKind
from pms_sync.domain.room_status import Condition, Service
from pms_sync.domain.status import HoldKind, Status

VENDOR = "opera"
_REF = re.compile(r"[1-9][0-9]{0,18}")


def is_ref(text: str) -> bool:
    """Tell whether a text is an internal id of Opera's; a stay under any other name is not there yet."""
    return _REF.fullmatch(text) is not None


class Meaning(NamedTuple):
    """What a reservation status says about a stay."""

    status: Status
    hold_kind: HoldKind | None = None
    blocks_inventory: bool = True


# vendors/opera.md 6.1, `pMS_ResStatusType`: stored and computed statuses share the list. What is not described there is
# read so that a room is rather held than sold twice: a request holds one, and a walk-in is somebody who stands at the
# desk. That a waiting list holds none is what it is there for.
STATUSES: dict[str, Meaning] = {
    "Reserved": Meaning(Status.CONFIRMED),
    "DueIn": Meaning(Status.CONFIRMED),
    "Requested": Meaning(Status.HOLD, HoldKind.REQUEST),
    "Waitlisted": Meaning(Status.HOLD, HoldKind.REQUEST, blocks_inventory=False),
    "InHouse": Meaning(Status.CHECKED_IN),
    "DueOut": Meaning(Status.CHECKED_IN),
    "Walkin": Meaning(Status.CHECKED_IN),
    "PendingCheckout": Meaning(Status.CHECKED_IN),
    "CheckedOut": Meaning(Status.CHECKED_OUT),
    "Cancelled": Meaning(Status.CANCELLED, blocks_inventory=False),
    "NoShow": Meaning(Status.NO_SHOW, blocks_inventory=False),
}

# The way back. A hold is what it takes: a request holds a room, a waiting list none.
WRITTEN: dict[Status, str] = {
    Status.CONFIRMED: "Reserved",
    Status.CHECKED_IN: "InHouse",
    Status.CHECKED_OUT: "CheckedOut",
    Status.CANCELLED: "Cancelled",
    Status.NO_SHOW: "NoShow",
}
HOLDS = {True: "Requested", False: "Waitlisted"}

# 5: identifiers are found by type. A confirmation number is what people quote; the internal id is what calls take.
RESERVATION, PROFILE = "Reservation", "Profile"
PRIMARY_NAME = "Primary"  # 6.2, `nameType`
NON_PRIMARY_SHARE = "NonPrimary"  # `primaryShareType` of the API file

# Channels: source of sale, booking medium and external systems are codes that each hotel makes up (6.1, 6.2), so these
# are common spellings, compared by letters and digits alone; any other is "other", with the word kept.
CHANNELS: dict[str, str] = {
    **dict.fromkeys("bookingcom booking bcom bdc".split(), "booking_com"),
    **dict.fromkeys("expedia expediacom exp expediacollect".split(), "expedia"),
    **dict.fromkeys("airbnb abnb".split(), "airbnb"),
    **dict.fromkeys("agoda agodacom".split(), "agoda"),
    **dict.fromkeys("vrbo homeaway".split(), "vrbo"),
    **dict.fromkeys("bookingpage bookingengine ibe web website hotelwebsite".split(), "booking_page"),
    **dict.fromkeys("pms direct walkin wi phone telephone hotel".split(), "direct"),
}
OTHER_CHANNEL = "other"

# 7.2: the two kinds of repairs. Out of order takes the room out of what can be sold, out of service does not.
REPAIRS: dict[str, BlockKind] = {"OutOfOrder": "out_of_order", "OutOfService": "out_of_service"}


class Standing(NamedTuple):
    """What a room status says; its condition is UNSET while the word tells of a repair, which hides it."""

    condition: Condition | UnsetType
    service: Service


# 7.2: one field for housekeeping and repairs; Inspected only where the hotel uses it.
ROOM_STATES: dict[str, Standing] = {
    "Dirty": Standing("dirty", "in_service"),
    "Pickup": Standing("pickup", "in_service"),
    "Clean": Standing("clean", "in_service"),
    "Inspected": Standing("inspected", "in_service"),
    "OutOfOrder": Standing(UNSET, "out_of_order"),
    "OutOfService": Standing(UNSET, "out_of_service"),
}
# 7.2: what the front office knows; what the housekeeper saw stands beside it, and may differ.
OCCUPIED = {"Vacant": False, "Occupied": True}

# Fields that hold no personal data, so that a rejection may repeat their value.
SHOWN = frozenset(
    "hotelId reservationStatus computedReservationStatus arrivalDate departureDate createDateTime lastModifyDateTime "
    "roomType roomId roomNumber ratePlanCode start end adults children adultCount childCount numberOfUnits "
    "numberOfRooms amount amountBeforeTax amountAfterTax amountBeforeTaxPerRoom amountAfterTaxPerRoom currencyCode "
    "housekeepingRoomStatus frontOfficeStatus primaryShareType type".split()
)
