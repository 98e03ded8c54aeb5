"""Housekeeping: how rooms stand, written for a whole batch; judged as any other record is, by ticket, version, content.

A room holds no nights and has no sides to merge: what the vendor says last is how it stands there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import msgspec
from msgspec import UNSET

from pms_sync.apply.batch import Applier
from pms_sync.apply.freshness import judge
from pms_sync.apply.incoming import Incoming, Outcome
from pms_sync.apply.rows import changes
from pms_sync.apply.sift import reread
from pms_sync.domain.events import DomainEvent, RoomChange, room_events
from pms_sync.domain.room_status import RoomStatus
from pms_sync.store import audit, events_out, lanes, room_states
from pms_sync.store.crosswalk import PropertyCatalogue
from pms_sync.store.database import Connection
from pms_sync.store.lanes import NewEvent
from pms_sync.store.room_states import ROOM_STATES, Held, Key

Known: TypeAlias = Mapping[Key, Held]

_STATE = ("room_id", "condition", "service", "occupied", "vendor_word")
_OF_A_NEW_ROOM = ("condition", "service", "occupied")
# What a reader of events knows them by; the vendor's own word says nothing beside these.
_SAID_AS = {"room_id": "room", "condition": "condition", "service": "service", "occupied": "occupied"}


class Judged(msgspec.Struct, frozen=True):
    """The batch, sorted: what is to be written, what became of the rest, and what must be read again.

    `seen` are the tickets by which a room was found unchanged: an older read that lands later must not overwrite it.
    """

    fresh: list[Incoming]
    outcomes: dict[str, Outcome]
    doubts: dict[Key, str]
    rereads: list[NewEvent]
    seen: dict[Key, int]


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One room as it was and as it is to stand; `told` holds what differs, {column: [old, new]}."""

    record: Incoming
    status: RoomStatus
    before: Held | None
    row: dict[str, Any]
    told: Mapping[str, Any]

    @property
    def outcome(self) -> Outcome:
        """Say what the record came to."""
        if self.before is None:
            return Outcome.NEW
        return Outcome.CHANGED if self.told else Outcome.SAME


async def keep(
    connection: Connection,
    applier: Applier,
    tenant_id: UUID,
    incoming: Sequence[Incoming],
    catalogue: PropertyCatalogue,
) -> dict[str, Outcome]:
    """Apply room statuses inside the caller's transaction of this tenant; returns the outcome per lane."""
    known = await room_states.load(connection, tenant_id, [one.key for one in incoming])
    judged = sifted(incoming, known)
    fresh = await applier.with_raw_ids(connection, judged.fresh)
    found = [changed(one, known.get(one.key), catalogue, applier.now()) for one in sorted(fresh, key=_key)]
    await ROOM_STATES.write(connection, tenant_id, [one.row for one in found], [one.record.digest for one in found])
    await room_states.doubt(connection, tenant_id, judged.doubts)
    await room_states.touch(connection, tenant_id, judged.seen)
    news = [one for one in found if one.told]
    await audit.append(connection, tenant_id, [_entry(one) for one in news])
    if news and await events_out.wanted(connection, tenant_id):
        await events_out.append(connection, tenant_id, [event for one in news for event in _events(one)])
    await lanes.append(connection, judged.rereads)
    return judged.outcomes | {one.record.lane_key: one.outcome for one in found}


def sifted(incoming: Sequence[Incoming], known: Known) -> Judged:
    """Judge each record against what is held; pure."""
    judged = Judged([], {}, {}, [], {})
    for record in incoming:
        version, held = record.mapped.version, known.get(record.key)
        verdict = judge(held, digest=record.digest, version=version, ticket=record.ticket, direct=record.direct)
        if verdict is None:
            judged.fresh.append(record)
            continue
        judged.outcomes[record.lane_key] = verdict
        if verdict is Outcome.STALE:
            judged.doubts[record.key] = version
        if verdict is Outcome.DUPLICATE:
            judged.seen[record.key] = record.ticket
        else:
            account = record.account
            judged.rereads.append(reread(account.tenant_id, account.account_id, record.stream, record.ref, record))
    return judged


def changed(record: Incoming, before: Held | None, catalogue: PropertyCatalogue, now: datetime) -> Change:
    """Draw a room's row as it is to stand; what was not visible stays as it was. Pure."""
    status = record.mapped
    assert isinstance(status, RoomStatus)  # noqa: S101 - narrows the type
    unseen = None if before is None else before.condition
    state: dict[str, Any] = {
        "room_id": catalogue.rooms.get(status.room or ""),
        "condition": unseen if status.condition is UNSET else status.condition,
        "service": status.service,
        "occupied": status.occupied,
        "vendor_word": status.vendor_word,
    }
    told: Mapping[str, Any] = {name: [None, state[name]] for name in _OF_A_NEW_ROOM}
    if before is not None:
        told = changes(state, {name: getattr(before, name) for name in _STATE})
    read = {
        "account_id": record.account.account_id,
        "room_ref": record.ref,
        "property_id": record.account.property_id,
        "vendor": record.account.vendor,
        "changed_at": status.changed_at,
        "changed_on": status.changed_on,
        "since": now if before is None or told else before.since,
        "remote_version": status.version,
        "version_doubt": None,
        "read_ticket": record.ticket,
        "raw_id": record.raw_id,
        "crosswalk_version": record.account.crosswalk_version,
    }
    return Change(record=record, status=status, before=before, row={**state, **read}, told=told)


def _key(record: Incoming) -> Key:
    return record.key


def _entry(change: Change) -> audit.Entry:
    record = change.record
    return audit.Entry(
        actor=record.actor,
        action="room_status.created" if change.before is None else "room_status.updated",
        entity_type="room_status",
        entity_id=f"{record.account.account_id}/{record.ref}",
        fields=change.told,
        correlation_id=record.correlation_id,
    )


def _events(change: Change) -> list[DomainEvent]:
    """Tell what changed of a room; of one that is not mapped there is nothing that anybody could look up."""
    record, room = change.record, change.status.room
    if room is None or change.row["room_id"] is None:
        return []
    told = RoomChange(
        room=room,
        property_id=record.account.property_id,
        changed=[_SAID_AS[name] for name in change.told if name in _SAID_AS],
        source=record.account.vendor,
        kind=record.kind,
        correlation_id=record.correlation_id,
    )
    return room_events(told)
