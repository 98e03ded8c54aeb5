"""Inventory: I8, recounted from the stays and blocks themselves: who may hold which unit, and how full each type is.

A unit's date has two slots. A stay takes `night` for each night and `day` for each date strictly between arrival and
departure, day use takes `day`, out-of-order and owner blocks take both, allotments count by type only
(ARCHITECTURE §5).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Literal, TypeAlias
from uuid import UUID

import msgspec

from pms_sync.auditor.books import Books
from pms_sync.auditor.report import Checked, Finding, difference
from pms_sync.auditor.store import Row, Store

Slot: TypeAlias = tuple[UUID, date, str]
"""(physical unit, date, slot)"""
Night: TypeAlias = tuple[UUID, date]
"""(room type, date)"""
Takes = Literal["nothing", "nights", "whole_days", "type"]

_FREES_ROOM = frozenset({"cancelled", "no_show"})
_BLOCK_TAKES: dict[str, Takes] = {"out_of_order": "whole_days", "owner": "whole_days", "allotment": "type"}


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """A stay or block, and what it takes of the house."""

    holder_id: UUID
    account_id: UUID | None
    vendor: str | None
    ref: str
    room_id: UUID | None
    room_type_id: UUID | None
    arrival: date
    departure: date
    claim_state: str
    takes: Takes

    @property
    def nights(self) -> list[date]:
        """Return the dates on which a night begins."""
        return [self.arrival + timedelta(days=day) for day in range((self.departure - self.arrival).days)]

    def slots(self) -> Iterator[tuple[date, str]]:
        """Yield the (date, slot) pairs it takes of each unit of its room."""
        if self.takes in {"nothing", "type"}:
            return
        if self.takes == "nights" and self.arrival == self.departure:
            yield self.arrival, "day"
        for night in self.nights:
            yield night, "night"
            if self.takes == "whole_days" or night != self.arrival:
                yield night, "day"


class House(msgspec.Struct, frozen=True):
    """Everybody who may hold something, by id, with what each must hold and what each does hold."""

    holders: dict[UUID, Holder]
    due: dict[UUID, set[Slot]]
    held: dict[UUID, set[Slot]]
    by_slot: dict[Slot, list[UUID]]
    unit_names: dict[UUID, Row]


def check(store: Store, books: Books) -> Checked:
    """Check claims and counters of every property."""
    house = _house(store)
    waiting = {(row["account_id"], row["ref"]) for row in store.waiting}
    findings = [*_strange(house), *_shared(house)]
    for holder in house.holders.values():
        findings.extend(_claim_state(holder, house))
        findings.extend(_lacking(holder, house, books, waiting))
    findings.extend(_counters(store, house, books))
    exercised = bool(store.claims or store.inventory or any(house.due.values()))
    return Checked(frozenset({"I8"}) if exercised else frozenset(), tuple(findings))


def _house(store: Store) -> House:
    units: defaultdict[UUID, list[UUID]] = defaultdict(list)
    for row in store.units:
        units[row["room_id"]].append(row["unit_id"])
    holders = {one.holder_id: one for one in _holders(store)}
    due = {
        one.holder_id: {(unit, day, slot) for day, slot in one.slots() for unit in units.get(one.room_id, ())}  # type: ignore[arg-type]
        for one in holders.values()
    }
    held: defaultdict[UUID, set[Slot]] = defaultdict(set)
    by_slot: defaultdict[Slot, list[UUID]] = defaultdict(list)
    for row in store.claims:
        slot = (row["unit_id"], row["date"], row["slot"])
        held[row["holder_id"]].add(slot)
        by_slot[slot].append(row["holder_id"])
    return House(holders, due, dict(held), dict(by_slot), {row["room_id"]: row for row in store.rooms})


def _holders(store: Store) -> Iterator[Holder]:
    for row in store.stay_rows:
        frees = row["status"] in _FREES_ROOM or not row["blocks_inventory"]
        yield _holder(row, row["stay_id"], "nothing" if frees else "nights")
    for row in store.block_rows:
        yield _holder(row, row["block_id"], "nothing" if row["gone"] else _BLOCK_TAKES.get(row["kind"], "nothing"))


def _holder(row: Row, holder_id: UUID, takes: Takes) -> Holder:
    names = "account_id vendor room_id room_type_id arrival departure claim_state".split()
    facts = {name: row[name] for name in names}
    return Holder(holder_id=holder_id, ref=row["vendor_ref"] or str(holder_id), takes=takes, **facts)


def _place(house: House, slot: Slot) -> str:
    unit, day, name = slot
    code = house.unit_names[unit]["code"] if unit in house.unit_names else unit
    return f"room_claims[{code}][{day}].{name}"


def _name(house: House, holder_id: UUID) -> str:
    return house.holders[holder_id].ref if holder_id in house.holders else str(holder_id)


def _strange(house: House) -> Iterator[Finding]:
    """Find claims of somebody who takes no such thing: cancelled, moved elsewhere, or unknown."""
    for holder_id, slots in house.held.items():
        holder = house.holders.get(holder_id)
        for slot in sorted(slots - house.due.get(holder_id, set()), key=str):
            about = holder.vendor if holder else None
            yield about, difference("I8", _name(house, holder_id), _place(house, slot), here="held without right")


def _shared(house: House) -> Iterator[Finding]:
    """Find units held twice; the unique key makes that impossible, as long as it is there."""
    for slot, holder_ids in house.by_slot.items():
        if len(holder_ids) > 1:
            names = sorted(_name(house, one) for one in holder_ids)
            yield None, difference("I8", names[0], _place(house, slot), there=names[0], here=", ".join(names))


def _claim_state(holder: Holder, house: House) -> Iterator[Finding]:
    """Compare what a stay or block says of its claims with what it must hold."""
    wants = bool(house.due[holder.holder_id])
    if wants == (holder.claim_state == "none"):
        there = "claimed or refused" if wants else "none"
        yield holder.vendor, difference("I8", holder.ref, "claim_state", there=there, here=holder.claim_state)


def _lacking(holder: Holder, house: House, books: Books, waiting: set[tuple[UUID, str]]) -> Iterator[Finding]:
    """Find what a holder should have and has not; a refused one must have a rival, and somebody who knows."""
    lacking = sorted(house.due[holder.holder_id] - house.held.get(holder.holder_id, set()), key=str)
    refused = holder.claim_state == "refused"
    if refused and holder.account_id is not None and (holder.account_id, holder.ref) in waiting:
        return  # it is about to be read again
    for slot in lacking:
        rivals = house.by_slot.get(slot, [])
        if not refused or not rivals:
            here = ", ".join(_name(house, one) for one in rivals) or None
            yield holder.vendor, difference("I8", holder.ref, _place(house, slot), there=holder.ref, here=here)
    if not refused or not lacking:
        return
    places = [(house.unit_names[unit], day) for unit, day, _ in lacking if unit in house.unit_names]
    subjects = [f"{unit['property_id']}:{unit['code']}:{day}" for unit, day in places]
    if not any(books.has_case("room_double_booked", subject) for subject in subjects):
        yield holder.vendor, difference("I8", holder.ref, "claim_state", there="a case", here="refused in silence")


def _counters(store: Store, house: House, books: Books) -> Iterator[Finding]:
    """Recount every night of every type, and demand a case where more is booked than there is."""
    booked, blocked = _recount(house)
    kinds = {row["room_type_id"]: row for row in store.room_types}
    units = Counter(row["room_type_id"] for row in store.rooms)
    rows = {(row["room_type_id"], row["date"]): row for row in store.inventory}
    known = [key for key in rows.keys() | booked.keys() | blocked.keys() if key[0] in kinds]
    for kind, night in sorted(known, key=str):
        row, code = rows.get((kind, night)), kinds[kind]["code"]
        recounted = {"booked": booked[kind, night], "out_of_order": blocked[kind, night]}
        recounted |= {"total": units[kind], "allowance": kinds[kind]["allowance"]}
        at = f"inventory[{code}][{night}]"
        for name, there in recounted.items():
            here = row[name] if row else None
            if here != there and (row or (there and name in {"booked", "out_of_order"})):
                yield None, difference("I8", code, f"{at}.{name}", there=there, here=here)
        capacity = recounted["total"] - recounted["out_of_order"] + recounted["allowance"]
        subject = f"{kinds[kind]['property_id']}:{code}:{night}"
        if recounted["booked"] > capacity and not books.has_case("type_oversold", subject):
            yield None, difference("I8", code, at, there=capacity, here=recounted["booked"])


def _recount(house: House) -> tuple[Counter[Night], Counter[Night]]:
    booked: Counter[Night] = Counter()
    blocked: Counter[Night] = Counter()
    for holder in house.holders.values():
        if holder.room_type_id is not None and holder.takes != "nothing":
            counter = blocked if holder.takes == "whole_days" else booked
            counter.update((holder.room_type_id, night) for night in holder.nights)
    return booked, blocked
