"""Cloudbeds' words and ours, as tables; the vendor's source stands above each (sections of vendors/cloudbeds.md)."""

from __future__ import annotations

from typing import NamedTuple

from pms_sync.domain.reservation import BlockKind
from pms_sync.domain.room_status import Condition
from pms_sync.domain.status import HoldKind, Status

VENDOR = "cloudbeds"


class Meaning(NamedTuple):
    """What a word says about a stay."""

    status: Status
    hold_kind: HoldKind | None
    blocks_inventory: bool


_HELD = Meaning(Status.HOLD, HoldKind.REQUEST, blocks_inventory=True)
_CONFIRMED = Meaning(Status.CONFIRMED, None, blocks_inventory=True)
_IN_HOUSE = Meaning(Status.CHECKED_IN, None, blocks_inventory=True)
_LEFT = Meaning(Status.CHECKED_OUT, None, blocks_inventory=True)
CANCELLED = Meaning(Status.CANCELLED, None, blocks_inventory=False)
_NO_SHOW = Meaning(Status.NO_SHOW, None, blocks_inventory=False)

# 7: the reservation's own word. `in_progress`, a booking being entered, is documented for guests and webhooks only; it
# means the same wherever it shows. One l in `canceled`.
RESERVATION: dict[str, Meaning] = {
    "not_confirmed": _HELD,
    "in_progress": _HELD,
    "confirmed": _CONFIRMED,
    "checked_in": _IN_HOUSE,
    "checked_out": _LEFT,
    "canceled": CANCELLED,
    "no_show": _NO_SHOW,
}

# 7, 15.13: who is in house is told by the room line, not by the reservation. Two l in `cancelled`.
ROOM: dict[str, Meaning] = {"in_house": _IN_HOUSE, "checked_out": _LEFT, "cancelled": CANCELLED}

# A line whose guests did not come yet follows the reservation, except where others of it are in house already.
NOT_YET = "not_checked_in"
ARRIVED = frozenset({"in_house", "checked_out"})
NOT_YET_BESIDE_OTHERS: dict[str, Meaning] = {"checked_in": _CONFIRMED}

# 7: words of single guests, from which getReservation, whose lines have none, tells who is in house.
GUEST_IN_HOUSE = frozenset({"in_house", "checked_in"})
GUEST_LEFT = "checked_out"

# 10.1, 10.2: names of sources as the vendor and its channels write them, without case and without what stands in
# brackets behind. Every name that is not here becomes "other".
CHANNELS: dict[str, str] = {
    **dict.fromkeys(("booking.com", "booking"), "booking_com"),
    "airbnb": "airbnb",
    "expedia": "expedia",
    "agoda": "agoda",
    **dict.fromkeys(("vrbo", "homeaway"), "vrbo"),
    **dict.fromkeys(("website", "website/booking engine", "booking engine", "facebook widget"), "booking_page"),
    **dict.fromkeys(("direct", "walk-in", "walk in", "phone", "email", "e-mail"), "direct"),
}
OTHER_CHANNEL = "other"

# 7, 10.7: nights that are kept from sale, by somebody's will or for somebody, are the owner's.
BLOCKS: dict[str, BlockKind] = {
    "blocked_dates": "owner",
    "courtesy_hold": "owner",
    "out_of_service": "out_of_service",
}

# 7: the last one only where the property has the feature.
CONDITIONS: dict[str, Condition] = {"dirty": "dirty", "clean": "clean", "inspected": "inspected"}

# 3: how "nothing" is written where a date should stand.
NO_DATE = frozenset({"", "-", "0000-00-00", "0000-00-00 00:00:00"})

MOST_PEOPLE = 99  # in one room; no limit is documented, and a hotel room has less

# Fields that hold no personal data, so that a rejection may repeat their value.
SHOWN = frozenset(
    "reservationID propertyID subReservationID reservationRoomID roomTypeID roomID rateID sourceID status roomStatus "
    "roomCheckIn roomCheckOut startDate endDate date dateCreated dateModified dateCreatedUTC dateModifiedUTC adults "
    "children total rate roomTotal detailedRoomRates dailyRates subTotal grandTotal taxesFees additionalItems paid "
    "propertyCurrency isDeleted roomBlockID roomBlockType eventID "
    "roomCondition roomOccupied roomBlocked vacantPickup".split()
)
