"""Form bodies with bracketed keys in PHP manner: `rooms[0][roomTypeID]=1` becomes a tree (vendors/cloudbeds.md 3)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl

from connectors.kit.simulator.contract import Row

FORM = "application/x-www-form-urlencoded"
_KEY = re.compile(r"(?P<head>[^\[\]]+)(?P<rest>(\[[^\[\]]*\])*)\Z")
_STEP = re.compile(r"\[([^\[\]]*)\]")


def read_form(raw: bytes, content_type: str) -> Row:
    """Return the fields of a form body; a body of any other kind has no fields that the vendor would see."""
    if content_type != FORM:
        return {}
    return tree(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))


def tree(pairs: Iterable[tuple[str, str]]) -> Row:
    """Put bracketed keys together; lists are objects with the keys 0, 1, 2 and become lists at the end."""
    found: Row = {}
    for key, value in pairs:
        steps = _steps(key)
        place = found
        for step in steps[:-1]:
            name = step or str(len(place))
            deeper = place.get(name)
            if not isinstance(deeper, dict):
                deeper = place[name] = {}
            place = deeper
        place[steps[-1] or str(len(place))] = value
    return {name: _listed(value) for name, value in found.items()}


def _steps(key: str) -> list[str]:
    matched = _KEY.match(key)
    return [matched["head"], *_STEP.findall(matched["rest"])] if matched else [key]


def _listed(value: object) -> object:
    if not isinstance(value, dict):
        return value
    inner = {name: _listed(one) for name, one in value.items()}
    counted = [str(number) for number in range(len(inner))]
    return [inner[name] for name in counted] if inner and sorted(inner) == sorted(counted) else inner
