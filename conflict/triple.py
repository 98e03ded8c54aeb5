"""The three trees of a link: the sides as they are compared, and what of them a link has to remember.

A link stores only where the three differ (`divergence`); base and ours come back from the vendor's state (`restore`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypeAlias

import msgspec
from msgspec import UNSET

from conflict.atoms import Tree, Value, atoms, complete, frozen
from conflict.pairing import UNPAIRED, Pairing
from pms_sync.domain.reservation import Revision

Divergence: TypeAlias = dict[str, tuple[Value | None, Value | None]]


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """What one side says: its atoms, the collections told whole, its last change, and whether the object is gone.

    `modified_at` (UTC) is looked at by last_write_wins alone.
    """

    tree: Tree
    complete: frozenset[str] = frozenset()
    modified_at: datetime | None = None
    gone: bool = False


def side_of(revision: Revision, pairing: Pairing = UNPAIRED) -> Side:
    """Read a revision as one side; ours must have been projected into the vendor's space before."""
    changed = revision.modified_at
    return Side(
        tree=atoms(revision, pairing),
        complete=complete(revision),
        modified_at=None if changed is UNSET else changed,
        gone=revision.gone,
    )


def divergence(base: Tree, here: Tree, there: Tree) -> Divergence:
    """Return {path: (base, here)} of the atoms where the three are not equal; None is an atom that is not there."""
    if base == here == there:
        return {}
    found: Divergence = {}
    for path in _paths(base, here, there):
        agreed, ours = base.get(path), here.get(path)
        if not agreed == ours == there.get(path):
            found[path] = (agreed, ours)
    return found


def restore(there: Tree, stored: Mapping[str, Iterable[Value | None]]) -> tuple[dict[str, Value], dict[str, Value]]:
    """Return (base, here) from the vendor's tree and what `divergence` found, also when that came back from JSON."""
    base, here = dict(there), dict(there)
    for path, pair in stored.items():
        agreed, ours = frozen(pair)
        _put(base, path, agreed)
        _put(here, path, ours)
    return base, here


def rekeyed(base: Tree, pairing: Pairing) -> dict[str, Value]:
    """Give the atoms of a base the names the vendor's side uses by now; a name already taken stays with its owner."""
    renamed = {f"guests[{ours}]": f"guests[{theirs}]" for ours, theirs in pairing.guests.items()}
    moved = dict(base)
    for old, new in renamed.items():
        if old in moved and new not in moved:
            moved[new] = moved.pop(old)
    for ours, theirs in pairing.stays.items():
        for path in [path for path in base if path.startswith(f"stays[{ours}].")]:
            moved.setdefault(path.replace(f"stays[{ours}]", f"stays[{theirs}]", 1), moved.pop(path))
    return moved


def _put(tree: dict[str, Value], path: str, value: Value | None) -> None:
    if value is None:
        tree.pop(path, None)
    else:
        tree[path] = value


def _paths(*trees: Tree) -> dict[str, None]:
    """Return every path once, in the order they are met."""
    return dict.fromkeys(path for tree in trees for path in tree)
