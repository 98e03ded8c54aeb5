"""Reading a change order: path keys such as `room_stays[0].departure` become the tree they mean."""

from __future__ import annotations

import re
from collections.abc import Mapping

from connectors.kit.simulator.contract import Row

_STEP = re.compile(r"[^.\[\]]+")


def unfold(told: Mapping[str, object]) -> Row:
    """Turn path keys such as `room_stays[0].departure` into the tree they mean; plain keys stay.

    Of stays named by number those that are not named are empty, so that every one keeps its place.
    """
    tree: Row = {}
    for path, value in told.items():
        steps = _STEP.findall(path)
        place: Row = tree
        for step in steps[:-1]:
            place = place.setdefault(step, {})
        place[steps[-1]] = value
    stays = tree.get("room_stays")
    if isinstance(stays, dict):
        tree["room_stays"] = [stays.get(str(place), {}) for place in range(max(map(int, stays)) + 1)]
    return tree
