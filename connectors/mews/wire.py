"""As much of each Mews answer as the connector reads; records stay raw bytes, what they mean is the mapper's business.

Sections are those of vendors/mews.md. Unknown fields are skipped (3).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

import msgspec

from connectors.kit import rest

T = TypeVar("T")
Names = dict[str, str]

Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Struct(msgspec.Struct, rename="pascal", gc=False):
    """Base of everything the vendor sends."""


class PersonCount(Struct):
    """How many of one age category."""

    age_category_id: str


class Stay(Struct):
    """What tells which reservation a row is, and what else has to be read with it (10.6)."""

    id: str
    service_id: str
    group_id: str
    account_id: str | None = None
    account_type: str | None = None
    booker_id: str | None = None
    travel_agency_id: str | None = None
    person_counts: list[PersonCount] | None = None
    updated_utc: str = ""


class LooseKey(Struct):
    """A row whose other fields cannot be read still has its name."""

    id: str


class Profile(Struct):
    """A customer or company; a merged one points at the profile that took its place (10.8)."""

    id: str
    merge_target_id: str | None = None
    updated_utc: str = ""


class Companionship(Struct):
    """Who stays along, in one reservation or somewhere in the group (10.7)."""

    customer_id: str
    reservation_group_id: str = ""
    reservation_id: str | None = None


class SourceAssignment(Struct):
    """Through whom a group was sold."""

    source_id: str


class Currency(Struct):
    """A currency that the enterprise takes."""

    currency: str
    is_default: bool = False


class Enterprise(Struct):
    """A property (10.1)."""

    id: str
    name: str | None = None
    time_zone_identifier: str = ""
    pricing: str = ""
    currencies: list[Currency] | None = None

    @property
    def currency(self) -> str | None:
        """Return the default currency, where one is told."""
        return next((one.currency for one in self.currencies or () if one.is_default), None)


class Configuration(Struct):
    """The cheapest call that needs a token (10.1)."""

    enterprise: Enterprise
    now_utc: Moment | None = None


class Place(Struct):
    """What an enterprise owns: a service or a block of a room."""

    id: str
    enterprise_id: str
    updated_utc: str = ""


class ServiceData(Struct):
    """Whether a service is sold by time or by piece."""

    discriminator: str = ""


class Service(Struct):
    """A product line (10.2)."""

    id: str
    enterprise_id: str
    data: ServiceData | None = None

    @property
    def is_bookable(self) -> bool:
        """Tell whether reservations can be of this service; one that does not say may be."""
        return self.data is None or self.data.discriminator in {"", "Bookable"}


class Category(Struct):
    """A room type, or another kind of thing that is rented out by time (10.4)."""

    id: str
    service_id: str
    enterprise_id: str = ""
    type: str = ""
    is_active: bool = True
    names: Names | None = None


class Assignment(Struct):
    """Which category a resource is of (10.4)."""

    resource_id: str
    category_id: str
    is_active: bool = True


class Resource(Struct):
    """A room or a bed (10.4)."""

    id: str
    name: str | None = None
    enterprise_id: str = ""
    is_active: bool = True
    updated_utc: str = ""


class Rate(Struct):
    """A rate plan (10.5)."""

    id: str
    names: Names | None = None
    name: str | None = None
    is_active: bool = True
    type: str = ""


class Block(Place):
    """A resource block (10.4)."""

    assigned_resource_id: str = ""


class Age(Struct):
    """An age category (10.7)."""

    id: str


class Said(Struct):
    """The body of every error (6)."""

    message: str | None = None
    request_id: str | None = None


FIELDS: msgspec.json.Decoder[dict[str, msgspec.Raw]] = msgspec.json.Decoder(dict[str, msgspec.Raw])
ROWS: msgspec.json.Decoder[list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw])
TEXT: msgspec.json.Decoder[str | None] = msgspec.json.Decoder(str | None)
STAY = msgspec.json.Decoder(Stay)
LOOSE_KEY = msgspec.json.Decoder(LooseKey)
PROFILE = msgspec.json.Decoder(Profile)
COMPANIONSHIP = msgspec.json.Decoder(Companionship)
SOURCE_ASSIGNMENT = msgspec.json.Decoder(SourceAssignment)
ENTERPRISE = msgspec.json.Decoder(Enterprise)
CONFIGURATION = msgspec.json.Decoder(Configuration)
SERVICE = msgspec.json.Decoder(Service)
CATEGORY = msgspec.json.Decoder(Category)
ASSIGNMENT = msgspec.json.Decoder(Assignment)
RESOURCE = msgspec.json.Decoder(Resource)
RATE = msgspec.json.Decoder(Rate)
BLOCK = msgspec.json.Decoder(Block)
AGE = msgspec.json.Decoder(Age)
SAID = msgspec.json.Decoder(Said)


def read_all(rows: Iterable[bytes], decoder: msgspec.json.Decoder[T], where: str) -> list[T]:
    """Read every row of a list; raises Refused when one has another shape than documented."""
    try:
        return [decoder.decode(row) for row in rows]
    except (ValueError, RecursionError) as error:
        what = f"a row has another shape than documented: {error}"
        raise rest.Refused(what, where) from None


def owner_of(row: bytes, field: str, where: str) -> str | None:
    """Return whose row this is; None where it is nobody's. Raises Refused for a row that is no object."""
    try:
        told: Any = FIELDS.decode(row).get(field)
        return None if told is None else TEXT.decode(told)
    except (ValueError, RecursionError) as error:
        what = f"a row has another shape than documented: {error}"
        raise rest.Refused(what, where) from None


def instant(text: str) -> datetime | None:
    """Read a time of the wire as UTC, with milliseconds or without; None when it is none, or has no zone (4)."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def written(moment: datetime) -> str:
    """Write an instant in the documented form."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def chosen_name(names: Names | None, fallback: str | None = None) -> str | None:
    """Choose one of several languages: English, else any, always the same one (4)."""
    told = names or {}
    for language in ("en-US", "en-GB", *sorted(told)):
        if told.get(language):
            return told[language]
    return fallback or None
