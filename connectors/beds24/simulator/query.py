"""Reading query parameters the vendor's way: repeated arrays, silent ignorance of unknown names, loud bad values."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from connectors.beds24.simulator.refusals import VendorRefusal
from connectors.kit.simulator.clock import stamp

if TYPE_CHECKING:
    from multidict import MultiMapping

_WHOLE = re.compile(r"-?\d{1,18}\Z")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_BOOLEANS = {"true": True, "false": False}


@dataclass(frozen=True)
class Parameter:
    """What one parameter holds; `many` = may be repeated, `allowed` = its enum."""

    kind: str
    many: bool = False
    allowed: Collection[str] = ()


Ask = dict[str, Any]
"""The understood parameters; one that was not sent is absent."""


def understand(query: MultiMapping[str], table: Mapping[str, Parameter]) -> Ask:
    """Return the known parameters, typed; unknown and bracketed names vanish (1.1); raises VendorRefusal 400.

    A comma list is a bad value of an array parameter. Of a repeated single parameter the last one counts.
    """
    ask: Ask = {}
    for name, parameter in table.items():
        texts = query.getall(name, [])
        if texts:
            values = [_value(name, text, parameter) for text in texts]
            ask[name] = values if parameter.many else values[-1]
    return ask


def _value(name: str, text: str, parameter: Parameter) -> object:
    readers = {"int": _int, "bool": _bool, "date": _date, "instant": _instant}
    if parameter.kind in readers:
        return readers[parameter.kind](name, text)
    if parameter.allowed and text not in parameter.allowed:
        values = ", ".join(sorted(parameter.allowed))
        raise VendorRefusal(400, f"Parameter {name} is invalid. Possible values: {values}")
    return text


def _int(name: str, text: str) -> int:
    if not _WHOLE.match(text):
        raise VendorRefusal(400, f"Parameter {name} is in an invalid format. Expected format: integer")
    return int(text)


def _bool(name: str, text: str) -> bool:
    if text not in _BOOLEANS:
        raise VendorRefusal(400, f"Parameter {name} is in an invalid format. Expected format: boolean")
    return _BOOLEANS[text]


def _date(name: str, text: str) -> str:
    message = f"Parameter {name} is in an invalid format. Expected format: YYYY-MM-DD"
    if not _DAY.match(text):
        raise VendorRefusal(400, message)
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise VendorRefusal(400, message) from error


def _instant(name: str, text: str) -> str:
    """Read a UTC instant; a plain date and a form with `Z` are taken too (vendors/beds24.md 5)."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        message = f"Parameter {name} is in an invalid format. Expected format: YYYY-MM-DDTHH:MM:SS"
        raise VendorRefusal(400, message) from error
    return stamp(found if found.tzinfo else found.replace(tzinfo=UTC))


def paged(rows: list[Any], ask: Ask, size: int) -> tuple[list[Any], bool]:
    """Return one page of rows, 1-based, and whether another follows."""
    page = max(int(ask.get("page", 1)), 1)
    return rows[(page - 1) * size : page * size], len(rows) > page * size
