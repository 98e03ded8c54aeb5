"""Windows: what is read next, and how far a position may move."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

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


def test_quarters_end_where_the_calendar_says() -> None:
    cut = list(windows.tiles(datetime(2025, 11, 1, tzinfo=UTC), datetime(2026, 8, 1, tzinfo=UTC)))
    assert [end.date().isoformat() for _, end in cut] == ["2026-01-01", "2026-04-01", "2026-07-01", "2026-08-01"]


def test_months_are_cut_further_by_a_short_limit() -> None:
    cut = list(windows.tiles(datetime(2026, 2, 1, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC), 10 * DAY, 1))
    assert [(end - start).days for start, end in cut] == [10, 10, 8]


def test_the_night_the_clocks_change_is_neither_lost_nor_read_twice() -> None:
    """BEYOND 25: 25 hours of local time in October are 25 hours of windows."""
    madrid = ZoneInfo("Europe/Madrid")
    start, end = datetime(2026, 10, 25, tzinfo=madrid), datetime(2026, 10, 26, tzinfo=madrid)
    cut = list(windows.tiles(start, end, timedelta(hours=1)))
    assert len(cut) == 25
    assert cut[0][0] == start
    assert cut[-1][1] == end


def test_the_usual_snapshot_is_two_years_back_to_three_years_ahead_in_whole_months() -> None:
    start, end = windows.snapshot_range(datetime(2028, 2, 29, 23, tzinfo=UTC))
    assert (start.date().isoformat(), end.date().isoformat()) == ("2026-02-01", "2031-03-01")


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        windows.utc(datetime(2026, 5, 1))  # noqa: DTZ001 - the point of the test


def test_no_tile_begins_after_the_range() -> None:
    with pytest.raises(ValueError, match="no tile"):
        windows.tile_end(NOW, NOW, None)
