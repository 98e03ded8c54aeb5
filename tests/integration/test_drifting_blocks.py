"""Blocks that change behind our back, at every vendor that lists them apart from its bookings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from tests.integration.drifting_hotel import BLOCKS, VENDORS, House, running_hotel
from tests.integration.reconciled_hotel import written

APART = [vendor for vendor in VENDORS if vendor != "beds24"]
DAYS = range(1, 13, 4)


class Blocked:
    """The house with some rooms out of use, all of them read; `refs` names the blocks."""

    def __init__(self, house: House, refs: list[str]) -> None:
        self.house, self.refs = house, refs

    async def blocks(self) -> dict[str, dict[str, Any]]:
        """Return what the store holds of the blocks."""
        found = await self.house.rows(
            "SELECT l.vendor_ref, b.arrival, b.gone FROM blocks b JOIN links l "
            "ON l.tenant_id = b.tenant_id AND l.object_id = b.block_id AND l.level = 'block'"
        )
        return {row["vendor_ref"]: row for row in found}


@pytest_asyncio.fixture(params=APART)
async def blocked(request: pytest.FixtureRequest, database: Database, keys: KeyRing) -> AsyncIterator[Blocked]:
    """Give a hotel at each of these vendors in turn, with bookings too."""
    async with running_hotel(request.param, database, keys) as house:
        await house.book()
        refs = [await house.block(day) for day in DAYS]
        for stream in ("reservations", BLOCKS):
            await house.poll(stream)
        yield Blocked(house, refs)


async def test_equal_blocks_are_proven_and_nothing_else_is_written(blocked: Blocked, migrated_database: str) -> None:
    """OPS-03; bookings have a proof of their own."""
    before = await written(migrated_database)
    told = await blocked.house.run(BLOCKS)
    assert (told["compared"], told["drift"], told["proof"]["equal"]) == (len(blocked.refs), {}, True)
    after = await written(migrated_database)
    assert {name: count - before[name] for name, count in after.items() if count != before[name]} == {"proofs": 1}
    assert await blocked.house.rows("SELECT stream, equal FROM proofs") == [{"stream": "blocks", "equal": True}]
    assert (await blocked.house.run())["proof"]["equal"]


async def test_a_block_that_moved_silently_is_found_and_moved(blocked: Blocked, migrated_database: str) -> None:
    house, [moved, *_] = blocked.house, blocked.refs
    await house.move(moved, 20)
    await house.follow()
    assert str((await blocked.blocks())[moved]["arrival"]) == "2027-06-01"
    before = await written(migrated_database)
    assert (await house.run(BLOCKS, dry=True))["drift"] == {"field": 1}
    assert await written(migrated_database) == before
    told = await house.run(BLOCKS)
    assert (told["drift"], told["healed"], told["proof"]["equal"]) == ({"field": 1}, 1, True)
    assert str((await blocked.blocks())[moved]["arrival"]) == "2027-06-20"
    assert (await house.run(BLOCKS))["drift"] == {}


async def test_a_block_that_nothing_tells_of_is_brought_in(blocked: Blocked) -> None:
    house = blocked.house
    made = await house.block(20)
    await house.follow()
    told = await house.run(BLOCKS)
    assert (told["drift"], told["healed"], told["proof"]["equal"]) == ({"missing_here": 1}, 1, True)
    assert (await blocked.blocks())[made]["gone"] is False


async def test_a_block_that_is_lifted_is_believed_where_it_is_shown_and_asked_about_where_it_is_not(
    blocked: Blocked,
) -> None:
    """CUR-18: a block that a vendor goes on listing as deleted has ended; of one that it does not a person decides."""
    house, [lifted, *_] = blocked.house, blocked.refs
    await house.change("delete", ref=lifted)
    told = [await house.run(BLOCKS) for _ in range(2)]
    [link] = await house.rows(f"SELECT missing_reads FROM links WHERE vendor_ref = '{lifted}'")
    asked = await house.rows("SELECT kind FROM cases WHERE state = 'open'")
    gone = (await blocked.blocks())[lifted]["gone"]
    if house.vendor.shows_lifted:
        assert [one["drift"] for one in told] == [{"field": 1}, {}]
        assert (told[1]["proof"]["equal"], gone, link["missing_reads"], asked) == (True, True, 0, [])
    else:
        assert [one["drift"] for one in told] == [{"missing_there": 1}] * 2
        assert (told[1]["proof"]["equal"], gone, link["missing_reads"]) == (False, False, 2)
        assert asked == [{"kind": "vanished"}]


async def test_a_list_that_lost_its_blocks_changes_nothing_and_asks(database: Database, keys: KeyRing) -> None:
    """ARCHITECTURE §7, valve: a question of its own, which a run over the bookings does not answer."""
    async with running_hotel("cloudbeds", database, keys) as house:
        refs = [await house.block(day) for day in range(1, 25, 2)]
        for stream in ("reservations", BLOCKS):
            await house.poll(stream)
        for ref in refs:
            await house.change("delete", ref=ref)
        told = await house.run(BLOCKS)
        assert (told["drift"], told["refused"], told["proof"]["equal"]) == ({"missing_there": 12}, 12, False)
        assert (await house.run())["proof"]["equal"]
        asked = "SELECT subject, fields->0->>'path' AS path FROM cases WHERE state = 'open' AND kind = 'mass_change'"
        subject = f"{house.runtime.account.account_id}/blocks"
        assert await house.rows(asked) == [{"subject": subject, "path": "blocks"}]
        assert await house.rows("SELECT 1 FROM links WHERE missing_reads > 0") == []
