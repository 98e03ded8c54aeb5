"""Domain events: what happened here, told to subscribers by topic once it is committed (seeds S1.33, S1.34, S2.10).

An event carries ids, our codes and the names of the fields that changed, never a person's data and never a value that
a subscriber could not read again. History is silent: what a backfill, a replay or our own echo brings raises nothing.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

CREATED = "pms.reservation.created"
UPDATED = "pms.reservation.updated"
MOVED = "pms.reservation.moved"
CANCELLED = "pms.reservation.cancelled"
NO_SHOW = "pms.reservation.no_show_marked"
CHECKED_IN = "pms.reservation.checked_in"
CHECKED_OUT = "pms.reservation.checked_out"
INVENTORY = "pms.inventory.updated"
BLOCK_CREATED, BLOCK_UPDATED, BLOCK_REMOVED = "pms.block.created", "pms.block.updated", "pms.block.removed"
ROOM_STATUS_CHANGED = "pms.room.status_changed"
OUT_OF_ORDER_SET, OUT_OF_ORDER_CLEARED = "pms.room.out_of_order_set", "pms.room.out_of_order_cleared"
CASE_OPENED, CASE_RESOLVED = "pms.case.opened", "pms.case.resolved"
PUSH_PARKED = "pms.push.parked"
ACCOUNT_FAILED, ACCOUNT_RECOVERED = "pms.account.failed", "pms.account.recovered"
ALERT = "pms.alert"

NAMES: Mapping[str, str] = {
    CREATED: "ReservationCreated",
    UPDATED: "ReservationUpdated",
    MOVED: "ReservationMoved",
    CANCELLED: "ReservationCancelled",
    NO_SHOW: "ReservationNoShowMarked",
    CHECKED_IN: "ReservationCheckedIn",
    CHECKED_OUT: "ReservationCheckedOut",
    INVENTORY: "InventoryUpdated",
    BLOCK_CREATED: "BlockCreated",
    BLOCK_UPDATED: "BlockUpdated",
    BLOCK_REMOVED: "BlockRemoved",
    ROOM_STATUS_CHANGED: "RoomStatusChanged",
    OUT_OF_ORDER_SET: "RoomOutOfOrderSet",
    OUT_OF_ORDER_CLEARED: "RoomOutOfOrderCleared",
    CASE_OPENED: "CaseOpened",
    CASE_RESOLVED: "CaseResolved",
    PUSH_PARKED: "PushParked",
    ACCOUNT_FAILED: "AccountFailed",
    ACCOUNT_RECOVERED: "AccountRecovered",
    ALERT: "AlertRaised",
}
"""Every topic a subscriber may name, with the event's name in the words of the seeds."""

SILENT_KINDS = frozenset({"backfill", "replay", "echo"})
"""Ways by which a change may come in that raise no notification (ARCHITECTURE §4)."""

_ON_ENTERING = {
    "cancelled": CANCELLED,
    "no_show": NO_SHOW,
    "checked_in": CHECKED_IN,
    "checked_out": CHECKED_OUT,
}
_TAKES_NO_ROOM = frozenset({"cancelled", "no_show"})

# What a reader of events calls the columns that the history calls otherwise.
_SAID_AS = {
    "room_type_id": "room_type",
    "room_type_ref": "room_type",
    "room_id": "room",
    "room_ref": "room",
    "rate_plan_ref": "rate_plan",
    "vendor_channel": "channel",
    "private_digest": "notes",
    "comments": "notes",
}
# Our own book-keeping: it follows from something else, or means nothing outside.
_SILENT = frozenset({"version", "created_at", "modified_at", "flags", "quarantined", "claim_state", "source"})
_STAY_COLUMNS = frozenset(
    "room_type_id room_id room_type_ref room_ref rate_plan_ref rate_plan arrival departure status hold_kind "
    "vendor_status blocks_inventory claim_state adults children total flags nights".split()
)
_PLACE = frozenset(f"room_stays.{name}" for name in ("arrival", "departure", "room", "room_type"))
_STATUS = frozenset(
    f"{prefix}{name}"
    for prefix in ("", "room_stays.")
    for name in ("status", "hold_kind", "vendor_status", "blocks_inventory")
)
_NIGHTS = "room_stays"  # how the history names a stay that was added, or whose nights changed
_TAKES_ROOMS = _PLACE | {_NIGHTS, "blocks_inventory", "room_stays.blocks_inventory"}
_WORD = re.compile(r"[a-z][a-z_]*(\.[a-z][a-z_]*)*")


class DomainEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened; `payload` is JSON with ids, codes and words only."""

    topic: str
    reservation_id: UUID | None = None
    property_id: UUID | None = None
    payload: Mapping[str, Any] = {}
    correlation_id: str


class ReservationChange(msgspec.Struct, frozen=True, kw_only=True):
    """A reservation before and after one transaction; `before` is None for a new one.

    `changed` holds field names as the audit log writes them, or as the API does; `kind` is how the change came in
    (poll, webhook, reconcile, backfill, …, `local` for an edit here), `source` the vendor's name or `local`.
    """

    reservation_id: UUID
    property_id: UUID
    before: str | None
    after: str
    changed: Collection[str] = ()
    source: str
    kind: str
    correlation_id: str


class BlockChange(msgspec.Struct, frozen=True, kw_only=True):
    """A block before and after one transaction; `was_gone` is None for a new one, `block_kind` as in the block."""

    block_id: UUID
    property_id: UUID
    block_kind: str
    was_gone: bool | None
    gone: bool
    changed: Collection[str] = ()
    source: str
    kind: str
    correlation_id: str


class RoomChange(msgspec.Struct, frozen=True, kw_only=True):
    """What a vendor says of one of our rooms, as far as it differs from what it said before; `room` is our code."""

    room: str
    property_id: UUID
    changed: Collection[str]
    source: str
    kind: str
    correlation_id: str


class CaseChange(msgspec.Struct, frozen=True, kw_only=True):
    """A case that was opened, or came to its end; `state` is its state now, `kind` how the change came in."""

    case_id: UUID
    case_kind: str
    severity: int
    state: str
    property_id: UUID
    reservation_ids: Sequence[UUID] = ()
    kind: str
    correlation_id: str


def domain_events(change: ReservationChange) -> list[DomainEvent]:
    """Return what a change of a reservation tells, in order; nothing for history and for our own book-keeping.

    Of a new reservation only its creation is told, whatever its status is by then. A status that is entered tells its
    own event, new dates or another room tell that it moved, and `updated` tells whatever is left.
    """
    fields = field_names(change.changed)
    payload = {
        "status": change.after,
        "previous_status": change.before,
        "changed": fields,
        "source": change.source,
    }
    return [
        _event(topic, change.correlation_id, change.property_id, payload, change.reservation_id)
        for topic in topics_of(change)
        if change.kind not in SILENT_KINDS
    ]


def topics_of(change: ReservationChange) -> list[str]:
    """Return the topics of a change, whichever way it came in."""
    told = set(field_names(change.changed))
    if change.before is None:
        return [CREATED] if change.after in _TAKES_NO_ROOM else [CREATED, INVENTORY]
    entered = _ON_ENTERING.get(change.after) if change.before != change.after else None
    moved = bool(told & _PLACE)
    topics = [entered] if entered else []
    if moved:
        topics.append(MOVED)
    left = told - _PLACE - (_STATUS if entered else set()) - ({_NIGHTS} if moved else set())
    if left or (not topics and change.before != change.after):
        topics.append(UPDATED)
    if _takes_other_rooms(change, told):
        topics.append(INVENTORY)
    return topics


def _takes_other_rooms(change: ReservationChange, told: Collection[str]) -> bool:
    took, takes = change.before not in _TAKES_NO_ROOM, change.after not in _TAKES_NO_ROOM
    return took != takes or (takes and not _TAKES_ROOMS.isdisjoint(told))


def block_events(change: BlockChange) -> list[DomainEvent]:
    """Return what a change of a block tells; an out-of-order room is told in its own words as well."""
    appeared = not change.gone and change.was_gone is not False
    vanished = change.gone and change.was_gone is False
    fields = field_names(change.changed)
    if change.kind in SILENT_KINDS or not (appeared or vanished or fields) or (change.gone and not vanished):
        return []
    topics = [BLOCK_CREATED if appeared else BLOCK_REMOVED if vanished else BLOCK_UPDATED]
    if change.block_kind == "out_of_order" and (appeared or vanished):
        topics.append(OUT_OF_ORDER_SET if appeared else OUT_OF_ORDER_CLEARED)
    payload = {
        "block_id": str(change.block_id),
        "kind": change.block_kind,
        "gone": change.gone,
        "changed": fields,
        "source": change.source,
    }
    return [_event(topic, change.correlation_id, change.property_id, payload) for topic in (*topics, INVENTORY)]


def room_events(change: RoomChange) -> list[DomainEvent]:
    """Return what a changed room tells: which room, and what of it changed."""
    if change.kind in SILENT_KINDS or not change.changed:
        return []
    payload = {"room": change.room, "changed": sorted(change.changed), "source": change.source}
    return [_event(ROOM_STATUS_CHANGED, change.correlation_id, change.property_id, payload)]


def case_events(change: CaseChange) -> list[DomainEvent]:
    """Return what the opening or the end of a case tells; a withdrawn case is told as resolved, with its state."""
    if change.kind in SILENT_KINDS:
        return []
    payload = {
        "case_id": str(change.case_id),
        "kind": change.case_kind,
        "severity": change.severity,
        "state": change.state,
        "reservation_ids": [str(one) for one in change.reservation_ids],
    }
    only = change.reservation_ids[0] if len(change.reservation_ids) == 1 else None
    topic = CASE_OPENED if change.state in {"open", "snoozed"} else CASE_RESOLVED
    return [_event(topic, change.correlation_id, change.property_id, payload, only)]


def push_parked(
    intent_id: UUID, account_id: UUID, reservation_id: UUID | None, property_id: UUID, correlation_id: str
) -> DomainEvent:
    """Tell that a change could not be brought to a vendor and waits for a person; the vendor's words stay here."""
    payload = {"intent_id": str(intent_id), "account_id": str(account_id)}
    return _event(PUSH_PARKED, correlation_id, property_id, payload, reservation_id)


def field_names(changed: Collection[str]) -> list[str]:
    """Return the changed fields as a reader of events knows them, sorted; vendor refs and book-keeping are left out."""
    return sorted({name for one in changed if (name := _field_name(one)) is not None})


def _field_name(name: str) -> str | None:
    """`stay.<vendor ref>.arrival` → `room_stays.arrival`, `guest.booker` → `guests`; None for what is silent."""
    area, dot, rest = name.partition(".")
    if area == "guest":
        return "guests"
    if area == "stay" and dot:
        column = rest.rpartition(".")[2]
        if column in _SILENT:
            return None
        return f"room_stays.{_SAID_AS.get(column, column)}" if column in _STAY_COLUMNS else _NIGHTS
    if name in _SILENT:
        return None
    return _SAID_AS.get(name, name) if _WORD.fullmatch(name) else "other"


def _event(
    topic: str,
    correlation_id: str,
    property_id: UUID | None,
    payload: Mapping[str, Any],
    reservation_id: UUID | None = None,
) -> DomainEvent:
    return DomainEvent(
        topic=topic,
        reservation_id=reservation_id,
        property_id=property_id,
        payload={"event": NAMES[topic], **payload},
        correlation_id=correlation_id,
    )


def account_event(topic: str, account_id: UUID, property_id: UUID | None, correlation_id: str) -> DomainEvent:
    """Tell that an account stopped, or works again."""
    return _event(topic, correlation_id, property_id, {"account_id": str(account_id)})


def alert_event(property_id: UUID | None, payload: Mapping[str, Any], correlation_id: str) -> DomainEvent:
    """Tell of something that needs a person now."""
    return _event(ALERT, correlation_id, property_id, payload)
