"""Answers in the looser forms that live systems send (vendors/cloudbeds.md 3), each by a word of its own.

`numbers` ids of digits as integers and people as numbers; `money` amounts as texts with two decimals; `lists` an
object of balances as a list of one; `dashes` a missing text as `-`; `nulls` a missing text as null; `keys` missing
texts are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from connectors.kit.simulator.contract import Row

_IDS = frozenset({"propertyID", "reservationID", "guestID", "roomTypeID", "adults", "children", "reservationRoomID"})
_MONEY = frozenset({"total", "balance", "subTotal", "additionalItems", "taxesFees", "grandTotal", "paid", "rate"})
_DROPPED = object()


def loosened(body: Row, words: frozenset[str]) -> Row:
    """Return an answer with the chosen forms in place of the documented ones."""
    if not words:
        return body
    changes = [change for word, change in _CHANGES.items() if word in words]
    told: Row = _walk(body, changes)  # type: ignore[assignment]
    return told


def _walk(value: object, changes: list[Callable[[str, object], object]]) -> object:
    if isinstance(value, list):
        return [_walk(one, changes) for one in value]
    if not isinstance(value, dict):
        return value
    told: Row = {}
    for name, one in value.items():
        found = _walk(one, changes)
        for change in changes:
            found = change(name, found)
        if found is not _DROPPED:
            told[name] = found
    return told


def _numbers(name: str, value: object) -> object:
    return int(value) if name in _IDS and isinstance(value, str) and value.isdecimal() else value


def _money(name: str, value: object) -> object:
    counted = isinstance(value, int | float) and not isinstance(value, bool)
    # The list's own `total` counts rows; it stands beside `count`, and is whole.
    return f"{value:.2f}" if name in _MONEY and counted and isinstance(value, float) else value


def _lists(name: str, value: object) -> object:
    return [value] if name == "balanceDetailed" and isinstance(value, dict) else value


def _dashes(_name: str, value: object) -> object:
    return "-" if value == "" else value


def _nulls(_name: str, value: object) -> object:
    return None if value == "" else value


def _keys(_name: str, value: object) -> object:
    return _DROPPED if value == "" else value


_CHANGES: Mapping[str, Callable[[str, object], object]] = MappingProxyType(
    {"numbers": _numbers, "money": _money, "lists": _lists, "dashes": _dashes, "nulls": _nulls, "keys": _keys}
)
