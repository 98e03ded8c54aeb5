"""Pace: so many calls in so many seconds, whoever asks (CB-01)."""

from __future__ import annotations

import asyncio

from connectors.kit.pacing import Pace


class Timer:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


async def test_calls_within_the_limit_do_not_wait() -> None:
    timer = Timer()
    pace = Pace(5, 1.0, clock=timer, sleep=timer.sleep)
    for _ in range(5):
        await pace.turn()

    assert timer.slept == []


async def test_no_window_ever_holds_more_than_the_limit() -> None:
    """Many tasks at once share one limit."""
    timer = Timer()
    pace = Pace(5, 1.0, clock=timer, sleep=timer.sleep)
    begun: list[float] = []

    async def call() -> None:
        await pace.turn()
        begun.append(timer.now)

    await asyncio.gather(*(call() for _ in range(23)))

    assert all(later - earlier >= 1.0 for earlier, later in zip(begun, begun[5:], strict=False))
    assert begun == sorted(begun)


async def test_a_rest_makes_room_again() -> None:
    timer = Timer()
    pace = Pace(1, 1.0, clock=timer, sleep=timer.sleep)
    await pace.turn()
    timer.now += 5
    await pace.turn()

    assert timer.slept == []
