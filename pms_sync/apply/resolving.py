"""Resolving: a person's choices in a case become our state, and go out after the undo window (ARCHITECTURE §6).

The case is locked after the reservations it is about, in the one order of the house; its version is looked at again
under the lock, so whoever decided on an older picture is told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

import msgspec

from conflict.atoms import frozen
from conflict.resolve import Choice, Resolution
from pms_sync.apply import deciding, foreseeing, reviewing, states
from pms_sync.apply.batch import Applier
from pms_sync.apply.deciding import CaseMoved
from pms_sync.apply.foreseeing import Foreseen
from pms_sync.apply.incoming import Incoming
from pms_sync.apply.merging import resolved
from pms_sync.apply.orders import Actor, NotFound
from pms_sync.apply.planning import Planner, Told
from pms_sync.apply.states import LinkState
from pms_sync.apply.taking import Ground
from pms_sync.apply.tongues import Tongue
from pms_sync.apply.writing import Changes
from pms_sync.domain.errors import Fault
from pms_sync.store import accounts, audit, cases, crosswalk, decisions
from pms_sync.store.cases import OpenCase
from pms_sync.store.database import Connection
from pms_sync.store.decisions import REOPENED, RESOLVED, RESOLVED_IN_PART, Decided
from pms_sync.store.links import DESK

_OPEN, _DONE = frozenset({"open", "snoozed"}), frozenset({"resolved"})


class TooLate(Fault):
    """The undo window has closed."""


class Turn(NamedTuple):
    """One link and the atoms to set on it."""

    state: LinkState
    resolution: Resolution


class Sight(msgspec.Struct, frozen=True):
    """What a case is about, loaded: the ground to change, and how its accounts are spoken to."""

    ground: Ground
    tongues: dict[UUID, Tongue]


class Resolver:
    """Resolves cases; holds no state between them."""

    def __init__(self, applier: Applier, undo_s: float) -> None:
        """Take what writes the store, and the seconds in which a decision can be taken back before anything leaves."""
        self._applier, self.undo_s = applier, undo_s

    async def resolve(
        self,
        connection: Connection,
        tenant_id: UUID,
        case_id: UUID,
        version: int,
        choices: Sequence[Choice],
        actor: Actor,
    ) -> None:
        """Resolve a case inside the caller's transaction of the tenant.

        Raises NotFound, CaseMoved for another version or one that is no longer open, ChoicesRefused.
        """
        case = _asked(await cases.find(connection, tenant_id, case_id), case_id, version, _OPEN)
        action, about = RESOLVED, case.reservation_ids
        if case.is_linked:
            action, about = await self._follow(connection, tenant_id, case, choices, actor)
        else:
            await _lock(connection, tenant_id, case)
            deciding.refuse_choices(case, choices)
            await cases.close(connection, tenant_id, case_id, actor.name)
        await audit.append(connection, tenant_id, [_entry(case, action, about, actor, choices)])

    async def preview(
        self, connection: Connection, tenant_id: UUID, case_id: UUID, version: int, choices: Sequence[Choice]
    ) -> Foreseen:
        """Tell what resolving a case so would come to; reads only, in the caller's transaction, and locks nothing.

        Raises as `resolve` does, also for what cannot be told to the vendor (MappingRejected).
        """
        case = _asked(await cases.find(connection, tenant_id, case_id), case_id, version, _OPEN)
        if not case.is_linked or not choices:
            return Foreseen()
        touched = deciding.touched(case, deciding.by_link(case, choices))
        sight = await self._sight(connection, tenant_id, case, touched, hold=False)
        decided = deciding.decide_case(case, choices, sight.ground.trees, sight.tongues)
        await self._turn(
            connection, sight, [Turn(one.state, one.resolution) for one in decided], Actor(name="", correlation_id="")
        )
        return foreseeing.foreseen(decided, sight.ground.changes.planned, sight.tongues)

    async def undo(self, connection: Connection, tenant_id: UUID, case_id: UUID, version: int, actor: Actor) -> None:
        """Take a decision back inside the undo window: both sides are as they were, and the case is open again.

        Raises NotFound, CaseMoved for another version, TooLate when what was decided may have left already.
        """
        found = await cases.find(connection, tenant_id, case_id)
        case = _asked(found, case_id, version, _OPEN if found and found.is_review and found.age_s is None else _DONE)
        lately = await decisions.lately(connection, tenant_id, case_id, self.undo_s)
        late = case.age_s is not None and case.age_s >= self.undo_s
        if late or not (case.is_linked and lately.reservation_ids):
            raise TooLate("what was decided may have been sent by now", "case", "decide anew, or edit the reservation")
        sight = await self._sight(connection, tenant_id, case, lately.reservation_ids)
        await _lock(connection, tenant_id, case)
        decided = await decisions.of_case(connection, self._applier.keys, tenant_id, lately, case_id)
        if case.state not in _OPEN and case.is_review:
            await reviewing.reopen(connection, tenant_id, self._applier.keys, case)
        elif case.state not in _OPEN:
            await cases.reopen(connection, tenant_id, case_id)
        await self._stand(connection, sight, _turns_back(case, decided, sight), actor)
        await audit.append(connection, tenant_id, [_entry(case, REOPENED, lately.reservation_ids, actor)])

    async def _follow(
        self, connection: Connection, tenant_id: UUID, case: OpenCase, choices: Sequence[Choice], actor: Actor
    ) -> tuple[str, list[UUID]]:
        """Let our state become what was chosen, set every link against it, and plan what follows.

        What is left open of a review stays there, under a new version. Returns what was done, about which reservations.
        """
        touched = deciding.touched(case, deciding.by_link(case, choices))
        sight = await self._sight(connection, tenant_id, case, touched)
        await _lock(connection, tenant_id, case)
        decided = deciding.decide_case(case, choices, sight.ground.trees, sight.tongues)
        for one in decided:
            sight.ground.changes.decisions += deciding.kept(case, one, actor)
        whole = deciding.is_whole(case, choices)
        if whole:
            await cases.close(connection, tenant_id, case.case_id, actor.name)
        await self._stand(connection, sight, [Turn(one.state, one.resolution) for one in decided], actor)
        return RESOLVED if whole else RESOLVED_IN_PART, touched

    async def _sight(
        self, connection: Connection, tenant_id: UUID, case: OpenCase, touched: Sequence[UUID], *, hold: bool = True
    ) -> Sight:
        """Load these reservations of a case, locked unless they are only looked at."""
        trees = await states.load(connection, self._applier.keys, tenant_id, touched, hold=hold)
        tongues = await self._applier.tongues.of(connection, {key[0] for key in trees.links} - {DESK})
        catalogue = await crosswalk.load_catalogue(connection, tenant_id, case.property_id)
        changes = Changes(events=[], doubts=[])
        return Sight(Ground(tenant_id, trees, {case.property_id: catalogue}, changes), tongues)

    async def _stand(self, connection: Connection, sight: Sight, turns: Iterable[Turn], actor: Actor) -> None:
        told = await self._turn(connection, sight, turns, actor)
        await self._applier.put(connection, sight.ground, told)
        await self._applier.write(connection, sight.ground.tenant_id, sight.ground.changes)

    async def _turn(self, connection: Connection, sight: Sight, turns: Iterable[Turn], actor: Actor) -> list[Told]:
        """Work out what becomes of our state and of every link; nothing of it leaves before the undo window is over."""
        changes = sight.ground.changes
        told = [await self._turned(connection, sight, one, actor) for one in turns]
        changes.planned[:] = [msgspec.structs.replace(one, held_s=self.undo_s) for one in changes.planned]
        return told

    async def _turned(self, connection: Connection, sight: Sight, turn: Turn, actor: Actor) -> Told:
        trees, tongues, state = sight.ground.trees, sight.tongues, turn.state
        tongue, before = tongues[state.key[0]], trees.revisions[state.reservation_id][state.home]
        merged = resolved(before, state, turn.resolution, tongue)
        record = _record(tongue, state, actor)
        planner = Planner(trees, tongues, sight.ground.changes, self._applier.keys, self._applier.today)
        planner.note(record, merged, tongue)
        planner.spread(record, before, merged.ours, state.home, but=state.key)
        trees.revisions[state.reservation_id][state.home] = merged.ours
        at_desk = states.is_desk(state.home)
        desk = await accounts.desk(connection, sight.ground.tenant_id, property_id=tongue.account.property_id)
        account = desk if at_desk and desk is not None else tongues[state.home[0]].account
        return Told(
            record=record, reservation_id=state.reservation_id, home=state.home, account=account, ours=merged.ours
        )


def _asked(case: OpenCase | None, case_id: UUID, version: int, states_: Iterable[str]) -> OpenCase:
    """Return the case that somebody decides about; raises NotFound, and CaseMoved where it is not as they saw it."""
    if case is None:
        raise NotFound(f"no case {case_id}", "id", "list them with `pms-sync cases list`")
    if case.version != version or case.state not in states_:
        raise CaseMoved(case.version)
    return case


async def _lock(connection: Connection, tenant_id: UUID, case: OpenCase) -> None:
    """Lock the case, after all that it is about; raises CaseMoved when it is no longer as it was read."""
    now = await cases.lock(connection, tenant_id, case.case_id)
    if now is None or now.version != case.version:
        raise CaseMoved(now.version if now is not None else case.version)


def _record(tongue: Tongue, state: LinkState, actor: Actor) -> Incoming:
    """Say whose decision it is, in the words in which arrivals are told."""
    assert state.remote is not None  # noqa: S101 - narrows the type
    return Incoming(
        account=tongue.account,
        lane_key=f"resolved/{state.key[1]}",
        stream="reservations",
        ref=state.key[1],
        kind="local",
        mapped=state.remote,
        body=b"",
        raw_id=None,
        digest=b"",
        ticket=0,
        direct=False,
        correlation_id=actor.correlation_id,
        by=actor.name,
    )


def _turns_back(case: OpenCase, decided: Iterable[Decided], sight: Sight) -> list[Turn]:
    """Set every link as it was before these decisions; raises CaseMoved where one is gone."""
    by_ref: defaultdict[str, list[Decided]] = defaultdict(list)
    for one in decided:
        by_ref[one.vendor_ref].append(one)
    turns = []
    for ref, told in by_ref.items():
        here, base = ({one.path: frozen(one.values[side]) for one in told} for side in ("here", "base"))
        state = deciding.state_of(case, ref, sight.ground.trees)
        turns.append(Turn(state, Resolution(here=here, base=base, push=())))
    return turns


def _entry(
    case: OpenCase, action: str, about: Sequence[UUID], actor: Actor, choices: Sequence[Choice] = ()
) -> audit.Entry:
    """Say in the audit log who took which side; what was typed stays out of it."""
    return audit.Entry(
        actor=actor.name,
        action=action,
        entity_type="case",
        entity_id=str(case.case_id),
        fields={
            "kind": case.kind,
            "choices": {one.path: one.take for one in choices},
            "reservations": [str(one) for one in about],
        },
        correlation_id=actor.correlation_id,
    )
