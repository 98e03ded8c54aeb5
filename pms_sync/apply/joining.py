"""Joining: one booking that accounts of different roles show, each in pieces of its own (docs/decisions/0009).

A vendor may keep a booking of several rooms as one object, or as an object a room. The stays stand with the object
that holds several; who shows single ones links to them. Stays are joined where they are booked alike, and where that
says nothing both are kept and a person is asked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import permutations
from typing import TypeAlias
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from conflict.pairing import Booked, booked, pair_stays
from pms_sync.apply.compose import StayKey, compose
from pms_sync.apply.incoming import Incoming
from pms_sync.apply.states import LinkState, Trees
from pms_sync.apply.tongues import Tongue
from pms_sync.apply.writing import Changes
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.reservation import Line, Revision, Stay
from pms_sync.domain.status import TAKES_NO_ROOM
from pms_sync.store.links import DESK

Place: TypeAlias = tuple[StayKey, str]  # a home link and the ref of one of its stays
Tongues: TypeAlias = Mapping[UUID, Tongue]


class Joiner:
    """Joins what one batch of arrivals shows with what stands."""

    def __init__(self, trees: Trees, tongues: Tongues, changes: Changes) -> None:
        """Take what is held, how accounts are spoken to, and where the changes are gathered."""
        self.trees, self._tongues, self.changes = trees, tongues, changes

    def met(
        self,
        record: Incoming,
        there: Revision,
        state: LinkState | None,
        reservation_id: UUID,
        made: LinkState | None,
    ) -> tuple[LinkState | None, Mapping[StayKey, Place]]:
        """Join what an object shows with what other accounts show: by its state, and by units that come to it late."""
        trees = self.trees
        if state is not None and record.key not in trees.links:
            return state, {}  # it was made at our desk
        places = self.places(reservation_id, record.key)
        if not places:
            return state, {}
        if len(there.room_stays) != 1:
            return self._gather(record, there, state, reservation_id, places)
        if state is not None and not (trees.is_plain(state) and _holds_one(trees, state)):
            return state, {}
        marked = [place for place in places if made is not None and place[0] == made.key]
        place = marked[0] if marked else _place_for(there, record.key, places, trees, reservation_id)
        return (state if place is None else self.joined(record, state, place, reservation_id)), {}

    def places(self, reservation_id: UUID, key: StayKey) -> Mapping[Place, Booked]:
        """Return the stays that this link could show: no other object of its account does."""
        return _open_places(self.trees, self._tongues, reservation_id, key)

    def joined(self, record: Incoming, state: LinkState | None, place: Place, reservation_id: UUID) -> LinkState:
        """Let a link show a stay of another home; a stay that stood on the link itself is one too many."""
        trees = self.trees
        rows = _rows_of(trees) | self.changes.joined
        fresh = _joined_to(place, record.key if state is None else state.key, reservation_id, rows)
        if state is not None and state.is_home:
            trees.revisions[state.reservation_id].pop(state.key)
            if state.stay_id != fresh.stay_id:
                self.changes.yielded[state.stay_id] = record
        trees.links[fresh.key] = fresh
        trees.shared.add(fresh.home)
        return fresh

    def _gather(
        self,
        record: Incoming,
        there: Revision,
        state: LinkState | None,
        reservation_id: UUID,
        places: Mapping[Place, Booked],
    ) -> tuple[LinkState | None, Mapping[StayKey, Place]]:
        """Let an object of several stays hold those that stood on objects of one, and find those it holds already."""
        trees, account_id = self.trees, record.account.account_id
        units = _paired(record.key, there, state, places, trees)
        ours, rows = trees.revisions[reservation_id], _rows_of(trees)
        fresh = {
            home: ref
            for home, ref in units.items()
            if (account_id, ref) not in rows and _is_sayable(ours[home], home, self._tongues[account_id])
        }
        late = {home: ref for home, ref in units.items() if home not in fresh and _is_free(trees, home, record.key)}
        kept = None if state is None or state.is_home else state.home
        if kept is not None and kept not in {**fresh, **late}:
            return state, {}
        for home, ref in late.items():
            if (account_id, ref) not in rows:
                self.changes.joined[account_id, ref] = trees.links[home].stay_id
        if fresh:
            known = state if kept is None or kept in fresh else None
            return self._hold(record, there, known, reservation_id, fresh), _at(record.key, late)
        return (state if state is None or kept is None else self._at_home(state)), _at(record.key, late)

    def _at_home(self, state: LinkState) -> LinkState:
        """Let an object be its own home from now on, as if it had come first."""
        moved = msgspec.structs.replace(state, home=state.key, part=None, remote=None, divergence={})
        self.trees.links[state.key] = self.changes.states[state.key] = moved
        return moved

    def _hold(
        self,
        record: Incoming,
        there: Revision,
        state: LinkState | None,
        reservation_id: UUID,
        units: Mapping[StayKey, str],
    ) -> LinkState:
        """Move units to an object of several stays; their rows stay theirs, and their links show a part of it."""
        trees, key = self.trees, record.key
        revisions = trees.revisions[reservation_id]
        own = revisions.get(key)
        draft = gathered(own, {ref: revisions.pop(home) for home, ref in units.items()}, there)
        for home, ref in units.items():
            self.changes.joined[key[0], ref] = trees.links[home].stay_id
            for one in (trees.links[home], *trees.others(home, home)):
                moved = msgspec.structs.replace(one, home=key, part=ref, ours=None)
                trees.links[one.key] = self.changes.states[one.key] = moved
        revisions[key] = draft
        trees.shared.add(key)
        first = self.changes.joined[key[0], next(iter(units.values()))]
        trees.links[key] = LinkState(
            key=key,
            stay_id=state.stay_id if state is not None and own is not None else first,
            reservation_id=reservation_id,
            home=key,
            remote=state.remote if state is not None else None,
            ours=None,
            divergence=state.divergence if state is not None else {},
        )
        return trees.links[key]


def _at(home: StayKey, refs: Mapping[StayKey, str]) -> dict[StayKey, Place]:
    return {key: (home, ref) for key, ref in refs.items()}


def _rows_of(trees: Trees) -> dict[StayKey, UUID]:
    """Return the ids of the stays that stand, by account and ref."""
    return {(row["account_id"] or DESK, row["vendor_ref"]): row["stay_id"] for row in trees.stays.values()}


def _open_places(trees: Trees, tongues: Tongues, reservation_id: UUID, key: StayKey) -> dict[Place, Booked]:
    """Return the stays that accounts of other roles hold, and that no other object of this one's account shows yet."""
    mine = tongues.get(key[0])
    others = {
        home: ours
        for home, ours in trees.revisions[reservation_id].items()
        if home in trees.links and home[0] in tongues and mine and tongues[home[0]].account.role != mine.account.role
    }
    if not others:  # by far the most: one account shows the reservation
        return {}
    shown = {(one.home, one.part) for one in trees.links.values() if one.key[0] == key[0] and one.key != key}
    rows = _rows_of(trees)
    return {
        (home, stay.ref): booked(ours, stay)
        for home, ours in others.items()
        for stay in ours.room_stays
        if (home, stay.ref) not in shown and (home[0], stay.ref) in rows
    }


def _place_for(
    told: Revision, key: StayKey, places: Mapping[Place, Booked], trees: Trees, reservation_id: UUID
) -> Place | None:
    """Find the stay that an object of one stay shows: one booked alike, or the only one of what is told whole."""
    [stay] = told.room_stays
    found = pair_stays(places, {stay.ref: booked(told, stay)})
    if found:
        return next(iter(found))
    units = [one for home, one in trees.revisions[reservation_id].items() if home != key]
    whole = told.is_home and any(one.siblings_complete for one in (told, *units))
    alone = whole and len(places) == 1 and [len(one.room_stays) for one in units] == [1]
    return next(iter(places)) if alone and key not in trees.links else None


def _is_sayable(ours: Revision, home: StayKey, tongue: Tongue) -> bool:
    """Tell whether a vendor has words for another account's object: a code without one of ours means nothing to it."""
    try:
        tongue.project(ours, home[0])
    except MappingRejected:
        return False
    return True


def _paired(
    key: StayKey, there: Revision, state: LinkState | None, places: Mapping[Place, Booked], trees: Trees
) -> dict[StayKey, str]:
    """Return the units of one stay that an object of several shows, by home, in its order and under its refs."""
    shown = {one.part for one in trees.links.values() if one.home == key and one.key != key}
    kept = _kept_place(state)
    theirs = {stay.ref: booked(there, stay) for stay in there.room_stays if stay.ref not in shown | {*kept.values()}}
    pairs = kept | pair_stays({place: one for place, one in places.items() if place not in kept}, theirs)
    homes = {ref: home for (home, _), ref in pairs.items() if _holds_one(trees, trees.links[home])}
    return {homes[stay.ref]: stay.ref for stay in there.room_stays if stay.ref in homes}


def _is_free(trees: Trees, home: StayKey, but: StayKey) -> bool:
    """Tell whether nothing of ours stands on a unit, and nobody else shows it."""
    return trees.links[home].is_plain and not [one for one in trees.others(home, home) if one.key != but]


def gathered(own: Revision | None, units: Mapping[str, Revision], there: Revision) -> Revision:
    """Put units of one stay, by the refs `there` has for them, into one that holds all: ours of an object of several.

    What is said of the whole is kept as the units compose it, but for the bill where the new home tells one.
    """
    stays = tuple([msgspec.structs.replace(one.room_stays[0], ref=ref) for ref, one in units.items()])
    if own is not None:
        every = (*own.room_stays, *stays)
        return msgspec.structs.replace(own, room_stays=every, total=_sum(every))
    whole = compose({(DESK, ref): one for ref, one in units.items()})
    home = whole.home
    return msgspec.structs.replace(
        home,
        is_home=True,
        siblings_complete=True,
        scope="reservation",
        room_stays=stays,
        status=whole.status,
        hold_kind=whole.hold_kind,
        blocks_inventory=whole.blocks_inventory,
        total=_sum(stays),
        booker=home.booker if home.is_home else UNSET,
        guests=UNSET if home.guests is UNSET else whole.guests,
        notes=whole.notes if home.is_home else UNSET,
        comments=whole.comments if home.is_home else UNSET,
        folio_lines=_bill(whole.lines, there),
    )


def _sum(stays: Iterable[Stay]) -> Decimal | UnsetType:
    totals = [stay.total for stay in stays]
    known = [total for total in totals if isinstance(total, Decimal)]
    return sum(known, Decimal(0)) if len(known) == len(totals) else UNSET


def _bill(lines: tuple[Line, ...], there: Revision) -> tuple[Line, ...] | UnsetType:
    return lines if there.folio_lines is UNSET else UNSET


def in_doubt(trees: Trees, tongues: Tongues, reservation_id: UUID) -> list[str]:
    """Return the refs of live stays that may be one: each of two accounts of different roles shows some alone."""
    places = {
        (home, stay.ref): stay
        for home, ours in trees.revisions[reservation_id].items()
        for stay in ours.room_stays
        if stay.status not in TAKES_NO_ROOM
    }
    shown: defaultdict[UUID, set[Place]] = defaultdict(set)
    for place in places:
        shown[place[0][0]].add(place)
    for one in trees.links.values():
        if not one.is_home and one.part is not None and (one.home, one.part) in places:
            shown[one.key[0]].add((one.home, one.part))
    found: set[Place] = set()
    for mine, other in permutations([one for one in shown if one in tongues], 2):
        left, missed = shown[mine] - shown[other], shown[other] - shown[mine]
        if left and missed and tongues[mine].account.role != tongues[other].account.role:
            found |= left
    return sorted(ref for _, ref in found)


def _joined_to(place: Place, key: StayKey, reservation_id: UUID, rows: Mapping[StayKey, UUID]) -> LinkState:
    """Return the state of a link that now shows a stay of another home, as at first contact."""
    (account_id, _), ref = place
    return LinkState(
        key=key,
        stay_id=rows[account_id, ref],
        reservation_id=reservation_id,
        home=place[0],
        remote=None,
        ours=None,
        divergence={},
        part=ref,
    )


def _holds_one(trees: Trees, state: LinkState) -> bool:
    """Tell whether a unit is of one stay."""
    ours = trees.revisions[state.reservation_id].get(state.key)
    return ours is not None and len(ours.room_stays) == 1


def _kept_place(state: LinkState | None) -> dict[Place, str]:
    """Return the pairing of a link that shows a stay of another home, by the ref that its vendor has for it."""
    if state is None or state.is_home or state.part is None or state.remote is None:
        return {}
    return {(state.home, state.part): state.remote.room_stays[0].ref}
