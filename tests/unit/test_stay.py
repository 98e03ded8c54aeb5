"""Stay ranges: nights are differences of dates, whatever the clocks do."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from pms_sync.domain.stay import LONGEST_STAY_NIGHTS, StayRange


@pytest.mark.parametrize(
    ("arrival", "departure", "nights"),
    [
        ("2026-03-28", "2026-03-30", ["2026-03-28", "2026-03-29"]),
        ("2026-10-24", "2026-10-26", ["2026-10-24", "2026-10-25"]),
        ("2028-02-28", "2028-03-01", ["2028-02-28", "2028-02-29"]),
        ("2038-01-18", "2038-01-20", ["2038-01-18", "2038-01-19"]),
        ("2011-12-29", "2011-12-31", ["2011-12-29", "2011-12-30"]),
        ("2026-05-04", "2026-05-04", []),
    ],
    ids=["spring", "autumn", "leap day", "2038", "Apia", "day use"],
)
def test_nights_are_counted_by_date(arrival: str, departure: str, nights: list[str]) -> None:
    """TIM-01, TIM-02, TIM-11, TIM-14, and the date Apia never had."""
    stay = StayRange(date.fromisoformat(arrival), date.fromisoformat(departure))

    assert [night.isoformat() for night in stay.nights()] == nights
    assert stay.is_day_use == (arrival == departure)


def test_a_departure_before_the_arrival_is_refused() -> None:
    """Half-open ranges cannot run backwards."""
    with pytest.raises(ValueError, match="before arrival"):
        StayRange(date(2026, 5, 4), date(2026, 5, 3))


def test_ten_years_is_the_longest_stay() -> None:
    """A slip of the keyboard would flood the night tables."""
    arrival = date(2026, 1, 1)

    assert len(list(StayRange(arrival, arrival + timedelta(days=LONGEST_STAY_NIGHTS)).nights())) == LONGEST_STAY_NIGHTS
    with pytest.raises(ValueError, match="more than"):
        StayRange(arrival, arrival + timedelta(days=LONGEST_STAY_NIGHTS + 1))


def test_same_day_turnover_is_free_of_overlap() -> None:
    """The one who leaves and the one who comes share a date, not a slot."""
    leaving = set(StayRange(date(2026, 5, 1), date(2026, 5, 3)).claims())
    coming = set(StayRange(date(2026, 5, 3), date(2026, 5, 5)).claims())

    assert not leaving & coming


def test_two_day_uses_of_one_room_collide() -> None:
    """TIM-14, INV-03."""
    day_use = StayRange(date(2026, 5, 4), date(2026, 5, 4))

    assert set(day_use.claims()) == {(date(2026, 5, 4), "day")}


def test_day_use_collides_with_a_guest_who_stays_over() -> None:
    """Between arrival and departure the room is taken by day as well."""
    over = set(StayRange(date(2026, 5, 3), date(2026, 5, 6)).claims())

    assert (date(2026, 5, 4), "day") in over
    assert (date(2026, 5, 3), "day") not in over


def test_a_block_takes_whole_days() -> None:
    """Nobody can use the room by day while it is out of order."""
    days = set(StayRange(date(2026, 5, 1), date(2026, 5, 3)).whole_days())

    assert days == {(date(2026, 5, day), slot) for day in (1, 2) for slot in ("day", "night")}
