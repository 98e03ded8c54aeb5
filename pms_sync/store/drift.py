"""Drift: the objects that differed between us and a vendor, when first, and when they no longer did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pms_sync.store.accounts import Account
from pms_sync.store.database import Connection

_NOTE = """
INSERT INTO drift (tenant_id, account_id, stream, ref, class)
SELECT $1, $2, $3, u.ref, u.class FROM unnest($4::text[], $5::text[]) AS u(ref, class)
ON CONFLICT (tenant_id, account_id, stream, ref) WHERE healed_at IS NULL
DO UPDATE SET class = excluded.class, last_seen_at = now()
"""
_HEALED = """
UPDATE drift SET healed_at = now()
 WHERE tenant_id = $1 AND account_id = $2 AND stream = $3 AND ref = ANY($4::text[]) AND healed_at IS NULL
"""


async def note(connection: Connection, account: Account, stream: str, found: Mapping[str, str]) -> None:
    """Remember that these objects differ, {ref: class}; one that differed before keeps when it was first seen."""
    if found:
        refs = sorted(found)
        key = (account.tenant_id, account.account_id, stream)
        await connection.execute(_NOTE, *key, refs, [found[ref] for ref in refs])


async def healed(connection: Connection, account: Account, stream: str, refs: Sequence[str]) -> None:
    """Remember that these objects no longer differ."""
    if refs:
        await connection.execute(_HEALED, account.tenant_id, account.account_id, stream, list(refs))


async def standing(connection: Connection, account: Account, stream: str) -> dict[str, str]:
    """Return what differed when last looked at, {ref: class}."""
    rows = await connection.fetch(
        "SELECT ref, class FROM drift WHERE tenant_id = $1 AND account_id = $2 AND stream = $3 AND healed_at IS NULL",
        account.tenant_id,
        account.account_id,
        stream,
    )
    return {row["ref"]: row["class"] for row in rows}
