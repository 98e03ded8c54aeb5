"""Accounts: one vendor login for one property, with what the engine must know to talk to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from pms_sync.store.database import Connection
from pms_sync.store.sealing import KeyRing


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account joined with its property; credentials are not part of it.

    `mirror` says per kind of object what of ours is exported, `ownership` overrides the defaults of whose value stands,
    `roles` are those of all accounts of the property.
    """

    tenant_id: UUID
    account_id: UUID
    property_id: UUID
    property_code: str
    timezone: str
    currency: str
    vendor: str
    property_ref: str
    role: str
    mode: str
    state: str
    state_reason: str | None
    crosswalk_version: int
    catalogue_version: int
    login_digest: bytes | None
    has_credentials: bool
    door_id: UUID | None
    projected_version: int
    subscribed: bool
    subscription_note: str | None
    breaker: str
    mirror: Mapping[str, str] = {}
    ownership: Mapping[str, str] = {}
    roles: tuple[str, ...] = ()


_SELECT = """
SELECT a.tenant_id, a.account_id, a.property_id, p.code AS property_code, p.timezone, p.currency, a.vendor,
       a.property_ref, a.role, a.mode, a.state, a.state_reason, a.crosswalk_version, p.catalogue_version,
       a.login_digest, a.credentials IS NOT NULL AS has_credentials, a.door_id, a.projected_version,
       a.subscribed_at IS NOT NULL AS subscribed, a.subscription_note, a.breaker, a.mirror, a.ownership,
       (SELECT array_agg(DISTINCT o.role ORDER BY o.role) FROM accounts o
         WHERE o.tenant_id = a.tenant_id AND o.property_id = a.property_id) AS roles
  FROM accounts a JOIN properties p ON p.tenant_id = a.tenant_id AND p.property_id = a.property_id
"""


async def load(connection: Connection, account_ids: Sequence[UUID] | None = None) -> list[Account]:
    """Return these accounts, or all of them, of every tenant (worker role)."""
    where = "" if account_ids is None else "WHERE a.account_id = ANY($1::uuid[])"
    arguments = [] if account_ids is None else [list(account_ids)]
    rows = await connection.fetch(f"{_SELECT} {where} ORDER BY p.code, a.vendor, a.account_id", *arguments)
    return [Account(**{**row, "roles": tuple(row["roles"])}) for row in rows]


_DESK = """
SELECT p.tenant_id, p.property_id, p.code AS property_code, p.timezone, p.currency, p.catalogue_version
  FROM properties p WHERE p.tenant_id = $1 AND (p.property_id = $2 OR p.code = $3)
"""


async def desk(
    connection: Connection, tenant_id: UUID, *, property_id: UUID | None = None, code: str | None = None
) -> Account | None:
    """Return the property's own desk as an account that no vendor is behind, None where there is no such property."""
    row = await connection.fetchrow(_DESK, tenant_id, property_id, code)
    if row is None:
        return None
    return Account(
        **row,
        account_id=UUID(int=0),
        vendor="local",
        property_ref=row["property_code"],
        role="pms",
        mode="live",
        state="active",
        state_reason=None,
        crosswalk_version=0,
        login_digest=None,
        has_credentials=False,
        door_id=None,
        projected_version=0,
        subscribed=False,
        subscription_note=None,
        breaker="closed",
    )


async def of_property(connection: Connection, property_id: UUID) -> list[UUID]:
    """Return the ids of a property's accounts."""
    rows = await connection.fetch("SELECT account_id FROM accounts WHERE property_id = $1", property_id)
    return [row["account_id"] for row in rows]


async def credentials(connection: Connection, keys: KeyRing, account: Account) -> Mapping[str, str]:
    """Open the account's credentials, empty when none were given yet."""
    return await _open_json(connection, keys, account, "credentials")


async def tokens(connection: Connection, keys: KeyRing, account: Account) -> Mapping[str, str]:
    """Open the tokens the connector stored last."""
    return await _open_json(connection, keys, account, "tokens")


async def save_credentials(
    connection: Connection, keys: KeyRing, account: Account, values: Mapping[str, str], login_digest: bytes
) -> None:
    """Seal and store new credentials; tokens made from the old ones are forgotten."""
    await connection.execute(
        "UPDATE accounts SET credentials = $3, login_digest = $4, tokens = NULL, "
        "state = CASE state WHEN 'failed' THEN 'active' ELSE state END, state_reason = NULL "
        "WHERE tenant_id = $1 AND account_id = $2",
        account.tenant_id,
        account.account_id,
        _seal_json(keys, account, "credentials", values),
        login_digest,
    )


async def save_tokens(connection: Connection, keys: KeyRing, account: Account, values: Mapping[str, str]) -> None:
    """Seal and store tokens, for every account of the same login, before they are used."""
    rows = await connection.fetch(
        "SELECT tenant_id, account_id FROM accounts WHERE tenant_id = $1 AND vendor = $2 "
        "AND (account_id = $3 OR login_digest = $4)",
        account.tenant_id,
        account.vendor,
        account.account_id,
        account.login_digest,
    )
    for row in rows:
        sealed = keys.seal(account.tenant_id, f"accounts.tokens:{row['account_id']}", msgspec.json.encode(values))
        await connection.execute("UPDATE accounts SET tokens = $2 WHERE account_id = $1", row["account_id"], sealed)


async def set_state(connection: Connection, account_id: UUID, state: str, reason: str | None) -> None:
    """Move the account to active, paused or failed, with the reason a person reads."""
    await connection.execute(
        "UPDATE accounts SET state = $2, state_reason = $3 WHERE account_id = $1", account_id, state, reason
    )


async def set_breaker(connection: Connection, account_id: UUID, breaker: str) -> None:
    """Share the breaker's state with the pages and other replicas."""
    await connection.execute("UPDATE accounts SET breaker = $2 WHERE account_id = $1", account_id, breaker)


async def set_mode(connection: Connection, account_id: UUID, mode: str) -> None:
    """Move the account to shadow (read only) or live; the hotel file counts again once it says something new."""
    await connection.execute("UPDATE accounts SET mode = $2 WHERE account_id = $1", account_id, mode)


async def set_door(connection: Connection, account_id: UUID, door_id: UUID) -> None:
    """Say which door the vendor's webhooks for this account come through."""
    await connection.execute("UPDATE accounts SET door_id = $2 WHERE account_id = $1", account_id, door_id)


async def set_subscription(connection: Connection, account_id: UUID, note: str | None) -> None:
    """Remember that the vendor was asked to send to us, with what a person still has to do or know."""
    await connection.execute(
        "UPDATE accounts SET subscribed_at = now(), subscription_note = $2 WHERE account_id = $1", account_id, note
    )


async def note_subscription(connection: Connection, account_id: UUID, note: str) -> None:
    """Tell a person why the vendor could not be asked to send to us; when it last was asked stays as it is."""
    await connection.execute("UPDATE accounts SET subscription_note = $2 WHERE account_id = $1", account_id, note)


async def forget_subscriptions(connection: Connection, door_id: UUID) -> None:
    """Let every account of a door subscribe again, since its secret has changed."""
    await connection.execute("UPDATE accounts SET subscribed_at = NULL WHERE door_id = $1", door_id)


def _seal_json(keys: KeyRing, account: Account, column: str, values: Mapping[str, str]) -> bytes:
    place = f"accounts.{column}:{account.account_id}"
    return keys.seal(account.tenant_id, place, msgspec.json.encode(dict(values)))


async def _open_json(connection: Connection, keys: KeyRing, account: Account, column: str) -> dict[str, str]:
    sealed: bytes | None = await connection.fetchval(
        f"SELECT {column} FROM accounts WHERE tenant_id = $1 AND account_id = $2",  # noqa: S608 - two constant names
        account.tenant_id,
        account.account_id,
    )
    if sealed is None:
        return {}
    plain = keys.open(account.tenant_id, f"accounts.{column}:{account.account_id}", sealed)
    opened: dict[str, Any] = msgspec.json.decode(plain)
    return {str(key): str(value) for key, value in opened.items()}
