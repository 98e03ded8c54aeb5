"""Resolving: a person's choices in a case become our state, and go out after the undo window (ARCHITECTURE §6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from conflict.atoms import frozen
from conflict.resolve import Choice, ChoicesRefused, Resolution, Shown, resolve
from conflict.validate import Problem
from conflict.verdicts import Contest
from pms_sync.apply import states
from pms_sync.apply.asking import subject
from pms_sync.apply.batch import Applier
from pms_sync.apply.incoming import Incoming
from pms_sync.apply.merging import Facing, facing, resolved
from pms_sync.apply.orders import Actor, NotFound
from pms_sync.apply.planning import Planner, Told
from pms_sync.apply.states import LinkState, Trees
from pms_sync.apply.taking import Ground
from pms_sync.apply.tongues import Tongue
from pms_sync.apply.writing import Changes
from pms_sync.domain.errors import Fault
from pms_sync.store import accounts, audit, cases, crosswalk, decisions
from pms_sync.store.cases import OpenCase
from pms_sync.store.database import Connection
from pms_sync.store.decisions import NewDecision
from pms_sync.store.links import DESK

_OPEN = frozenset({"open", "snoozed"})
CHOSEN = "chosen by a person"


class CaseMoved(Fault):
    """The case has changed since it was shown, or is no longer open."""

    def __init__(self, version: int) -> None:
        """Keep the version that stands now."""
        super().__init__(f"the case has moved on to version {version}", "version", "look at it again and decide anew")
        self.version = version


class TooLate(Fault):
    """The undo window has closed."""


class Resolver:
    """Resolves cases; holds no state between them."""

    def __init__(self, applier: Applier, undo_s: float) -> None:
        """Take what writes the store, and the seconds in which a decision can be taken back before anything leaves."""
        self._applier, self._undo_s = applier, undo_s

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
        case = await cases.lock(connection, tenant_id, case_id)
        if case is None:
            raise NotFound(f"no case {case_id}", "id", "list them with `pms-sync cases list`")
        if case.version != version or case.state not in _OPEN:
            raise CaseMoved(case.version)
        if case.account_id is None or case.vendor_ref is None:
            _refuse_choices(case, choices)
            await cases.close(connection, tenant_id, case_id, actor.name)
        else:
            await self._follow(connection, tenant_id, case, choices, actor)
        await audit.append(connection, tenant_id, [_entry(case, choices, actor)])

    async def undo(self, connection: Connection, tenant_id: UUID, case_id: UUID, version: int, actor: Actor) -> None:
        """Take a decision back inside the undo window: both sides are as they were, and the case is open again.

        Raises NotFound, CaseMoved for another version, TooLate when what was decided may have left already.
        """
        case = await cases.lock(connection, tenant_id, case_id)
        if case is None:
            raise NotFound(f"no case {case_id}", "id", "list them with `pms-sync cases list`")
        if case.version != version or case.state != "resolved":
            raise CaseMoved(case.version)
        if case.account_id is None or case.age_s is None or case.age_s >= self._undo_s:
            raise TooLate("what was decided may have been sent by now", "case", "decide anew, or edit the reservation")
        decided = await decisions.of_case(connection, self._applier.keys, tenant_id, case.reservation_ids, case_id)
        here, base = ({one.path: frozen(one.values[side]) for one in decided} for side in ("here", "base"))
        await cases.reopen(connection, tenant_id, case_id)
        await self._write(connection, tenant_id, case, Resolution(here=here, base=base, push=()), actor)
        await audit.append(connection, tenant_id, [_entry(case, (), actor, "case.reopened")])

    async def _follow(
        self, connection: Connection, tenant_id: UUID, case: OpenCase, choices: Sequence[Choice], actor: Actor
    ) -> None:
        """Let our state become what was chosen, set every link against it, and plan what follows."""
        ground, tongues, state = await self._ground(connection, tenant_id, case)
        tongue, ours = tongues[state.key[0]], ground.trees.revisions[state.reservation_id][state.home]
        now = facing(ours, state, tongue)
        contest = _contest(case, now, state)
        if contest is None:
            raise CaseMoved(case.version)
        resolution = resolve(_shown(contest, now), choices, tongue.names)
        ground.changes.decisions += _kept(case, contest, resolution, state, actor)
        await cases.close(connection, tenant_id, case.case_id, actor.name)
        await self._stand(connection, ground, tongues, state, resolution, actor)

    async def _write(
        self, connection: Connection, tenant_id: UUID, case: OpenCase, resolution: Resolution, actor: Actor
    ) -> None:
        ground, tongues, state = await self._ground(connection, tenant_id, case)
        await self._stand(connection, ground, tongues, state, resolution, actor)

    async def _ground(
        self, connection: Connection, tenant_id: UUID, case: OpenCase
    ) -> tuple[Ground, dict[UUID, Tongue], LinkState]:
        """Load what the case is about; raises CaseMoved when its link is gone."""
        trees = await states.load(connection, self._applier.keys, tenant_id, case.reservation_ids)
        state = trees.links.get((case.account_id or DESK, case.vendor_ref or ""))
        if state is None or state.remote is None:
            raise CaseMoved(case.version)
        tongues = await self._applier.tongues.of(connection, {key[0] for key in trees.links} - {DESK})
        catalogue = await crosswalk.load_catalogue(connection, tenant_id, case.property_id)
        changes = Changes(events=[], doubts=[])
        return Ground(tenant_id, trees, {case.property_id: catalogue}, changes), tongues, state

    async def _stand(
        self,
        connection: Connection,
        ground: Ground,
        tongues: dict[UUID, Tongue],
        state: LinkState,
        resolution: Resolution,
        actor: Actor,
    ) -> None:
        told = await self._turned(connection, ground, tongues, state, resolution, actor)
        await self._applier.put(connection, ground, [told])
        await self._applier.write(connection, ground.tenant_id, ground.changes)

    async def _turned(
        self,
        connection: Connection,
        ground: Ground,
        tongues: dict[UUID, Tongue],
        state: LinkState,
        resolution: Resolution,
        actor: Actor,
    ) -> Told:
        trees: Trees = ground.trees
        tongue, before = tongues[state.key[0]], trees.revisions[state.reservation_id][state.home]
        merged = resolved(before, state, resolution, tongue)
        record = _record(tongue, state, actor)
        planner = Planner(trees, tongues, ground.changes, self._applier.keys, self._applier.today)
        planner.note(record, merged, tongue, held_s=self._undo_s)
        planner.spread(record, before, merged.ours, state.home, but=state.key)
        trees.revisions[state.reservation_id][state.home] = merged.ours
        at_desk = states.is_desk(state.home)
        desk = await accounts.desk(connection, ground.tenant_id, property_id=tongue.account.property_id)
        account = desk if at_desk and desk is not None else tongues[state.home[0]].account
        return Told(
            record=record, reservation_id=state.reservation_id, home=state.home, account=account, ours=merged.ours
        )


def _refuse_choices(case: OpenCase, choices: Sequence[Choice]) -> None:
    """Refuse choices for a case about facts outside one link: what it names is put right, and then it is closed."""
    if choices:
        why = f"a case of kind {case.kind} is resolved without choices, once its cause is put right"
        raise ChoicesRefused([Problem(choices[0].path, str(choices[0].take), why)])


def _contest(case: OpenCase, now: Facing, state: LinkState) -> Contest | None:
    """Find what the case asks among what stands open now."""
    contests = now.decide().contests
    return next((one for one in contests if one.kind == case.kind and subject(one, state) == case.subject), None)


def _shown(contest: Contest, now: Facing) -> Shown:
    suggested = {one.path: one.suggested for one in contest.judgements if one.suggested is not None}
    return Shown(
        base=now.base,
        here=now.here.tree,
        there=now.there.tree,
        fields=[one.path for one in contest.judgements],
        suggested=suggested,
    )


def _kept(
    case: OpenCase, contest: Contest, resolution: Resolution, state: LinkState, actor: Actor
) -> list[NewDecision]:
    """Keep both sides of what a person decided, so that either can be brought back."""
    kept, told = [], {"case_id": str(case.case_id)}
    for one in contest.judgements:
        values: dict[str, Any] = {"base": one.base, "here": one.here, "there": one.there}
        kept.append(
            NewDecision(
                reservation_id=state.reservation_id,
                account_id=state.key[0],
                vendor_ref=state.key[1],
                path=one.path,
                verdict="resolved",
                rule=CHOSEN,
                values={**values, "result": resolution.here.get(one.path), "loser": None, **told},
                actor=actor.name,
                correlation_id=actor.correlation_id,
            )
        )
    return kept


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


def _entry(case: OpenCase, choices: Sequence[Choice], actor: Actor, action: str = "case.resolved") -> audit.Entry:
    """Say in the audit log who took which side; what was typed stays out of it."""
    return audit.Entry(
        actor=actor.name,
        action=action,
        entity_type="case",
        entity_id=str(case.case_id),
        fields={"kind": case.kind, "choices": {one.path: one.take for one in choices}},
        correlation_id=actor.correlation_id,
    )
