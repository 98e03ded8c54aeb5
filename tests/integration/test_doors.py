"""Doors: their addresses, two secrets at a time, and a book that wrong tokens cannot wear out."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec
import pytest

from pms_sync.domain.errors import ConfigurationFault, Unavailable
from pms_sync.store import doors
from pms_sync.store.database import Database
from pms_sync.store.doors import DoorAddress, DoorBook
from pms_sync.store.sealing import KeyRing

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
KEY = bytes(range(32))


class Watch:
    """A monotonic reading the test moves."""

    def __init__(self) -> None:
        """Begin anywhere."""
        self.at = 100.0

    def __call__(self) -> float:
        """Return the reading."""
        return self.at


async def built(database: Database, keys: KeyRing, hotel: Any, client: str = "client 1") -> DoorAddress:
    """Build the door of one client of the hotel's vendor."""
    async with database.transaction() as connection:
        return await doors.ensure(connection, keys, hotel.tenant_id, hotel.vendor, client)


async def test_a_client_keeps_its_door_and_two_clients_have_two(database: Database, keys: KeyRing, hotel: Any) -> None:
    first, again = await built(database, keys, hotel), await built(database, keys, hotel)
    other = await built(database, keys, hotel, "client 2")
    assert (first.is_new, again.is_new, other.is_new) == (True, False, True)
    assert msgspec.structs.replace(first, is_new=False) == again
    assert {first.token, first.secret}.isdisjoint({other.token, other.secret})
    assert len(first.token) >= 43


async def test_neither_token_nor_secret_stands_in_the_table(database: Database, keys: KeyRing, hotel: Any) -> None:
    door = await built(database, keys, hotel)
    async with database.connection() as connection:
        row = await connection.fetchval("SELECT doors::text FROM doors")
    for hidden in (door.token, door.secret):
        assert hidden not in row
        assert hidden.encode().hex() not in row


async def test_a_door_is_found_by_its_whole_token_only(database: Database, keys: KeyRing, hotel: Any) -> None:
    door = await built(database, keys, hotel)
    async with database.connection() as connection:
        found = await doors.find_by_token(connection, KeyRing(KEY), door.token)
        assert found is not None
        assert (found.tenant_id, found.secret) == (hotel.tenant_id, door.secret)
        for wrong in ("", door.token[:-1], door.token + "x", door.token.swapcase()):
            assert await doors.find_by_token(connection, keys, wrong) is None


async def test_after_a_rotation_two_secrets_are_valid_until_the_old_one_ends(
    database: Database, keys: KeyRing, hotel: Any
) -> None:
    """ING-06."""
    door = await built(database, keys, hotel)
    async with database.transaction() as connection:
        new = await doors.rotate(connection, keys, hotel.tenant_id, hotel.vendor, "client 1", now=NOW)
        found = await doors.find_by_token(connection, keys, door.token)
    assert found is not None
    assert found.secrets(NOW) == (new, door.secret)
    assert found.secrets(NOW + timedelta(hours=24, microseconds=-1)) == (new, door.secret)
    assert found.secrets(NOW + timedelta(hours=24)) == (new,)


async def test_a_second_rotation_retires_the_oldest_secret(database: Database, keys: KeyRing, hotel: Any) -> None:
    door = await built(database, keys, hotel)
    async with database.transaction() as connection:
        second = await doors.rotate(connection, keys, hotel.tenant_id, hotel.vendor, "client 1", now=NOW)
        third = await doors.rotate(connection, keys, hotel.tenant_id, hotel.vendor, "client 1", now=NOW)
        found = await doors.find_by_token(connection, keys, door.token)
    assert found is not None
    assert found.secrets(NOW) == (third, second)


async def test_rotating_a_door_that_is_not_there_says_so(database: Database, keys: KeyRing, hotel: Any) -> None:
    with pytest.raises(ConfigurationFault, match="no door"):
        async with database.transaction() as connection:
            await doors.rotate(connection, keys, hotel.tenant_id, hotel.vendor, "nobody", now=NOW)


async def test_a_thousand_wrong_tokens_cost_one_read_and_no_memory(
    database: Database, keys: KeyRing, hotel: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ING-05, as the database sees it."""
    door = await built(database, keys, hotel)
    reads = []
    whole = doors.load_all

    async def counted(*arguments: Any) -> Any:
        reads.append(1)
        return await whole(*arguments)

    monkeypatch.setattr(doors, "load_all", counted)
    book = DoorBook(database, keys, Watch())
    for _ in range(1000):
        assert await book.find(uuid4().hex) is None
    found = await book.find(door.token)
    assert found is not None
    assert found.door_id == door.door_id
    assert len(reads) == 1
    assert len(book._doors) == 1


async def test_a_new_door_of_a_new_tenant_opens_once_the_book_is_read_again(
    database: Database, keys: KeyRing, hotel: Any
) -> None:
    watch, elsewhere = Watch(), KeyRing(KEY)
    book = DoorBook(database, keys, watch, ttl_s=2)
    await book.refresh()
    tenant_id = uuid4()
    async with database.transaction() as connection:
        await connection.execute("INSERT INTO tenants (tenant_id, code) VALUES ($1, 't2')", tenant_id)
        door = await doors.ensure(connection, elsewhere, tenant_id, hotel.vendor, "client 1")
    assert await book.find(door.token) is None
    watch.at += 2
    found = await book.find(door.token)
    assert found is not None
    assert found.tenant_id == tenant_id


async def test_without_a_database_known_doors_serve_on_and_others_are_told_to_wait(
    database: Database, keys: KeyRing, hotel: Any
) -> None:
    door, watch = await built(database, keys, hotel), Watch()
    book = DoorBook(database, keys, watch)
    await book.refresh()
    database.pool.terminate()
    watch.at += 60
    assert await book.find(door.token) is not None
    with pytest.raises(Unavailable):
        await book.find("unknown")
    await book.aclose()
