"""The status machine: all thirty-six pairs, as people may do them and as vendors report them."""

from __future__ import annotations

from itertools import product

import pytest

from pms_sync.domain.status import LOCAL_MOVES, TAKES_NO_ROOM, Jump, Status, observed_jump, reservation_status

# Rows: before; columns: after, both in the order hold confirmed checked_in checked_out cancelled no_show.
# "=" same, ">" forward, "r" reinstated, "u" undone, "!" illegal; what people here may do stands in LOCAL below.
OBSERVED = """
= > > > > >
! = > > > >
! u = > ! !
! u u = ! !
r r r ! = !
r r r ! ! =
"""
LOCAL = """
. x . . x .
. . x . x x
. . . x . .
. . . . . .
. . . . . .
. . . . . .
"""
MEANING = {"=": Jump.SAME, ">": Jump.FORWARD, "r": Jump.REINSTATED, "u": Jump.UNDONE, "!": Jump.ILLEGAL}


def cells(table: str) -> list[tuple[Status, Status, str]]:
    """Read a table into (before, after, mark)."""
    marks = table.split()
    return [(before, after, mark) for (before, after), mark in zip(product(Status, Status), marks, strict=True)]


@pytest.mark.parametrize(("before", "after", "mark"), cells(OBSERVED))
def test_a_vendors_change_of_status_is_judged_by_the_table(before: Status, after: Status, mark: str) -> None:
    """S1.26, S1.27, S1.28: skipped steps, reinstatement and undone check-ins are facts, the rest is illegal."""
    assert observed_jump(before, after) is MEANING[mark]


@pytest.mark.parametrize(("before", "after", "mark"), cells(LOCAL))
def test_people_move_a_stay_only_as_the_seed_says(before: Status, after: Status, mark: str) -> None:
    """S1.26 to the letter; S1.27, S1.28 and S1.29 follow from what is not in it."""
    assert ((before, after) in LOCAL_MOVES) == (mark == "x")


def test_first_sight_is_always_a_fact() -> None:
    """An import may begin anywhere in the life of a stay."""
    assert {observed_jump(None, status) for status in Status} == {Jump.SAME}


@pytest.mark.parametrize(
    ("stays", "expected"),
    [
        (["cancelled", "checked_in", "confirmed"], "checked_in"),
        (["checked_out", "confirmed", "hold"], "confirmed"),
        (["checked_out", "hold"], "hold"),
        (["no_show", "checked_out"], "checked_out"),
        (["cancelled", "no_show"], "no_show"),
        (["cancelled"], "cancelled"),
        ([], "cancelled"),
    ],
)
def test_a_reservation_takes_the_first_status_present(stays: list[str], expected: str) -> None:
    """ARCHITECTURE §1: checked_in, confirmed, hold, checked_out, no_show, cancelled."""
    assert reservation_status(map(Status, stays)) is Status(expected)


def test_only_cancelled_and_no_show_take_no_room() -> None:
    """A stay that is over keeps the nights it had."""
    assert {Status.CANCELLED, Status.NO_SHOW} == TAKES_NO_ROOM
