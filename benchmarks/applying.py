"""Apply: mapped records into the trees, new, changed, stale and repeated, with the commit; two hotels at a time.

What comes before (reading, raw bodies, mapping) and after (lanes) is measured with the backfill. Two hotels, since the
worker takes a batch of each account beside the others, and the machine has more than one core.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count

import msgspec

from benchmarks.house import House, RealClock
from benchmarks.sample import Sample
from mappers.beds24 import MAPPER
from pms_sync.apply.batch import Applier
from pms_sync.apply.incoming import Incoming, Outcome
from pms_sync.domain.digest import record_digest
from pms_sync.domain.reservation import Block, Revision
from pms_sync.ports.mapper import Crosswalk, MappingContext
from pms_sync.store import crosswalk
from pms_sync.store.accounts import Account
from pms_sync.store.crosswalk import PropertyCatalogue
from pms_sync.store.ids import new_id
from pms_sync.store.lanes import lane_key

KINDS = ("new", "changed", "stale", "duplicate")
_HOTELS = 2
_BATCH = 400
_STREAM = "reservations"


class Applied(msgspec.Struct, frozen=True, kw_only=True):
    """Records per second by kind; `surprises` counts outcomes other than the one meant."""

    per_s: dict[str, float]
    surprises: dict[str, int]
    records: int
    stored: int


class _Hotel(msgspec.Struct, frozen=True):
    account: Account
    catalogue: PropertyCatalogue
    codes: Crosswalk


async def measure(house: House, sample: Sample) -> Applied:
    """Apply the sample to two empty hotels, then its changes, then the first state again, then the changes again."""
    hotels = [await _hotel(house, sample, f"t-apply-{number}") for number in range(_HOTELS)]
    changed = sample.changed(minutes=30)
    states = {"new": sample.rows, "changed": changed, "stale": sample.rows, "duplicate": changed}
    meant = {"new": Outcome.NEW, "changed": Outcome.CHANGED, "stale": Outcome.STALE, "duplicate": Outcome.DUPLICATE}
    tickets = count(1)
    per_s: dict[str, float] = {}
    surprises: dict[str, int] = {}
    for kind in KINDS:
        batches = [list(_batches(hotel, sample.refs, states[kind], next(tickets))) for hotel in hotels]
        started = time.perf_counter()
        told = await asyncio.gather(*(_apply(house, one, all_) for one, all_ in zip(hotels, batches, strict=True)))
        per_s[kind] = _HOTELS * len(sample) / (time.perf_counter() - started)
        outcomes = sum(told, Counter())
        surprises[kind] = outcomes.total() - outcomes[meant[kind]]
    links = "SELECT count(*) FROM links WHERE level IN ('stay', 'block') AND remote_digest IS NOT NULL"
    stored = sum([await house.count(hotel.account, links) for hotel in hotels])
    return Applied(per_s=per_s, surprises=surprises, records=_HOTELS * len(sample), stored=stored)


async def _hotel(house: House, sample: Sample, tenant: str) -> _Hotel:
    account = await house.hotel(sample, tenant)
    async with house.database.transaction(account.tenant_id) as connection:
        catalogue = await crosswalk.load_catalogue(connection, account.tenant_id, account.property_id)
        return _Hotel(account, catalogue, await crosswalk.load_crosswalk(connection, account))


def _batches(hotel: _Hotel, refs: Sequence[str], rows: Sequence[bytes], ticket: int) -> Iterator[list[Incoming]]:
    account = hotel.account
    context = MappingContext(
        property_code=account.property_code, zone=account.timezone, currency=account.currency, crosswalk=hotel.codes
    )
    records = [_incoming(hotel, ref, row, ticket, context) for ref, row in zip(refs, rows, strict=True)]
    for first in range(0, len(records), _BATCH):
        yield records[first : first + _BATCH]


def _incoming(hotel: _Hotel, ref: str, row: bytes, ticket: int, context: MappingContext) -> Incoming:
    mapped = MAPPER.to_revisions(_STREAM, row, context)
    objects: list[Revision | Block] = [*mapped.revisions, *mapped.blocks]
    return Incoming(
        account=hotel.account,
        lane_key=lane_key(hotel.account.account_id, _STREAM, ref),
        stream=_STREAM,
        ref=ref,
        kind="poll",
        mapped=objects[0],
        unmapped=mapped.unmapped,
        body=row,
        raw_id=1,
        digest=record_digest(row, MAPPER.version, hotel.codes.version),
        ticket=ticket,
        direct=False,
        correlation_id="bench",
    )


async def _apply(house: House, hotel: _Hotel, batches: Sequence[list[Incoming]]) -> Counter[Outcome]:
    applier = Applier(house.keys, RealClock(), new_id)
    account, outcomes = hotel.account, Counter[Outcome]()
    for batch in batches:
        async with house.database.transaction(account.tenant_id) as connection:
            catalogues = {account.property_id: hotel.catalogue}
            told = await applier.apply(connection, account.tenant_id, batch, catalogues)
        outcomes.update(told.values())
    return outcomes
