"""Backfill, end to end: pages out of the vendor, mapped, applied, acknowledged, until every record is in the store."""

from __future__ import annotations

import random
import time

import msgspec

from benchmarks.house import House, RealClock
from benchmarks.sample import Sample
from benchmarks.spent import Spent, spending
from benchmarks.vendor import Directory, runtime_of
from pms_sync.apply.batch import Applier
from pms_sync.bootstrap import new_id
from pms_sync.ingest.backfill import Backfill
from pms_sync.ingest.filling import fill
from pms_sync.ingest.landing import Landing
from pms_sync.ingest.worker import Worker

TENANT = "t-backfill"
_STORED = "SELECT count(*) FROM links WHERE level IN ('stay', 'block') AND remote_digest IS NOT NULL"


class Filled(msgspec.Struct, frozen=True, kw_only=True):
    """What a backfill came to."""

    records: int
    stored: int
    seconds: float
    spent: Spent


async def measure(house: House, sample: Sample) -> Filled:
    """Fill an empty hotel with the sample; vendor limits are off."""
    account = await house.hotel(sample, TENANT)
    runtime = runtime_of(account, sample)
    landing = Landing(house.database, house.keys, Applier(house.keys, RealClock(), new_id), new_id)
    jitter = random.Random(1)  # noqa: S311 - spreads retries, guards nothing
    worker = Worker(house.database, Directory(runtime), landing, new_id=new_id, random=jitter)
    reader = Backfill(house.database, house.keys, clock=RealClock(), new_id=new_id)
    started = time.perf_counter()
    with spending() as spent:
        await fill(reader, worker, runtime)
    seconds = time.perf_counter() - started
    stored = await house.count(account, _STORED)
    return Filled(records=len(sample), stored=stored, seconds=seconds, spent=spent)
