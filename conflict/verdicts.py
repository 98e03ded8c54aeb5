"""What deciding gives: one judgement an atom, and what is to be written, remembered, sent and asked."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from conflict.atoms import Tree, Value
from conflict.ownership import Taken


class Verdict(StrEnum):
    """What becomes of an atom that is not the same on all three trees."""

    TAKE = "take"  # theirs is written here
    PUSH = "push"  # ours is to be sent
    CONVERGED = "converged"  # both came to the same
    MERGED = "merged"  # both only added, and both additions stay; to be sent
    CASE = "case"  # a person decides; nothing is written, nothing sent


# Members under plain names: looking one up in its class, or hashing it, would cost more than a whole judgement's row.
TAKE, PUSH, CONVERGED, MERGED, CASE = Verdict


class Rule(StrEnum):
    """Why, where it is not ownership that decided."""

    THERE_CHANGED = "only there changed"
    HERE_CHANGED = "only here changed"
    ALIKE = "both changed alike"
    ADDED = "both only added"
    FIRST_CONTACT = "first contact"
    CANCEL_AGAINST_EDIT = "cancelled on one side, edited on the other"
    VANISHED = "absence is never a deletion"


class Judgement(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What was decided about one atom, and why; None is an atom that is not there.

    `result` is what we hold afterwards. `loser` is the value a decision passed over, kept so that it can be brought
    back. `suggested` and `case` (a case kind) are set when a person is asked.
    """

    path: str
    base: Value | None
    here: Value | None
    there: Value | None
    verdict: Verdict
    rule: str
    result: Value | None
    loser: Value | None = None
    suggested: Taken | None = None
    case: str | None = None


class Contest(msgspec.Struct, frozen=True, kw_only=True):
    """What one case is about: an atom (`same_atom`), a stay (`stays[REF]`) or the whole reservation (empty)."""

    kind: str
    about: str
    judgements: tuple[Judgement, ...]


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome for one link: `result` and `base` are the new trees, `push` what is left to send.

    `contests` are all cases that must be open after this decision; one that is open and not among them has lost its
    cause. Its atoms are not in `push`.
    """

    result: Tree
    base: Tree
    judgements: tuple[Judgement, ...] = ()
    push: tuple[str, ...] = ()
    contests: tuple[Contest, ...] = ()

    @property
    def taken(self) -> tuple[str, ...]:
        """Return the atoms whose value here changes."""
        return tuple(
            [one.path for one in self.judgements if one.result != one.here and one.verdict is not Verdict.CASE]
        )
