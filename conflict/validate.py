"""Validation: whether a value can stand by itself, and what two sides contributed can stand together.

A vendor's own state is a fact, whatever it says; only a mixture of both sides, or what a person typed, is held to this.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, NamedTuple

from conflict.atoms import ARRIVAL, DEPARTURE, EMPTIED, NIGHTS, STAY_ATOMS, SUM_OF_STAYS, Tree, Value, kind_of
from pms_sync.domain.reservation import CHANNELS
from pms_sync.domain.status import HoldKind, Jump, Status, observed_jump
from pms_sync.domain.stay import StayRange

_ARRIVED = frozenset({Status.CHECKED_IN, Status.CHECKED_OUT, Status.NO_SHOW})
_IN_HOUSE = frozenset({Status.CHECKED_IN, Status.CHECKED_OUT})
_AMOUNT = re.compile(r"-?\d{1,15}(\.\d{1,4})?")
_MOST_PERSONS = 99
_SHOWN = 60


class Problem(NamedTuple):
    """What is wrong with a value; `value` is short text for a person."""

    path: str
    value: str
    why: str


def mixture_problems(result: Tree, here: Tree, there: Tree, stay: str) -> list[Problem]:
    """Say why the atoms of a stay cannot stand together when they came from two sides; nothing when they can.

    What is not in `result` is not decided, and so is not held against the rest.
    """
    at = f"stays[{stay}]"
    told = [path for path in (f"{at}.{name}" for name in STAY_ATOMS) if path in result]
    if not all(any(side.get(path, result[path]) != result[path] for path in told) for side in (here, there)):
        return []
    alone = (problem for path in told for problem in value_problems(path, result[path]))
    return [*alone, *_jump_problems(result, here, there, at), *arrived_problems(result, here, there, at)]


def _jump_problems(result: Tree, here: Tree, there: Tree, at: str) -> Iterator[Problem]:
    """Yield a status that one of the sides could not come to from where it is."""
    path = f"{at}.status"
    if path not in result:
        return
    after = Status(result[path][0])
    for before in (Status(side[path][0]) for side in (here, there) if path in side):
        if observed_jump(before, after) is Jump.ILLEGAL:
            yield Problem(path, after, f"a stay that is {before} cannot become {after}")


def arrived_problems(result: Tree, here: Tree, there: Tree, at: str) -> Iterator[Problem]:
    """Yield what contradicts an arrival that one side alone reported, as that side saw the stay."""
    status = result.get(f"{at}.status")
    if status is None or status[0] not in _ARRIVED or here.get(f"{at}.status") == there.get(f"{at}.status"):
        return
    teller = here if here.get(f"{at}.status") == status else there
    shape, seen, room = result.get(f"{at}.shape"), teller.get(f"{at}.shape"), teller.get(f"{at}.room")
    if shape is not None and seen is not None and seen[ARRIVAL] != shape[ARRIVAL]:
        yield Problem(
            f"{at}.shape", shape[ARRIVAL], f"the arrival was {seen[ARRIVAL]} when the stay became {status[0]}"
        )
    if status[0] in _IN_HOUSE and room and result.get(f"{at}.room") == EMPTIED:
        yield Problem(f"{at}.room", EMPTIED, f"the stay is {status[0]} in {room}, and would lose its room")


def value_problems(path: str, value: Value) -> list[Problem]:
    """Say why a value cannot be that of its atom."""
    kind = kind_of(path)
    try:
        return [Problem(path, shown[:_SHOWN], why) for shown, why in _CHECKS[kind](value)]
    except (TypeError, ValueError):
        return [Problem(path, str(value)[:_SHOWN], f"not the value of {kind}")]


def typed_problems(path: str, value: Value) -> list[Problem]:
    """Say why a value that a person typed cannot be taken: prices, once given, are given for every night."""
    found = value_problems(path, value)
    if found or isinstance(value, str) or kind_of(path) != "shape" or not value[NIGHTS]:
        return found
    priced, dates = [day for day, _ in value[NIGHTS]], nights_of(value[ARRIVAL], value[DEPARTURE])
    if priced == dates:
        return []
    return [Problem(path, ", ".join(priced)[:_SHOWN], f"name a price for each of the nights {', '.join(dates)}")]


Finding = tuple[str, str]


def nights_of(arrival: str, departure: str) -> list[str]:
    """Return the dates of the nights of a stay; raises ValueError on a range no hotel sells."""
    stay = StayRange(date.fromisoformat(arrival), date.fromisoformat(departure))
    return [night.isoformat() for night in stay.nights()]


def _shape(value: Any) -> Iterator[Finding]:  # noqa: ANN401 - anything typed, in this and the next ones
    arrival, departure, room_type, rate_plan, total, nights, _ = value
    yield from _text(room_type)
    yield from _text(rate_plan)
    for amount in (total or EMPTIED, *(price for _, price in nights)):
        yield from _amount(amount)
    try:
        dates = nights_of(arrival, departure)
    except ValueError as error:
        yield f"{arrival} to {departure}", str(error)
        return
    outside = sorted({day for day, _ in nights} - set(dates))
    if outside:
        yield ", ".join(outside), f"a price outside the stay from {arrival} to {departure}"


def _amount(value: Any) -> Iterator[Finding]:  # noqa: ANN401
    if value not in {EMPTIED, SUM_OF_STAYS} and not _AMOUNT.fullmatch(value):
        yield value, "not a decimal amount"


def _text(value: Any) -> Iterator[Finding]:  # noqa: ANN401
    if not isinstance(value, str):
        yield str(value), "not text"


def _status(value: Any) -> Iterator[Finding]:  # noqa: ANN401
    status, kind = value
    if status not in set(Status):
        yield str(status), f"not one of {', '.join(Status)}"
    if kind and kind not in set(HoldKind):
        yield str(kind), f"not one of {', '.join(HoldKind)}"
    if kind and status != Status.HOLD:
        yield f"{status} {kind}", "only a hold has a kind"


def _occupancy(value: Any) -> Iterator[Finding]:  # noqa: ANN401
    adults, children = value
    for count in (adults, children):
        if count is not None and count != EMPTIED and not (type(count) is int and 0 <= count <= _MOST_PERSONS):
            yield str(count), f"persons are counted from 0 to {_MOST_PERSONS}"


def _person(value: Any) -> Iterator[Finding]:  # noqa: ANN401
    if value != EMPTIED:
        ref, *parts = value
        for part in (ref, *parts):
            yield from () if part is None else _text(part)


def _line(value: Any) -> Iterator[Finding]:  # noqa: ANN401
    if value == EMPTIED:
        return
    kind, text, amount, currency = value
    if kind not in {"charge", "payment"}:
        yield str(kind), "a line is a charge or a payment"
    yield from _text(text)
    yield from _text(currency)
    if amount == EMPTIED:
        yield "", "a line has an amount"
    yield from _amount(amount)


def _channel(value: Any) -> Iterator[Finding]:  # noqa: ANN401
    channel, _, _ = value
    if channel not in CHANNELS:
        yield str(channel), f"not one of {', '.join(sorted(CHANNELS))}"


_CHECKS: dict[str, Callable[[Any], Iterator[Finding]]] = {
    "shape": _shape,
    "room": _text,
    "status": _status,
    "occupancy": _occupancy,
    "booker": _person,
    "guests": _person,
    "notes": _text,
    "comments": _text,
    "lines": _line,
    "total": _amount,
    "channel": _channel,
}
