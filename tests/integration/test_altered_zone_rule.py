"""A government moves the clocks: the zone's rule is another one when the program starts again."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from tests.integration.drifting_hotel import VENDORS, running_hotel

ZONE, RULED_LIKE = "Europe/Madrid", "Africa/Lagos"  # an hour ahead of UTC all the year
NOON = datetime(2027, 7, 1, 12, tzinfo=UTC)
STAYS = """
SELECT s.vendor_ref, s.arrival, s.departure, array_agg(n.night ORDER BY n.night) AS nights
  FROM room_stays s JOIN stay_nights n USING (tenant_id, stay_id) GROUP BY 1, 2, 3
"""
Alter = Callable[[], None]


@pytest.fixture
def alter(tmp_path: Path) -> Iterator[Alter]:
    """Give what abolishes summer time, as the next release of the zones' rules would, and a start after it."""
    before, home = zoneinfo.TZPATH, tmp_path / ZONE

    def altered() -> None:
        place, _, name = RULED_LIKE.partition("/")
        home.parent.mkdir()
        home.write_bytes(files(f"tzdata.zoneinfo.{place}").joinpath(name).read_bytes())
        zoneinfo.reset_tzpath([str(tmp_path), *before])
        ZoneInfo.clear_cache(only_keys=[ZONE])

    yield altered
    zoneinfo.reset_tzpath(before)
    ZoneInfo.clear_cache(only_keys=[ZONE])


def test_the_rule_is_altered_and_comes_back(alter: Alter) -> None:
    assert NOON.replace(tzinfo=ZoneInfo(ZONE)).astimezone(UTC).hour == 10
    alter()
    assert NOON.replace(tzinfo=ZoneInfo(ZONE)).astimezone(UTC).hour == 11


@pytest.mark.parametrize("vendor", VENDORS)
async def test_the_dates_of_a_stay_to_come_are_unmoved(
    vendor: str, database: Database, keys: KeyRing, alter: Alter
) -> None:
    """TIM-13: by what is read again after it, whether a vendor tells dates or instants."""
    async with running_hotel(vendor, database, keys) as house:
        assert house.runtime.account.timezone == ZONE
        stay = await house.book()
        await house.poll("reservations")
        before = await house.rows(STAYS)
        alter()
        await house.quietly(stay, total="250.00")
        told = await house.run()
        assert (told["healed"], told["proof"]["equal"]) == (1, True)
        assert await house.rows(STAYS) == before
        assert (await house.run())["drift"] == {}


async def test_an_instant_that_was_derived_is_derived_anew(database: Database, keys: KeyRing, alter: Alter) -> None:
    """TIM-13: of a vendor that tells the time on the hotel's wall."""
    changed = "SELECT modified_at FROM reservations"
    async with running_hotel("opera", database, keys) as house:
        stay = await house.book()
        for hour, minute in ((10, 0), (11, 1)):
            raw = {"lastModifyDateTime": f"2026-07-01 12:0{minute}:00.0"}
            await house.change("modify", ref=stay, set={"notes": f"at {minute}"}, vendor=raw)
            await house.poll("reservations")
            assert await house.rows(changed) == [{"modified_at": datetime(2026, 7, 1, hour, minute, tzinfo=UTC)}]
            if not minute:
                alter()
