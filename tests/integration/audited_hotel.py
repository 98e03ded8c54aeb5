"""A hotel to audit: one simulated vendor, read into a real store by the daemon's own poller and worker."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from random import Random
from typing import Any, TypeVar

import asyncpg
import msgspec

from connectors.beds24 import CONNECTOR
from connectors.kit.conformance.bench import MemoryTokens
from connectors.kit.http import open_client
from mappers.beds24 import MAPPER
from pms_sync.apply.batch import Applier
from pms_sync.ingest.landing import Landing
from pms_sync.ingest.poller import Poller
from pms_sync.ingest.worker import Worker
from pms_sync.ports.connector import Connector, ConnectorContext
from pms_sync.ports.mapper import Mapper
from pms_sync.store import accounts, audit, lanes
from pms_sync.store.accounts import Account
from pms_sync.store.database import Database, use_tenant
from pms_sync.store.migrations import migrate
from pms_sync.store.sealing import KeyRing
from tests.contract.beds24_desk import Desk, running_desk

T = TypeVar("T")
VENDOR, STREAM = "beds24", "reservations"
MASTER_KEY = bytes(range(32))
CODES = (("room_type", "55", "DBL"), ("room", "55/1", "101"), ("room", "55/2", "102"), ("room", "55/3", "103"))


class RealClock:
    """The machine's clock, as the simulator's runs by it too."""

    def now(self) -> datetime:
        """Return the present."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the present in seconds."""
        return self.now().timestamp()


class Runtime:
    """The account with its talker and mapper, without a guard."""

    mapper: Mapper = MAPPER

    def __init__(self, account: Account, connector: Connector) -> None:
        self.account, self.connector = account, connector

    async def get(self, account_id: uuid.UUID) -> Runtime | None:
        """Return itself, as there is one account."""
        return self if account_id == self.account.account_id else None

    def pace(self) -> float:
        """Never gather."""
        return 0.0

    async def call(self, fn: Callable[[], Awaitable[T]], *, priority: str, operation: str) -> T:
        """Call straight through."""
        assert priority
        assert operation
        return await fn()


class Reader:
    """The daemon's reading side for one account."""

    def __init__(self, database: Database, keys: KeyRing, runtime: Runtime) -> None:
        self.database, self.runtime = database, runtime
        landing = Landing(database, keys, Applier(keys, RealClock(), uuid.uuid4), uuid.uuid4)
        self.worker = Worker(database, runtime, landing, new_id=uuid.uuid4, random=Random(1))
        account = runtime.account
        self.poller = Poller(
            database, keys, lambda: {account.account_id: runtime}, clock=RealClock(), new_id=uuid.uuid4
        )

    async def read(self) -> None:
        """Poll once, and work until nothing waits, without waiting for what is due later; then seal the log."""
        account = self.runtime.account
        await self.poller.poll_once(account.account_id, STREAM)
        while await self._hasten():
            await self.worker.drain()
        async with self.database.transaction(account.tenant_id) as connection:
            await audit.seal(connection, account.tenant_id)

    async def deliver(self, ref: str) -> None:
        """Ask for one object as a webhook would, and apply what is read."""
        account = self.runtime.account
        event = lanes.NewEvent(
            tenant_id=account.tenant_id,
            account_id=account.account_id,
            kind="webhook",
            stream=STREAM,
            ref=ref,
            correlation_id=f"asked-{ref}",
        )
        async with self.database.transaction(account.tenant_id) as connection:
            await lanes.append(connection, [event])
        while await self._hasten():
            await self.worker.drain()

    async def _hasten(self) -> bool:
        async with self.database.connection() as connection:
            done = await connection.execute("UPDATE lanes SET not_before = '-infinity'")
        return bool(done != "UPDATE 0")


class Site(msgspec.Struct, frozen=True):
    """A running vendor and the store that follows it."""

    desk: Desk
    reader: Reader
    dsn: str

    async def truth(self) -> dict[str, dict[str, Any]]:
        """Return the truth documents by vendor."""
        return {VENDOR: await self.desk.truth()}


@asynccontextmanager
async def running_site(dsn: str, seed: int = 1, **world: Any) -> AsyncIterator[Site]:
    """Migrate an empty database, and follow a simulated hotel of this seed in it."""
    await migrate(dsn)
    keys = KeyRing(MASTER_KEY)
    database = await Database.connect(dsn, size=4)
    async with running_desk(seed, credits=100_000, **world) as desk:
        account = await _furnish(database, keys)
        client = open_client(str(desk.client.base_url), ca_file=None, allow_private=True)
        context = ConnectorContext(
            base_url=str(desk.client.base_url),
            property_ref=account.property_ref,
            credentials=desk.simulator.credentials,
            client=client,
            tokens=MemoryTokens(),
            report=lambda _facts: None,
            now=RealClock().now,
        )
        connector = CONNECTOR.connect(context)
        yield Site(desk, Reader(database, keys, Runtime(account, connector)), dsn)
        await connector.aclose()
        await client.aclose()
    await database.close()


async def _furnish(database: Database, keys: KeyRing) -> Account:
    """Store tenant t1 with property P1, its three double rooms, and the account with its crosswalk."""
    tenant, place, account, kind = (uuid.uuid4() for _ in range(4))
    rooms = {code: uuid.uuid4() for code in ("101", "102", "103")}
    async with database.transaction() as connection:
        await connection.execute("INSERT INTO tenants (tenant_id, code) VALUES ($1, 't1')", tenant)
        await use_tenant(connection, tenant)
        await keys.ensure(connection, tenant)
        await connection.execute(
            "INSERT INTO properties (tenant_id, property_id, code, name, timezone, currency) "
            "VALUES ($1, $2, 'P1', 'Hotel Prado', 'Europe/Madrid', 'EUR')",
            tenant,
            place,
        )
        await connection.execute(
            "INSERT INTO accounts (tenant_id, account_id, property_id, vendor, property_ref, role) "
            "VALUES ($1, $2, $3, $4, '7', 'channel_manager')",
            tenant,
            account,
            place,
            VENDOR,
        )
        await connection.execute(
            "INSERT INTO room_types (tenant_id, room_type_id, property_id, code) VALUES ($1, $2, $3, 'DBL')",
            tenant,
            kind,
            place,
        )
        await connection.executemany(
            "INSERT INTO rooms (tenant_id, room_id, property_id, room_type_id, code) VALUES ($1, $2, $3, $4, $5)",
            [(tenant, room, place, kind, code) for code, room in rooms.items()],
        )
        await connection.executemany(
            "INSERT INTO room_units (tenant_id, room_id, unit_id) VALUES ($1, $2, $2)",
            [(tenant, room) for room in rooms.values()],
        )
        await connection.executemany(
            "INSERT INTO crosswalk (tenant_id, account_id, kind, vendor_code, our_code) VALUES ($1, $2, $3, $4, $5)",
            [(tenant, account, *pair) for pair in CODES],
        )
        [found] = await accounts.load(connection, [account])
    return found


_SAVE = """
DO $$ DECLARE name text; BEGIN
    CREATE SCHEMA saved;
    FOR name IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
                   AND NOT relispartition LOOP
        EXECUTE format('CREATE TABLE saved.%I AS TABLE public.%I', name, name);
    END LOOP;
END $$
"""
_RESTORE = """
DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT relname FROM pg_class WHERE relnamespace = 'saved'::regnamespace LOOP
        EXECUTE format('DELETE FROM public.%I', name);
        EXECUTE format('INSERT INTO public.%I TABLE saved.%I', name, name);
    END LOOP;
END $$
"""


async def save(dsn: str) -> None:
    """Remember every row, for `restore`."""
    await plant(dsn, _SAVE)


async def restore(dsn: str) -> None:
    """Put every row back as it was when saved; much quicker than a database of its own for every test."""
    await plant(dsn, _RESTORE)


async def plant(dsn: str, *statements: str) -> None:
    """Change the store behind the daemon's back, as its owner and with no key or check in the way."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await connection.execute("SET LOCAL session_replication_role = replica")
            for statement in statements:
                done = await connection.execute(statement)
                assert done.rpartition(" ")[2] != "0", f"planted nothing: {statement}"
    finally:
        await connection.close()


ALONE, OTA, GROUP, SECOND, CANCELLED, BLOCK, HOLD, INQUIRY, DAY_USE, KEEPS, REFUSED, *OVER, UNMAPPED = (
    str(number) for number in range(1001, 1017)
)
"""Refs of what `fill` books: the simulator numbers its bookings from 1001 on."""

_MARCH, _APRIL, _MAY, _JUNE, _JULY = (f"2030-{month:02}" for month in range(3, 8))


async def fill(site: Site) -> None:
    """Book and read one of everything: a bill, a group, a block, holds, a day use, a room and a type sold too often."""
    orders = _orders()
    for ref, booked in orders:
        if ref == REFUSED:
            await site.reader.read()  # so that the stay before it has the room
        told = await site.desk.sim("change", op="create", set={"channel": "direct", **booked}, silent=True)
        assert told["ref"] == ref
    await site.desk.sim("change", op="cancel", ref=CANCELLED, silent=True)
    await site.reader.read()


def _orders() -> list[tuple[str, dict[str, Any]]]:
    guest = {"first_name": "Ann", "email": "ann@example.org", "phone": "+34600", "country": "ES", "language": "es"}
    lines = [
        {"kind": "charge", "text": "Room", "amount": "200.01"},
        {"kind": "payment", "text": "Deposit", "amount": "50"},
    ]
    people = {"booker": guest, "guests": [{"first_name": "Bo", "email": "bo@example.org", "country": "DE"}]}
    return [
        (ALONE, {**people, "folio_lines": lines, "room_stays": [_stay(_MARCH, 10, 12, "55/1", total="200.01")]}),
        (OTA, {"channel": "booking_com", "channel_reference": "4711", "room_stays": [_stay(_MARCH, 10, 12, "55/2")]}),
        (GROUP, {"room_stays": [_stay(_APRIL, 1, 3, "55/1"), _stay(_APRIL, 1, 3, "55/2")]}),
        (CANCELLED, {"room_stays": [_stay(_MARCH, 10, 12, "55/3")]}),
        (BLOCK, {"kind": "owner", "room_stays": [_stay(_MAY, 1, 4, "55/1")]}),
        (HOLD, {"status": "hold", "hold_kind": "request", "room_stays": [_stay(_MAY, 1, 2, "55/2")]}),
        (INQUIRY, {"status": "hold", "hold_kind": "inquiry", "room_stays": [_stay(_MAY, 1, 2, "55/2")]}),
        (DAY_USE, {"room_stays": [_stay(_MAY, 1, 1, "55/3")]}),
        (KEEPS, {"room_stays": [_stay(_JUNE, 1, 3, "55/3")]}),
        (REFUSED, {"room_stays": [_stay(_JUNE, 2, 4, "55/3")]}),
        *((ref, {"room_stays": [{**_stay(_JULY, 1, 2, None), "room_type_ref": "55"}]}) for ref in OVER),
        (UNMAPPED, {"room_stays": [_stay(_JULY, 1, 2, "56/1")]}),
    ]


def _stay(month: str, arrival: int, departure: int, room: str | None, total: str = "120.00") -> dict[str, Any]:
    dates = {"arrival": f"{month}-{arrival:02}", "departure": f"{month}-{departure:02}"}
    return {**dates, "room_ref": room, "adults": 2, "children": 1, "total": total}
