"""Links: our object and a vendor's, with the vendor's state as last seen, as last agreed, and ours.

`base` NULL means that it equals `remote`: what was taken from the vendor is agreed at once. `ours` NULL means that our
state is what the link last saw. A link with a home has none of its own: another account shows the same booking, and our
state stands there. What was made at our desk stands on a link of no account (DESK) until a vendor has it, whose link
then is its home.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import msgspec

from pms_sync.store.bulk import Bulk
from pms_sync.store.database import Connection


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """What a link knows without opening its trees; `claim_state` is that of the linked stay or block."""

    account_id: UUID
    level: str
    vendor_ref: str
    object_id: UUID
    reservation_id: UUID | None
    group_ref: str | None
    channel_key: str | None
    remote_version: str | None
    remote_digest: bytes | None
    raw_id: int | None
    read_ticket: int
    missing_reads: int
    version_doubt: str | None
    refused_ticket: int | None


# LATERAL with OFFSET 0 here and in the other rooms of the store: one index probe a wanted row, whatever the planner
# believes of tables that were never analysed; a plain join of a fresh table reads the whole tenant for every batch.
_LOAD = """
SELECT l.account_id, l.level, l.vendor_ref, l.object_id, l.reservation_id, l.group_ref, l.channel_key,
       l.remote_version, l.remote_digest, l.raw_id, l.read_ticket, l.missing_reads, l.version_doubt, l.refused_ticket
  FROM unnest($2::uuid[], $3::text[]) AS w(account_id, ref)
 CROSS JOIN (VALUES ('stay'), ('block')) AS v(level)
 CROSS JOIN LATERAL (
       SELECT l.*, CASE l.level
              WHEN 'stay' THEN (SELECT max(refused_ticket) FROM room_stays s
                                 WHERE s.tenant_id = $1 AND s.reservation_id = l.reservation_id
                                   AND s.account_id = l.account_id AND s.object_ref = l.vendor_ref)
              ELSE (SELECT refused_ticket FROM blocks b WHERE b.tenant_id = $1 AND b.block_id = l.object_id)
              END AS refused_ticket
         FROM links l
        WHERE l.tenant_id = $1 AND l.account_id = w.account_id AND l.level = v.level AND l.vendor_ref = w.ref
       OFFSET 0) AS l
"""
# The rows by their place, found the same way: joining them by key again would compare each with each.
_PLACED = """
(SELECT l.place, w.value
   FROM json_to_recordset($2::json) AS w(account_id uuid, ref text, value {kind})
  CROSS JOIN (VALUES ('stay'), ('block')) AS v(level)
  CROSS JOIN LATERAL (SELECT ctid AS place FROM links l WHERE l.tenant_id = $1 AND l.account_id = w.account_id
                         AND l.level = v.level AND l.vendor_ref = w.ref OFFSET 0) AS l) AS p
"""
_DOUBT = f"""
UPDATE links l SET version_doubt = p.value FROM {_PLACED.format(kind="text")} WHERE l.ctid = p.place
"""  # noqa: S608 - a constant of this module
_TOUCH = f"""
UPDATE links l SET read_ticket = greatest(read_ticket, p.value), missing_reads = 0, seen_at = now()
  FROM {_PLACED.format(kind="bigint")} WHERE l.ctid = p.place
"""  # noqa: S608 - a constant of this module

_REMEMBER = """
UPDATE links l SET base = w.base, ours = w.ours, reservation_id = w.r, home_account_id = w.ha, home_ref = w.hr,
       object_id = CASE WHEN w.hr IS NULL THEN l.object_id ELSE w.s END
  FROM ROWS FROM (json_to_recordset($2::json) AS (account_id uuid, ref text, s uuid, r uuid, ha uuid, hr text),
                  unnest($3::bytea[]), unnest($4::bytea[])) AS w(account_id, ref, s, r, ha, hr, base, ours)
 WHERE l.tenant_id = $1 AND l.account_id = w.account_id AND l.level = 'stay' AND l.vendor_ref = w.ref
"""


async def load(
    connection: Connection, tenant_id: UUID, account_ids: Sequence[UUID], refs: Sequence[str]
) -> dict[tuple[UUID, str, str], Link]:
    """Return the stay and block links of these vendor objects, by (account, level, ref)."""
    rows = await connection.fetch(_LOAD, tenant_id, list(account_ids), list(refs))
    return {(row["account_id"], row["level"], row["vendor_ref"]): Link(**row) for row in rows}


DESK = UUID(int=0)


class Tree(msgspec.Struct, frozen=True):
    """The sealed trees of one link of a reservation."""

    reservation_id: UUID
    account_id: UUID
    vendor_ref: str
    stay_id: UUID
    remote: bytes | None
    base: bytes | None
    ours: bytes | None
    home_account_id: UUID | None
    home_ref: str | None


async def load_trees(connection: Connection, tenant_id: UUID, reservation_ids: Sequence[UUID]) -> list[Tree]:
    """Return the trees of every stay link of these reservations, still sealed."""
    rows = await connection.fetch(
        "SELECT reservation_id, account_id, vendor_ref, object_id AS stay_id, remote, base, ours, home_account_id, "
        "home_ref FROM links WHERE tenant_id = $1 AND reservation_id = ANY($2::uuid[]) AND level = 'stay' "
        "AND (account_id <> $3 OR home_account_id IS NULL)",
        tenant_id,
        list(reservation_ids),
        DESK,
    )
    return [Tree(**row) for row in rows]


def place(account_id: UUID, level: str, vendor_ref: str, tree: str = "remote") -> str:
    """Return the place a tree (`remote`, `base` or `ours`) is sealed for."""
    return f"links.{tree}:{account_id}:{level}:{vendor_ref}"


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """What a link remembers beside the vendor's state; sealed."""

    account_id: UUID
    vendor_ref: str
    stay_id: UUID
    reservation_id: UUID
    base: bytes | None
    ours: bytes | None
    home_account_id: UUID | None = None
    home_ref: str | None = None


async def remember(connection: Connection, tenant_id: UUID, standing: Sequence[Standing]) -> None:
    """Write what these stay links remember; one that has its home elsewhere is linked to a stay of that."""
    if standing:
        told = [
            {
                "account_id": one.account_id,
                "ref": one.vendor_ref,
                "s": one.stay_id,
                "r": one.reservation_id,
                "ha": one.home_account_id,
                "hr": one.home_ref,
            }
            for one in standing
        ]
        bases, ours = [one.base for one in standing], [one.ours for one in standing]
        await connection.execute(_REMEMBER, tenant_id, told, bases, ours)


async def blocks(connection: Connection, tenant_id: UUID, account_id: UUID, refs: Sequence[str]) -> dict[str, bytes]:
    """Return the vendor's state of these blocks as last seen, still sealed, by ref; of bookings nothing."""
    rows = await connection.fetch(
        "SELECT vendor_ref, remote FROM links WHERE tenant_id = $1 AND account_id = $2 AND level = 'block' "
        "AND vendor_ref = ANY($3::text[]) AND remote IS NOT NULL AND NOT EXISTS (SELECT FROM links s "
        "WHERE s.tenant_id = $1 AND s.account_id = $2 AND s.level = 'stay' AND s.vendor_ref = links.vendor_ref)",
        tenant_id,
        account_id,
        list(refs),
    )
    return {row["vendor_ref"]: row["remote"] for row in rows}


async def home_of(connection: Connection, tenant_id: UUID, object_id: UUID) -> UUID | None:
    """Return the reservation of a linked stay, None where no link is of it."""
    found: UUID | None = await connection.fetchval(
        "SELECT l.reservation_id FROM room_stays s JOIN links l ON l.tenant_id = $1 "
        "AND l.reservation_id = s.reservation_id AND l.object_id = s.stay_id AND l.level = 'stay' "
        "WHERE s.tenant_id = $1 AND s.stay_id = $2 LIMIT 1",
        tenant_id,
        object_id,
    )
    return found


async def pend(connection: Connection, tenant_id: UUID, sent: Sequence[tuple[str, bytes]]) -> None:
    """Keep on the desk's own links what was sent of them, sealed: what is agreed once a vendor has it."""
    for ref, remote in sent:
        await connection.execute(
            "UPDATE links SET remote = $4 WHERE tenant_id = $1 AND account_id = $2 AND level = 'stay' "
            "AND vendor_ref = $3",
            tenant_id,
            DESK,
            ref,
            remote,
        )


LINKS = Bulk.of(
    "links",
    ("account_id", "level", "vendor_ref"),
    {
        "account_id": "uuid",
        "level": "text",
        "vendor_ref": "text",
        "object_id": "uuid",
        "reservation_id": "uuid",
        "group_ref": "text",
        "channel_key": "text",
        "remote_version": "text",
        "raw_id": "bigint",
        "read_ticket": "bigint",
        "crosswalk_version": "integer",
        "missing_reads": "smallint",
        "version_doubt": "text",
        "remote": "bytea",
        "remote_digest": "bytea",
    },
)


async def doubt(connection: Connection, tenant_id: UUID, doubts: Sequence[tuple[UUID, str, str | None]]) -> None:
    """Remember for each (account, stay ref) the lower version seen, to be believed when a direct read repeats it."""
    if doubts:
        await connection.execute(_DOUBT, tenant_id, _told(doubts))


async def count_missing(connection: Connection, tenant_id: UUID, account_id: UUID, refs: Sequence[str]) -> list[Link]:
    """Count one more read without the object for each ref, and return the links as they are now."""
    rows = await connection.fetch(
        "UPDATE links SET missing_reads = missing_reads + 1 WHERE tenant_id = $1 AND account_id = $2 "
        "AND vendor_ref = ANY($3::text[]) AND level IN ('stay', 'block') RETURNING account_id, level, vendor_ref, "
        "object_id, reservation_id, group_ref, channel_key, remote_version, remote_digest, raw_id, read_ticket, "
        "missing_reads, version_doubt, NULL::bigint AS refused_ticket",
        tenant_id,
        account_id,
        list(refs),
    )
    return [Link(**row) for row in rows]


_ELSEWHERE = """
SELECT DISTINCT l.account_id, l.vendor_ref
  FROM accounts mine
  JOIN accounts other ON other.tenant_id = mine.tenant_id AND other.vendor = mine.vendor
                     AND other.account_id <> mine.account_id AND other.door_id IS NOT DISTINCT FROM mine.door_id
 CROSS JOIN json_to_recordset($3::json) AS w(ref text, value bigint)
 CROSS JOIN (VALUES ('stay'), ('block')) AS v(level)
 CROSS JOIN LATERAL (
       SELECT l.account_id, l.vendor_ref FROM links l
        WHERE l.tenant_id = $1 AND l.account_id = other.account_id AND l.level = v.level AND l.vendor_ref = w.ref
          AND l.read_ticket < w.value AND l.missing_reads < $4
       OFFSET 0) AS l
 WHERE mine.tenant_id = $1 AND mine.account_id = $2
"""


async def held_elsewhere(
    connection: Connection, tenant_id: UUID, reads: Sequence[tuple[UUID, str, int]], proven: int
) -> list[tuple[UUID, str]]:
    """Return (account, ref) of links that other accounts of the same vendor login hold to objects of one account.

    Only those that were read before the ticket at hand, and were missed less than `proven` times since.
    """
    if not reads:
        return []
    rows = await connection.fetch(_ELSEWHERE, tenant_id, reads[0][0], _told(reads), proven)
    return [(row["account_id"], row["vendor_ref"]) for row in rows]


async def touch(connection: Connection, tenant_id: UUID, reads: Sequence[tuple[UUID, str, int]]) -> None:
    """Remember that these objects were read again by ticket and found unchanged."""
    if reads:
        await connection.execute(_TOUCH, tenant_id, _told(reads))


def _told(values: Sequence[tuple[UUID, str, object]]) -> list[dict[str, object]]:
    return [{"account_id": account_id, "ref": ref, "value": value} for account_id, ref, value in values]
