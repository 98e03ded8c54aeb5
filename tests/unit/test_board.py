"""The board says the worst first, in words, and with the one command that helps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from pms_sync.store.health import Facts, StreamHealth
from pms_sync.web.board import Board, build, judge

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
ACCOUNT = UUID(int=1)
NEVER_READ: dict[str, Any] = {"stream": "blocks", "phase": "snapshot", "last_success_at": None}


def stream(**changes: Any) -> StreamHealth:
    """Build a stream read a minute ago, due in four."""
    facts: dict[str, Any] = {
        "tenant_code": "t1",
        "property_code": "P1",
        "property_name": "Hotel One",
        "timezone": "Europe/Madrid",
        "vendor": "v1",
        "account_id": ACCOUNT,
        "mode": "shadow",
        "state": "active",
        "state_reason": None,
        "breaker": "closed",
        "subscription_note": None,
        "connected_at": NOW - timedelta(days=9),
        "stream": "reservations",
        "phase": "delta",
        "freshness_s": 60.0,
        "last_success_at": NOW - timedelta(seconds=60),
        "next_due_at": NOW + timedelta(seconds=240),
        "overdue_s": -240.0,
        "reading": False,
        "failures": 0,
        "last_error": None,
        "backlog": 0,
        "parked": 0,
    }
    return StreamHealth(**(facts | changes))


def unread(**changes: Any) -> StreamHealth:
    """Build an account that nobody has read yet."""
    nothing = dict.fromkeys(("stream", "phase", "freshness_s", "last_success_at", "next_due_at", "overdue_s"))
    return stream(**(nothing | changes))


def facts(**changes: Any) -> Facts:
    """Build totals in which nothing waits."""
    nothing: dict[str, Any] = {
        "webhooks_last_hour": {},
        "waiting": 0,
        "oldest_s": 0.0,
        "parked_deliveries": 0,
        "parked_events": 0,
        "cases_open": {},
        "outbox": {},
        "freshness": {},
        "breakers": {},
    }
    return Facts(**(nothing | changes))


def board(*rows: StreamHealth, stale: bool = False) -> Board:
    """Lay out a board; the router stands still or not."""
    age_s = 99.0 if stale else 1.0
    return build(rows, facts(), {"status": "ok", "loops": {"router": {"age_s": age_s, "limit_s": 60.0}}})


@pytest.mark.parametrize(
    ("changes", "word", "tone"),
    [
        ({}, "fresh", "good"),
        ({"phase": "snapshot", "last_success_at": None}, "first read", "wait"),
        ({"phase": "snapshot"}, "fresh", "good"),  # it is listed as a whole each time
        ({"overdue_s": 180.0}, "late", "warn"),
        ({"overdue_s": 180.0, "reading": True}, "fresh", "good"),
        ({"breaker": "half-open"}, "probing", "warn"),
        ({"last_error": "timed out"}, "retrying", "warn"),
        ({"last_error": "timed out", "freshness_s": 1000.0}, "failing", "bad"),
        ({"last_error": "timed out", "freshness_s": None, "last_success_at": None}, "failing", "bad"),
        ({"breaker": "open", "last_error": "timed out"}, "vendor away", "bad"),
        ({"state": "paused", "breaker": "open"}, "paused", "off"),
        ({"state": "failed", "breaker": "open"}, "stopped", "bad"),
    ],
)
def test_every_way_to_be_has_its_word(changes: dict[str, Any], word: str, tone: str) -> None:
    cell = judge(stream(**changes))
    assert (cell.word, cell.tone) == (word, tone)


def test_an_account_without_streams_has_not_started() -> None:
    assert judge(unread()).word == "not started"
    assert judge(unread(state="failed")).word == "stopped"


def test_a_command_names_the_account() -> None:
    assert judge(stream(state="failed")).command == f"pms-sync accounts test {ACCOUNT}"


def test_the_bar_fills_from_one_read_to_the_next() -> None:
    assert [judge(stream(freshness_s=age, overdue_s=age - 300)).spent for age in (0.0, 60.0, 300.0, 900.0)] == [
        0,
        20,
        100,
        100,
    ]


def test_all_is_well_in_one_sentence() -> None:
    told = board(stream(), stream(stream="blocks"))
    assert (told.headline, told.tone, list(told.troubles)) == ("All streams fresh", "good", [])


@pytest.mark.parametrize(
    ("rows", "headline"),
    [
        ([], "No accounts yet"),
        ([stream(last_error="x")], "1 stream needs attention"),
        ([stream(), stream(stream="blocks", last_error="x")], "1 of 2 streams needs attention"),
        ([stream(overdue_s=500.0), stream(stream="blocks", last_error="x")], "2 of 2 streams need attention"),
        ([stream(), stream(**NEVER_READ)], "Reading for the first time: 1 of 2 streams"),
        ([stream(), stream(stream="blocks", state="paused")], "All other streams fresh, 1 of 2 streams paused"),
        ([stream(state="paused")], "No stream is read, 1 stream paused"),
    ],
)
def test_the_headline_never_says_more_than_is_true(rows: list[StreamHealth], headline: str) -> None:
    assert board(*rows).headline == headline


def test_a_loop_that_stands_still_comes_before_everything() -> None:
    told = board(stream(), stale=True)
    assert told.headline == "The daemon stands still: router"
    assert dict(told.stale) == {"router": 99.0}


def test_the_worst_comes_first_and_an_accounts_trouble_once() -> None:
    other = UUID(int=2)
    told = board(
        stream(overdue_s=500.0),
        stream(account_id=other, state="failed", state_reason="token refused"),
        stream(account_id=other, state="failed", state_reason="token refused", stream="blocks"),
    )
    assert [(cell.word, cell.why) for cell in told.troubles] == [("stopped", "token refused"), ("late", None)]


def test_many_troubles_are_counted_not_listed() -> None:
    told = board(*(stream(account_id=UUID(int=n), last_error="x") for n in range(1, 31)))
    assert (len(told.troubles), told.more) == (12, 18)


def test_columns_keep_the_houses_order_and_a_missing_stream_its_place() -> None:
    other = UUID(int=2)
    told = board(stream(stream="blocks"), stream(), stream(account_id=other), stream(account_id=other, stream="zebra"))
    assert list(told.columns) == ["reservations", "blocks", "zebra"]
    assert [[cell is None for cell in line.cells] for line in told.lines] == [
        [False, False, True],
        [False, True, False],
    ]


def test_a_late_turn_began_when_it_was_due() -> None:
    due = NOW - timedelta(seconds=500)
    assert judge(stream(overdue_s=500.0, next_due_at=due)).since == due
    assert judge(unread()).since == NOW - timedelta(days=9)
