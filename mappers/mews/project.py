"""What Mews can hold of our state of one stay, as far as reading shows it; a state from there stays as it was.

The bill is not written from here, so that a difference in it is neither an edit nor drift.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import UNSET
from msgspec.structs import replace

from mappers.mews import words
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.reservation import CodeKind, Revision, Stay
from pms_sync.domain.status import HoldKind, Status
from pms_sync.ports.connector import VendorRequest
from pms_sync.ports.mapper import Change, Crosswalk, MappingContext

_AT = "room_stays[0]"
_KINDS: tuple[CodeKind, ...] = ("room_type", "room", "rate_plan")


def project(state: Revision, context: MappingContext) -> Revision:
    """Say what Mews can hold; raises MappingRejected for several stays, and for a code of ours that is not mapped."""
    if len(state.room_stays) != 1:
        raise MappingRejected("room_stays", len(state.room_stays), "a Mews reservation is exactly one room stay")
    own = state.vendor == words.VENDOR
    stay = _stay(state.room_stays[0], own=own, crosswalk=context.crosswalk)
    return replace(
        state,
        vendor=words.VENDOR,
        scope="stay",
        siblings_complete=False,
        status=stay.status,
        vendor_status=stay.vendor_status,
        hold_kind=stay.hold_kind,
        blocks_inventory=stay.blocks_inventory,
        guaranteed=None,
        vendor_channel=state.vendor_channel if own else UNSET,
        total=UNSET,
        folio_lines=state.folio_lines if own else UNSET,
        room_stays=(stay,),
    )


def to_requests(change: Change) -> list[VendorRequest]:
    """Refuse: nothing is written to Mews in this version."""
    path = min(change.paths, default="$")
    raise MappingRejected(path, f"({change.kind})", "Mews is read only in this version: change it there")


def _stay(stay: Stay, *, own: bool, crosswalk: Crosswalk | None) -> Stay:
    word = _word(stay)
    stands = stay.vendor_status if own else None
    if stands is not None and _means(stands, stay):
        word = stands
    meaning = words.NO_SHOW_MEANING if stay.status is Status.NO_SHOW else words.STATES[word]
    return replace(
        stay,
        **_codes(stay, crosswalk),
        status=meaning.status,
        hold_kind=meaning.hold_kind,
        blocks_inventory=meaning.blocks_inventory,
        vendor_status=word,
    )


def _word(stay: Stay) -> str:
    """Find the state; of the holds, the one that takes a room is the option."""
    if stay.status is not Status.HOLD:
        return words.WRITTEN[stay.status]
    if stay.blocks_inventory:
        return "Optional"
    return "Inquired" if stay.hold_kind is HoldKind.INQUIRY else "Requested"


def _means(word: str, stay: Stay) -> bool:
    """Tell whether a state says what is wanted."""
    if stay.status is Status.NO_SHOW:
        return word == words.CANCELED
    return words.STATES.get(word) == (stay.status, stay.hold_kind, stay.blocks_inventory)


def _codes(stay: Stay, crosswalk: Crosswalk | None) -> dict[str, str | None]:
    """Find the codes of a stay, theirs beside ours, by the names of Stay; without a crosswalk codes pass through."""
    found: dict[str, str | None] = {}
    for kind in _KINDS:
        ref, mine = getattr(stay, f"{kind}_ref"), getattr(stay, kind)
        theirs = _theirs(kind, ref, mine, crosswalk)
        found[f"{kind}_ref"] = theirs
        found[kind] = mine if crosswalk is None else crosswalk.ours(kind, theirs)
    return found


def _theirs(kind: CodeKind, ref: str | None, mine: str | None, crosswalk: Crosswalk | None) -> str | None:
    """Return the one code that is mapped to ours; one of theirs that fits stands, and a rate plan never blocks."""
    if crosswalk is None or mine is None or (ref is not None and crosswalk.ours(kind, ref) == mine):
        return ref
    table: Mapping[str, str] = getattr(crosswalk, kind)
    found = sorted(theirs for theirs, ours in table.items() if ours == mine)
    if len(found) == 1:
        return found[0]
    if kind == "rate_plan":
        return ref
    why = f"mapped to {' and '.join(found)}: it must be one" if found else "not mapped to a code of this vendor"
    raise MappingRejected(f"{_AT}.{kind}", mine, why)
