"""Cloudbeds on the wire: as much of each answer as the connector reads, in all the loose forms of section 3.

Records stay raw bytes; what a reservation means is the mapper's business. Sections are those of vendors/cloudbeds.md.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from connectors.kit import rest

T = TypeVar("T")

Id = str | int | None  # 3: text, and numbers in older answers and in webhooks
NOTHING = msgspec.Raw(b"null")


def _spelt(name: str) -> str:
    """Spell a name as the vendor does: `room_type_id` is `roomTypeID`."""
    first, *others = name.split("_")
    return first + "".join(word.upper() if word in {"id", "utc"} else word.capitalize() for word in others)


class Struct(msgspec.Struct, rename=_spelt, gc=False):
    """Base of what the vendor sends; unknown keys are skipped, since fields are added without a new version (16)."""


class Granted(msgspec.Struct):
    """POST access_token; the API key grant brings nothing but the key (2.2)."""

    access_token: str = ""
    expires_in: Any = None
    refresh_token: str | None = None


class Api(Struct):
    """Where a connection's API lives."""

    url: str = ""


class Place(Struct):
    """The part of the metadata that is read."""

    api: Api | None = None


class Metadata(Struct):
    """GET oauth/metadata, whose `success` is a text (1)."""

    data: Place | None = None


class Verdict(Struct):
    """Whether an answer with status 200 is a success (4)."""

    success: Any = None


class Envelope(Struct):
    """What every answer comes in. One without `data` is no empty list, so it is demanded."""

    data: msgspec.Raw
    total: Any = None


class Key(Struct):
    """The few fields of a reservation that say which one it is."""

    reservation_id: Id = None
    property_id: Id = None
    is_deleted: Any = None
    date_modified: Any = None
    date_modified_utc: Any = None


class GuestKey(Struct):
    """A changed guest: whose reservation is to be read, and when it changed, in local time."""

    reservation_id: Id = None
    date_modified: Any = None


class RoomBlock(Struct):
    """One room block, as far as splitting it needs."""

    room_block_id: Id = None
    rooms: list[msgspec.Raw] = []


class BlockedRoom(Struct):
    """One room of a block."""

    room_id: Id = None


class BlocksOf(Struct):
    """`data` of getRoomBlocks (10.7), an object, formerly a list of them (16)."""

    property_id: Id = None
    room_blocks: list[msgspec.Raw] | None = None


class Currency(Struct):
    """A currency of a property."""

    currency_code: str | None = None


class Hotel(Struct):
    """GET getHotels, one row (10.9)."""

    property_id: Id = None
    property_name: str | None = None
    property_timezone: str | None = None
    property_currency: list[Currency] | Currency | None = None

    @property
    def ref(self) -> str:
        """Return the property's id as text."""
        return text(self.property_id)

    @property
    def currency(self) -> str | None:
        """Return the code of the one currency, whichever of the two shapes it comes in (3)."""
        found = self.property_currency
        first = found[0] if isinstance(found, list) and found else found
        return (first.currency_code or None) if isinstance(first, Currency) else None


class RoomType(Struct):
    """GET getRoomTypes, one row."""

    room_type_id: Id = None
    property_id: Id = None
    room_type_name: str | None = None


class Room(Struct):
    """GET getRooms, one room."""

    room_id: Id = None
    room_name: str | None = None
    room_type_id: Id = None
    room_type_name: str | None = None


class RoomsOf(Struct):
    """GET getRooms, the rooms of one property."""

    property_id: Id = None
    rooms: list[Room] | None = None


class RatePlan(Struct):
    """GET getRatePlans, one row: one room type under one plan, which is what a room line names (7)."""

    rate_id: Id = None
    property_id: Id = None
    room_type_name: Any = None
    rate_plan_name_public: str | None = None
    rate_plan_name_private: str | None = None


class SubscriptionKey(Struct):
    """Whom a subscription is for."""

    type: str | None = None
    id: Id = None


class SubscriptionEvent(Struct):
    """What a subscription is for."""

    entity: str | None = None
    action: str | None = None


class Target(Struct):
    """Where a subscription sends: one text shows `url` in the place of `endpoint` (11.1)."""

    endpoint: str | None = None
    url: str | None = None


class Subscribed(Struct):
    """GET getWebhooks, one row."""

    id: Id = None
    key: SubscriptionKey | None = None
    event: SubscriptionEvent | None = None
    subscription_data: Target | None = None


GRANTED = msgspec.json.Decoder(Granted)
METADATA = msgspec.json.Decoder(Metadata)
VERDICT = msgspec.json.Decoder(Verdict)
ENVELOPE = msgspec.json.Decoder(Envelope)
KEY = msgspec.json.Decoder(Key)
GUEST_KEY = msgspec.json.Decoder(GuestKey)
ROOM_BLOCK = msgspec.json.Decoder(RoomBlock)
BLOCKED_ROOM = msgspec.json.Decoder(BlockedRoom)
BLOCKS_OF = msgspec.json.Decoder(BlocksOf)
HOTEL = msgspec.json.Decoder(Hotel)
ROOM_TYPE = msgspec.json.Decoder(RoomType)
ROOMS_OF = msgspec.json.Decoder(RoomsOf)
RATE_PLAN = msgspec.json.Decoder(RatePlan)
SUBSCRIBED = msgspec.json.Decoder(Subscribed)
FIELDS: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw])
ROWS: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])


def text(value: Id) -> str:
    """Write an id as text, empty when there is none."""
    return "" if value is None or isinstance(value, bool) else str(value)


def whole(value: object) -> int | None:
    """Read a count that may be a number or a text; nonsense is unknown."""
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def elements(raw: msgspec.Raw, where: str) -> list[bytes]:
    """List the rows of `data`: a list, or a map keyed by id whose empty form is a list too (3).

    Raises Refused for anything else: a missing list is no empty one.
    """
    head = bytes(raw).lstrip()[:1]
    try:
        if head == b"[":
            return [bytes(row) for row in ROWS.decode(raw)]
        if head == b"{":
            return [bytes(row) for row in FIELDS.decode(raw).values()]
    except (ValueError, RecursionError) as error:
        what = f"the answer has another shape than documented: {error}"
        raise rest.Refused(what, where) from None
    what = "the answer has another shape than documented: no list under `data`"
    raise rest.Refused(what, where)


def read_all(rows: list[bytes], decoder: msgspec.json.Decoder[T], where: str) -> list[T]:
    """Read every row of a small list; raises Refused when one has another shape than documented."""
    try:
        return [decoder.decode(row) for row in rows]
    except (ValueError, RecursionError) as error:
        what = f"a row has another shape than documented: {error}"
        raise rest.Refused(what, where) from None
