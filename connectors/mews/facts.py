"""Mews in facts: what is declared to the engine, and the tables of names the connector works with.

Sections are those of vendors/mews.md. Where that document is unsure, the safe reading is taken and said here.
"""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Literal, NamedTuple

from pms_sync.ports.connector import ConnectorSpec, RateBudget, StreamSpec

RESERVATIONS, GUESTS, BLOCKS, CATALOGUE = "reservations", "guests", "blocks", "catalogue"
ROOM_STATUS = "room_status"
MODIFIED, ARRIVAL, NIGHT, TODAY = "modified", "arrival", "night", "today"

# 7: at most 1,000. A page of reservations is read together with what belongs to it, in about ten calls, and the engine
# waits 30 seconds for all of them.
PAGE_SIZE = 500
GUEST_PAGE_SIZE = 100  # each guest may bring many stays
MOST_ROWS = 1000
# 5: the server takes three months and a day. Months have 28 days, and a window is asked a little wider than it is.
LONGEST_WINDOW = timedelta(days=85)

# 14.1: changes may show some seconds late, and clocks are whole seconds.
_OVERLAP = timedelta(minutes=5)

SPEC = ConnectorSpec(
    vendor="mews",
    label="Mews",
    unread_blocks=frozenset({"allotment"}),  # 10.7: what is left of one cannot be told, and its stays would count twice
    capabilities=frozenset({"reservations", "guests", "blocks", "room_status", "catalogue", "folio", "webhooks"}),
    streams=(
        StreamSpec(
            name=RESERVATIONS,
            feed="delta",
            page_order="newest_first",  # 7
            overlap=_OVERLAP,
            calibrated_overlap=_OVERLAP,  # 4: filters are UTC, by the vendor's own word
            max_window=LONGEST_WINDOW,
            max_snapshot_window=LONGEST_WINDOW - timedelta(days=2),  # whose ends are asked 14 hours wider
            snapshot_dimension=ARRIVAL,
            # Compared daily this far: notes, companions and prices may leave the time of change alone (14.1.7).
            sweep_ahead=timedelta(days=550),
            page_size=PAGE_SIZE,
        ),
        StreamSpec(
            name=GUESTS,
            feed="delta",
            page_order="newest_first",
            overlap=_OVERLAP,
            calibrated_overlap=_OVERLAP,
            max_window=LONGEST_WINDOW,
            page_size=GUEST_PAGE_SIZE,
        ),
        StreamSpec(
            name=BLOCKS,
            feed="delta",
            page_order="newest_first",
            overlap=_OVERLAP,
            calibrated_overlap=_OVERLAP,
            max_window=LONGEST_WINDOW,
            snapshot_dimension=NIGHT,  # no limit: without an interval the list is whole (10.4)
            page_size=MOST_ROWS,
        ),
        StreamSpec(
            name=ROOM_STATUS,
            # There is a filter by change (10.4), but a room goes out of order, and comes back, by the hours of its
            # block, and nobody says that this counts as a change of the room. All rooms at once are one call.
            feed="sweep",
            snapshot_dimension=TODAY,
            period=timedelta(minutes=15),
            sweep_back=timedelta(0),
            sweep_ahead=timedelta(0),
            first_far=False,
            page_size=MOST_ROWS,
        ),
        StreamSpec(name=CATALOGUE, feed="snapshot", page_size=MOST_ROWS),
    ),
    rate_budget=RateBudget(credits=Decimal(200), window_s=30.0, reserve=Decimal(30)),  # 5
    max_in_flight=4,  # none is published
    batch_fetch_limit=MOST_ROWS,  # 14.1
    read_lag=timedelta(seconds=10),  # 14.2, 18
    webhook_trust="weak",  # 12.1: no signature
    webhook_header=None,
    # Ids are UUIDs, whose digits may pass for a card's; the numbers are those of bookings and invoices.
    identifier_keys=frozenset(
        "Id ServiceId AccountId GroupId RateId RequestedResourceCategoryId AssignedResourceId CreatorProfileId "
        "UpdaterProfileId BookerId BusinessSegmentId VoucherId CreditCardId AvailabilityBlockId PartnerCompanyId "
        "TravelAgencyId AgeCategoryId EnterpriseId IntegrationId ChainId CustomerId CompanyId AddressId MergeTargetId "
        "ReservationGroupId ReservationId OrderId ServiceOrderId BillId AccountingCategoryId PaymentRequestId "
        "SettlementId SourceId ResourceId CategoryId ResourceCategoryId RebatedItemId ProductId "
        "Number ChannelNumber ChannelManagerNumber ChannelManagerGroupNumber".split()
    ),
    credential_keys=("client_token", "access_token", "client"),
    secret_credentials=frozenset({"client_token", "access_token"}),
    client_credentials=("client_token",),  # 12.1: one webhook address per ClientToken, for all properties
    default_base_url="https://api.mews.com",
    docs="https://docs.mews.com/connector-api",
)

ROOT = "/api/connector/v1"  # 3: case-sensitive, no trailing slash

CONFIGURATION = "configuration/get"
ENTERPRISES = "enterprises/getAll"
SERVICES = "services/getAll"
RESOURCES = "resources/getAll"
CATEGORIES = "resourceCategories/getAll"
ASSIGNMENTS = "resourceCategoryAssignments/getAll"
RATES = "rates/getAll"
AGES = "ageCategories/getAll"
SOURCES = "sources/getAll"
STAYS = "reservations/getAll/2023-06-06"  # 3: the 2017 version has ended
GROUPS = "reservationGroups/getAll"
SOURCE_ASSIGNMENTS = "sourceAssignments/getAll"
COMPANIONSHIPS = "companionships/getAll"
NOTES = "serviceOrderNotes/getAll"
CUSTOMERS = "customers/getAll"
COMPANIES = "companies/getAll"
ITEMS = "orderItems/getAll"
PAYMENTS = "payments/getAll"
REPAIRS = "resourceBlocks/getAll"

# Under which name each list answers.
ROWS = {
    ENTERPRISES: "Enterprises",
    SERVICES: "Services",
    RESOURCES: "Resources",
    CATEGORIES: "ResourceCategories",
    ASSIGNMENTS: "ResourceCategoryAssignments",
    RATES: "Rates",
    AGES: "AgeCategories",
    SOURCES: "Sources",
    STAYS: "Reservations",
    GROUPS: "ReservationGroups",
    SOURCE_ASSIGNMENTS: "SourceAssignments",
    COMPANIONSHIPS: "Companionships",
    NOTES: "ServiceOrderNotes",
    CUSTOMERS: "Customers",
    COMPANIES: "Companies",
    ITEMS: "OrderItems",
    PAYMENTS: "Payments",
    REPAIRS: "ResourceBlocks",
}

# 2: a permission may lack for any one of them. Without these nothing can be told of a booking; the others are left
# unsaid where they are withheld.
NEEDED = (CONFIGURATION, SERVICES, CATEGORIES, STAYS, ITEMS)
WANTED = (GROUPS, CUSTOMERS, COMPANIONSHIPS, NOTES, PAYMENTS, SOURCE_ASSIGNMENTS, SOURCES, COMPANIES, AGES)
OF_PLACES = (RESOURCES, ASSIGNMENTS, RATES, REPAIRS)

# 10.6: what is returned without them is not stated.
STATES = ("Inquired", "Requested", "Optional", "Confirmed", "Started", "Processed", "Canceled")
BOTH_ACTIVITIES = ("Active", "Deleted")  # 10.4: by default deleted blocks are hidden
NOTE_TYPES = ("General", "ChannelManager", "SpecialRequest")  # 10.7: the last is left out unless it is named
SELLABLE_RATES = frozenset({"Public", "Private"})  # 10.5: every availability block adds a rate of its own

# 10.4: what is rented out but nobody stays in. A type that is not known yet counts as a place to stay.
NOT_FOR_STAYS = frozenset(
    "Office MeetingRoom ParkingSpot Desk TeamArea Membership Bike ExtraBed Cot Crib ConferenceRoom Rooftop Garden "
    "Restaurant Amphitheater PrivateSpaces".split()
)


_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)


def is_ref(text: str) -> bool:
    """Tell whether a text is an id (2); anything else would spoil a whole filter with a 400."""
    return _UUID.fullmatch(text) is not None


class Part(NamedTuple):
    """One list that belongs to a reservation: the filter it is asked by, and the field that names its owner."""

    operation: str
    asked_by: str
    owner: str
    of: Literal["stay", "group"]


# 10.6: what a reservation does not tell itself. All are asked for a whole batch at once; the needed one comes last, so
# that a batch that must fail fails late but for a reason that stands in the way of it all.
PARTS = (
    Part(GROUPS, "ReservationGroupIds", "Id", "group"),
    Part(SOURCE_ASSIGNMENTS, "ReservationGroupIds", "ReservationGroupId", "group"),
    Part(COMPANIONSHIPS, "ReservationGroupIds", "ReservationGroupId", "group"),
    Part(NOTES, "ServiceOrderIds", "OrderId", "stay"),
    Part(PAYMENTS, "ReservationIds", "ReservationId", "stay"),
    Part(ITEMS, "ServiceOrderIds", "ServiceOrderId", "stay"),
)
ALWAYS_ASKED: dict[str, dict[str, object]] = {
    COMPANIONSHIPS: {"Extent": {"Reservations": False, "ReservationGroups": False, "Customers": False}},
    NOTES: {"Types": NOTE_TYPES},
    CUSTOMERS: {"Extent": {"Customers": True, "Addresses": False}},
    COMPANIES: {},
    RESOURCES: {"Extent": {"Resources": True, "Inactive": False}},
    RATES: {"Extent": {"Rates": True, "AvailabilityBlockAssignments": False}, "ActivityStates": ("Active",)},
    REPAIRS: {"ActivityStates": BOTH_ACTIVITIES},
    STAYS: {"States": STATES},
}

# What nothing here needs and nobody here should hold: documents, birth, tax, health, and what names a card.
NEVER_KEPT = {
    CUSTOMERS: frozenset(
        "BirthDate BirthCountryCode BirthCountrySubdivisionCode BirthPlace Occupation Sex TaxIdentificationNumber "
        "AccountingCode BillingCode LoyaltyCode Notes CarRegistrationNumber DietaryRequirements Address "
        "ItalianDestinationCode ItalianFiscalCode ItalianLotteryCode Passport IdentityCard Visa DriversLicense".split()
    ),
    COMPANIES: frozenset(
        "TaxIdentificationNumber TaxIdentifier AdditionalTaxIdentifier ElectronicInvoiceIdentifier InvoicingEmail "
        "AccountingCode BillingCode Notes Contact Address".split()
    ),
    PAYMENTS: frozenset({"Data", "Identifier"}),
}
SECRET_QUERY = "Token"  # noqa: S105 - the name of a parameter (12.1)
EVENTS = ("ServiceOrderUpdated", "ResourceBlockUpdated", "ResourceUpdated")
