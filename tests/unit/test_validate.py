"""Validation: every atom refuses what it cannot be, with the path and a reason."""

from __future__ import annotations

from typing import Any

import pytest

from conflict.atoms import Value
from conflict.validate import mixture_problems, typed_problems, value_problems
from tests.unit.merge_revisions import AGREED, OCCUPANCY, SHAPE, STATUS, shape

PRICED = ("2026-03-10", "2026-03-12", "55", "", "200")
ANA = ("77", "Ana", None, "", None, "ES", None)


@pytest.mark.parametrize("path", AGREED)
def test_what_a_vendor_says_every_day_is_in_order(path: str) -> None:
    assert value_problems(path, AGREED[path]) == []
    assert typed_problems(path, AGREED[path]) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("guests[77]", ANA),
        ("guests[77]", ""),
        ("lines[7]", ("payment", "Card", "-5.5", "EUR")),
        ("lines[7]", ""),
        (OCCUPANCY, (None, "")),
        (STATUS, ("hold", "request")),
        (SHAPE, shape("2026-03-10")),
        ("total", ""),
    ],
)
def test_other_values_that_may_be(path: str, value: Value) -> None:
    assert value_problems(path, value) == []


@pytest.mark.parametrize(
    ("path", "value", "why"),
    [
        (SHAPE, shape("2026-03-09"), "departure 2026-03-09 lies before arrival 2026-03-10"),
        (SHAPE, shape("2126-03-09"), "stay of more than 3660 nights"),
        (SHAPE, shape(total="1e5"), "not a decimal amount"),
        (SHAPE, (*PRICED, (("2026-03-12", "1"),), ()), "a price outside the stay from 2026-03-10 to 2026-03-12"),
        (SHAPE, ("2026-03-10", "2026-03-12", None, "", None, (), ()), "not text"),
        (SHAPE, ("2026-03-10", "2026-03-12"), "not the value of shape"),
        (SHAPE, "", "not the value of shape"),
        (STATUS, ("confirmed", "soon"), "not one of inquiry, request, option"),
        (STATUS, "confirmed", "not the value of status"),
        (OCCUPANCY, (100, 0), "persons are counted from 0 to 99"),
        (OCCUPANCY, ("2", 0), "persons are counted from 0 to 99"),
        ("guests[77]", (*ANA[:3], 7, *ANA[4:]), "not text"),
        ("lines[7]", ("gift", "", "5", "EUR"), "a line is a charge or a payment"),
        ("lines[7]", ("charge", "", "", "EUR"), "a line has an amount"),
        ("channel", ("carrier pigeon", None, None), "not one of agoda, airbnb, booking_com"),
        ("total", "much", "not a decimal amount"),
        ("notes", ("a",), "not text"),
    ],
)
def test_values_that_cannot_be(path: str, value: Value, why: str) -> None:
    found = value_problems(path, value)
    assert [problem.path for problem in found] == [path] * len(found)
    assert any(problem.why.startswith(why) for problem in found)


@pytest.mark.parametrize("nights", [(("2026-03-10", "100"),), (("2026-03-11", "100"), ("2026-03-10", "100"))])
def test_a_person_prices_every_night_or_none(nights: Any) -> None:
    """What a vendor leaves out is a fact; what a person leaves out is a slip."""
    value = (*PRICED, nights, ())
    assert value_problems(SHAPE, value) == []
    assert [problem.why for problem in typed_problems(SHAPE, value)] == [
        "name a price for each of the nights 2026-03-10, 2026-03-11"
    ]


def test_what_one_side_says_alone_is_no_mixture() -> None:
    there = {**AGREED, SHAPE: shape("2026-03-09"), STATUS: ("no_show", "")}
    assert mixture_problems(there, AGREED, there, "1001") == []
    assert mixture_problems({**there, OCCUPANCY: (9, 0)}, {**AGREED, OCCUPANCY: (9, 0)}, there, "1001")
