"""The demo's screen: what it shows of a statement, headless or not."""

from __future__ import annotations

from typing import Any

import pytest

from pms_sync.demo.screen import Screen

COUNTS = {"reservations": 25, "room_stays": 31, "room_nights": 88, "blocks": 2}
STATEMENT: dict[str, Any] = {
    "converged": False,
    "cases": {"opened": 3, "open": 1},
    "invariants": {"equal": "broken", "polite": "held"},
    "vendors": {"beds24": {"truth": COUNTS, "store": {**COUNTS, "blocks": 1}, "differences": ["block 9 is missing"]}},
    "differences": [],
}


def test_headless_it_shows_nothing_but_the_statement_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen(headless=True)
    with screen:
        screen.say("pages")
    assert capsys.readouterr().out == ""
    screen.state(STATEMENT)
    told = capsys.readouterr().out
    for words in ("beds24 says", "the store holds", "88", "THE SIDES DIFFER", "BROKEN: equal", "block 9 is missing"):
        assert words in told


def test_where_the_statement_is_a_document_the_screen_stays_silent(capsys: pytest.CaptureFixture[str]) -> None:
    Screen(headless=True, reads_out=False).state(STATEMENT)
    assert capsys.readouterr().out == ""
