"""Checkup: what `doctor` asks of the store about every account, and of the partitions, over all tenants."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from pms_sync.store.accounts import Account
from pms_sync.store.database import Connection, Database
from pms_sync.store.upkeep import PARTITIONED

_MOST_NAMED = 4


class Parked(msgspec.Struct, frozen=True, kw_only=True):
    """What waits for a person: deliveries of the account's door, records that cannot be read, refused pushes."""

    deliveries: int
    records: int
    pushes: int


class Gap(msgspec.Struct, frozen=True):
    """Codes of one kind that the vendor has and the hotel does not map: how many, and the first few."""

    kind: str
    total: int
    codes: tuple[str, ...]


# Deliveries lie in the order of their ids, so the newest of a busy door is found at once.
_LAST_WEBHOOK = "SELECT received_at FROM deliveries WHERE door_id = $1 ORDER BY delivery_id DESC LIMIT 1"
_PARKED = """
SELECT (SELECT count(*) FROM deliveries WHERE state = 'parked' AND door_id = $2) AS deliveries,
       (SELECT count(*) FROM events WHERE state = 'parked' AND account_id = $1) AS records,
       (SELECT count(*) FROM intents WHERE state = 'parked' AND account_id = $1) AS pushes
"""
# A rate is missed only where the hotel maps any, a room only where it has any: the rule that quarantines bookings.
_GAPS = """
SELECT kind, count(*)::int AS total, (array_agg(vendor_code ORDER BY vendor_code))[1:$3] AS codes FROM crosswalk c
 WHERE tenant_id = $1 AND account_id = $2 AND our_code IS NULL
   AND (kind <> 'rate_plan' OR EXISTS (SELECT FROM crosswalk r WHERE r.tenant_id = $1 AND r.account_id = $2
                                          AND r.kind = 'rate_plan' AND r.our_code IS NOT NULL))
   AND (kind <> 'room' OR EXISTS (SELECT FROM rooms WHERE tenant_id = $1 AND property_id = $4))
 GROUP BY kind ORDER BY kind DESC
"""
# The connections' time zone is UTC.
_MISSING = """
SELECT name FROM (
    SELECT part || to_char(month, '_YYYY_MM') AS name
      FROM unnest($1::text[]) AS part,
           generate_series(date_trunc('month', now()), now() + interval '1 month', interval '1 month') AS month
) AS needed WHERE to_regclass(name) IS NULL ORDER BY name
"""


async def last_webhook(connection: Connection, door_id: UUID) -> datetime | None:
    """Return when the door last took a delivery, None when the kept ones hold none of it (worker role)."""
    found: datetime | None = await connection.fetchval(_LAST_WEBHOOK, door_id)
    return found


async def parked(connection: Connection, account: Account) -> Parked:
    """Count what waits for a person at one account (worker role)."""
    return Parked(**await connection.fetchrow(_PARKED, account.account_id, account.door_id))


async def unmapped(database: Database, account: Account) -> Sequence[Gap]:
    """Return the codes seen at the vendor that would quarantine a booking, by kind."""
    async with database.transaction(account.tenant_id) as connection:
        rows = await connection.fetch(_GAPS, account.tenant_id, account.account_id, _MOST_NAMED, account.property_id)
    return [Gap(row["kind"], row["total"], tuple(row["codes"])) for row in rows]


async def missing_partitions(connection: Connection) -> Sequence[str]:
    """Return the names of this month's and the next month's partitions that nobody made yet."""
    rows = await connection.fetch(_MISSING, list(PARTITIONED))
    return [row["name"] for row in rows]
