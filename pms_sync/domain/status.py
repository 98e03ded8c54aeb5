"""The status machine of a room stay, as tables (seed S1.26-S1.29; ARCHITECTURE §1)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Status(StrEnum):
    """Where a room stay is in its life."""

    HOLD = "hold"
    CONFIRMED = "confirmed"
    CHECKED_IN = "checked_in"
    CHECKED_OUT = "checked_out"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"


class HoldKind(StrEnum):
    """What kind of hold it is; only some take a room."""

    INQUIRY = "inquiry"
    REQUEST = "request"
    OPTION = "option"


class Jump(StrEnum):
    """How an observed change of status is to be read."""

    SAME = "same"
    FORWARD = "forward"  # the seed's machine, skipped steps included
    REINSTATED = "reinstated"  # a cancelled or no-show stay that lives again
    UNDONE = "undone"  # check-in or check-out taken back at the vendor
    ILLEGAL = "illegal"  # stored and flagged, and a case


H, C, I, O, X, N = Status  # noqa: E741 - the columns of the table below, in order of declaration

# What people here may do: the seed's machine to the letter (S1.26).
LOCAL_MOVES: frozenset[tuple[Status, Status]] = frozenset({(H, C), (H, X), (C, I), (I, O), (C, X), (C, N)})

_FORWARD = LOCAL_MOVES | {(H, I), (H, O), (C, O), (H, N)}
_REINSTATED = {(X, H), (X, C), (X, I), (N, H), (N, C), (N, I)}
_UNDONE = {(I, C), (O, I), (O, C)}
_JUMPS: dict[tuple[Status, Status], Jump] = {
    **dict.fromkeys(_FORWARD, Jump.FORWARD),
    **dict.fromkeys(_REINSTATED, Jump.REINSTATED),
    **dict.fromkeys(_UNDONE, Jump.UNDONE),
}

# A reservation's status is the first of these present among its stays (ARCHITECTURE §1).
_PRECEDENCE = (I, C, H, O, N, X)
TAKES_NO_ROOM = frozenset({X, N})


def observed_jump(before: Status | None, after: Status) -> Jump:
    """Judge a change of status that a vendor reports; first sight is always a fact."""
    if before is None or before == after:
        return Jump.SAME
    return _JUMPS.get((before, after), Jump.ILLEGAL)


def reservation_status(stays: Iterable[Status]) -> Status:
    """Return the reservation's status from its stays'; with no stay left it counts as cancelled."""
    present = set(stays)
    return next((status for status in _PRECEDENCE if status in present), Status.CANCELLED)
