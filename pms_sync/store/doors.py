"""Doors: the webhook addresses, their secrets, and a memory of them that a flood of wrong tokens cannot reach past.

The tenant of a delivery comes from the door alone, never from a body. A token is stored sealed, to be shown again, and
as a keyed digest, to be found.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID, uuid4

import msgspec

from pms_sync.domain.errors import ConfigurationFault, Unavailable
from pms_sync.store.database import Connection, Database
from pms_sync.store.sealing import KeyRing

OVERLAP = timedelta(hours=24)
_TOKEN_BYTES = 32


class OpenDoor(msgspec.Struct, frozen=True, kw_only=True):
    """A door with its secrets in the clear; never logged, never stored."""

    tenant_id: UUID
    door_id: UUID
    vendor: str
    client_key: str
    secret: str
    old_secret: str | None = None
    old_valid_until: datetime | None = None

    def secrets(self, now: datetime) -> tuple[str, ...]:
        """Return the secrets valid at `now` (UTC): the newest first, the one before while its time runs."""
        if self.old_secret is None or self.old_valid_until is None or now >= self.old_valid_until:
            return (self.secret,)
        return (self.secret, self.old_secret)


class DoorAddress(msgspec.Struct, frozen=True, kw_only=True):
    """What a person or a subscription needs: the token of the URL and the newest secret."""

    door_id: UUID
    vendor: str
    client_key: str
    token: str
    secret: str
    is_new: bool = False


_COLUMNS = """
SELECT tenant_id, door_id, vendor, client_key, token_digest, token_sealed, secret_sealed, old_secret_sealed,
       old_valid_until
  FROM doors
"""


async def ensure(connection: Connection, keys: KeyRing, tenant_id: UUID, vendor: str, client_key: str) -> DoorAddress:
    """Find the door of a vendor client, or build it (`is_new`) with a random token and secret (worker role)."""
    await keys.ensure(connection, tenant_id)
    door_id, token = uuid4(), secrets.token_urlsafe(_TOKEN_BYTES)
    built = await connection.execute(
        "INSERT INTO doors (tenant_id, door_id, vendor, client_key, token_digest, token_sealed, secret_sealed) "
        "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant_id, vendor, client_key) DO NOTHING",
        tenant_id,
        door_id,
        vendor,
        client_key,
        keys.token_digest(token),
        keys.seal(tenant_id, _token_place(door_id), token.encode()),
        keys.seal(tenant_id, _secret_place(door_id), secrets.token_urlsafe(_TOKEN_BYTES).encode()),
    )
    found = await address(connection, keys, tenant_id, vendor, client_key)
    return msgspec.structs.replace(found, is_new=built == "INSERT 0 1")


async def of_id(connection: Connection, keys: KeyRing, door_id: UUID) -> DoorAddress:
    """Return the address of the door of this id; raises ConfigurationFault when there is none."""
    row = await connection.fetchrow("SELECT tenant_id, vendor, client_key FROM doors WHERE door_id = $1", door_id)
    if row is None:
        raise _no_door(str(door_id))
    return await address(connection, keys, row["tenant_id"], row["vendor"], row["client_key"])


async def address(connection: Connection, keys: KeyRing, tenant_id: UUID, vendor: str, client_key: str) -> DoorAddress:
    """Return the address of an existing door; raises ConfigurationFault when there is none."""
    row = await connection.fetchrow(
        f"{_COLUMNS} WHERE tenant_id = $1 AND vendor = $2 AND client_key = $3", tenant_id, vendor, client_key
    )
    if row is None:
        raise _no_door(vendor)
    door = _open(keys, row)
    token = keys.open(tenant_id, _token_place(door.door_id), row["token_sealed"]).decode()
    return DoorAddress(door_id=door.door_id, vendor=vendor, client_key=client_key, token=token, secret=door.secret)


async def rotate(  # noqa: PLR0913 - the door's three names and the two times
    connection: Connection,
    keys: KeyRing,
    tenant_id: UUID,
    vendor: str,
    client_key: str,
    *,
    now: datetime,
    overlap: timedelta = OVERLAP,
) -> str:
    """Give the door a new secret and return it; the one before stays valid until `now + overlap`, any older is retired.

    Raises ConfigurationFault when there is no such door.
    """
    found = await address(connection, keys, tenant_id, vendor, client_key)
    secret = secrets.token_urlsafe(_TOKEN_BYTES)
    await connection.execute(
        "UPDATE doors SET old_secret_sealed = secret_sealed, old_valid_until = $3, secret_sealed = $4 "
        "WHERE tenant_id = $1 AND door_id = $2",
        tenant_id,
        found.door_id,
        now + overlap,
        keys.seal(tenant_id, _secret_place(found.door_id), secret.encode()),
    )
    return secret


async def find_by_token(connection: Connection, keys: KeyRing, token: str) -> OpenDoor | None:
    """Return the door of a URL token by its keyed digest, or None."""
    row = await connection.fetchrow(f"{_COLUMNS} WHERE token_digest = $1", keys.token_digest(token))
    if row is None:
        return None
    if not keys.knows(row["tenant_id"]):
        await keys.load(connection)
    return _open(keys, row)


async def load_all(
    connection: Connection, keys: KeyRing, known: Mapping[bytes, tuple[Any, OpenDoor]] | None = None
) -> dict[bytes, tuple[Any, OpenDoor]]:
    """Return every door by its token digest with the row it was opened from; unchanged ones are not opened again."""
    rows = await connection.fetch(_COLUMNS)
    if not all(keys.knows(row["tenant_id"]) for row in rows):
        await keys.load(connection)
    known = known or {}
    doors = {}
    for row in rows:
        digest = row["token_digest"]
        before = known.get(digest)
        doors[digest] = before if before is not None and before[0] == row else (row, _open(keys, row))
    return doors


class DoorBook:
    """All doors in memory, read again when older than `ttl_s`.

    A token that is not in the book costs no statement of its own, so a flood of wrong ones costs one read per `ttl_s`
    at most, and the memory is bounded by the doors there really are. A right and a wrong token take the same path: one
    keyed digest, one look into a table.
    """

    def __init__(
        self,
        database: Database,
        keys: KeyRing,
        monotonic: Callable[[], float],
        *,
        ttl_s: float = 2.0,
        patience_s: float = 0.05,
    ) -> None:
        """Read nothing yet; `patience_s` is how long a caller waits for a slow read."""
        self._database, self._keys, self._monotonic = database, keys, monotonic
        self._ttl_s, self._patience_s = ttl_s, patience_s
        self._doors: Mapping[bytes, tuple[Any, OpenDoor]] = MappingProxyType({})
        self._read_at: float | None = None
        self._reading: asyncio.Task[None] | None = None

    async def find(self, token: str) -> OpenDoor | None:
        """Return the door, or None; raises Unavailable when it is not in a book that is out of date."""
        fresh = await self._look_again()
        found = self._doors.get(self._keys.token_digest(token))
        if found is None and not fresh:
            what = "the doors cannot be read from the database"
            raise Unavailable(what, "PMS_SYNC_DATABASE_URL", "start the server or correct the address")
        return found[1] if found else None

    async def refresh(self) -> None:
        """Read all doors now; raises Unavailable."""
        started = self._monotonic()
        async with self._database.connection() as connection:
            self._doors = await load_all(connection, self._keys, self._doors)
        self._read_at = started

    async def aclose(self) -> None:
        """End a read that is still under way."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    def _fresh(self) -> bool:
        return self._read_at is not None and self._monotonic() - self._read_at < self._ttl_s

    async def _look_again(self) -> bool:
        if self._fresh():
            return True
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._try_refresh())
        await asyncio.wait({self._reading}, timeout=self._patience_s)
        return self._fresh()

    async def _try_refresh(self) -> None:
        try:
            await self.refresh()
        except Unavailable:
            return  # the book in hand serves on; whoever is not in it is told to come back


def _open(keys: KeyRing, row: Any) -> OpenDoor:  # noqa: ANN401 - a row of _COLUMNS
    tenant_id, place = row["tenant_id"], _secret_place(row["door_id"])
    old = row["old_secret_sealed"]
    return OpenDoor(
        tenant_id=tenant_id,
        door_id=row["door_id"],
        vendor=row["vendor"],
        client_key=row["client_key"],
        secret=keys.open(tenant_id, place, row["secret_sealed"]).decode(),
        old_secret=None if old is None else keys.open(tenant_id, place, old).decode(),
        old_valid_until=row["old_valid_until"],
    )


def _token_place(door_id: UUID) -> str:
    return f"doors.token:{door_id}"


def _secret_place(door_id: UUID) -> str:
    return f"doors.secret:{door_id}"  # both columns, so that rotating moves the sealed value in one statement


def _no_door(vendor: str) -> ConfigurationFault:
    return ConfigurationFault(f"there is no door for this {vendor} client", "doors", "add the account first")
