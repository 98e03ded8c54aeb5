"""Halving: a batch that the store refuses is cut down to the object that causes it, so that its neighbours land."""

from __future__ import annotations

import asyncio
from collections import Counter

import msgspec
import structlog

from pms_sync.domain.errors import Fault, Unavailable
from pms_sync.ingest.batch import Batch
from pms_sync.ingest.landing import Landing

log = structlog.get_logger(__name__)


async def land(landing: Landing, batch: Batch, outcomes: Counter[str]) -> None:
    """Apply and acknowledge, counting what each record came to; raises Unavailable when the database is away."""
    try:
        outcomes.update(await landing.land(batch))
    except (Unavailable, asyncio.CancelledError):
        raise
    except Exception as error:  # one poison record must not hold its neighbours
        if len(batch.works) == 1:
            outcomes.update(await landing.park(batch, _reason(error)))
            log.exception("record parked", ref=batch.works[0].lane.ref)
            return
        middle = len(batch.works) // 2
        for half in (batch.works[:middle], batch.works[middle:]):
            await land(landing, msgspec.structs.replace(batch, works=half), outcomes)


def _reason(error: Exception) -> str:
    return error.what if isinstance(error, Fault) else f"{type(error).__name__}: the store refused this record"
