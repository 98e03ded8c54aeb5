"""Comparing: what the values we sent became at the vendor; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from conflict.atoms import EMPTIED, Value, atoms
from conflict.observed import alike
from conflict.pairing import Pairing, pair_guests
from pms_sync.domain.reservation import Revision
from pms_sync.push.sent import Item, Sent


class Became(StrEnum):
    """What one value became."""

    ARRIVED = "arrived"
    OLD = "old"  # the vendor still shows what it showed before
    OTHER = "other"  # neither: the ordinary merge has decided about it


def became(item: Item, shown: Revision | None) -> dict[str, Became]:
    """Say of each path of a request what its value became; an object that is not shown is as old as can be."""
    if shown is None:
        return dict.fromkeys(item.values, Became.OLD)
    names = Pairing(stays=_stays(item.wanted, shown), guests=pair_guests(item.wanted, shown))
    there = atoms(shown)
    return {path: _one(item.value(path), item.was(path), there.get(renamed(path, names))) for path in item.values}


def all_arrived(sent: Sent, shown: Mapping[str, Revision]) -> bool:
    """Tell whether the vendor shows everything that was sent."""
    return bool(sent.items) and all(
        one is Became.ARRIVED for item in sent.items for one in became(item, shown.get(item.ref or "")).values()
    )


def renamed(path: str, names: Pairing) -> str:
    """Write a path of ours with the names the vendor gave to a stay or guest that it did not have before."""
    for mine, theirs in names.stays.items():
        if path.startswith(f"stays[{mine}]"):
            return path.replace(f"stays[{mine}]", f"stays[{theirs}]", 1)
    key = path[len("guests[") : -1] if path.startswith("guests[") else ""
    return f"guests[{names.guests[key]}]" if key in names.guests else path


def _stays(wanted: Revision, shown: Revision) -> dict[str, str]:
    """Pair the stays in their order, which only matters while the vendor's refs are new to us."""
    known = {stay.ref for stay in shown.room_stays}
    ours = [stay.ref for stay in wanted.room_stays if stay.ref not in known]
    taken = {stay.ref for stay in wanted.room_stays} & known
    return dict(zip(ours, (stay.ref for stay in shown.room_stays if stay.ref not in taken), strict=False))


def _one(sent: Value | None, before: Value | None, shown: Value | None) -> Became:
    if shown is None and sent == EMPTIED:
        return Became.ARRIVED
    if same(sent, shown):
        return Became.ARRIVED
    return Became.OLD if shown is None or same(before, shown) else Became.OTHER


def same(sent: Value | None, shown: Value | None) -> bool:
    """Tell whether a value is there; the parts of it that were not said do not count."""
    if alike(sent, shown):
        return True
    if type(sent) is not tuple or type(shown) is not tuple or len(sent) != len(shown):
        return False
    return alike(tuple(there if said is None else said for said, there in zip(sent, shown, strict=True)), shown)


def only(found: Mapping[str, Became], *kinds: Became) -> Iterable[str]:
    """Return the paths whose value became one of these."""
    return (path for path, one in found.items() if one in kinds)
