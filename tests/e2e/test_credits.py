"""The vendor's credits: spent down to a reserve, never beyond, and used again as soon as a new window opens."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.beds24.simulator.credits import WINDOW
from tests.e2e.stage import on_stage
from tests.e2e.vendor import VENDOR
from tests.e2e.waiting import eventually

pytestmark = pytest.mark.timeout(300)

_CREDITS, _RESERVE, _READ = 100.0, 15.0, 1.2
_LEFT_OF_WINDOW_S = 10


@pytest.mark.slow
async def test_credits_end_at_the_reserve_without_a_429_and_reading_resumes_with_the_window(tmp_path: Path) -> None:
    """B24-01, BRK-07, I14: polls stop at the reserve, a burst of webhooks costs few calls, and nothing is lost."""
    async with on_stage(tmp_path, poll_interval_s=1, credits=_CREDITS) as stage:
        await stage.start()
        now = datetime.fromisoformat((await stage.vendor.truth())["now"]).timestamp()
        await stage.vendor.order("clock", advance_s=WINDOW - now % WINDOW - _LEFT_OF_WINDOW_S)
        meter, last_call = stage.vendor.simulator.backend.meter, len(await stage.vendor.calls())
        meter.spend(meter.remaining - Decimal(18))  # somebody else of the same account was busy

        async def at_the_reserve() -> bool:
            return float(meter.remaining) < _RESERVE + _READ

        await eventually(at_the_reserve, _LEFT_OF_WINDOW_S)
        told = [await stage.vendor.book(stage.calendar.days().stay(0, 2)) for _ in range(20)]
        late = await stage.vendor.book(stage.calendar.days().stay(0, 2), silent=True)
        await eventually(lambda: stage.store.reservation(late), _LEFT_OF_WINDOW_S * 3)
        audited = await stage.settled(40, rate={VENDOR: (_CREDITS, float(WINDOW))})
        assert audited.invariants["I14"] == "held"
        assert all([await stage.store.reservation(ref) for ref in told])
        calls = await stage.vendor.calls(last_call)
        assert 429 not in {call["status"] for call in calls}
        windows = [int(datetime.fromisoformat(call["at"]).timestamp()) // WINDOW for call in calls]
        assert len(set(windows)) == 2
        spent = sum(call["cost"] or 0 for call, window in zip(calls, windows, strict=True) if window == windows[0])
        assert spent <= 18 - _RESERVE / 3  # a live read may use two thirds of what a poll leaves


async def test_a_vendor_that_says_429_is_left_alone(tmp_path: Path) -> None:
    """BRK-06: another user of the account has spent everything; not even a webhook makes us ask again."""
    async with on_stage(tmp_path, poll_interval_s=1) as stage:
        await stage.start()
        await stage.vendor.faults({"kind": "status", "status": 429, "headers": {"Retry-After": "3"}, "times": 1})
        last_call = len(await stage.vendor.calls())

        async def refused() -> bool:
            return 429 in {call["status"] for call in await stage.vendor.calls(last_call)}

        await eventually(refused)
        ref = await stage.vendor.book(stage.calendar.days().stay(0, 2))
        await eventually(lambda: stage.store.inbox(ref))
        calls = await stage.vendor.calls(last_call)
        after = calls[[call["status"] for call in calls].index(429) + 1 :]
        assert after == []
        await stage.daemon.kill()  # a batch that waits for the vendor would be given ten seconds to end
