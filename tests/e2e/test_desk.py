"""The conflict desk of the running daemon, in a browser: a room that the vendor sold twice is seen and settled."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest

from tests.chromium import needs_chromium, visiting
from tests.e2e.bookings import ROOM_1, ROOM_2
from tests.e2e.stage import Stage
from tests.e2e.waiting import eventually

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.browser, needs_chromium]

EMAIL, PASSWORD = "desk@example.org", "quite-long-words"


async def a_manager(stage: Stage) -> None:
    """Let a manager exist, as an operator adds one."""
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "pms_sync", "users", "add", EMAIL, "--role", "manager", "--name", "Anna"),
        env=stage.daemon.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    _, err = await child.communicate(PASSWORD.encode())
    assert child.returncode == 0, err


async def test_a_room_sold_twice_is_seen_in_the_queue_drawn_and_settled(stage: Stage) -> None:
    """UX, the double-booking desk; CON-06 by the command that comes too late."""
    days = stage.calendar.days()
    await stage.vendor.book(days.stay(0, 1, ROOM_2), booker={"first_name": "Nadia", "last_name": "Nord"})
    for first, last in (("Zoe", "Zuerst"), ("Sam", "Spaeter")):
        stay = days.stay(0, 1, ROOM_1)
        await stage.vendor.book(stay, booker={"first_name": first, "last_name": last}, channel="booking_com")

    async def found() -> Any:
        cases = await stage.store.cases("room_double_booked", about=days.on(0))
        assert cases
        return cases[0]

    case = await eventually(found, 20)
    await a_manager(stage)
    async with visiting() as visit:
        await visit.sign_in(stage.daemon.url, EMAIL, PASSWORD)
        row = f"tr[data-case-id='{case['id']}']"
        told = await visit.page.inner_text(row)
        assert "Room 101 sold twice" in told
        assert "Zoe Zuerst" in told
        assert "Sam Spaeter" in told
        await visit.page.click(f"{row} a.title")
        names = {await visit.page.text_content(f"svg.tape .stay.{look} text") for look in ("held", "refused")}
        assert names == {"Zoe Zuerst", "Sam Spaeter"}
        assert await visit.page.text_content("svg.tape .stay.other text") == "Nadia Nord"
        assert "Free for the whole of the refused stay: 103." in await visit.page.inner_text("main")
        assert await visit.barriers() == []
        await visit.page.click("button:text-is('Mark as settled')")
        await visit.page.wait_for_selector("text=by Anna")
        assert visit.complaints == []
    [settled] = await stage.store.rows("SELECT * FROM pms_public.cases WHERE id = $1", case["id"])
    assert settled["state"] == "resolved"
    assert settled["resolved_by"].startswith("user:")
    late = await stage.daemon.command("cases", "resolve", str(case["id"]), "--version", str(case["version"]))
    assert late.code == 2
    shown = await stage.daemon.command("cases", "show", str(case["id"]))
    assert (shown.code, shown.document["state"]) == (0, "resolved")
