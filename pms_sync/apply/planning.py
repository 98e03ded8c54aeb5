"""Planning: what each arrival means for our own state, merged where that has a life of its own.

Most objects have none: nobody edited them here and one account shows them, so that ours is what the vendor says. For
the rest every link is merged in turn, and what a link newly has to be told is planned for the outbox.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Literal
from uuid import UUID

import msgspec

from conflict import collisions
from conflict.atoms import stay_of
from pms_sync.apply.asking import cases_of, decisions_of
from pms_sync.apply.compose import StayKey, overlay
from pms_sync.apply.equals import Moved, exchanged, has_equals
from pms_sync.apply.identify import Identified, revision_of
from pms_sync.apply.incoming import Incoming
from pms_sync.apply.joining import Joiner, Place, in_doubt
from pms_sync.apply.merging import Merged, edited, merge
from pms_sync.apply.states import LinkState, Trees, is_desk
from pms_sync.apply.tongues import Tongue
from pms_sync.apply.underway import UnderWay
from pms_sync.apply.writing import Changes
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.reservation import Revision
from pms_sync.domain.status import Status
from pms_sync.ports.mapper import Change
from pms_sync.store.accounts import Account
from pms_sync.store.links import DESK, Link
from pms_sync.store.outbox import Planned
from pms_sync.store.sealing import KeyRing

Today = Callable[[str], date]
_SETTLING_S = 900.0  # a channel tells all who show its booking within minutes, and polls come every five
_UNSENT = "unsent"  # the mark of requests that are only looked at
Links = Mapping[tuple[UUID, str, str], Link]
NOTHING_SENT: UnderWay = {}


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One unit as it is to stand: our state, on the account of its home link, because of a record."""

    record: Incoming
    reservation_id: UUID
    home: StayKey
    account: Account
    ours: Revision


class Planner:
    """Plans the units of one batch."""

    def __init__(
        self,
        trees: Trees,
        tongues: Mapping[UUID, Tongue],
        changes: Changes,
        keys: KeyRing,
        today: Today,
        sent: UnderWay = NOTHING_SENT,
    ) -> None:
        """Take what is held, how accounts are spoken to, where the changes are gathered, and what is under way."""
        self._trees, self._tongues, self._changes = trees, tongues, changes
        self._keys, self._today, self._sent = keys, today, sent
        self._joiner = Joiner(trees, tongues, changes)
        self._seen_by = _seen_by(trees)

    def arrivals(self, records: Sequence[Incoming], found: Identified, known: Links) -> list[Told]:
        """Merge what vendors show now."""
        told = [one for record in records for one in self._arrival(record, found, known)]
        seen_by = _seen_by(self._trees)
        for reservation_id, account in {one.reservation_id: one.record.account for one in told}.items():
            if seen_by[reservation_id] - {account.account_id, DESK}:
                self._doubt(reservation_id, account.property_id)
        return told

    def _doubt(self, reservation_id: UUID, property_id: UUID) -> None:
        """Ask whether stays that two accounts show are the same, as long as that is open."""
        refs = in_doubt(self._trees, self._tongues, reservation_id)
        reference = _reference(self._trees.revisions[reservation_id])
        case = collisions.stays_in_doubt(property_id, reservation_id, refs, reference)
        if refs:
            self._changes.cases.append(case)
        else:
            self._changes.withdrawn.append((case.kind, case.subject))

    def _arrival(self, record: Incoming, found: Identified, known: Links) -> list[Told]:
        reservation_id = found.reservations[record.key]
        state = self._state(record, found, reservation_id)
        there = overlay(state.remote if state and state.key == record.key else None, revision_of(record))
        late: Mapping[StayKey, Place] = {}
        moved: Sequence[Moved] = ()
        if reservation_id not in found.new_ids:
            made = self._made(found.attached.get(record.key))
            state, late = self._joiner.met(record, there, state, reservation_id, made)
            if self._seen_by[reservation_id] - {record.account.account_id, DESK}:
                state, moved = exchanged(self._joiner, record, there, state)
            late = {key: place for key, place in late.items() if key not in {one.state.key for one in moved}}
        if state is not None and not state.is_home:
            reservation_id = state.reservation_id  # our state is where its home link is, whatever others call it
        link = known.get((record.account.account_id, "stay", record.ref))
        if link is not None and link.reservation_id is not None and link.reservation_id != reservation_id:
            self._changes.left.add(link.reservation_id)
        self._changes.objects[record.key] = (record, there, reservation_id)
        if state is None or is_taken(self._trees, state, there, self._sent):
            told = [self._set(record, record.key, there, reservation_id, was=state)]
        else:
            told = [self._merged(record, state, there, reservation_id)]
        told += [self._merged(record, one.state, one.there, reservation_id) for one in moved]
        return [*told, *[self._late(record, home, place, reservation_id) for home, place in late.items()]]

    def _state(self, record: Incoming, found: Identified, reservation_id: UUID) -> LinkState | None:
        """Find the link's state; what a vendor shows for the first time may have been made at our desk."""
        state = self._trees.links.get(record.key)
        made = self._made(found.attached.get(record.key))
        if state is not None or reservation_id in found.new_ids or made is None or not is_desk(made.key):
            return state
        self._changes.states[made.key] = msgspec.structs.replace(
            made, home=record.key, remote=None, ours=None, divergence={}
        )
        return msgspec.structs.replace(made, key=record.key, home=record.key)

    def _made(self, stay_id: UUID | None) -> LinkState | None:
        """Find the home link of a stay that we made at the vendor which shows it now."""
        if stay_id is None:
            return None
        return next((one for one in self._trees.links.values() if one.stay_id == stay_id and one.is_home), None)

    def _late(self, record: Incoming, home: StayKey, place: Place, reservation_id: UUID) -> Told:
        """Join a unit with a stay that stood beside it so far, now that both are booked alike."""
        there = self._trees.revisions[reservation_id][home]
        state = self._joiner.joined(record, self._trees.links[home], place, reservation_id)
        return self._merged(record, state, there, reservation_id)

    def _merged(self, record: Incoming, state: LinkState, there: Revision, reservation_id: UUID) -> Told:
        made_at = found_at(self._trees, state)
        before = self._trees.revisions[made_at[0]][made_at[1]]
        placed = msgspec.structs.replace(state, reservation_id=reservation_id)
        tongue = self._tongues[state.key[0]]
        merged = merge(before, placed, there, tongue, self._sent.get(state.key, {}))
        self.note(record, merged, tongue)
        if not state.is_home:
            self._changes.object_ids[state.key] = state.stay_id
        if state.reservation_id != reservation_id:
            self._take_along(state.home, state.key, reservation_id)
        self.spread(record, before, merged.ours, state.home, but=state.key)
        return self._set(record, state.home, merged.ours, reservation_id, was=state, place=made_at)

    def _take_along(self, home: StayKey, but: StayKey, reservation_id: UUID) -> None:
        """Let the other links of a unit follow it into another reservation."""
        for other in self._trees.others(home, but):
            moved = msgspec.structs.replace(other, reservation_id=reservation_id)
            self._trees.links[other.key] = self._changes.states[other.key] = moved

    def turned(self, record: Incoming, reservation_id: UUID, home: StayKey, ours: Revision, account: Account) -> Told:
        """Let a person's new state of a unit stand, and set every link of it against that.

        Raises MappingRejected where a vendor has no words for it.
        """
        before = self._trees.revisions[reservation_id][home]
        self.spread(record, before, ours, home, but=None, strict=True)
        state = self._trees.links[home]
        if home not in self._changes.states:
            self._changes.states[home] = msgspec.structs.replace(state, ours=None if ours == state.remote else ours)
        self._trees.revisions[reservation_id][home] = ours
        return Told(record=record, reservation_id=reservation_id, home=home, account=account, ours=ours)

    def spread(
        self,
        record: Incoming,
        before: Revision,
        ours: Revision,
        home: StayKey,
        *,
        but: StayKey | None,
        strict: bool = False,
    ) -> None:
        """Set the unit's other links against its new state.

        What a vendor has no words for is planned all the same, and parked with the reason when it is to be sent; an
        order of a person is refused instead (`strict`, raises MappingRejected). What one vendor shows of a stay that
        has its equal waits, for the other to show it too: which of the equals is meant is known then.
        """
        for other in self._trees.others(home, but):
            tongue = self._tongues.get(other.key[0])
            if tongue is None:
                continue
            try:
                merged = edited(before, ours, other, tongue)
                waits = but is not None and has_equals(self._trees, other) and any(map(stay_of, merged.news))
                self.note(record, merged, tongue, held_s=_SETTLING_S if waits else 0.0)
            except MappingRejected:
                if strict:
                    raise
                self._changes.planned += [_unsayable(record, other)] if tongue.mirrors else []

    def note(self, record: Incoming, merged: Merged, tongue: Tongue, *, held_s: float = 0.0) -> None:
        """Gather what became of one link."""
        changes, state = self._changes, merged.state
        changes.states[state.key] = state
        same, other = changes.echoes.get(state.key[0], (0, 0))
        changes.echoes[state.key[0]] = (same + merged.echoes, other + merged.near_misses)
        changes.asked[state.key] = cases_of(merged, tongue, self._today(tongue.account.timezone), self._keys)
        changes.decisions += decisions_of(merged, tongue, record.actor, record.correlation_id)
        if merged.news and tongue.mirrors:
            changes.planned.append(planned(record, merged, tongue, held_s))

    def _set(
        self,
        record: Incoming,
        home: StayKey,
        ours: Revision,
        reservation_id: UUID,
        *,
        was: LinkState | None,
        place: tuple[UUID, StayKey] | None = None,
    ) -> Told:
        """Let our state stand in its reservation, and nowhere else."""
        if was is not None:
            held_at, key = place or (was.reservation_id, was.home)
            self._trees.revisions[held_at].pop(key, None)
        self._trees.revisions[reservation_id][home] = ours
        account = record.account if home[0] == record.account.account_id else self._tongues[home[0]].account
        return Told(record=record, reservation_id=reservation_id, home=home, account=account, ours=ours)


def _seen_by(trees: Trees) -> defaultdict[UUID, set[UUID]]:
    """Return the accounts that show each reservation."""
    found: defaultdict[UUID, set[UUID]] = defaultdict(set)
    for state in trees.links.values():
        found[state.reservation_id].add(state.key[0])
    return found


def is_taken(trees: Trees, state: LinkState, there: Revision, sent: UnderWay) -> bool:
    """Tell whether what a vendor says is simply taken: nothing of ours differs or is under way, and nothing is gone."""
    if not trees.is_plain(state) or state.key in sent or there.gone:
        return False
    return not (state.remote is not None and state.remote.gone) and not drops_stays(state, there)


def drops_stays(state: LinkState, there: Revision) -> bool:
    """Tell whether a revision that tells all stays leaves one out that the vendor showed before."""
    if not there.siblings_complete or state.remote is None:
        return False
    return not {stay.ref for stay in state.remote.room_stays} <= {stay.ref for stay in there.room_stays}


def _reference(revisions: Mapping[StayKey, Revision]) -> str:
    told = (one.channel_reference for one in revisions.values())
    return next((reference for reference in told if isinstance(reference, str)), "")


def found_at(trees: Trees, state: LinkState) -> tuple[UUID, StayKey]:
    """Say under which reservation and home our state of a link was loaded; what was made here stands at the desk."""
    if state.home in trees.revisions[state.reservation_id]:
        return state.reservation_id, state.home
    made = next(one for one in trees.links.values() if one.stay_id == state.stay_id and one.is_home)
    return made.reservation_id, made.key


def _unsayable(record: Incoming, state: LinkState) -> Planned:
    """Plan to send what has no word at the vendor yet: it is worked out when it leaves, and the map may be mended."""
    return Planned(
        account_id=state.key[0],
        object_id=state.stay_id,
        reservation_id=state.reservation_id,
        kind="modify",
        paths=(),
        actor=record.actor,
        correlation_id=record.correlation_id,
    )


def planned(record: Incoming, merged: Merged, tongue: Tongue, held_s: float = 0.0) -> Planned:
    """Plan to send what a link newly has to be told."""
    state = merged.state
    over = any(stay.status is Status.CANCELLED for stay in merged.ours.room_stays)
    cancels = over and any(path.endswith(".status") for path in merged.news)
    kind: Literal["cancel", "modify"] = "cancel" if cancels else "modify"
    return Planned(
        account_id=state.key[0],
        object_id=state.stay_id,
        reservation_id=state.reservation_id,
        kind=kind,
        paths=merged.news,
        actor=record.actor,
        correlation_id=record.correlation_id,
        held_s=held_s,
        notices=_notices(merged, tongue, kind),
    )


def _notices(merged: Merged, tongue: Tongue, kind: Literal["cancel", "modify"]) -> tuple[str, ...]:
    """Ask the mapper what the vendor will not do with the change, before anything is sent."""
    state = merged.state
    change = Change(
        kind=kind,
        wanted=(merged.held,),
        known=state.remote,
        paths=frozenset(merged.news),
        refs=(state.key[1],),
        token=_UNSENT,
    )
    try:
        requests = tongue.mapper.to_requests(change, tongue.context)
    except MappingRejected:
        return ()  # told when it is sent: the push is parked then, with path and reason
    return tuple(dict.fromkeys(notice for one in requests for notice in one.notices))
