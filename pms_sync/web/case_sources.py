"""Sources: since when a field of a case has its value here, and who gave it; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from conflict.atoms import key_of, kind_of, stay_of
from conflict.fields import field_path, link_path
from pms_sync.store import provenance
from pms_sync.store.explain import Story
from pms_sync.web.timeline import actor_name

# How the parts of a stay's field are called where every column has a source of its own.
_PARTS: Mapping[str, Sequence[str]] = {
    "shape": ("arrival", "departure", "room_type", "rate_plan", "total"),
    "room": ("room",),
    "status": ("status",),
    "occupancy": ("adults", "children"),
}
_WHOLE = {"booker": "booker.", "channel": "channel"}


class Source(NamedTuple):
    """The last change of a field here; `by` is an account's vendor and property, a person, or nobody known."""

    at: datetime
    by: str | None


def sources(paths: Iterable[str], stories: Sequence[Story], people: Mapping[str, str]) -> dict[str, Source]:
    """Return the source of each field that has one."""
    found: dict[str, Source] = {}
    for path in paths:
        for story in stories:
            source = _latest(path, story, people)
            if source is not None and (path not in found or source.at > found[path].at):
                found[path] = source
    return found


def _latest(path: str, story: Story, people: Mapping[str, str]) -> Source | None:
    places = _places(path)
    told = [
        Source(one.at, people.get(one.actor or "") or actor_name(story, one.actor))
        for one in provenance.fields(story)
        if one.at is not None and any(one.path == place or _is_below(one.path, place) for place in places)
    ]
    return max(told, key=lambda one: one.at, default=None)


def _places(path: str) -> list[str]:
    if link_path(path)[0] is not None:
        return []  # the name leads to every booking of the case alike
    try:
        atom, _ = field_path(path)
    except ValueError:
        return []
    kind, ref = kind_of(atom), stay_of(atom)
    if ref is not None:
        return [f"room_stays.{ref}.{name}" for name in _PARTS.get(kind, ("status",))]
    return [f"folio_lines.{key_of(atom)}." if kind == "lines" else _WHOLE.get(kind, kind)]


def _is_below(path: str, place: str) -> bool:
    return place.endswith((".", "channel")) and path.startswith(place)
