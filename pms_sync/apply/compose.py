"""Compose: a reservation is a pure function of the latest revisions of its stays.

So neither the order of deliveries nor their number can change the result (ORD-05), and a replay changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import TypeVar
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from pms_sync.domain.reservation import Guest, Line, Revision, Stay
from pms_sync.domain.status import Status, reservation_status

StayKey = tuple[UUID, str]  # (account, stay ref)
T = TypeVar("T")


class Composed(msgspec.Struct, frozen=True, kw_only=True):
    """The reservation's own fields; its stays stay with their revisions."""

    status: str
    hold_kind: str | None
    blocks_inventory: bool
    home: Revision
    total: Decimal | None
    created_at: datetime | None
    modified_at: datetime | None
    booker: Guest | None
    guests: tuple[Guest, ...]
    lines: tuple[Line, ...]
    notes: str | None
    comments: str | None


def said(value: T | UnsetType) -> T | None:
    """Read a field that may not have been said as empty."""
    return None if isinstance(value, UnsetType) else value


def home_of(revisions: Mapping[StayKey, Revision]) -> Revision:
    """Return the revision that speaks for the reservation: the home record, else the lowest stay ref."""
    if len(revisions) == 1:
        return next(iter(revisions.values()))
    return min(revisions.items(), key=_home_rank)[1]


def _home_rank(item: tuple[StayKey, Revision]) -> tuple[bool, int, str, str]:
    (account_id, ref), revision = item
    return not revision.is_home, len(ref), ref, str(account_id)


def compose(revisions: Mapping[StayKey, Revision]) -> Composed:
    """Compose the reservation from at least one revision."""
    home = home_of(revisions)
    ordered = [revisions[key] for key in sorted(revisions, key=lambda key: (len(key[1]), key[1]))]
    versions = [one.modified_at for one in ordered if one.modified_at]
    stays = [stay for one in ordered for stay in one.room_stays]
    status = reservation_status(stay.status for stay in stays)
    return Composed(
        status=status,
        hold_kind=_hold_kind(status, [*home.room_stays, *stays]),
        blocks_inventory=any(stay.blocks_inventory for stay in stays),
        home=home,
        total=_total(ordered),
        created_at=said(home.created_at),
        modified_at=max(versions) if versions else None,
        booker=home.booker if isinstance(home.booker, Guest) else None,
        guests=tuple(guest for one in ordered if not isinstance(one.guests, UnsetType) for guest in one.guests),
        lines=tuple(line for one in ordered if not isinstance(one.folio_lines, UnsetType) for line in one.folio_lines),
        notes=_joined(one.notes for one in _speaking(home, ordered)),
        comments=_joined(one.comments for one in _speaking(home, ordered)),
    )


def _speaking(home: Revision, ordered: Sequence[Revision]) -> list[Revision]:
    """Return the revisions whose notes are those of the reservation: every home record, else the one that speaks."""
    return [one for one in ordered if one.is_home] or [home]


def _joined(texts: Iterable[str | UnsetType | None]) -> str | None:
    """Join what several home records say, each thing once."""
    return "\n".join(dict.fromkeys(text for text in texts if isinstance(text, str) and text)) or None


def _hold_kind(status: str, stays: Sequence[Stay]) -> str | None:
    """Say what kind of hold a held reservation is: that of its home record's stay, else of the first held one."""
    kinds = (stay.hold_kind for stay in stays if stay.status == status == Status.HOLD and stay.hold_kind)
    return next((str(kind) for kind in kinds), None)


def _total(revisions: Sequence[Revision]) -> Decimal | None:
    """Add up the reservation's own total, or its stays' where only those were said; unknown when any is."""
    told: list[Decimal | None | UnsetType] = []
    for one in revisions:
        told.extend([stay.total for stay in one.room_stays] if one.total is UNSET else [one.total])
    known = [total for total in told if isinstance(total, Decimal)]
    return sum(known, Decimal(0)) if len(known) == len(told) else None


def overlay(before: Revision | None, after: Revision) -> Revision:
    """Keep what the newer read did not say: unobserved fields leave what we know untouched (MAP-07)."""
    if before is None:
        return after
    kept = {
        name: getattr(before, name)
        for name in after.__struct_fields__
        if getattr(after, name) is UNSET and getattr(before, name) is not UNSET
    }
    if isinstance(after.booker, Guest) and isinstance(before.booker, Guest):
        kept["booker"] = _overlay_guest(before.booker, after.booker)
    return msgspec.structs.replace(after, **kept) if kept else after


def _overlay_guest(before: Guest, after: Guest) -> Guest:
    kept = {name: getattr(before, name) for name in after.__struct_fields__ if getattr(after, name) is UNSET}
    return msgspec.structs.replace(after, **kept) if kept else after
