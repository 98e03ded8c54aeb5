"""The shape of a Mews record, reduced to the fields that mean something to us; unknown ones are skipped (3).

A record is what connectors/mews/assembly.py says it is: the reservation, and beside it the parts that the vendor lists
apart. A part that is UNSET was not to be had and says nothing. Sections are those of vendors/mews.md.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

Ref = Annotated[str, Meta(pattern=r"^[!-~]{1,200}$")]  # UUIDs (2); taken as opaque, but printable
Moment = Annotated[datetime, Meta(tz=True)]
Count = Annotated[int, Meta(ge=0, le=999)]
Text = str | None | UnsetType


class Struct(msgspec.Struct, rename="pascal", gc=False):
    """Base of everything the vendor sends."""


class PersonCount(Struct):
    """How many people of one age category (10.6)."""

    age_category_id: str
    count: Count


class Reservation(Struct):
    """A reservation of the version 2023-06-06: one room stay of ours (10.6)."""

    id: Ref
    group_id: Ref
    state: str
    updated_utc: Moment
    scheduled_start_utc: Moment
    scheduled_end_utc: Moment
    requested_resource_category_id: Ref
    rate_id: Ref | None = None
    assigned_resource_id: Ref | None = None
    account_id: Ref | None = None
    account_type: str | None = None
    booker_id: Ref | None = None
    travel_agency_id: Ref | None = None
    origin: str | UnsetType | None = UNSET
    commander_origin: str | None = None
    origin_details: str | None = None
    channel_number: Text = UNSET
    cancellation_reason: str | None = None
    created_utc: Moment | UnsetType | None = UNSET
    person_counts: list[PersonCount] | UnsetType | None = UNSET


class Enterprise(Struct):
    """The property, as far as it is needed to read dates and prices (10.1)."""

    id: Ref
    time_zone_identifier: str = ""
    pricing: str = ""


class Group(Struct):
    """A reservation group: the reservation of ours (10.7)."""

    id: Ref
    channel_manager: str | None = None


class SourceAssignment(Struct):
    """Through which source a group was sold (10.7)."""

    source_id: str
    is_primary: bool = False


class Source(Struct):
    """An OTA, a GDS and so on (10.7)."""

    id: str
    name: str | None = None


class Companionship(Struct):
    """Who stays along, in one reservation or somewhere in the group (10.7)."""

    customer_id: str
    reservation_id: str | None = None


class Customer(Struct):
    """A guest's profile (10.8)."""

    id: Ref
    first_name: Text = UNSET
    last_name: Text = UNSET
    second_last_name: Text = UNSET
    email: Text = UNSET
    phone: Text = UNSET
    nationality_code: Text = UNSET
    preferred_language_code: Text = UNSET
    language_code: Text = UNSET
    merge_target_id: str | None = None


class Company(Struct):
    """A company or travel agency (10.8)."""

    id: Ref
    name: Text = UNSET
    telephone: Text = UNSET
    merge_target_id: str | None = None


class Age(Struct):
    """An age category (10.7)."""

    id: str
    classification: str


class Note(Struct):
    """A service order note (10.7)."""

    id: str
    order_id: str | None = None
    text: str | None = None
    type: str = ""
    created_utc: Moment | None = None


class Amount(Struct):
    """An amount both ways; numbers are doubles on the wire, and read from their digits (4)."""

    currency: str
    gross_value: Decimal
    net_value: Decimal


class ItemOptions(Struct):
    """Whether an item fell together with its reservation."""

    canceled_with_reservation: bool = False


class Item(Struct):
    """An order item: a night, a product, a fee (10.9)."""

    id: Ref
    type: str
    accounting_state: str
    amount: Amount
    billing_name: str | None = None
    notes: str | None = None
    options: ItemOptions | None = None
    created_utc: Moment | None = None
    consumed_utc: Moment | None = None
    start_utc: Moment | None = None


class Payment(Struct):
    """A payment; the hotel's money is negative (10.9)."""

    id: Ref
    state: str
    accounting_state: str
    amount: Amount
    reservation_id: str | None = None
    notes: str | None = None
    created_utc: Moment | None = None


class Record(Struct):
    """A reservation with what belongs to it."""

    reservation: Reservation
    enterprise: Enterprise | None = None
    reservation_groups: list[Group] | UnsetType = UNSET
    source_assignments: list[SourceAssignment] | UnsetType = UNSET
    sources: list[Source] | UnsetType = UNSET
    companionships: list[Companionship] | UnsetType = UNSET
    service_order_notes: list[Note] | UnsetType = UNSET
    order_items: list[Item] | UnsetType = UNSET
    payments: list[Payment] | UnsetType = UNSET
    customers: list[Customer] | UnsetType = UNSET
    companies: list[Company] | UnsetType = UNSET
    age_categories: list[Age] | UnsetType = UNSET


class ResourceBlock(Struct):
    """A room out of order or in internal use (10.4)."""

    id: Ref
    enterprise_id: Ref
    assigned_resource_id: Ref
    is_active: bool
    type: str
    start_utc: Moment
    end_utc: Moment
    updated_utc: Moment


class Assignment(Struct):
    """Which category a room is of (10.4)."""

    resource_id: str
    category_id: Ref
    is_active: bool = True


class Resource(Struct):
    """A room (10.4)."""

    id: Ref
    enterprise_id: Ref
    state: str
    updated_utc: Moment


class RoomRecord(Struct):
    """A room as the connector keeps it."""

    resource: Resource


class BlockRecord(Struct):
    """A resource block with what belongs to it."""

    resource_block: ResourceBlock
    enterprise: Enterprise | None = None
    resource_category_assignments: list[Assignment] | UnsetType = UNSET


RECORD = msgspec.json.Decoder(Record)
RESERVATION = msgspec.json.Decoder(Reservation)
BLOCK_RECORD = msgspec.json.Decoder(BlockRecord)
BLOCK = msgspec.json.Decoder(ResourceBlock)
ROOM_RECORD, ROOM = msgspec.json.Decoder(RoomRecord), msgspec.json.Decoder(Resource)
PARTS: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw])
ANY = msgspec.json.Decoder(msgspec.Raw)
ROWS: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])
NAME: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)
