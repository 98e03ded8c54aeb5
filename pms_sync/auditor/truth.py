"""The vendor's side: the document of `/_sim/truth`, read strictly, and the accounts it is compared with."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from pms_sync.auditor.report import Counts
from pms_sync.domain.errors import Fault

Text = str | None | UnsetType
Amount = Decimal | None | UnsetType
Number = int | None | UnsetType
Flag = bool | None | UnsetType


class Night(msgspec.Struct, frozen=True, kw_only=True):
    """One stay date with its price."""

    date: date
    price: Amount = UNSET
    derived: Flag = UNSET


class Stay(msgspec.Struct, frozen=True, kw_only=True):
    """A room stay as the vendor holds it; codes are the vendor's."""

    ref: str
    arrival: date
    departure: date
    status: str | None
    room_type_ref: Text = UNSET
    room_ref: Text = UNSET
    rate_plan_ref: Text = UNSET
    adults: Number = UNSET
    children: Number = UNSET
    total: Amount = UNSET
    nights: tuple[Night, ...] | UnsetType = UNSET


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A guest; of contact data only the presence is compared."""

    ref: Text = UNSET
    email: Text = UNSET
    phone: Text = UNSET
    country: Text = UNSET
    language: Text = UNSET


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of the bill."""

    ref: str
    kind: str
    amount: Decimal
    currency: str


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """A reservation as the vendor holds it."""

    ref: str
    property_ref: str
    version: str
    status: str | None
    gone: bool = False
    hold_kind: Text = UNSET
    vendor_status: Text = UNSET
    blocks_inventory: Flag = UNSET
    guaranteed: Flag = UNSET
    channel: Text = UNSET
    vendor_channel: Text = UNSET
    channel_reference: Text = UNSET
    currency: Text = UNSET
    total: Amount = UNSET
    price_basis: Text = UNSET
    booker: Person | UnsetType | None = UNSET
    guests: tuple[Person, ...] | UnsetType = UNSET
    room_stays: tuple[Stay, ...] = ()
    folio_lines: tuple[Line, ...] | UnsetType = UNSET
    created_at: datetime | UnsetType | None = UNSET


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """Nights held with no guest."""

    ref: str
    property_ref: str
    arrival: date
    departure: date
    kind: str
    gone: bool = False
    room_type_ref: Text = UNSET
    room_ref: Text = UNSET


class _Place(msgspec.Struct, frozen=True):
    ref: str


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """All that one simulated vendor holds."""

    now: datetime
    reservations: tuple[Revision, ...]
    blocks: tuple[Block, ...]
    properties: tuple[_Place, ...] | UnsetType = UNSET

    def shows(self, property_ref: str) -> bool:
        """Tell whether this vendor has the property at all; one that lists none is believed to."""
        return isinstance(self.properties, UnsetType) or any(one.ref == property_ref for one in self.properties)


def read(vendor: str, document: Mapping[str, Any]) -> Truth:
    """Read a truth document; raises Fault naming the place that does not fit the public shapes."""
    try:
        return msgspec.convert(document, Truth)
    except msgspec.ValidationError as error:
        raise Fault(f"the truth cannot be read: {error}", vendor, "compare it with the shapes Rev and Block") from error


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account of the store that watches one property of a vendor."""

    tenant_id: UUID
    account_id: UUID
    property_id: UUID
    vendor: str
    property_ref: str


class Watched(msgspec.Struct, frozen=True, kw_only=True):
    """What the vendor holds of one account's property."""

    account: Account
    revisions: tuple[Revision, ...]
    blocks: tuple[Block, ...]

    @property
    def counts(self) -> Counts:
        """Count what stands."""
        standing = [one for one in self.revisions if not one.gone]
        stays = [stay for one in standing for stay in one.room_stays]
        return Counts(
            reservations=len(standing),
            room_stays=len(stays),
            room_nights=sum((stay.departure - stay.arrival).days for stay in stays),
            blocks=sum(not block.gone for block in self.blocks),
        )


def watch(truth: Truth, accounts: Iterable[Account], only: Collection[str] | None) -> list[Watched]:
    """Pair the vendor's accounts, or those of the properties in `only`, with what they should know of."""
    return [
        Watched(
            account=account,
            revisions=tuple(one for one in truth.reservations if one.property_ref == account.property_ref),
            blocks=tuple(one for one in truth.blocks if one.property_ref == account.property_ref),
        )
        for account in accounts
        if truth.shows(account.property_ref) and (only is None or account.property_ref in only)
    ]
