"""How much is asked at once: halved by what proves too much, and grown back by what goes down."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx
import pytest

from connectors.kit import rest
from connectors.mews.appetite import Appetite
from connectors.mews.faults import TooMuch, explained

DAYS = timedelta(days=80)


def fail(appetite: Appetite, error: BaseException) -> None:
    """End one helping with this."""
    with pytest.raises(type(error)), appetite.helping():
        raise error


@pytest.mark.parametrize("error", [TooMuch("408"), rest.Unreachable("late"), asyncio.CancelledError()], ids=repr)
def test_what_takes_too_long_is_halved(error: BaseException) -> None:
    """CUR-14: 408, a wire without an answer, and a read that the engine gave up waiting for."""
    appetite = Appetite()
    fail(appetite, error)
    assert (appetite.span(DAYS), appetite.rows(1000)) == (DAYS / 2, 500)


@pytest.mark.parametrize("error", [rest.Limited("429"), rest.Refused("400"), rest.ServerTrouble("500"), KeyError("x")])
def test_other_trouble_says_nothing_about_the_size(error: Exception) -> None:
    appetite = Appetite()
    fail(appetite, error)
    assert (appetite.span(DAYS), appetite.rows(1000)) == (DAYS, 1000)


def test_it_never_falls_to_nothing_and_comes_back() -> None:
    """Three good helpings for each step, so that a vendor who is slow is not asked too much again at once."""
    appetite = Appetite()
    for _ in range(50):
        fail(appetite, TooMuch("408"))
    assert appetite.rows(1000) == 20
    assert appetite.rows(7) == 7
    assert timedelta(minutes=1) <= appetite.span(DAYS) < timedelta(hours=2)
    assert appetite.span(timedelta(seconds=9)) == timedelta(seconds=9)
    for _ in range(30):
        with appetite.helping():
            pass
    assert (appetite.span(DAYS), appetite.rows(1000)) == (DAYS, 1000)


def test_a_body_that_is_too_large_is_told_alike() -> None:
    """Section 6: 413 asks to split."""
    request = rest.Request(method="POST", url="https://x.example", where="POST x")
    answer = rest.Answer(status=413, headers=httpx.Headers(), body=b"")
    with pytest.raises(rest.CallFault) as refused:
        rest.judged(answer, request)
    assert isinstance(explained(refused.value, answer, "POST x", ()), TooMuch)
