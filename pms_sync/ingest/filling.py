"""Filling: a backfill and the worker side by side: the vendor is read while the store takes in what was read."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import date, datetime

from pms_sync.ingest.backfill import Backfill, BackfillResult, Progress, Stop
from pms_sync.ingest.batch import AccountRuntime
from pms_sync.ingest.worker import Worker

_LOOK_ANYWAY_S = 1.0


def _unseen(_records: int, _parked: int, _position: datetime) -> None:
    """Nobody watches."""


def _never() -> bool:
    return False


async def fill(  # noqa: PLR0913 - the backfill's own arguments
    reader: Backfill,
    worker: Worker,
    runtime: AccountRuntime,
    *,
    start: date | None = None,
    end: date | None = None,
    progress: Progress = _unseen,
    stop: Stop = _never,
) -> tuple[BackfillResult, Counter[str]]:
    """Backfill an account and land its records; returns what was read, and what the records came to.

    Ends when no record of the account waits any more. Raises what `Backfill.run` raises; what was read by then is in
    its lanes, for whoever works on them next.
    """
    account_id = runtime.account.account_id
    before = Counter(worker.outcomes)
    arrived = asyncio.Event()

    def heard(records: int, parked: int, position: datetime) -> None:
        arrived.set()
        progress(records, parked, position)

    reading = asyncio.create_task(reader.run(runtime, start=start, end=end, progress=heard, stop=stop))
    reading.add_done_callback(lambda _: arrived.set())
    try:
        while not reading.done():
            arrived.clear()
            if await worker.step(account_id):
                await worker.idle()
            else:
                await _a_moment(arrived)
        result = reading.result()
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await worker.idle()
    await worker.drain(account_id)
    return result, worker.outcomes - before


async def _a_moment(arrived: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(_LOOK_ANYWAY_S):
            await arrived.wait()
    except TimeoutError:
        return
