"""The course of a push: what is done next about an object, and what a vendor's word makes of an intent."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pms_sync.domain.errors import Disposition, VendorFault
from pms_sync.ports.connector import LookedUp, Receipt, Refusal
from pms_sync.push import course
from pms_sync.push.comparing import Became
from pms_sync.push.course import Act, Step
from pms_sync.store.intents import Intent
from tests.unit.push_intents import LONG_AGO, NOW, intent

LAG = timedelta(seconds=5)
NO_LAG = timedelta(0)
ARRIVED, OLD, OTHER = Became.ARRIVED, Became.OLD, Became.OTHER


def step(*intents: Intent, lag: timedelta = NO_LAG) -> Step:
    return course.next_step(intents, NOW, lag)


@pytest.mark.parametrize(
    ("state", "act"),
    [
        ("planned", Act.SEND),
        ("sent", Act.DOUBT),
        ("unknown", Act.LOOK_UP),
        ("acknowledged", Act.READ_BACK),
        ("parked", Act.CLOSE),
    ],
)
def test_each_state_has_its_next_step(state: str, act: Act) -> None:
    assert step(intent(state)).act is act


def test_an_object_with_nothing_open_is_closed() -> None:
    assert course.next_step((), None, NO_LAG) == Step(Act.CLOSE)


@pytest.mark.parametrize("under_way", ["sent", "unknown", "acknowledged"])
def test_what_was_handed_over_is_settled_before_a_later_plan_leaves(under_way: str) -> None:
    """OUT-04: never the second edit before the first one's fate."""
    first, second = intent(under_way), intent("planned")
    assert step(second, first).intent == first


def test_a_parked_push_holds_nobody_up() -> None:
    """OUT-06: the next change flows."""
    later = intent("planned")
    assert step(intent("parked"), later) == Step(Act.SEND, later)


def test_nothing_leaves_while_it_can_be_undone() -> None:
    held = intent("planned", held_until=NOW + timedelta(seconds=30))
    assert step(held) == Step(Act.WAIT, held, 30.0)
    assert step(intent("planned", held_until=NOW)).act is Act.SEND


@pytest.mark.parametrize(("look_ups", "wait_s"), [(0, 5.0), (1, 10.0)])
def test_an_unknown_outcome_is_looked_up_after_the_lag_each_time(look_ups: int, wait_s: float) -> None:
    lost = intent("unknown", sent_at=NOW, look_ups=look_ups)
    assert step(lost, lag=LAG) == Step(Act.WAIT, lost, wait_s)


def test_a_vendor_without_lag_is_still_given_time_to_finish_what_it_never_answered() -> None:
    assert step(intent("unknown", sent_at=NOW)).wait_s == 2.0
    assert course.doubt_pause(LAG) == LAG


@pytest.mark.parametrize(
    ("old_reads", "lag", "wait_s"), [(0, NO_LAG, 0.0), (1, NO_LAG, 1.0), (0, LAG, 5.0), (1, LAG, 10.0)]
)
def test_what_was_taken_is_read_after_the_lag_and_again_after_it(old_reads: int, lag: timedelta, wait_s: float) -> None:
    assert step(intent("acknowledged", sent_at=NOW, old_reads=old_reads), lag=lag).wait_s == wait_s


def test_a_create_that_a_person_retries_is_looked_up_before_it_is_sent_again() -> None:
    """I2: a look costs little, a second booking much."""
    retried = intent("planned", kind="create", token="t0", sent_at=LONG_AGO)
    assert step(retried).act is Act.LOOK_UP


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "modify", "token": "t0", "sent_at": LONG_AGO},
        {"kind": "create", "token": "t0", "sent_at": None},
        {"kind": "create", "token": "t0", "sent_at": LONG_AGO, "look_ups": 2},
        {"kind": "create", "token": None, "sent_at": LONG_AGO},
    ],
    ids=["a change", "never left", "proven absent", "refused before"],
)
def test_what_cannot_be_there_is_sent_at_once(changes: dict[str, Any]) -> None:
    assert step(intent("planned", **changes)).act is Act.SEND


def receipt(*whys: str, refs: tuple[str, ...] = ()) -> Receipt:
    return Receipt(refs=refs, refusals=tuple(Refusal(path="", why=why) for why in whys))


@pytest.mark.parametrize(
    ("receipts", "named", "state"),
    [
        ([receipt(refs=("1",))], True, "acknowledged"),
        ([receipt()], False, "unknown"),
        ([receipt("full")], False, "parked"),
        ([receipt("full", refs=("1",))], True, "parked"),
        ([receipt(refs=("1",)), receipt("full")], True, "parked"),
    ],
    ids=["taken", "taken without a name", "refused", "refused in part", "one of two refused"],
)
def test_verdicts_of_the_vendor(receipts: list[Receipt], named: bool, state: str) -> None:
    """OUT-08: a partial outcome is never taken for a whole one."""
    assert course.after_receipts(receipts, named=named) == state


def looked_up(outcome: Any, *refs: str) -> LookedUp:
    return LookedUp(outcome=outcome, refs=refs)


@pytest.mark.parametrize(
    ("found", "before", "state"),
    [
        ([looked_up("found", "1")], 0, "acknowledged"),
        ([looked_up("found", "1"), looked_up("found", "2")], 0, "acknowledged"),
        ([looked_up("absent")], 0, "unknown"),
        ([looked_up("absent")], 1, "planned"),
        ([looked_up("unsure")], 0, "parked"),
        ([looked_up("found", "1", "2")], 0, "parked"),
        ([looked_up("found", "1"), looked_up("absent")], 1, "parked"),
    ],
    ids=["there", "both there", "absent once", "absent twice", "unsure", "there twice", "partly there"],
)
def test_what_looking_up_makes_of_an_unknown_outcome(found: list[LookedUp], before: int, state: str) -> None:
    """ARCHITECTURE §3: absent needs two reads after the lag; unsure or several refs make a case, never a retry."""
    assert course.after_look_ups(found, before) == state


@pytest.mark.parametrize(
    ("seen", "before", "state"),
    [
        ([ARRIVED, ARRIVED], 0, "verified"),
        ([ARRIVED, OTHER], 0, "verified"),
        ([OTHER], 0, "superseded"),
        ([OLD], 0, "acknowledged"),
        ([OLD, ARRIVED], 0, "acknowledged"),
        ([OLD, ARRIVED], 1, "parked"),
        ([], 0, "verified"),
    ],
)
def test_what_reading_back_makes_of_it(seen: list[Became], before: int, state: str) -> None:
    """ARCHITECTURE §6, settle: an old value twice is parked, never resent by itself."""
    assert course.after_reading(seen, before) == state


@pytest.mark.parametrize("disposition", list(Disposition))
def test_what_may_have_taken_effect_is_never_simply_repeated(disposition: Disposition) -> None:
    assert course.after_fault(VendorFault("lost", disposition=disposition, sent=True)) == "unknown"


@pytest.mark.parametrize(
    ("disposition", "state"),
    [
        (Disposition.RETRY, "planned"),
        (Disposition.PAUSE, "planned"),
        (Disposition.PARK, "parked"),
        (Disposition.SKIP, "parked"),
        (Disposition.REFUSE, "parked"),
        (Disposition.ABORT, "parked"),
    ],
)
def test_what_never_left_waits_or_is_parked(disposition: Disposition, state: str) -> None:
    """OUT-06: a permanent refusal is not retried."""
    assert course.after_fault(VendorFault("no", disposition=disposition, sent=False)) == state


def test_attempts_are_bounded() -> None:
    """I12."""
    assert course.may_try_again(intent("unknown", attempts=course.MOST_ATTEMPTS - 1))
    assert not course.may_try_again(intent("unknown", attempts=course.MOST_ATTEMPTS))
