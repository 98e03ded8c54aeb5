"""The parts of the simulated Cloudbeds that need no wire: forms, local times, amounts, looser forms."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest

from connectors.cloudbeds.simulator import bookings
from connectors.cloudbeds.simulator.forms import FORM, read_form
from connectors.cloudbeds.simulator.ids import Ids, subscription_id
from connectors.cloudbeds.simulator.loose import loosened
from connectors.cloudbeds.simulator.site import place
from connectors.cloudbeds.simulator.times import from_local, in_utc, local

ZONE = "Europe/Madrid"


@pytest.mark.parametrize(
    ("pairs", "tree"),
    [
        ([("a", "1"), ("b", "x&y=z")], {"a": "1", "b": "x&y=z"}),
        ([("name", "Zażółć \U0001f6cf+%"), ("empty", "")], {"name": "Zażółć \U0001f6cf+%", "empty": ""}),
        (
            [("rooms[0][id]", "7"), ("rooms[0][n]", "1"), ("rooms[1][id]", "8")],
            {"rooms": [{"id": "7", "n": "1"}, {"id": "8"}]},
        ),
        ([("r[0][interval][0][from]", "x")], {"r": [{"interval": [{"from": "x"}]}]}),
        ([("tags[]", "a"), ("tags[]", "b")], {"tags": ["a", "b"]}),
        ([("map[k]", "v"), ("map[0]", "w")], {"map": {"k": "v", "0": "w"}}),
        ([("a[b", "1")], {"a[b": "1"}),
        ([("a", "1"), ("a[b]", "2")], {"a": {"b": "2"}}),
    ],
)
def test_bracketed_keys_become_a_tree(pairs: list[tuple[str, str]], tree: Any) -> None:
    """CB-02: nested lists, unicode, & and = come out as they went in."""
    assert read_form(urlencode(pairs).encode(), FORM) == tree


def test_a_body_of_another_kind_has_no_fields() -> None:
    """JSON is ignored, not refused."""
    assert read_form(b'{"a": 1}', "application/json") == {}


def test_local_times_lose_the_hour_that_the_clocks_repeat() -> None:
    """TIM-07: the earlier of two comes back."""
    first, second = "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"
    assert local(first, ZONE) == local(second, ZONE) == "2026-10-25 02:30:00"
    assert in_utc(second) == "2026-10-25 01:30:00"
    assert from_local("2026-10-25 02:30:00", ZONE) == first
    assert from_local("2026-10-25T02:30:00", ZONE) is None


def test_a_total_is_split_exactly_over_nights() -> None:
    """The surplus units go first."""
    home, ids = place(0, 3), Ids(1)
    booking = bookings.reservation(home, ids, "2026-03-01T10:00:00Z")
    line = bookings.line(ids, booking, home.kinds[0], date(2026, 3, 1), date(2026, 3, 4))
    rates = bookings.split(line, Decimal("100.01"), home.quantum)["rates"]
    assert [*rates.values()] == [Decimal("33.34"), Decimal("33.34"), Decimal("33.33")]
    assert bookings.split({**line, "endDate": "2026-03-01"}, Decimal(5), home.quantum)["rates"] == {}


def test_further_rooms_count_from_minus_two_and_leave_gaps() -> None:
    """The first equals the reservation's id (7)."""
    booking: dict[str, Any] = {"reservationID": "61", "lines": []}
    assert bookings.sub_id(booking) == "61"
    assert bookings.sub_id({**booking, "lines": [{"subReservationID": "61"}]}) == "61-2"
    gapped = [{"subReservationID": "61"}, {"subReservationID": "61-4"}]
    assert bookings.sub_id({**booking, "lines": gapped}) == "61-5"


def test_ids_are_repeatable_and_subscriptions_derived() -> None:
    """The same names, the same id (11.1)."""
    home = place(1, 3)
    assert Ids(1).reservation(home) == Ids(1).reservation(home) != Ids(2).reservation(home)
    assert subscription_id("p", "u", "o", "a") == subscription_id("p", "u", "o", "a") != subscription_id("p", "u", "o")


@pytest.mark.parametrize(
    ("word", "changed"),
    [
        ("numbers", {"reservationID": 7, "adults": 2}),
        ("money", {"total": "5.50", "balanceDetailed": {"paid": "1.00"}}),
        ("lists", {"balanceDetailed": [{"paid": 1.0}]}),
        ("dashes", {"name": "-"}),
        ("nulls", {"name": None}),
        ("keys", {}),
    ],
)
def test_answers_can_be_looser_than_documented(word: str, changed: dict[str, Any]) -> None:
    """The forms that live systems send (3), each by its own word."""
    row = {"reservationID": "7", "adults": "2", "name": "", "total": 5.5, "balanceDetailed": {"paid": 1.0}}
    body = {"success": True, "data": [row], "count": 1, "total": 1}
    told = {name: value for name, value in {**row, **changed}.items() if word != "keys" or value != ""}
    assert loosened(body, frozenset({word})) == {"success": True, "data": [told], "count": 1, "total": 1}
    assert loosened(body, frozenset()) == body


def test_special_rooms_are_beds_of_one_dorm_and_a_virtual_room() -> None:
    """Traps 16 and 17."""
    dorm, virtual = place(0, 3, special=True).kinds[1:]
    assert {bed.dorm for bed in dorm.rooms} == {"Dorm A"}
    assert virtual.virtual
    assert virtual.rooms[0].links == tuple(room.id for room in place(0, 3).kinds[0].rooms[:2])
