"""Query parameters: known ones are checked, unknown ones silently ignored (vendors/opera.md 5)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from multidict import MultiMapping

from connectors.opera.simulator.refusals import INVALID_VALUE, LIMIT_TOO_HIGH, NOT_A_NUMBER, VendorRefusal, invalid
from connectors.opera.simulator.times import day

Kind = Literal["text", "whole", "day", "yes", "id"]
Ask = dict[str, Any]
"""What was asked: values of the known parameters that were sent; lists for those that may come several times."""


@dataclass(frozen=True)
class Parameter:
    """One query parameter; `allowed` empty = anything. Of many values each is a parameter of its own."""

    kind: Kind = "text"
    many: bool = False
    allowed: frozenset[str] = frozenset()
    needed: bool = False


@dataclass(frozen=True)
class Page:
    """Where a page begins and how long it may be."""

    offset: int
    limit: int


def understand(query: MultiMapping[str], known: Mapping[str, Parameter]) -> Ask:
    """Read the known parameters; raises VendorRefusal 400, the whole call failing for one bad value."""
    ask: Ask = {}
    for name, parameter in known.items():
        texts = [text for text in query.getall(name, []) if text]
        if parameter.needed and not texts:
            raise invalid(f"{name} is required")
        if texts:
            values = [_value(name, parameter, text) for text in texts]
            ask[name] = values if parameter.many else values[-1]
    return ask


def page_of(ask: Ask, default: int, longest: int) -> Page:
    """Return the page asked for; raises VendorRefusal 400 for a limit that is too high or no limit at all."""
    limit, offset = ask.get("limit", default), ask.get("offset", 0)
    if limit > longest:
        raise VendorRefusal(400, f"Limit is too high, maximum is {longest}", LIMIT_TOO_HIGH)
    if limit < 1 or offset < 0:
        raise invalid("limit and offset must be positive")
    return Page(offset, limit)


def check_id(text: str) -> str:
    """Return a reservation id of the path; raises VendorRefusal 400 when it is no number."""
    if not text.isascii() or not text.isdecimal():
        raise VendorRefusal(400, "reservationId is not a number", NOT_A_NUMBER)
    return text


def instructions(names: str, refused: Collection[str] = ()) -> Parameter:
    """Return the parameter of fetch instructions; one that is not known here fails the whole call."""
    return Parameter(many=True, allowed=frozenset(names.split()) - set(refused))


def _value(name: str, parameter: Parameter, text: str) -> Any:  # noqa: ANN401 - as the kind says
    if parameter.many and "," in text:
        raise VendorRefusal(400, f"Invalid value {text} for {name}", INVALID_VALUE)
    if parameter.allowed and text not in parameter.allowed:
        raise VendorRefusal(400, f"Invalid value {text} for {name}", INVALID_VALUE)
    if parameter.kind == "id":
        return check_id(text)
    if parameter.kind == "day" and day(text) is None:
        raise invalid(f"Invalid date {text} for {name}")
    if parameter.kind == "yes":
        if text.lower() not in {"true", "false"}:
            raise invalid(f"Invalid value {text} for {name}")
        return text.lower() == "true"
    if parameter.kind == "whole":
        if not text.removeprefix("-").isdecimal():
            raise invalid(f"Invalid number {text} for {name}")
        return int(text)
    return text
