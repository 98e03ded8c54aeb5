"""Short retries inside one call; whatever takes longer goes back to its lane."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

import tenacity

from pms_sync.domain.errors import Disposition, VendorFault
from pms_sync.resilience.breaker import VendorAway

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How often and how long; seconds. A wait above `patience_s` is not slept but left to the lane."""

    attempts: int = 3
    total_s: float = 30.0
    base_s: float = 0.5
    cap_s: float = 8.0
    patience_s: float = 10.0


ONCE = RetryPolicy(attempts=1)


def worth_retrying(error: BaseException, policy: RetryPolicy) -> bool:
    """Say whether waiting here can help: disposition RETRY, really sent, and a wait that fits the policy."""
    if not isinstance(error, VendorFault) or isinstance(error, VendorAway):
        return False
    return error.disposition is Disposition.RETRY and _asked(error) <= policy.patience_s


def _asked(error: BaseException | None) -> float:
    """Return the seconds a vendor asked for; nonsense counts as nothing asked."""
    asked = error.retry_after if isinstance(error, VendorFault) else None
    return asked if asked is not None and asked > 0 and not math.isnan(asked) else 0.0


async def with_retries(
    call: Callable[[], Awaitable[T]],
    policy: RetryPolicy,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    rand: Callable[[], float] = random.random,
) -> T:
    """Run the call until it succeeds, fails for good, or the policy is used up; the last error comes through unchanged.

    Waits are exponential with full jitter and never shorter than the vendor asked. `clock` is monotonic seconds.
    """
    started = clock()

    def pause(state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        jitter = rand() * min(policy.cap_s, policy.base_s * 2.0 ** min(state.attempt_number - 1, 30))
        return _asked(error) + jitter if _asked(error) else jitter

    def used_up(state: tenacity.RetryCallState) -> bool:
        return state.attempt_number >= policy.attempts or clock() - started + state.upcoming_sleep > policy.total_s

    retrying = tenacity.AsyncRetrying(
        sleep=sleep,
        wait=pause,
        stop=used_up,
        retry=tenacity.retry_if_exception(lambda error: worth_retrying(error, policy)),
        reraise=True,
    )
    return await retrying(call)
