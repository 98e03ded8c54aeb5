"""Backfill, end to end: pages out of the vendor, mapped, applied and acknowledged, until every record is in the store."""

from __future__ import annotations

import asyncio
import random
import time
from datetime import UTC, datetime

from benchmarks.house import House, RealClock, new_id
from benchmarks.sample import Sample
from benchmarks.vendor import Directory, runtime_of
from pms_sync.apply.batch import Applier
from pms_sync.ingest.backfill import Backfill
from pms_sync.ingest.landing import Landing
from pms_sync.ingest.worker import Worker


async def backfill(house: House, sample: Sample) -> dict:
    account = await house.hotel(sample, "t-backfill")
    runtime = runtime_of(account, sample)
    landing = Landing(house.database, house.keys, Applier(house.keys, RealClock(), new_id), new_id)
    worker = Worker(house.database, house.keys, Directory(runtime), landing, new_id=new_id, random=random.Random(1))
    reader = Backfill(house.database, house.keys, clock=RealClock(), new_id=new_id)
    started = time.perf_counter()
    reading = asyncio.create_task(reader.run(runtime))
    while not reading.done():
        if not await worker.step():
            await asyncio.sleep(0.005)
    result = reading.result()
    read = time.perf_counter() - started
    await worker.drain()
    seconds = time.perf_counter() - started
    stored = await house.count(account, "SELECT count(*) FROM links WHERE level IN ('stay','block')")
    return dict(result=result, outcomes=dict(worker.outcomes), read_s=read, seconds=seconds, stored=stored, rate=len(sample) / seconds)
