"""Our revisions, blocks and room statuses in the shapes of the public surface: what `map` prints.

A field that was not said is left out, an emptied one is null; where the crosswalk knows a code, ours stands
in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from msgspec import UNSET

from pms_sync.domain.clock import rfc3339
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.reservation import Block, Guest, Line, Revision, Stay, UnmappedCode
from pms_sync.domain.room_status import RoomStatus

Document = dict[str, Any]

_REVISION_FIELDS = (
    "vendor ref property_ref version scope siblings_complete gone status vendor_status hold_kind blocks_inventory "
    "guaranteed channel channel_reference currency total price_basis booker guests room_stays folio_lines notes "
    "created_at modified_at vendor_channel comments"
).split()
_STAY_FIELDS = "arrival departure status adults children total".split()
_GUEST_FIELDS = "ref first_name last_name email phone country language".split()
_LINE_FIELDS = "ref kind text amount currency".split()


def public_revision(revision: Revision) -> Document:
    """Write a revision as Rev; `vendor_channel`, `comments` and, where there are any, `ambiguous` are additional."""
    return _fields(revision, [*_REVISION_FIELDS, *(["ambiguous"] if revision.ambiguous else [])])


def public_stay(stay: Stay) -> Document:
    """Write a room stay as Stay."""
    nights = [_said({"date": night.date, "price": night.price, "derived": night.derived}) for night in stay.nights]
    return {"ref": stay.ref, **_codes(stay), **_fields(stay, _STAY_FIELDS), "nights": nights}


def public_guest(guest: Guest) -> Document:
    """Write a person as Guest."""
    return _fields(guest, _GUEST_FIELDS)


def public_line(line: Line) -> Document:
    """Write a line of the bill as Line; without a property's currency it is null."""
    return {**_fields(line, _LINE_FIELDS), "currency": line.currency or None}


def public_block(block: Block) -> Document:
    """Write a block as Block."""
    codes = {
        "room_type_ref": block.room_type or block.room_type_ref,
        "room_ref": block.room or block.room_ref,
    }
    return {
        **_fields(block, ("vendor", "ref", "property_ref")),
        **codes,
        **_fields(block, ("arrival", "departure", "kind", "gone")),
    }


def public_room_status(status: RoomStatus) -> Document:
    """Write how a room stands; a condition that is not visible is left out."""
    return {
        **_fields(status, ("vendor", "property_ref")),
        "room_ref": status.room or status.room_ref,
        **_fields(status, ("condition", "service", "occupied", "vendor_word", "changed_at", "changed_on")),
    }


def public_unmapped(code: UnmappedCode) -> Document:
    """Write a code that the crosswalk does not know."""
    return {"kind": code.kind, "code": code.code}


def public_rejection(rejection: MappingRejected) -> Document:
    """Write why a record was turned away."""
    return {"ref": rejection.ref, "path": rejection.path, "value": rejection.value, "why": rejection.why}


def _codes(stay: Stay) -> Document:
    """Put our code where it is known, else the vendor's."""
    return {
        "room_type_ref": stay.room_type or stay.room_type_ref,
        "room_ref": stay.room or stay.room_ref,
        "rate_plan_ref": stay.rate_plan or stay.rate_plan_ref,
    }


def _fields(source: object, names: Iterable[str]) -> Document:
    """Write the named fields in their order."""
    return _said({name: getattr(source, name) for name in names})


def _said(values: Mapping[str, object]) -> Document:
    """Leave out what was not said, write the rest as JSON can hold it."""
    return {name: _plain(value) for name, value in values.items() if value is not UNSET}


def _plain(value: object) -> object:
    """Write one value: money as plain decimal text, instants with Z, dates as dates."""
    if isinstance(value, tuple):
        return [_plain(element) for element in value]
    return next((write(value) for kind, write in _WRITERS if isinstance(value, kind)), value)


# In this order: an instant is also a date, a status is also a str.
_WRITERS: tuple[tuple[type, Callable[[Any], object]], ...] = (
    (str, str),
    (Decimal, lambda amount: format(amount, "f")),
    (datetime, rfc3339),
    (date, date.isoformat),
    (Stay, public_stay),
    (Guest, public_guest),
    (Line, public_line),
)
