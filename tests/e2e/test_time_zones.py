"""The server's own time zone is nobody's business: the same story leaves the same store wherever it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pms_sync.auditor import store_hash
from tests.e2e.bookings import ROOM_1, ROOM_2, ROOM_3
from tests.e2e.stage import Stage, on_stage
from tests.e2e.waiting import eventually

_ZONES = ("UTC", "Pacific/Kiritimati", "America/New_York")
_STAYS = (
    ("2026-03-28", "2026-03-30", ROOM_1),
    ("2026-10-24", "2026-10-26", ROOM_2),
    ("2028-02-28", "2028-03-01", ROOM_3),
    ("2026-03-29", "2026-03-29", ROOM_3),
    ("2026-12-31", "2027-01-01", ROOM_2),
    ("2038-01-19", "2038-01-21", ROOM_1),
)


def stamped(minute: int) -> dict[str, Any]:
    """Return the vendor's own times, so that no run differs by when it ran."""
    return {"modifiedTime": f"2026-03-28T22:{minute:02}:00Z", "bookingTime": "2026-03-28T21:59:59Z"}


async def tell(stage: Stage) -> str:
    """Play the story: bookings over changes of clocks and years, a move, a cancellation, a block, a room sold twice.

    Returns the ref of the stay that moved.
    """
    refs: list[str] = []
    for minute, (arrival, departure, room) in enumerate(_STAYS):
        stay = {"arrival": arrival, "departure": departure, "room_ref": room, "adults": 2, "total": "100.01"}
        refs.append(await stage.vendor.book(stay, vendor=stamped(minute)))
    await stage.settled()
    await stage.vendor.modify(refs[0], departure="2026-03-31", vendor=stamped(10))
    await stage.vendor.modify(refs[1], status="cancelled", vendor=stamped(11))
    black = {"arrival": "2026-05-01", "departure": "2026-05-03", "room_ref": ROOM_1}
    block = await stage.vendor.book(black, vendor={"status": "black", **stamped(12)})
    await eventually(lambda: stage.store.block(block))  # who comes first keeps the room
    await stage.vendor.book({**black, "arrival": "2026-05-02"}, vendor=stamped(13))
    return refs[0]


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_one_story_under_three_time_zones_is_one_store(tmp_path: Path) -> None:
    """TIM-06, TIM-01, TIM-02, TIM-11."""
    hashes = {}
    for zone in _ZONES:
        root = tmp_path / zone.replace("/", "-")
        root.mkdir()
        async with on_stage(root, env={"TZ": zone}, reservations=0) as stage:
            await stage.start()
            moved = await tell(stage)
            await stage.settled(30)
            hashes[zone] = await store_hash(stage.store.dsn, portable=True)
            [stay] = await stage.store.stays(moved)
            assert (str(stay["arrival"]), str(stay["departure"])) == ("2026-03-28", "2026-03-31")
    assert len(set(hashes.values())) == 1, hashes
