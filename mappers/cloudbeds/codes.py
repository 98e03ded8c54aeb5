"""Cloudbeds' codes for ours: the crosswalk read the other way round."""

from __future__ import annotations

from collections.abc import Mapping

from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.reservation import CodeKind, Stay
from pms_sync.ports.mapper import Crosswalk

_KINDS: tuple[CodeKind, ...] = ("room_type", "room", "rate_plan")


def held(stay: Stay, at: str, crosswalk: Crosswalk | None) -> dict[str, str | None]:
    """Find the codes of a stay, theirs beside ours, by the names of Stay; a code of theirs that fits ours stands.

    Without a crosswalk codes pass through. Raises MappingRejected for a room type or room of ours that is not mapped,
    or mapped to several; a rate plan that is not is left as it is, since it never blocks a reservation.
    """
    found: dict[str, str | None] = {}
    for kind in _KINDS:
        theirs = _theirs(kind, getattr(stay, f"{kind}_ref"), getattr(stay, kind), at, crosswalk)
        found[f"{kind}_ref"] = theirs
        found[kind] = getattr(stay, kind) if crosswalk is None else crosswalk.ours(kind, theirs)
    return found


def _theirs(kind: CodeKind, ref: str | None, mine: str | None, at: str, crosswalk: Crosswalk | None) -> str | None:
    if crosswalk is None or mine is None or (ref is not None and crosswalk.ours(kind, ref) == mine):
        return ref
    codes: Mapping[str, str] = getattr(crosswalk, kind)
    found = sorted(theirs for theirs, ours in codes.items() if ours == mine)
    if len(found) == 1:
        return found[0]
    if kind == "rate_plan":
        return ref
    why = f"mapped to {' and '.join(found)}: it must be one" if found else "not mapped to a code of this vendor"
    raise MappingRejected(f"{at}.{kind}", mine, why)
