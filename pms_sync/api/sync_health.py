"""Sync health over HTTP: how fresh our view of the tenant's hotels is, what waits, and what is stuck."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec
from aiohttp import web

from pms_sync.api.guard import person_of
from pms_sync.store import health
from pms_sync.store.database import Database
from pms_sync.store.health import Facts, StreamHealth

_WITHIN_S = 5.0


class SyncStream(msgspec.Struct, frozen=True, kw_only=True):
    """One stream of one account; `stream` null: nobody has read the account yet.

    Seconds; `overdue_s` is negative while its turn is ahead. `mode` shadow reads only. `equal_as_of`: the newest proof
    that both sides were equal; `drift`: how many objects differed when they were compared last.
    """

    property_code: str
    account_id: UUID
    vendor: str
    stream: str | None
    mode: str
    state: str
    state_reason: str | None
    breaker: str
    freshness_s: float | None
    last_success_at: datetime | None
    next_due_at: datetime | None
    overdue_s: float | None
    backlog: int
    parked: int
    failures: int
    last_error: str | None
    subscription_note: str | None
    equal_as_of: datetime | None = None
    compared_at: datetime | None = None
    drift: int = 0


class SyncTotals(msgspec.Struct, frozen=True, kw_only=True):
    """The tenant's totals; `outbox` counts intents that still wait for something, by state."""

    webhooks_last_hour: Mapping[str, int]
    waiting: int
    oldest_s: float
    parked: int
    cases_open: Mapping[str, int]
    outbox: Mapping[str, int]


class SyncHealth(msgspec.Struct, frozen=True, kw_only=True):
    """Every stream of every account of the tenant, with the totals beside them."""

    items: tuple[SyncStream, ...]
    totals: SyncTotals


class SyncBoard:
    """The route; one object per process."""

    def __init__(self, database: Database) -> None:
        """Take the port."""
        self._database = database

    async def show(self, request: web.Request) -> web.Response:
        """Answer with the health of the person's tenant."""
        tenant_id = person_of(request).tenant_id
        async with health.promptly(self._database, _WITHIN_S, tenant_id) as connection:
            rows, facts = await health.board(connection), await health.facts(connection)
        told = SyncHealth(items=tuple(map(_stream, rows)), totals=_totals(facts))
        return web.Response(body=msgspec.json.encode(told), content_type="application/json")


def _stream(row: StreamHealth) -> SyncStream:
    return SyncStream(**{name: getattr(row, name) for name in SyncStream.__struct_fields__})


def _totals(facts: Facts) -> SyncTotals:
    return SyncTotals(**{name: getattr(facts, name) for name in SyncTotals.__struct_fields__})
