"""Claims: many clients book and release stays in a small house at once; nobody is sold into another's night."""

from __future__ import annotations

import asyncio
import time
from datetime import date, timedelta
from random import Random
from uuid import UUID, uuid4

import asyncpg
import msgspec

from benchmarks.house import House
from benchmarks.sample import Sample
from pms_sync.domain.stay import StayRange
from pms_sync.store import claims, crosswalk
from pms_sync.store.accounts import Account
from pms_sync.store.claims import Claim

_CLIENTS = 8
_STAYS_A_TIME = 10
_NIGHTS = 120
_FIRST = date(2026, 3, 1)


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """How it went: claims asked for, the 99th percentile of a booking transaction, and what may never happen."""

    asked: int
    p99_ms: float
    oversells: int
    deadlocks: int


class _Desk(msgspec.Struct):
    """One client's stays, and what it met."""

    random: Random
    held: dict[UUID, list[Claim]] = {}
    seconds: list[float] = []
    asked: int = 0
    deadlocks: int = 0


async def measure(house: House, sample: Sample, wanted: int) -> Claimed:
    """Let the clients ask for `wanted` claims together, then compare what each believes to have with the store."""
    account = await house.hotel(sample, "t-claims")
    async with house.database.transaction(account.tenant_id) as connection:
        catalogue = await crosswalk.load_catalogue(connection, account.tenant_id, account.property_id)
    units = sorted(unit for one in catalogue.units.values() for unit in one)[:40]
    desks = [_Desk(random=Random(number)) for number in range(_CLIENTS)]  # noqa: S311 - traffic, no secret
    await asyncio.gather(*(_serve(house, account, units, desk, wanted // _CLIENTS) for desk in desks))
    took = sorted(one for desk in desks for one in desk.seconds)
    return Claimed(
        asked=sum(desk.asked for desk in desks),
        p99_ms=1000 * took[int(len(took) * 0.99)],
        oversells=await _oversells(house, account, desks),
        deadlocks=sum(desk.deadlocks for desk in desks),
    )


async def _serve(house: House, account: Account, units: list[UUID], desk: _Desk, wanted: int) -> None:
    while desk.asked < wanted:
        stays = {uuid4(): _claims(units, desk.random) for _ in range(_STAYS_A_TIME)}
        asked = [(holder, *rest) for holder, told in stays.items() for rest in told]
        leaving = [desk.held.pop(key) for key in list(desk.held)[: len(desk.held) // 3]]
        started = time.perf_counter()
        try:
            lost = await _book(house, account, [one for told in leaving for one in told], asked)
        except asyncpg.DeadlockDetectedError:
            desk.deadlocks += 1
            continue
        desk.seconds.append(time.perf_counter() - started)
        desk.asked += len(asked)
        for holder, unit, night, slot in asked:
            if (holder, unit, night, slot) not in lost:
                desk.held.setdefault(holder, []).append((holder, unit, night, slot))


async def _book(house: House, account: Account, leaving: list[Claim], asked: list[Claim]) -> set[Claim]:
    """Release and claim as apply does, and return what somebody else had."""
    async with house.database.transaction(account.tenant_id) as connection:
        touched = [unit for _, unit, _, _ in (*leaving, *asked)]
        await claims.lock_units(connection, account.tenant_id, touched)
        await claims.release(connection, account.tenant_id, leaving)
        rivals = await claims.take(connection, account.tenant_id, asked)
    return {(one.holder_id, one.unit_id, one.date, one.slot) for one in rivals}


def _claims(units: list[UUID], random: Random) -> list[tuple[UUID, date, str]]:
    arrival = _FIRST + timedelta(days=random.randrange(_NIGHTS))
    unit = random.choice(units)
    return [(unit, *one) for one in StayRange(arrival, arrival + timedelta(days=random.randint(1, 7))).claims()]


async def _oversells(house: House, account: Account, desks: list[_Desk]) -> int:
    """Count the nights that two believe to have, and those that somebody believes to have and the store gave away."""
    believed: dict[tuple[UUID, date, str], UUID] = {}
    twice = 0
    for holder, unit, night, slot in (one for desk in desks for told in desk.held.values() for one in told):
        twice += (unit, night, slot) in believed
        believed[unit, night, slot] = holder
    async with house.database.transaction(account.tenant_id) as connection:
        rows = await connection.fetch("SELECT unit_id, date, slot, holder_id FROM room_claims")
    stored = {(row["unit_id"], row["date"], row["slot"]): row["holder_id"] for row in rows}
    lost = [place for place, holder in believed.items() if stored.get(place) != holder]
    return int(twice) + len(lost)
