"""A change as items of POST /bookings (vendors/beds24.md 7).

There is no version check there, the last write wins; so a modification carries the smallest difference to what was
last seen.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import msgspec

from mappers.beds24 import fields, marks, notices, words
from mappers.beds24.fields import Fields
from mappers.beds24.places import is_inside
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.reservation import Guest, Revision, Stay
from pms_sync.ports.connector import VendorRequest
from pms_sync.ports.mapper import Change, MappingContext

# 7: no mail to anybody, no webhook back to us, no other room than the one we say.
_QUIET: Fields = {"notifyGuest": False, "allowWebhooks": False}
_QUIET_NEW: Fields = {**_QUIET, "notifyHost": False, "assignBooking": False}
# 7: without it a new booking overbooks in silence; one that takes no room needs none.
_CHECKED: Fields = {"checkAvailability": True}
_GROUPED: Fields = {"makeGroup": True}

_UNTOLD = {
    "guests": "Beds24 takes no list of guests through its API yet: enter it in the control panel",
    "lines": "lines of the bill are not written to Beds24: enter them in the control panel",
    "channel": "Beds24 names the channel of a booking itself",
}
_RATE_PLAN = "Beds24 takes no rate plan (offer) through its API: choose it in the control panel"
_NO_LANGUAGE = "Beds24 takes no empty language: the one it has stays"
_ROOM_WAITS = "a unit is told together with its room type, which waits"

_JSON = msgspec.json.Encoder(decimal_format="number")


def to_requests(change: Change, context: MappingContext) -> list[VendorRequest]:
    """Make the items of a change, in order; none when Beds24 has it all already.

    Raises MappingRejected for what cannot be told: a code that is no id of Beds24's, an amount it cannot hold, or a
    change of nothing but atoms that its API does not take.
    """
    return _BY_KIND[change.kind](change, context)


def _creates(change: Change, context: MappingContext) -> list[VendorRequest]:
    """One item per stay, the master first; several become a group, which is made in one call (7: `makeGroup`)."""
    ordered = sorted(change.wanted, key=lambda one: not one.is_home)
    count = len(ordered)
    return [
        _create(one, marks.member(change.token, position, count), context, position if count > 1 else 0)
        for position, one in enumerate(ordered, 1)
    ]


def _create(wanted: Revision, token: str, context: MappingContext, place: int) -> VendorRequest:
    """Make one new booking; `place` is its number in a new group, 0 without one."""
    stay, said = wanted.room_stays[0], fields.whole(wanted, context)
    body: Fields = {name: value for group in said.values() for name, value in group.items()}
    if words.is_ref(wanted.ref):
        body["masterId"] = fields.number("ref", wanted.ref)
    body["infoItems"] = [marks.remark(token)]
    body["actions"] = _QUIET_NEW | (_CHECKED if stay.blocks_inventory else {}) | (_GROUPED if place else {})
    told = [kind for kind in said if kind in fields.STAY_KINDS or place <= 1]
    return VendorRequest(
        kind="create",
        ref=None,
        body=_JSON.encode(body),
        token=token,
        paths=tuple(f"stays[{stay.ref}].{kind}" if kind in fields.STAY_KINDS else kind for kind in told),
        notices=notices.of_create(wanted),
    )


def _modifies(change: Change, context: MappingContext) -> list[VendorRequest]:
    """One item with the fields that differ; atoms that cannot be told are left out and named."""
    return [
        request
        for ref, wanted in zip(_refs(change), change.wanted, strict=True)
        if (request := _modify(ref, wanted, change, context)) is not None
    ]


def _modify(ref: str, wanted: Revision, change: Change, context: MappingContext) -> VendorRequest | None:
    known, body, told, untold = change.known, Fields(), list[str](), dict[str, str]()
    for path in sorted(change.paths):
        why = _why_not(path, wanted, known, change.paths)
        differs = {} if why else fields.changed(_kind(path), wanted, known, context)
        why = why or _left_out(_kind(path), wanted, known)
        body |= differs
        if why:
            untold[path] = why
        if differs or not why:
            told.append(path)
    if not body and untold:
        path, why = next(iter(untold.items()))
        raise MappingRejected(path, "(a change of ours)", why)
    if not body:
        return None
    notes = notices.of_modify(wanted, known, [_kind(path) for path in told])
    return VendorRequest(
        kind="modify",
        ref=ref,
        body=_JSON.encode({"id": fields.number("ref", ref), **body, "actions": _QUIET}),
        token=change.token,
        paths=tuple(told),
        notices=(*notes, *dict.fromkeys(untold.values())),
    )


def _cancels(change: Change, _context: MappingContext) -> list[VendorRequest]:
    """One item per booking: there is no cancellation of a group (14)."""
    refs = _refs(change)
    stays = [change.known] * len(refs) if change.known is not None else [*change.wanted, *[None] * len(refs)]
    return [_cancel(ref, stay, change) for ref, stay in zip(refs, stays, strict=False)]


def _cancel(ref: str, stay: Revision | None, change: Change) -> VendorRequest:
    return VendorRequest(
        kind="cancel",
        ref=ref,
        body=_JSON.encode({"id": fields.number("ref", ref), "status": words.CANCELLED, "actions": _QUIET}),
        token=change.token,
        paths=tuple(sorted(change.paths)) or (f"stays[{ref}].status",),
        notices=notices.of_cancel(stay),
    )


def _refs(change: Change) -> Sequence[str]:
    return change.refs or tuple(one.room_stays[0].ref for one in change.wanted)


def _kind(path: str) -> str:
    """Return what sort of atom a path names, in the spelling of conflict.atoms."""
    return path.partition("[")[0] if path.endswith("]") else path.rpartition(".")[2]


def _why_not(path: str, wanted: Revision, known: Revision | None, paths: Collection[str]) -> str | None:
    """Say why an atom cannot be told at all; None when it can."""
    kind = _kind(path)
    if kind not in fields.KINDS:
        return _UNTOLD.get(kind, f"Beds24 takes no {kind} through its API")
    return _why_not_the_room(wanted.room_stays[0], known, paths) if kind == "room" else None


def _why_not_the_room(stay: Stay, known: Revision | None, paths: Collection[str]) -> str | None:
    """A unit is told inside its room type: not in another one, and not before a change of type that waits."""
    if stay.room_ref is not None and not is_inside(stay.room_ref, stay.room_type_ref):
        return fields.NOT_INSIDE
    moved = known is not None and known.room_stays[0].room_type_ref != stay.room_type_ref
    return _ROOM_WAITS if moved and not any(_kind(one) == "shape" for one in paths) else None


def _left_out(kind: str, wanted: Revision, known: Revision | None) -> str | None:
    """Say what of an atom Beds24 does not take; None when it takes all of it."""
    if known is None:
        return None
    if kind == "shape" and wanted.room_stays[0].rate_plan_ref != known.room_stays[0].rate_plan_ref:
        return _RATE_PLAN
    if kind == "booker" and isinstance(wanted.booker, Guest) and isinstance(known.booker, Guest):
        emptied = wanted.booker.language is None and isinstance(known.booker.language, str)
        return _NO_LANGUAGE if emptied else None
    return None


_BY_KIND: dict[str, Callable[[Change, MappingContext], list[VendorRequest]]] = {
    "create": _creates,
    "modify": _modifies,
    "cancel": _cancels,
}
