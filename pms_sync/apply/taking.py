"""Taking: the rows of units, blocks and retries as they are to stand, and what they take of the house."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias
from uuid import UUID

import msgspec

from pms_sync.apply import rows, turning
from pms_sync.apply.incoming import Incoming
from pms_sync.apply.occupancy import Move, block_take, stay_take
from pms_sync.apply.planning import Told
from pms_sync.apply.sift import Sifted
from pms_sync.apply.states import Row, Trees
from pms_sync.apply.writing import Changes
from pms_sync.domain.ids import NewId
from pms_sync.store import links
from pms_sync.store.crosswalk import PropertyCatalogue

Catalogues: TypeAlias = Mapping[UUID, PropertyCatalogue]


class Ground(msgspec.Struct, frozen=True):
    """What a batch of one tenant stands on: what is held, our codes by property, and the changes so far."""

    tenant_id: UUID
    trees: Trees
    catalogues: Catalogues
    changes: Changes


def plan_stays(told: Sequence[Told], ground: Ground, new_id: NewId) -> list[Move]:
    """Draw the rows of the units' stays; a stay known already keeps its id."""
    trees, changes = ground.trees, ground.changes
    placed = set(changes.joined.values())  # a stay that is held now by an object of several, under a ref of that
    known = {one.key: one.stay_id for one in changes.states.values() if one.is_home and one.stay_id not in placed}
    known |= {(row["account_id"] or links.DESK, row["vendor_ref"]): row["stay_id"] for row in trees.stays.values()}
    known |= changes.joined
    moves = []
    for one in {one.home: one for one in told}.values():  # what several links of one unit came to stands in the last
        record, catalogue = one.record, ground.catalogues[one.account.property_id]
        for stay in one.ours.room_stays:
            stay_id = known.get((one.home[0], stay.ref)) or new_id()
            row = rows.stay_row(one.account, stay, stay_id, one.reservation_id, one.home[1], catalogue)
            moves.append(_move(record, row, trees.stays.get(stay_id), catalogue))
            changes.stays[stay_id] = (record, row, rows.night_rows(stay, row["room_id"]))
            changes.object_ids.setdefault(record.key, stay_id)
    return moves


def plan_yielded(ground: Ground) -> list[Move]:
    """Let go what is taken by stays that are another stay once more; their rows stay, and hold nothing."""
    trees = ground.trees
    return [
        _move(record, yielded(trees.stays[stay_id]), trees.stays[stay_id], ground.catalogues[_place(record)])
        for stay_id, record in ground.changes.yielded.items()
    ]


def yielded(before: Row) -> dict[str, Any]:
    """Return the row of a stay that another one stands for: no account shows it any more."""
    nowhere = dict.fromkeys(("account_id", "vendor", "object_ref", "refused_ticket"))
    state = {"status": "cancelled", "blocks_inventory": False, "claim_state": "none", "flags": rows.JOINED}
    return {**before, **nowhere, **state}


def _place(record: Incoming) -> UUID:
    return record.account.property_id


def plan_blocks(
    fresh: Sequence[Incoming], known: Mapping[tuple[UUID, str, str], links.Link], ground: Ground, new_id: NewId
) -> list[Move]:
    """Draw the rows of the blocks that came in, or that ended because a booking stands in their place."""
    moves = []
    for record in fresh:
        link = known.get((record.account.account_id, "block", record.ref))
        block_id = link.object_id if link else new_id()
        catalogue = ground.catalogues[record.account.property_id]
        before = ground.trees.blocks.get(block_id)
        row = turning.block_row(record, before, block_id, catalogue)
        if row is None:
            continue
        if link is None:
            ground.changes.fresh_links.add((record.account.account_id, "block", record.ref))
        moves.append(_block_move(record, row, before, block_id, catalogue))
        ground.changes.blocks[block_id] = (record, row, before)
    return moves


def _move(record: Incoming, row: dict[str, Any], before: Row | None, catalogue: PropertyCatalogue) -> Move:
    return Move(
        holder_id=row["stay_id"],
        record=record,
        reservation_id=row["reservation_id"],
        catalogue=catalogue,
        before=stay_take(before) if before else None,
        after=stay_take(row),
        was_refused=before["refused_ticket"] if before else None,
    )


def _block_move(record: Incoming, row: Row, before: Row | None, block_id: UUID, catalogue: PropertyCatalogue) -> Move:
    return Move(
        holder_id=block_id,
        record=record,
        reservation_id=None,
        catalogue=catalogue,
        before=block_take(before) if before else None,
        after=block_take(row),
        was_refused=before["refused_ticket"] if before else None,
    )


def plan_retries(sifted: Sifted, ground: Ground) -> list[Move]:
    """Let an unchanged object whose room was refused try again; its rows change only in their claim state."""
    trees, changes = ground.trees, ground.changes
    moves = []
    for record, link in sifted.retry:
        catalogue = ground.catalogues[record.account.property_id]
        for stay_id, before in _refused(trees, link).items():
            if stay_id not in changes.stays:
                row = {**before, "flags": ",".join(before["flags"])}
                moves.append(_move(record, row, before, catalogue))
                changes.retried[stay_id] = (record, row)
        block = trees.blocks.get(link.object_id)
        if block is not None and link.object_id not in changes.blocks:
            changes.blocks[link.object_id] = (record, {**block}, block)
            moves.append(_block_move(record, block, block, link.object_id, catalogue))
    return moves


def _refused(trees: Trees, link: links.Link) -> dict[UUID, Row]:
    """Return the stays of a vendor's object that lack their room."""
    key = (link.account_id, link.vendor_ref)
    return {
        stay_id: row
        for stay_id, row in trees.stays.items()
        if row["refused_ticket"] is not None and (row["account_id"], row["object_ref"] or row["vendor_ref"]) == key
    }


def settle_claims(moves: Sequence[Move], changes: Changes) -> None:
    """Write into the rows what occupying came to."""
    for move in moves:
        if not move.matters:
            takes_unit = move.after is not None and move.after.room_id is not None
            move.claim_state = "claimed" if takes_unit else "none"
        holder = changes.stays.get(move.holder_id)
        row = holder[1] if holder else changes.retried.get(move.holder_id, (None, None))[1]
        if row is None:
            row = changes.blocks[move.holder_id][1]
        row["claim_state"], row["refused_ticket"] = move.claim_state, move.refused_ticket
    for stay_id, (record, row) in changes.retried.items():
        words = set(filter(None, row["flags"].split(","))) - {rows.REFUSED}
        if row["claim_state"] == "refused":
            words.add(rows.REFUSED)
        row["flags"] = ",".join(sorted(words))
        changes.stays[stay_id] = (record, row, None)
