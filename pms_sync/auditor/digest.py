"""The digest of what the store says about business, to tell whether a replay or a crash changed anything (I13)."""

from __future__ import annotations

import hashlib

import msgspec

from pms_sync.auditor.store import READER, Connection, snapshot

# `ids` are left out of a portable digest; times at which the store wrote are never part of one.
_CONTENT = {
    "reservations": """
        SELECT to_jsonb(r) - 'version' - 'id' - 'tenant_id' - 'links' AS content,
               jsonb_build_object('id', id, 'tenant', tenant_id, 'version', version, 'links', links) AS ids,
               (SELECT jsonb_agg(l->>'vendor' || ' ' || (l->>'ref') ORDER BY l->>'vendor', l->>'ref')
                  FROM jsonb_array_elements(r.links) l) AS home
          FROM pms_public.reservations r
    """,
    "room_stays": """
        SELECT to_jsonb(s) - 'id' - 'reservation_id' - 'tenant_id' - 'account_id' AS content,
               jsonb_build_object('id', id, 'of', reservation_id, 'account', account_id) AS ids, {home} AS home
          FROM pms_public.room_stays s
    """,
    "guests": """
        SELECT to_jsonb(s) - 'id' - 'reservation_id' - 'tenant_id' AS content,
               jsonb_build_object('id', id, 'of', reservation_id) AS ids, {home} AS home
          FROM pms_public.guests s
    """,
    "folio_lines": """
        SELECT to_jsonb(s) - 'id' - 'reservation_id' - 'tenant_id' - 'reverses_id' - 'posted_at'
               || jsonb_build_object('reverses', reverses_id IS NOT NULL) AS content,
               jsonb_build_object('id', id, 'of', reservation_id, 'reverses', reverses_id) AS ids, {home} AS home
          FROM pms_public.folio_lines s
    """,
    "blocks": """
        SELECT to_jsonb(s) - 'id' - 'tenant_id' - 'account_id' AS content,
               jsonb_build_object('id', id, 'account', account_id) AS ids, NULL::jsonb AS home
          FROM pms_public.blocks s
    """,
    "inventory": """
        SELECT to_jsonb(s) - 'tenant_id' AS content, jsonb_build_object('tenant', tenant_id) AS ids,
               NULL::jsonb AS home
          FROM pms_public.inventory s WHERE booked <> 0 OR out_of_order <> 0
    """,
}
# The vendors' refs name the reservation a row belongs to in every run alike.
_HOME = """
(SELECT jsonb_agg(l->>'vendor' || ' ' || (l->>'ref') ORDER BY l->>'vendor', l->>'ref')
   FROM pms_public.reservations r, jsonb_array_elements(r.links) l
  WHERE r.tenant_id = s.tenant_id AND r.id = s.reservation_id)
"""
# Sealed content by its keyed digest: who the guests are, and what the notes say.
_SEALED = """
SELECT jsonb_build_object('id', guest_id, 'digest', encode(contact_digest, 'hex')) AS content FROM guests
UNION ALL
SELECT jsonb_build_object('id', reservation_id, 'digest', encode(private_digest, 'hex')) FROM reservations
"""


async def store_hash(dsn: str, *, portable: bool = False) -> str:
    """Return a hexadecimal digest of reservations, stays, nights, guests, bills, blocks and counters.

    Replaying or backfilling a second time must not change it. A `portable` one can be compared between databases: it
    leaves out ids and our own version, which every run numbers anew, and sealed content, which every tenant keys anew.
    Raises Unavailable when the database is away.
    """
    digest = hashlib.sha256()
    async with snapshot(dsn) as connection:
        sealed = [] if portable else await _texts(connection, _SEALED, ["content"])
        await connection.execute(f"SET LOCAL ROLE {READER}")
        columns = ["content", "home"] if portable else ["content", "home", "ids"]
        for name, query in _CONTENT.items():
            _take_in(digest, name, await _texts(connection, query.replace("{home}", _HOME), columns))
    _take_in(digest, "sealed", sealed)
    return digest.hexdigest()


async def _texts(connection: Connection, query: str, columns: list[str]) -> list[bytes]:
    """Return the rows as canonical JSON, sorted, so that the order of writing does not matter."""
    rows = await connection.fetch(query)
    return sorted(msgspec.json.encode([row[name] for name in columns], order="sorted") for row in rows)


def _take_in(digest: hashlib._Hash, name: str, texts: list[bytes]) -> None:
    digest.update(f"{name} {len(texts)}\n".encode())
    for text in texts:
        digest.update(text + b"\n")
