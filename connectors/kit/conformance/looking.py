"""What the rules share when they look at records: many bookings at once, and which stays were listed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from connectors.kit.conformance.bench import RESERVATIONS, Bench, records
from connectors.kit.conformance.evidence import Finding, demand
from pms_sync.domain.errors import MappingRejected
from pms_sync.ports.connector import Record
from pms_sync.ports.mapper import Mapped

_AT_ONCE = 20


async def burst(bench: Bench, count: int, moment: datetime | None = None) -> list[str]:
    """Book many stays and return their reservations; with a moment all lie within its second."""

    async def one() -> str:
        if moment is not None:
            await bench.sim("clock", now=moment.isoformat())
        return await bench.book()

    made: list[str] = []
    for start in range(0, count, _AT_ONCE):
        made += await asyncio.gather(*(one() for _ in range(min(_AT_ONCE, count - start))))
    return made


async def expected(bench: Bench, reservations: Iterable[str]) -> set[str]:
    """Return the refs of the stays that these reservations truly have."""
    truth = {one["ref"]: one for one in (await bench.truth())["reservations"]}
    wanted = set(reservations)
    demand(wanted <= truth.keys(), "the truth does not show a reservation that was just made")
    return {stay["ref"] for ref in wanted for stay in truth[ref]["room_stays"]}


def meaning(bench: Bench, record: Record) -> Mapped:
    """Map a record for the first property; raises MappingRejected."""
    return bench.mapper.to_revisions(RESERVATIONS, record.body, bench.context())


def stays_of(bench: Bench, found: Iterable[Record]) -> set[str]:
    """Return the refs of all stays that records speak of; a record that cannot be mapped speaks of none."""
    stays: set[str] = set()
    for record in found:
        try:
            revisions = meaning(bench, record).revisions
        except MappingRejected:
            continue
        stays |= {stay.ref for revision in revisions for stay in revision.room_stays}
    return stays


async def record_ref(bench: Bench, reservation: str) -> str:
    """Return the ref under which a reservation made just now is listed."""
    wanted = await expected(bench, [reservation])
    for record in records(await bench.walk(await bench.recent())):
        if wanted & stays_of(bench, [record]):
            return record.ref
    raise Finding(f"reservation {reservation} is not listed")


def each_once(bench: Bench, wanted: set[str], found: Sequence[Record]) -> None:
    """Demand that every wanted stay is listed, and no record twice."""
    lost = wanted - stays_of(bench, found)
    demand(not lost, f"{len(lost)} of {len(wanted)} stays are not listed, among them {min(lost, default='')}")
    twice = [ref for ref, count in Counter(record.ref for record in found).items() if count > 1]
    demand(not twice, f"{len(twice)} records are listed twice, among them {twice[:1]}")


def by_ref(found: Iterable[Record]) -> dict[str, Record]:
    """Return the records by their ref."""
    return {record.ref: record for record in found}
