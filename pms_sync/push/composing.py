"""Composing: what is to be sent for one intent, out of what differs now; pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

import msgspec

from conflict.atoms import atoms, kind_of, stay_of
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.status import Status
from pms_sync.ports.connector import VendorRequest
from pms_sync.ports.mapper import Change, Mapper, MappingContext
from pms_sync.push import telling
from pms_sync.push.comparing import same
from pms_sync.push.given import Outgoing, Unit
from pms_sync.push.sent import Item, Sent
from pms_sync.store.intents import Intent


class Ready(msgspec.Struct, frozen=True):
    """What is to be handed over, with the atoms it carries and what a person should know about it."""

    sent: Sent
    paths: tuple[str, ...]
    notices: tuple[str, ...]


class Nothing(msgspec.Struct, frozen=True):
    """There is nothing to send, and why."""

    why: str = telling.NOTHING_LEFT


class Rejected(msgspec.Struct, frozen=True):
    """The vendor cannot be told."""

    why: str


class NotThere(msgspec.Struct, frozen=True):
    """The vendor does not have the object, and this intent may not make it."""


Composed: TypeAlias = Ready | Nothing | Rejected | NotThere


class Terms(msgspec.Struct, frozen=True):
    """How the account is spoken to."""

    mapper: Mapper
    context: MappingContext


def compose(intent: Intent, outgoing: Outgoing | None, parked: Sequence[Sent], terms: Terms, token: str) -> Composed:
    """Turn what differs into requests, without the values that are parked: those never leave again by themselves."""
    if outgoing is None or not outgoing.units:
        return Nothing()
    if intent.kind != "create" and any(unit.ref is None for unit in outgoing.units):
        return NotThere()
    changes = list(_changes(outgoing.units, parked, token))
    if not changes:
        return Nothing(telling.PARKED_ALREADY)
    try:
        made = [(request, units) for change, units in changes for request in _requests(change, terms)]
    except MappingRejected as fault:
        return Rejected(telling.rejected(fault))
    if not made:
        return Nothing()
    requests = [request for request, _ in made]
    return Ready(
        sent=Sent(tuple(_item(request, number, units) for number, (request, units) in enumerate(made))),
        paths=tuple(sorted({path for one in requests for path in one.paths})),
        notices=tuple(dict.fromkeys(text for one in requests for text in one.notices)),
    )


def _requests(change: Change, terms: Terms) -> list[VendorRequest]:
    return terms.mapper.to_requests(change, terms.context)


def _changes(units: Sequence[Unit], parked: Sequence[Sent], token: str) -> Iterator[tuple[Change, Sequence[Unit]]]:
    """Yield the changes with their units: what is new is made in one, what is known changed one by one."""
    fresh = [unit for unit in units if unit.ref is None]
    if fresh and not any(_is_same_create(fresh, sent) for sent in parked):
        paths = frozenset(path for unit in fresh for path in unit.paths)
        yield Change(kind="create", wanted=tuple(unit.wanted for unit in fresh), paths=paths, token=token), fresh
    for unit in units:
        paths = frozenset(path for path in unit.paths if not _is_parked(unit, path, parked))
        if unit.ref is not None and paths:
            yield _change_of(unit, unit.ref, paths, token), [unit]


def _change_of(unit: Unit, ref: str, paths: frozenset[str], token: str) -> Change:
    over = all(stay.status is Status.CANCELLED for stay in unit.wanted.room_stays)
    cancels = over and all(kind_of(path) == "status" for path in paths)
    return Change(
        kind="cancel" if cancels else "modify",
        wanted=(unit.wanted,),
        known=unit.known,
        paths=paths,
        refs=(ref,),
        token=token,
    )


def _is_parked(unit: Unit, path: str, parked: Iterable[Sent]) -> bool:
    """Tell whether this very value was sent before and did not get through."""
    items = (item for sent in parked for item in sent.items if item.ref == unit.ref and path in item.values)
    return any(same(item.value(path), unit.values.get(path)) for item in items)


def _is_same_create(units: Sequence[Unit], sent: Sent) -> bool:
    """Tell whether exactly this was to be made before and did not get through."""
    if len(sent.items) != len(units) or any(item.request.kind != "create" for item in sent.items):
        return False
    wanted = {path: value for unit in units for path, value in unit.values.items()}
    return all(same(item.value(path), wanted.get(path)) for item in sent.items for path in item.values)


def _item(request: VendorRequest, number: int, units: Sequence[Unit]) -> Item:
    unit = _unit_of(request, number, units)
    told = {**atoms(unit.wanted), **unit.values}
    shown = atoms(unit.known) if unit.known is not None else {}
    return Item(
        request=request,
        wanted=unit.wanted,
        values={path: told[path] for path in request.paths if path in told},
        before={path: shown[path] for path in request.paths if path in shown},
    )


def _unit_of(request: VendorRequest, number: int, units: Sequence[Unit]) -> Unit:
    """Find the unit a request is about: by the vendor's ref, by the stay its paths name, else by its place."""
    if request.ref is not None:
        return next((unit for unit in units if unit.ref == request.ref), units[0])
    stays = {stay_of(path) for path in request.paths}
    named = (unit for unit in units if any(stay.ref in stays for stay in unit.wanted.room_stays))
    return next(named, units[min(number, len(units) - 1)])
