"""Edits: orders of people as new states of our own; pure. What is typed is held to the rules of a resolved case."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from msgspec import UNSET, UnsetType

from conflict.atoms import EMPTIED, atoms
from conflict.fields import Names, atom_path, public_path
from conflict.resolve import Choice, ChoicesRefused, Shown, resolve
from conflict.revise import Codes, with_atoms
from conflict.validate import Problem
from pms_sync.apply.orders import Act, Draft, OrderRefused, StayOrder
from pms_sync.domain import money
from pms_sync.domain.reservation import Guest, Night, Revision, Stay
from pms_sync.domain.status import LOCAL_MOVES, TAKES_NO_ROOM, Status
from pms_sync.domain.stay import StayRange
from pms_sync.store.crosswalk import PropertyCatalogue
from pms_sync.store.identity import desk_ref

_TARGETS: dict[Act, Status] = {
    "cancel": Status.CANCELLED,
    "check-in": Status.CHECKED_IN,
    "check-out": Status.CHECKED_OUT,
    "no-show": Status.NO_SHOW,
}
# Which stays an act leaves alone: those that are where it leads, or that are over.
_LEFT_ALONE = TAKES_NO_ROOM
_PARTS = ("arrival", "departure", "room_type_ref", "room_ref", "adults", "children")
_TEXT_OF = {"room_type_ref": "room_type", "room_ref": "room"}


def made(draft: Draft, group: str, catalogue: PropertyCatalogue, first: int = 1) -> list[Revision]:
    """Return a reservation made at our desk, one unit a stay, named `group.1` and so on from `first`.

    Raises OrderRefused with everything that is wrong with the draft.
    """
    problems = [one for number, order in enumerate(draft.stays) for one in _draft_problems(order, number, catalogue)]
    problems += [] if draft.stays else [Problem("room_stays", "[]", "a reservation has at least one room stay")]
    problems += _money_problems(draft)
    if problems:
        raise OrderRefused(tuple(problems))
    return [_unit(draft, order, group, number, catalogue) for number, order in enumerate(draft.stays, first)]


def _unit(draft: Draft, order: StayOrder, group: str, number: int, catalogue: PropertyCatalogue) -> Revision:
    is_home = number == 1
    stay = _stay(order, desk_ref(group, number), draft.currency, catalogue)
    return Revision(
        vendor="",
        ref=group,
        property_ref=draft.property_code,
        version="1",
        scope="stay",
        siblings_complete=len(draft.stays) == 1 and is_home,
        is_home=is_home,
        status=stay.status,
        channel="direct",
        currency=draft.currency,
        price_basis="gross",
        booker=draft.booker if is_home else UNSET,
        notes=draft.notes if is_home else UNSET,
        room_stays=(stay,),
    )


def _stay(order: StayOrder, ref: str, currency: str, catalogue: PropertyCatalogue) -> Stay:
    assert not isinstance(order.arrival, UnsetType)  # noqa: S101 - looked at before
    assert not isinstance(order.departure, UnsetType)  # noqa: S101
    assert isinstance(order.room_type, str)  # noqa: S101
    nights = () if isinstance(order.nights, UnsetType) else tuple(sorted(order.nights, key=lambda one: one.date))
    priced = [night.price for night in nights if night.price is not None]
    fitted = tuple([Night(one.date, money.fit(one.price, currency)) for one in nights if one.price is not None])
    room = order.room or None if isinstance(order.room, str) else None
    return Stay(
        ref=ref,
        room_type_ref=order.room_type,
        room_type=order.room_type,
        room_ref=room,
        room=room if room in catalogue.rooms else None,
        arrival=order.arrival,
        departure=order.departure,
        status=Status.CONFIRMED,
        adults=order.adults,
        children=order.children,
        nights=fitted,
        total=sum(priced, Decimal(0)) if priced else UNSET,
    )


def _draft_problems(order: StayOrder, number: int, catalogue: PropertyCatalogue) -> Iterable[Problem]:
    at = f"room_stays[{number}]"
    for name in ("room_type", "arrival", "departure"):
        if getattr(order, name) is UNSET:
            yield Problem(f"{at}.{name}", "", "say it for every room stay")
    if isinstance(order.room_type, str) and order.room_type not in catalogue.room_types:
        yield Problem(f"{at}.room_type", order.room_type, f"no such room type; known are {_list(catalogue.room_types)}")
    if isinstance(order.room, str) and order.room not in catalogue.rooms:
        yield Problem(f"{at}.room", order.room, f"no such room; known are {_list(catalogue.rooms)}")
    if isinstance(order.arrival, UnsetType) or isinstance(order.departure, UnsetType):
        return
    try:
        nights = set(StayRange(order.arrival, order.departure).nights())
    except ValueError as error:
        yield Problem(f"{at}.departure", order.departure.isoformat(), str(error))
        return
    told = [] if isinstance(order.nights, UnsetType) else [night.date for night in order.nights]
    if told and (set(told) != nights or len(told) != len(nights)):
        yield Problem(f"{at}.nights", f"{len(told)} nights", "name each night of the stay exactly once")


def _money_problems(draft: Draft) -> Iterable[Problem]:
    for number, order in enumerate(draft.stays):
        for night in () if isinstance(order.nights, UnsetType) else order.nights:
            try:
                money.fit(night.price or Decimal(0), draft.currency)
            except money.AmountRejected as error:
                yield Problem(f"room_stays[{number}].nights", str(night.price), str(error))


def _list(codes: Iterable[str]) -> str:
    return ", ".join(sorted(codes))


def ordered(
    ours: Revision,
    orders: Mapping[str, StayOrder],
    names: Names,
    codes: Codes,
    *,
    booker: Guest | UnsetType = UNSET,
    notes: str | UnsetType | None = UNSET,
) -> Revision:
    """Return a unit as ordered: `orders` by the refs of its stays, booker and notes where they are to change.

    Raises OrderRefused with everything that is wrong.
    """
    choices = [choice for ref, order in orders.items() for choice in _stay_choices(ours, ref, order)]
    choices += [] if isinstance(booker, UnsetType) else _booker_choices(ours, booker)
    choices += [] if isinstance(notes, UnsetType) else [Choice(path="notes", take="value", value=notes)]
    if not choices:
        return ours
    tree = atoms(ours)
    fields = sorted({_atom(choice.path) for choice in choices})
    try:
        resolution = resolve(
            Shown(base=tree, here=tree, there=tree, fields=fields, suggested=dict.fromkeys(fields, "here")),
            choices,
            names,
        )
    except ChoicesRefused as refused:
        raise OrderRefused(refused.problems) from None
    return with_atoms(
        ours, {path: EMPTIED if value is None else value for path, value in resolution.here.items()}, codes=codes
    )


def _stay_choices(ours: Revision, ref: str, order: StayOrder) -> Iterable[Choice]:
    before = next(stay for stay in ours.room_stays if stay.ref == ref)
    at = f"room_stays[{ref}]"
    _must_live(before, order, at)
    if order.status is not UNSET:
        _may_become(ref, before.status, order.status)
        yield Choice(path=f"{at}.status", take="value", value=str(order.status))
    if not isinstance(order.nights, UnsetType):
        told = [{"date": night.date.isoformat(), "price": _text(night.price)} for night in order.nights]
        yield Choice(path=f"{at}.nights", take="value", value=told)
    for part in _PARTS:
        value: Any = getattr(order, _TEXT_OF.get(part, part))
        if value is not UNSET:
            shown = value.isoformat() if part in {"arrival", "departure"} else value
            yield Choice(path=f"{at}.{part}", take="value", value=shown)
    yield from _unsaid_occupancy(before, order, at)


def _must_live(before: Stay, order: StayOrder, at: str) -> None:
    """Refuse to change a stay that is over; its status alone may be asked for, and has its own rules."""
    told = [name for name in order.__struct_fields__ if getattr(order, name) is not UNSET]
    wanted = [name for name in told if name not in {"id", "status"}]
    if wanted and before.status in TAKES_NO_ROOM:
        why = f"the stay is {before.status.value}, and what is over is not changed"
        raise OrderRefused(tuple(Problem(f"{at}.{name}", "", why) for name in wanted))


def _unsaid_occupancy(before: Stay, order: StayOrder, at: str) -> Iterable[Choice]:
    """Say the other half of an occupancy that nobody has told yet."""
    told = {"adults": order.adults, "children": order.children}
    if all(value is UNSET for value in told.values()) or before.adults is not UNSET or before.children is not UNSET:
        return
    for name, value in told.items():
        if value is UNSET:
            yield Choice(path=f"{at}.{name}", take="value", value=None)


def _booker_choices(ours: Revision, booker: Guest) -> Iterable[Choice]:
    if not isinstance(ours.booker, Guest):
        names = "first_name last_name email phone country language".split()
        told = {name: None if getattr(booker, name) is UNSET else getattr(booker, name) for name in names}
        yield Choice(path="booker", take="value", value={"ref": None, **told})
        return
    for name in booker.__struct_fields__:
        value = getattr(booker, name)
        if name != "ref" and value is not UNSET:
            yield Choice(path=f"booker.{name}", take="value", value=value)


def _atom(path: str) -> str:
    """Name the field of a case that a choice belongs to."""
    return public_path(atom_path(path)[0])


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else format(amount, "f")


def acted(ours: Revision, act: Act, codes: Codes) -> Revision:
    """Return a unit after an act on all its stays; those that are there already, or over, are left alone.

    Raises OrderRefused for a stay from which the act does not lead on (seed S1.26).
    """
    target = _TARGETS[act]
    moved: dict[str, Any] = {}
    for stay in ours.room_stays:
        if stay.status != target and stay.status not in _LEFT_ALONE:
            _may_become(stay.ref, stay.status, target)
            moved[f"stays[{stay.ref}].status"] = (target.value, EMPTIED)
    return with_atoms(ours, moved, codes=codes) if moved else ours


def _may_become(ref: str, before: Status, after: Status) -> None:
    if before != after and (before, after) not in LOCAL_MOVES:
        why = f"a stay that is {before.value} cannot become {after.value}"
        raise OrderRefused((Problem(f"room_stays[{ref}].status", after.value, why),))


def our_names(catalogue: PropertyCatalogue, currency: str) -> Names:
    """Return our own codes as names of themselves, for what no vendor has yet."""
    return Names(
        room_type={code: code for code in catalogue.room_types},
        room={code: code for code in catalogue.rooms},
        currency=currency,
    )
