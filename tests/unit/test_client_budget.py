"""Two ceilings at once: what one login may call, and what all logins of one vendor client may (CB-01)."""

from __future__ import annotations

import asyncio

from pms_sync.resilience.breaker import Breaker
from pms_sync.resilience.budget import Budget, Priority
from pms_sync.resilience.guarded import Guard
from tests.unit.test_budget import FakeTime, settle


class Vendor:
    """Counts when calls arrive, by account; each call is several requests that tell what they cost."""

    def __init__(self, time: FakeTime, requests: int = 1) -> None:
        self.time, self.requests = time, requests
        self.seen: list[tuple[float, str]] = []

    async def call(self, account: str, *budgets: Budget) -> None:
        for _ in range(self.requests):
            self.seen.append((self.time.now, account))
            for budget in budgets:
                budget.observe(cost=1.0)

    def most(self, window_s: float, account: str | None = None) -> int:
        """Return the most requests inside any window of that length."""
        times = [at for at, whose in self.seen if account in (None, whose)]
        return max(sum(start <= at < start + window_s for at in times) for start in times)


def guard(name: str, budget: Budget, shared: Budget | None) -> Guard:
    """Guard one account."""
    return Guard(vendor="v", account=name, budget=budget, breaker=Breaker(name), client_budget=shared)


async def run(time: FakeTime, vendor: Vendor, accounts: int, calls: int) -> None:
    """Let every account make its calls as fast as its budgets let it."""
    shared = Budget(credits=10, window_s=1.0, max_in_flight=10, clock=time, sleep=time.sleep)
    own = [Budget(credits=5, window_s=1.0, clock=time, sleep=time.sleep) for _ in range(accounts)]
    guards = [guard(str(number), budget, shared) for number, budget in enumerate(own)]

    async def one(number: int) -> None:
        def act() -> object:
            return vendor.call(str(number), own[number], shared)

        await guards[number].call(act, priority=Priority.POLL, operation="x")  # type: ignore[arg-type]

    tasks = [asyncio.create_task(one(number)) for _ in range(calls) for number in range(accounts)]
    for _ in range(200):
        if all(task.done() for task in tasks):
            break
        await time.advance(0.1)
    await settle()
    await asyncio.gather(*tasks)
    for budget in (*own, shared):
        await budget.aclose()


async def test_many_properties_keep_to_both_ceilings() -> None:
    """A hundred logins of one client: five a second each, ten a second together."""
    time = FakeTime()
    vendor = Vendor(time)
    await run(time, vendor, accounts=100, calls=1)

    assert len(vendor.seen) == 100
    assert vendor.most(1.0) <= 10


async def test_one_property_alone_keeps_to_its_own() -> None:
    """The client's ceiling is no licence for one login."""
    time = FakeTime()
    vendor = Vendor(time)
    await run(time, vendor, accounts=1, calls=23)

    assert len(vendor.seen) == 23
    assert vendor.most(1.0, "0") <= 5


async def test_a_call_of_several_requests_costs_as_many() -> None:
    """What each request cost adds up, in both budgets."""
    time = FakeTime()
    own = Budget(credits=5, window_s=1.0, clock=time, sleep=time.sleep)
    shared = Budget(credits=10, window_s=1.0, clock=time, sleep=time.sleep)
    vendor = Vendor(time, requests=4)
    await guard("a", own, shared).call(lambda: vendor.call("a", own, shared), priority=Priority.LIVE, operation="x")

    assert (own.available, shared.available) == (1.0, 6.0)


async def test_a_budget_hears_nothing_of_another_ones_call() -> None:
    """Each counts what happens inside its own slots."""
    time = FakeTime()
    own, stranger = (Budget(credits=5, window_s=1.0, clock=time, sleep=time.sleep) for _ in range(2))
    vendor = Vendor(time, requests=3)
    await guard("a", own, None).call(lambda: vendor.call("a", stranger), priority=Priority.LIVE, operation="x")

    assert (own.available, stranger.available) == (4.0, 5.0)
