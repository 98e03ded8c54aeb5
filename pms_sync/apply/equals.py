"""Equals: stays of one booking that nothing tells apart, and which of two accounts' equals are one.

They are joined blindly, since as long as they are alike any pairing is right. What one account shows of one of them may
be what the other shows of another: then the links change places, and nothing is merged that nobody meant.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import msgspec
from msgspec import UnsetType

from conflict.atoms import atoms, kind_of, stay_of
from pms_sync.apply.compose import StayKey
from pms_sync.apply.incoming import Incoming
from pms_sync.apply.joining import Joiner, Place
from pms_sync.apply.states import LinkState, Trees
from pms_sync.domain.reservation import Revision, Stay
from pms_sync.domain.status import TAKES_NO_ROOM
from pms_sync.store.links import DESK

_OF_THE_BOOKING = "status hold_kind vendor_status blocks_inventory total".split()
_OF_THE_STAY = (*_OF_THE_BOOKING, *"arrival departure room_type room_type_ref nights".split())


class Sign(NamedTuple):
    """By what stays are told apart: equals have the same."""

    room_type: str | None
    arrival: date
    departure: date
    is_over: bool
    total: Decimal | UnsetType | None


class Moved(msgspec.Struct, frozen=True):
    """A link that shows another stay from now on, and what its vendor shows of it."""

    state: LinkState
    there: Revision


def has_equals(trees: Trees, state: LinkState) -> bool:
    """Tell whether the link's account shows a stay of this reservation that is just like one of the link's."""
    signs = Counter(
        _sign(stay)
        for one in (state, *_beside(trees, state))
        if one.remote is not None
        for stay in one.remote.room_stays
    )
    return state.remote is not None and any(signs[_sign(stay)] > 1 for stay in state.remote.room_stays)


def not_to_be_told(trees: Trees, state: LinkState) -> frozenset[str]:
    """Return the atoms of stays in which an account shows the rooms of a shared booking as ours are, only not in order.

    What differs stay by stay is then how equals were joined, and nothing that the vendor has to be told: the `status`
    where as many are over of each kind, the `shape` where prices are the same as well.
    """
    shared = any(one.key[0] not in {state.key[0], DESK} for one in _of_reservation(trees, state))
    if not shared or all(_is_like(*pair) for pair in _pairs(trees, state)):
        return frozenset()
    pairs = [pair for one in (state, *_beside(trees, state)) for pair in _pairs(trees, one)]
    shown, held = Counter(mine for mine, _ in pairs), Counter(ours for _, ours in pairs)
    if _unpriced(shown) != _unpriced(held):
        return frozenset()
    return frozenset({"status", "shape"} if shown == held else {"status"})


def _pairs(trees: Trees, state: LinkState) -> list[tuple[Sign | None, Sign | None]]:
    """Return what a link shows of each of its stays, and what ours there is."""
    stays = state.remote.room_stays if state.remote is not None else ()
    return [(_sign(stay), _sign_of(trees, (state.key, stay.ref) if state.is_home else _place(state))) for stay in stays]


def _unpriced(signs: Counter[Sign | None]) -> Counter[Sign | None]:
    """Count the same stays by all but their price."""
    found: Counter[Sign | None] = Counter()
    for sign, number in signs.items():
        found[None if sign is None else sign._replace(total=None)] += number
    return found


def exchanged(
    joiner: Joiner, record: Incoming, there: Revision, state: LinkState | None
) -> tuple[LinkState | None, Sequence[Moved]]:
    """Let links change places where what is shown now was told of an equal before; returns the link's state then.

    The links that moved are to be merged after it, as at first contact.
    """
    if state is None or state.remote is None or there.gone:
        return state, ()
    for places, shown in _both_sides(joiner.trees, there, state):
        if settled := _settled(joiner.trees, places, shown):
            return _placed(joiner, record, state, settled)
    if not state.is_home:
        return _taken_place(joiner, record, there, state)
    return _left_places(joiner, record, there, state)


def _both_sides(
    trees: Trees, there: Revision, state: LinkState
) -> Iterator[tuple[dict[Place, Sign], dict[StayKey, Sign]]]:
    """Yield what the home's account shows by place, and what each other account shows by object."""

    def shown(one: LinkState) -> tuple[Stay, ...]:
        revision = there if one.key == state.key else one.remote
        return revision.room_stays if revision is not None else ()

    links = _of_reservation(trees, state)
    places = {
        (one.key, stay.ref): _sign(stay)
        for one in links
        if one.is_home and one.key[0] == state.home[0]
        for stay in shown(one)
    }
    for account_id in sorted({one.key[0] for one in links} - {state.home[0], DESK}):
        others = [one for one in links if one.key[0] == account_id and len(shown(one)) == 1]
        if all(_place(one) in places or trees.is_plain(one) for one in others):
            yield places, {one.key: _sign(shown(one)[0]) for one in others}


def _settled(trees: Trees, places: Mapping[Place, Sign], shown: Mapping[StayKey, Sign]) -> dict[StayKey, Place]:
    """Return which objects go where, now that both accounts show the same rooms; nothing while they do not.

    Who stands with its like stays there.
    """
    free, moving = dict(places), dict(shown)
    for key, sign in shown.items():
        place = _place(trees.links[key])
        if _is_like(free.get(place), sign):
            del free[place], moving[key]
    found: dict[StayKey, Place] = {}
    for key, sign in sorted(moving.items()):
        fits = next((place for place, other in sorted(free.items()) if _is_like(other, sign)), None)
        if fits is None:
            return {}
        found[key] = fits
        del free[fits]
    return {} if free else found


def _placed(
    joiner: Joiner, record: Incoming, state: LinkState, settled: Mapping[StayKey, Place]
) -> tuple[LinkState, Sequence[Moved]]:
    """Let objects stand where they belong, and ours there be what the home shows."""
    for place in settled.values():
        _take_back(joiner, place)
    links, mine = joiner.trees.links, settled.get(record.key)
    moved = [_moved(joiner, record, links[key], place) for key, place in settled.items() if key != record.key]
    fresh = links[state.key]
    return (fresh if mine is None else joiner.joined(record, fresh, mine, state.reservation_id)), moved


def _taken_place(
    joiner: Joiner, record: Incoming, there: Revision, state: LinkState
) -> tuple[LinkState, Sequence[Moved]]:
    """Give a link the place of an equal whose stay became what the link shows now."""
    was, now = _only(state.remote), _only(there)
    if was is None or now is None or was == now or not _is_like(_sign_at(joiner.trees, state), was):
        return state, ()
    for other in _beside(joiner.trees, state):
        if not other.is_home and _only(other.remote) == was and _is_like(_sign_at(joiner.trees, other), now):
            mine, its = _place(state), _place(other)
            fresh = joiner.joined(record, state, its, state.reservation_id)
            return fresh, [_moved(joiner, record, other, mine)]
    free = joiner.places(state.reservation_id, state.key)
    fits = next(
        (one for one in sorted(free) if one != _place(state) and _is_like(_sign_of(joiner.trees, one), now)), None
    )
    if fits is None:
        return state, ()
    left = _place(state)
    fresh = joiner.joined(record, state, fits, state.reservation_id)
    return fresh, [_moved(joiner, record, one, left) for one in _alone(joiner.trees, state, was)[:1]]


def _left_places(
    joiner: Joiner, record: Incoming, there: Revision, state: LinkState
) -> tuple[LinkState, Sequence[Moved]]:
    """Let others change places where they told of an equal what the home itself shows now; ours follows the home."""
    trees = joiner.trees
    for ref, was, now in _changes(state, there):
        if not _is_like(_sign_of(trees, (state.key, ref)), was):
            continue
        for place in _equals(trees, state, there, was, but=ref):
            pairs = list(_shown_by_one(trees, place, (state.key, ref)))
            if not _is_like(_sign_of(trees, place), now) or not pairs:
                continue
            _take_back(joiner, place)
            moved = [
                _moved(joiner, record, one, target)
                for mine, other in pairs
                for one, target in ((mine, (state.key, ref)), (other, place))
            ]
            return trees.links[state.key], moved
        moved = _made_room(joiner, record, there, state, ref, was, now)
        if moved:
            return state, moved
    return state, ()


def _made_room(  # noqa: PLR0913, PLR0917 - what became of which stay
    joiner: Joiner, record: Incoming, there: Revision, state: LinkState, ref: str, was: Sign, now: Sign
) -> list[Moved]:
    """Let a link leave a stay that is no longer what it shows for an equal nobody shows, and who fits come instead."""
    trees = joiner.trees
    for link in [one for one in trees.links.values() if not one.is_home and _place(one) == (state.key, ref)]:
        free = joiner.places(link.reservation_id, link.key)
        equal = next((one for one in _equals(trees, state, there, was, but=ref) if one in free), None)
        if _is_like(_only(link.remote), was) and equal is not None:
            instead = _alone(trees, link, now)[:1]
            moved = [_moved(joiner, record, link, equal)]
            return moved + [_moved(joiner, record, one, (state.key, ref)) for one in instead]
    return []


def _moved(joiner: Joiner, record: Incoming, link: LinkState, place: Place) -> Moved:
    assert link.remote is not None  # noqa: S101 - narrows the type
    return Moved(joiner.joined(record, link, place, link.reservation_id), link.remote)


def _alone(trees: Trees, state: LinkState, sign: Sign) -> list[LinkState]:
    """Return the account's objects of one stay of this sign that stand beside the others, joined with nothing."""
    return [one for one in _beside(trees, state) if trees.is_plain(one) and _is_like(_only(one.remote), sign)]


def _changes(state: LinkState, there: Revision) -> Iterator[tuple[str, Sign, Sign]]:
    """Yield the stays that are no longer what they were: ref, sign before, sign now."""
    before = {stay.ref: _sign(stay) for stay in state.remote.room_stays} if state.remote is not None else {}
    for stay in there.room_stays:
        if stay.ref in before and before[stay.ref] != _sign(stay):
            yield stay.ref, before[stay.ref], _sign(stay)


def _equals(trees: Trees, state: LinkState, there: Revision, was: Sign, *, but: str) -> Iterator[Place]:
    """Yield the other places of the account whose vendor shows still what it showed of the stay before."""
    for one in (state, *_beside(trees, state)):
        shown = there if one.key == state.key else one.remote
        if one.is_home and shown is not None:
            for stay in shown.room_stays:
                if (one.key, stay.ref) != (state.key, but) and _sign(stay) == was:
                    yield one.key, stay.ref


def _shown_by_one(trees: Trees, place: Place, other: Place) -> Iterator[tuple[LinkState, LinkState]]:
    """Yield the links of one account that show both places."""
    at = {
        wanted: {one.key[0]: one for one in trees.links.values() if not one.is_home and _place(one) == wanted}
        for wanted in (place, other)
    }
    for account_id in sorted(at[place].keys() & at[other].keys()):
        if at[place][account_id].remote is not None and at[other][account_id].remote is not None:
            yield at[place][account_id], at[other][account_id]


def _take_back(joiner: Joiner, place: Place) -> None:
    """Let a stay be again what its home shows of it: what was told of it was meant of its equal."""
    home, ref = place
    trees, state = joiner.trees, joiner.trees.links[home]
    remote, revisions = state.remote, trees.revisions[state.reservation_id]
    shown = next((stay for stay in remote.room_stays if stay.ref == ref), None) if remote is not None else None
    if remote is None or shown is None:
        return  # the home shows it for the first time: nothing was told of it yet
    back = {name: getattr(shown, name) for name in _OF_THE_STAY}
    stays = tuple(
        [msgspec.structs.replace(one, **back) if one.ref == ref else one for one in revisions[home].room_stays]
    )
    whole = {name: getattr(remote, name) for name in _OF_THE_BOOKING}
    ours = msgspec.structs.replace(revisions[home], room_stays=stays, **whole)
    revisions[home] = remote if atoms(ours) == atoms(remote) else ours
    fresh = msgspec.structs.replace(
        state,
        ours=None if revisions[home] is remote else ours,
        divergence={
            path: pair
            for path, pair in state.divergence.items()
            if stay_of(path) != ref and kind_of(path) not in {"status", "total"}
        },
    )
    trees.links[home] = joiner.changes.states[home] = fresh


def _beside(trees: Trees, state: LinkState) -> list[LinkState]:
    """Return the account's other links of the reservation, in the order of their keys."""
    found = [one for one in _of_reservation(trees, state) if one.key[0] == state.key[0] and one.key != state.key]
    return sorted(found, key=lambda one: one.key)


def _of_reservation(trees: Trees, state: LinkState) -> list[LinkState]:
    return [one for one in trees.links.values() if one.reservation_id == state.reservation_id]


def _place(state: LinkState) -> Place:
    return state.home, state.part or ""


def _sign_at(trees: Trees, state: LinkState) -> Sign | None:
    return _sign_of(trees, _place(state))


def _sign_of(trees: Trees, place: Place) -> Sign | None:
    """Return what our own state says of a place, None where there is none."""
    home, ref = place
    link = trees.links.get(home)
    ours = trees.revisions[link.reservation_id].get(home) if link is not None else None
    return next((_sign(stay) for stay in ours.room_stays if stay.ref == ref), None) if ours is not None else None


def _only(revision: Revision | None) -> Sign | None:
    """Return the sign of an object of one stay, None of any other."""
    return _sign(revision.room_stays[0]) if revision is not None and len(revision.room_stays) == 1 else None


def _is_like(one: Sign | None, other: Sign | None) -> bool:
    """Tell whether two stays are booked alike; a vendor may tell no price of a single stay."""
    if one is None or other is None:
        return False
    prices = [sign.total for sign in (one, other) if isinstance(sign.total, Decimal)]
    return one[:-1] == other[:-1] and len(set(prices)) <= 1


def _sign(stay: Stay) -> Sign:
    return Sign(stay.room_type, stay.arrival, stay.departure, stay.status in TAKES_NO_ROOM, stay.total)
