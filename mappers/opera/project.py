"""What Opera can hold of our state (vendors/opera.md 6.2). It is read and not written to by this version.

Projecting again changes nothing, and neither does projecting what was read from Opera.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import UNSET
from msgspec.structs import replace

from mappers.opera import words
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.reservation import CodeKind, Revision, Stay
from pms_sync.domain.status import Status
from pms_sync.ports.connector import VendorRequest
from pms_sync.ports.mapper import Change, Crosswalk, MappingContext

_KINDS: tuple[CodeKind, ...] = ("room_type", "room", "rate_plan")
_READ_ONLY = "Opera is read and not written to by this version: enter it in OPERA Cloud"


def project(state: Revision, context: MappingContext) -> Revision:
    """Say our state in Opera's codes and words; raises MappingRejected for a room type or room that is not mapped."""
    stays = tuple(
        [_stay(stay, f"room_stays[{number}]", context.crosswalk) for number, stay in enumerate(state.room_stays)]
    )
    known = state.vendor == words.VENDOR
    lead = stays[0] if stays else None
    word = state.vendor_status if _means(state.vendor_status, state.status) else lead and lead.vendor_status
    return replace(
        state,
        vendor=words.VENDOR,
        vendor_status=word,
        guaranteed=None,
        vendor_channel=state.vendor_channel if known else UNSET,
        folio_lines=state.folio_lines if known else UNSET,
        comments=state.comments if known else UNSET,
        room_stays=stays,
    )


def to_requests(change: Change) -> list[VendorRequest]:
    """Raise MappingRejected for whatever is asked."""
    path = min(change.paths, default="room_stays")
    raise MappingRejected(path, f"({change.kind} of ours)", _READ_ONLY)


def _stay(stay: Stay, at: str, crosswalk: Crosswalk | None) -> Stay:
    codes = _codes(stay, at, crosswalk)
    if _means(stay.vendor_status, stay.status):
        return replace(stay, **codes)
    word = words.HOLDS[stay.blocks_inventory] if stay.status == Status.HOLD else words.WRITTEN[stay.status]
    return replace(stay, **codes, vendor_status=word, hold_kind=words.STATUSES[word].hold_kind)


def _means(word: str | None, status: Status) -> bool:
    meaning = words.STATUSES.get(word or "")
    return meaning is not None and meaning.status == status


def _codes(stay: Stay, at: str, crosswalk: Crosswalk | None) -> dict[str, str | None]:
    """Find the codes of a stay, theirs beside ours, by the names of Stay."""
    found: dict[str, str | None] = {}
    for kind in _KINDS:
        mine = getattr(stay, kind)
        theirs = _theirs(kind, getattr(stay, f"{kind}_ref"), mine, at, crosswalk)
        found[f"{kind}_ref"] = theirs
        found[kind] = mine if crosswalk is None else crosswalk.ours(kind, theirs)
    return found


def _theirs(kind: CodeKind, ref: str | None, mine: str | None, at: str, crosswalk: Crosswalk | None) -> str | None:
    """Read the crosswalk the other way round; a code of theirs that fits ours stands.

    A rate plan that is not mapped is left as it is, since it never blocks a reservation.
    """
    if crosswalk is None or mine is None or (ref is not None and crosswalk.ours(kind, ref) == mine):
        return ref
    table: Mapping[str, str] = getattr(crosswalk, kind)
    found = sorted(theirs for theirs, ours in table.items() if ours == mine)
    if len(found) == 1:
        return found[0]
    if kind == "rate_plan":
        return ref
    why = f"mapped to {' and '.join(found)}: it must be one" if found else "not mapped to a code of this vendor"
    raise MappingRejected(f"{at}.{kind}", mine, why)
