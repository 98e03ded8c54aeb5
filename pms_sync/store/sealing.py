"""Sealing: AES-256-GCM with one data key per tenant, wrapped by the master key (RELIABILITY §5.3).

A sealed value is one byte of key version, a random 96-bit nonce, and the ciphertext. The context (table, column, row)
is authenticated with it, so a value moved to another row or tenant does not open.
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


def parse_master_key(text: str) -> bytes:
    """Read a master key of 32 bytes given in base64 or hexadecimal; raises ConfigurationFault."""
    for decode in (bytes.fromhex, _from_base64):
        try:
            key = decode(text.strip())
        except (ValueError, binascii.Error):
            continue
        if len(key) == _KEY_BYTES:
            return key
    raise ConfigurationFault(
        "the master key is not 32 bytes in base64 or hexadecimal",
        "PMS_SYNC_MASTER_KEY",
        "make one with: python3 -c 'import os,base64;print(base64.b64encode(os.urandom(32)).decode())'",
    )


def new_master_key() -> str:
    """Return a fresh master key in base64."""
    return base64.b64encode(os.urandom(_KEY_BYTES)).decode()


class _Seal(NamedTuple):
    """One data key of a tenant, ready for use; `version` and `tenant` as they stand in a sealed value."""

    version: bytes
    cipher: AESGCM
    digest_key: bytes
    tenant: bytes


class KeyRing:
    """The tenants' data keys, unwrapped in memory."""

    def __init__(self, master_key: bytes) -> None:
        """Keep the master key for wrapping; nothing is read yet."""
        self._master = AESGCM(master_key)
        self._root = hashlib.sha256(b"pms-sync digest root" + master_key).digest()
        self._seals: dict[UUID, _Seal] = {}
        self._opens: dict[tuple[UUID, int], _Seal] = {}

    async def load(self, connection: Connection) -> None:
        """Read and unwrap every tenant's keys; raises ConfigurationFault when the master key does not fit."""
        for row in await connection.fetch("SELECT tenant_id, version, wrapped FROM tenant_keys ORDER BY 1, 2"):
            self._install(row["tenant_id"], row["version"], self._unwrap(row["tenant_id"], row["wrapped"]))

    async def ensure(self, connection: Connection, tenant_id: UUID) -> None:
        """Give the tenant its first data key when it has none."""
        if tenant_id in self._seals:
            return
        nonce, key = os.urandom(_NONCE_BYTES), os.urandom(_KEY_BYTES)
        wrapped = nonce + self._master.encrypt(nonce, key, tenant_id.bytes)
        await connection.execute(
            "INSERT INTO tenant_keys (tenant_id, version, wrapped) VALUES ($1, 1, $2) ON CONFLICT DO NOTHING",
            tenant_id,
            wrapped,
        )
        await self.load(connection)

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
        seal = self._opens[tenant_id, sealed[0]]
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

    def _unwrap(self, tenant_id: UUID, wrapped: bytes) -> bytes:
        try:
            return self._master.decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], tenant_id.bytes)
        except InvalidTag as error:
            raise ConfigurationFault(
                "the master key does not open this database's data keys",
                "PMS_SYNC_MASTER_KEY",
                "give the key the database was set up with",
            ) from error

    def _install(self, tenant_id: UUID, version: int, key: bytes) -> None:
        digest_key = hashlib.sha256(b"digest" + key).digest()
        seal = _Seal(bytes((version,)), AESGCM(key), digest_key, tenant_id.bytes)
        self._opens[tenant_id, version] = self._seals[tenant_id] = seal


def _from_base64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
