"""Windows: what is read next, and how far a position may move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pms_sync.ingest import windows
from pms_sync.ingest.windows import CLOCK_DOUBT

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def test_a_window_without_a_limit_reaches_from_the_overlap_to_just_after_now() -> None:
    plan = windows.next_delta(NOW - DAY, NOW, timedelta(hours=26), None)
    assert (plan.start, plan.end) == (NOW - DAY - timedelta(hours=26), NOW + CLOCK_DOUBT)
    assert plan.open_ended


def test_two_hundred_days_of_silence_become_a_chain_of_short_windows() -> None:
    """CUR-13."""
    position, lengths = NOW - 200 * DAY, []
    while True:
        plan = windows.next_delta(position, NOW, timedelta(minutes=5), 90 * DAY)
        lengths.append(plan.end - plan.start)
        if plan.open_ended:
            break
        position = windows.advance(position, plan.end, high_water=None, closed=True, records=0)
    assert len(lengths) == 3
    assert max(lengths) <= 90 * DAY


def test_an_empty_window_up_to_now_moves_nothing() -> None:
    """CUR-06."""
    assert windows.advance(NOW - DAY, NOW + CLOCK_DOUBT, high_water=None, closed=False, records=0) == NOW - DAY


def test_the_newest_vendor_time_is_the_position_even_when_our_clock_is_ahead() -> None:
    """CUR-07."""
    vendor_now = NOW - timedelta(minutes=10)
    assert windows.advance(NOW - DAY, NOW + CLOCK_DOUBT, high_water=vendor_now, closed=False, records=1) == vendor_now


def test_a_vendor_time_from_the_far_future_takes_the_position_no_further_than_now() -> None:
    """CUR-07, CUR-09."""
    poisoned = datetime(2999, 12, 31, tzinfo=UTC)
    assert windows.advance(NOW - DAY, NOW + CLOCK_DOUBT, high_water=poisoned, closed=False, records=1) == NOW


def test_a_vendor_without_times_is_trusted_up_to_a_safe_while_ago() -> None:
    moved = windows.advance(NOW - DAY, NOW + CLOCK_DOUBT, high_water=None, closed=False, records=3)
    assert moved == NOW - CLOCK_DOUBT


def test_a_position_is_in_the_future_only_beyond_what_clocks_disagree_by() -> None:
    """CUR-09."""
    assert windows.is_future(datetime(2999, 12, 31, tzinfo=UTC), NOW)
    assert not windows.is_future(NOW + timedelta(minutes=10), NOW)


def test_a_tile_ends_with_the_shortest_limit_or_the_range() -> None:
    assert windows.tile_end(NOW, NOW + 90 * DAY) == NOW + 90 * DAY
    assert windows.tile_end(NOW, NOW + 90 * DAY, 30 * DAY, None, 7 * DAY) == NOW + 7 * DAY
    assert windows.tile_end(NOW, NOW + 3 * DAY, 7 * DAY) == NOW + 3 * DAY


def test_a_tile_is_never_shorter_than_a_day() -> None:
    assert windows.tile_end(NOW, NOW + 9 * DAY, timedelta(seconds=1)) == NOW + DAY


def test_a_quarter_of_a_tile_is_whole_days_and_at_least_one() -> None:
    assert windows.quarter_of(timedelta(days=30)) == 7 * DAY
    assert windows.quarter_of(DAY) == DAY


def test_the_usual_snapshot_is_five_years_back_to_fifteen_ahead_in_whole_months() -> None:
    start, end = windows.snapshot_range(datetime(2028, 2, 29, 23, tzinfo=UTC))
    assert (start.date().isoformat(), end.date().isoformat()) == ("2023-02-01", "2043-03-01")


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        windows.utc(datetime(2026, 5, 1))  # noqa: DTZ001 - the point of the test


def test_no_tile_begins_after_the_range() -> None:
    with pytest.raises(ValueError, match="no tile"):
        windows.tile_end(NOW, NOW)
