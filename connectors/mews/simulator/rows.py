"""Raw rows of bookings as the wire shows them: the 2023 shape of a reservation and what hangs on it (mews.md 10)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from connectors.kit.simulator.contract import Row
from connectors.mews.simulator.amounts import untaxed
from connectors.mews.simulator.hotel import ENTERPRISE, UPDATED
from connectors.mews.simulator.ids import Ids, fixed
from connectors.mews.simulator.site import CHAIN_ID, CHANNELS, INTEGRATION_USER, STAFF, Place
from connectors.mews.simulator.times import CHECK_IN, CHECK_OUT, instant, midnight

_WRITERS = {"ChannelManager": CHANNELS, "Distributor": CHANNELS, "Connector": INTEGRATION_USER}
_NOT_IN_USE = "VoucherId BusinessSegmentId CreditCardId AvailabilityBlockId PartnerCompanyId TravelAgencyId".split()
_PERSON_TEXTS = """
Title Sex SecondLastName BirthDate BirthCountryCode BirthPlace Occupation TaxIdentificationNumber LoyaltyCode
AccountingCode BillingCode Notes CarRegistrationNumber DietaryRequirements Passport IdentityCard Visa DriversLicense
Address ItalianDestinationCode ItalianFiscalCode ItalianLotteryCode CompanyId MergeTargetId
""".split()


def writer(origin: object) -> str:
    """Return the profile that writes reservations of an origin."""
    return _WRITERS.get(str(origin), STAFF)


def group(home: Place, ids: Ids, now: str, **said: object) -> Row:
    """Return a reservation group; the time of its change is filtered by, but not told."""
    empty = {"Name": None, "ChannelManager": None, "ChannelManagerGroupNumber": None}
    return {ENTERPRISE: home.id, UPDATED: now, "Id": ids.next("group"), **empty, "EnterpriseId": home.id, **said}


def planned(home: Place, arrival: date, departure: date) -> Row:
    """Return the planned times of a stay, and the deprecated pair beside them."""
    start = instant(arrival, CHECK_IN, home.site.zone)
    # A stay without a night is sold from check-out time to check-in time of one day, so that it has a length.
    end = instant(departure, CHECK_OUT if arrival < departure else CHECK_IN, home.site.zone)
    start = start if arrival < departure else instant(arrival, CHECK_OUT, home.site.zone)
    return {"StartUtc": start, "EndUtc": end, "ScheduledStartUtc": start, "ScheduledEndUtc": end}


def persons(home: Place, adults: int, children: int) -> list[Row]:
    """Return the number of people by age category; categories without anybody are left out."""
    counts = ((home.adult, adults), (home.child, children))
    return [{"AgeCategoryId": age, "Count": count} for age, count in counts if count]


def reservation(home: Place, ids: Ids, now: str, **said: object) -> Row:
    """Return a reservation: one category for one range of nights."""
    number = ids.number("reservation number", 1000)
    options = "OwnerCheckedIn AllCompanionsCheckedIn AnyCompanionCheckedIn ConnectorCheckIn".split()
    return {
        ENTERPRISE: home.id,
        "Id": ids.next("reservation"),
        "ServiceId": home.stay_service,
        "AccountId": None,
        "AccountType": "Customer",
        "CreatorProfileId": STAFF,
        "UpdaterProfileId": STAFF,
        "BookerId": None,
        "Number": str(number),
        "State": "Confirmed",
        "Origin": "Commander",
        "CommanderOrigin": None,
        "OriginDetails": None,
        "CreatedUtc": now,
        "UpdatedUtc": now,
        "CancelledUtc": None,
        "Options": dict.fromkeys(options, False),
        "RateId": home.at("rate", "flexible"),
        "GroupId": None,
        "RequestedResourceCategoryId": None,
        "AssignedResourceId": None,
        **dict.fromkeys(_NOT_IN_USE),
        "AssignedResourceLocked": False,
        "ChannelNumber": None,
        "ChannelManagerNumber": None,
        "CancellationReason": None,
        "ReleasedUtc": None,
        "ActualStartUtc": None,
        "ActualEndUtc": None,
        "Purpose": None,
        "QrCodeData": None,
        "PersonCounts": persons(home, 2, 0),
        **said,
    }


def customer(ids: Ids, now: str, **said: object) -> Row:
    """Return a guest profile; it belongs to the chain, not to a property."""
    number = ids.number("customer number")
    return {
        "Id": ids.next("customer"),
        "ChainId": CHAIN_ID,
        "Number": str(number),
        "FirstName": None,
        "LastName": "Guest",
        **dict.fromkeys(_PERSON_TEXTS),
        **dict.fromkeys(("NationalityCode", "PreferredLanguageCode", "LanguageCode", "Email", "Phone", "AddressId")),
        "HasOtaEmail": False,
        "CreatedUtc": now,
        "UpdatedUtc": now,
        "Classifications": [],
        "Options": [],
        "IsActive": True,
        "PreferredSpaceFeatures": [],
        "CreatorProfileId": STAFF,
        "UpdaterProfileId": STAFF,
        **said,
    }


def address(guest: Row, country: str, now: str) -> Row:
    """Return the address of a guest."""
    places = dict.fromkeys("Line2 City PostalCode CountrySubdivisionCode Latitude Longitude".split())
    return {
        "Id": fixed("address", guest["Id"]),
        "AccountId": guest["Id"],
        "ChainId": CHAIN_ID,
        "AccountType": "Customer",
        "Line1": None,
        **places,
        "CountryCode": country,
        "UpdatedUtc": now,
        "IsActive": True,
    }


def companionship(home: Place, ids: Ids, guest_id: str, stay: Row) -> Row:
    """Return what ties a further guest to a stay."""
    tie = {"CustomerId": guest_id, "ReservationGroupId": stay["GroupId"], "ReservationId": stay["Id"]}
    return {ENTERPRISE: home.id, "Id": ids.next("companionship"), **tie}


def note(home: Place, ids: Ids, order_id: str, text: str, kind: str, now: str) -> Row:
    """Return a note on a stay; `kind` is General, ChannelManager or SpecialRequest."""
    said = {"OrderId": order_id, "Text": text, "Type": kind, "CreatedUtc": now, "UpdatedUtc": now}
    return {ENTERPRISE: home.id, "Id": ids.next("note"), **said}


def item(home: Place, ids: Ids, stay: Row, gross: Decimal, now: str, **said: object) -> Row:
    """Return a line of the bill that belongs to a stay."""
    worth = home.amount(gross)
    usual = {"ServiceId": stay["ServiceId"], "ServiceOrderId": stay["Id"], "Type": "CustomItem"}
    return {
        ENTERPRISE: home.id,
        "Id": ids.next("item"),
        "EnterpriseId": home.id,
        "AccountId": stay["AccountId"],
        "AccountType": stay["AccountType"],
        **usual,
        **dict.fromkeys("Notes BillId AccountingCategoryId BillingName ExternalIdentifier".split()),
        "UnitCount": 1,
        "UnitAmount": worth,
        "Amount": worth,
        "OriginalAmount": worth,
        "RevenueType": "Additional",
        "CreatorProfileId": STAFF,
        "UpdaterProfileId": STAFF,
        "CreatedUtc": now,
        "UpdatedUtc": now,
        "ConsumedUtc": now,
        **dict.fromkeys("CanceledUtc ClosedUtc StartUtc ClaimedUtc".split()),
        "AccountingState": "Open",
        "Options": {"CanceledWithReservation": False},
        "Data": None,
        "TaxExemptionReason": None,
        "TaxExemptionLegalReference": None,
        **said,
    }


def night(home: Place, ids: Ids, stay: Row, day: date, gross: Decimal, now: str) -> Row:
    """Return the line of one night: it starts and is consumed when the time unit begins."""
    begins = midnight(day, home.site.zone)
    said = {"Type": "SpaceOrder", "RevenueType": "Service", "BillingName": "Night", "StartUtc": begins}
    return item(home, ids, stay, gross, now, ConsumedUtc=begins, **said)


def payment(home: Place, ids: Ids, stay: Row, received: Decimal, now: str, **said: object) -> Row:
    """Return a payment; money that was received has a negative amount (10.9)."""
    worth = untaxed(-received, home.site.currency)
    unknown = "PaymentRequestId BillId AccountingCategoryId Notes SettlementId ClosedUtc Identifier Kind".split()
    data = {"Discriminator": "External", "External": {"Type": "Cash", "ExternalIdentifier": None}}
    return {
        ENTERPRISE: home.id,
        "Id": ids.next("payment"),
        "EnterpriseId": home.id,
        "AccountId": stay["AccountId"],
        "AccountType": stay["AccountType"],
        **dict.fromkeys(unknown),
        "ReservationId": stay["Id"],
        "Amount": worth,
        "OriginalAmount": worth,
        "ConsumedUtc": now,
        "ChargedUtc": now,
        "CreatedUtc": now,
        "UpdatedUtc": now,
        "SettlementUtc": now,
        "AccountingState": "Open",
        "State": "Charged",
        "Type": "ExternalPayment",
        "Data": data,
        "PaymentOrigin": "Operations",
        **said,
    }


def bill(home: Place, ids: Ids, stay: Row, now: str, **said: object) -> Row:
    """Return the bill of a profile; lines and payments name it, the bill does not name them."""
    unknown = """
    Name CounterId Number VariableSymbol IssuedUtc TaxedUtc PaidUtc DueUtc LastReminderDateUtc PurchaseOrderNumber
    Notes Options OwnerData CompanyDetails AssociatedAccountData EnterpriseData CorrectionType CorrectedBillId
    """
    return {
        ENTERPRISE: home.id,
        "Id": ids.next("bill"),
        **dict.fromkeys(unknown.split()),
        "EnterpriseId": home.id,
        "AccountId": stay["AccountId"],
        "AccountType": stay["AccountType"],
        "AssociatedAccountIds": [],
        "State": "Open",
        "Type": "Receipt",
        "CreatedUtc": now,
        "UpdatedUtc": now,
        **{name: [] for name in ("Revenue", "Payments", "OrderItems", "PaymentItems")},
        "CorrectionState": "Bill",
        **said,
    }
