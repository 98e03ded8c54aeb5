"""What each side really said of an atom: silence is completed from what is agreed, absence is told from silence.

An atom or a part of one that a side did not say stays what it was agreed to be. Only a collection that was told whole
says by leaving something out that it is not there; of a stay not even that is believed (ARCHITECTURE §6).
"""

from __future__ import annotations

from typing import NamedTuple

from conflict.atoms import DERIVED, EMPTIED, Tree, Value, kind_of, stay_of
from conflict.triple import Side

_ELEMENTS = frozenset({"guests", "lines"})


class Triple(NamedTuple):
    """One atom on the three trees, with who moved it; `base` None means that it was never agreed."""

    path: str
    base: Value | None
    here: Value
    there: Value
    here_moved: bool
    there_moved: bool
    same: bool  # ours and theirs


def differences(base: Tree, here: Side, there: Side) -> tuple[list[Triple], list[str]]:
    """Return the atoms that do not read alike on all three, sorted by path, and the refs of stays that went missing."""
    found: list[Triple] = []
    missing: dict[str, None] = {}
    ours, theirs = here.tree, there.tree
    for path in {**base, **ours, **theirs}:
        agreed, mine, other = base.get(path), ours.get(path), theirs.get(path)
        if agreed == mine == other:
            continue
        if other is None:
            stay = _left_out(path, there)
            if stay is not None and agreed is not None:
                missing[stay] = None
                continue
            if stay is not None:
                agreed = other = EMPTIED  # a stay of ours that the vendor does not have yet
        if agreed is None or mine is None or other is None:
            agreed, mine, other = _completed_absence(path, agreed, mine, other, here, there)
        if mine is not None and other is not None:
            triple = _triple(path, agreed, mine, other)
            if triple is not None:
                found.append(triple)
    found.sort()
    return found, sorted(missing)


def alike(one: Value | None, other: Value | None) -> bool:
    """Tell whether two values of an atom mean the same: who worked a night's price out makes no difference."""
    if one == other:
        return True
    if type(one) is not tuple or type(other) is not tuple or not len(one) == len(other) == DERIVED + 1:
        return False
    return one[:DERIVED] == other[:DERIVED]


def _left_out(path: str, there: Side) -> str | None:
    """Return the ref of the atom's stay when the vendor told all its stays, and not this one."""
    stay = stay_of(path)
    if stay is None or "stays" not in there.complete or f"stays[{stay}].status" in there.tree:
        return None
    return stay


Atom = tuple[Value | None, Value | None, Value | None]


def _completed_absence(
    path: str, base: Value | None, here: Value | None, there: Value | None, our_side: Side, their_side: Side
) -> Atom:
    """Read an atom that is missing on a tree: emptied where its list was told whole, else as it was agreed.

    What the vendor never said stays None: what we would overwrite is unknown.
    """
    kind = kind_of(path)
    if kind in _ELEMENTS:
        here = EMPTIED if here is None and kind in our_side.complete else here
        there = EMPTIED if there is None and kind in their_side.complete else there
        if base is None and EMPTIED in {here, there}:
            base = EMPTIED
    there = base if there is None else there
    if here is None and there is not None:
        here = base = EMPTIED if base is None else base
    return base, here, there


def _triple(path: str, base: Value | None, here: Value, there: Value) -> Triple | None:
    """Complete the parts that were not said; None where nothing is left to compare."""
    if base is None:
        here, there = _completed(here, there), _completed(there, here)
        return Triple(path, base, here, there, True, True, alike(here, there))  # noqa: FBT003
    here, there = _completed(here, base), _completed(there, base)
    if base == here == there:
        return None
    return Triple(path, base, here, there, not alike(here, base), not alike(there, base), alike(here, there))


def _completed(value: Value, known: Value) -> Value:
    """Fill the parts that a value leaves unsaid with the known ones."""
    if type(value) is not tuple or None not in value or type(known) is not tuple:
        return value
    return tuple([before if part is None else part for part, before in zip(value, known, strict=True)])
