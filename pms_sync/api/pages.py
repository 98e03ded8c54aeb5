"""Pages of a list: how a list of reservations is narrowed, and the mark by which it is read on."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from datetime import date
from typing import Annotated, TypeVar
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from pms_sync.api.orders_in import Code
from pms_sync.api.problems import Wrong
from pms_sync.api.reading import shown
from pms_sync.domain.status import Status
from pms_sync.ports.documents import Reservation
from pms_sync.store.reservation_lists import Wanted

T = TypeVar("T")

MOST, USUAL = 200, 50
_MARK_LENGTH = 22


class ListQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a list of reservations may be asked for."""

    property: Annotated[Code, Meta(description="our code of a property")] | UnsetType = UNSET
    status: Annotated[tuple[Status, ...], Meta(description="one or several, by repeating the parameter")] = ()
    arrival_from: Annotated[date, Meta(description="first arrival of a room stay, property-local")] | UnsetType = UNSET
    arrival_to: Annotated[date, Meta(description="last arrival of a room stay, inclusive")] | UnsetType = UNSET
    q: Annotated[str, Meta(min_length=1, max_length=200, description="a channel's own number, whole")] | UnsetType = (
        UNSET
    )
    after: Annotated[str, Meta(max_length=100, description="`next` of the page before")] | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=MOST, description="reservations a page")] = USUAL

    def wrongs(self) -> Iterator[Wrong]:
        """Yield a mark that we never gave, and a range that ends before it begins."""
        if not isinstance(self.after, UnsetType) and id_of(self.after) is None:
            yield Wrong(path="after", value=shown(self.after), why="is not the `next` of a page")
        first, last = _said(self.arrival_from), _said(self.arrival_to)
        if first is not None and last is not None and last < first:
            yield Wrong(path="arrival_to", value=last.isoformat(), why=f"lies before arrival_from, {first}")

    def wanted(self) -> Wanted:
        """Return the same as the store takes it."""
        return Wanted(
            property_code=_said(self.property),
            statuses=tuple(map(str, self.status)),
            arrivals=(_said(self.arrival_from), _said(self.arrival_to)),
            reference=_said(self.q),
            before=None if isinstance(self.after, UnsetType) else id_of(self.after),
        )


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """Some reservations, newest first; `next` reads on, null at the end."""

    items: tuple[Reservation, ...]
    next: str | None


def mark(reservation_id: UUID) -> str:
    """Return what stands for "after this one"."""
    return base64.urlsafe_b64encode(reservation_id.bytes).rstrip(b"=").decode()


def id_of(text: str) -> UUID | None:
    """Return the id a mark stands for, None for what is no mark."""
    try:
        read = base64.b64decode(f"{text}==", altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    return UUID(bytes=read) if len(text) == _MARK_LENGTH else None


def _said(value: T | UnsetType) -> T | None:
    return None if isinstance(value, UnsetType) else value
