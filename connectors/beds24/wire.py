"""Beds24 on the wire: the declared facts, the parameter tables, and as much of each answer as the connector reads.

Records stay raw bytes; what a booking means is the mapper's business. Sections are those of vendors/beds24.md.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Any

import msgspec

from pms_sync.ports.connector import ConnectorSpec, RateBudget, StreamSpec

RESERVATIONS, CATALOGUE = "reservations", "catalogue"
MODIFIED, ARRIVAL = "modified", "arrival"
SECRET_HEADER = "X-PMS-Sync-Secret"  # noqa: S105 - the name of a header

SPEC = ConnectorSpec(
    vendor="beds24",
    label="Beds24",
    capabilities=frozenset({"reservations", "guests", "blocks", "folio", "catalogue", "webhooks", "push"}),
    streams=(
        StreamSpec(
            name=RESERVATIONS,
            feed="delta",
            page_order="unordered",  # 4.1: no order is documented
            clock_granularity=timedelta(seconds=1),
            overlap=timedelta(hours=26),  # 5.2: the zone of the filter is not documented
            calibrated_overlap=timedelta(minutes=5),
            max_window=timedelta(days=7),
            snapshot_dimension=ARRIVAL,
            page_size=100,
        ),
        StreamSpec(name=CATALOGUE, feed="snapshot", page_size=100),
    ),
    rate_budget=RateBudget(credits=Decimal(100), window_s=300.0, reserve=Decimal(15)),  # 3
    max_in_flight=1,  # 3: one call at a time per account
    batch_fetch_limit=40,  # 13.5
    batch_push_limit=40,  # 4.2: as many as are read back in one call, far below what one post takes
    webhook_trust="weak",
    webhook_header=SECRET_HEADER,
    identifier_keys=frozenset(
        {
            *("id", "ids", "master", "masterId", "propertyId", "roomId", "unitId", "offerId", "bookingId"),
            *("invoiceId", "invoiceeId", "ownerId", "authorOwnerId", "createdBy", "apiSourceId"),
            *("apiReference", "reference"),
        }
    ),
    credential_keys=("refresh_token",),
    secret_credentials=frozenset({"refresh_token", "invite_code"}),
    client_credentials=("refresh_token", "invite_code"),
    default_base_url="https://api.beds24.com/v2",
    docs="https://beds24.com/api/v2/",
)

# 5.1: cancelled bookings are left out unless every status is named, each in its own parameter.
STATUSES = tuple(("status", word) for word in ("new", "request", "confirmed", "cancelled", "black", "inquiry"))
INCLUDES = tuple((f"include{part}", "true") for part in ("InvoiceItems", "InfoItems", "Guests", "BookingGroup"))
ROOMS = tuple((name, "true") for name in ("includeAllRooms", "includeUnitDetails", "includeOffers"))

# 2.3: what reading needs, and the word of a scope that also grants it.
NEEDED_SCOPES = ("read:bookings", "read:bookings-personal", "read:bookings-financial", "read:properties")
ACCOUNT_SCOPE, WEBHOOK_SCOPE = "read:accounts", "write:properties"

# 3: the spelling on the wire first, then the one of the API file.
REMAINING = ("x-five-min-limit-remaining", "x-fivemincreditlimit-remaining")
RESETS_IN = ("x-five-min-limit-resets-in", "x-fivemincreditlimit-resetsin")
COST = ("x-request-cost", "x-requestcost")

Id = Annotated[int, msgspec.Meta(ge=1, le=10**18)]


class Struct(msgspec.Struct, rename="camel", gc=False):
    """Base of everything the vendor sends; unknown keys are skipped (6)."""


class Granted(Struct):
    """What the authentication calls hand out, or why not (2.2, 4.3)."""

    success: bool = True
    token: str | None = None
    expires_in: float = 3600.0
    refresh_token: str | None = None


class TokenFacts(Struct):
    """`token` of GET /authentication/details."""

    scopes: list[str] = []
    device_name: str | None = None
    only_property_id: int | None = None
    white_list_only: bool | None = None


class Details(Struct):
    """GET /authentication/details, which has no envelope."""

    valid_token: bool
    token: TokenFacts | None = None


class Pages(Struct):
    """The vendor's word on whether more follows; its link is never followed (4.1)."""

    next_page_exists: bool


class Envelope(Struct):
    """What every list comes in. An answer without `data` or `pages` is no empty list, so both are demanded."""

    data: list[msgspec.Raw]
    pages: Pages
    success: bool = True


class Verdict(Struct):
    """Whether an answer with status 200 is a refusal all the same (4.3)."""

    success: bool = True
    code: int | None = None


class Key(Struct):
    """The few fields of a booking that say which one it is."""

    id: Id
    property_id: Id
    modified_time: str | None = None
    booking_time: str | None = None


class LooseKey(Struct):
    """A booking whose other fields cannot be read still has its name."""

    id: Id


class Unit(Struct):
    """One physical room; its id is a number inside its room type (11)."""

    id: Id
    name: str | None = None


class Offer(Struct):
    """An offer, which bookings name by its number 1 to 16 (6.1)."""

    offer_id: float | None = None
    name: str | None = None


class RoomType(Struct):
    """What Beds24 calls a room."""

    id: Id
    name: str | None = None
    qty: int = 0
    units: list[Unit] | None = None
    offers: list[Offer] | None = None


class Webhooks(Struct):
    """The booking webhook's settings (13.2)."""

    version: str | None = None
    url: str | None = None
    additional_data: str | None = None
    custom_header: str | None = None


class Property(Struct):
    """GET /properties, one row (11)."""

    id: Id
    name: str | None = None
    currency: str | None = None
    room_types: list[RoomType] | None = None
    offers: list[Offer] | None = None
    webhooks: Webhooks | None = None


class Account(Struct):
    """GET /accounts, one row: the only place with a time zone."""

    timezone: str | None = None


class Complaint(Struct):
    """Why an item of a POST was refused or changed."""

    action: str | None = None
    field: str | None = None
    message: str | None = None


class Outcome(Struct):
    """One element of a POST answer; the HTTP status says nothing (4.2)."""

    success: bool
    errors: list[Complaint] | None = None
    warnings: list[Complaint] | None = None
    new: Any = None
    modified: Any = None
    info: list[Any] | None = None


GRANTED = msgspec.json.Decoder(Granted)
DETAILS = msgspec.json.Decoder(Details)
ENVELOPE = msgspec.json.Decoder(Envelope)
VERDICT = msgspec.json.Decoder(Verdict)
KEY = msgspec.json.Decoder(Key)
LOOSE_KEY = msgspec.json.Decoder(LooseKey)
PROPERTY = msgspec.json.Decoder(Property)
ACCOUNT = msgspec.json.Decoder(Account)
OUTCOMES = msgspec.json.Decoder(list[Outcome])
ITEM: msgspec.json.Decoder[dict[str, Any]] = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
