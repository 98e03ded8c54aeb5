"""Documents: a reservation as the API tells it, in the words of the public surface (Rev, Stay, Guest, Line).

Codes are ours, and so is the id in every Stay; what no crosswalk knows keeps the vendor's code in the `…_ref` beside
a null of ours. A member that is absent was not said, or is not for the reader; null is nothing.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from pms_sync.domain.reservation import PriceBasis
from pms_sync.domain.status import HoldKind, Status

Amount = Annotated[str, Meta(pattern=r"^-?[0-9]+(\.[0-9]+)?$", description="decimal text, in the currency beside it")]
Text = str | UnsetType | None


class Night(msgspec.Struct, frozen=True, kw_only=True):
    """One stay date, local to the property; `derived` says that the price is our split of a total."""

    date: date
    price: Amount | None
    derived: bool


class Stay(msgspec.Struct, frozen=True, kw_only=True):
    """One room type for one range of nights; `claim_state` refused: it lacks its room, somebody else has it."""

    id: UUID
    ref: str | None
    room_type_ref: str | None
    room_ref: str | None
    rate_plan_ref: str | None
    arrival: date
    departure: date
    status: Status
    adults: int | None
    children: int | None
    total: Amount | None
    nights: tuple[Night, ...]
    room_type: str | None
    room: str | None
    hold_kind: HoldKind | None
    claim_state: Literal["none", "claimed", "refused"]


class Guest(msgspec.Struct, frozen=True, kw_only=True):
    """A person; where `masked` is true in the reservation, names and contact data are a letter and dots."""

    ref: str | None = None
    first_name: Text = UNSET
    last_name: Text = UNSET
    email: Text = UNSET
    phone: Text = UNSET
    country: Text = UNSET
    language: Text = UNSET


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the bill; a charge raises the balance, a payment (positive amount) lowers it."""

    ref: str | None
    kind: Literal["charge", "payment"]
    text: str | None
    amount: Amount
    currency: str


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """Where a vendor holds the reservation, and under which ref."""

    vendor: str
    account_id: UUID
    ref: str


class Push(msgspec.Struct, frozen=True, kw_only=True):
    """A change that a vendor is to be told and has not been proved to have taken; nothing else is on its way.

    `notices` say what the vendor will not do with it, `vendor_error` its words where it refused; null for a reader who
    may not see guests.
    """

    id: UUID
    vendor: str
    account_id: UUID
    kind: Literal["create", "modify", "cancel"]
    state: Literal["planned", "sent", "acknowledged", "unknown", "parked"]
    notices: tuple[str, ...]
    vendor_error: str | None


class Reservation(msgspec.Struct, frozen=True, kw_only=True):
    """A reservation (Rev) with our id and our version, which is also its ETag."""

    id: UUID
    version: int
    vendor: str
    ref: str | None
    property: str
    property_ref: str
    scope: Literal["reservation"] = "reservation"
    siblings_complete: bool = True
    gone: bool = False
    status: Status
    vendor_status: str | None
    hold_kind: HoldKind | None
    blocks_inventory: bool
    guaranteed: bool | None
    channel: str | None
    vendor_channel: str | None
    channel_reference: str | None
    currency: str | None
    total: Amount | None
    price_basis: PriceBasis
    booker: Guest | None
    guests: tuple[Guest, ...]
    room_stays: tuple[Stay, ...]
    folio_lines: tuple[Line, ...] | UnsetType = UNSET
    notes: str | None
    comments: str | None
    created_at: datetime | None
    modified_at: datetime | None
    source: str
    links: tuple[Link, ...]
    pushes: tuple[Push, ...]
    quarantined: bool
    flags: tuple[str, ...]
    masked: bool


def amount(value: Decimal | None) -> str | None:
    """Write money as decimal text, never with an exponent."""
    return None if value is None else format(value, "f")
