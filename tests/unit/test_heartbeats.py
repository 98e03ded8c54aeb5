"""A loop that stops stamping turns the report stale."""

from __future__ import annotations

import pytest

from pms_sync.observe.heartbeats import Heartbeats


class Hand:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_daemon_without_loops_is_healthy() -> None:
    assert Heartbeats(Hand()).report() == {"status": "ok", "loops": {}}


def test_a_silent_loop_is_stale_and_a_stamp_heals_it() -> None:
    """OPS-01."""
    clock = Hand()
    hearts = Heartbeats(clock)
    hearts.register("router", 5)
    hearts.register("poller", 60)
    clock.now += 5.5
    assert hearts.report() == {
        "status": "stale",
        "loops": {"poller": {"age_s": 5.5, "limit_s": 60}, "router": {"age_s": 5.5, "limit_s": 5}},
    }
    hearts.beat("router")
    assert hearts.report()["status"] == "ok"


def test_a_loop_that_ended_on_purpose_is_forgotten() -> None:
    clock = Hand()
    hearts = Heartbeats(clock)
    hearts.register("backfill", 1)
    clock.now += 9
    hearts.forget("backfill")
    hearts.forget("backfill")
    assert hearts.report()["status"] == "ok"


def test_unknown_names_and_impossible_limits_are_refused() -> None:
    hearts = Heartbeats(Hand())
    with pytest.raises(KeyError):
        hearts.beat("nobody")
    with pytest.raises(ValueError, match="positive"):
        hearts.register("router", 0)
