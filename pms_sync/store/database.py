"""Connections and transactions: one pool, one role, and a tenant for every transaction on business tables."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

import asyncpg
import msgspec

from pms_sync.domain.errors import ConfigurationFault, Fault, Unavailable

# asyncpg ships no types; a pool's proxies stand for connections too.
Connection: TypeAlias = Any
T = TypeVar("T")

WORKER = "pms_sync_worker"
READER = "pms_sync_reader"
APP = "pms_sync_app"

# What says that no usable connection exists, as opposed to a statement that went wrong.
AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # how the driver puts it when the server leaves in the middle of an answer
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InvalidAuthorizationSpecificationError,  # a refused login; a wrong password is one of them
    asyncpg.InvalidCatalogNameError,  # no database of that name
)
# An address with options that the driver or the server does not know; the second only while connecting.
BAD_ADDRESS = (asyncpg.ClientConfigurationError, asyncpg.UndefinedObjectError)
# What a role is told that may not do, or does not know, what its work needs.
NOT_ALLOWED = (asyncpg.InsufficientPrivilegeError, asyncpg.InvalidParameterValueError)
# A deadlock, a serialisation failure, or a row that somebody else wrote first is no verdict on the work: once more.
AGAIN = (asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.UniqueViolationError)


class Sessions:
    """The pool's connections on whose session something may be left, which a reset on their return takes away.

    The driver resets every connection; that is a round trip per use, for nothing where settings and locks end with
    their transaction.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._used: set[int] = set()

    def used(self, connection: Connection) -> None:
        """Remember that something is left on this one's session."""
        self._used.add(connection.get_server_pid())

    async def reset(self, connection: Connection) -> None:
        """Take away what is left on the session of a connection that comes back."""
        pid = connection.get_server_pid()
        if pid in self._used:
            self._used.discard(pid)
            await connection.execute(connection.get_reset_query())


class Database:
    """A pool of connections that all act as one role."""

    def __init__(self, pool: asyncpg.Pool, apart: Callable[[], Awaitable[Connection]], sessions: Sessions) -> None:
        """Wrap an open pool; use `Database.connect`."""
        self.pool, self._apart, self._sessions = pool, apart, sessions

    @classmethod
    async def connect(cls, dsn: str, *, role: str | None = WORKER, size: int = 8) -> Database:
        """Open a pool whose connections act as `role` (None: as the owner).

        Raises Unavailable when nobody answers, ConfigurationFault for an address or a role that cannot be used.
        """

        async def become(connection: Connection) -> None:
            if role is not None:
                await connection.execute(f'SET ROLE "{role}"')
            for name, (encode, decode) in _JSON.items():
                await connection.set_type_codec(
                    name, encoder=encode, decoder=decode, schema="pg_catalog", format="binary"
                )

        # Every statement of the daemon has an index. Without this, plans made while a table was small, those of foreign
        # keys included, read the whole table for each row until somebody analyses it: a first backfill crawls.
        settings = {"application_name": "pms-sync", "timezone": "UTC", "jit": "off", "enable_seqscan": "off"}
        sessions = Sessions()
        try:
            pool = await asyncpg.create_pool(
                dsn,
                min_size=1,
                max_size=size,
                init=become,
                reset=sessions.reset,
                server_settings=settings,
                timeout=5,
            )
        except (*AWAY, *BAD_ADDRESS) as error:
            raise unavailable(error) from error
        except NOT_ALLOWED as error:
            raise not_allowed(f"act as {role}") from error
        return cls(pool, lambda: asyncpg.connect(dsn, server_settings=settings, timeout=5), sessions)

    async def close(self) -> None:
        """Close every connection; those still busy are cut after five seconds."""
        try:
            await asyncio.wait_for(self.pool.close(), 5)
        except TimeoutError:
            self.pool.terminate()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Borrow a connection outside a transaction; raises Unavailable when none can be had."""
        try:
            connection = await self.pool.acquire(timeout=5)
        except AWAY as error:
            raise unavailable(error) from error
        try:
            yield connection
        except AWAY as error:
            if _is_lost(error, connection):
                raise unavailable(error) from error
            raise
        finally:
            await self._give_back(connection)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Connection]:
        """Borrow a connection as `connection` does, for what outlasts a transaction: settings, advisory locks."""
        async with self.connection() as connection:
            self._sessions.used(connection)
            yield connection

    async def _give_back(self, connection: Connection) -> None:
        try:
            await self.pool.release(connection)
        except AWAY as error:
            if not _is_lost(error, connection):
                raise

    async def apart(self) -> Connection:
        """Open a connection beside the pool, as the login's own role, for who needs one for long; the caller closes it.

        Raises Unavailable.
        """
        try:
            return await self._apart()
        except AWAY as error:
            raise unavailable(error) from error

    @asynccontextmanager
    async def transaction(self, tenant_id: UUID | None = None, *, durable: bool = True) -> AsyncIterator[Connection]:
        """Open a transaction, for one tenant where business tables are touched; commits on leaving.

        One that is not `durable` commits without waiting for the disk: for claims and locks, which nobody misses after
        a crash. Whatever durable commit follows takes it along.
        """
        async with self.connection() as connection, connection.transaction():
            if not durable:
                await connection.execute(_UNHURRIED, "" if tenant_id is None else str(tenant_id))
            elif tenant_id is not None:
                await use_tenant(connection, tenant_id)
            yield connection

    async def once_more(self, work: Callable[[], Awaitable[T]]) -> T:
        """Run the work, and once again when it lost to somebody else's: a deadlock, or a row that is there by now."""
        try:
            return await work()
        except AGAIN:
            return await work()


_UNHURRIED = "SELECT set_config('synchronous_commit', 'off', true), set_config('pms_sync.tenant', $1, true)"


async def use_tenant(connection: Connection, tenant_id: UUID) -> None:
    """Bind the running transaction to one tenant; row-level security fails closed without it."""
    await connection.execute("SELECT set_config('pms_sync.tenant', $1, true)", str(tenant_id))


async def act_for(connection: Connection, tenant_id: UUID) -> None:
    """Bind the running transaction to what the app role may see of one tenant, queues included."""
    await connection.execute(
        "SELECT set_config('role', $1, true), set_config('pms_sync.tenant', $2, true)", APP, str(tenant_id)
    )


def _is_lost(error: BaseException, connection: Connection) -> bool:
    """Tell a lost connection from a time-out or a bad argument of the work that was using it."""
    if isinstance(error, ValueError):  # the driver refuses a value before anything is sent
        return False
    plain = isinstance(error, (OSError, asyncpg.InternalClientError)) and not isinstance(error, asyncpg.PostgresError)
    return bool(connection.is_closed()) if plain else True


_REFUSALS: dict[type[Exception], str] = {
    asyncpg.InvalidAuthorizationSpecificationError: "the database refuses the login",
    asyncpg.InvalidCatalogNameError: "the server has no database of that name",
    asyncpg.TooManyConnectionsError: "the server takes no more connections",
}


def unavailable(error: BaseException) -> Fault:
    """Say that the database is away, with the driver's reason and no address that could hold a password.

    Returns Unavailable, or ConfigurationFault where the address itself cannot be used.
    """
    reason = type(error).__name__
    if isinstance(error, BAD_ADDRESS):
        what, remedy = "the database address cannot be used", "correct the address, the options after its ? included"
        return ConfigurationFault(what, "PMS_SYNC_DATABASE_URL", remedy)
    what = next((words for kind, words in _REFUSALS.items() if isinstance(error, kind)), "the database is away")
    return Unavailable(f"{what} ({reason})", "PMS_SYNC_DATABASE_URL", "start the server or correct the address")


def not_allowed(what: str) -> ConfigurationFault:
    """Say that the login's role lacks a right."""
    remedy = "name the database's owner, who may create roles, and run pms-sync migrate with it"
    return ConfigurationFault(f"the database login may not {what}", "PMS_SYNC_DATABASE_URL", remedy)


def _encode_jsonb(value: object) -> bytes:
    return b"\x01" + msgspec.json.encode(value)


def _decode_jsonb(value: bytes) -> Any:  # noqa: ANN401 - any JSON value
    return msgspec.json.decode(value[1:])


# How each travels: json as its text, jsonb with the number of its format in front.
_JSON = {"json": (msgspec.json.encode, msgspec.json.decode), "jsonb": (_encode_jsonb, _decode_jsonb)}
