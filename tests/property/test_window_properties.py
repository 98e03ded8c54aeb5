"""Windows tile: whatever the zone, the limit and the outage, nothing falls between two of them (BEYOND 25, I5)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from pms_sync.ingest import windows
from pms_sync.ingest.windows import CLOCK_DOUBT

ZONES = st.sampled_from(["UTC", "Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])
WALL = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1))  # noqa: DTZ001 - the zone is drawn beside it
SPANS = st.one_of(st.none(), st.timedeltas(timedelta(hours=1), timedelta(days=200)))
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


@given(WALL, ZONES, st.timedeltas(timedelta(0), timedelta(days=400)), st.lists(SPANS, min_size=1, max_size=8))
def test_tiles_of_changing_length_cover_the_range_exactly(
    wall: datetime, zone: str, length: timedelta, limits: list[timedelta | None]
) -> None:
    start = windows.utc(wall.replace(tzinfo=ZoneInfo(zone)))
    at, end = start, start + length
    cut: list[tuple[datetime, datetime]] = []
    while at < end:
        upto = windows.tile_end(at, end, limits[len(cut) % len(limits)])
        cut.append((at, upto))
        at = upto
    assert all(one[1] == other[0] for one, other in pairwise(cut))
    assert all(first < last for first, last in cut)
    assert sum((last - first for first, last in cut), timedelta(0)) == length


@given(
    st.timedeltas(timedelta(0), timedelta(days=200)),
    st.timedeltas(timedelta(0), timedelta(hours=26)),
    st.one_of(st.none(), st.timedeltas(timedelta(0), timedelta(days=200))),
)
def test_a_chain_of_delta_windows_reaches_now_without_a_gap(
    outage: timedelta, overlap: timedelta, max_window: timedelta | None
) -> None:
    """CUR-13, BEYOND 32: an outage of any length starts at the stored position."""
    position = NOW - outage
    covered = position
    for _ in range(10_000):
        plan = windows.next_delta(position, NOW, overlap, max_window)
        assert plan.start <= covered
        covered = max(covered, plan.end)
        if plan.open_ended:
            break
        moved = windows.advance(position, plan.end, high_water=None, closed=True, records=0)
        assert moved > position
        assert moved <= NOW - CLOCK_DOUBT
        position = moved
    assert covered >= NOW + CLOCK_DOUBT


@given(
    st.timedeltas(timedelta(days=-3), timedelta(minutes=15)),
    st.one_of(st.none(), st.timedeltas(timedelta(days=-300), timedelta(days=300))),
    st.booleans(),
    st.integers(0, 3),
)
def test_a_position_never_decreases_and_never_passes_the_window(
    behind: timedelta, seen: timedelta | None, closed: bool, records: int
) -> None:
    """I5."""
    position, end = NOW + behind, NOW + CLOCK_DOUBT
    high_water = None if seen is None else NOW + seen
    moved = windows.advance(position, end, high_water=high_water, closed=closed, records=records)
    assert position <= moved <= end


@given(st.timedeltas(timedelta(days=1), timedelta(days=400)), st.timedeltas(timedelta(hours=2), timedelta(days=90)))
def test_a_remembered_window_up_to_now_is_never_taken_for_a_closed_one(outage: timedelta, span: timedelta) -> None:
    plan = windows.next_delta(NOW - outage, NOW, timedelta(minutes=5), span)
    if windows.is_closed(plan.start, plan.end, span):
        assert not plan.open_ended
