"""Sealing: AES-256-GCM with data keys per tenant, wrapped by the master key (RELIABILITY §5.3).

A sealed value is one byte of key version, a random 96-bit nonce, and the ciphertext. The context (table, column, row)
is authenticated with it, so a value moved to another row or tenant does not open.

Keys change without a stop. Several master keys may be given, the newest first: what any of them wrapped opens, and
what is wrapped anew is so by the first. A new data key is read by every process before any of them seals with it.
Digests stay what they are: those of a tenant come from its first data key, those of tokens from a root of their own.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
from typing import NamedTuple
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pms_sync.domain.errors import ConfigurationFault
from pms_sync.store.database import Connection

_KEY_BYTES = 32
_NONCE_BYTES = 12
_MOST_VERSIONS = 255
LOAD_EVERY_S = 60.0
# How old a data key must be before anything is sealed with it: by then every process has read it, whatever it missed.
ADOPTED_AFTER_S = 10 * LOAD_EVERY_S
_ROOT_PLACE = b"pms-sync digest root"
_NO_KEY = ConfigurationFault(
    "the master key is not 32 bytes in base64 or hexadecimal",
    "PMS_SYNC_MASTER_KEY",
    "make one with: python3 -c 'import os,base64;print(base64.b64encode(os.urandom(32)).decode())'",
)


def parse_master_keys(text: str) -> tuple[bytes, ...]:
    """Read master keys of 32 bytes in base64 or hexadecimal, the newest first; raises ConfigurationFault."""
    whole = _parsed(text)  # first, since one hexadecimal key may be written with spaces
    keys = [whole] if whole else [_parsed(word) for word in text.replace(",", " ").split()]
    found = tuple([key for key in keys if key])
    if not found or len(found) < len(keys):
        raise _NO_KEY
    return found


def _parsed(text: str) -> bytes | None:
    for decode in (bytes.fromhex, _from_base64):
        try:
            key = decode(text)
        except (ValueError, binascii.Error):
            continue
        if len(key) == _KEY_BYTES:
            return key
    return None


def new_master_key() -> bytes:
    """Return a fresh master key."""
    return os.urandom(_KEY_BYTES)


def master_key_text(*keys: bytes) -> str:
    """Return master keys in base64, each on a line, as `parse_master_keys` reads them."""
    return "".join([base64.b64encode(key).decode() + "\n" for key in keys])


# A tenant's first key is adopted at once: nothing can have been sealed before it.
_KEYS = """
SELECT tenant_id, version, wrapped, created_at,
       version = min(version) OVER (PARTITION BY tenant_id) OR created_at <= now() - $1 * interval '1 second' AS adopted
  FROM tenant_keys ORDER BY 1, 2
"""
_FIRST_KEY = "INSERT INTO tenant_keys (tenant_id, version, wrapped) VALUES ($1, 1, $2) ON CONFLICT DO NOTHING"
_NEXT_KEY = "INSERT INTO tenant_keys (tenant_id, version, wrapped) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"
_REWRAP = "UPDATE tenant_keys SET wrapped = $3 WHERE tenant_id = $1 AND version = $2"
_KEEP_ROOT = "INSERT INTO root_key (wrapped) VALUES ($1) ON CONFLICT (one) DO UPDATE SET wrapped = excluded.wrapped"


class _Seal(NamedTuple):
    """One data key of a tenant, ready for use; `version` and `tenant` as they stand in a sealed value."""

    version: bytes
    cipher: AESGCM
    digest_key: bytes
    tenant: bytes


class KeyRing:
    """The tenants' data keys, unwrapped in memory."""

    def __init__(self, *master_keys: bytes) -> None:
        """Keep the master keys for wrapping, the newest first; nothing is read yet."""
        self.know(*master_keys)
        self._root = _root_of(master_keys[0])  # which the first data key will be wrapped by
        self._seals: dict[UUID, _Seal] = {}
        self._opens: dict[tuple[UUID, int], _Seal] = {}

    def know(self, *master_keys: bytes) -> None:
        """Wrap and unwrap by these master keys from now on, the newest first."""
        self._masters = [(AESGCM(key), _root_of(key)) for key in master_keys]

    async def load(self, connection: Connection) -> None:
        """Read and unwrap every tenant's keys; raises ConfigurationFault when no master key fits.

        What is known already is not unwrapped again: it may have been wrapped by a key that comes with the next start.
        """
        wrapped = await connection.fetchval("SELECT wrapped FROM root_key")
        rows = await connection.fetch(_KEYS, ADOPTED_AFTER_S)
        if not self._opens and wrapped is not None:
            self._root = self._unwrap(_ROOT_PLACE, wrapped)
        elif not self._opens and rows:
            # Nothing was wrapped anew yet: the oldest data key tells which master key came first, in whatever order.
            oldest = min(rows, key=lambda row: row["created_at"])
            _, self._root = self._opened(oldest["tenant_id"].bytes, oldest["wrapped"])
        for row in rows:
            tenant_id, version = row["tenant_id"], row["version"]
            if (tenant_id, version) not in self._opens:
                self._install(tenant_id, version, self._unwrap(tenant_id.bytes, row["wrapped"]))
            if row["adopted"]:
                self._seals[tenant_id] = self._opens[tenant_id, version]

    async def ensure(self, connection: Connection, tenant_id: UUID) -> None:
        """Give the tenant its first data key when it has none."""
        if tenant_id in self._seals:
            return
        await connection.execute(_FIRST_KEY, tenant_id, self._wrap(tenant_id.bytes, os.urandom(_KEY_BYTES)))
        await self.load(connection)

    async def rewrap(self, connection: Connection) -> int:
        """Wrap every data key and the root by the newest master key (in a transaction); returns how many keys."""
        await self.load(connection)
        await connection.execute(_KEEP_ROOT, self._wrap(_ROOT_PLACE, self._root))
        rows = await connection.fetch("SELECT tenant_id, version, wrapped FROM tenant_keys ORDER BY 1, 2 FOR UPDATE")
        for row in rows:
            tenant = row["tenant_id"].bytes
            fresh = self._wrap(tenant, self._unwrap(tenant, row["wrapped"]))
            await connection.execute(_REWRAP, row["tenant_id"], row["version"], fresh)
        return len(rows)

    async def renew(self, connection: Connection) -> int:
        """Give every tenant a new data key, to be sealed with once every process has read it; returns how many."""
        rows = await connection.fetch(
            "SELECT tenant_id, max(version) AS version FROM tenant_keys GROUP BY 1 ORDER BY 1"
        )
        for row in rows:
            if row["version"] >= _MOST_VERSIONS:
                what = f"tenant {row['tenant_id']} has had {_MOST_VERSIONS} data keys"
                raise ConfigurationFault(what, "tenant_keys", "seal its data anew first")
            key = self._wrap(row["tenant_id"].bytes, os.urandom(_KEY_BYTES))
            await connection.execute(_NEXT_KEY, row["tenant_id"], row["version"] + 1, key)
        return len(rows)

    @staticmethod
    async def in_use(connection: Connection) -> bool:
        """Tell whether any tenant has keys yet, so that no other master key will do."""
        used: bool = await connection.fetchval("SELECT EXISTS (SELECT FROM tenant_keys)")
        return used

    def knows(self, tenant_id: UUID) -> bool:
        """Tell whether the tenant's key is in memory."""
        return tenant_id in self._seals

    def seal(self, tenant_id: UUID, context: str, plain: bytes) -> bytes:
        """Encrypt for one tenant and one place."""
        seal = self._seals[tenant_id]
        nonce = os.urandom(_NONCE_BYTES)
        return seal.version + nonce + seal.cipher.encrypt(nonce, plain, seal.tenant + context.encode())

    def open(self, tenant_id: UUID, context: str, sealed: bytes) -> bytes:
        """Decrypt; raises ConfigurationFault when key, tenant or place do not fit."""
        seal = self._opens.get((tenant_id, sealed[0]))
        if seal is None:
            what = f"a value is sealed with data key {sealed[0]}, which was not read yet"
            raise ConfigurationFault(what, "tenant_keys", "start again, or wait for the next reading of the keys")
        nonce, ciphertext = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        try:
            return seal.cipher.decrypt(nonce, ciphertext, seal.tenant + context.encode())
        except InvalidTag as error:
            what = f"a sealed value does not open ({context.partition(':')[0]})"
            raise ConfigurationFault(
                what, "PMS_SYNC_MASTER_KEY", "give the key this database was sealed with"
            ) from error

    def digest(self, tenant_id: UUID, purpose: str, plain: bytes) -> bytes:
        """Return a keyed digest: equal values can be recognised, never guessed back."""
        return hmac.digest(self._seals[tenant_id].digest_key, purpose.encode() + b"\0" + plain, "sha256")

    def token_digest(self, token: str) -> bytes:
        """Return the keyed digest of a door token, which must be found before the tenant is known."""
        return hmac.digest(self._root, token.encode(), "sha256")

    def _wrap(self, place: bytes, key: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._masters[0][0].encrypt(nonce, key, place)

    def _unwrap(self, place: bytes, wrapped: bytes) -> bytes:
        return self._opened(place, wrapped)[0]

    def _opened(self, place: bytes, wrapped: bytes) -> tuple[bytes, bytes]:
        """Return the key, and the root that comes of the master key which opens it."""
        for master, root in self._masters:
            try:
                return master.decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], place), root
            except InvalidTag:
                continue
        raise ConfigurationFault(
            "the master key does not open this database's data keys",
            "PMS_SYNC_MASTER_KEY",
            "give the key the database was set up with",
        )

    def _install(self, tenant_id: UUID, version: int, key: bytes) -> None:
        first = next((seal for (tenant, _), seal in self._opens.items() if tenant == tenant_id), None)
        digest_key = first.digest_key if first else hashlib.sha256(b"digest" + key).digest()
        self._opens[tenant_id, version] = _Seal(bytes((version,)), AESGCM(key), digest_key, tenant_id.bytes)


def _root_of(master_key: bytes) -> bytes:
    return hashlib.sha256(_ROOT_PLACE + master_key).digest()


def _from_base64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
