"""The credit meter: fixed five-minute windows per account, counted in tenths (vendors/beds24.md 3)."""

from __future__ import annotations

from decimal import Decimal

from connectors.kit.simulator.clock import SimulatedClock

WINDOW = 300


class Meter:
    """Counts what the account used in the present window of the simulated clock."""

    def __init__(self, clock: SimulatedClock, ceiling: float = 100) -> None:
        """Begin with a full window."""
        self._clock, self._ceiling = clock, Decimal(str(ceiling))
        self._window = -1
        self._used = Decimal()

    @property
    def remaining(self) -> Decimal:
        """Return the credits left, never below zero."""
        self._turn()
        return max(self._ceiling - self._used, Decimal())

    @property
    def resets_in(self) -> int:
        """Return whole seconds until the window ends."""
        return WINDOW - int(self._clock.now().timestamp()) % WINDOW

    def spend(self, cost: Decimal) -> None:
        """Take credits off; the last call of a window may overdraw it."""
        self._turn()
        self._used += cost

    def headers(self, cost: Decimal) -> dict[str, str]:
        """Return the three headers as they are on the wire, not as the API file names them."""
        return {
            "x-five-min-limit-remaining": _plain(self.remaining),
            "x-five-min-limit-resets-in": str(self.resets_in),
            "x-request-cost": _plain(cost),
        }

    def _turn(self) -> None:
        window = int(self._clock.now().timestamp()) // WINDOW
        if window != self._window:
            self._window, self._used = window, Decimal()


def _plain(amount: Decimal) -> str:
    return f"{amount.normalize():f}"
