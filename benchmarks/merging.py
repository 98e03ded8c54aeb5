"""Merge: decisions per second on one core, over what a hotel's links meet: mostly one side changed, some both."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from conflict.atoms import Value
from conflict.decide import decide
from conflict.ownership import Owners, ownership
from conflict.triple import Side

Tree = dict[str, Value]
_SHAPE, _ROOM, _STATUS, _OCCUPANCY = (f"stays[1001].{name}" for name in ("shape", "room", "status", "occupancy"))
_NIGHTS = tuple((f"2026-03-{day}", "100") for day in (10, 11, 12))
_LONGER = (*_NIGHTS, ("2026-03-13", "100"))
_AGREED: Tree = {
    _SHAPE: ("2026-03-10", "2026-03-13", "55", "", "300", _NIGHTS, ()),
    _ROOM: "55/1",
    _STATUS: ("confirmed", ""),
    _OCCUPANCY: (2, 0),
    "booker": (None, "Ann", "Example", "a@example.org", "", "ES", "es"),
    "notes": "late arrival",
    "comments": "",
    "total": "sum",
    "channel": ("booking_com", "booking", "BK1"),
}
_MOVED: Tree = {_SHAPE: ("2026-03-10", "2026-03-14", "55", "", "400", _LONGER, ())}
# How often each meeting comes, out of ten: (changed here, changed there, times).
_MEETINGS: tuple[tuple[Mapping[str, Any], Mapping[str, Any], int], ...] = (
    ({}, _MOVED, 4),
    ({}, {_STATUS: ("cancelled", "")}, 1),
    ({_ROOM: "55/2"}, {}, 2),
    ({_ROOM: "55/2"}, _MOVED, 2),
    ({_SHAPE: ("2026-03-11", "2026-03-13", "55", "", "200", _NIGHTS[1:], ())}, _MOVED, 1),
)


def measure(seconds: float) -> float:
    """Return decisions per second."""
    owners = ownership("channel_manager").ota
    meetings = [
        (Side(tree={**_AGREED, **here}), Side(tree={**_AGREED, **there}))
        for here, there, times in _MEETINGS
        for _ in range(times)
    ]
    _round(meetings, owners)
    made, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        for _ in range(100):
            _round(meetings, owners)
        made += 100 * len(meetings)
    return made / (time.perf_counter() - started)


def _round(meetings: list[tuple[Side, Side]], owners: Owners) -> None:
    for here, there in meetings:
        decide(_AGREED, here, there, owners)
