"""Windows as Beds24 is asked for them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connectors.beds24 import rows
from connectors.beds24.wire import MODIFIED
from pms_sync.ports.connector import Window

START = datetime(2026, 5, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_closed_window_is_asked_for_one_second_wider_on_both_sides() -> None:
    window = Window(dimension=MODIFIED, start=START, end=START + HOUR)
    assert rows.window_query(window) == [
        ("modifiedFrom", "2026-05-01T11:59:59"),
        ("modifiedTo", "2026-05-01T13:00:01"),
    ]


def test_a_window_that_reaches_the_present_has_no_upper_bound() -> None:
    window = Window(dimension=MODIFIED, start=START, end=START + HOUR, open_ended=True)
    assert rows.window_query(window) == [("modifiedFrom", "2026-05-01T11:59:59")]
