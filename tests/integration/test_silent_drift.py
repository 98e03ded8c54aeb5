"""Silent drift at every vendor: changed behind our back, found by comparing, healed by reading, proven equal."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from pms_sync.domain.errors import VendorFault
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from tests.integration.drifting_hotel import VENDORS, House, running_hotel
from tests.integration.reconciled_hotel import written

DAYS = range(1, 13, 3)
LATER = {"arrival": "2027-05-20", "departure": "2027-05-23"}
CLASSED: Mapping[str, dict[str, Any]] = {
    "price": {"total": "250.00"},
    "field": {"room_stays": [LATER]},
}


class Mirrored:
    """The house with some bookings to come, all of them read; `refs` names their stays."""

    def __init__(self, house: House, refs: list[str]) -> None:
        self.house, self.refs = house, refs

    async def stays(self) -> dict[str, dict[str, Any]]:
        """Return what the store holds of the stays."""
        found = await self.house.rows("SELECT vendor_ref, arrival, status, total FROM room_stays")
        return {row["vendor_ref"]: row for row in found}


@pytest_asyncio.fixture(params=VENDORS)
async def mirrored(request: pytest.FixtureRequest, database: Database, keys: KeyRing) -> AsyncIterator[Mirrored]:
    """Give a hotel at each of the vendors in turn."""
    async with running_hotel(request.param, database, keys) as house:
        refs = [await house.book(day) for day in DAYS]
        await house.poll("reservations")
        await house.follow()
        yield Mirrored(house, refs)


async def test_equal_sides_are_proven_and_nothing_else_is_written(mirrored: Mirrored, migrated_database: str) -> None:
    """OPS-03."""
    before = await written(migrated_database)
    told = await mirrored.house.run()
    assert (told["compared"], told["drift"], told["proof"]["equal"]) == (len(mirrored.refs), {}, True)
    after = await written(migrated_database)
    assert {name: count - before[name] for name, count in after.items() if count != before[name]} == {"proofs": 1}


@pytest.mark.parametrize("kind", CLASSED)
async def test_a_change_that_nothing_tells_of_is_found_classed_and_healed(
    mirrored: Mirrored, migrated_database: str, kind: str
) -> None:
    """OPS-02; a list that only names its objects tells that they differ, and not in which way."""
    house, [changed, *_] = mirrored.house, mirrored.refs
    await house.quietly(changed, **CLASSED[kind])
    await house.follow()
    assert (await mirrored.stays())[changed]["total"] == Decimal(200)
    before = await written(migrated_database)
    shown = kind if house.vendor.whole else "field"
    dry = await house.run(dry=True)
    assert (dry["drift"], dry["healed"], dry["proof"]["equal"]) == ({shown: 1}, 0, False)
    assert await written(migrated_database) == before
    told = await house.run()
    assert (told["drift"], told["healed"], told["proof"]["equal"]) == ({shown: 1}, 1, True)
    truth = (await house.told(changed))["room_stays"][0]
    stay = (await mirrored.stays())[changed]
    assert (str(stay["arrival"]), stay["total"]) == (truth["arrival"], Decimal(truth["total"]))
    assert (await house.run())["drift"] == {}


async def test_a_booking_that_nothing_tells_of_is_brought_in(mirrored: Mirrored) -> None:
    house = mirrored.house
    made = await house.book(20)
    await house.follow()
    assert made not in await mirrored.stays()
    assert (await house.run(dry=True))["drift"] == {"missing_here": 1}
    told = await house.run()
    assert (told["drift"], told["healed"], told["proof"]["equal"]) == ({"missing_here": 1}, 1, True)
    assert (await mirrored.stays())[made]["status"] == "confirmed"
    assert (await house.run())["drift"] == {}


async def test_a_booking_that_is_gone_is_asked_about_twice_and_given_to_a_person(mirrored: Mirrored) -> None:
    """CUR-18: never deleted here; and once a person is asked, it is not read again."""
    house, [gone, *_] = mirrored.house, mirrored.refs
    await house.change("delete", ref=(await house.told(gone))["ref"])
    assert (await house.run(dry=True))["drift"] == {"missing_there": 1}
    assert await house.rows("SELECT kind FROM cases") == []
    for _ in range(2):
        told = await house.run()
        assert (told["drift"], told["healed"], told["proof"]["equal"]) == ({"missing_there": 1}, 0, False)
        assert (await mirrored.stays())[gone]["status"] == "confirmed"
        assert await house.rows("SELECT kind FROM cases WHERE state = 'open'") == [{"kind": "vanished"}]
        [link] = await house.rows(f"SELECT missing_reads FROM links WHERE level = 'stay' AND vendor_ref = '{gone}'")
        assert link["missing_reads"] == 2


async def test_a_listing_that_breaks_off_misses_nothing(mirrored: Mirrored) -> None:
    """Absence counts only in a complete, error-free listing (ARCHITECTURE §7)."""
    house, [gone, *_] = mirrored.house, mirrored.refs
    await house.change("delete", ref=(await house.told(gone))["ref"])
    await house.desk.sim("faults", faults=[{"kind": "truncate"}])
    with pytest.raises(VendorFault):
        await house.run()
    assert await house.rows("SELECT 1 FROM drift UNION ALL SELECT 1 FROM proofs UNION ALL SELECT 1 FROM cases") == []


async def test_a_booking_deleted_before_we_knew_of_it_is_no_difference(mirrored: Mirrored) -> None:
    """Some lists go on showing what was deleted: there is nothing to bring in."""
    house = mirrored.house
    made = await house.book(20)
    await house.change("delete", ref=(await house.told(made))["ref"])
    told = await house.run()
    assert (told["drift"], told["proof"]["equal"]) == ({}, True)
