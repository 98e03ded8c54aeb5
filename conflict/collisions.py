"""Collisions: facts that contradict each other beyond a single field, as cases with a severity."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from pms_sync.domain.case import Case

# How bad a kind is when nothing is known of its date; a near arrival makes it worse (1 = tonight).
_SEVERITY = {
    "room_double_booked": 2,
    "type_oversold": 2,
    "illegal_status_jump": 3,
    "mapping_missing": 3,
    "vanished": 2,
    "identity_doubt": 3,
    "channel_reference_twice": 3,
    "group_member_dropped": 3,
    "same_atom": 3,
    "cancel_against_edit": 2,
    "invalid_merge": 2,
    "link_up": 3,
    "unknown_outcome": 2,
    "mass_change": 1,
}
_LEAST = 4
# A change that takes away more than this share of at least so many live objects is not believed by itself.
MASS_LEAST, MASS_SHARE = 10, 0.3
_BOOKINGS = "reservations"
_TONIGHT, _THIS_WEEK = 1, 7


def severity(kind: str, arrival: date | None, today: date) -> int:
    """Grade a case: tonight's arrivals are 1, this week's no worse than 2, the rest as the kind says."""
    usual = _SEVERITY.get(kind, _LEAST)
    if arrival is None:
        return usual
    days = (arrival - today).days
    if days < 0:
        return min(usual + 1, _LEAST)
    if days <= _TONIGHT:
        return 1
    return min(usual, 2) if days <= _THIS_WEEK else usual


def night_subject(property_id: UUID, code: str, night: date) -> str:
    """Name one night of a room or a room type as the subject of a case."""
    return f"{property_id}:{code}:{night}"


def object_subject(level: str, object_id: UUID) -> str:
    """Name a linked stay or block as the subject of a case."""
    return f"{level}:{object_id}"


def intent_subject(intent_id: UUID) -> str:
    """Name a push as the subject of a case."""
    return f"push:{intent_id}"


def atom(path: str, *, here: object, there: object, base: object = None, rule: str = "") -> dict[str, Any]:
    """Describe one contradicting value as the case page shows it."""
    return {"path": path, "base": base, "here": here, "there": there, "suggested": None, "rule": rule}


def _where(path: str, code: str, night: date) -> tuple[dict[str, Any], ...]:
    """Say what a person must look at, on which night; both sides agree on that."""
    rule = "names what the case is about"
    return (
        atom(path, here=code, there=code, rule=rule),
        atom("date", here=night.isoformat(), there=night.isoformat(), rule=rule),
    )


def double_booked(  # noqa: PLR0913 - a case names all that it is about
    property_id: UUID, room: str, night: date, reservations: Sequence[UUID], today: date, *, holder: str, refused: str
) -> Case:
    """Build the case of one unit and date that two stays want."""
    return Case(
        kind="room_double_booked",
        subject=night_subject(property_id, room, night),
        severity=severity("room_double_booked", night, today),
        property_id=property_id,
        reservation_ids=tuple(sorted(set(reservations))),
        fields=(
            atom("room_stays.room", here=holder, there=refused, rule="first claim keeps the room"),
            *_where("room", room, night),
        ),
    )


def oversold(property_id: UUID, room_type: str, night: date, booked: int, capacity: int, today: date) -> Case:
    """Build the case of a room type with more stays than units on one night."""
    return Case(
        kind="type_oversold",
        subject=night_subject(property_id, room_type, night),
        severity=severity("type_oversold", night, today),
        property_id=property_id,
        fields=(
            atom("inventory.booked", here=capacity, there=booked, rule="units less out of order plus allowance"),
            *_where("room_type", room_type, night),
        ),
    )


def illegal_jump(
    property_id: UUID, reservation_id: UUID, stay: str, jump: tuple[str, str], arrival: date, today: date
) -> Case:
    """Build the case of a status change that no life of a stay allows."""
    return Case(
        kind="illegal_status_jump",
        subject=stay,
        severity=severity("illegal_status_jump", arrival, today),
        property_id=property_id,
        reservation_ids=(reservation_id,),
        fields=(atom("room_stays.status", base=jump[0], here=jump[0], there=jump[1], rule="status machine"),),
    )


def unmapped(property_id: UUID, account_id: UUID, kind: str, code: str, reservations: Sequence[UUID]) -> Case:
    """Build the case of a vendor code that the crosswalk does not know; one per account and code."""
    return Case(
        kind="mapping_missing",
        subject=f"{account_id}:{kind}:{code}",
        severity=_SEVERITY["mapping_missing"],
        property_id=property_id,
        reservation_ids=tuple(sorted(set(reservations)))[:50],
        fields=(atom(f"crosswalk.{kind}", here=None, there=code, rule="map it, and what waits heals by itself"),),
    )


def vanished(
    property_id: UUID, reservation_id: UUID | None, ref: str, subject: str, *, moved_to: str | None = None
) -> Case:
    """Build the case of an object that the vendor no longer shows, read twice; or shows at the property `moved_to`."""
    there = f"{ref} at the vendor's property {moved_to}" if moved_to else None
    return Case(
        kind="vanished",
        subject=subject,
        severity=_SEVERITY["vanished"],
        property_id=property_id,
        reservation_ids=(reservation_id,) if reservation_id else (),
        fields=(atom("links.ref", here=ref, there=there, rule="absence is never a deletion"),),
    )


def is_mass(live: int, touched: int) -> bool:
    """Tell whether losing so many of the live stays of an account at once wants a person (ARCHITECTURE §7, valve)."""
    return live >= MASS_LEAST and touched > live * MASS_SHARE


def mass_change_subject(account_id: UUID, stream: str = _BOOKINGS) -> str:
    """Name what changes at once: an account's bookings by the account alone, else by the stream too."""
    return str(account_id) if stream == _BOOKINGS else f"{account_id}/{stream}"


def mass_change(property_id: UUID, account_id: UUID, live: int, touched: int, stream: str = _BOOKINGS) -> Case:
    """Build the case of an account that ends many of its objects at once; resolving it lets them through."""
    return Case(
        kind="mass_change",
        subject=mass_change_subject(account_id, stream),
        severity=_SEVERITY["mass_change"],
        property_id=property_id,
        fields=(atom(stream, here=live, there=live - touched, rule="more than 30 % of at least 10 at once: held"),),
    )


def identity_doubt(property_id: UUID, reservations: Sequence[UUID], ref: str, reference: str) -> Case:
    """Build the case of one OTA number that leads to two reservations."""
    return Case(
        kind="identity_doubt",
        subject=f"{ref}:{reference}",
        severity=_SEVERITY["identity_doubt"],
        property_id=property_id,
        reservation_ids=tuple(sorted(set(reservations))),
        fields=(atom("channel_reference", here=ref, there=reference, rule="one booking, one reservation"),),
    )


def stays_in_doubt(property_id: UUID, reservation_id: UUID, refs: Sequence[str], reference: str) -> Case:
    """Build the case of one OTA number under which two accounts show stays that are not booked alike."""
    case = identity_doubt(property_id, (reservation_id,), ", ".join(refs), reference)
    return msgspec.structs.replace(case, subject=f"stays:{reservation_id}")


def unknown_outcome(
    property_id: UUID, reservation_id: UUID | None, intent_id: UUID, kind: str, refs: Sequence[str]
) -> Case:
    """Build the case of a change whose answer was lost, and of which nobody can tell whether it took effect.

    `refs` are the vendor's objects that may be it; `kind` is what was asked of the vendor.
    """
    rule = "what may have taken effect is never sent again before somebody looked"
    return Case(
        kind="unknown_outcome",
        subject=intent_subject(intent_id),
        severity=_SEVERITY["unknown_outcome"],
        property_id=property_id,
        reservation_ids=(reservation_id,) if reservation_id else (),
        fields=(atom(f"push.{kind}", here=str(intent_id), there=", ".join(refs) or None, rule=rule),),
    )
