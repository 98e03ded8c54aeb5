"""Proofs: sessions of pages and tokens of the API, found by a keyed digest of what the browser or client holds.

Every look-up joins the person as they are now, so a disabled one, or a role taken away, counts from the next request
on. Worker role: the tenant is known only afterwards.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from pms_sync.store.database import Connection

Kind = Literal["access", "refresh"]


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a proof belongs to."""

    tenant_id: UUID
    user_id: UUID
    email: str
    name: str | None
    role: str


class NewSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session to be opened."""

    tenant_id: UUID
    user_id: UUID
    session_id: UUID
    token_digest: bytes
    csrf_secret: bytes
    ip_digest: bytes
    created_at: datetime
    expires_at: datetime


class StoredSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session that is alive."""

    holder: Holder
    session_id: UUID
    csrf_secret: bytes
    last_seen_at: datetime
    expires_at: datetime


class NewToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token to be kept; all tokens of one sign-in share `family_id` and `signed_in_at`."""

    tenant_id: UUID
    user_id: UUID
    family_id: UUID
    kind: Kind
    token_digest: bytes
    signed_in_at: datetime
    expires_at: datetime


class StoredToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token that was found, with what rotation must know."""

    holder: Holder
    family_id: UUID
    signed_in_at: datetime


_HOLDER = "u.tenant_id, u.user_id, u.email, u.name, u.role"

_OPEN = """
INSERT INTO sessions
       (tenant_id, user_id, session_id, token_digest, csrf_secret, ip_digest, created_at, last_seen_at, expires_at)
SELECT u.tenant_id, u.user_id, $3, $4, $5, $6, $7, $7, $8
  FROM users u WHERE u.tenant_id = $1 AND u.user_id = $2 AND u.disabled_at IS NULL
"""


async def open_session(connection: Connection, new: NewSession) -> bool:
    """Open the session; returns False when the person was disabled meanwhile."""
    told = await connection.execute(_OPEN, *msgspec.structs.astuple(new))
    return bool(told == "INSERT 0 1")


_SESSION = f"""
SELECT {_HOLDER}, s.session_id, s.csrf_secret, s.last_seen_at, s.expires_at
  FROM sessions s JOIN users u ON u.tenant_id = s.tenant_id AND u.user_id = s.user_id
 WHERE s.token_digest = $1 AND s.expires_at > $2 AND s.last_seen_at > $3 AND u.disabled_at IS NULL
"""  # noqa: S608 - names of columns


async def session(
    connection: Connection, token_digest: bytes, now: datetime, seen_after: datetime
) -> StoredSession | None:
    """Return the session of a token, None once it ended, was not used since `seen_after`, or its person may not."""
    row = await connection.fetchrow(_SESSION, token_digest, now, seen_after)
    if row is None:
        return None
    return StoredSession(
        holder=_holder(row),
        session_id=row["session_id"],
        csrf_secret=row["csrf_secret"],
        last_seen_at=row["last_seen_at"],
        expires_at=row["expires_at"],
    )


async def touch(connection: Connection, found: StoredSession, now: datetime) -> None:
    """Remember that the session was used; time never runs back."""
    await connection.execute(
        "UPDATE sessions SET last_seen_at = $3 WHERE tenant_id = $1 AND session_id = $2 AND last_seen_at < $3",
        found.holder.tenant_id,
        found.session_id,
        now,
    )


async def replace_token(connection: Connection, old_digest: bytes, new_digest: bytes, now: datetime) -> bool:
    """Let another token stand for the session; returns False when it is not alive."""
    told = await connection.execute(
        "UPDATE sessions SET token_digest = $2 WHERE token_digest = $1 AND expires_at > $3", old_digest, new_digest, now
    )
    return bool(told == "UPDATE 1")


_END = f"""
DELETE FROM sessions s USING users u
 WHERE s.token_digest = $1 AND u.tenant_id = s.tenant_id AND u.user_id = s.user_id RETURNING {_HOLDER}
"""  # noqa: S608 - names of columns


async def end_session(connection: Connection, token_digest: bytes) -> Holder | None:
    """End the session of a token; returns whose it was."""
    row = await connection.fetchrow(_END, token_digest)
    return None if row is None else _holder(row)


_KEEP = """
INSERT INTO api_tokens (tenant_id, user_id, family_id, kind, token_digest, signed_in_at, expires_at)
SELECT u.tenant_id, u.user_id, n.family_id, n.kind, n.token_digest, n.signed_in_at, n.expires_at
  FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::bytea[], $6::timestamptz[], $7::timestamptz[])
       AS n(tenant_id, user_id, family_id, kind, token_digest, signed_in_at, expires_at)
  JOIN users u ON u.tenant_id = n.tenant_id AND u.user_id = n.user_id AND u.disabled_at IS NULL
"""


async def keep_tokens(connection: Connection, new: list[NewToken]) -> bool:
    """Keep tokens of one person; returns False when they were disabled meanwhile."""
    columns: list[Any] = [list(column) for column in zip(*map(msgspec.structs.astuple, new), strict=True)]
    told = await connection.execute(_KEEP, *columns)
    return bool(told == f"INSERT 0 {len(new)}")


_TOKEN = f"""
SELECT {_HOLDER}, k.family_id, k.signed_in_at
  FROM api_tokens k JOIN users u ON u.tenant_id = k.tenant_id AND u.user_id = k.user_id
 WHERE k.token_digest = $1 AND k.kind = $2 AND k.expires_at > $3 AND u.disabled_at IS NULL
"""  # noqa: S608 - names of columns


async def token(connection: Connection, token_digest: bytes, kind: Kind, now: datetime) -> StoredToken | None:
    """Return a token that has not ended, whether used or not."""
    row = await connection.fetchrow(_TOKEN, token_digest, kind, now)
    if row is None:
        return None
    return StoredToken(holder=_holder(row), family_id=row["family_id"], signed_in_at=row["signed_in_at"])


async def use_refresh(connection: Connection, token_digest: bytes, now: datetime) -> bool:
    """Use a refresh token; True for the first of all who try."""
    told = await connection.execute(
        "UPDATE api_tokens SET used_at = $2 WHERE token_digest = $1 AND kind = 'refresh' AND used_at IS NULL",
        token_digest,
        now,
    )
    return bool(told == "UPDATE 1")


async def end_family(connection: Connection, tenant_id: UUID, family_id: UUID) -> None:
    """End every token of one sign-in."""
    await connection.execute("DELETE FROM api_tokens WHERE tenant_id = $1 AND family_id = $2", tenant_id, family_id)


_ENDED_SESSIONS = """
DELETE FROM sessions WHERE token_digest = ANY(ARRAY(
    SELECT token_digest FROM sessions WHERE expires_at <= $1 LIMIT $2))
"""
_ENDED_TOKENS = """
DELETE FROM api_tokens WHERE token_digest = ANY(ARRAY(
    SELECT token_digest FROM api_tokens WHERE expires_at <= $1 LIMIT $2))
"""


async def prune(connection: Connection, now: datetime, limit: int = 10_000) -> int:
    """Delete what has ended, a bounded number at once; returns how many."""
    told = [await connection.execute(statement, now, limit) for statement in (_ENDED_SESSIONS, _ENDED_TOKENS)]
    return sum(int(one.rpartition(" ")[2]) for one in told)


def _holder(row: Any) -> Holder:  # noqa: ANN401 - a row with the columns of _HOLDER
    return Holder(**{name: row[name] for name in Holder.__struct_fields__})
