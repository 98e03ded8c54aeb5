"""The set-up of a property: services, categories, resources, rates and the rows beside them that nobody should import.

Every property also sells parking by the day, has a category, a rate and a room that were deleted, and a service that is
switched off: the vendor returns them all (vendors/mews.md 1, 9 and 10).
"""

from __future__ import annotations

from decimal import Decimal

from connectors.kit.simulator.contract import Row
from connectors.mews.simulator.hotel import ENTERPRISE, Hotel
from connectors.mews.simulator.ids import fixed
from connectors.mews.simulator.rooms import furnish_rooms
from connectors.mews.simulator.site import BORN, CHAIN_ID, CHAIN_NAME, Place
from connectors.mews.simulator.times import duration

SOURCES = ("Booking.com", "Expedia", "Airbnb", "Agoda", "Vrbo", "Hostelworld")
_PROMOTIONS = "BeforeCheckIn AfterCheckIn DuringStay BeforeCheckOut AfterCheckOut DuringCheckOut".split()


def furnish(hotel: Hotel, home: Place) -> None:
    """Put the set-up of one property into the tables."""
    hotel["enterprises"].put(_enterprise(home))
    for row in _services(home):
        hotel["services"].put(row)
    for row in _products(home):
        hotel["products"].put(row)
    for row in _ages(home):
        hotel["age_categories"].put(row)
    for row in _rates(home):
        hotel["rates"].put(row)
    hotel["rate_groups"].put(_rate_group(home))
    furnish_rooms(hotel, home)


def furnish_chain(hotel: Hotel) -> None:
    """Put what all properties share into the tables: sources and companies."""
    for code, name in enumerate(SOURCES, 1):
        kind = {"Id": fixed("source", name), "Name": name, "Type": "OnlineTravelAgency", "UpdatedUtc": BORN}
        hotel["sources"].put({**kind, "Code": code})
    for number, name in enumerate((*SOURCES, "Acme Travel"), 1):
        hotel["companies"].put(_company(number, name))


def _stamps() -> Row:
    return {"CreatedUtc": BORN, "UpdatedUtc": BORN}


def _names(text: str) -> Row:
    return {"en-US": text}


def _enterprise(home: Place) -> Row:
    site = home.site
    address = {"Line1": f"{home.index + 1} High Street", "Line2": None, "City": "Town", "PostalCode": "10001"}
    where = {"CountryCode": site.country, "CountrySubdivisionCode": None, "Latitude": None, "Longitude": None}
    codes = dict.fromkeys(
        ("LegalEnvironmentCode", "AccommodationEnvironmentCode", "AccountingEnvironmentCode", "TaxEnvironmentCode"),
        site.country,
    )
    return {
        ENTERPRISE: home.id,
        "Id": home.id,
        "ExternalIdentifier": None,
        "HoldingKey": None,
        "ChainId": CHAIN_ID,
        "ChainName": CHAIN_NAME,
        **_stamps(),
        "LinkedUtc": BORN,
        "Name": home.name,
        "ShortName": None,
        "TimeZoneIdentifier": site.zone,
        **codes,
        "DefaultLanguageCode": site.language,
        "EditableHistoryInterval": duration(days=7),
        "AccountingEditableHistoryInterval": duration(days=7),
        "OperationalEditableHistoryInterval": duration(days=7),
        "BusinessDayClosingOffset": None,
        **dict.fromkeys(("WebsiteUrl", "Email", "Phone", "LogoImageId", "CoverImageId", "TaxPrecision")),
        "Pricing": site.pricing,
        "AddressId": home.at("address"),
        "Address": {"Id": home.at("address"), **address, **where},
        "GroupNames": [],
        "Subscription": {"TaxIdentifier": None},
        "Currencies": [{"Currency": site.currency, "IsDefault": True, "IsEnabled": True}],
        "AccountingConfiguration": None,
        "IsPortfolio": False,
    }


def _service(home: Place, key: str, name: str, data: Row, *, active: bool = True) -> Row:
    return {
        ENTERPRISE: home.id,
        "Id": home.at("service", key),
        "EnterpriseId": home.id,
        "IsActive": active,
        "Name": name,
        "Names": _names(name),
        "Options": {"BillAsPackage": False},
        "Ordering": 0,
        "Data": data,
        "_type": data["Discriminator"],
        "ExternalIdentifier": None,
        **_stamps(),
    }


def _bookable(start: int, end: int) -> Row:
    value = {
        "StartOffset": duration(hours=start),
        "EndOffset": duration(hours=end),
        "OccupancyStartOffset": duration(),
        "OccupancyEndOffset": duration(),
        "TimeUnit": "Day",
        "TimeUnitPeriod": "Day",
    }
    return {"Discriminator": "Bookable", "Value": value}


def _services(home: Place) -> list[Row]:
    extras = {"Discriminator": "Additional", "Value": {"Promotions": dict.fromkeys(_PROMOTIONS, False)}}
    return [
        _service(home, "stay", "Accommodation", _bookable(15, 11)),
        _service(home, "parking", "Parking", _bookable(8, -4)),
        _service(home, "extras", "Breakfast", extras),
        _service(home, "old", "Summer terrace", extras, active=False),
    ]


def _products(home: Place) -> list[Row]:
    price = home.amount(Decimal(15))
    modes = {"Charging": "PerPersonPerTimeUnit", "ChargingMode": "PerPersonPerTimeUnit"}
    return [
        {
            ENTERPRISE: home.id,
            "Id": home.at("product", "breakfast"),
            "ServiceId": home.at("service", "extras"),
            "CategoryId": None,
            "AccountingCategoryId": None,
            "IsActive": True,
            "IsDefault": False,
            "Names": _names("Breakfast"),
            "ExternalNames": {},
            "ShortNames": {},
            "Descriptions": {},
            **modes,
            "Posting": "Daily",
            "PostingMode": "PerTimeUnit",
            "Options": {"BillAsPackage": False, "ExcludePriceFromOffer": False},
            "Promotions": dict.fromkeys(_PROMOTIONS, False),
            "Classifications": {"Food": True, "Beverage": False, "Wellness": False, "CityTax": False, "Fee": False},
            "Price": price,
            "Pricing": {"Discriminator": "Absolute", "Value": price},
            "ImageIds": [],
            "Ordering": 0,
            "ExternalIdentifier": None,
            "ConsumptionMoment": "NextTimeUnit",
            **_stamps(),
        }
    ]


def _ages(home: Place) -> list[Row]:
    kinds = (("adult", "Adult", 18, None), ("child", "Child", 0, 17))
    return [
        {
            ENTERPRISE: home.id,
            "Id": home.at("age", key),
            "ServiceId": home.stay_service,
            "MinimalAge": least,
            "MaximalAge": most,
            "Names": _names(word),
            "ShortNames": {},
            "Classification": word,
            "IsActive": True,
            "ExternalIdentifier": None,
            **_stamps(),
        }
        for key, word, least, most in kinds
    ]


def _rate_group(home: Place) -> Row:
    return {
        ENTERPRISE: home.id,
        "Id": home.at("rate group"),
        "ServiceId": home.stay_service,
        "IsActive": True,
        **_stamps(),
        "Ordering": 0,
        "Names": _names("Standard"),
        "ShortNames": {},
        "Descriptions": {},
        "ExternalIdentifier": None,
    }


def _rate(home: Place, key: str, name: str, **said: object) -> Row:
    return {
        ENTERPRISE: home.id,
        "Id": home.at("rate", key),
        "GroupId": home.at("rate group"),
        "ServiceId": home.stay_service,
        "BaseRateId": None,
        "IsBaseRate": True,
        "BusinessSegmentId": None,
        "IsActive": True,
        "IsEnabled": True,
        "IsPublic": True,
        "IsDefault": False,
        "Type": "Public",
        "Name": name,
        "Names": _names(name),
        "ShortName": None,
        "UpdatedUtc": BORN,
        "ExternalNames": {},
        "Description": {},
        "ExternalIdentifier": None,
        # Not in the vendor's documents, but captured on the wire (vendors/mews.md 3).
        "Options": {"HidePriceFromGuest": False},
        "Pricing": {"Discriminator": "BaseRatePricing", "Value": None},
        **said,
    }


def block_rate(home: Place, block: Row) -> Row:
    """Return the rate that an availability block brings along."""
    said = {"Id": block["RateId"], "IsPublic": False, "Type": "AvailabilityBlock", "UpdatedUtc": block["CreatedUtc"]}
    return _rate(home, "block", str(block["Name"]), **said)


def _rates(home: Place) -> list[Row]:
    base = home.at("rate", "flexible")
    return [
        _rate(home, "flexible", "Flexible", IsDefault=True),
        _rate(home, "saver", "Non-refundable", BaseRateId=base, IsBaseRate=False),
        _rate(home, "old", "Opening offer", IsActive=False, IsEnabled=False, IsPublic=False, Type="Private"),
    ]


def _company(number: int, name: str) -> Row:
    texts = """
    MotherCompanyId InvoicingEmail WebsiteUrl InvoiceDueInterval Department DunsNumber ReferenceIdentifier
    AccountingCode AdditionalTaxIdentifier BillingCode Contact ContactPerson ElectronicInvoiceIdentifier Identifier
    Iata Notes TaxIdentifier Telephone Address AddressId MergeTargetId TaxIdentificationNumber ExternalIdentifier
    """
    options = {"Invoiceable": False, "AddFeesToInvoices": False, "AddTaxDeductedPaymentToInvoices": False}
    return {
        "Id": fixed("company", name),
        "ChainId": CHAIN_ID,
        "Name": name,
        **dict.fromkeys(texts.split()),
        "Options": options,
        "CreditRating": {"Basic": None},
        "IsActive": True,
        "Number": number,
        **_stamps(),
    }
