"""How long a refusal is rested from, and what an event looks like on the wire."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pms_sync.jobs.delivering import BASE_S, CAP_S, body_of, rest_s
from pms_sync.store.events_out import DueDelivery

DAYS_3_S = 3 * 86_400


@pytest.mark.parametrize(("failures", "longest"), [(0, 5.0), (1, 5.0), (2, 10.0), (4, 40.0), (13, 20_480.0)])
def test_rests_double_until_the_cap(failures: int, longest: float) -> None:
    """OUT-07."""
    assert rest_s(failures, 1.0) == longest
    assert rest_s(failures, 0.0) == 0.0


@given(st.integers(min_value=0, max_value=32_767), st.floats(min_value=0, max_value=1))
def test_a_rest_is_anywhere_between_nothing_and_its_longest(failures: int, rand: float) -> None:
    """OUT-07: full jitter, and a cap."""
    assert rest_s(failures, rand) == pytest.approx(rand * rest_s(failures, 1.0))
    assert rest_s(failures, 1.0) <= CAP_S


def test_three_days_hold_a_few_dozen_attempts() -> None:
    """Enough for any outage, few enough for any server."""
    spent, attempts = 0.0, 0
    while spent < DAYS_3_S:
        attempts += 1
        spent += rest_s(attempts, 0.5)
    assert BASE_S < 10
    assert 15 <= attempts <= 60


def due(**changed: Any) -> DueDelivery:
    """Build an event as it waits for a subscriber."""
    facts: dict[str, Any] = {
        "event_id": 7,
        "message_id": uuid.UUID(int=9),
        "topic": "pms.reservation.created",
        "reservation_id": uuid.UUID(int=1),
        "property_code": "P1",
        "payload": {"event": "ReservationCreated", "status": "confirmed"},
        "correlation_id": "c1",
        "created_at": datetime(2026, 3, 1, 12, tzinfo=UTC),
        "attempts": 0,
        **changed,
    }
    return DueDelivery(**facts)


def test_an_event_says_type_timestamp_and_data() -> None:
    assert json.loads(body_of(due())) == {
        "type": "pms.reservation.created",
        "timestamp": "2026-03-01T12:00:00Z",
        "data": {
            "event": "ReservationCreated",
            "status": "confirmed",
            "property": "P1",
            "reservation_id": str(uuid.UUID(int=1)),
            "correlation_id": "c1",
        },
    }


def test_an_event_about_no_reservation_names_none() -> None:
    assert "reservation_id" not in json.loads(body_of(due(reservation_id=None)))["data"]


def test_a_repetition_is_the_same_bytes() -> None:
    assert body_of(due(payload={"a": 1, "b": 2})) == body_of(due(payload={"b": 2, "a": 1}, attempts=4))
