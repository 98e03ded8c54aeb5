"""Attempts to sign in that failed, by account and by where they came from; both are kept as keyed digests alone."""

from __future__ import annotations

from datetime import datetime

import msgspec

from pms_sync.store.database import Connection


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """What is remembered of one origin: failures at this account, and how many accounts it failed at."""

    failures: int = 0
    last_at: datetime | None = None
    accounts: int = 0
    last_at_any: datetime | None = None


_TALLY = """
SELECT coalesce(max(failures) FILTER (WHERE account_digest = $2), 0) AS failures,
       max(last_at) FILTER (WHERE account_digest = $2) AS last_at, count(*) AS accounts, max(last_at) AS last_at_any
  FROM sign_in_failures WHERE origin_digest = $1 AND last_at > $3
"""


async def tally(connection: Connection, origin: bytes, account: bytes, since: datetime) -> Tally:
    """Count the failures since an instant."""
    return Tally(**await connection.fetchrow(_TALLY, origin, account, since))


_FAILED = """
INSERT INTO sign_in_failures AS f (origin_digest, account_digest, failures, last_at) VALUES ($1, $2, 1, $3)
ON CONFLICT (origin_digest, account_digest) DO UPDATE
   SET failures = CASE WHEN f.last_at > $4 THEN f.failures + 1 ELSE 1 END, last_at = greatest(f.last_at, $3)
RETURNING failures
"""


async def failed(connection: Connection, origin: bytes, account: bytes, now: datetime, since: datetime) -> int:
    """Count one more failure and return how many there are since an instant."""
    count: int = await connection.fetchval(_FAILED, origin, account, now, since)
    return count


async def forget(connection: Connection, origin: bytes, account: bytes) -> None:
    """Forget the failures of one origin at one account: it has just succeeded."""
    await connection.execute(
        "DELETE FROM sign_in_failures WHERE origin_digest = $1 AND account_digest = $2", origin, account
    )


_PRUNE = """
DELETE FROM sign_in_failures WHERE (origin_digest, account_digest) IN (
    SELECT origin_digest, account_digest FROM sign_in_failures WHERE last_at <= $1 LIMIT $2)
"""


async def prune(connection: Connection, before: datetime, limit: int = 10_000) -> int:
    """Delete what is forgotten anyway, a bounded number at once; returns how many."""
    told = await connection.execute(_PRUNE, before, limit)
    return int(told.rpartition(" ")[2])
