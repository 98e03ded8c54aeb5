"""Short retries: only what can get better by waiting, never longer than allowed, never earlier than asked."""

from __future__ import annotations

import pytest

from pms_sync.domain.errors import Disposition, VendorFault
from pms_sync.resilience.breaker import VendorAway
from pms_sync.resilience.retry import ONCE, RetryPolicy, with_retries


class Line:
    """A vendor that answers from a script, and a clock that sleeping moves."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.calls = 0
        self.slept: list[float] = []
        self.now = 0.0

    async def call(self) -> object:
        self.calls += 1
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    async def run(self, policy: RetryPolicy, rand: float = 1.0) -> object:
        return await with_retries(self.call, policy, clock=lambda: self.now, sleep=self.sleep, rand=lambda: rand)


def busy(retry_after: float | None = None) -> VendorFault:
    return VendorFault("busy", retry_after=retry_after)


async def test_a_passing_fault_is_tried_again_with_growing_waits() -> None:
    line = Line(busy(), busy(), busy(), "ok")
    assert await line.run(RetryPolicy(attempts=4, base_s=0.5)) == "ok"
    assert line.slept == [0.5, 1.0, 2.0]


async def test_jitter_is_full() -> None:
    line = Line(busy(), "ok")
    await line.run(RetryPolicy(base_s=8), rand=0.0)
    assert line.slept == [0.0]


async def test_waits_are_capped() -> None:
    line = Line(*[busy()] * 9, "ok")
    await line.run(RetryPolicy(attempts=10, cap_s=3, total_s=1000))
    assert max(line.slept) == 3


async def test_attempts_are_capped_and_the_last_error_comes_through() -> None:
    last = busy()
    line = Line(busy(), busy(), last)
    with pytest.raises(VendorFault) as raised:
        await line.run(RetryPolicy(attempts=3))
    assert raised.value is last


async def test_time_is_capped() -> None:
    line = Line(*[busy()] * 50)
    with pytest.raises(VendorFault):
        await line.run(RetryPolicy(attempts=50, base_s=4, cap_s=4, total_s=10))
    assert (line.calls, line.now) == (3, 8)


async def test_a_vendor_is_never_asked_earlier_than_it_said() -> None:
    """BEYOND 78: seconds are seconds."""
    line = Line(busy(5.0), "ok")
    await line.run(RetryPolicy(), rand=0.0)
    assert line.slept == [5.0]


@pytest.mark.parametrize("asked", [37.0, float("inf")])
async def test_long_waits_go_back_to_the_lane(asked: float) -> None:
    """BRK-06."""
    line = Line(busy(asked))
    with pytest.raises(VendorFault) as raised:
        await line.run(RetryPolicy())
    assert (raised.value.retry_after, line.slept) == (asked, [])


@pytest.mark.parametrize("asked", [float("nan"), -3.0, 0.0])
async def test_absurd_waits_count_as_not_said(asked: float) -> None:
    line = Line(busy(asked), "ok")
    await line.run(RetryPolicy(base_s=0.5))
    assert line.slept == [0.5]


@pytest.mark.parametrize("disposition", [d for d in Disposition if d is not Disposition.RETRY])
async def test_every_other_disposition_is_final(disposition: Disposition) -> None:
    line = Line(VendorFault("no", disposition=disposition))
    with pytest.raises(VendorFault):
        await line.run(RetryPolicy())
    assert line.calls == 1


@pytest.mark.parametrize("error", [VendorAway("a1", 1.0), ValueError("bug")])
async def test_calls_not_sent_and_bugs_are_not_repeated(error: Exception) -> None:
    line = Line(error)
    with pytest.raises(type(error)):
        await line.run(RetryPolicy())
    assert line.calls == 1


async def test_once_is_once() -> None:
    line = Line(busy())
    with pytest.raises(VendorFault):
        await line.run(ONCE)
    assert line.calls == 1
