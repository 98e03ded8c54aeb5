"""Do mapped revisions say what the truth says? Pure comparison in the words of the public surface."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from pms_sync.domain.reservation import Block, Revision
from pms_sync.domain.status import Status, reservation_status
from pms_sync.ports.public import public_block, public_revision

Row = dict[str, Any]

# A read may cover less than the whole reservation, and says so itself; what the OTA holds no read of the vendor tells.
_OWN_WORDS = frozenset({"id", "scope", "siblings_complete", "channel_status"})


def reservation_differences(truth: Iterable[Row], by_stay: Mapping[str, Sequence[Revision]]) -> list[str]:
    """Compare every true reservation with the revisions that speak of its stays, and look for invented stays."""
    found: list[str] = []
    true_stays: set[str] = set()
    for told in truth:
        refs = [stay["ref"] for stay in told["room_stays"]]
        true_stays |= set(refs)
        members = _once(revision for ref in refs for revision in by_stay.get(ref, ()))
        if not members:
            found.append(f"reservation {told['ref']} was not listed")
            continue
        found += [f"{told['ref']}: {one}" for one in _differences("", told, composed(told["ref"], members))]
        found += _claims(told, members)
    invented = sorted(by_stay.keys() - true_stays)
    return found + [f"stay {ref} does not exist" for ref in invented]


def block_differences(truth: Iterable[Row], blocks: Iterable[Block]) -> list[str]:
    """Compare every true block with the mapped one of its ref."""
    mapped = {block.ref: public_block(block) for block in blocks}
    found: list[str] = []
    for told in truth:
        ours = mapped.pop(told["ref"], None)
        if ours is None:
            found.append(f"block {told['ref']} was not listed")
        else:
            found += [f"block {told['ref']}: {one}" for one in _differences("", told, ours)]
    return found + [f"block {ref} does not exist" for ref in mapped]


def composed(ref: str, members: Sequence[Revision]) -> Row:
    """Put the revisions of one reservation together: its home speaks for it, stays and lists are joined."""
    ordered = sorted(members, key=lambda one: (one.ref != ref or not one.is_home, _lowest(one)))
    lead, documents = ordered[0], [public_revision(one) for one in sorted(members, key=_lowest)]
    status = reservation_status(stay.status for one in members for stay in one.room_stays)
    deciding = next((one for one in ordered if one.status == status), lead)
    stays = [stay for one in documents for stay in one["room_stays"]]
    whole: Row = public_revision(lead) | {
        "ref": ref,
        "version": max(one.version for one in members),
        "status": str(status),
        "hold_kind": str(deciding.hold_kind) if status == Status.HOLD else None,
        "blocks_inventory": deciding.blocks_inventory,
        "room_stays": stays,
    }
    for name in ("notes", "comments"):
        told = [one[name] for revision, one in zip(sorted(members, key=_lowest), documents, strict=True)
                if revision.is_home and one.get(name)]  # fmt: skip
        if told:
            whole[name] = "\n".join(dict.fromkeys(told))
    whole["modified_at"] = max((one["modified_at"] for one in documents if one.get("modified_at")), default=None)
    if "total" not in whole and all(stay.get("total") is not None for stay in stays):
        whole["total"] = str(sum((Decimal(stay["total"]) for stay in stays), Decimal()))
    for name in ("guests", "folio_lines"):
        if all(name in one for one in documents):
            whole[name] = [entry for one in documents for entry in one[name]]
    return whole


def _lowest(revision: Revision) -> tuple[int, str]:
    """Sort by the lowest stay ref, numbers as numbers."""
    ref = min((stay.ref for stay in revision.room_stays), key=lambda one: (len(one), one), default="")
    return len(ref), ref


def _once(members: Iterable[Revision]) -> list[Revision]:
    kept: list[Revision] = []
    for one in members:
        if one not in kept:
            kept.append(one)
    return kept


def _claims(told: Row, members: Sequence[Revision]) -> list[str]:
    """A revision that calls itself complete holds every stay; one of another ref shares the channel's number."""
    refs = {stay["ref"] for stay in told["room_stays"]}
    found = [
        f"{told['ref']}: claims to be complete and lacks stays"
        for one in members
        if one.siblings_complete and {stay.ref for stay in one.room_stays} != refs and not told["channel_reference"]
    ]
    strangers = [one.ref for one in members if one.ref != told["ref"]]
    if strangers and not told["channel_reference"]:
        found.append(f"{told['ref']}: its stays are told under {sorted(set(strangers))}")
    return found


def _differences(path: str, told: object, ours: object) -> list[str]:
    """Walk both trees; a field of the truth that was not said is a difference too."""
    if isinstance(told, dict) and isinstance(ours, dict):
        names = told.keys() - _OWN_WORDS
        missing = [f"{path}{name}: not said" for name in sorted(names - ours.keys())]
        both = sorted(names & ours.keys())
        return missing + [one for name in both for one in _differences(f"{path}{name}.", told[name], ours[name])]
    if isinstance(told, list) and isinstance(ours, list) and len(told) == len(ours):
        pairs = enumerate(zip(_in_order(told), _in_order(ours), strict=True))
        return [one for index, (left, right) in pairs for one in _differences(f"{path}{index}.", left, right)]
    return [] if told == ours else [f"{path.rstrip('.')}: the vendor has {told!r}, mapped is {ours!r}"]


def _in_order(entries: list[Any]) -> list[Any]:
    """Put what has refs of its own in their order: guests and lines are told apart by ref, never by place."""
    refs = [str(one.get("ref")) for one in entries if isinstance(one, dict) and one.get("ref") is not None]
    if len(refs) != len(entries) or len(set(refs)) != len(refs):
        return entries
    return sorted(entries, key=lambda one: str(one["ref"]))
