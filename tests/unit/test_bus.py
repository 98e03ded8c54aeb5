"""Wake-ups reach whoever waits, coalesce, and are kept for whoever comes next."""

from __future__ import annotations

import asyncio

from pms_sync.bus.in_process import InProcessBus
from pms_sync.ports.bus import Bus

LONG = 3600


async def turn() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


async def test_many_publications_are_one_wake_up() -> None:
    bus: Bus = InProcessBus()
    for _ in range(1000):
        bus.publish("inbox")
    assert await bus.wait("inbox", LONG)
    assert not await bus.wait("inbox", 0)


async def test_topics_are_apart() -> None:
    bus = InProcessBus()
    bus.publish("inbox")
    assert not await bus.wait("outbox", 0)


async def test_every_present_waiter_wakes() -> None:
    bus = InProcessBus()
    waits = [asyncio.ensure_future(bus.wait("inbox", LONG)) for _ in range(5)]
    await turn()
    bus.publish("inbox")
    assert await asyncio.gather(*waits) == [True] * 5
    assert not await bus.wait("inbox", 0)


async def test_a_wake_up_of_a_cancelled_waiter_goes_to_the_next() -> None:
    bus = InProcessBus()
    waiting = asyncio.ensure_future(bus.wait("inbox", LONG))
    await turn()
    bus.publish("inbox")
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    assert waiting.cancelled()
    assert await bus.wait("inbox", 0)


async def test_waiters_that_gave_up_leave_nothing_behind() -> None:
    bus = InProcessBus()
    for n in range(100):
        await bus.wait(f"topic {n}", 0)
    assert not bus._waiters
