"""A stay that is over here in the calendar alone, and that the vendor's list goes on showing as deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from tests.integration.drifting_hotel import running_hotel


@pytest.mark.parametrize("days", [-5, 200, 549], ids=["past", "far", "at the edge"])
async def test_no_proof_says_equal_while_the_list_shows_as_deleted_what_stands_here(
    database: Database, keys: KeyRing, days: int
) -> None:
    async with running_hotel("cloudbeds", database, keys) as house:
        departure = datetime.now(UTC).date() + timedelta(days=days)
        stay = {
            **house.room(1),
            "arrival": str(departure - timedelta(days=2)),
            "departure": str(departure),
            "adults": 2,
        }
        booked = {"status": "confirmed", "channel": "direct", "booker": {"last_name": "Alba"}, "room_stays": [stay]}
        made = await house.change("create", set=booked)
        await house.poll("reservations")
        await house.follow()
        assert [row["status"] for row in await house.rows("SELECT status FROM room_stays")] == ["confirmed"]
        await house.change("delete", ref=made)
        told = await house.run()
        assert (told["drift"], told["proof"]["equal"]) == ({"missing_there": 1}, False)
        assert [row["kind"] for row in await house.rows("SELECT kind FROM cases")] == ["vanished"]
