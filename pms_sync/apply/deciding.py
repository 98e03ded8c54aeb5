"""Deciding: what a person's choices for a case mean for the links it is about; pure but for the mapper's own purity."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec

from conflict.fields import atom_path, link_path, linked_path, public_path
from conflict.resolve import Choice, ChoicesRefused, Resolution, Shown, resolve
from conflict.validate import Problem
from conflict.verdicts import Contest, Judgement
from pms_sync.apply.asking import subject
from pms_sync.apply.merging import Facing, facing
from pms_sync.apply.orders import Actor
from pms_sync.apply.states import LinkState, Trees
from pms_sync.apply.tongues import Tongue
from pms_sync.domain.errors import Fault
from pms_sync.store.cases import OpenCase
from pms_sync.store.decisions import NewDecision
from pms_sync.store.links import DESK
from pms_sync.store.reviews import reservations_of

CHOSEN = "chosen by a person"


class CaseMoved(Fault):
    """The case has changed since it was shown, or is no longer open."""

    def __init__(self, version: int) -> None:
        """Keep the version that stands now."""
        super().__init__(f"the case has moved on to version {version}", "version", "look at it again and decide anew")
        self.version = version


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """What was chosen for one link: the atoms to set, what they were, and the public paths that change here."""

    state: LinkState
    judgements: Sequence[Judgement]
    resolution: Resolution
    written: tuple[str, ...]


def decide_case(
    case: OpenCase, choices: Sequence[Choice], trees: Trees, tongues: Mapping[UUID, Tongue]
) -> list[Decided]:
    """Follow the choices against what stands now.

    Raises CaseMoved where that is no longer what the case asks, ChoicesRefused, and MappingRejected for a state that
    the vendor cannot be told.
    """
    found: list[Decided] = []
    problems: list[Problem] = []
    for ref, told in by_link(case, choices).items():
        try:
            found.append(_decide_link(case, state_of(case, ref, trees), told, trees, tongues))
        except ChoicesRefused as refused:
            problems += [one._replace(path=_public(case, ref, one.path)) for one in refused.problems]
    if problems:
        raise ChoicesRefused(problems)
    return found


def by_link(case: OpenCase, choices: Sequence[Choice]) -> dict[str, list[Choice]]:
    """Sort the choices to the links they are about, with paths as the link itself has them.

    A review may be answered in part. Raises ChoicesRefused for a path that it does not have, and for no choice at all.
    """
    if not case.is_review:
        return {case.vendor_ref or "": list(choices)}
    refs = {_place(row["path"]): row["ref"] for row in case.fields}
    found: dict[str, list[Choice]] = {}
    problems = [] if choices else [Problem("choices", "", "nothing was chosen for any field")]
    for choice in choices:
        ref = refs.get(_place(choice.path))
        if ref is None:
            problems.append(Problem(choice.path, choice.take, "not a field of this case"))
        else:
            own = msgspec.structs.replace(choice, path=link_path(choice.path)[1])
            found.setdefault(ref, []).append(own)
    if problems:
        raise ChoicesRefused(problems)
    return found


def touched(case: OpenCase, links: Collection[str]) -> list[UUID]:
    """Return the reservations that a decision about these links of the case is about."""
    if not case.is_review:
        return case.reservation_ids
    return reservations_of(row for row in case.fields if row["ref"] in links)


def is_whole(case: OpenCase, choices: Sequence[Choice]) -> bool:
    """Tell whether nothing of the case is left open by these choices."""
    chosen = {_place(one.path) for one in choices}
    return not case.is_review or all(_place(row["path"]) in chosen for row in case.fields)


def _place(path: str) -> tuple[str | None, str]:
    """Read a path of a review as a link and an atom of it; what is no field is itself."""
    ref, own = link_path(path)
    try:
        return ref, atom_path(own)[0]
    except ValueError:
        return None, path


def _public(case: OpenCase, ref: str, path: str) -> str:
    return linked_path(ref, path) if case.is_review else path


def _decide_link(
    case: OpenCase, state: LinkState, choices: Sequence[Choice], trees: Trees, tongues: Mapping[UUID, Tongue]
) -> Decided:
    tongue = tongues[state.key[0]]
    now = facing(trees.revisions[state.reservation_id][state.home], state, tongue)
    contest = _contest(case, now, state)
    if contest is None:
        raise CaseMoved(case.version)
    judgements = contest.judgements
    if case.is_review:
        atoms = {_place(one.path)[1] for one in choices}
        judgements = tuple([one for one in judgements if one.path in atoms])
    resolution = resolve(_shown(judgements, now), choices, tongue.names)
    return Decided(
        state=state,
        judgements=judgements,
        resolution=resolution,
        written=tuple([_public(case, state.key[1], path) for path in _written(resolution, now)]),
    )


def state_of(case: OpenCase, ref: str, trees: Trees) -> LinkState:
    """Return the state of a link of the case; raises CaseMoved when it is gone."""
    state = trees.links.get((case.account_id or DESK, ref))
    if state is None or state.remote is None:
        raise CaseMoved(case.version)
    return state


def refuse_choices(case: OpenCase, choices: Sequence[Choice]) -> None:
    """Refuse choices for a case about facts outside any link: what it names is put right, and then it is closed."""
    if choices:
        why = f"a case of kind {case.kind} is resolved without choices, once its cause is put right"
        raise ChoicesRefused([Problem(choices[0].path, str(choices[0].take), why)])


def kept(case: OpenCase, decided: Decided, actor: Actor) -> list[NewDecision]:
    """Keep both sides of what a person decided, so that either can be brought back."""
    found, told = [], {"case_id": str(case.case_id)}
    for one in decided.judgements:
        values: dict[str, Any] = {"base": one.base, "here": one.here, "there": one.there}
        found.append(
            NewDecision(
                reservation_id=decided.state.reservation_id,
                account_id=decided.state.key[0],
                vendor_ref=decided.state.key[1],
                path=one.path,
                verdict="resolved",
                rule=CHOSEN,
                values={**values, "result": decided.resolution.here.get(one.path), "loser": None, **told},
                actor=actor.name,
                correlation_id=actor.correlation_id,
            )
        )
    return found


def _contest(case: OpenCase, now: Facing, state: LinkState) -> Contest | None:
    """Find what the case asks among what stands open now."""
    contests = now.decide().contests
    return next((one for one in contests if one.kind == case.kind and subject(one, state) == case.subject), None)


def _shown(judgements: Sequence[Judgement], now: Facing) -> Shown:
    return Shown(
        base=now.base,
        here=now.here.tree,
        there=now.there.tree,
        fields=[one.path for one in judgements],
        suggested={one.path: one.suggested for one in judgements if one.suggested is not None},
    )


def _written(resolution: Resolution, now: Facing) -> tuple[str, ...]:
    """Name what changes here by what was chosen."""
    return tuple([public_path(path) for path, value in resolution.here.items() if value != now.here.tree.get(path)])
