"""Measure: the totals of the store, put where the metrics page shows them."""

from __future__ import annotations

from pms_sync.observe.metrics import Metrics
from pms_sync.store import health
from pms_sync.store.database import Database

_WITHIN_S = 30.0
_BREAKERS = frozenset({"closed", "half-open", "open"})


async def measure(database: Database, metrics: Metrics) -> None:
    """Read the totals once and set every gauge that is made of them; raises Unavailable."""
    async with health.promptly(database, _WITHIN_S) as connection:
        found = await health.facts(connection)
    metrics.inbox(found.waiting, found.oldest_s)
    metrics.outbox(found.outbox)
    metrics.cases_open(found.cases_open)
    metrics.freshness(found.freshness)
    metrics.breakers({account: state for account, state in found.breakers.items() if state in _BREAKERS})
