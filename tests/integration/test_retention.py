"""Raw records past their months go, a month at a time; what waits, and what stands, keeps its own."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import asyncpg
import pytest

from pms_sync.store import retention
from pms_sync.store.database import Database
from tests.integration.command_line import Machine, Vendor

TODAY = date(2026, 11, 25)
OLD = "raw_records_2020_01"


@pytest.fixture
def account(machine: Machine, simulated_vendor: Vendor) -> str:
    """Give an account at a small hotel."""
    words = ("accounts", "add", "beds24", "--property", "P1", "--credential", machine.at_hotel(simulated_vendor))
    account_id: str = machine.invoke(*words, "--json").document["account_id"]
    return account_id


async def partition(connection: Any, start: str, end: str) -> None:
    """Make one month's partition, as the owner."""
    name = f"raw_records_{start[:7].replace('-', '_')}"
    await connection.execute(f"CREATE TABLE {name} PARTITION OF raw_records FOR VALUES FROM ('{start}') TO ('{end}')")


def aged(machine: Machine) -> None:
    """Make everything that was read six years old."""

    async def age() -> None:
        connection = await asyncpg.connect(machine.settings["DATABASE_URL"])
        await partition(connection, "2020-01-01", "2020-02-01")
        await connection.execute("SET ROLE pms_sync_worker")
        await connection.execute("UPDATE raw_records SET recorded_at = '2020-01-15'")
        await connection.close()

    asyncio.run(age())


def dropped(machine: Machine) -> list[str]:
    """Let retention do its work once, as the daemon does."""

    async def drop() -> list[str]:
        database = await Database.connect(machine.settings["DATABASE_URL"])
        try:
            async with database.connection() as connection:
                return await retention.drop_old_months(connection, TODAY, 13)
        finally:
            await database.close()

    return asyncio.run(drop())


def asked(machine: Machine, statement: str) -> Any:
    """Read one value as the owner."""

    async def ask() -> Any:
        connection = await asyncpg.connect(machine.settings["DATABASE_URL"])
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(ask())


async def test_whole_months_go_once_the_last_of_the_kept_ones_is_over(
    database: Database, migrated_database: str
) -> None:
    owner = await asyncpg.connect(migrated_database)
    for start, end in (("2020-01-01", "2020-02-01"), ("2025-09-01", "2025-10-01"), ("2025-10-01", "2025-11-01")):
        await partition(owner, start, end)
    await owner.close()
    async with database.connection() as connection:
        assert await retention.drop_old_months(connection, TODAY, 14) == [OLD]
        assert await retention.drop_old_months(connection, TODAY, 13) == ["raw_records_2025_09"]
        assert await retention.drop_old_months(connection, TODAY, 13) == []
        assert await connection.fetchval("SELECT to_regclass('raw_records_2025_10') IS NOT NULL")
        assert await connection.fetchval("SELECT current_user::text") == "pms_sync_worker"


async def test_what_is_busy_is_left_for_the_next_time(database: Database, migrated_database: str) -> None:
    owner = await asyncpg.connect(migrated_database)
    await partition(owner, "2020-01-01", "2020-02-01")
    async with database.connection() as connection:
        async with owner.transaction():
            await owner.execute(f"LOCK TABLE {OLD} IN ACCESS SHARE MODE")
            assert await retention.drop_old_months(connection, TODAY, 13) == []
        assert await retention.drop_old_months(connection, TODAY, 13) == [OLD]
    await owner.close()


def test_what_is_held_of_an_object_needs_no_raw_record(machine: Machine, account: str) -> None:
    """Replay leaves out what it cannot replay any more, and says so; nothing changes by it."""
    read = machine.invoke("backfill", "--account", account, "--json").document["records"]
    aged(machine)
    assert dropped(machine) == [OLD]
    told = machine.invoke("replay", "--all", "--json").document
    standing = asked(machine, "SELECT count(*) FROM raw_records")
    assert told == {"replayed": standing, "changed": 0, "parked": 0, "gone": read - standing}
    assert standing < read
    assert f"{read - standing} objects cannot be replayed" in machine.invoke("replay", "--all").stdout
    again = machine.invoke("backfill", "--account", account, "--json").document
    assert (again["records"], again["parked"]) == (read, 0)
    assert asked(machine, "SELECT count(*) FROM cases") == 0


def test_a_month_that_a_parked_row_points_into_stays_until_it_is_done(
    machine: Machine, account: str, simulated_vendor: Vendor
) -> None:
    ref = min(one["ref"] for one in simulated_vendor.ask("truth")["reservations"])
    simulated_vendor.order("change", op="modify", ref=ref, vendor={"subStatus": "hovering"}, silent=True)
    machine.invoke("backfill", "--account", account)
    aged(machine)
    assert dropped(machine) == []
    assert machine.invoke("replay", "--parked", "--json").document["replayed"] == 1
    simulated_vendor.order("change", op="modify", ref=ref, vendor={"subStatus": ""}, silent=True)
    machine.invoke("backfill", "--account", account)
    assert asked(machine, "SELECT count(*) FROM events WHERE state = 'parked'") == 0
    assert dropped(machine) == [OLD]


def test_a_block_that_still_stands_keeps_its_record(machine: Machine, account: str, simulated_vendor: Vendor) -> None:
    """A room closed for years is compared by the stream its record came with."""
    stay = {"arrival": "2027-03-01", "departure": "2030-03-01"}
    simulated_vendor.order("change", op="create", vendor={"status": "black", **stay}, silent=True)
    machine.invoke("backfill", "--account", account, "--to", "2031-01-01")
    machine.invoke("poll-once")
    standing = "SELECT count(*) FROM links l JOIN raw_records r USING (raw_id) WHERE l.level = 'block'"
    blocks = asked(machine, standing)
    aged(machine)
    assert dropped(machine) == [OLD]
    assert blocks >= 1
    assert asked(machine, standing) == blocks
    assert asked(machine, "SELECT min(recorded_at) > now() - interval '1 day' FROM raw_records")
