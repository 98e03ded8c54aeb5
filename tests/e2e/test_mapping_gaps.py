"""A code nobody mapped: the booking is kept and seen, takes its type's inventory, and heals when the code is mapped."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.stage import on_stage
from tests.e2e.waiting import eventually

_ROOM_4 = "55/4"


async def test_an_unmapped_room_is_quarantined_and_heals_when_the_hotel_file_names_it(tmp_path: Path) -> None:
    """MAP-03: nothing is read again at the vendor, and the case goes by itself."""
    async with on_stage(tmp_path) as stage:
        await stage.start()
        days = stage.calendar.days()
        ref = await stage.vendor.book(days.stay(0, 2, _ROOM_4))
        mapped = await stage.vendor.book(days.stay(0, 2))
        await stage.settled()
        found, [stay], other = (
            await stage.store.reservation(ref),
            await stage.store.stays(ref),
            await stage.store.reservation(mapped),
        )
        assert found is not None
        assert other is not None
        assert (found["quarantined"], found["flags"], other["quarantined"]) == (True, ["mapping_missing"], False)
        assert (stay["room_type"], stay["room"], stay["room_ref"]) == ("DBL", None, _ROOM_4)
        assert await stage.store.booked(days.on(0)) == 2
        [case] = await stage.store.cases("mapping_missing", about=f":room:{_ROOM_4}")
        assert (case["state"], case["reservation_ids"]) == ("open", [found["id"]])
        assert case["fields"][0]["there"] == _ROOM_4

        assert await stage.daemon.stop() == 0
        stage.write_hotel(rooms=("101", "102", "103", "104"))
        last_call = len(await stage.vendor.calls())
        await stage.start()

        async def healed() -> bool:
            after, [placed] = await stage.store.reservation(ref), await stage.store.stays(ref)
            assert after is not None
            return (after["quarantined"], placed["room"], placed["claim_state"]) == (False, "104", "claimed")

        await eventually(healed)
        await stage.settled()
        [case] = await stage.store.cases("mapping_missing", about=f":room:{_ROOM_4}")
        assert case["state"] == "withdrawn"
        assert not [call for call in await stage.vendor.calls(last_call) if ["id", ref] in call["query"]]


@pytest.mark.parametrize("broken", ["code = ", 'tenant = "t1"\n[[properties]]\ncode = "P1"\n'])
async def test_a_hotel_file_that_cannot_be_read_says_where_and_starts_nothing(tmp_path: Path, broken: str) -> None:
    """OPS-07, CRS-16: one clear error with place and remedy, exit 2, no traceback."""
    async with on_stage(tmp_path) as stage:
        (stage.hotels / "t1.toml").write_text(broken)
        ended = await stage.daemon.command("accounts", "list")
        assert ended.code == 2
        assert "Traceback" not in ended.err
        assert "t1.toml" in ended.err
        assert '"remedy"' in ended.err
