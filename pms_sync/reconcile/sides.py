"""Sides: one object as a listing shows it and as we hold it, and in which way they differ; pure.

What is compared is what the vendor said then with what it says now, in its own terms: an edit of ours that waits to be
sent is no drift, and neither are other bytes that mean the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from enum import StrEnum
from typing import Protocol

import msgspec

from conflict.atoms import ARRIVAL, DEPARTURE, NIGHTS, ROOM_TYPE, TOTAL, kind_of
from conflict.observed import Triple, differences
from conflict.triple import side_of
from pms_sync.domain.reservation import Block, Revision
from pms_sync.domain.status import Status
from pms_sync.reconcile.given import Ends

Told = Revision | Block
_DAY = timedelta(days=1)
_LIVE = frozenset({Status.HOLD, Status.CONFIRMED, Status.CHECKED_IN})


class Class(StrEnum):
    """In which way two sides differ, the worst first."""

    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    PRICE = "price"
    NIGHT = "night"
    FIELD = "field"
    BALANCE = "balance"
    MAPPING = "mapping"  # nobody here understands it: parked


class Shown(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An object in a listing: whole (`digest` and `body`), or named with its `version` only.

    `ticket` is that of the listing's page. One without a name of its own cannot be asked for.
    """

    ref: str
    ticket: int
    digest: bytes | None = None
    body: bytes = b""
    version: str = ""
    has_name: bool = True


class Held(Protocol):
    """What our link says of an object without being opened."""

    @property
    def level(self) -> str:
        """Whether we hold a stay or a block."""

    @property
    def digest(self) -> bytes | None:
        """Digest of the body as last seen, None when it never was."""

    @property
    def version(self) -> str | None:
        """The vendor's version of it."""

    @property
    def missing_reads(self) -> int:
        """How often in a row it was read and not there."""

    @property
    def read_ticket(self) -> int:
        """Ticket of the last read."""


class Glance(StrEnum):
    """What two digests or versions tell without looking further."""

    EQUAL = "equal"
    DIFFERENT = "different"
    UNSURE = "unsure"  # the listing does not say: only reading the object itself does


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One object that differs, or of which a listing does not tell (`kind` None).

    `takes_away` says that a live stay or block of ours would end by it; `needs_person` that reading it again tells
    nothing new.
    """

    ref: str
    kind: Class | None
    ticket: int
    takes_away: bool = False
    needs_person: bool = False


def glance(shown: Shown, held: Held | None, *, parked: bool = False) -> Glance:
    """Compare what needs no opening. What was read here after the listing is no business of the listing's.

    `parked` says that a row of it is parked: one that is as it was before is read once more, so that the row goes.
    """
    if held is None:
        return Glance.DIFFERENT
    if held.read_ticket > shown.ticket:
        return Glance.EQUAL
    if held.missing_reads:
        return Glance.DIFFERENT
    equal = Glance.UNSURE if parked else Glance.EQUAL
    if shown.digest is not None:
        return equal if shown.digest == held.digest else Glance.DIFFERENT
    if not shown.version:
        return Glance.UNSURE
    return equal if shown.version == held.version else Glance.DIFFERENT


def difference(shown: Shown, held: Held | None, told: Told | None, remote: Told | None) -> Difference | None:
    """Class an object that differs at a glance; None when it means the same all the same.

    `told` is the record as mapped now, None where the listing only named it; `remote` is what we saw last. A booking of
    which a list says that it was deleted is missing there, whatever else still stands in its row.
    """
    if isinstance(told, Revision) and told.gone:
        return Difference(ref=shown.ref, kind=Class.MISSING_THERE, ticket=shown.ticket)
    if held is None or remote is None or held.missing_reads:
        return Difference(ref=shown.ref, kind=Class.MISSING_HERE, ticket=shown.ticket)
    if told is None:
        return Difference(ref=shown.ref, kind=Class.FIELD, ticket=shown.ticket)
    kind = class_of(remote, told)
    if kind is None:
        return None
    return Difference(ref=shown.ref, kind=kind, ticket=shown.ticket, takes_away=is_live(remote) and not is_live(told))


def class_of(remote: Told, told: Told) -> Class | None:
    """Say in which way what a vendor says now differs from what it said; the worst way when there are several."""
    if isinstance(remote, Revision) and isinstance(told, Revision):
        moved, dropped = differences(side_of(remote).tree, side_of(remote), side_of(told))
        kinds = {_of_atom(one) for one in moved if one.there_moved} | {Class.FIELD for _ in dropped}
        return min(kinds, key=list(Class).index, default=None)
    if isinstance(remote, Block):
        return None if _block(remote) == _block(told) else Class.FIELD
    return Class.FIELD  # a booking that is shown as a block now


def is_live(told: Told) -> bool:
    """Tell whether it holds nights still, as far as its status says: a stay to come or in the house, or a block."""
    if isinstance(told, Block):
        return not told.gone
    return not told.gone and any(stay.status in _LIVE for stay in told.room_stays)


def _of_atom(moved: Triple) -> Class:
    kind = kind_of(moved.path)
    if kind == "lines":
        return Class.BALANCE
    if kind == "total":
        return Class.PRICE
    return _of_shape(moved.base, moved.there) if kind == "shape" else Class.FIELD


def _of_shape(before: object, now: object) -> Class:
    """Tell other prices of the same nights in the same kind of room from another stay."""
    if not isinstance(before, tuple) or not isinstance(now, tuple):
        return Class.FIELD
    if any(before[part] != now[part] for part in (ARRIVAL, DEPARTURE, ROOM_TYPE)):
        return Class.FIELD
    if before[TOTAL] != now[TOTAL]:
        return Class.PRICE
    return Class.NIGHT if before[NIGHTS] != now[NIGHTS] else Class.FIELD


def _block(told: Told) -> tuple[object, ...]:
    """Read a block, or the cancelled booking as which some vendors show one that has ended."""
    if isinstance(told, Block):
        place = (told.arrival, told.departure, told.kind, told.room_type_ref, told.room_ref)
        return ("gone",) if told.gone else place
    return ("gone",) if told.status is Status.CANCELLED else ("sold",)


# The first and the last day under which a listing along the dimension shows an object.
_DATES: Mapping[str, Callable[[date, date], tuple[date, date]]] = {
    "arrival": lambda arrival, _: (arrival, arrival),
    "departure": lambda _, departure: (departure, departure),
    "night": lambda arrival, departure: (arrival, max(arrival, departure - _DAY)),
    "day": lambda arrival, departure: (arrival, max(arrival, departure - _DAY)),
}


def tells_absence(dimension: str) -> bool:
    """Tell whether it is known which objects a listing along this dimension must show."""
    return dimension in _DATES


def must_be_shown(remote: Told, dimension: str, ends: Ends, today: date) -> bool:
    """Tell whether a whole listing of a range must show an object that is as we saw it last.

    Only what reaches a day into the range counts, since a vendor's day may begin a calendar day away from ours.
    """
    first, last = ends[0].date() + _DAY, ends[1].date() - 2 * _DAY
    return any(
        departure >= today and low <= last and high >= first
        for arrival, departure in _live_dates(remote)
        for low, high in [_DATES[dimension](arrival, departure)]
    )


def _live_dates(remote: Told) -> list[tuple[date, date]]:
    if isinstance(remote, Block):
        return [] if remote.gone else [(remote.arrival, remote.departure)]
    return [(stay.arrival, stay.departure) for stay in remote.room_stays if stay.status in _LIVE and not remote.gone]
