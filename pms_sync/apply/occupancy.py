"""Occupancy: nights claimed of physical units, and type counters, moved with the stays of a batch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from conflict import collisions
from pms_sync.apply.incoming import Incoming
from pms_sync.apply.sift import reread
from pms_sync.domain.case import Case
from pms_sync.domain.status import TAKES_NO_ROOM
from pms_sync.domain.stay import StayRange
from pms_sync.store import claims, lanes
from pms_sync.store.claims import Claim, Counter, Holder, Rival
from pms_sync.store.crosswalk import PropertyCatalogue
from pms_sync.store.database import Connection
from pms_sync.store.lanes import NewEvent

_WHOLE_DAY = frozenset({"out_of_order", "owner"})
_BY_TYPE_ONLY = frozenset({"allotment"})
_REREAD_WAIT_S = 1.0

Today = Callable[[str], date]  # the date in a zone


class Take(msgspec.Struct, frozen=True, kw_only=True):
    """What a stay or block takes of the house: a unit (or none), a type (or none), and when."""

    room_id: UUID | None
    room_type_id: UUID | None
    arrival: date
    departure: date
    whole_days: bool = False
    out_of_order: bool = False

    def claims(self, holder_id: UUID, catalogue: PropertyCatalogue) -> Iterable[Claim]:
        """Yield the claims on every unit that the room stands for."""
        if self.room_id is None:
            return
        span = StayRange(self.arrival, self.departure)
        for night, slot in span.whole_days() if self.whole_days else span.claims():
            for unit in catalogue.units.get(self.room_id, ()):
                yield holder_id, unit, night, slot

    def counts(self) -> Iterable[tuple[tuple[UUID, date], tuple[int, int]]]:
        """Yield the nights counted of the type, as (booked, out of order)."""
        if self.room_type_id is not None:
            step = (0, 1) if self.out_of_order else (1, 0)
            for night in StayRange(self.arrival, self.departure).nights():
                yield (self.room_type_id, night), step


def stay_take(row: Mapping[str, Any]) -> Take | None:
    """Read what a stay's row takes; cancelled, no-show and inquiry stays take nothing."""
    if row["status"] in TAKES_NO_ROOM or not row["blocks_inventory"]:
        return None
    return Take(
        room_id=row["room_id"], room_type_id=row["room_type_id"], arrival=row["arrival"], departure=row["departure"]
    )


def block_take(row: Mapping[str, Any]) -> Take | None:
    """Read what a block's row takes: whole days of a unit, or an allotment's share of a type."""
    if row["gone"] or row["kind"] not in _WHOLE_DAY | _BY_TYPE_ONLY:
        return None
    by_type = row["kind"] in _BY_TYPE_ONLY
    return Take(
        room_id=None if by_type else row["room_id"],
        room_type_id=row["room_type_id"],
        arrival=row["arrival"],
        departure=row["departure"],
        whole_days=not by_type,
        out_of_order=not by_type,
    )


class Move(msgspec.Struct, kw_only=True):
    """A stay or block whose take is about to change; `claim_state` and `refused_ticket` are filled by `occupy`."""

    holder_id: UUID
    record: Incoming
    reservation_id: UUID | None
    catalogue: PropertyCatalogue
    before: Take | None
    after: Take | None
    was_refused: int | None = None
    claim_state: str = "none"
    refused_ticket: int | None = None

    @property
    def matters(self) -> bool:
        """Tell whether anything must be claimed, released or tried again."""
        return self.before != self.after or self.was_refused is not None


class Occupied(msgspec.Struct, frozen=True):
    """What else follows from the moves; `oversold` are the types that one of them books beyond their rooms."""

    cases: list[Case]
    withdrawn: list[tuple[str, str]]  # (kind, subject)
    events: list[NewEvent]
    oversold: set[UUID]


async def occupy(connection: Connection, tenant_id: UUID, moves: Sequence[Move], today: Today) -> Occupied:
    """Release, claim and count for the whole batch, so that a swap within it meets no false refusal (ORD-09)."""
    occupied = Occupied([], [], [], set())
    active = [move for move in moves if move.matters]
    if not active:
        return occupied
    wanted = [claim for move in active if move.after for claim in move.after.claims(move.holder_id, move.catalogue)]
    units = [unit for _, unit, _, _ in wanted]
    units += [
        unit
        for move in active
        if move.before and move.before.room_id
        for unit in move.catalogue.units.get(move.before.room_id, ())
    ]
    if units:
        await claims.lock_units(connection, tenant_id, units)
    held = [claim for move in active if move.before for claim in move.before.claims(move.holder_id, move.catalogue)]
    kept = set(wanted) if held else set()
    freed = await claims.release(connection, tenant_id, [claim for claim in held if claim not in kept])
    rivals = await claims.take(connection, tenant_id, wanted)
    await _judge_claims(connection, tenant_id, active, rivals, occupied, today)
    _withdraw(active, freed, rivals, occupied)
    await _retry_refused(connection, tenant_id, active, freed, occupied)
    for counted in await _count(connection, tenant_id, active):
        judge_counter(counted, occupied, today)
    return occupied


async def _judge_claims(
    connection: Connection,
    tenant_id: UUID,
    active: Sequence[Move],
    rivals: Sequence[Rival],
    occupied: Occupied,
    today: Today,
) -> None:
    lost: dict[UUID, list[Rival]] = defaultdict(list)
    for rival in rivals:
        lost[rival.holder_id].append(rival)
    ticket = await lanes.read_ticket(connection) if lost else 0
    known = await _known_holders(connection, tenant_id, active, rivals) if lost else {}
    for move in active:
        refused = lost.get(move.holder_id, [])
        if not refused:
            takes_unit = move.after is not None and move.after.room_id is not None
            move.claim_state, move.refused_ticket = ("claimed" if takes_unit else "none"), None
            continue
        unchanged = move.was_refused is not None and move.before == move.after
        move.claim_state, move.refused_ticket = "refused", move.was_refused if unchanged else ticket
        _raise_or_reread(move, refused, known, occupied, today, certain=unchanged)


async def _known_holders(
    connection: Connection, tenant_id: UUID, active: Sequence[Move], rivals: Sequence[Rival]
) -> dict[UUID, Holder]:
    here = {
        move.holder_id: Holder(
            move.holder_id, move.record.account.account_id, move.record.ref, move.reservation_id, move.record.ticket, 0
        )
        for move in active
    }
    elsewhere = {rival.rival_id for rival in rivals} - here.keys()
    return here | (await claims.holders(connection, tenant_id, sorted(elsewhere)) if elsewhere else {})


def _raise_or_reread(
    move: Move,
    refused: Sequence[Rival],
    known: Mapping[UUID, Holder],
    occupied: Occupied,
    today: Today,
    *,
    certain: bool,
) -> None:
    """Open the case only once both sides were read again, since vendors swap rooms as two messages."""
    since = move.refused_ticket or 0
    rivals = [known[one] for one in {rival.rival_id for rival in refused}]
    record = move.record
    read_again = all(
        rival.read_ticket is None
        or rival.read_ticket > since
        or (rival.missing_reads or 0) > 0
        or (rival.account_id, rival.vendor_ref) == record.key  # a booking made a block: this very read was of both
        for rival in rivals
    )
    if certain and read_again and record.ticket > since:
        occupied.cases.extend(_cases(move, refused, known, today))
        return
    for rival in rivals:
        if rival.account_id is not None and rival.vendor_ref is not None:
            occupied.events.append(
                reread(record.account.tenant_id, rival.account_id, record.stream, rival.vendor_ref, record)
            )
    occupied.events.append(
        reread(record.account.tenant_id, record.account.account_id, record.stream, record.ref, record, _REREAD_WAIT_S)
    )


def _cases(move: Move, refused: Sequence[Rival], known: Mapping[UUID, Holder], today: Today) -> Iterable[Case]:
    names = _room_names(move.catalogue)
    for rival in refused:
        holder = known[rival.rival_id]
        yield collisions.double_booked(
            move.record.account.property_id,
            names.get(rival.unit_id, str(rival.unit_id)),
            rival.date,
            [one for one in (move.reservation_id, holder.reservation_id) if one],
            today(move.record.account.timezone),
            holder=holder.vendor_ref or str(holder.holder_id),
            refused=move.record.ref,
        )


def _withdraw(
    active: Sequence[Move], freed: set[tuple[UUID, date]], rivals: Sequence[Rival], occupied: Occupied
) -> None:
    """A double booking that dissolved by itself needs nobody any more."""
    still = {(rival.unit_id, rival.date) for rival in rivals}
    place = active[0].record.account.property_id
    settled = set(freed)
    for move in active:
        if move.was_refused is not None and move.before is not None and move.before.room_id is not None:
            settled |= {(unit, night) for _, unit, night, _ in move.before.claims(move.holder_id, move.catalogue)}
    settled -= still
    if not settled:
        return
    names: dict[UUID, str] = {}
    for move in active:
        names |= _room_names(move.catalogue) if not names.keys() >= set(move.catalogue.rooms.values()) else {}
    for unit, night in settled:
        if unit in names:
            subject = collisions.night_subject(place, names[unit], night)
            occupied.withdrawn.append(("room_double_booked", subject))


async def _retry_refused(
    connection: Connection,
    tenant_id: UUID,
    active: Sequence[Move],
    freed: set[tuple[UUID, date]],
    occupied: Occupied,
) -> None:
    cause = active[0].record
    for account_id, ref in await claims.refused_on(connection, tenant_id, sorted(freed)):
        occupied.events.append(reread(cause.account.tenant_id, account_id, cause.stream, ref, cause))


class Counted(msgspec.Struct, frozen=True):
    """A counter that moved, by which step, and of which house."""

    counter: Counter
    step: tuple[int, int]
    catalogue: PropertyCatalogue
    property_id: UUID
    timezone: str


async def _count(connection: Connection, tenant_id: UUID, active: Sequence[Move]) -> list[Counted]:
    deltas: dict[tuple[UUID, date], tuple[int, int]] = defaultdict(lambda: (0, 0))
    causes: dict[UUID, Move] = {}
    totals: dict[UUID, int] = {}
    allowances: dict[UUID, int] = {}
    for move in active:
        for take, sign in ((move.before, -1), (move.after, 1)):
            if take is None or take.room_type_id is None or move.before == move.after:
                continue
            if take.room_type_id not in causes:
                causes[take.room_type_id] = move
                totals |= move.catalogue.totals
                allowances |= move.catalogue.allowances
            for key, (booked, blocked) in take.counts():
                was = deltas[key]
                deltas[key] = (was[0] + sign * booked, was[1] + sign * blocked)
    counters = await claims.count(connection, tenant_id, deltas, totals, allowances)
    return [_counted(one, deltas[one.room_type_id, one.date], causes[one.room_type_id]) for one in counters]


def _counted(counter: Counter, step: tuple[int, int], cause: Move) -> Counted:
    account = cause.record.account
    return Counted(counter, step, cause.catalogue, account.property_id, account.timezone)


def judge_counter(counted: Counted, occupied: Occupied, today: Today) -> None:
    """Ask for a case where more is booked than the house has, and withdraw it where that ended by this step."""
    counter, property_id = counted.counter, counted.property_id
    over = counter.booked > counter.capacity
    if not over and min(counted.step) >= 0:
        return
    code = next(code for code, kind in counted.catalogue.room_types.items() if kind == counter.room_type_id)
    if over:
        if counted.step[0] > 0:
            occupied.oversold.add(counter.room_type_id)
        local = today(counted.timezone)
        occupied.cases.append(
            collisions.oversold(property_id, code, counter.date, counter.booked, counter.capacity, local)
        )
    else:
        subject = collisions.night_subject(property_id, code, counter.date)
        occupied.withdrawn.append(("type_oversold", subject))


def _room_names(catalogue: PropertyCatalogue) -> dict[UUID, str]:
    return {room_id: code for code, room_id in catalogue.rooms.items()}
