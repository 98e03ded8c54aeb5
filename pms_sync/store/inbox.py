"""The inbox: deliveries as they were received, and what became of each.

Reception is one statement for all waiting requests. A delivery is a duplicate only by the vendor's own delivery id with
the same body digest; the same id with another body is kept and flagged.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from pms_sync.store import raw
from pms_sync.store.database import AGAIN, AWAY, Connection, Database, unavailable
from pms_sync.store.sealing import KeyRing

_BYTES_PER_CLAIM = 16 * 1024 * 1024


class NewDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """A verified request, or what was taken from a queue; cards are already removed from `body`.

    It came through a door, or from the queue of an account: one of both is named.
    """

    tenant_id: UUID
    door_id: UUID | None
    vendor: str
    vendor_delivery_id: str | None
    body: bytes
    correlation_id: str
    received_at: datetime
    account_id: UUID | None = None


class Appended(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one delivery on reception; `delivery_id` is None for a duplicate."""

    delivery_id: int | None
    anomaly: bool = False


class Claimed(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery locked for routing, with its body opened."""

    delivery_id: int
    tenant_id: UUID
    door_id: UUID | None
    account_id: UUID | None
    vendor: str
    vendor_delivery_id: str | None
    digest: bytes
    correlation_id: str
    anomaly: bool
    body: bytes


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a delivery on routing: done, ignored or parked; `word` names the reason where it is counted."""

    delivery_id: int
    state: str
    path: str | None = None
    reason: str | None = None
    word: str = ""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """An account a delivery may be about."""

    tenant_id: UUID
    vendor: str
    property_ref: str
    account_id: UUID


class InboxFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Figures for metrics and alarms; `oldest_s` is the age in seconds of what waits longest, 0 when nothing does."""

    deliveries: int
    events: int
    oldest_s: float

    @property
    def depth(self) -> int:
        """Return how much is received and not yet applied."""
        return self.deliveries + self.events


# The raw id is drawn first, so that a duplicate leaves no raw record behind; a conflict inside the batch counts too.
_APPEND = """
WITH work AS MATERIALIZED (
    SELECT u.*, nextval(pg_get_serial_sequence('raw_records', 'raw_id')) AS raw_id,
           first_value(digest) OVER (PARTITION BY door_id, vendor_delivery_id ORDER BY o) AS first_digest
      FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bytea[], $6::bytea[], $7::text[],
                  $8::timestamptz[], $9::uuid[]) WITH ORDINALITY
           AS u(tenant_id, door_id, vendor, vendor_delivery_id, digest, sealed, correlation_id, received_at,
                account_id, o)
), kept AS (
    INSERT INTO deliveries (tenant_id, door_id, account_id, vendor, vendor_delivery_id, digest, raw_id, correlation_id,
                            received_at, anomaly)
    SELECT tenant_id, door_id, account_id, vendor, vendor_delivery_id, digest, raw_id, correlation_id, received_at,
           vendor_delivery_id IS NOT NULL AND (digest <> first_digest OR EXISTS (
               SELECT FROM deliveries d WHERE d.door_id = work.door_id
                  AND d.vendor_delivery_id = work.vendor_delivery_id AND d.digest <> work.digest))
      FROM work ORDER BY o
    ON CONFLICT (door_id, vendor_delivery_id, digest) WHERE vendor_delivery_id IS NOT NULL DO NOTHING
    RETURNING delivery_id, raw_id, anomaly
), stored AS (
    INSERT INTO raw_records (raw_id, tenant_id, account_id, digest, sealed)
    SELECT raw_id, tenant_id, account_id, digest, sealed FROM work JOIN kept USING (raw_id)
)
SELECT delivery_id, coalesce(anomaly, false) AS anomaly FROM work LEFT JOIN kept USING (raw_id) ORDER BY o
"""


async def append_deliveries(connection: Connection, keys: KeyRing, rows: Sequence[NewDelivery]) -> list[Appended]:
    """Store the deliveries with their bodies in one statement; answers in the same order."""
    digests = [raw.body_digest(row.body) for row in rows]
    sealed = [
        keys.seal(row.tenant_id, raw.context(digest), row.body) for row, digest in zip(rows, digests, strict=True)
    ]
    stored = await connection.fetch(
        _APPEND,
        [row.tenant_id for row in rows],
        [row.door_id for row in rows],
        [row.vendor for row in rows],
        [row.vendor_delivery_id for row in rows],
        digests,
        sealed,
        [row.correlation_id for row in rows],
        [row.received_at for row in rows],
        [row.account_id for row in rows],
    )
    return [Appended(delivery_id=row["delivery_id"], anomaly=row["anomaly"]) for row in stored]


# Bodies are limited by their bytes as well: a flood of large ones must not be in memory at once.
_CLAIM = """
WITH locked AS MATERIALIZED (
    SELECT delivery_id, tenant_id, door_id, account_id, vendor, vendor_delivery_id, digest, raw_id, correlation_id,
           anomaly
      FROM deliveries
     WHERE state = 'waiting' AND ($2::bigint[] IS NULL OR delivery_id = ANY($2))
     ORDER BY delivery_id LIMIT $1 FOR UPDATE SKIP LOCKED
), sized AS (
    SELECT l.*, sum(octet_length(r.sealed)) OVER (ORDER BY l.delivery_id) - octet_length(r.sealed) AS before
      FROM locked l JOIN raw_records r USING (raw_id)
)
SELECT * FROM sized WHERE before < $3 ORDER BY delivery_id
"""


async def claim_deliveries(
    connection: Connection, keys: KeyRing, limit: int, *, only: Collection[int] | None = None
) -> list[Claimed]:
    """Lock up to `limit` waiting deliveries nobody else holds, oldest first (inside the routing transaction)."""
    rows = await connection.fetch(_CLAIM, limit, None if only is None else list(only), _BYTES_PER_CLAIM)
    if not all(keys.knows(row["tenant_id"]) for row in rows):
        await keys.load(connection)
    bodies = await raw.load(connection, keys, [row["raw_id"] for row in rows])
    return [
        Claimed(
            delivery_id=row["delivery_id"],
            tenant_id=row["tenant_id"],
            door_id=row["door_id"],
            account_id=row["account_id"],
            vendor=row["vendor"],
            vendor_delivery_id=row["vendor_delivery_id"],
            digest=row["digest"],
            correlation_id=row["correlation_id"],
            anomaly=row["anomaly"],
            body=bodies[row["raw_id"]],
        )
        for row in rows
    ]


async def waiting_ids(connection: Connection, limit: int) -> list[int]:
    """Return the oldest waiting deliveries without locking them."""
    rows = await connection.fetch(
        "SELECT delivery_id FROM deliveries WHERE state = 'waiting' ORDER BY delivery_id LIMIT $1", limit
    )
    return [row["delivery_id"] for row in rows]


def routed(delivery_id: int) -> Mark:
    """Say that the delivery became work on lanes, or joined work that was waiting there."""
    return Mark(delivery_id=delivery_id, state="done")


def ignored(delivery_id: int, word: str, reason: str) -> Mark:
    """Say that nothing of ours is meant."""
    return Mark(delivery_id=delivery_id, state="ignored", path="$", reason=reason, word=word)


def parked(delivery_id: int, path: str | None, reason: str) -> Mark:
    """Say that the delivery cannot be read; it waits for a person with its body."""
    return Mark(delivery_id=delivery_id, state="parked", path=path, reason=reason, word="unreadable")


async def mark(connection: Connection, marks: Sequence[Mark]) -> None:
    """Write what became of the deliveries, in one statement."""
    await connection.execute(
        "UPDATE deliveries d SET state = u.state, park_path = u.path, park_reason = u.reason, "
        "attempts = attempts + 1, done_at = now() "
        "FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[]) AS u(delivery_id, state, path, reason) "
        "WHERE d.delivery_id = u.delivery_id",
        [one.delivery_id for one in marks],
        [one.state for one in marks],
        [_storable(one.path) for one in marks],
        [_storable(one.reason) for one in marks],
    )


async def targets(connection: Connection, pairs: Collection[tuple[UUID, str]]) -> list[Target]:
    """Return the accounts of these (tenant, vendor) pairs."""
    rows = await connection.fetch(
        "SELECT tenant_id, vendor, property_ref, account_id FROM accounts "
        "JOIN unnest($1::uuid[], $2::text[]) AS u(tenant_id, vendor) USING (tenant_id, vendor) ORDER BY account_id",
        [tenant_id for tenant_id, _ in pairs],
        [vendor for _, vendor in pairs],
    )
    return [Target(**row) for row in rows]


async def waiting_hints(connection: Connection, keys_of_lanes: Collection[str]) -> set[tuple[str, bytes]]:
    """Return (lane key, body digest) of the hints from doors and queues that nobody has claimed yet.

    An event seen as waiting here is fetched only after this moment, so an equal hint may join it: the read it causes
    shows whatever the new hint is about. A claimed event is history and never merged with.
    """
    rows = await connection.fetch(
        "SELECT lane_key, digest FROM events "
        "WHERE lane_key = ANY($1::text[]) AND state = 'waiting' AND kind IN ('webhook', 'queue') "
        "AND digest IS NOT NULL",
        list(keys_of_lanes),
    )
    return {(row["lane_key"], row["digest"]) for row in rows}


_FACTS = """
SELECT d.n AS deliveries, e.n AS events,
       coalesce(extract(epoch FROM now() - least(d.oldest, e.oldest)), 0)::float8 AS oldest_s
  FROM (SELECT count(*) AS n, min(received_at) AS oldest FROM deliveries WHERE state = 'waiting') d,
       (SELECT count(*) AS n, min(received_at) AS oldest FROM events WHERE state IN ('waiting', 'leased')) e
"""


async def inbox_facts(connection: Connection) -> InboxFacts:
    """Count what waits, over all tenants (worker role)."""
    row = await connection.fetchrow(_FACTS)
    return InboxFacts(**{**row, "oldest_s": max(0.0, row["oldest_s"])})


class InboxLine:
    """The receiver's own connection, held open between batches and opened again after it was lost."""

    def __init__(self, database: Database, keys: KeyRing) -> None:
        """Take one connection of a pool for good; give a pool of its own (size 1) where others could empty it."""
        self._database, self._keys = database, keys
        self._connection: Connection | None = None

    def usable(self) -> bool:
        """Tell whether a write could start now."""
        return self._connection is not None and not _lost(self._connection)

    async def open(self) -> None:
        """Get a connection unless there is one; raises Unavailable."""
        if self.usable():
            return
        await self.drop()
        try:
            self._connection = await self._database.pool.acquire(timeout=5)
        except AWAY as error:
            raise unavailable(error) from error

    async def write(self, rows: Sequence[NewDelivery]) -> list[Appended]:
        """Store and commit; raises Unavailable when the connection is lost, ValueError when a row cannot be sent."""
        connection = self._connection
        if connection is None or _lost(connection):
            raise unavailable(ConnectionError())
        try:
            try:
                return await append_deliveries(connection, self._keys, rows)
            except AGAIN:
                return await append_deliveries(connection, self._keys, rows)
        except asyncpg.InterfaceError as error:
            if isinstance(error, ValueError):  # the driver's DataError: the value is wrong, the connection is not
                raise ValueError(str(error)) from error  # noqa: TRY004 - a value, not a type
            raise unavailable(error) from error
        except AWAY as error:
            raise unavailable(error) from error

    async def drop(self) -> None:
        """Cut the connection, whatever it is busy with."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            connection.terminate()
            await self._database.pool.release(connection)
        except AWAY:
            return  # it was lost already, and the pool has let go of it

    async def close(self) -> None:
        """Give the connection back in order."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            await self._database.pool.release(connection, timeout=1)
        except AWAY:
            return


def _lost(connection: Connection) -> bool:
    try:
        return bool(connection.is_closed())
    except asyncpg.InterfaceError:  # the pool lets go of a connection the moment it is lost
        return True


def _storable(text: str | None) -> str | None:
    if text is None:
        return None
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:500]
