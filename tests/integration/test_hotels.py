"""Hotel files in the store: upserted, never deleting, and noticed by whoever remembers the old state."""

from __future__ import annotations

import uuid
from typing import Any

import msgspec
import pytest

from pms_sync.store import accounts, crosswalk, hotels
from pms_sync.store.accounts import Account
from pms_sync.store.database import Database
from pms_sync.store.hotels import AccountFacts, PropertyFacts, RoomTypeFacts

DBL = RoomTypeFacts(code="DBL", rooms=("101", "102"))
PRADO = PropertyFacts(code="P1", name="Hotel Prado", timezone="Europe/Madrid", currency="EUR", room_types=(DBL,))
LOGIN = AccountFacts(vendor="beds24", role="channel_manager", property_ref="7")


class Book:
    """The store as the hotel files write it."""

    def __init__(self, database: Database, tenant_id: uuid.UUID) -> None:
        self.database, self.tenant_id = database, tenant_id

    async def write(self, place: PropertyFacts = PRADO, login: AccountFacts = LOGIN) -> Account:
        """Write both and return the account as it is then."""
        async with self.database.transaction(self.tenant_id) as connection:
            property_id = await hotels.upsert_property(connection, self.tenant_id, place, uuid.uuid4)
            account_id = await hotels.upsert_account(connection, self.tenant_id, property_id, login, uuid.uuid4)
            [account] = await accounts.load(connection, [account_id])
        return account

    async def catalogue(self, account: Account) -> Any:
        """Return our codes as the worker sees them."""
        async with self.database.transaction(self.tenant_id) as connection:
            return await crosswalk.load_catalogue(connection, self.tenant_id, account.property_id)


@pytest.fixture
async def book(database: Database) -> Book:
    """Give a store with a tenant and nothing else."""
    async with database.transaction() as connection:
        return Book(database, await hotels.ensure_tenant(connection, "t1", uuid.uuid4))


async def test_a_file_read_again_changes_nothing(book: Book) -> None:
    first, second = await book.write(), await book.write()
    assert first == second


async def test_a_new_room_joins_its_type_and_moves_the_catalogues_version(book: Book) -> None:
    before = await book.write()
    more = PropertyFacts(
        code="P1",
        name="Hotel Prado",
        timezone="Europe/Madrid",
        currency="EUR",
        room_types=(RoomTypeFacts(code="DBL", rooms=("101", "102", "103"), allowance=1),),
    )
    after = await book.write(more)
    catalogue = await book.catalogue(after)
    assert after.catalogue_version > before.catalogue_version
    assert sorted(catalogue.rooms) == ["101", "102", "103"]
    assert list(catalogue.totals.values()) == [3]
    assert list(catalogue.allowances.values()) == [1]
    assert all(units == (room,) for room, units in catalogue.units.items())


async def test_what_a_file_no_longer_names_stays(book: Book) -> None:
    await book.write()
    bare = PropertyFacts(code="P1", name="Hotel Prado", timezone="Europe/Madrid", currency="EUR")
    assert sorted((await book.catalogue(await book.write(bare))).rooms) == ["101", "102"]


@pytest.mark.parametrize("change", [{"currency": "USD"}, {"timezone": "Atlantic/Canary"}])
async def test_another_currency_or_time_zone_moves_the_crosswalks_version(book: Book, change: dict[str, str]) -> None:
    """What was received before was mapped with the old one, and must be mapped anew."""
    before = await book.write()
    moved = await book.write(msgspec.structs.replace(PRADO, **change))
    again = await book.write(msgspec.structs.replace(PRADO, **change))
    renamed = await book.write(msgspec.structs.replace(PRADO, name="Prado", **change))
    assert before.crosswalk_version < moved.crosswalk_version == again.crosswalk_version == renamed.crosswalk_version


async def test_a_code_mapped_anew_moves_the_crosswalks_version(book: Book) -> None:
    first = await book.write(login=_mapped({"55": "DBL"}))
    again = await book.write(login=_mapped({"55": "DBL"}))
    moved = await book.write(login=_mapped({"55": "DBL", "56": "DBL"}))
    assert first.crosswalk_version == again.crosswalk_version < moved.crosswalk_version


async def test_the_mode_is_the_last_word_said(book: Book) -> None:
    account = await book.write()
    async with book.database.connection() as connection:
        await accounts.set_mode(connection, account.account_id, "live")
    assert (await book.write()).mode == "live"
    live = _with_mode("live")
    assert (await book.write(login=live)).mode == "live"
    assert (await book.write()).mode == "shadow"


def _mapped(codes: dict[str, str]) -> AccountFacts:
    return AccountFacts(
        vendor="beds24", role="channel_manager", property_ref="7", crosswalk={"room_type": codes, "room": {}}
    )


def _with_mode(mode: str) -> AccountFacts:
    return AccountFacts(vendor="beds24", role="channel_manager", property_ref="7", mode=mode)
