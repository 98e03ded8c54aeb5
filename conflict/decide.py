"""Deciding: from what both sides last agreed on, what each has become, and who owns it, to what is to be done.

Nothing is done here. The table of ARCHITECTURE §6 stands as `_TABLE`; what it leaves open goes to ownership, and what
that leaves open to a person. Direction comes from the base, never from clocks, unless last_write_wins was configured.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from conflict.atoms import EMPTIED, Tree, Value, kind_of, stay_of
from conflict.notes import added_to_both
from conflict.observed import Triple, differences
from conflict.outcome import outcome
from conflict.ownership import Owners, Taken, class_of
from conflict.triple import Side
from conflict.validate import mixture_problems
from conflict.verdicts import CASE, CONVERGED, MERGED, PUSH, TAKE, Decision, Judgement, Rule, Verdict
from pms_sync.domain.status import Status

# (ours changed, theirs changed, both alike) -> verdict and its rule; None: nobody's alone.
_TABLE: dict[tuple[bool, bool, bool], tuple[Verdict, Rule] | None] = {
    (False, True, False): (TAKE, Rule.THERE_CHANGED),
    (True, False, False): (PUSH, Rule.HERE_CHANGED),
    (True, True, True): (CONVERGED, Rule.ALIKE),
    (True, True, False): None,
}
_GROWING = frozenset({"notes", "comments"})
# What a first contact may not settle by ownership alone: dates, price, status and money.
_LINK_UP = frozenset({"shape", "status", "total", "lines"})
# What contradicts a cancellation; a room is not among it, since rooms move without anybody wanting the stay changed.
_EDITS = frozenset({"shape", "status", "occupancy"})
_OVER = frozenset({Status.CANCELLED, Status.NO_SHOW})


class _Link(NamedTuple):
    """What is the same for every atom of a decision."""

    here: Side
    there: Side
    owners: Owners


def decide(base: Tree, here: Side, there: Side, owners: Owners) -> Decision:
    """Decide about one link; `here` is our state projected into the vendor's space, `base` is empty at first contact.

    Applying `result` here and `base` to the link, and deciding again on the same vendor state, takes nothing more and
    asks nothing new. Nothing is ever deleted: an object or a stay that went missing is a contest.
    """
    if base == here.tree == there.tree and not there.gone:
        return Decision(result=here.tree, base=base)
    if there.gone:
        refs = sorted({ref for ref in map(stay_of, here.tree) if ref is not None})
        return outcome(base, here, (), [one for ref in refs for one in _missing(ref, "vanished", base, here)])
    triples, missing = differences(base, here, there)
    link = _Link(here, there, owners)
    against = _cancelled_against_edit(triples)
    judgements = [_judge(triple, link, against) for triple in triples if not _unchanged(triple)]
    judgements = _held_where_invalid(judgements, link)
    lost = [one for ref in missing for one in _missing(ref, "group_member_dropped", base, here)]
    return outcome(base, here, [one for one in triples if _unchanged(one)], [*judgements, *lost])


def _unchanged(triple: Triple) -> bool:
    return not (triple.here_moved or triple.there_moved)


def _judge(triple: Triple, link: _Link, against: frozenset[str]) -> Judgement:
    """Find the row of the table that one atom stands in."""
    if triple.path in against:
        return _case(triple, "cancel_against_edit", Rule.CANCEL_AGAINST_EDIT, link.owners.usual["status"])
    if triple.base is None:
        return _first_contact(triple, link)
    settled = _TABLE[triple.here_moved, triple.there_moved, triple.same]
    if settled is None:
        return _contested(triple, link)
    verdict, rule = settled
    return _judgement(triple, verdict, rule)


def _judgement(triple: Triple, verdict: Verdict, rule: str, *, loser: Value | None = None) -> Judgement:
    path, base, here, there, *_ = triple
    takes = verdict is TAKE
    if takes and there == EMPTIED and path.endswith("]"):
        loser = here  # whoever is taken off a list is kept as well
    return Judgement(
        path=path,
        base=base,
        here=here,
        there=there,
        verdict=verdict,
        rule=rule,
        result=there if takes else here,
        loser=loser,
    )


def _case(triple: Triple, kind: str, rule: str, suggested: Taken | None) -> Judgement:
    """Leave an atom to a person: ours stays as it is, and nothing is sent."""
    path, base, here, there, *_ = triple
    return Judgement(
        path=path,
        base=base,
        here=here,
        there=there,
        verdict=CASE,
        rule=rule,
        result=here,
        suggested=suggested,
        case=kind,
    )


def _first_contact(triple: Triple, link: _Link) -> Judgement:
    """Agree on what is equal; review dates, price, status and money, and let ownership settle the rest."""
    if triple.same:
        return _judgement(triple, CONVERGED, Rule.FIRST_CONTACT)
    if kind_of(triple.path) in _LINK_UP:
        usual = link.owners.usual[class_of(triple.path, triple.here, triple.there)]
        return _case(triple, "link_up", Rule.FIRST_CONTACT, usual)
    return _owned(triple, link)


def _contested(triple: Triple, link: _Link) -> Judgement:
    """Both changed one atom to different values."""
    path, base, here, there, *_ = triple
    if kind_of(path) in _GROWING and isinstance(base, str) and isinstance(here, str) and isinstance(there, str):
        grown = added_to_both(base, here, there)
        if grown is not None:
            return Judgement(
                path=path,
                base=base,
                here=here,
                there=there,
                verdict=MERGED,
                rule=Rule.ADDED,
                result=grown,
            )
    return _owned(triple, link)


def _owned(triple: Triple, link: _Link) -> Judgement:
    """Let the owner's value stand and keep the other; without an owner a person decides."""
    atom_class = class_of(triple.path, triple.here, triple.there)
    owner: str = link.owners.by_class[atom_class]
    rule = link.owners.rule(atom_class)
    if owner == "last_write_wins":
        owner, rule = _later(link), f"{rule}, last write wins"
    if owner == "there":
        return _judgement(triple, TAKE, rule, loser=triple.here)
    if owner == "here":
        return _judgement(triple, PUSH, rule, loser=triple.there)
    return _case(triple, "same_atom", rule, link.owners.usual[atom_class])


def _later(link: _Link) -> str:
    """Say which side changed last; when nobody can tell, a person has to."""
    ours, theirs = link.here.modified_at, link.there.modified_at
    if ours is None or theirs is None or ours == theirs:
        return "review"
    return "here" if ours > theirs else "there"


def _cancelled_against_edit(triples: Sequence[Triple]) -> frozenset[str]:
    """Return the atoms of stays that one side cancelled since they agreed, and the other side edited."""
    if not any(triple.path.endswith(".status") for triple in triples):
        return frozenset()
    edits: dict[str, list[Triple]] = {}
    for triple in triples:
        if kind_of(triple.path) in _EDITS:
            edits.setdefault(stay_of(triple.path) or "", []).append(triple)
    found: set[str] = set()
    for ref, changed in edits.items():
        status = next((one for one in changed if one.path == f"stays[{ref}].status"), None)
        if status is not None and _contradicted(status, changed):
            found.update(one.path for one in changed if not one.same)
    return frozenset(found)


def _contradicted(status: Triple, changed: Sequence[Triple]) -> bool:
    if not (status.base and status.here and status.there) or _is_cancelled(status.base):
        return False
    here, there = _is_cancelled(status.here), _is_cancelled(status.there)
    if here == there:
        return False
    agreed_once = [one for one in changed if one.base is not None and not one.same]
    return any(one.there_moved if here else one.here_moved for one in agreed_once)


def _missing(ref: str, kind: str, base: Tree, here: Side) -> list[Judgement]:
    """Ask about a stay that the vendor no longer shows, unless it is over here as well, or kept without it."""
    path = f"stays[{ref}].status"
    status = here.tree.get(path)
    if status is None or status[0] in _OVER or path not in base:
        return []
    return [
        Judgement(
            path=f"stays[{ref}]",
            base=base.get(path),
            here=status,
            there=None,
            verdict=CASE,
            rule=Rule.VANISHED,
            result=status,
            case=kind,
        )
    ]


def _is_cancelled(status: Value) -> bool:
    return status[0] == Status.CANCELLED


def _held_where_invalid(judgements: list[Judgement], link: _Link) -> list[Judgement]:
    """Leave a stay to a person where what both sides contributed cannot stand together."""
    for ref in _mixed_stays(judgements):
        problems = mixture_problems(_decided(judgements, link.here.tree), link.here.tree, link.there.tree, ref)
        if problems:
            why = "; ".join(dict.fromkeys(one.why for one in problems))
            judgements = [_held(one, why, link) if stay_of(one.path) == ref else one for one in judgements]
    return judgements


def _decided(judgements: Sequence[Judgement], here: Tree) -> dict[str, Value]:
    """Return our tree with what was decided, without what is left to a person."""
    told = {one.path: None if one.verdict is CASE else one.result for one in judgements}
    return {path: value for path, value in {**here, **told}.items() if value is not None}


def _held(one: Judgement, why: str, link: _Link) -> Judgement:
    """Take a decision back, and ask."""
    if one.verdict is not TAKE and one.verdict is not PUSH:
        return one
    return msgspec.structs.replace(
        one,
        verdict=CASE,
        rule=why,
        result=one.here,
        loser=None,
        suggested=link.owners.usual["shape"],
        case="invalid_merge",
    )


def _mixed_stays(judgements: Sequence[Judgement]) -> list[str]:
    """Return the refs of stays that took something from each side."""
    taken = {stay_of(one.path) for one in judgements if one.verdict is TAKE}
    pushed = {stay_of(one.path) for one in judgements if one.verdict is PUSH} if taken else set()
    return sorted(ref for ref in taken & pushed if ref is not None)
