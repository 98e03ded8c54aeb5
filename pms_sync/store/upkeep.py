"""Upkeep: monthly partitions made ahead of time, finished queue rows pruned, the audit chain sealed."""

from __future__ import annotations

from datetime import date, timedelta

from pms_sync.store import alerts, audit, equality, events_out, idempotency
from pms_sync.store.database import Connection, Database

PARTITIONED = ("raw_records", "audit_log")
_PARTITIONS_LOCK = 7_361_204_418  # any constant
_EVENT_DAYS, _ALERT_DAYS, _PROOF_DAYS = 30, 90, 90
# Longer than any sender's redelivery (75 h and more), because the row is what recognises a duplicate.
_DELIVERY_DAYS = 35
_PRUNE_LIMIT = 10_000


async def ensure_partitions(connection: Connection, today: date) -> list[str]:
    """Make the partitions of this month and the next where they are missing; returns the new ones.

    Needs the owner's rights, so the connection steps out of its role for it. A month whose rows already lie in the
    default partition stays there: moving them would lock the table.
    """
    made = []
    first = today.replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    async with connection.transaction():
        await connection.execute(f"SELECT pg_advisory_xact_lock({_PARTITIONS_LOCK})")  # two first starts take turns
        await connection.execute("SET LOCAL ROLE NONE; SET LOCAL lock_timeout = '2s'")
        for table in PARTITIONED:
            for start in (first, following):
                name = f"{table}_{start:%Y_%m}"
                if await connection.fetchval("SELECT to_regclass($1)", name) is None and await _is_free(
                    connection, table, start
                ):
                    await connection.execute(
                        f"CREATE TABLE {name} PARTITION OF {table} "
                        f"FOR VALUES FROM ('{start}') TO ('{_next_month(start)}')"
                    )
                    made.append(name)
    return made


async def _is_free(connection: Connection, table: str, start: date) -> bool:
    column = "at" if table == "audit_log" else "recorded_at"
    taken = await connection.fetchval(
        f"SELECT EXISTS (SELECT FROM {table}_default WHERE {column} >= '{start}' "  # noqa: S608 - constants and a date
        f"AND {column} < '{_next_month(start)}')"
    )
    return not taken


def _next_month(start: date) -> date:
    return (start + timedelta(days=32)).replace(day=1)


_PRUNE_EVENTS = """
DELETE FROM events WHERE event_id = ANY(ARRAY(
    SELECT event_id FROM events WHERE state IN ('done', 'ignored') AND done_at < now() - make_interval(days => $1)
     LIMIT $2))
"""
_PRUNE_DELIVERIES = """
DELETE FROM deliveries WHERE delivery_id = ANY(ARRAY(
    SELECT delivery_id FROM deliveries WHERE state IN ('done', 'ignored')
       AND done_at < now() - make_interval(days => $1) LIMIT $2))
"""


_FORGET_REQUESTS = """
UPDATE intents SET request = NULL
 WHERE ctid = ANY(ARRAY(SELECT ctid FROM intents WHERE request IS NOT NULL AND state IN ('verified', 'superseded')
                           AND created_at < now() - $1 * interval '1 day' LIMIT $2))
"""


async def prune(connection: Connection) -> int:
    """Delete finished events, deliveries and alerts past their time, a bounded number at once; parked ones stay.

    Of a change that reached its vendor the row stays and the request goes, which may name a guest. Events that were
    told go with their age, so one that nobody wanted, or nobody took for that long, goes too. Answers kept
    for a repeated request go when their time is over, and so do comparisons with vendors.
    """
    pruned = await idempotency.prune(connection, _PRUNE_LIMIT)
    for statement, days in ((_PRUNE_EVENTS, _EVENT_DAYS), (_PRUNE_DELIVERIES, _DELIVERY_DAYS)):
        told = await connection.execute(statement, days, _PRUNE_LIMIT)
        pruned += int(told.rpartition(" ")[2])
    await connection.execute(_FORGET_REQUESTS, _EVENT_DAYS, _PRUNE_LIMIT)
    pruned += await events_out.prune(connection, _EVENT_DAYS, _PRUNE_LIMIT)
    pruned += await equality.prune(connection, _PROOF_DAYS, _PRUNE_LIMIT)
    return pruned + await alerts.prune(connection, _ALERT_DAYS, _PRUNE_LIMIT)


async def seal_audit(database: Database) -> int:
    """Chain what was committed since the last turn, tenant by tenant; returns how many rows."""
    async with database.connection() as connection:
        tenants = await audit.tenants_with_unsealed(connection)
    sealed = 0
    for tenant_id in tenants:
        async with database.transaction(tenant_id) as connection:
            sealed += await audit.seal(connection, tenant_id)
    return sealed
