"""How many credits an account has left: our own count, corrected by what the vendor says."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable

# A vendor that tells whole seconds may reset up to one second later than it said.
_ROUNDING_S = 1.0
_EPSILON = 1e-9


class Meter:
    """So many credits in so many seconds.

    Until the vendor has said when its window ends we count over a rolling window, which is right wherever a fixed one
    may begin. Once it said so, its window and its remainder hold. A call counts from its start and is stamped at its
    end, so that we never free credits before the vendor does. `clock` is monotonic seconds.
    """

    def __init__(self, credits_: float, window_s: float, clock: Callable[[], float]) -> None:
        """Start with a full budget; both figures must be positive."""
        if not (credits_ > 0 and window_s > 0):
            message = f"a budget needs positive credits and seconds, not {credits_!r} in {window_s!r} s"
            raise ValueError(message)
        self.credits = credits_
        self.window_s = window_s
        self._clock = clock
        self._spent: deque[tuple[float, float]] = deque()
        self._in_flight = 0.0
        self._said: float | None = None  # credits left at `_said_at`, as the vendor told
        self._since_said = 0.0  # spent after that
        self._resets_at: float | None = None

    def available(self) -> float:
        """Return the credits that may be spent now; negative when more was spent than estimated."""
        now = self._clock()
        self._forget(now)
        if self._said is not None:
            return self._said - self._since_said - self._in_flight
        return self.credits - sum(cost for _, cost in self._spent) - self._in_flight

    def start(self, cost: float) -> None:
        """Count a call that is about to be sent."""
        self._in_flight += cost

    def finish(self, estimated: float, actual: float) -> None:
        """Stamp a call that ended; `actual` 0 when it was never sent."""
        self._in_flight = max(self._in_flight - estimated, 0.0)
        if actual > 0:
            self._spent.append((self._clock(), actual))
            self._since_said += actual

    def correct(self, remaining: float | None, resets_in: float | None) -> None:
        """Believe the vendor; absent is unknown, never zero, and nonsense is ignored."""
        now = self._clock()
        if resets_in is not None and math.isfinite(resets_in) and resets_in >= 0:
            self._resets_at = now + min(resets_in, self.window_s) + _ROUNDING_S
        if remaining is None or not math.isfinite(remaining):
            return
        if self._resets_at is not None:
            self._said, self._since_said = min(remaining, self.credits), 0.0
        elif (excess := self.available() + self._in_flight - remaining) > _EPSILON:
            self._spent.append((now, excess))

    def seconds_until(self, credits_: float) -> float:
        """Return how long until that many credits are available if nothing else is spent; 0 when they are."""
        missing = credits_ - self.available()
        if missing <= _EPSILON:
            return 0.0
        now = self._clock()
        if self._said is not None and self._resets_at is not None:
            return max(self._resets_at - now, 0.0)
        for at, cost in self._spent:
            missing -= cost
            if missing <= _EPSILON:
                return max(at + self.window_s - now, 0.0)
        return self.window_s

    def _forget(self, now: float) -> None:
        while self._spent and self._spent[0][0] <= now - self.window_s:
            self._spent.popleft()
        if self._resets_at is not None and now >= self._resets_at:
            # Taken as the start of a full window until the vendor says otherwise.
            missed = math.floor((now - self._resets_at) / self.window_s)
            began = self._resets_at + missed * self.window_s
            self._said, self._since_said = self.credits, sum(cost for at, cost in self._spent if at > began)
            self._resets_at = began + self.window_s
