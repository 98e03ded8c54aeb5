"""Raw rows of what holds nights without a guest: resource blocks, and availability blocks with their adjustments."""

from __future__ import annotations

from datetime import date, timedelta

from connectors.kit.simulator.contract import Row
from connectors.mews.simulator.hotel import ENTERPRISE
from connectors.mews.simulator.ids import Ids
from connectors.mews.simulator.site import Place
from connectors.mews.simulator.times import CHECK_IN, CHECK_OUT, instant, midnight

BLOCK_KINDS = {"out_of_order": "OutOfOrder", "owner": "InternalUse"}


def held(home: Place, arrival: date, departure: date) -> Row:
    """Return the times of a resource block."""
    zone = home.site.zone
    first, last = (CHECK_IN, CHECK_OUT) if arrival < departure else (CHECK_OUT, CHECK_IN)
    return {"StartUtc": instant(arrival, first, zone), "EndUtc": instant(departure, last, zone)}


def resource_block(home: Place, ids: Ids, resource_id: str, kind: str, now: str) -> Row:
    """Return a block of one room; `kind` is OutOfOrder or InternalUse."""
    return {
        ENTERPRISE: home.id,
        "Id": ids.next("resource block"),
        "EnterpriseId": home.id,
        "AssignedResourceId": resource_id,
        "IsActive": True,
        "Type": kind,
        "CreatedUtc": now,
        "UpdatedUtc": now,
        "DeletedUtc": None,
        "Name": "Maintenance" if kind == "OutOfOrder" else "House use",
        "Notes": None,
    }


def units(home: Place, arrival: date, departure: date) -> Row:
    """Return first and last time unit of a range of nights; both are inside."""
    last = max(arrival, departure - timedelta(days=1))
    zone = home.site.zone
    ends = {"FirstTimeUnitStartUtc": midnight(arrival, zone), "LastTimeUnitStartUtc": midnight(last, zone)}
    return {**ends, "_end": midnight(last + timedelta(days=1), zone)}


def availability_block(home: Place, ids: Ids, now: str, **said: object) -> Row:
    """Return an allotment; every one has a rate of its own."""
    number = ids.number("availability block number", 500)
    unknown = """
    VoucherId BookerId CompanyId TravelAgencyId Budget ReservationPurpose ReleasedUtc RollingReleaseOffset
    ExternalIdentifier Notes QuoteId PurchaseOrderNumber BusinessSegmentId CanceledUtc CancellationReason
    CancellationReasonDetail
    """
    return {
        ENTERPRISE: home.id,
        "Id": ids.next("availability block"),
        "EnterpriseId": home.id,
        "ServiceId": home.stay_service,
        "RateId": ids.next("block rate"),
        **dict.fromkeys(unknown.split()),
        "State": "Confirmed",
        "CreatedUtc": now,
        "UpdatedUtc": now,
        "Name": f"Allotment {number}",
        "PickupDistribution": "IndividualGroups",
        "IsActive": True,
        "AvailabilityBlockNumber": str(number),
        "ReleaseStrategy": "None",
        **said,
    }


def adjustment(home: Place, ids: Ids, block: Row, category_id: str, now: str) -> Row:
    """Return what an allotment takes out of one category: a negative count of units (11.7)."""
    ends = {name: block[name] for name in ("FirstTimeUnitStartUtc", "LastTimeUnitStartUtc")}
    return {
        ENTERPRISE: home.id,
        "Id": ids.next("adjustment"),
        "AvailabilityBlockId": block["Id"],
        "ResourceCategoryId": category_id,
        **ends,
        "UnitCount": -1,
        "ActivityState": "Active",
        "ReleaseOverrideUtc": None,
        "UpdatedUtc": now,
        "IsActive": True,
        "PaxCounts": [],
        "FirstTimeUnitReleaseUtc": None,
    }
