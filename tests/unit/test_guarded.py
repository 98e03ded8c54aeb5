"""The whole guard: retry around budget around breaker around timeout."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from pms_sync.domain.errors import Disposition, VendorFault
from pms_sync.resilience import guarded
from pms_sync.resilience.breaker import Breaker, VendorAway
from pms_sync.resilience.budget import Budget, Priority
from pms_sync.resilience.guarded import Guard
from pms_sync.resilience.retry import RetryPolicy


class Rig:
    """A guard with a clock moved by hand and counted outcomes."""

    def __init__(self, **facts: Any) -> None:
        self.now = 0.0
        self.outcomes: list[str] = []
        self.budget = Budget(credits=1000, window_s=300, max_in_flight=facts.pop("max_in_flight", 1), clock=self.clock)
        self.breaker = Breaker("a1", clock=self.clock, rand=lambda: 0.5)
        self.guard = Guard(
            vendor="v1", account="a1", budget=self.budget, breaker=self.breaker, clock=self.clock, sleep=self.sleep,
            on_outcome=lambda _vendor, outcome: self.outcomes.append(outcome), rand=lambda: 0.0, **facts,
        )  # fmt: skip

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds

    async def call(self, *answers: object, **how: Any) -> object:
        script = list(answers)

        async def once() -> object:
            answer = script.pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return await self.guard.call(once, priority=Priority.LIVE, operation="fetch", **how)

    async def fail(self, times: int) -> None:
        for _ in range(times):
            with pytest.raises(VendorFault):
                await self.call(down(), once=True)


def down() -> VendorFault:
    return VendorFault("503", counts_against_breaker=True)


async def test_a_passing_fault_is_retried_and_every_attempt_counted() -> None:
    rig = Rig()
    assert await rig.call(down(), "ok") == "ok"
    assert rig.outcomes == ["unavailable", "ok"]
    assert rig.budget.available == 998


async def test_a_push_is_sent_once() -> None:
    rig = Rig()
    await rig.fail(1)
    assert rig.outcomes == ["unavailable"]


async def test_a_write_is_cut_off_sooner_than_a_read_and_may_have_landed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lease can then outlive it; what was cut off is looked up."""
    monkeypatch.setattr(guarded, "WRITE_TIMEOUT_S", 0)
    rig = Rig(timeout_s=30)
    with pytest.raises(VendorFault, match="no answer within 0 s") as slow:
        await rig.guard.call(asyncio.Event().wait, priority=Priority.PUSH, operation="push", once=True)
    assert slow.value.sent
    assert rig.outcomes == ["unavailable"]


async def test_while_the_vendor_is_away_calls_end_at_once_and_cost_nothing() -> None:
    rig = Rig()
    await rig.fail(5)
    left = rig.budget.available
    with pytest.raises(VendorAway) as away:
        await rig.call("never sent")
    assert (away.value.retry_after, rig.budget.available, rig.outcomes[-1]) == (15.0, left, "away")


async def test_the_log_says_once_that_it_went_and_once_that_it_is_back() -> None:
    """BRK-01, BEYOND 99: failed probes in between say nothing."""
    rig = Rig()
    with capture_logs() as lines:
        await rig.fail(5)
        for _ in range(3):
            with pytest.raises(VendorAway):
                await rig.call("no")
        rig.now += 15
        await rig.fail(1)
        rig.now += 30
        await rig.call("ok")
    assert [line["event"] for line in lines] == ["vendor_away", "vendor_back"]
    assert lines[1]["away_s"] == 45


async def test_too_many_requests_rests_the_account_but_is_no_outage() -> None:
    """BRK-03, BRK-06."""
    rig = Rig()
    for _ in range(6):
        with pytest.raises(VendorFault):
            await rig.call(VendorFault("429", disposition=Disposition.PAUSE, retry_after=37))
        rig.now += 37
    rig.budget.pause(37)
    assert (rig.breaker.state, rig.budget.paused_for, set(rig.outcomes)) == ("closed", 37, {"limited"})


async def test_a_slow_vendor_is_cut_off_and_counts_as_away() -> None:
    """BRK-10."""
    rig = Rig(timeout_s=0, policy=RetryPolicy(attempts=1))
    for _ in range(5):
        with pytest.raises(VendorFault, match="no answer within 0 s") as slow:
            await rig.guard.call(asyncio.Event().wait, priority=Priority.POLL, operation="pull")
        assert slow.value.counts_against_breaker
    assert rig.breaker.state == "open"


async def test_a_broken_connection_is_an_outage_without_the_library_s_words() -> None:
    rig = Rig()
    with pytest.raises(VendorFault, match="connection failed") as fault:
        await rig.call(ConnectionResetError("10.0.0.1 secret"), once=True)
    assert "secret" not in str(fault.value)


async def test_callers_queued_when_it_goes_away_are_turned_back_unsent() -> None:
    """BEYOND 80: one at a time, so no more than the threshold leaves."""
    rig = Rig()
    sent = 0

    async def fails() -> None:
        nonlocal sent
        sent += 1
        await asyncio.sleep(0)
        raise down()

    calls = [rig.guard.call(fails, priority=Priority.PUSH, operation="push", once=True) for _ in range(50)]
    ends = await asyncio.gather(*calls, return_exceptions=True)
    assert sent == 5
    assert sum(isinstance(end, VendorAway) for end in ends) == 45
    assert rig.budget.available == 995


async def test_a_bug_comes_through_and_a_cancellation_stays_one() -> None:
    rig = Rig()
    with pytest.raises(KeyError):
        await rig.call(KeyError("x"))
    call = asyncio.ensure_future(
        rig.guard.call(asyncio.Event().wait, priority=Priority.POLL, operation="pull", timeout_s=3600)
    )
    for _ in range(3):
        await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert rig.outcomes == ["failed", "cancelled"]
    assert await rig.call("ok") == "ok"
