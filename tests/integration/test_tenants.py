"""Tenants: the same vendor ids in two of them never meet, and the database itself keeps them apart."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import asyncpg
import msgspec
import pytest

from pms_sync.apply.batch import Applier
from pms_sync.apply.incoming import Incoming, Outcome
from pms_sync.domain.reservation import Revision, Stay
from pms_sync.domain.status import Status
from pms_sync.store import accounts, crosswalk, hotels, lanes
from pms_sync.store.database import Database
from pms_sync.store.hotels import AccountFacts, PropertyFacts, RoomTypeFacts
from pms_sync.store.sealing import KeyRing

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
APP = "pms_sync_app"


class Clock:
    """A clock that stands still."""

    def now(self) -> datetime:
        return NOON

    def monotonic(self) -> float:
        return 0.0


def booking() -> Revision:
    """Build booking 42 in room 101 for one night."""
    stay = Stay(
        ref="42",
        room_type_ref="55",
        room_ref="55/1",
        room_type="DBL",
        room="101",
        arrival=date(2026, 3, 10),
        departure=date(2026, 3, 11),
        status=Status.CONFIRMED,
        total=Decimal(100),
    )
    return Revision(
        vendor="beds24", ref="42", property_ref="7", version="1", scope="stay", status=Status.CONFIRMED,
        currency="EUR", total=Decimal(100), room_stays=(stay,),
    )  # fmt: skip


class House:
    """One tenant's hotel."""

    def __init__(self, database: Database, keys: KeyRing, tenant_id: uuid.UUID, account_id: uuid.UUID) -> None:
        self.database, self.keys = database, keys
        self.tenant_id, self.account_id = tenant_id, account_id

    async def apply(self) -> Outcome:
        """Apply booking 42 as if the vendor had just shown it."""
        body = msgspec.json.encode(booking())
        async with self.database.transaction(self.tenant_id) as connection:
            [account] = await accounts.load(connection, [self.account_id])
            record = Incoming(
                account=account,
                lane_key=lanes.lane_key(self.account_id, "reservations", "42"),
                stream="reservations",
                ref="42",
                kind="poll",
                mapped=booking(),
                body=body,
                raw_id=None,
                digest=hashlib.sha256(body).digest(),
                ticket=await lanes.read_ticket(connection),
                direct=False,
                correlation_id="c1",
            )
            places = {
                account.property_id: await crosswalk.load_catalogue(connection, self.tenant_id, account.property_id)
            }
            applier = Applier(self.keys, Clock(), uuid.uuid4)
            [outcome] = (await applier.apply(connection, self.tenant_id, [record], places)).values()
        return outcome


@pytest.fixture
async def houses(database: Database, keys: KeyRing) -> list[House]:
    """Give two tenants with a property P1 each, both mirrored from property 7 of one vendor."""
    found = []
    kind = RoomTypeFacts(code="DBL", rooms=("101",))
    place = PropertyFacts(code="P1", name="Hotel", timezone="Europe/Madrid", currency="EUR", room_types=(kind,))
    login = AccountFacts(vendor="beds24", role="channel_manager", property_ref="7")
    for code in ("t1", "t2"):
        async with database.transaction() as connection:
            tenant_id = await hotels.ensure_tenant(connection, code, uuid.uuid4)
            await keys.ensure(connection, tenant_id)
        async with database.transaction(tenant_id) as connection:
            property_id = await hotels.upsert_property(connection, tenant_id, place, uuid.uuid4)
            account_id = await hotels.upsert_account(connection, tenant_id, property_id, login, uuid.uuid4)
        found.append(House(database, keys, tenant_id, account_id))
    return found


@pytest.fixture
async def app(migrated_database: str) -> AsyncIterator[Any]:
    """Connect as the role of pages and API."""
    connection = await asyncpg.connect(migrated_database)
    await connection.execute(f"SET ROLE {APP}")
    yield connection
    await connection.close()


async def test_one_vendor_id_in_two_tenants_is_two_reservations(houses: list[House], database: Database) -> None:
    """DUP-07: neither a cross-talk of identity keys nor of rooms."""
    assert [await house.apply() for house in houses] == [Outcome.NEW, Outcome.NEW]
    for house in houses:
        async with database.transaction(house.tenant_id) as connection:
            [row] = await connection.fetch("SELECT claim_state FROM room_stays")
            assert row["claim_state"] == "claimed"
            assert await connection.fetchval("SELECT count(*) FROM reservations") == 1


async def test_without_a_tenant_the_app_sees_nothing_at_all(houses: list[House], app: Any) -> None:
    """SEC-03: row-level security fails closed."""
    await houses[0].apply()
    for table in ("reservations", "room_stays", "links", "events", "accounts", "audit_log"):
        assert await app.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_a_tenant_reads_and_writes_its_own_rows_only(houses: list[House], app: Any) -> None:
    """SEC-03: wrong tenant, and the setting ends with its transaction."""
    for house in houses:
        await house.apply()
    mine, other = (house.tenant_id for house in houses)
    async with app.transaction():
        await app.execute("SELECT set_config('pms_sync.tenant', $1, true)", str(mine))
        assert await app.fetchval("SELECT array_agg(DISTINCT tenant_id) FROM reservations") == [mine]
        assert await app.execute("UPDATE reservations SET channel = 'x' WHERE tenant_id = $1", other) == "UPDATE 0"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with app.transaction():
                await app.execute(
                    "INSERT INTO room_claims (tenant_id, unit_id, date, slot, holder_id) "
                    "VALUES ($1, gen_random_uuid(), '2026-03-10', 'night', gen_random_uuid())",
                    other,
                )
    assert await app.fetchval("SELECT count(*) FROM reservations") == 0


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_log SET actor = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"]
)
async def test_the_audit_log_cannot_be_rewritten(houses: list[House], app: Any, statement: str) -> None:
    """SEC-20."""
    await houses[0].apply()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.execute(statement)
