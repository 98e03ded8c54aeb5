"""Opera on the wire: as much of each answer as the connector reads. Records stay raw; what they mean, mappers say.

Everything is read loosely, since numbers come as texts and lists as single objects (vendors/opera.md 5).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import msgspec

T = TypeVar("T")
NOTHING = msgspec.Raw(b"null")


class Struct(msgspec.Struct, rename="camel", gc=False):
    """Base of everything the vendor sends; unknown keys are skipped (4)."""


class Granted(msgspec.Struct, gc=False):
    """What the token endpoint hands out (1); there is no refresh token."""

    access_token: str
    expires_in: float = 3600.0


class Problem(msgspec.Struct, gc=False):
    """A business error (3)."""

    title: str | None = None
    detail: str | None = None
    code: str | None = msgspec.field(name="o:errorCode", default=None)


class Paged(Struct):
    """What a list says of its pages; only a hint (5)."""

    has_more: bool | None = None
    total_results: int | None = None


class Found(Paged):
    """`reservations` of the search (6.1)."""

    reservation_info: msgspec.Raw = NOTHING


class Search(Struct):
    """GET reservations."""

    reservations: Found = msgspec.field(default_factory=Found)


class Listed(Paged):
    """`reservationsSummaryInformation` (6.1)."""

    reservations_information: msgspec.Raw = NOTHING


class Summary(Struct):
    """GET reservations/summary."""

    reservations_summary_information: Listed = msgspec.field(default_factory=Listed)


class Told(Struct):
    """`reservations` of the single read (6.2)."""

    reservation: msgspec.Raw = NOTHING


class Single(Struct):
    """GET reservations/{id}."""

    reservations: Told = msgspec.field(default_factory=Told)


class Identifier(Struct):
    """One element of an id list, found by its type and never by its place (5)."""

    id: str | int | None = None
    type: str | None = None


class Dates(Struct):
    """`reservationDates` of a summary row."""

    last_modify_date_time: str | None = None


class Row(Struct):
    """The few fields of a row that say which reservation it is, and as of when."""

    reservation_id_list: msgspec.Raw = NOTHING
    hotel_id: str | None = None
    last_modify_date_time: str | None = None
    reservation_dates: Dates | None = None


class Kind(Struct):
    """`roomType` of a room, in the spellings of three modules."""

    room_type: str | None = None
    short_description: str | None = None
    pseudo_room: bool | None = None
    pseudo: bool | None = None


class Room(Struct):
    """A room with its repairs (7.1, 7.2); `roomId` is its number (5)."""

    room_id: str | None = None
    room_number: str | None = None
    room_type: Kind | None = None
    meeting_room: bool | None = None
    out_of_order: msgspec.Raw = NOTHING


class Rooms(Struct):
    """`housekeepingRooms`, `hotelRoomsDetails`, or an element of the configuration's `rooms`."""

    room: msgspec.Raw = NOTHING


class Overview(Paged):
    """`housekeepingRoomInfo`."""

    housekeeping_rooms: Rooms | None = None


class RoomLists(Paged):
    """The answer of any list of rooms: each module wraps them in its own way."""

    housekeeping_room_info: Overview | None = None
    housekeeping_rooms: Rooms | None = None
    hotel_rooms_details: Rooms | None = None
    rooms: msgspec.Raw = NOTHING


class Repair(Struct):
    """One out-of-order or out-of-service stretch of a room."""

    room_repair_id: Identifier | None = None


class Text(Struct):
    """A text with its translations."""

    default_text: str | None = None
    value: str | None = None


class PlanDetails(Struct):
    """`primaryDetails` of a rate plan."""

    description: msgspec.Raw = NOTHING


class Plan(Struct):
    """A rate plan (7.5)."""

    rate_plan_code: str | None = None
    primary_details: PlanDetails | None = None


class Plans(Struct):
    """GET ratePlans."""

    rate_plans: msgspec.Raw = NOTHING


class HotelDay(Struct):
    """The business date of one hotel (7.5)."""

    hotel_id: str | None = None
    business_date: str | None = None


class HotelDays(Struct):
    """GET businessDate."""

    hotels: msgspec.Raw = NOTHING


def many(raw: msgspec.Raw) -> list[bytes]:
    """Split what is a list by the schema, and a single object in some answers (5)."""
    whole = bytes(raw)
    if whole.lstrip()[:1] == b"[":
        return [bytes(one) for one in _LIST.decode(whole)]
    return [] if whole == b"null" else [whole]


def each(raw: msgspec.Raw, decoder: msgspec.json.Decoder[T]) -> Iterator[T]:
    """Decode every element; raises msgspec.ValidationError for one of another shape."""
    return map(decoder.decode, many(raw))


def loose(kind: type[T]) -> msgspec.json.Decoder[T]:
    """Return a decoder that takes numbers as texts."""
    return msgspec.json.Decoder(kind, strict=False)


_LIST: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])
GRANTED, PROBLEM = loose(Granted), loose(Problem)
SEARCH, SUMMARY, SINGLE, ROW, IDENTIFIER = loose(Search), loose(Summary), loose(Single), loose(Row), loose(Identifier)
ROOM_LISTS, ROOMS, ROOM, REPAIR = loose(RoomLists), loose(Rooms), loose(Room), loose(Repair)
PLANS, PLAN, TEXT, HOTEL_DAYS, HOTEL_DAY = loose(Plans), loose(Plan), loose(Text), loose(HotelDays), loose(HotelDay)
