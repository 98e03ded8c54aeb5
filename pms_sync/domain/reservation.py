"""Revisions: the full state of one object as a vendor holds it at one moment.

A field that is UNSET was not said by this read and leaves what we know untouched; None means emptied (MAP-07).
Every code is the vendor's own; `room_type`, `room` and `rate_plan` hold ours where the crosswalk knows it.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from pms_sync.domain.status import HoldKind, Status

Scope = Literal["reservation", "stay"]
PriceBasis = Literal["gross", "net", "unknown"]
BlockKind = Literal["out_of_order", "out_of_service", "owner", "allotment", "closure"]
CodeKind = Literal["room_type", "room", "rate_plan"]

CHANNELS = frozenset("direct booking_page booking_com airbnb expedia agoda vrbo other".split())


# gc=False below: frozen values cannot form a cycle, and a backfill holds many; the collector need not walk them.


class Guest(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A person as one vendor describes them; `ref` is the vendor's id where it has one."""

    ref: str | None = None
    first_name: str | UnsetType | None = UNSET
    last_name: str | UnsetType | None = UNSET
    email: str | UnsetType | None = UNSET
    phone: str | UnsetType | None = UNSET
    country: str | UnsetType | None = UNSET
    language: str | UnsetType | None = UNSET


class Night(msgspec.Struct, frozen=True, gc=False):
    """One stay date with its price; `derived` says that the price is our split of a total."""

    date: date
    price: Decimal | None
    derived: bool = False


class Stay(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One room type for one range of nights, as the vendor says it."""

    ref: str
    room_type_ref: str | None = None
    room_ref: str | None = None
    rate_plan_ref: str | None = None
    room_type: str | None = None
    room: str | None = None
    rate_plan: str | None = None
    arrival: date
    departure: date
    status: Status
    adults: int | UnsetType | None = UNSET
    children: int | UnsetType | None = UNSET
    total: Decimal | UnsetType | None = UNSET
    nights: tuple[Night, ...] = ()
    hold_kind: HoldKind | None = None
    blocks_inventory: bool = True
    vendor_status: str | None = None


class Line(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One line of the bill; a charge raises the balance, a payment (positive amount) lowers it."""

    ref: str
    kind: Literal["charge", "payment"]
    text: str | None = None
    amount: Decimal
    currency: str


class Revision(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one read of a vendor object said about a reservation, or about one of its stays.

    `ref` is always the reservation's vendor ref, also when `scope` is `stay`; the stay's own ref is in `room_stays`.
    `version` sorts as text within one object. `is_home` tells that reservation-level fields come from the record
    that owns them (the master of a group); without a home the lowest stay ref speaks for the reservation.
    `token` is the mark we left on an object that we created there, by which it is known again.
    `ambiguous` names the fields whose instant was told as local time in an hour that the clocks repeat or leave out;
    the earlier reading stands there.
    """

    vendor: str
    ref: str
    property_ref: str
    version: str
    scope: Scope
    siblings_complete: bool = False
    is_home: bool = True
    gone: bool = False
    status: Status
    vendor_status: str | None = None
    hold_kind: HoldKind | None = None
    blocks_inventory: bool = True
    guaranteed: bool | UnsetType | None = UNSET
    channel: str | UnsetType = UNSET
    vendor_channel: str | UnsetType | None = UNSET
    channel_reference: str | UnsetType | None = UNSET
    currency: str | None = None
    total: Decimal | UnsetType | None = UNSET
    price_basis: PriceBasis = "unknown"
    booker: Guest | UnsetType = UNSET
    guests: tuple[Guest, ...] | UnsetType = UNSET
    room_stays: tuple[Stay, ...] = ()
    folio_lines: tuple[Line, ...] | UnsetType = UNSET
    notes: str | UnsetType | None = UNSET
    comments: str | UnsetType | None = UNSET
    created_at: datetime | UnsetType | None = UNSET
    modified_at: datetime | UnsetType | None = UNSET
    token: str | None = None
    ambiguous: tuple[str, ...] = ()


class Block(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Nights held with no guest."""

    vendor: str
    ref: str
    property_ref: str
    version: str
    room_type_ref: str | None = None
    room_ref: str | None = None
    room_type: str | None = None
    room: str | None = None
    arrival: date
    departure: date
    kind: BlockKind
    gone: bool = False


class UnmappedCode(msgspec.Struct, frozen=True, order=True, gc=False):
    """A vendor code the crosswalk does not know; it never blocks a reservation."""

    kind: CodeKind
    code: str
