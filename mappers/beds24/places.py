"""Where a stay is, in Beds24's codes: the crosswalk read the other way round."""

from __future__ import annotations

from typing import NamedTuple

from mappers.beds24 import words
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.reservation import CodeKind, Stay
from pms_sync.ports.mapper import Crosswalk

AT = "room_stays[0]"


class Place(NamedTuple):
    """The codes of a stay, theirs beside ours; the names are those of Stay."""

    room_type_ref: str
    room_type: str | None
    room_ref: str | None
    room: str | None
    rate_plan_ref: str | None
    rate_plan: str | None


def held_place(stay: Stay, crosswalk: Crosswalk | None) -> Place:
    """Find their codes for ours; a code of theirs that fits ours stands.

    Without a crosswalk codes pass through. Raises MappingRejected for a room type or room that is not mapped, or
    mapped to several.
    """
    kind = _room_type(stay, crosswalk)
    room = _room(stay, kind, crosswalk)
    plan = _rate_plan(stay, crosswalk)
    return Place(
        kind,
        _ours("room_type", kind, stay.room_type, crosswalk),
        room,
        _ours("room", room, stay.room, crosswalk),
        plan,
        _ours("rate_plan", plan, stay.rate_plan, crosswalk),
    )


def _room_type(stay: Stay, crosswalk: Crosswalk | None) -> str:
    ref, mine = stay.room_type_ref, stay.room_type
    if ref is not None and _stands("room_type", ref, mine, crosswalk):
        return ref
    if mine is None:
        raise MappingRejected(f"{AT}.room_type", "(none)", "a Beds24 booking is always of one room type")
    return _only("room_type", mine, _found("room_type", mine, crosswalk))


def _room(stay: Stay, room_type_ref: str, crosswalk: Crosswalk | None) -> str | None:
    """Return the unit; of several codes for one room the one inside the room type is meant (11: virtual rooms).

    A room of another type keeps its code, so that the difference is seen; to be told it must be inside (6.1).
    """
    ref, mine = stay.room_ref, stay.room
    if mine is None or (ref is not None and _stands("room", ref, mine, crosswalk)):
        return ref
    found = _found("room", mine, crosswalk)
    return _only("room", mine, [one for one in found if is_inside(one, room_type_ref)] or found)


def _rate_plan(stay: Stay, crosswalk: Crosswalk | None) -> str | None:
    """Return the offer; a booking that is not there yet will have none, since none can be written (7)."""
    ref, mine = stay.rate_plan_ref, stay.rate_plan
    if not words.is_ref(stay.ref):
        return None
    if ref is not None and _stands("rate_plan", ref, mine, crosswalk):
        return ref
    found = _found("rate_plan", mine, crosswalk) if mine is not None else []
    return found[0] if len(found) == 1 else ref


def _stands(kind: CodeKind, ref: str, mine: str | None, crosswalk: Crosswalk | None) -> bool:
    """Tell whether a code of theirs fits ours, or nothing says otherwise."""
    return mine is None or crosswalk is None or crosswalk.ours(kind, ref) == mine


def is_inside(room_ref: str, room_type_ref: str | None) -> bool:
    """Tell whether a unit is one of a room type."""
    return room_ref.partition("/")[0] == room_type_ref


def _found(kind: CodeKind, mine: str, crosswalk: Crosswalk | None) -> list[str]:
    """List their codes for one of ours."""
    if crosswalk is None:
        return [mine]
    return sorted(theirs for theirs, ours in getattr(crosswalk, kind).items() if ours == mine)


def _only(kind: CodeKind, mine: str, found: list[str]) -> str:
    if len(found) == 1:
        return found[0]
    why = f"mapped to {' and '.join(found)}: it must be one" if found else "not mapped to a code of this vendor"
    raise MappingRejected(f"{AT}.{kind}", mine, why)


def _ours(kind: CodeKind, code: str | None, mine: str | None, crosswalk: Crosswalk | None) -> str | None:
    """Return our code for theirs, as reading would."""
    if code is None:
        return None
    return mine if crosswalk is None else crosswalk.ours(kind, code)
