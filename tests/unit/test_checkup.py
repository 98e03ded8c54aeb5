"""The vendor's clock against ours: right anywhere between question and answer, and told where it is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from pms_sync.bootstrap.checkup import clock
from pms_sync.domain.clock import seconds_outside

ACCOUNT = UUID(int=7)
ASKED = datetime(2026, 3, 1, 9, tzinfo=UTC)
ANSWERED = ASKED + timedelta(seconds=20)


@pytest.mark.parametrize(
    ("offset_s", "apart_s"), [(-3601, 3600), (-1, 0), (0, 0), (10, 0), (20, 0), (21, 1), (3620, 3600)]
)
def test_a_clock_is_right_anywhere_between_question_and_answer(offset_s: int, apart_s: int) -> None:
    assert seconds_outside(ASKED + timedelta(seconds=offset_s), ASKED, ANSWERED) == apart_s


def test_a_vendor_whose_clock_is_another_is_told() -> None:
    """CUR-07: nothing is lost by it, but one of the two clocks is wrong."""
    assert clock(ACCOUNT, None) == []
    [near], [far] = clock(ACCOUNT, 59.0), clock(ACCOUNT, 7200.0)
    assert (near["ok"], near["remedy"]) == (True, "")
    assert (far["ok"], far["detail"]) == (False, "7200 s apart from the vendor's")
    assert "synchronise" in far["remedy"]
