"""Health: how fresh our view of every hotel is, what waits, and what is stuck; read over all tenants (worker role).

Ages are seconds by the database's clock, the one that stamped what they are measured from.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from functools import cache
from typing import Literal
from uuid import UUID

import asyncpg
import msgspec

from pms_sync.domain.errors import Unavailable
from pms_sync.store.database import AWAY, Connection, Database, act_for, unavailable, use_tenant
from pms_sync.store.inbox import inbox_facts
from pms_sync.store.schema import head

_PATIENCE_S = 0.8


class StreamHealth(msgspec.Struct, frozen=True, kw_only=True):
    """One stream of one account; `stream` is None, and with it what follows, for an account nobody has read yet.

    `overdue_s` is how long ago its turn came, negative while it is still ahead; `reading` says that somebody holds it.
    `equal_as_of` is the instant of the newest proof that both sides were equal, `compared_at` when they were compared
    last, and `drift` how many objects differ since.
    """

    tenant_code: str
    property_code: str
    property_name: str
    timezone: str
    vendor: str
    account_id: UUID
    mode: str
    state: str
    state_reason: str | None
    breaker: str
    subscription_note: str | None
    connected_at: datetime
    stream: str | None
    phase: str | None
    freshness_s: float | None
    last_success_at: datetime | None
    next_due_at: datetime | None
    overdue_s: float | None
    reading: bool
    failures: int
    last_error: str | None
    backlog: int
    parked: int
    equal_as_of: datetime | None = None
    compared_at: datetime | None = None
    drift: int = 0


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Totals over all tenants; `freshness` holds the oldest view per (property, stream), `breakers` one per account.

    A stream never read is as old as its account. `outbox` counts intents that still wait for something.
    """

    webhooks_last_hour: Mapping[str, int]
    waiting: int
    oldest_s: float
    parked_deliveries: int
    parked_events: int
    cases_open: Mapping[str, int]
    outbox: Mapping[str, int]
    freshness: Mapping[tuple[str, str], float]
    breakers: Mapping[str, str]

    @property
    def parked(self) -> int:
        """Return every row that waits for a person."""
        return self.parked_deliveries + self.parked_events


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """The body of /readyz; `schema` is `head`, the revision found, `empty`, or `unknown` while the database is away."""

    ready: bool
    database: Literal["up", "away"]
    schema: str


# Queues are counted in one walk over their partial indexes; a count per stream would walk them once a stream.
_BOARD = """
WITH open AS (
    SELECT account_id, stream, count(*) AS n FROM events WHERE state IN ('waiting', 'leased') GROUP BY 1, 2
), stuck AS (
    SELECT account_id, stream, count(*) AS n FROM events WHERE state = 'parked' GROUP BY 1, 2
)
SELECT t.code AS tenant_code, p.code AS property_code, p.name AS property_name, p.timezone, a.vendor, a.account_id,
       a.mode, a.state, a.state_reason, a.breaker, a.subscription_note, a.created_at AS connected_at,
       c.stream, c.phase, extract(epoch FROM now() - c.last_success_at)::float8 AS freshness_s, c.last_success_at,
       c.next_due_at, extract(epoch FROM now() - c.next_due_at)::float8 AS overdue_s,
       coalesce(c.lease_until > now(), false) AS reading, coalesce(c.failures, 0) AS failures, c.last_error,
       coalesce(o.n, 0) AS backlog, coalesce(s.n, 0) AS parked, e.equal_as_of, e.compared_at, coalesce(d.n, 0) AS drift
  FROM accounts a
  JOIN tenants t ON t.tenant_id = a.tenant_id
  JOIN properties p ON p.tenant_id = a.tenant_id AND p.property_id = a.property_id
  LEFT JOIN cursors c ON c.tenant_id = a.tenant_id AND c.account_id = a.account_id
  LEFT JOIN open o ON o.account_id = a.account_id AND o.stream = c.stream
  LEFT JOIN stuck s ON s.account_id = a.account_id AND s.stream = c.stream
  LEFT JOIN LATERAL (SELECT max(as_of) FILTER (WHERE equal) AS equal_as_of, max(as_of) AS compared_at FROM proofs p
                      WHERE p.tenant_id = a.tenant_id AND p.account_id = a.account_id AND p.stream = c.stream) e ON true
  LEFT JOIN LATERAL (SELECT count(*) AS n FROM drift f WHERE f.tenant_id = a.tenant_id
                        AND f.account_id = a.account_id AND f.stream = c.stream AND f.healed_at IS NULL) d ON true
 ORDER BY t.code, p.code, a.vendor, a.account_id, c.stream
"""


async def board(connection: Connection) -> list[StreamHealth]:
    """Return every stream of every account, by tenant, property, vendor and stream."""
    return [StreamHealth(**row) for row in await connection.fetch(_BOARD)]


# Deliveries come in the order of their ids, so only those of the hour are looked at.
_LAST_HOUR = """
SELECT vendor, count(*) AS n FROM deliveries
 WHERE delivery_id > coalesce((SELECT delivery_id FROM deliveries WHERE received_at <= now() - interval '1 hour'
                                ORDER BY delivery_id DESC LIMIT 1), 0)
 GROUP BY 1 ORDER BY 1
"""
_PARKED = """
SELECT (SELECT count(*) FROM deliveries WHERE state = 'parked') AS deliveries,
       (SELECT count(*) FROM events WHERE state = 'parked') AS events
"""
_OUTBOX = """
SELECT state, count(*) AS n FROM intents WHERE state IN ('planned', 'sent', 'acknowledged', 'unknown', 'parked')
 GROUP BY 1
"""
_FRESHNESS = """
SELECT p.code, c.stream, max(extract(epoch FROM now() - coalesce(c.last_success_at, a.created_at)))::float8 AS age_s
  FROM cursors c
  JOIN accounts a ON a.tenant_id = c.tenant_id AND a.account_id = c.account_id
  JOIN properties p ON p.tenant_id = a.tenant_id AND p.property_id = a.property_id
 GROUP BY 1, 2
"""


async def facts(connection: Connection) -> Facts:
    """Return the totals; takes a connection outside a transaction, since cases are read tenant by tenant."""
    inbox = await inbox_facts(connection)
    parked = await connection.fetchrow(_PARKED)
    hour = await connection.fetch(_LAST_HOUR)
    outbox = await connection.fetch(_OUTBOX)
    ages = await connection.fetch(_FRESHNESS)
    breakers = await connection.fetch("SELECT account_id, breaker FROM accounts")
    return Facts(
        webhooks_last_hour={row["vendor"]: row["n"] for row in hour},
        waiting=inbox.depth,
        oldest_s=inbox.oldest_s,
        parked_deliveries=parked["deliveries"],
        parked_events=parked["events"],
        cases_open=await _cases_open(connection),
        outbox={row["state"]: row["n"] for row in outbox},
        freshness={(row["code"], row["stream"]): row["age_s"] for row in ages},
        breakers={str(row["account_id"]): row["breaker"] for row in breakers},
    )


async def _cases_open(connection: Connection) -> dict[str, int]:
    counts: dict[str, int] = {}
    async with connection.transaction(readonly=True):
        for tenant_id in await _tenants(connection):
            await use_tenant(connection, tenant_id)
            for row in await connection.fetch(
                "SELECT kind, count(*) AS n FROM cases WHERE tenant_id = $1 AND state = 'open' GROUP BY 1", tenant_id
            ):
                counts[row["kind"]] = counts.get(row["kind"], 0) + row["n"]
    return counts


async def _tenants(connection: Connection) -> Sequence[UUID]:
    return [row["tenant_id"] for row in await connection.fetch("SELECT tenant_id FROM tenants ORDER BY tenant_id")]


@asynccontextmanager
async def promptly(database: Database, within_s: float, only_tenant: UUID | None = None) -> AsyncIterator[Connection]:
    """Borrow a connection that is cut after `within_s`: a hung server must not hang those who look; raises Unavailable.

    With `only_tenant` it is in a transaction that sees the rows of that tenant alone. Cancelling would not do: a driver
    first waits for the server to confirm that it gave up.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_s
    try:
        connection = await database.pool.acquire(timeout=within_s / 2)
    except AWAY as error:
        raise unavailable(error) from error
    timer = loop.call_at(deadline, connection.terminate)
    try:
        async with _seeing(connection, only_tenant):
            yield connection
    except AWAY as error:
        if isinstance(error, ValueError):  # the driver's DataError: the value is wrong, the connection is not
            raise
        raise unavailable(error) from error
    finally:
        timer.cancel()
        with suppress(*AWAY):
            await database.pool.release(connection)


@asynccontextmanager
async def _seeing(connection: Connection, only_tenant: UUID | None) -> AsyncIterator[None]:
    if only_tenant is None:
        yield
        return
    async with connection.transaction(readonly=True):
        await act_for(connection, only_tenant)
        yield


async def readiness(database: Database) -> Readiness:
    """Say within a second whether the database answers and its schema is the one this code needs; never raises."""
    try:
        async with promptly(database, _PATIENCE_S) as connection:
            schema = await _schema(connection)
    except (Unavailable, asyncpg.PostgresError):
        return Readiness(ready=False, database="away", schema="unknown")
    return Readiness(ready=schema == "head", database="up", schema=schema)


async def _schema(connection: Connection) -> str:
    """Read the revision as the owner, to whom alone the table of versions belongs."""
    try:
        async with connection.transaction(readonly=True):
            await connection.execute("SET LOCAL ROLE NONE")
            revision = await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        revision = None
    if revision is None:
        return "empty"
    return "head" if revision == _needed() else str(revision)


@cache
def _needed() -> str:
    return head()
