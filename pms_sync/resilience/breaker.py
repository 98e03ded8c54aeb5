"""One breaker per vendor account: stop calling a vendor that is away, and find out with one call when it is back.

The only module that knows pybreaker. The library keeps the state machine; admission, the single probe and the
cool-down are ours, because its own async use never trips, lets every waiting caller probe and lets a cancellation
vote (DEPENDENCIES 6).
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Literal, TypeVar, cast

import pybreaker

from pms_sync.domain.errors import Disposition, Unavailable, VendorFault

T = TypeVar("T")
State = Literal["closed", "half-open", "open"]
Listener = Callable[[str, State, State], None]

COOL_DOWNS = (15.0, 30.0, 60.0, 120.0)
_JITTER = 0.2
_PROBE_PATIENCE = 1.0


class VendorAway(VendorFault, Unavailable):
    """The call was not sent, because the vendor is known to be away; it uses up no attempt."""

    def __init__(self, account: str, retry_after: float) -> None:
        """Say when the next probe is due, in seconds from now."""
        super().__init__(
            "the vendor does not answer, so the call was not sent",
            account,
            f"nothing to do; the next probe is due in {retry_after:.0f} s",
            disposition=Disposition.RETRY,
            retry_after=retry_after,
            sent=False,
        )


def votes_down(error: BaseException) -> bool | None:
    """Return True for unavailability, False for any other answer of the vendor, None when it was not the vendor."""
    return error.counts_against_breaker if isinstance(error, VendorFault) else None


class Breaker:
    """Counts unavailability in a row; `run` sends the call or raises VendorAway.

    After `fail_max` failures the account rests for the first of `cool_downs` (seconds, each spread by 20 %), then one
    call may try; while probes fail the rests grow. `clock` is monotonic seconds.
    """

    def __init__(  # noqa: PLR0913  facts and injected ports, all by keyword
        self,
        account: str,
        *,
        fail_max: int = 5,
        cool_downs: Sequence[float] = COOL_DOWNS,
        listeners: Sequence[Listener] = (),
        clock: Callable[[], float] = time.monotonic,
        rand: Callable[[], float] = random.random,
        vote: Callable[[BaseException], bool | None] = votes_down,
    ) -> None:
        """Start closed."""
        self.account = account
        self._cool_downs = tuple(cool_downs)
        self._clock, self._rand, self._vote = clock, rand, vote
        self._openings = 0
        self._probe_at = 0.0
        self._probe: object | None = None
        self._listeners = [self._on_change, *listeners]
        self._machine = pybreaker.CircuitBreaker(
            fail_max=fail_max, name=account, throw_new_error_on_trip=False, listeners=[_Relay(self._listeners)]
        )

    @property
    def state(self) -> State:
        """Return `closed`, `half-open` or `open`."""
        return cast("State", self._machine.current_state)

    def listen(self, listener: Listener) -> None:
        """Tell `listener(account, old, new)` about every change of state from now on."""
        self._listeners.append(listener)

    def check(self) -> None:
        """Raise VendorAway when a call made now would not be sent; admits nobody."""
        if self.state == "open" and self._clock() < self._probe_at:
            raise VendorAway(self.account, self._probe_at - self._clock())
        if self.state == "half-open" and self._probe is not None:
            raise VendorAway(self.account, _PROBE_PATIENCE)

    async def run(self, call: Callable[[], Awaitable[T]]) -> T:
        """Send one call and learn from its end; the call's own error always comes through unchanged."""
        state, ticket = self._admit()
        try:
            answer = await call()
        except asyncio.CancelledError:
            raise  # neither success nor failure
        except Exception as error:
            down = self._vote(error)
            if down is not None:
                self._report(state, error if down else None)
            raise
        else:
            self._report(state, None)
            return answer
        finally:
            if self._probe is ticket:
                self._probe = None

    def _admit(self) -> tuple[State, object]:
        self.check()
        ticket = object()
        if self.state == "open":
            self._machine.half_open()
        if self.state == "half-open":
            self._probe = ticket
        return self.state, ticket

    def _report(self, state: State, error: Exception | None) -> None:
        if self.state != state:
            return  # the answer to a call of an older state has no vote

        def vote() -> None:
            if error is not None:
                raise error

        try:
            self._machine.call(vote)
        except Exception as raised:
            if raised is not error:
                raise

    def _on_change(self, _account: str, _old: State, new: State) -> None:
        if new == "closed":
            self._openings = 0
        elif new == "open":
            rest = self._cool_downs[min(self._openings, len(self._cool_downs) - 1)]
            self._openings += 1
            self._probe_at = self._clock() + rest * (1 - _JITTER + 2 * _JITTER * self._rand())


class _Relay(pybreaker.CircuitBreakerListener):
    """Turns the library's listener into plain functions."""

    def __init__(self, listeners: list[Listener]) -> None:
        self._listeners = listeners

    def state_change(self, cb: Any, old_state: Any, new_state: Any) -> None:  # noqa: ANN401  the library's signature
        """Pass a change on by name."""
        for listener in tuple(self._listeners):
            listener(cb.name or "", old_state.name, new_state.name)
