"""What the tests of the Mews connector share: a small vendor in memory that remembers what it was asked."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec

from connectors.kit.conformance.bench import MemoryTokens
from connectors.kit.pacing import Pace
from connectors.mews import facts
from connectors.mews.connector import MewsConnector
from pms_sync.ports.connector import CallFacts, ConnectorContext, Window

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
LOGIN = {"client_token": "HIDDEN-CLIENT-TOKEN", "access_token": "HIDDEN-ACCESS-TOKEN", "client": "PmsSync tests"}
BASE = "https://api.mews.example"
Row = dict[str, Any]
Answer = httpx.Response | Exception


def uuid(kind: int, number: int) -> str:
    """Name an object of some kind."""
    return f"{kind:08x}-0000-4000-8000-{number:012x}"


PROPERTY, OTHER, ROOMS, PARKING = uuid(1, 1), uuid(1, 2), uuid(2, 1), uuid(2, 2)
DOUBLE, LOT, ROOM, RATE, ADULT, CHILD = uuid(3, 1), uuid(3, 2), uuid(4, 1), uuid(5, 1), uuid(6, 1), uuid(6, 2)
TODAY = Window(dimension="modified", start=NOW - timedelta(hours=12), end=NOW + timedelta(minutes=15))


def at(minutes: float) -> str:
    """Write an instant some minutes before or after the tests' now."""
    return (NOW + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def stay(number: int = 1, *, minutes: float = -60, **fields: Any) -> Row:
    """Build a reservation, changed some minutes from now."""
    return {
        "Id": uuid(7, number),
        "ServiceId": ROOMS,
        "GroupId": uuid(8, number),
        "AccountId": uuid(9, number),
        "AccountType": "Customer",
        "CreatorProfileId": uuid(13, 1),
        "UpdaterProfileId": uuid(13, 1),
        "BookerId": None,
        "Number": f"{52 + number}",
        "State": "Confirmed",
        "Origin": "ChannelManager",
        "CommanderOrigin": None,
        "OriginDetails": None,
        "CreatedUtc": "2026-02-01T09:00:00Z",
        "UpdatedUtc": at(minutes),
        "CancelledUtc": None,
        "RateId": RATE,
        "RequestedResourceCategoryId": DOUBLE,
        "AssignedResourceId": ROOM,
        "AssignedResourceLocked": False,
        "ChannelNumber": f"BK-{number}",
        "ChannelManagerNumber": "",
        "CancellationReason": None,
        "ScheduledStartUtc": "2026-05-04T13:00:00Z",
        "ScheduledEndUtc": "2026-05-06T10:00:00Z",
        "PersonCounts": [{"AgeCategoryId": ADULT, "Count": 2}, {"AgeCategoryId": CHILD, "Count": 1}],
        "TravelAgencyId": None,
    } | fields


def item(number: int, stay_number: int = 1, **fields: Any) -> Row:
    """Build a night of a reservation."""
    amount = {"Currency": "EUR", "NetValue": 90.91, "GrossValue": 100.0, "TaxValues": [], "Breakdown": {"Items": []}}
    return {
        "Id": uuid(10, number),
        "EnterpriseId": PROPERTY,
        "ServiceOrderId": uuid(7, stay_number),
        "Type": "SpaceOrder",
        "AccountingState": "Open",
        "Amount": amount,
        "ConsumedUtc": f"2026-05-{3 + number:02}T13:00:00Z",
        "Options": {"CanceledWithReservation": False},
    } | fields


def customer(number: int = 1, **fields: Any) -> Row:
    """Build a guest's profile with more in it than anybody here should hold."""
    return {
        "Id": uuid(9, number),
        "ChainId": uuid(14, 1),
        "FirstName": "Ada",
        "LastName": f"Lovelace {number}",
        "Email": f"ada{number}@example.test",
        "Phone": "+34 600 000 001",
        "NationalityCode": "GB",
        "LanguageCode": "en-GB",
        "BirthDate": "1815-12-10",
        "Passport": {"Number": "P-HIDDEN"},
        "UpdatedUtc": at(-60),
        "MergeTargetId": None,
        "IsActive": True,
    } | fields


def block(number: int = 1, **fields: Any) -> Row:
    """Build a resource block."""
    return {
        "Id": uuid(11, number),
        "EnterpriseId": PROPERTY,
        "AssignedResourceId": ROOM,
        "IsActive": True,
        "Type": "OutOfOrder",
        "StartUtc": "2026-05-04T13:00:00Z",
        "EndUtc": "2026-05-06T10:00:00Z",
        "CreatedUtc": at(-90),
        "UpdatedUtc": at(-60),
        "DeletedUtc": None,
        "Name": "paint",
        "Notes": None,
    } | fields


# The rest of a hotel with one double room, and a car park that nobody sleeps in; the other hotel shares the token.
HOTEL: dict[str, list[Row]] = {
    facts.ENTERPRISES: [{"Id": PROPERTY}, {"Id": OTHER}],
    facts.SERVICES: [
        {"Id": ROOMS, "EnterpriseId": PROPERTY, "Data": {"Discriminator": "Bookable", "Value": {}}},
        {"Id": PARKING, "EnterpriseId": PROPERTY, "Data": {"Discriminator": "Bookable", "Value": {}}},
        {"Id": uuid(2, 3), "EnterpriseId": PROPERTY, "Data": {"Discriminator": "Additional", "Value": {}}},
        {"Id": uuid(2, 9), "EnterpriseId": OTHER, "Data": {"Discriminator": "Bookable", "Value": {}}},
    ],
    facts.CATEGORIES: [
        {"Id": DOUBLE, "ServiceId": ROOMS, "IsActive": True, "Type": "Room", "Names": {"en-GB": "Double"}},
        {"Id": LOT, "ServiceId": PARKING, "IsActive": True, "Type": "ParkingSpot", "Names": {}},
        {"Id": uuid(3, 3), "ServiceId": ROOMS, "IsActive": False, "Type": "Room", "Names": {}},
    ],
    facts.RESOURCES: [
        {"Id": ROOM, "EnterpriseId": PROPERTY, "IsActive": True, "Name": "101"},
        {"Id": uuid(4, 2), "EnterpriseId": PROPERTY, "IsActive": True, "Name": "102"},
        {"Id": uuid(4, 3), "EnterpriseId": PROPERTY, "IsActive": True, "Name": "P1"},
    ],
    facts.ASSIGNMENTS: [
        {"Id": uuid(15, 1), "ResourceId": ROOM, "CategoryId": DOUBLE, "IsActive": True},
        {"Id": uuid(15, 2), "ResourceId": uuid(4, 2), "CategoryId": DOUBLE, "IsActive": True},
        {"Id": uuid(15, 3), "ResourceId": uuid(4, 3), "CategoryId": LOT, "IsActive": True},
        {"Id": uuid(15, 4), "ResourceId": uuid(4, 4), "CategoryId": DOUBLE, "IsActive": False},
    ],
    facts.RATES: [
        {"Id": RATE, "ServiceId": ROOMS, "IsActive": True, "Type": "Public", "Names": {"cs-CZ": "Pružná"}},
        {"Id": uuid(5, 2), "ServiceId": ROOMS, "IsActive": True, "Type": "AvailabilityBlock", "Names": {}},
    ],
    facts.AGES: [
        {"Id": ADULT, "ServiceId": ROOMS, "Classification": "Adult"},
        {"Id": CHILD, "ServiceId": ROOMS, "Classification": "Child"},
    ],
    facts.SOURCES: [{"Id": uuid(12, 1), "Name": "Booking.com", "Type": "OnlineTravelAgency", "Code": 1}],
}
_IDS = {
    "EnterpriseIds": "EnterpriseId",
    "ServiceIds": "ServiceId",
    "ResourceCategoryIds": "CategoryId",
    "ReservationIds": "Id",
    "AccountIds": "AccountId",
    "CustomerIds": "Id",
    "Ids": "Id",
    "ResourceBlockIds": "Id",
    "ResourceIds": "Id",
    "ServiceOrderIds": "ServiceOrderId",
}
_IDS_OF = {
    (facts.GROUPS, "ReservationGroupIds"): "Id",
    (facts.STAYS, "ReservationGroupIds"): "GroupId",
    (facts.SOURCE_ASSIGNMENTS, "ReservationGroupIds"): "ReservationGroupId",
    (facts.COMPANIONSHIPS, "ReservationGroupIds"): "ReservationGroupId",
    (facts.COMPANIONSHIPS, "CustomerIds"): "CustomerId",
    (facts.NOTES, "ServiceOrderIds"): "OrderId",
    (facts.PAYMENTS, "ReservationIds"): "ReservationId",
}
_TIMES = {"UpdatedUtc": ("UpdatedUtc", "UpdatedUtc"), "ScheduledStartUtc": ("ScheduledStartUtc", "ScheduledStartUtc")}
_TIMES["CollidingUtc"] = ("StartUtc", "EndUtc")


class Asked(msgspec.Struct, frozen=True):
    """One request as the vendor saw it; `said` is the body without the tokens."""

    operation: str
    said: Row
    path: str
    body: Row


class Vendor:
    """A wire that answers from what it holds, newest first; `planned` answers of an operation come first.

    `withheld` operations answer 401; a `check` may refuse a request before it is answered.
    """

    def __init__(self, **tables: Sequence[Row]) -> None:
        """Hold a hotel and these rows, by the names of their lists."""
        by_list = {name: operation for operation, name in facts.ROWS.items()}
        self.tables = {operation: list(HOTEL.get(operation, ())) for operation in facts.ROWS}
        self.tables |= {by_list[name]: list(rows) for name, rows in tables.items()}
        self.planned: dict[str, list[Answer]] = defaultdict(list)
        self.withheld: set[str] = set()
        self.check: Callable[[Asked], Answer | None] = lambda _asked: None
        self.enterprise: Row = {
            "Id": PROPERTY,
            "Name": "Hotel Prado",
            "TimeZoneIdentifier": "Europe/Madrid",
            "Pricing": "Gross",
            "Currencies": [{"Currency": "EUR", "IsDefault": True, "IsEnabled": True}],
            "IsPortfolio": False,
        }
        self.asked: list[Asked] = []
        self.loops = False

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Take one request."""
        path, body = request.url.path, json.loads(request.content)
        tokens = {"ClientToken", "AccessToken", "Client"}
        operation = path.removeprefix("/api/connector/v1/")
        asked = Asked(operation, {name: value for name, value in body.items() if name not in tokens}, path, body)
        self.asked.append(asked)
        answer = self._answer(asked)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def calls(self, operation: str) -> list[Row]:
        """Return what was asked of an operation."""
        return [one.said for one in self.asked if one.operation == operation]

    def _answer(self, asked: Asked) -> Answer:
        if self.planned[asked.operation]:
            return self.planned[asked.operation].pop(0)
        refused = self.check(asked)
        if refused is not None:
            return refused
        if asked.operation in self.withheld:
            return failure(401, "Invalid AccessToken HIDDEN-ACCESS-TOKEN")
        if asked.operation == facts.CONFIGURATION:
            return answered({"NowUtc": at(0), "Enterprise": self.enterprise})
        return self._page(asked)

    def _page(self, asked: Asked) -> httpx.Response:
        rows = [row for row in self.tables[asked.operation] if _fits(row, asked)]
        limit = asked.said["Limitation"]
        places = [row["Id"] for row in rows]
        start = places.index(limit["Cursor"]) + 1 if limit.get("Cursor") in places and not self.loops else 0
        shown = rows[start : start + limit["Count"]]
        cursor = shown[-1]["Id"] if shown else None
        return answered({facts.ROWS[asked.operation]: shown, "Cursor": cursor, "NewestField": {"a": 1}})


def _fits(row: Row, asked: Asked) -> bool:
    for name, value in asked.said.items():
        field = _IDS_OF.get((asked.operation, name)) or _IDS.get(name)
        if field and field in row and row[field] not in value:
            return False
        if name in _TIMES and not _within(row, _TIMES[name], value):
            return False
        if name == "States" and value is not None and row.get("State") not in (None, *value):
            return False
    return True


def _within(row: Row, fields: tuple[str, str], interval: Row) -> bool:
    first, last = (row[field] for field in fields)
    if fields[0] == fields[1]:  # both bounds as narrow as anybody reported them
        return bool(interval["StartUtc"] < first < interval["EndUtc"])
    return bool(first < interval["EndUtc"] and last > interval["StartUtc"])


def answered(body: Row) -> httpx.Response:
    """Answer with success, and a request id as always."""
    return httpx.Response(200, json=body, headers={"Request-Id": "req-42"})


def failure(status: int, message: str = "No.", **headers: str) -> httpx.Response:
    """Answer as Mews fails: a message for people, nothing for machines."""
    body = {"Message": message, "RequestId": "req-42", "Details": None}
    return httpx.Response(status, json=body, headers={"Request-Id": "req-42", **headers})


def connector(vendor: Vendor, **changes: Any) -> MewsConnector:
    """Connect to a wire instead of the network; calls are not spaced."""
    context: dict[str, Any] = {
        "base_url": BASE,
        "property_ref": PROPERTY,
        "credentials": LOGIN,
        "client": httpx.AsyncClient(transport=httpx.MockTransport(vendor)),
        "tokens": MemoryTokens(),
        "report": lambda _facts: None,
        "now": lambda: NOW,
    } | changes
    return MewsConnector(ConnectorContext(**context), Pace(10_000, 1.0))


class Meter:
    """Remembers what was reported of the budget."""

    def __init__(self) -> None:
        self.told: list[CallFacts] = []

    def __call__(self, told: CallFacts) -> None:
        self.told.append(told)


def body_of(record: Any) -> Row:
    """Return a record's parts."""
    told: Row = json.loads(record.body)
    return told
