"""The outcome: the trees after all judgements, what is left to send, and the cases that must be open."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from conflict.atoms import EMPTIED, Tree, Value, stay_of
from conflict.observed import Triple
from conflict.triple import Side
from conflict.verdicts import CASE, MERGED, PUSH, Contest, Decision, Judgement, Rule

# Kinds of case that are about one stay, and those about the whole reservation; any other is about its atom.
_PER_STAY = frozenset({"cancel_against_edit", "invalid_merge", "group_member_dropped"})
_PER_RESERVATION = frozenset({"link_up", "vanished"})
_HERE_CHANGED = Rule.HERE_CHANGED


def outcome(base: Tree, here: Side, unchanged: Iterable[Triple], judgements: Sequence[Judgement]) -> Decision:
    """Draw the new trees; `unchanged` are atoms that mean what was agreed, in another spelling."""
    result, agreed = dict(here.tree), dict(base)
    for triple in unchanged:
        agreed[triple.path] = triple.there
    for one in judgements:
        if one.verdict is CASE:
            continue
        _put(result, one.path, one.result)
        if one.rule != _HERE_CHANGED:  # an edit of ours alone is agreed only when it has settled
            _put(agreed, one.path, one.there)
    return Decision(
        result=result,
        base=agreed,
        judgements=tuple(judgements),
        push=tuple([one.path for one in judgements if one.verdict is PUSH or one.verdict is MERGED]),
        contests=_contests(judgements),
    )


def _put(tree: dict[str, Value], path: str, value: Value | None) -> None:
    """Set an atom; a guest or line that is not there has no path."""
    if value is None or (value == EMPTIED and path.endswith("]")):
        tree.pop(path, None)
    else:
        tree[path] = value


def _contests(judgements: Iterable[Judgement]) -> tuple[Contest, ...]:
    """Group what people are asked: an atom, a stay or a reservation at a time."""
    found: dict[tuple[str, str], list[Judgement]] = {}
    for one in judgements:
        if one.case is not None:
            found.setdefault((one.case, _about(one.case, one.path)), []).append(one)
    return tuple([Contest(kind=kind, about=about, judgements=tuple(asked)) for (kind, about), asked in found.items()])


def _about(kind: str, path: str) -> str:
    if kind in _PER_RESERVATION:
        return ""
    ref = stay_of(path)
    return f"stays[{ref}]" if kind in _PER_STAY and ref is not None else path
