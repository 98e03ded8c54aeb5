"""Equality: what we hold of what a vendor lists, what is unfinished between the two, and what comparing came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec

from pms_sync.domain.reservation import Block, Revision
from pms_sync.store import links
from pms_sync.store.accounts import Account
from pms_sync.store.database import Connection
from pms_sync.store.lanes import lane_key
from pms_sync.store.sealing import KeyRing

Remote = Revision | Block


class Held(msgspec.Struct, frozen=True, gc=False):
    """What a link says of a vendor's object without opening it, in the order in which it is selected."""

    vendor_ref: str
    level: str
    digest: bytes | None
    version: str | None
    missing_reads: int
    read_ticket: int


_HELD = """
SELECT DISTINCT ON (vendor_ref) vendor_ref, level, remote_digest AS digest, remote_version AS version, missing_reads,
       read_ticket
  FROM links
 WHERE tenant_id = $1 AND account_id = $2 AND level IN ('stay', 'block') AND vendor_ref = ANY($3::text[])
 ORDER BY vendor_ref, read_ticket DESC
"""


async def held(connection: Connection, account: Account, refs: Sequence[str]) -> dict[str, Held]:
    """Return what we hold of these refs, as the link that was read last says (inside a transaction of the tenant)."""
    rows = await connection.fetch(_HELD, account.tenant_id, account.account_id, list(refs))
    return {row["vendor_ref"]: Held(*row) for row in rows}


async def remotes(
    connection: Connection, keys: KeyRing, account: Account, chosen: Sequence[Held]
) -> Mapping[str, Remote]:
    """Open the vendor's state as last seen of these links, by ref; one that was never read has none."""
    rows = await connection.fetch(
        "SELECT level, vendor_ref, remote FROM links WHERE tenant_id = $1 AND account_id = $2 "
        "AND level IN ('stay', 'block') AND vendor_ref = ANY($3::text[]) AND remote IS NOT NULL",
        account.tenant_id,
        account.account_id,
        [one.vendor_ref for one in chosen],
    )
    wanted = {(one.level, one.vendor_ref) for one in chosen}
    found = [(row["level"], row["vendor_ref"], row["remote"]) for row in rows]
    return {ref: _opened(keys, account, level, ref, sealed) for level, ref, sealed in found if (level, ref) in wanted}


def _opened(keys: KeyRing, account: Account, level: str, ref: str, sealed: bytes) -> Remote:
    plain = keys.open(account.tenant_id, links.place(account.account_id, level, ref), sealed)
    kind: type[Remote] = Block if level == "block" else Revision
    return msgspec.msgpack.decode(plain, type=kind)


# A further stay of a record that holds several is the object of no link: it belongs to those of its reservation.
# The account is asked for outside of the look-up, or the planner reads all links of the account for each stay.
_LIVE_STAYS = """
WITH live AS MATERIALIZED (
    SELECT s.reservation_id, s.stay_id FROM room_stays s
     WHERE s.tenant_id = $1 AND s.status IN ('hold', 'confirmed', 'checked_in') AND s.departure >= $3
)
SELECT DISTINCT l.vendor_ref, l.level, l.remote_digest AS digest, l.remote_version AS version, l.missing_reads,
       l.read_ticket
  FROM live s
 CROSS JOIN LATERAL (
       SELECT i.*, bool_or(i.object_id = s.stay_id) OVER () AS has_own
         FROM (SELECT * FROM links WHERE tenant_id = $1 AND reservation_id = s.reservation_id OFFSET 0) AS i
        WHERE i.account_id = $2 AND i.level = 'stay') AS l
 WHERE l.remote_digest IS NOT NULL AND (l.object_id = s.stay_id OR NOT l.has_own)
"""
_LIVE_BLOCKS = """
SELECT l.vendor_ref, l.level, l.remote_digest AS digest, l.remote_version AS version, l.missing_reads, l.read_ticket
  FROM links l
 CROSS JOIN LATERAL (SELECT FROM blocks b WHERE b.tenant_id = $1 AND b.block_id = l.object_id AND NOT b.gone
                        AND b.departure >= $3 OFFSET 0) AS b
 CROSS JOIN LATERAL (SELECT FROM raw_records r WHERE r.raw_id = l.raw_id AND r.stream = $4 OFFSET 0) AS r
 WHERE l.tenant_id = $1 AND l.account_id = $2 AND l.level = 'block'
"""


async def live(connection: Connection, account: Account, today: date) -> dict[str, Held]:
    """Return the links of the account's stays that are still to come or in the house, by ref (inside a transaction)."""
    rows = await connection.fetch(_LIVE_STAYS, account.tenant_id, account.account_id, today)
    return {row["vendor_ref"]: Held(*row) for row in rows}


async def live_blocks(connection: Connection, account: Account, today: date, stream: str) -> dict[str, Held]:
    """Return the links of the account's blocks that have not ended, of those that came by this stream."""
    rows = await connection.fetch(_LIVE_BLOCKS, account.tenant_id, account.account_id, today, stream)
    return {row["vendor_ref"]: Held(*row) for row in rows}


async def waiting(connection: Connection, account_id: UUID, stream: str, refs: Sequence[str]) -> int:
    """Count the unfinished events of these objects."""
    count: int = await connection.fetchval(
        "SELECT count(*) FROM events WHERE lane_key = ANY($1::text[]) AND state IN ('waiting', 'leased')",
        [lane_key(account_id, stream, ref) for ref in refs],
    )
    return count


async def parked(connection: Connection, account_id: UUID, stream: str) -> set[str]:
    """Return the refs of which a row is parked."""
    rows = await connection.fetch(
        "SELECT DISTINCT ref FROM events WHERE account_id = $1 AND state = 'parked' AND stream = $2", account_id, stream
    )
    return {row["ref"] for row in rows}


class Unfinished(msgspec.Struct, frozen=True, kw_only=True):
    """What of an account has not come to its end: rows parked, rows waiting since before an instant, pushes."""

    parked: int
    waiting: int
    outbox: int

    @property
    def nothing(self) -> bool:
        """Tell whether nothing is."""
        return not (self.parked or self.waiting or self.outbox)


_UNFINISHED = """
SELECT (SELECT count(*) FROM events WHERE account_id = $2 AND state = 'parked')
       + (SELECT count(*) FROM deliveries WHERE account_id = $2 AND state = 'parked') AS parked,
       (SELECT count(*) FROM events WHERE account_id = $2 AND state IN ('waiting', 'leased') AND received_at <= $3)
       + (SELECT count(*) FROM deliveries WHERE account_id = $2 AND state = 'waiting' AND received_at <= $3) AS waiting,
       (SELECT count(*) FROM intents WHERE tenant_id = $1 AND account_id = $2 AND created_at <= $3
           AND state IN ('planned', 'sent', 'acknowledged', 'unknown', 'parked')) AS outbox
"""


async def unfinished(connection: Connection, account: Account, since_before: datetime) -> Unfinished:
    """Count what was under way before an instant of the database's clock and still is; parked rows of any age."""
    row = await connection.fetchrow(_UNFINISHED, account.tenant_id, account.account_id, since_before)
    return Unfinished(**row)


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What comparing one stream over a range came to."""

    stream: str
    as_of: datetime
    range_from: datetime
    range_to: datetime
    compared: int
    differed: int
    healed: int
    equal: bool


_PROVE = """
INSERT INTO proofs (tenant_id, account_id, stream, as_of, range_from, range_to, compared, differed, healed, equal)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING
"""


async def prove(connection: Connection, account: Account, proof: Proof) -> None:
    """Store what a comparison came to."""
    await connection.execute(_PROVE, account.tenant_id, account.account_id, *msgspec.structs.astuple(proof))


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """When an account's stream was last compared, and last proven equal; None: never."""

    account_id: UUID
    stream: str
    compared_at: datetime | None
    proven_at: datetime | None


# An account whose history is not here yet would be nothing but missing.
_STANDING = """
SELECT a.account_id, c.stream, p.compared_at, p.proven_at
  FROM accounts a
  JOIN cursors c ON c.tenant_id = a.tenant_id AND c.account_id = a.account_id
 CROSS JOIN LATERAL (SELECT max(as_of) AS compared_at, max(as_of) FILTER (WHERE equal) AS proven_at FROM proofs p
                      WHERE p.tenant_id = a.tenant_id AND p.account_id = a.account_id AND p.stream = c.stream) AS p
 WHERE a.state = 'active' AND c.last_success_at IS NOT NULL AND a.created_at < now() - $1 * interval '1 second'
 ORDER BY p.proven_at NULLS FIRST, p.compared_at NULLS FIRST, a.account_id, c.stream
"""


async def standing(connection: Connection, settled_for_s: float) -> list[Standing]:
    """Return the streams of active accounts that are read and at least so old, the longest unproven first."""
    return [Standing(**row) for row in await connection.fetch(_STANDING, settled_for_s)]


async def followed(connection: Connection, account_id: UUID) -> set[str]:
    """Return the streams of an account that were read to their end at least once, by a poll or a backfill."""
    rows = await connection.fetch(
        "SELECT stream FROM cursors WHERE account_id = $1 AND last_success_at IS NOT NULL "
        "UNION SELECT stream FROM sweeps WHERE account_id = $1 AND state = 'done'",
        account_id,
    )
    return {row["stream"] for row in rows}


async def prune(connection: Connection, days: int, limit: int) -> int:
    """Forget comparisons and closed differences of so many days ago; what is open stays."""
    told = await connection.execute(
        "DELETE FROM proofs WHERE ctid = ANY(ARRAY(SELECT ctid FROM proofs "
        "WHERE finished_at < now() - make_interval(days => $1) LIMIT $2))",
        days,
        limit,
    )
    more = await connection.execute(
        "DELETE FROM drift WHERE ctid = ANY(ARRAY(SELECT ctid FROM drift "
        "WHERE last_seen_at < now() - make_interval(days => $1) AND healed_at IS NOT NULL LIMIT $2))",
        days,
        limit,
    )
    return int(told.rpartition(" ")[2]) + int(more.rpartition(" ")[2])
