"""The router: turns stored deliveries into work on lanes, in one transaction per batch.

A delivery is a hint: its event carries no record, only which object is to be read. Equal hints join while nobody has
claimed the first of them; history is never asked, because the same body can announce different changes.

What was taken from a queue is routed alike, but never turned away: its messages will not come again. One that cannot be
read parks the delivery beside the others' work, and has the queue's streams listed as a whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from uuid import UUID

import msgspec

from pms_sync.domain.errors import ConfigurationFault, MappingRejected, Unavailable
from pms_sync.ports.connector import Door, PartlyRead, VendorEvent
from pms_sync.ports.queue import Drained, QueueReader
from pms_sync.store import cursors, inbox, lanes
from pms_sync.store.database import AGAIN, Connection, Database
from pms_sync.store.inbox import Claimed, Mark, Target
from pms_sync.store.lanes import LIVE, NewEvent
from pms_sync.store.sealing import KeyRing

KIND, QUEUE = "webhook", "queue"
_REF_LIMIT = 200
_NOTHING, _NO_REF = "it announces nothing we follow", "the object is named by something that is no reference"
_Accounts = Mapping[tuple[UUID, str], Sequence[Target]]


class Routed(msgspec.Struct, frozen=True, kw_only=True):
    """What one delivery comes to: its mark, the events it wants, and streams of an account to be listed as a whole."""

    delivery: Claimed
    mark: Mark
    events: tuple[NewEvent, ...] = ()
    sweep: frozenset[str] = frozenset()


def _unheard(*_: object) -> None:
    """Nobody listens."""


class Router:
    """The loop step between inbox and lanes."""

    def __init__(
        self,
        database: Database,
        keys: KeyRing,
        doors: Mapping[str, Door],
        *,
        queues: Mapping[str, QueueReader] | None = None,
        on_routed: Callable[[str, str], None] = _unheard,
        on_odd: Callable[[str, str], None] = _unheard,
    ) -> None:
        """After each commit `on_routed` hears (vendor, done|ignored|parked) and, beside it, (vendor, "anomaly").

        `on_odd` hears (vendor, reason) of what was ignored, parked, or came with the id of another body (ING-13).
        """
        self._database, self._keys, self._doors, self._on_routed = database, keys, doors, on_routed
        self._on_odd = on_odd
        self._queues = queues or {}

    async def route_once(self, limit: int = 500) -> int:
        """Route up to `limit` deliveries and return how many; raises Unavailable, ConfigurationFault.

        When the batch as a whole fails, each delivery is routed alone and the one that fails again is parked.
        """
        try:
            return await self._database.once_more(partial(self._route, limit))
        except (Unavailable, ConfigurationFault, *AGAIN):
            raise
        except Exception:  # noqa: BLE001 - one delivery of the batch is poison, it is found below
            return await self._route_singly(limit)

    async def _route(self, limit: int, only: Collection[int] | None = None) -> int:
        async with self._database.transaction() as connection:
            claimed = await inbox.claim_deliveries(connection, self._keys, limit, only=only)
            if not claimed:
                return 0
            routed = await self._plan(connection, claimed)
            await lanes.append(connection, await _unmerged(connection, routed))
            await inbox.mark(connection, [one.mark for one in routed])
            for one in routed:
                account_id = one.delivery.account_id
                if one.sweep and account_id is not None:
                    await cursors.want_sweep(connection, one.delivery.tenant_id, account_id, one.sweep)
        self._tell(routed)
        return len(routed)

    async def _plan(self, connection: Connection, claimed: Sequence[Claimed]) -> list[Routed]:
        found = await inbox.targets(connection, {(one.tenant_id, one.vendor) for one in claimed})
        accounts: dict[tuple[UUID, str], list[Target]] = defaultdict(list)
        for target in found:
            accounts[target.tenant_id, target.vendor].append(target)
        return [
            plan(one, self._doors.get(one.vendor), accounts)
            if one.account_id is None
            else plan_drained(one, self._queues.get(one.vendor), accounts)
            for one in claimed
        ]

    async def _route_singly(self, limit: int) -> int:
        async with self._database.connection() as connection:
            waiting = await inbox.waiting_ids(connection, limit)
        count = 0
        for delivery_id in waiting:
            try:
                count += await self._database.once_more(partial(self._route, 1, [delivery_id]))
            except (Unavailable, ConfigurationFault, *AGAIN):
                raise
            except Exception as error:  # noqa: BLE001 - this is the one; its neighbours go on
                await self._park(delivery_id, error)
                count += 1
        return count

    async def _park(self, delivery_id: int, error: Exception) -> None:
        why = inbox.parked(delivery_id, None, f"it could not be routed ({type(error).__name__})")
        async with self._database.transaction() as connection:
            await inbox.mark(connection, [why])

    def _tell(self, routed: Iterable[Routed]) -> None:
        for one in routed:
            self._on_routed(one.delivery.vendor, one.mark.state)
            if one.mark.word:
                self._on_odd(one.delivery.vendor, one.mark.word)
            if one.delivery.anomaly:
                self._on_routed(one.delivery.vendor, "anomaly")
                self._on_odd(one.delivery.vendor, "same_id_other_body")


def plan(delivery: Claimed, door: Door | None, accounts: _Accounts) -> Routed:
    """Decide, purely, what one delivery is about; a part of it that is not ours does not hold up the rest."""
    if door is None:
        return _without_events(delivery, inbox.parked(delivery.delivery_id, None, "no door reads this vendor"))
    partly: PartlyRead | None = None
    try:
        hints: Sequence[VendorEvent] = door.read(delivery.body)
    except PartlyRead as told:
        partly, hints = told, told.events
    except MappingRejected as rejected:
        return _without_events(delivery, inbox.parked(delivery.delivery_id, rejected.path, rejected.why))
    except Exception as error:  # noqa: BLE001 - any stumble of a door is a body that cannot be read
        why = f"the door could not read it ({type(error).__name__})"
        return _without_events(delivery, inbox.parked(delivery.delivery_id, "$", why))
    if not hints and partly is None:
        return _without_events(delivery, inbox.ignored(delivery.delivery_id, "nothing_followed", _NOTHING))
    return _of_hints(delivery, hints, partly, accounts.get((delivery.tenant_id, delivery.vendor), ()))


def _of_hints(
    delivery: Claimed, hints: Sequence[VendorEvent], partly: PartlyRead | None, ours: Sequence[Target]
) -> Routed:
    """Make work of what can be read; a delivery of which something cannot waits for a person beside it."""
    named = [hint for hint in hints if _is_ref(hint.ref)]
    events = [_event(delivery, hint, target) for hint in named for target in _meant(hint, ours)]
    odd, number = len(hints) - len(named), delivery.delivery_id
    if partly is not None or odd:
        path, why, unread = (partly.path, partly.why, partly.unread) if partly else ("$", _NO_REF, 0)
        total = len(hints) + unread
        counted = f"{unread + odd} of {total} objects cannot be read: {why}" if total > 1 else why
        mark = inbox.parked(number, path, counted)
    else:
        mark = inbox.routed(number) if events else _not_ours(delivery, hints[0])
    by_lane = {event.lane_key: event for event in events}
    return Routed(delivery=delivery, mark=mark, events=tuple(by_lane.values()))


def plan_drained(delivery: Claimed, reader: QueueReader | None, accounts: _Accounts) -> Routed:
    """Decide, purely, what a body that was taken from a queue is about."""
    if reader is None:
        return _without_events(delivery, inbox.parked(delivery.delivery_id, None, "nothing reads this vendor's queue"))
    try:
        drained = reader.read(delivery.body)
    except MappingRejected as rejected:
        return _unread(delivery, reader, rejected.path, rejected.why)
    except Exception as error:  # noqa: BLE001 - any stumble of a reader is a body that cannot be read
        return _unread(delivery, reader, "$", f"the queue's reader could not read it ({type(error).__name__})")
    return _sorted(delivery, reader, drained, accounts.get((delivery.tenant_id, delivery.vendor), ()))


def _sorted(delivery: Claimed, reader: QueueReader, drained: Drained, ours: Sequence[Target]) -> Routed:
    odd = [hint for hint in drained.events if not _is_ref(hint.ref)]
    events = [
        _event(delivery, hint, target)
        for hint in drained.events
        if _is_ref(hint.ref)
        for target in _addressed(delivery, hint, ours)
    ]
    unread, sweep, number = [*drained.rejected], drained.sweep, delivery.delivery_id
    if unread or odd:
        path, why = (unread[0].path, unread[0].why) if unread else ("$", _NO_REF)
        count, sweep = len(unread) + len(odd), reader.streams
        mark = inbox.parked(number, path, f"{count} of {drained.messages} messages cannot be read: {why}")
    elif events or sweep:
        mark = inbox.routed(number)
    else:
        mark = inbox.ignored(number, "nothing_followed", _NOTHING)
    by_lane = {event.lane_key: event for event in events}
    return Routed(delivery=delivery, mark=mark, events=tuple(by_lane.values()), sweep=sweep)


def _addressed(delivery: Claimed, hint: VendorEvent, ours: Sequence[Target]) -> Iterable[Target]:
    """Return the accounts of the property a message names, or the account whose queue it was."""
    if hint.property_ref is None:
        return [target for target in ours if target.account_id == delivery.account_id]
    return [target for target in ours if target.property_ref == hint.property_ref]


def _unread(delivery: Claimed, reader: QueueReader, path: str, why: str) -> Routed:
    mark = inbox.parked(delivery.delivery_id, path, why)
    return Routed(delivery=delivery, mark=mark, sweep=reader.streams)


def _meant(hint: VendorEvent, ours: Sequence[Target]) -> Sequence[Target]:
    if hint.property_ref is None:
        return ours if len(ours) == 1 else ()
    return [target for target in ours if target.property_ref == hint.property_ref]


def _event(delivery: Claimed, hint: VendorEvent, target: Target) -> NewEvent:
    return NewEvent(
        tenant_id=delivery.tenant_id,
        account_id=target.account_id,
        kind=KIND if delivery.account_id is None else QUEUE,
        stream=hint.stream,
        ref=hint.ref,
        correlation_id=delivery.correlation_id,
        digest=delivery.digest,
        priority=LIVE,
    )


def _is_ref(text: str) -> bool:
    return 0 < len(text) <= _REF_LIMIT and text.isprintable()


def _not_ours(delivery: Claimed, hint: VendorEvent) -> Mark:
    if hint.property_ref is None:
        why = "it names no property, and there is not exactly one account"
        return inbox.ignored(delivery.delivery_id, "no_property", why)
    return inbox.ignored(delivery.delivery_id, "unknown_property", f"no account for property {hint.property_ref}")


def _without_events(delivery: Claimed, mark: Mark) -> Routed:
    return Routed(delivery=delivery, mark=mark)


async def _unmerged(connection: Connection, routed: Sequence[Routed]) -> list[NewEvent]:
    """Return the events to append: those of deliveries with an id, and of the others the first of equal hints."""
    without_id = [one for one in routed if one.delivery.vendor_delivery_id is None]
    waiting = await inbox.waiting_hints(connection, {event.lane_key for one in without_id for event in one.events})
    fresh: list[NewEvent] = []
    for one in routed:
        for event in one.events:
            hint = (event.lane_key, event.digest or b"")
            if one.delivery.vendor_delivery_id is None and hint in waiting:
                continue
            waiting.add(hint)
            fresh.append(event)
    return fresh
