"""What pages say of times, ages, money and people."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from pms_sync.store.explain import masked
from pms_sync.web.nights import chart
from pms_sync.web.render import age, day, lately, moment, money, said

NOON = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "never"),
        (-3.0, "0 s"),
        (0.4, "0 s"),
        (59.4, "59 s"),
        (60.0, "1 min"),
        (95.0, "1 min 35 s"),
        (630.0, "10 min"),
        (7_260.0, "2 h 1 min"),
        (90_000.0, "1 d 1 h"),
    ],
)
def test_an_age_reads_in_its_two_largest_units(seconds: float | None, text: str) -> None:
    assert age(seconds) == text


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("Europe/Madrid", "Sun 29 Mar 2026, 01:30:00 CET"),
        ("Asia/Kathmandu", "Sun 29 Mar 2026, 06:15:00 UTC+05:45"),
        ("America/Sao_Paulo", "Sat 28 Mar 2026, 21:30:00 UTC-03:00"),
        ("No/Such", "Sun 29 Mar 2026, 00:30:00 UTC"),
    ],
)
def test_a_moment_names_its_zone(zone: str, text: str) -> None:
    """UI-12: the hotel's time, and the instant for machines."""
    assert moment(NOON, zone) == f'<time datetime="2026-03-29T00:30:00Z">{text}</time>'


def test_a_moment_of_today_is_its_time_alone() -> None:
    assert lately(NOON, "Europe/Madrid", 3_600.0) == '<time datetime="2026-03-29T00:30:00Z">01:30:00 CET</time>'
    assert lately(NOON, "Europe/Madrid", 80_000.0) == moment(NOON, "Europe/Madrid")


def test_a_day_has_its_weekday() -> None:
    assert day(date(2026, 3, 10)) == '<time datetime="2026-03-10">Tue 10 Mar 2026</time>'


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (Decimal("1234.5"), "EUR", "1,234.50 EUR"),
        (Decimal("-20.00"), "EUR", "-20.00 EUR"),
        (Decimal(1200), "JPY", "1,200 JPY"),
        (Decimal("1.234"), "BHD", "1.234 BHD"),
        (Decimal("33.333333"), "EUR", "33.333333 EUR"),
        (Decimal("5.00"), None, "5.00"),
        (None, "EUR", "not said"),
    ],
)
def test_money_has_its_currency_and_is_never_rounded(amount: Decimal | None, currency: str | None, text: str) -> None:
    assert money(amount, currency) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "—"), ([], "—"), (True, "yes"), (False, "no"), (["double_booked", "x"], "double booked, x"), (0, "0")],
)
def test_a_value_is_said_in_words(value: object, text: str) -> None:
    assert said(value) == text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, None),
        ("", None),
        ("Ann", "A•••"),
        ("ana@example.org", "a•••"),
        ("+34 600 123 456", "•••"),
        ("<script>", "•••"),
        ("王", "•••"),
        ("王芳", "王•••"),
        ("E\u0301lodie", "É•••"),
        ("\u202eabc", "•••"),
        ("  ", "•••"),
    ],
)
def test_a_masked_value_shows_a_first_letter_at_most(value: str | None, shown: str | None) -> None:
    """A name of one character would be shown whole."""
    assert masked(value) == shown


def stay(arrival: date, departure: date, **changes: Any) -> dict[str, Any]:
    """Build a stay as the chart needs it."""
    place = {"room": "101", "room_type": "DBL", "room_ref": "55/1", "room_type_ref": "55", "status": "confirmed"}
    place["claim_state"] = "claimed"
    return {**place, "arrival": arrival, "departure": departure, **changes}


def test_the_chart_draws_a_bar_for_every_stay() -> None:
    drawn = chart(
        [
            stay(date(2026, 3, 30), date(2026, 4, 2)),
            stay(date(2026, 3, 31), date(2026, 3, 31), room=None, claim_state="refused"),
        ]
    )
    assert drawn is not None
    assert [(number, month) for _, number, month in drawn.ticks] == [
        (30, "Mar 2026"),
        (31, ""),
        (1, "Apr 2026"),
        (2, ""),
    ]
    long, day_use = drawn.bars
    assert [(bar.label, bar.look) for bar in drawn.bars] == [("101", "confirmed"), ("DBL", "refused")]
    assert long.width == 3 * 40
    assert 0 < day_use.width < 40


def test_a_chart_that_would_be_hairlines_is_not_drawn() -> None:
    assert chart([stay(date(2026, 1, 1), date(2026, 12, 1))]) is None
    assert chart([]) is None
