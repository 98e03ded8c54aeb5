"""The course of a push: from the open intents of one object and what a vendor said to the next step; pure tables.

One intent at a time is under way for an object: what was handed over is settled before what was planned later leaves.
Parked intents wait for a person and hold nobody up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from pms_sync.domain.errors import Disposition, VendorFault
from pms_sync.ports.connector import LookedUp, Receipt
from pms_sync.push.comparing import Became
from pms_sync.store.intents import Intent, State

READS_THAT_PROVE = 2
MOST_ATTEMPTS = 40  # with growing pauses: hours of a vendor that answers, but fails at every write
# A vendor that declares no lag may still be working on what it never answered, or show a copy for a moment.
_LEAST_DOUBT, _LEAST_REPEAT = timedelta(seconds=2), timedelta(seconds=1)


class Act(StrEnum):
    """What can be done about an object."""

    CLOSE = "close"  # nothing is under way
    WAIT = "wait"
    DOUBT = "doubt"  # it was handed over, and no answer is known: whoever did it is gone
    LOOK_UP = "look_up"  # find out what became of it
    READ_BACK = "read_back"  # see whether the vendor shows it
    SEND = "send"  # read afresh, compose, hand over


class Step(NamedTuple):
    """The next step, and the intent it is about; `wait_s` is how long to wait first."""

    act: Act
    intent: Intent | None = None
    wait_s: float = 0.0


# What is settled first, and what is done about each state.
_ACTS: dict[State, Act] = {
    "sent": Act.DOUBT,
    "unknown": Act.LOOK_UP,
    "acknowledged": Act.READ_BACK,
    "planned": Act.SEND,
}


def next_step(intents: Sequence[Intent], now: datetime | None, read_lag: timedelta) -> Step:
    """Say what is to be done about an object now; `now` and the intents' times are the database's."""
    front = next((one for state in _ACTS for one in intents if one.state == state), None)
    if front is None or now is None:
        return Step(Act.CLOSE)
    due = _due(front, read_lag)
    if due is not None and due > now:
        return Step(Act.WAIT, front, (due - now).total_seconds())
    return Step(Act.LOOK_UP if in_doubt(front) else _ACTS[front.state], front)


def in_doubt(intent: Intent) -> bool:
    """Tell whether a planned create may have been made by an earlier attempt, so that it is looked up before.

    A person who retries knows better than we do, but a look costs little, and a second booking much.
    """
    handed_over = intent.sent_at is not None and intent.token is not None
    return intent.state == "planned" and intent.kind == "create" and handed_over and intent.look_ups < READS_THAT_PROVE


def _due(intent: Intent, read_lag: timedelta) -> datetime | None:
    if intent.state == "planned":
        return intent.held_until
    if intent.sent_at is None or intent.state == "sent":
        return None
    if intent.state == "unknown":
        return intent.sent_at + doubt_pause(read_lag) * (intent.look_ups + 1)
    return intent.sent_at + read_lag + repeat_pause(read_lag) * intent.old_reads


def doubt_pause(read_lag: timedelta) -> timedelta:
    """Return how long to wait before an unknown outcome is looked up, each time."""
    return max(read_lag, _LEAST_DOUBT)


def repeat_pause(read_lag: timedelta) -> timedelta:
    """Return how long to wait before an old value is read once more."""
    return max(read_lag, _LEAST_REPEAT)


def after_receipts(receipts: Sequence[Receipt], *, named: bool) -> State:
    """Say what the vendor's verdicts make of an intent; `named` says that every object touched is known."""
    if not all(receipt.accepted for receipt in receipts):
        return "parked"
    return "acknowledged" if named else "unknown"


def after_look_ups(found: Sequence[LookedUp], look_ups: int) -> State:
    """Say what looking up every request of an intent makes of it, `look_ups` times of which found nothing before.

    What is partly there, unsure or there twice is for a person; only what is absent twice may be sent again.
    """
    outcomes = {one.outcome if len(one.refs) <= 1 else "unsure" for one in found}
    if outcomes == {"found"}:
        return "acknowledged"
    if outcomes == {"absent"}:
        return "planned" if look_ups + 1 >= READS_THAT_PROVE else "unknown"
    return "parked"


def after_reading(seen: Iterable[Became], old_reads: int) -> State:
    """Say what reading back makes of an intent, `old_reads` times of which the old value was there before."""
    count = Counter(seen)
    if count[Became.OLD]:
        return "parked" if old_reads + 1 >= READS_THAT_PROVE else "acknowledged"
    return "verified" if count[Became.ARRIVED] or not count else "superseded"


def after_fault(fault: VendorFault) -> State:
    """Say what a failed call makes of what was to be handed over."""
    if fault.sent:
        return "unknown"
    match fault.disposition:
        case Disposition.RETRY | Disposition.PAUSE:
            return "planned"
        case Disposition.PARK | Disposition.SKIP | Disposition.REFUSE | Disposition.ABORT:
            return "parked"


def may_try_again(intent: Intent) -> bool:
    """Tell whether a change that was sent and is not there may be sent once more."""
    return intent.attempts < MOST_ATTEMPTS
