"""Mews' words and ours, as tables; the vendor's source stands above each (sections of vendors/mews.md)."""

from __future__ import annotations

from typing import Literal, NamedTuple

from msgspec import UNSET, UnsetType

from pms_sync.domain.reservation import BlockKind
from pms_sync.domain.room_status import Condition, Service
from pms_sync.domain.status import HoldKind, Status

VENDOR = "mews"


class Meaning(NamedTuple):
    """What a state says about a stay."""

    status: Status
    hold_kind: HoldKind | None
    blocks_inventory: bool


# 11.1; that inquiries and waiting lists hold no stock is an inference there.
STATES: dict[str, Meaning] = {
    "Inquired": Meaning(Status.HOLD, HoldKind.INQUIRY, blocks_inventory=False),
    "Requested": Meaning(Status.HOLD, HoldKind.REQUEST, blocks_inventory=False),
    "Optional": Meaning(Status.HOLD, HoldKind.OPTION, blocks_inventory=True),
    "Confirmed": Meaning(Status.CONFIRMED, None, blocks_inventory=True),
    "Started": Meaning(Status.CHECKED_IN, None, blocks_inventory=True),
    "Processed": Meaning(Status.CHECKED_OUT, None, blocks_inventory=True),
    "Canceled": Meaning(Status.CANCELLED, None, blocks_inventory=False),
}
CANCELED = "Canceled"
NO_SHOW_MEANING = Meaning(Status.NO_SHOW, None, blocks_inventory=False)

# 10.6: why a stay was canceled. There is no state for a no-show: it is this one reason.
REASONS: dict[str, Meaning] = {
    **dict.fromkeys(
        (
            "Other ConfirmationMissed BookedElsewhere ForceMajeure GuestComplaint PriceTooHigh ServiceNotAvailable "
            "InputError InvalidPayment TravelAgency RequestedByGuest Update BookingAbandoned RequestedByBooker"
        ).split(),
        STATES[CANCELED],
    ),
    "NoShow": NO_SHOW_MEANING,
}

# The way back, for states that never stood there; a hold is told by whether it takes a room (11.1).
WRITTEN: dict[Status, str] = {
    Status.CONFIRMED: "Confirmed",
    Status.CHECKED_IN: "Started",
    Status.CHECKED_OUT: "Processed",
    Status.CANCELLED: CANCELED,
    Status.NO_SHOW: CANCELED,
}

# 10.7: what counts as whom; an age category of another kind is unknown.
AGES: dict[str, Literal["adults", "children"]] = {"Adult": "adults", "Child": "children"}

# 10.9: whether an order item stands on the bill. Those of an option do not until it is confirmed, and are its price.
ON_THE_BILL = {"Open": True, "Closed": True, "Inactive": False, "Canceled": False}
CANCELED_ITEM = "Canceled"
NIGHT = "SpaceOrder"

# 10.9: whether a payment was made; what is only asked for, or failed, is none.
PAID = {"Charged": True, "Pending": False, "Verifying": False, "Failed": False, "Canceled": False}

# 10.7: what staff wrote to itself, and what came from outside. A type that is added is staff's until it is known.
FROM_OUTSIDE = frozenset({"ChannelManager", "SpecialRequest"})

# 10.6: where a reservation without an OTA comes from. Staff (Commander), the guest portal (Navigator) and programs of
# the hotel's own (Connector) sell for the hotel; the booking engine is its page. Anything else is somebody's.
ORIGINS = {"Commander": "direct", "Navigator": "direct", "Connector": "direct", "Distributor": "booking_page"}
FROM_A_CHANNEL = "Channel"  # staff typed in what an OTA sold
OTHER_CHANNEL = "other"

# Names of OTAs as sources, travel agencies and channel managers spell them, letters and digits only; a name that begins
# with one of these is that OTA's, whatever country or model stands behind.
CHANNELS: dict[str, str] = {
    "bookingcom": "booking_com",
    "airbnb": "airbnb",
    "expedia": "expedia",
    "agoda": "agoda",
    "vrbo": "vrbo",
    "homeaway": "vrbo",
}
# Exactly this, since it is also the beginning of other names.
WHOLE_NAMES = {"booking": "booking_com"}

# 10.4, 9: what the hotel keeps for itself is its own.
BLOCKS: dict[str, BlockKind] = {"OutOfOrder": "out_of_order", "InternalUse": "owner"}


class Standing(NamedTuple):
    """What a room's state says; its condition is UNSET while the word tells of a repair, which hides it."""

    condition: Condition | UnsetType
    service: Service


# 10.4: one field holds both housekeeping and maintenance; while a room is out of order its housekeeping is not visible.
ROOM_STATES: dict[str, Standing] = {
    "Dirty": Standing("dirty", "in_service"),
    "Clean": Standing("clean", "in_service"),
    "Inspected": Standing("inspected", "in_service"),
    "OutOfService": Standing(UNSET, "out_of_service"),
    "OutOfOrder": Standing(UNSET, "out_of_order"),
}

# Fields that hold no personal data, so that a rejection may repeat their value.
SHOWN = frozenset(
    "Id ServiceId GroupId RateId RequestedResourceCategoryId AssignedResourceId AssignedResourceLocked AgeCategoryId "
    "Count State Origin CommanderOrigin CancellationReason CreatedUtc UpdatedUtc CancelledUtc ReleasedUtc "
    "ScheduledStartUtc ScheduledEndUtc ActualStartUtc ActualEndUtc AccountType TimeZoneIdentifier Pricing "
    "Classification AccountingState Type Currency NetValue GrossValue ConsumedUtc StartUtc EndUtc IsActive "
    "CanceledWithReservation EnterpriseId CategoryId ResourceId SourceId".split()
)
