"""Idempotency keys: a request that may come twice has one effect and one answer (in a transaction of the tenant).

A key is first claimed under a lease and committed, so that a second request sees the first one at work. The answer is
written in the transaction of the effect: there is never one without the other. Whose lease has run out and holds no
answer had no effect, and is nobody any more; should it still be alive, it finds its claim gone and must roll back.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

import msgspec

from pms_sync.store.database import Connection
from pms_sync.store.sealing import KeyRing


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """One try at one request: whose key it is, what is asked, and the id of the try."""

    tenant_id: UUID
    user_id: UUID
    key: str
    fingerprint: bytes
    owner: UUID


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer as it went over the wire."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What stands under a key already; `answer` None: it is still being worked out."""

    is_same_request: bool
    answer: Answer | None


_CLAIM = """
INSERT INTO idempotency_keys AS k (tenant_id, user_id, key, fingerprint, owner, lease_until, expires_at)
VALUES ($1, $2, $3, $4, $5, $7, $8)
ON CONFLICT (tenant_id, user_id, key) DO UPDATE
   SET fingerprint = excluded.fingerprint, owner = excluded.owner, lease_until = excluded.lease_until,
       expires_at = excluded.expires_at, status = NULL, headers = NULL, body = NULL
 WHERE k.expires_at <= $6 OR (k.status IS NULL AND k.lease_until <= $6)
"""
_HELD = """
SELECT fingerprint, status, headers, body FROM idempotency_keys WHERE tenant_id = $1 AND user_id = $2 AND key = $3
"""
_FINISH = """
UPDATE idempotency_keys SET status = $5, headers = $6, body = $7
 WHERE tenant_id = $1 AND user_id = $2 AND key = $3 AND owner = $4 AND status IS NULL
"""
_RELEASE = """
DELETE FROM idempotency_keys
 WHERE tenant_id = $1 AND user_id = $2 AND key = $3 AND owner = $4 AND status IS NULL
"""


async def claim(
    connection: Connection, keys: KeyRing, one: Claim, *, now: datetime, lease_until: datetime, expires_at: datetime
) -> Held | None:
    """Take the key for this try (None), or return what stands under it."""
    taken = await connection.execute(
        _CLAIM, one.tenant_id, one.user_id, one.key, one.fingerprint, one.owner, now, lease_until, expires_at
    )
    if taken != "INSERT 0 0":
        return None
    row = await connection.fetchrow(_HELD, one.tenant_id, one.user_id, one.key)
    if row is None:  # let go between the two statements: whoever asks again finds it free
        return Held(is_same_request=True, answer=None)
    answer = None
    if row["status"] is not None:
        body = keys.open(one.tenant_id, _place(one), row["body"])
        answer = Answer(status=row["status"], headers=row["headers"], body=body)
    return Held(is_same_request=row["fingerprint"] == one.fingerprint, answer=answer)


async def finish(connection: Connection, keys: KeyRing, one: Claim, answer: Answer) -> bool:
    """Keep the answer of a try; False when the claim is gone, and then nothing of the try may be committed."""
    told = await connection.execute(
        _FINISH,
        one.tenant_id,
        one.user_id,
        one.key,
        one.owner,
        answer.status,
        dict(answer.headers),
        keys.seal(one.tenant_id, _place(one), answer.body),
    )
    return bool(told == "UPDATE 1")


async def release(connection: Connection, one: Claim) -> None:
    """Free the key of a try that came to nothing."""
    await connection.execute(_RELEASE, one.tenant_id, one.user_id, one.key, one.owner)


_PRUNE = """
DELETE FROM idempotency_keys WHERE (tenant_id, user_id, key) IN (
    SELECT tenant_id, user_id, key FROM idempotency_keys WHERE expires_at <= now() LIMIT $1)
"""


async def prune(connection: Connection, limit: int) -> int:
    """Delete what has run out, a bounded number at once; returns how many (worker role)."""
    told = await connection.execute(_PRUNE, limit)
    return int(told.rpartition(" ")[2])


def _place(one: Claim) -> str:
    return f"idempotency_keys.body:{one.user_id}:{one.key}"
