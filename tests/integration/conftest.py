"""Fixtures over a real PostgreSQL: a migrated database per test, copied from one template, and a small hotel."""

from __future__ import annotations

import hmac
import os
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import msgspec
import pytest
import pytest_asyncio

from pms_sync.domain.errors import DeliveryRefused, MappingRejected
from pms_sync.ports.connector import Delivery, VendorEvent
from pms_sync.store.database import Database, use_tenant
from pms_sync.store.migrations import migrate
from pms_sync.store.sealing import KeyRing
from tests.conftest import Postgres
from tests.integration import command_line
from tests.integration.command_line import Machine, Vendor

MASTER_KEY = bytes(range(32))
_NUMBER = os.environ.get("PYTEST_XDIST_WORKER", "main")


class Hotel(msgspec.Struct, frozen=True, kw_only=True):
    """Ids of the small hotel: three double rooms in Madrid, connected to one vendor account."""

    tenant_id: uuid.UUID
    tenant_code: str
    property_id: uuid.UUID
    property_code: str
    account_id: uuid.UUID
    vendor: str
    property_ref: str
    room_type_id: uuid.UUID
    rooms: dict[str, uuid.UUID]


class PlainDoor:
    """A door with few rules: the secret in a header or as an HMAC of the raw body, ids and refs as top-level keys."""

    vendor = "beds24"
    header: str | None = "X-Secret"

    def verify(self, delivery: Delivery, secrets: Sequence[str], *, now: datetime) -> None:  # noqa: ARG002
        """Accept the secret itself, or a signature made with it over the bytes as they came."""
        given = delivery.headers.get("x-secret", "").encode()
        signature = delivery.headers.get("x-signature", "")
        for secret in secrets:
            made = hmac.new(secret.encode(), delivery.body, "sha256").hexdigest()
            if hmac.compare_digest(given, secret.encode()) or hmac.compare_digest(signature, made):
                return
        raise DeliveryRefused(401, "no secret fits")

    def delivery_id(self, delivery: Delivery) -> str | None:
        """Return the key `event`, where there is one."""
        found: str | None = msgspec.json.decode(delivery.body).get("event")
        return found

    def read(self, body: bytes) -> list[VendorEvent]:
        """Return one hint per id under `bookings`."""
        try:
            told = msgspec.json.decode(body)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
            raise MappingRejected("$", body[:50], "not JSON") from error
        if not isinstance(told, dict) or not isinstance(told.get("bookings"), list):
            raise MappingRejected("$.bookings", told, "no list of bookings")
        return [
            VendorEvent(stream="reservations", ref=str(ref), property_ref=told.get("property"))
            for ref in told["bookings"]
        ]


def with_database(dsn: str, name: str) -> str:
    """Return the address of another database of the same server."""
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{name}"))


async def run_sql(dsn: str, *statements: str) -> None:
    """Run statements outside a transaction, as databases can only be created that way."""
    connection = await asyncpg.connect(dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def templates() -> dict[str, str]:
    """Remember, per server, the migrated template this worker already made."""
    return {}


@pytest_asyncio.fixture
async def migrated_database(postgres: Postgres, templates: dict[str, str]) -> AsyncIterator[str]:
    """Give the address of a database at head, copied from a template that each worker migrates once."""
    server = postgres.dsn("postgres")
    if server not in templates:
        template = f"pms_sync_template_{_NUMBER}_{os.getpid()}"
        await run_sql(server, f"DROP DATABASE IF EXISTS {template}", f"CREATE DATABASE {template}")
        await migrate(with_database(server, template))
        templates[server] = template
    name = f"pms_sync_test_{uuid.uuid4().hex}"
    await run_sql(server, f"CREATE DATABASE {name} TEMPLATE {templates[server]} STRATEGY FILE_COPY")
    yield with_database(server, name)
    await run_sql(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest_asyncio.fixture
async def database(migrated_database: str) -> AsyncIterator[Database]:
    """Open the worker's pool on a migrated database."""
    opened = await Database.connect(migrated_database, size=4)
    yield opened
    await opened.close()


@pytest.fixture
def keys() -> KeyRing:
    """Give a key ring with a fixed master key; the hotel's tenant key is made with the hotel."""
    return KeyRing(MASTER_KEY)


@pytest_asyncio.fixture
async def hotel(database: Database, keys: KeyRing) -> Hotel:
    """Store tenant t1, property P1 (Madrid, EUR) with DBL 101-103 and one account, mapped to our codes."""
    made = Hotel(
        tenant_id=uuid.uuid4(),
        tenant_code="t1",
        property_id=uuid.uuid4(),
        property_code="P1",
        account_id=uuid.uuid4(),
        vendor="beds24",
        property_ref="7",
        room_type_id=uuid.uuid4(),
        rooms={code: uuid.uuid4() for code in ("101", "102", "103")},
    )
    async with database.transaction() as connection:
        await connection.execute("INSERT INTO tenants (tenant_id, code) VALUES ($1, $2)", made.tenant_id, "t1")
        await use_tenant(connection, made.tenant_id)
        await keys.ensure(connection, made.tenant_id)
        await _insert_property(connection, made)
        await _insert_rooms(connection, made)
        await _insert_crosswalk(connection, made)
    return made


async def _insert_property(connection: Any, hotel: Hotel) -> None:
    await connection.execute(
        "INSERT INTO properties (tenant_id, property_id, code, name, timezone, currency) "
        "VALUES ($1, $2, $3, 'Hotel One', 'Europe/Madrid', 'EUR')",
        hotel.tenant_id,
        hotel.property_id,
        hotel.property_code,
    )
    await connection.execute(
        "INSERT INTO accounts (tenant_id, account_id, property_id, vendor, property_ref, role) "
        "VALUES ($1, $2, $3, $4, $5, 'channel_manager')",
        hotel.tenant_id,
        hotel.account_id,
        hotel.property_id,
        hotel.vendor,
        hotel.property_ref,
    )


async def _insert_rooms(connection: Any, hotel: Hotel) -> None:
    await connection.execute(
        "INSERT INTO room_types (tenant_id, room_type_id, property_id, code, name) "
        "VALUES ($1, $2, $3, 'DBL', 'Double')",
        hotel.tenant_id,
        hotel.room_type_id,
        hotel.property_id,
    )
    for code, room_id in hotel.rooms.items():
        await connection.execute(
            "INSERT INTO rooms (tenant_id, room_id, property_id, room_type_id, code) VALUES ($1, $2, $3, $4, $5)",
            hotel.tenant_id,
            room_id,
            hotel.property_id,
            hotel.room_type_id,
            code,
        )
        await connection.execute(
            "INSERT INTO room_units (tenant_id, room_id, unit_id) VALUES ($1, $2, $2)", hotel.tenant_id, room_id
        )


async def _insert_crosswalk(connection: Any, hotel: Hotel) -> None:
    pairs = [("room_type", "55", "DBL"), ("room", "55/1", "101"), ("room", "55/2", "102"), ("room", "55/3", "103")]
    await connection.executemany(
        "INSERT INTO crosswalk (tenant_id, account_id, kind, vendor_code, our_code) VALUES ($1, $2, $3, $4, $5)",
        [(hotel.tenant_id, hotel.account_id, *pair) for pair in pairs],
    )


@pytest.fixture
def plain_door() -> PlainDoor:
    """Give a door that is easy to write deliveries for."""
    return PlainDoor()


@pytest.fixture
def bare_machine(tmp_path: Path) -> Machine:
    """Give a machine on which nothing was ever set up."""
    return Machine(tmp_path)


@pytest.fixture
def machine(tmp_path: Path, migrated_database: str) -> Machine:
    """Give a machine over a server database at head, with its master key and no hotel yet."""
    return Machine(tmp_path, DATABASE_URL=migrated_database, MASTER_KEY=command_line.MASTER_KEY)


@pytest.fixture(scope="module")
def simulated_vendor() -> Iterator[Vendor]:
    """Keep one simulated vendor for a module; `vendor` begins a fresh world in it."""
    vendor = Vendor()
    yield vendor
    vendor.close()
