"""One budget per account: credits, calls in flight, and whose turn it is."""

from __future__ import annotations

import asyncio
import heapq
from itertools import count
from typing import Any

import pytest

from pms_sync.resilience.budget import Budget, BudgetFull, Priority

PUSH, LIVE, POLL, RECONCILE, BACKFILL = Priority


class FakeTime:
    """A monotonic clock whose sleepers wake when it is moved."""

    def __init__(self) -> None:
        self.now = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, next(self._order), future))
        await future

    async def advance(self, seconds: float) -> None:
        end = self.now + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            at, _, future = heapq.heappop(self._sleepers)
            if not future.done():
                self.now = max(at, self.now)
                future.set_result(None)
                await settle()
        self.now = end
        await settle()


async def settle() -> None:
    for _ in range(12):
        await asyncio.sleep(0)


class Bench:
    """Calls that note when they were sent."""

    def __init__(self, **facts: Any) -> None:
        self.time = FakeTime()
        self.budget = Budget(**facts, clock=self.time, sleep=self.time.sleep)
        self.sent: list[tuple[float, Priority, int]] = []
        self.in_flight = self.most = 0
        self.tasks: list[asyncio.Task[None]] = []

    def want(self, priority: Priority, number: int = 1, **call: Any) -> None:
        self.tasks += [asyncio.ensure_future(self._call(priority, n, **call)) for n in range(number)]

    async def _call(self, priority: Priority, n: int, lasts: float = 0, cost: float = 1, told: Any = None) -> None:
        async with self.budget.slot(priority, cost):
            self.sent.append((self.time.now, priority, n))
            self.in_flight += 1
            self.most = max(self.most, self.in_flight)
            if lasts:
                await self.time.sleep(lasts)
            if told:
                self.budget.observe(**told)
            self.in_flight -= 1

    def order(self) -> list[Priority]:
        return [priority for _, priority, _ in self.sent]

    def between(self, start: float, end: float) -> int:
        return sum(start <= at < end for at, _, _ in self.sent)


async def test_one_call_at_a_time_and_the_reserve_is_never_touched() -> None:
    """BRK-07: fifty wanted, serial, polls stop at the reserve."""
    bench = Bench(credits=40, window_s=300, max_in_flight=1, reserve=15)
    bench.want(POLL, 50, lasts=0.5)
    await bench.time.advance(290)
    assert (bench.most, len(bench.sent), bench.budget.available) == (1, 25, 15)
    bench.want(PUSH, 3)
    await settle()
    assert bench.order()[-3:] == [PUSH] * 3
    await bench.time.advance(320)
    assert len(bench.sent) == 50 + 3


async def test_the_urgent_goes_first_and_equals_in_order() -> None:
    """BRK-13."""
    bench = Bench(credits=100, window_s=300)
    bench.want(BACKFILL, lasts=1)
    await settle()
    for priority in (BACKFILL, RECONCILE, POLL, LIVE, PUSH):
        bench.want(priority, 2)
    await bench.time.advance(1)
    assert bench.order() == [BACKFILL, PUSH, PUSH, LIVE, LIVE, POLL, POLL, RECONCILE, RECONCILE, BACKFILL, BACKFILL]
    assert [n for _, priority, n in bench.sent if priority is PUSH] == [0, 1]


async def test_nobody_starves_under_endless_pushes() -> None:
    bench = Bench(credits=100, window_s=100, reserve=10)
    bench.want(PUSH, 900, lasts=0.1)
    await settle()
    bench.want(BACKFILL, 20, lasts=0.1)
    bench.want(RECONCILE, 20, lasts=0.1)
    await bench.time.advance(400)
    assert bench.order().count(BACKFILL) >= 3
    assert bench.order().count(RECONCILE) >= 3
    assert bench.order().count(PUSH) >= 350


async def test_a_sliding_window_is_used_to_the_full_and_never_exceeded() -> None:
    """BRK-04: 200 in 30 s, 1,000 wanted."""
    bench = Bench(credits=200, window_s=30, max_in_flight=8, reserve=4)
    bench.want(BACKFILL, 1000, lasts=0.1)
    await bench.time.advance(120)
    assert len(bench.sent) >= 0.95 * 200 * 4
    starts = [at for at, _, _ in bench.sent]
    assert max(bench.between(at, at + 30) for at in starts) <= 200
    await bench.time.advance(200)


async def test_a_pause_holds_the_whole_account_as_long_as_the_vendor_asked() -> None:
    """BRK-06: the next call at 37..40 s."""
    bench = Bench(credits=100, window_s=300)
    bench.budget.pause(37)
    bench.budget.pause(2)
    bench.want(PUSH)
    bench.want(POLL)
    await bench.time.advance(36.9)
    assert not bench.sent
    await bench.time.advance(3)
    assert [round(at, 2) for at, _, _ in bench.sent] == [37.0, 37.0]


@pytest.mark.parametrize(("asked", "held"), [(float("nan"), 0), (-5, 0), (float("inf"), 3600), (37_000_000, 3600)])
async def test_absurd_pauses_are_capped(asked: float, held: float) -> None:
    """BEYOND 78."""
    bench = Bench(credits=1, window_s=1)
    bench.budget.pause(asked)
    assert bench.budget.paused_for == held


async def test_the_vendors_meter_wins_over_ours() -> None:
    bench = Bench(credits=100, window_s=300)
    bench.want(POLL, told={"remaining": 2.5, "resets_in": 60, "cost": 1.2})
    await settle()
    assert bench.budget.available == 2.5
    bench.want(POLL, 4)
    await settle()
    assert len(bench.sent) == 3
    await bench.time.advance(60.5)
    assert len(bench.sent) == 3
    await bench.time.advance(1)
    assert len(bench.sent) == 5
    assert bench.budget.available == 98


async def test_a_lower_remainder_without_a_window_end_lowers_ours() -> None:
    bench = Bench(credits=100, window_s=300)
    bench.want(POLL, told={"remaining": 40.0})
    await settle()
    assert bench.budget.available == pytest.approx(40)


async def test_absent_and_absurd_readings_change_nothing() -> None:
    bench = Bench(credits=100, window_s=300)
    bench.want(POLL, told={"remaining": float("nan"), "resets_in": float("-inf"), "cost": float("inf")})
    await settle()
    bench.budget.observe()
    assert bench.budget.available == 99


async def test_the_cost_the_vendor_tells_is_counted() -> None:
    bench = Bench(credits=10, window_s=300)
    bench.want(POLL, told={"cost": 4})
    await settle()
    assert bench.budget.available == 6


async def test_a_call_dearer_than_the_window_waits_for_a_full_one_only() -> None:
    bench = Bench(credits=10, window_s=60, reserve=5)
    bench.want(BACKFILL, cost=50)
    await settle()
    assert len(bench.sent) == 1


async def test_waiting_is_bounded() -> None:
    bench = Bench(credits=1, window_s=60, max_waiters=3)
    bench.want(POLL, 4)
    await settle()
    with pytest.raises(BudgetFull, match="3 calls wait"):
        await bench.budget._enter(PUSH, 1)


async def test_a_cancelled_waiter_gives_its_place_back() -> None:
    bench = Bench(credits=100, window_s=60)
    bench.want(POLL, 3, lasts=1)
    await settle()
    bench.tasks[1].cancel()
    await bench.time.advance(3)
    assert [n for _, _, n in bench.sent] == [0, 2]
    assert (bench.budget.waiting, bench.budget.available) == (0, 98)


async def test_a_cancelled_call_frees_its_slot() -> None:
    bench = Bench(credits=100, window_s=60)
    bench.want(POLL, 2, lasts=1)
    await settle()
    bench.tasks[0].cancel()
    await settle()
    assert [n for _, _, n in bench.sent] == [0, 1]


async def test_closing_twice_lets_every_waiter_go() -> None:
    bench = Bench(credits=1, window_s=60)
    bench.want(POLL, 3)
    await settle()
    await bench.budget.aclose()
    await bench.budget.aclose()
    await asyncio.gather(*bench.tasks, return_exceptions=True)
    assert bench.budget.waiting == 0


async def test_calls_are_spread_once_less_than_two_fifths_of_the_credits_are_left() -> None:
    now = 0.0
    budget = Budget(credits=100, window_s=300, clock=lambda: now)
    budget.observe(remaining=41, resets_in=200)
    assert budget.pace() == 0.0
    budget.observe(remaining=30, resets_in=200)
    assert budget.pace() == 10.0
    budget.observe(remaining=0.5, resets_in=200)
    assert budget.pace() == 20.0
