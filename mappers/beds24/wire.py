"""The shape of a Beds24 booking on the wire, reduced to the fields that mean something to us.

Unknown keys are skipped, since the vendor's field set grows (vendors/beds24.md 6). A field typed with UnsetType tells
"not sent" (a scope is missing, a flag was not given) from null.
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

Id = Annotated[int, Meta(ge=1, le=10**18)]
Pointer = Annotated[int, Meta(ge=0, le=10**18)]  # 0 and null both stand for "none"
Count = Annotated[int, Meta(ge=0, le=99)]  # vendors/beds24.md 6.2
Moment = Annotated[datetime, Meta(tz=True)]
Text = str | None | UnsetType
Money = Decimal | None | UnsetType
NOTHING = msgspec.Raw(b"null")


class Group(msgspec.Struct, rename="camel", gc=False):
    """`bookingGroup` (vendors/beds24.md 6.1)."""

    master: Id


class Item(msgspec.Struct, rename="camel", gc=False):
    """One invoice item (vendors/beds24.md 6.6)."""

    id: Id
    type: str
    sub_type: int | None = None
    description: str | None = None
    amount: Decimal | None = None
    line_total: Decimal | None = None


class Remark(msgspec.Struct, gc=False):
    """One info item, as far as it may be our mark (vendors/beds24.md 6.6)."""

    code: object = None
    text: object = None


class Person(msgspec.Struct, rename="camel", gc=False):
    """An element of `guests` (vendors/beds24.md 6.2); nobody published a filled list, so all is optional."""

    id: Pointer | None = None
    first_name: Text = UNSET
    last_name: Text = UNSET
    email: Text = UNSET
    phone: Text = UNSET
    mobile: Text = UNSET
    country2: Text = UNSET
    title: Text = UNSET
    lang: Text = UNSET


class Row(msgspec.Struct, rename="camel", gc=False):
    """A booking (vendors/beds24.md 6.1-6.6)."""

    id: Id
    property_id: Id
    room_id: Id
    status: str
    arrival: date
    departure: date
    master_id: Pointer | None = None
    booking_group: Group | UnsetType | None = UNSET
    unit_id: Pointer | None = None
    offer_id: Pointer | None = None
    sub_status: str | None = None
    num_adult: Count | UnsetType | None = UNSET
    num_child: Count | UnsetType | None = UNSET
    price: Money = UNSET
    title: Text = UNSET
    first_name: Text = UNSET
    last_name: Text = UNSET
    email: Text = UNSET
    phone: Text = UNSET
    mobile: Text = UNSET
    country2: Text = UNSET
    lang: Text = UNSET
    guests: list[Person] | UnsetType | None = UNSET
    invoice_items: list[Item] | UnsetType | None = UNSET
    info_items: msgspec.Raw = NOTHING
    channel: Text = UNSET
    api_reference: Text = UNSET
    notes: Text = UNSET
    comments: Text = UNSET
    booking_time: Moment | UnsetType | None = UNSET
    modified_time: Moment | None = None


class Delivery(msgspec.Struct, rename="camel", gc=False):
    """A webhook body, version 2: the items are siblings of the booking (vendors/beds24.md 13.3)."""

    booking: Row
    invoice_items: list[Item] | UnsetType | None = UNSET
    info_items: msgspec.Raw = NOTHING


class Probe(msgspec.Struct, rename="camel", gc=False):
    """Just enough of a document to tell what it is."""

    id: msgspec.Raw | UnsetType = UNSET
    booking: msgspec.Raw | UnsetType = UNSET
    data: list[msgspec.Raw] | UnsetType = UNSET
    success: bool | UnsetType = UNSET


ROW = msgspec.json.Decoder(Row)
DELIVERY = msgspec.json.Decoder(Delivery)
PROBE = msgspec.json.Decoder(Probe)
REMARKS = msgspec.json.Decoder(list[Remark])
ANY = msgspec.json.Decoder(msgspec.Raw)
