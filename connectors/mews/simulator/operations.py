"""The read operations as a table: path, filters, what must be said, and what is left out unless asked for.

Source: vendors/mews.md 10.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from connectors.mews.simulator.filters import Filter, crossing, ids, texts, within, word, words
from connectors.mews.simulator.hotel import UPDATED

API = "/api/connector/v1"
STATES = ("Inquired", "Confirmed", "Started", "Processed", "Canceled", "Optional", "Requested")
_ACCOUNTING = ("Open", "Closed", "Inactive", "Canceled")
_ITEM_TYPES = """
CancellationFee NightRebate ProductOrderRebate AdditionalExpenseRebate Deposit ExchangeRateDifference CustomItem
ServiceCharge CityTax CityTaxDiscount SpaceOrder ProductOrder Surcharge TaxCorrection ResourceUpgradeFee InvoiceFee
MulticurrencyFee AllowanceDiscount AllowanceBreakage AllowanceContraBreakage
""".split()
_PAYMENT_TYPES = """
Payment CreditCardPayment AlternativePayment CashPayment InvoicePayment ExternalPayment GhostPayment TaxDeductedPayment
""".split()

Activity = frozenset[str]
ACTIVE: Activity = frozenset({"Active"})
BOTH: Activity = frozenset({"Active", "Deleted"})


@dataclass(frozen=True)
class Operation:
    """One `getAll`: the table it reads, the list in its answer, and its rules.

    `extent` is the flag that lets rows in; `activity` is what `ActivityStates` means when it is left out, None where
    there is no such filter; `of_chain` operations are not scoped by property; `lags` marks what is read behind writes;
    `unordered` pages follow no order that a reader could know.
    """

    path: str
    table: str
    key: str
    filters: Mapping[str, Filter]
    required: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    apart: tuple[tuple[str, str], ...] = ()
    extent: str | None = None
    extent_optional: bool = False
    activity: Activity | None = None
    of_chain: bool = False
    lags: bool = False
    unordered: bool = False
    beside: Mapping[str, object] = field(default_factory=dict)


def _changes(**more: Filter) -> dict[str, Filter]:
    return {"UpdatedUtc": within("UpdatedUtc"), **more}


_RESERVATIONS = Operation(
    "reservations/getAll/2023-06-06",
    "reservations",
    "Reservations",
    {
        "ReservationIds": ids("Id"),
        "ServiceIds": ids("ServiceId"),
        "ReservationGroupIds": ids("GroupId"),
        "AccountIds": ids("AccountId"),
        "AssignedResourceIds": ids("AssignedResourceId"),
        "Numbers": texts("Number"),
        "ChannelNumbers": texts("ChannelNumber", 100),
        "PartnerCompanyIds": ids("PartnerCompanyId", 100),
        "TravelAgencyIds": ids("TravelAgencyId", 100),
        "AvailabilityBlockIds": ids("AvailabilityBlockId", 100),
        "CreatedUtc": within("CreatedUtc"),
        "UpdatedUtc": within("UpdatedUtc"),
        "CollidingUtc": crossing("ScheduledStartUtc", "ScheduledEndUtc"),
        "ScheduledStartUtc": within("ScheduledStartUtc"),
        "ActualStartUtc": within("ActualStartUtc"),
        "ScheduledEndUtc": within("ScheduledEndUtc"),
        "ActualEndUtc": within("ActualEndUtc"),
        "States": words("State", *STATES),
    },
    apart=(("ScheduledStartUtc", "ActualStartUtc"), ("ScheduledEndUtc", "ActualEndUtc")),
    lags=True,
)

_ORDER_ITEMS = Operation(
    "orderItems/getAll",
    "items",
    "OrderItems",
    {
        "OrderItemIds": ids("Id"),
        "ServiceOrderIds": ids("ServiceOrderId"),
        "ServiceIds": ids("ServiceId"),
        "BillIds": ids("BillId"),
        "AccountIds": ids("AccountId", 100),
        **{f"{name}Utc": within(f"{name}Utc") for name in ("Created", "Updated", "Consumed", "Canceled", "Closed")},
        "AccountingStates": words("AccountingState", *_ACCOUNTING),
        "Types": words("Type", *_ITEM_TYPES),
    },
    one_of=("OrderItemIds", "ServiceOrderIds", "ServiceIds", "BillIds", "CreatedUtc", "UpdatedUtc", "ClosedUtc"),
    lags=True,
)

_PAYMENTS = Operation(
    "payments/getAll",
    "payments",
    "Payments",
    {
        "PaymentIds": ids("Id"),
        "AccountIds": ids("AccountId", 100),
        "BillIds": ids("BillId"),
        "ReservationIds": ids("ReservationId"),
        **{f"{name}Utc": within(f"{name}Utc") for name in ("Created", "Updated", "Charged", "Closed", "Settlement")},
        "AccountingStates": words("AccountingState", *_ACCOUNTING),
        "States": words("State", "Charged", "Canceled", "Pending", "Failed", "Verifying"),
        "Type": word("Type", *_PAYMENT_TYPES),
    },
    one_of=(
        *("PaymentIds", "AccountIds", "BillIds", "ReservationIds"),
        *("CreatedUtc", "UpdatedUtc", "ChargedUtc", "ClosedUtc", "SettlementUtc"),
    ),
    lags=True,
)

_BILLS = Operation(
    "bills/getAll",
    "bills",
    "Bills",
    {
        "BillIds": ids("Id"),
        "CustomerIds": ids("AccountId"),
        **{f"{name}Utc": within(f"{name}Utc") for name in ("Issued", "Paid", "Due", "Created", "Updated")},
        "State": word("State", "Open", "Closed"),
        "Type": word("Type", "Receipt", "Invoice"),
        "CorrectionState": words("CorrectionState", "Bill", "CorrectiveBill"),
    },
    one_of=("BillIds", "CustomerIds", "State", "IssuedUtc", "PaidUtc", "DueUtc", "CreatedUtc", "UpdatedUtc"),
)

_CUSTOMER_FILTERS: dict[str, Filter] = {
    "CustomerIds": ids("Id"),
    "Emails": texts("Email"),
    "FirstNames": texts("FirstName"),
    "LastNames": texts("LastName"),
    "LoyaltyCodes": texts("LoyaltyCode"),
    "CompanyIds": ids("CompanyId", 1),
    "CreatedUtc": within("CreatedUtc"),
    "UpdatedUtc": within("UpdatedUtc"),
    "DeletedUtc": within("_deleted"),
}

_PEOPLE = (
    Operation(
        "customers/getAll",
        "customers",
        "Customers",
        {"ChainIds": ids("ChainId"), **_CUSTOMER_FILTERS},
        one_of=tuple(_CUSTOMER_FILTERS),
        extent="Customers",
        activity=ACTIVE,
        of_chain=True,
    ),
    Operation(
        "companies/getAll",
        "companies",
        "Companies",
        {
            "ChainIds": ids("ChainId"),
            "Ids": ids("Id"),
            "Names": texts("Name"),
            "ExternalIdentifiers": texts("ExternalIdentifier"),
            "MotherCompanyIds": ids("MotherCompanyId"),
            **_changes(CreatedUtc=within("CreatedUtc")),
        },
        activity=BOTH,
        of_chain=True,
    ),
    Operation(
        "addresses/getAll",
        "addresses",
        "Addresses",
        {"ChainIds": ids("ChainId"), "AccountIds": ids("AccountId"), "AddressIds": ids("Id"), **_changes()},
        one_of=("AccountIds", "AddressIds", "UpdatedUtc"),
        activity=ACTIVE,
        of_chain=True,
    ),
    Operation(
        "companionships/getAll",
        "companionships",
        "Companionships",
        {
            "CompanionshipIds": ids("Id"),
            "ReservationIds": ids("ReservationId"),
            "CustomerIds": ids("CustomerId"),
            "ReservationGroupIds": ids("ReservationGroupId"),
            "UpdatedUtc": within(UPDATED),
        },
        required=("Extent",),
        one_of=("CompanionshipIds", "ReservationIds", "CustomerIds", "ReservationGroupIds"),
    ),
)

_AROUND = (
    Operation(
        "reservationGroups/getAll",
        "groups",
        "ReservationGroups",
        {"ReservationGroupIds": ids("Id"), "UpdatedUtc": within(UPDATED)},
        one_of=("ReservationGroupIds", "UpdatedUtc"),
    ),
    Operation("sources/getAll", "sources", "Sources", {"SourceIds": ids("Id"), **_changes()}, of_chain=True),
    Operation(
        "sourceAssignments/getAll",
        "source_assignments",
        "SourceAssignments",
        {"ReservationGroupIds": ids("ReservationGroupId"), "UpdatedUtc": within(UPDATED)},
    ),
    Operation(
        "serviceOrderNotes/getAll",
        "notes",
        "ServiceOrderNotes",
        {
            "ServiceOrderIds": ids("OrderId"),
            "ServiceOrderNoteIds": ids("Id"),
            "Types": words("Type", "General", "ChannelManager", "SpecialRequest"),
            **_changes(),
        },
        required=("ServiceOrderIds",),
    ),
)

_SET_UP = (
    Operation(
        "enterprises/getAll",
        "enterprises",
        "Enterprises",
        {"ExternalIdentifiers": texts("ExternalIdentifier"), "LinkedUtc": within("LinkedUtc"), **_changes()},
    ),
    Operation(
        "services/getAll",
        "services",
        "Services",
        {"ServiceIds": ids("Id"), "ServiceType": word("_type", "Bookable", "Additional"), **_changes()},
    ),
    Operation(
        "resources/getAll",
        "resources",
        "Resources",
        {"ResourceIds": ids("Id"), "Names": texts("Name"), **_changes(CreatedUtc=within("CreatedUtc"))},
        extent="Resources",
        unordered=True,
    ),
    Operation(
        "resourceCategories/getAll",
        "categories",
        "ResourceCategories",
        {"ServiceIds": ids("ServiceId"), "ResourceCategoryIds": ids("Id"), "UpdatedUtc": within(UPDATED)},
        required=("ServiceIds",),
        activity=ACTIVE,
    ),
    Operation(
        "resourceCategoryAssignments/getAll",
        "assignments",
        "ResourceCategoryAssignments",
        {"ResourceCategoryIds": ids("CategoryId"), "ResourceIds": ids("ResourceId"), **_changes()},
        required=("ResourceCategoryIds",),
        activity=ACTIVE,
    ),
    Operation(
        "rates/getAll",
        "rates",
        "Rates",
        {
            "ServiceIds": ids("ServiceId"),
            "RateIds": ids("Id"),
            "ExternalIdentifiers": texts("ExternalIdentifier"),
            **_changes(),
        },
        required=("ServiceIds",),
        extent="Rates",
        extent_optional=True,
        activity=BOTH,
        beside={
            "RateGroups": [],
            "RateRestrictions": {"DateRestrictions": [], "EarlinessRestrictions": [], "LengthRestrictions": []},
            "AvailabilityBlockAssignments": [],
        },
    ),
    Operation(
        "rateGroups/getAll",
        "rate_groups",
        "RateGroups",
        {
            "RateGroupIds": ids("Id"),
            "ServiceIds": ids("ServiceId"),
            "ExternalIdentifiers": texts("ExternalIdentifier"),
            **_changes(),
        },
        activity=BOTH,
    ),
    Operation(
        "ageCategories/getAll",
        "age_categories",
        "AgeCategories",
        {"AgeCategoryIds": ids("Id"), "ServiceIds": ids("ServiceId"), **_changes()},
        activity=BOTH,
    ),
    Operation(
        "products/getAll",
        "products",
        "Products",
        {"ServiceIds": ids("ServiceId"), "ProductIds": ids("Id"), **_changes()},
        required=("ServiceIds",),
        beside={"CustomerProducts": []},
    ),
)

_HELD = (
    Operation(
        "resourceBlocks/getAll",
        "resource_blocks",
        "ResourceBlocks",
        {
            "ResourceBlockIds": ids("Id"),
            "AssignedResourceIds": ids("AssignedResourceId"),
            "CollidingUtc": crossing("StartUtc", "EndUtc"),
            **_changes(CreatedUtc=within("CreatedUtc")),
        },
        activity=ACTIVE,
    ),
    Operation(
        "availabilityBlocks/getAll",
        "availability_blocks",
        "AvailabilityBlocks",
        {
            "ServiceIds": ids("ServiceId"),
            "AvailabilityBlockIds": ids("Id"),
            "ExternalIdentifiers": texts("ExternalIdentifier"),
            "ReleasedUtc": within("ReleasedUtc"),
            "CollidingUtc": crossing("FirstTimeUnitStartUtc", "_end"),
            "States": words("State", "Confirmed", "Optional", "Inquired", "Canceled"),
            **_changes(CreatedUtc=within("CreatedUtc")),
        },
        extent="AvailabilityBlocks",
        activity=ACTIVE,
    ),
    Operation(
        "availabilityAdjustments/getAll",
        "adjustments",
        "AvailabilityAdjustments",
        {"AvailabilityAdjustmentIds": ids("Id"), **_changes()},
        activity=ACTIVE,
    ),
)

OPERATIONS = (_RESERVATIONS, _ORDER_ITEMS, _PAYMENTS, _BILLS, *_PEOPLE, *_AROUND, *_SET_UP, *_HELD)
CONFIGURATION = "configuration/get"
RESTRICTED = ("reservations/getChannelManagerDetails", "sourceAssignments/getAll/2024-09-20")
"""Operations that must be asked for; without that they answer like any operation without permission (2, 15)."""
ENDED = ("reservations/getAll", "reservations/getAllItems", "accountingItems/getAll", "customers/merge")
"""Discontinued operations, which answer 410 by policy (16)."""
