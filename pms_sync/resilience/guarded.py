"""Every vendor call goes through here: retry around budget around breaker around timeout around one call."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from typing import TypeVar

from pms_sync.domain.errors import Disposition, VendorFault
from pms_sync.observe.logs import get_logger
from pms_sync.resilience.breaker import Breaker, State, VendorAway
from pms_sync.resilience.budget import Budget, BudgetFull, Priority
from pms_sync.resilience.retry import ONCE, RetryPolicy, with_retries

T = TypeVar("T")
WRITE_TIMEOUT_S = 20.0  # a write that took longer has an unknown outcome, and is looked up
OnOutcome = Callable[[str, str], None]
Turn = Callable[[], AbstractAsyncContextManager[object]]

_log = get_logger(__name__)


def _count_nothing(_vendor: str, _outcome: str) -> None:
    pass


def outcome_of(error: BaseException) -> str:
    """Return the metric word of a failure: away, unavailable, limited, refused, cancelled or failed."""
    if isinstance(error, VendorAway):
        return "away"
    if isinstance(error, VendorFault):
        limited = "limited" if error.retry_after else "refused"
        return "unavailable" if error.counts_against_breaker else limited
    return "cancelled" if isinstance(error, asyncio.CancelledError) else "failed"


class Guard:
    """One account's way to its vendor.

    `client_budget` is shared with other accounts of one vendor client, where the vendor counts that as well.
    `turn` is held around each call, for vendors that want one at a time from all processes together; it may refuse
    with BudgetFull.
    `on_outcome(vendor, outcome)` is called once per attempt. The logs say once that a vendor went away and once that it
    is back. `clock`, `sleep` and `rand` serve the retries; budget and breaker bring their own.
    """

    def __init__(  # noqa: PLR0913  facts and injected ports, all by keyword
        self,
        *,
        vendor: str,
        account: str,
        budget: Budget,
        breaker: Breaker,
        client_budget: Budget | None = None,
        turn: Turn = nullcontext,
        policy: RetryPolicy | None = None,
        timeout_s: float = 30.0,
        on_outcome: OnOutcome = _count_nothing,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        rand: Callable[[], float] = random.random,
    ) -> None:
        """Listen to the breaker for the two log lines."""
        self.vendor, self.account = vendor, account
        self.budget, self.breaker = budget, breaker
        self._budgets = [one for one in (budget, client_budget) if one is not None]
        self._turn = turn
        self._policy = policy or RetryPolicy()
        self._timeout_s = timeout_s
        self._on_outcome = on_outcome
        self._clock, self._sleep, self._rand = clock, sleep, rand
        self._away_since: float | None = None
        breaker.listen(self._on_change)

    async def call(
        self,
        fn: Callable[[], Awaitable[T]],
        *,
        priority: Priority,
        operation: str,
        cost: float = 1.0,
        timeout_s: float | None = None,
        once: bool = False,
    ) -> T:
        """Run `fn` under guard; `once` is for pushes, whose unknown outcome must be looked up before any retry.

        Raises VendorAway at once while the breaker is open, BudgetFull when too many wait, else the call's own fault.
        """
        usual = min(self._timeout_s, WRITE_TIMEOUT_S) if once else self._timeout_s
        patience = usual if timeout_s is None else timeout_s

        async def attempt() -> T:
            return await self._attempt(fn, priority, operation, cost, patience)

        policy = ONCE if once else self._policy
        return await with_retries(attempt, policy, clock=self._clock, sleep=self._sleep, rand=self._rand)

    async def _attempt(
        self, fn: Callable[[], Awaitable[T]], priority: Priority, operation: str, cost: float, timeout_s: float
    ) -> T:
        outcome = "ok"
        try:
            self.breaker.check()  # before queueing: a caller must not wait for credits only to be turned away
            async with AsyncExitStack() as stack:
                slots = [await stack.enter_async_context(one.slot(priority, cost)) for one in self._budgets]
                try:
                    async with self._turn():
                        return await self.breaker.run(lambda: self._timed(fn, operation, timeout_s))
                except (VendorAway, BudgetFull):
                    for slot in slots:
                        slot.sent = False
                    raise
                except VendorFault as fault:
                    if fault.retry_after is not None:
                        self.budget.pause(fault.retry_after)
                    raise
        except BaseException as error:
            outcome = outcome_of(error)
            raise
        finally:
            self._on_outcome(self.vendor, outcome)

    async def _timed(self, fn: Callable[[], Awaitable[T]], operation: str, timeout_s: float) -> T:
        try:
            async with asyncio.timeout(timeout_s):
                return await fn()
        except (TimeoutError, ConnectionError) as error:
            late = isinstance(error, TimeoutError)
            what = f"no answer within {timeout_s:g} s" if late else f"the connection failed ({type(error).__name__})"
            raise VendorFault(
                what, f"{self.vendor} {operation}", "tried again by itself; check the network if it lasts",
                disposition=Disposition.RETRY, counts_against_breaker=True,
            ) from error  # fmt: skip

    def _on_change(self, _account: str, old: State, new: State) -> None:
        if old == "closed" and new == "open":
            self._away_since = self._clock()
            _log.warning("vendor_away", vendor=self.vendor, account_id=self.account)
        elif new == "closed" and self._away_since is not None:
            away_s = round(self._clock() - self._away_since, 1)
            self._away_since = None
            _log.info("vendor_back", vendor=self.vendor, account_id=self.account, away_s=away_s)
