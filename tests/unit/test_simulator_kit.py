"""What the simulators share: the sliding call window and the reading of change orders."""

from __future__ import annotations

from datetime import UTC, datetime

from connectors.kit.simulator.clock import SimulatedClock
from connectors.kit.simulator.orders import unfold
from connectors.kit.simulator.throttle import SlidingWindow


def _window(limit: int) -> tuple[SlidingWindow, SimulatedClock]:
    clock = SimulatedClock(datetime(2026, 3, 1, tzinfo=UTC))
    return SlidingWindow(clock, limit, 30), clock


def test_calls_are_let_in_until_the_window_is_full() -> None:
    """Refused calls are not counted, so hammering does not lengthen the wait."""
    window, clock = _window(2)
    assert [window.take("a"), window.take("a")] == [0, 0]
    assert 29 < window.take("a") <= 30
    clock.advance(10)
    assert 19 < window.take("a") <= 20
    clock.advance(20)
    assert window.take("a") == 0


def test_the_window_slides_call_by_call() -> None:
    """It is not aligned to any clock: each call leaves it by itself."""
    window, clock = _window(2)
    window.take("a")
    clock.advance(20)
    window.take("a")
    clock.advance(10)
    assert window.take("a") == 0
    assert 19 < window.take("a") <= 20


def test_every_key_has_its_own_window() -> None:
    window, _ = _window(1)
    assert [window.take("a"), window.take("b")] == [0, 0]
    assert window.take("a") > 0


def test_a_clock_put_back_empties_the_window() -> None:
    """Calls of the future cannot be waited for."""
    window, clock = _window(1)
    window.take("a")
    clock.advance(-3600)
    assert window.take("a") == 0


def test_path_keys_become_the_tree_they_mean() -> None:
    told = unfold({"booker.email": "a@example.com", "room_stays[0].departure": "2026-03-02", "notes": "n"})
    assert told == {"booker": {"email": "a@example.com"}, "room_stays": [{"departure": "2026-03-02"}], "notes": "n"}


def test_a_stay_named_by_number_keeps_its_place() -> None:
    """The second stay is the second stay also when the first is not named."""
    assert unfold({"room_stays[1].adults": 1})["room_stays"] == [{}, {"adults": 1}]
