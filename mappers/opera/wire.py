"""The shape of Opera's objects, reduced to what means something to us; read loosely and element by element.

Unknown keys are skipped, since properties are added at any time (vendors/opera.md 4). A list is kept raw until it is
read: it may come as a single object, or inside a wrapper (5).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from mappers.opera.reading import NOTHING, loose

Count = Annotated[int, Meta(ge=0, le=999)]
Units = Annotated[int, Meta(ge=1, le=99)]
Text = str | None
Raw = msgspec.Raw


class Struct(msgspec.Struct, rename="camel", gc=False):
    """Base of everything the vendor sends."""


class Identifier(Struct):
    """One of several names of a thing, told apart by type (5)."""

    id: str | int | None = None
    type: Text = None


class Reference(Struct):
    """A name that another system gave; `id_context` is that system's code."""

    id: str | int | None = None
    id_context: Text = None


class Amount(Struct):
    """`totalType` of the API file: before and after tax, for all rooms and for one."""

    amount_before_tax: Decimal | None = None
    amount_after_tax: Decimal | None = None
    amount_before_tax_per_room: Decimal | None = None
    amount_after_tax_per_room: Decimal | None = None
    currency_code: Text = None


class Money(Struct):
    """An amount in the search's rows."""

    amount: Decimal | None = None
    currency_code: Text = None


class Rate(Struct):
    """The price of a night, or of each of several."""

    start: Text = None
    end: Text = None
    base: Amount | None = None
    total: Amount | None = None
    effective_rate: Amount | None = None


class Rates(Struct):
    """`rates` of a stretch."""

    rate: Raw = NOTHING


class Counts(Struct):
    """`guestCounts`."""

    adults: Count | None = None
    children: Count | None = None


class RoomRate(Struct):
    """A stretch of nights under equal conditions (6.2)."""

    start: Text = None
    end: Text = None
    room_type: Text = None
    room_id: Text = None
    room_number: Text = None
    rate_plan_code: Text = None
    number_of_units: Units | None = None
    pseudo_room: bool | None = None
    rate_includes_tax: bool | None = None
    tax_included: bool | None = None
    guest_counts: Counts | None = None
    rates: Rates | None = None


class CurrentRoom(Struct):
    """Where the guest is, or will be first."""

    room_type: Text = None
    room_id: Text = None
    room_number: Text = None


class RoomStay(Struct):
    """`roomStay` of the single read."""

    arrival_date: Text = None
    departure_date: Text = None
    current_room_info: CurrentRoom | None = None
    room_rates: Raw = NOTHING
    guest_counts: Counts | None = None
    total: Amount | UnsetType | None = UNSET
    booking_medium: Text = None
    primary_share_type: Text = None


class SourceOfSale(Struct):
    """Who made the reservation."""

    source_type: Text = None
    source_code: Text = None


class Shared(Struct):
    """A reservation that shares this one's room."""

    reservation_id: Identifier | None = None


class Comment(Struct):
    """A comment's text."""

    text: Raw = NOTHING


class CommentInfo(Struct):
    """An element of `comments`."""

    comment: Comment | None = None


class Value(Struct):
    """A text that may stand in an object of its own."""

    value: Text = None


class Reservation(Struct):
    """`hotelReservationType`: a reservation as the single read shows it (6.2)."""

    reservation_id_list: Raw
    room_stay: RoomStay
    reservation_status: str
    hotel_id: Text = None
    computed_reservation_status: Text = None
    external_references: Raw = NOTHING
    source_of_sale: SourceOfSale | None = None
    reservation_guests: Raw = NOTHING
    shared_guests: Raw = NOTHING
    comments: Raw = NOTHING
    create_date_time: Text = None
    last_modify_date_time: Text = None


class StayInfo(Struct):
    """`roomStay` of a search row (6.1); samples say `roomNumber` where the schema says `roomId`."""

    arrival_date: Text = None
    departure_date: Text = None
    adult_count: Count | None = None
    child_count: Count | None = None
    room_type: Text = None
    room_id: Text = None
    room_number: Text = None
    rate_plan_code: Text = None
    number_of_rooms: Units | None = None
    pseudo_room: bool | None = None
    total_amount: Money | UnsetType | None = UNSET
    booking_channel_code: Text = None


class GuestInfo(Struct):
    """`reservationGuest` of a search row."""

    id: str | int | None = None
    given_name: Text = None
    surname: Text = None
    full_name: Text = None
    email: Text = None
    phone_number: Text = None
    language: Text = None
    address: Raw = NOTHING
    accompany_guests: Raw = NOTHING


class Accompanying(Struct):
    """One who comes along, in a search row."""

    first_name: Text = None
    last_name: Text = None
    full_name: Text = None
    profile_id_list: Raw = NOTHING


class ReservationInfo(Struct):
    """`reservationInfoType`: a reservation as a search shows it; it tells a third less than the single read (6.2)."""

    reservation_id_list: Raw
    room_stay: StayInfo
    reservation_status: str
    hotel_id: Text = None
    computed_reservation_status: Text = None
    external_references: Raw = NOTHING
    source_of_sale: SourceOfSale | None = None
    reservation_guest: GuestInfo | UnsetType | None = UNSET
    shared_guests: Raw = NOTHING
    create_date_time: Text = None
    last_modify_date_time: Text = None


class Kind(Struct):
    """`roomType` of a room."""

    room_type: Text = None


class Repair(Struct):
    """A stretch in which a room is out of order or out of service (7.2)."""

    housekeeping_room_status: Text = None
    start: Text = None
    end: Text = None
    room_repair_id: Identifier | None = None


class RoomWords(Struct):
    """`housekeepingRoomStatus` of a room on the board, which holds a word of the same name."""

    housekeeping_room_status: Text = None
    front_office_status: Text = None


class Housekeeping(Struct):
    """`housekeeping` of a room on the board (7.2)."""

    housekeeping_room_status: RoomWords | None = None


class Room(Struct):
    """A room: with a repair, one a record, or as the board shows how it stands."""

    room_id: Text = None
    room_number: Text = None
    room_type: Kind | None = None
    hotel_id: Text = None
    out_of_order: Raw = NOTHING
    housekeeping: Housekeeping | None = None


RESERVATION, INFO, ROOM = loose(Reservation), loose(ReservationInfo), loose(Room)
IDENTIFIER, REFERENCE, ROOM_RATE, RATE, REPAIR = (
    loose(Identifier),
    loose(Reference),
    loose(RoomRate),
    loose(Rate),
    loose(Repair),
)
SHARED, COMMENT_INFO, VALUE, ACCOMPANYING = loose(Shared), loose(CommentInfo), loose(Value), loose(Accompanying)
WORD = loose(str)
ANY = msgspec.json.Decoder(msgspec.Raw)
