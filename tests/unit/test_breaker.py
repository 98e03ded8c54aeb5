"""The breaker opens on unavailability only, rests, and lets one call find out."""

from __future__ import annotations

import asyncio

import pytest

from pms_sync.domain.errors import Disposition, Unavailable, VendorFault
from pms_sync.resilience.breaker import Breaker, VendorAway


class Hand:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def a_breaker(clock: Hand, changes: list[tuple[str, str]] | None = None) -> Breaker:
    seen = [] if changes is None else changes
    return Breaker("a1", clock=clock, rand=lambda: 0.5, listeners=[lambda _name, old, new: seen.append((old, new))])


async def down() -> None:
    raise VendorFault("503", counts_against_breaker=True)


async def refused() -> None:
    raise VendorFault("404", disposition=Disposition.PARK)


async def fine() -> str:
    return "ok"


async def fail(breaker: Breaker, times: int) -> None:
    for _ in range(times):
        with pytest.raises(VendorFault):
            await breaker.run(down)


async def test_it_opens_after_five_failures_and_one_good_probe_closes_it() -> None:
    """BRK-01."""
    clock = Hand()
    changes: list[tuple[str, str]] = []
    breaker = a_breaker(clock, changes)
    await fail(breaker, 5)
    assert breaker.state == "open"
    with pytest.raises(VendorAway) as away:
        await breaker.run(fine)
    assert (away.value.retry_after, away.value.disposition) == (15.0, Disposition.RETRY)
    assert isinstance(away.value, Unavailable)
    clock.now = 15
    assert await breaker.run(fine) == "ok"
    assert changes == [("closed", "open"), ("open", "half-open"), ("half-open", "closed")]


async def test_the_fifth_failure_keeps_its_own_error() -> None:
    breaker = a_breaker(Hand())
    await fail(breaker, 4)
    with pytest.raises(VendorFault, match="503"):
        await breaker.run(down)


async def test_answers_of_a_living_vendor_do_not_trip_it() -> None:
    """BRK-03: refusals and 429 are answers."""
    breaker = a_breaker(Hand())
    for _ in range(20):
        with pytest.raises(VendorFault):
            await breaker.run(refused)
    assert breaker.state == "closed"


async def test_our_own_mistake_has_no_vote() -> None:
    async def bug() -> None:
        raise TypeError

    clock = Hand()
    breaker = a_breaker(clock)
    await fail(breaker, 5)
    clock.now = 15
    with pytest.raises(TypeError):
        await breaker.run(bug)
    assert breaker.state == "half-open"


async def test_of_fifty_callers_one_probes() -> None:
    clock = Hand()
    breaker = a_breaker(clock)
    await fail(breaker, 5)
    clock.now = 15
    gate, sent = asyncio.Event(), []

    async def slow() -> None:
        sent.append(1)
        await gate.wait()

    calls = [asyncio.ensure_future(breaker.run(slow)) for _ in range(50)]
    await asyncio.sleep(0)
    gate.set()
    ends = await asyncio.gather(*calls, return_exceptions=True)
    assert len(sent) == 1
    assert sum(isinstance(end, VendorAway) for end in ends) == 49
    assert breaker.state == "closed"


async def test_a_cancelled_probe_neither_closes_nor_opens_and_frees_its_place() -> None:
    clock = Hand()
    breaker = a_breaker(clock)
    await fail(breaker, 5)
    clock.now = 15
    probe = asyncio.ensure_future(breaker.run(asyncio.Event().wait))
    await asyncio.sleep(0)
    probe.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probe
    assert breaker.state == "half-open"
    assert await breaker.run(fine) == "ok"


async def test_cancellations_never_open_it() -> None:
    breaker = a_breaker(Hand())
    for _ in range(10):
        call = asyncio.ensure_future(breaker.run(asyncio.Event().wait))
        await asyncio.sleep(0)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
    assert breaker.state == "closed"


async def test_rests_grow_while_probes_fail_and_start_again_after_recovery() -> None:
    """BEYOND 99: 15, 30, 60, 120 s and no more."""
    clock = Hand()
    breaker = a_breaker(clock)
    await fail(breaker, 5)
    rests = []
    for _ in range(5):
        with pytest.raises(VendorAway) as away:
            breaker.check()
        rests.append(away.value.retry_after)
        clock.now += away.value.retry_after or 0
        await fail(breaker, 1)
    assert rests == [15, 30, 60, 120, 120]
    clock.now += 120
    await breaker.run(fine)
    await fail(breaker, 5)
    with pytest.raises(VendorAway, match="does not answer") as again:
        breaker.check()
    assert again.value.retry_after == 15


async def test_the_answer_to_an_older_call_has_no_vote() -> None:
    clock = Hand()
    breaker = a_breaker(clock)
    gate = asyncio.Event()
    old = asyncio.ensure_future(breaker.run(gate.wait))
    await asyncio.sleep(0)
    await fail(breaker, 5)
    gate.set()
    await old
    assert breaker.state == "open"


async def test_accounts_do_not_share_a_breaker() -> None:
    """BRK-02."""
    clock = Hand()
    one, two = a_breaker(clock), a_breaker(clock)
    await fail(one, 5)
    assert await two.run(fine) == "ok"
