"""The apply transaction: load the trees, compose, compare, write; for a whole batch of one tenant at once.

Locks are taken in the one order of the house: identity, reservation, units, claims, type counters, and last the lane.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from conflict import collisions
from pms_sync.apply import rows, turning
from pms_sync.apply.compose import Composed, StayKey, compose, overlay
from pms_sync.apply.identify import Identified, channel_key_of, identify, revision_of
from pms_sync.apply.incoming import Incoming, Outcome
from pms_sync.apply.occupancy import Move, block_take, occupy, stay_take
from pms_sync.apply.sift import Sifted, sift
from pms_sync.apply.writing import Changes, write
from pms_sync.domain.case import Case
from pms_sync.domain.clock import Clock
from pms_sync.domain.ids import NewId
from pms_sync.domain.reservation import Revision
from pms_sync.store import links, raw, reservations
from pms_sync.store.crosswalk import PropertyCatalogue
from pms_sync.store.database import Connection
from pms_sync.store.sealing import KeyRing

Catalogues = Mapping[UUID, PropertyCatalogue]
Row = Mapping[str, Any]
StayRow = tuple[UUID, dict[str, Any]]


class Trees(msgspec.Struct, frozen=True):
    """What the store holds of the touched reservations."""

    reservations: dict[UUID, Row]
    stays: dict[UUID, Row]
    revisions: dict[UUID, dict[StayKey, Revision]]
    blocks: dict[UUID, Row]


class Applier:
    """Applies batches; holds no state between them."""

    def __init__(self, keys: KeyRing, clock: Clock, new_id: NewId) -> None:
        """Take the keys that open the trees, and time and ids as ports."""
        self._keys = keys
        self._clock = clock
        self._new_id = new_id

    async def apply(
        self, connection: Connection, tenant_id: UUID, incoming: Sequence[Incoming], catalogues: Catalogues
    ) -> dict[str, Outcome]:
        """Apply the records inside the caller's transaction of this tenant; returns the outcome per lane."""
        known = await links.load(
            connection, tenant_id, [one.account.account_id for one in incoming], [one.ref for one in incoming]
        )
        incoming = turning.as_known(incoming, known)
        sifted = sift(incoming, known)
        await links.touch(connection, tenant_id, [(*one.key, one.ticket) for one in sifted.reread_seen])
        changes = Changes(
            events=list(sifted.rereads),
            doubts=list(sifted.doubts),
            cases=turning.no_longer_stays(sifted.fresh, known),
            withdrawn=turning.shown_again(incoming, known),
        )
        if sifted.fresh or sifted.retry:
            await self._apply_fresh(connection, tenant_id, sifted, known, catalogues, changes)
        await write(connection, tenant_id, changes, self._keys, self._new_id)
        return sifted.outcomes

    async def _apply_fresh(
        self,
        connection: Connection,
        tenant_id: UUID,
        sifted: Sifted,
        known: Mapping[tuple[UUID, str, str], links.Link],
        catalogues: Catalogues,
        changes: Changes,
    ) -> None:
        fresh = await self._with_raw_ids(connection, sifted.fresh)
        arrivals = [one for one in fresh if isinstance(one.mapped, Revision)]
        found = await identify(connection, tenant_id, arrivals, known, self._new_id)
        trees = await self._load(connection, tenant_id, found, known)
        moves = self._plan_stays(arrivals, found, trees, known, catalogues, changes)
        moves += self._plan_blocks(fresh, trees, known, catalogues, changes)
        moves += _plan_retries(sifted, trees, catalogues, changes)
        occupied = await occupy(connection, tenant_id, moves, self._today)
        changes.events.extend(occupied.events)
        changes.cases.extend(occupied.cases)
        changes.withdrawn.extend(occupied.withdrawn)
        _settle_claims(moves, changes)
        self._finish(arrivals, found, trees, catalogues, changes, sifted)
        await self._compare(connection, tenant_id, trees, changes, sifted)

    async def _with_raw_ids(self, connection: Connection, fresh: Sequence[Incoming]) -> list[Incoming]:
        unsaved = [one for one in fresh if one.raw_id is None]
        if not unsaved:
            return list(fresh)
        stored = await raw.insert(
            connection,
            self._keys,
            [
                raw.RawRecord(
                    tenant_id=one.account.tenant_id,
                    account_id=one.account.account_id,
                    stream=one.stream,
                    ref=one.ref,
                    body=one.body,
                    digest=raw.body_digest(one.body),
                )
                for one in unsaved
            ],
        )
        ids = dict(zip((one.lane_key for one in unsaved), stored, strict=True))
        return [msgspec.structs.replace(one, raw_id=ids.get(one.lane_key, one.raw_id)) for one in fresh]

    async def _load(
        self,
        connection: Connection,
        tenant_id: UUID,
        found: Identified,
        known: Mapping[tuple[UUID, str, str], links.Link],
    ) -> Trees:
        old = {link.reservation_id for link in known.values() if link.reservation_id is not None}
        touched = sorted((old | set(found.reservations.values())) - found.new_ids)
        trees = Trees({}, {}, defaultdict(dict), {})
        if touched:
            trees.reservations.update(await reservations.lock(connection, tenant_id, touched))
            trees.stays.update(await reservations.stays(connection, tenant_id, touched))
            for tree in await links.load_trees(connection, tenant_id, touched):
                place = links.place(tree.account_id, "stay", tree.vendor_ref)
                body = self._keys.open(tenant_id, place, tree.remote)
                key = (tree.account_id, tree.vendor_ref)
                trees.revisions[tree.reservation_id][key] = msgspec.msgpack.decode(body, type=Revision)
        blocks = [link.object_id for link in known.values() if link.level == "block"]
        if blocks:
            trees.blocks.update(await reservations.blocks(connection, tenant_id, blocks))
        return trees

    def _plan_stays(
        self,
        arrivals: Sequence[Incoming],
        found: Identified,
        trees: Trees,
        known: Mapping[tuple[UUID, str, str], links.Link],
        catalogues: Catalogues,
        changes: Changes,
    ) -> list[Move]:
        stay_ids = {(row["account_id"], row["vendor_ref"]): row["stay_id"] for row in trees.stays.values()}
        moves = []
        for record in arrivals:
            reservation_id = found.reservations[record.key]
            link = known.get((record.account.account_id, "stay", record.ref))
            home = link.reservation_id if link is not None else None
            before = trees.revisions[home].pop(record.key, None) if home is not None else None
            revision = overlay(before, revision_of(record))
            trees.revisions[reservation_id][record.key] = revision
            if home is not None and home != reservation_id:
                changes.left.add(home)
            catalogue = catalogues[record.account.property_id]
            for stay in revision.room_stays:
                stay_id = stay_ids.get((record.account.account_id, stay.ref)) or self._new_id()
                row = rows.stay_row(record, stay, stay_id, reservation_id, catalogue)
                moves.append(_move(record, row, trees.stays.get(stay_id), catalogue))
                changes.stays[stay_id] = (record, row, rows.night_rows(stay, row["room_id"]))
                changes.object_ids.setdefault(record.key, stay_id)
            changes.objects[record.key] = (record, revision, reservation_id)
            if link is None:
                changes.fresh_links.add((record.account.account_id, "stay", record.ref))
            if record.key in found.regrouped:
                header = (record.account.account_id, "reservation", revision.ref)
                changes.headers[header] = reservation_id
                if reservation_id not in trees.reservations:
                    changes.fresh_links.add(header)
        for record, here, there in found.doubts:
            changes.cases.append(_doubt(record, here, there))
        return moves

    def _plan_blocks(
        self,
        fresh: Sequence[Incoming],
        trees: Trees,
        known: Mapping[tuple[UUID, str, str], links.Link],
        catalogues: Catalogues,
        changes: Changes,
    ) -> list[Move]:
        moves = []
        for record in fresh:
            link = known.get((record.account.account_id, "block", record.ref))
            block_id = link.object_id if link else self._new_id()
            catalogue = catalogues[record.account.property_id]
            before = trees.blocks.get(block_id)
            row = turning.block_row(record, before, block_id, catalogue)
            if row is None:
                continue
            if link is None:
                changes.fresh_links.add((record.account.account_id, "block", record.ref))
            moves.append(_block_move(record, row, before, block_id, catalogue))
            changes.blocks[block_id] = (record, row, before)
        return moves

    def _finish(
        self,
        arrivals: Sequence[Incoming],
        found: Identified,
        trees: Trees,
        catalogues: Catalogues,
        changes: Changes,
        sifted: Sifted,
    ) -> None:
        """Compose every touched reservation now that its stays' claims are known."""
        stays: defaultdict[StayKey, list[StayRow]] = defaultdict(list)
        for stay_id, (record, row, _) in changes.stays.items():
            stays[record.key].append((stay_id, row))
        for record in arrivals:
            catalogue = catalogues[record.account.property_id]
            self._flag(record, found.reservations[record.key], stays[record.key], trees, catalogue, changes)
        flags = _flags(trees, changes)
        for reservation_id, record in _causes(arrivals, found, sifted, changes).items():
            self._compose(reservation_id, record, trees, changes, flags[reservation_id])

    def _flag(
        self,
        record: Incoming,
        reservation_id: UUID,
        stays: Sequence[StayRow],
        trees: Trees,
        catalogue: PropertyCatalogue,
        changes: Changes,
    ) -> None:
        account = record.account
        missing = rows.gaps(record, catalogue, rates_mapped=False)
        for gap in missing:
            changes.gaps[account.property_id, account.account_id, gap.kind, gap.code].append(reservation_id)
        for stay_id, row in stays:
            before = trees.stays.get(stay_id)
            row["flags"] = rows.stay_flags(row, before, unmapped=bool(missing))
            if before is not None and rows.ILLEGAL in row["flags"] and before["status"] != row["status"]:
                jump = (before["status"], row["status"])
                today = self._today(account.timezone)
                changes.cases.append(
                    collisions.illegal_jump(
                        account.property_id, reservation_id, str(stay_id), jump, row["arrival"], today
                    )
                )

    def _compose(
        self, reservation_id: UUID, record: Incoming, trees: Trees, changes: Changes, flags: Sequence[str]
    ) -> None:
        revisions = trees.revisions[reservation_id]
        before = trees.reservations.get(reservation_id)
        if not revisions:
            if before is not None:
                changes.reservations[reservation_id] = (record, _superseded(before), before)
            return
        composed = compose(revisions)
        sealed = self._seal_private(record.account.tenant_id, reservation_id, composed)
        row = rows.reservation_row(reservation_id, record, composed, flags, sealed)
        if before is not None:
            row["source"] = before["source"]
        changes.reservations[reservation_id] = (record, row, before)
        changes.composed[reservation_id] = composed

    def _seal_private(self, tenant_id: UUID, reservation_id: UUID, composed: Composed) -> tuple[bytes, bytes] | None:
        text = rows.private_text(composed)
        if text is None:
            return None
        place = f"reservations.private:{reservation_id}"
        return self._keys.seal(tenant_id, place, text), self._keys.digest(tenant_id, place, text)

    async def _compare(
        self, connection: Connection, tenant_id: UUID, trees: Trees, changes: Changes, sifted: Sifted
    ) -> None:
        """Drop what did not change, number what did, and name the outcome of every lane."""
        existing = [one for one, (_, _, before) in changes.reservations.items() if before is not None]
        if existing:
            changes.standing_nights.update(
                await reservations.nights(connection, tenant_id, [one for one in changes.stays if one in trees.stays])
            )
            for guest in await reservations.guests(connection, tenant_id, existing):
                changes.standing_guests[guest["reservation_id"]].append(guest)
            for line in await reservations.standing_lines(connection, tenant_id, existing):
                changes.standing_lines[line["reservation_id"]].append(line)
        changes.compare(trees.stays, self._keys, tenant_id)
        for record, _, reservation_id in changes.objects.values():
            sifted.outcomes[record.lane_key] = changes.outcome(reservation_id)
        for block_id, (record, _, before) in changes.blocks.items():
            known = Outcome.CHANGED if changes.of_block(block_id) else Outcome.SAME
            sifted.outcomes[record.lane_key] = Outcome.NEW if before is None else known

    def _today(self, zone: str) -> date:
        return self._clock.now().astimezone(ZoneInfo(zone)).date()


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


def _plan_retries(sifted: Sifted, trees: Trees, catalogues: Catalogues, changes: Changes) -> list[Move]:
    """An unchanged object whose room was refused tries again; its rows change only in their claim state."""
    moves = []
    for record, link in sifted.retry:
        catalogue = catalogues[record.account.property_id]
        before, block = trees.stays.get(link.object_id), trees.blocks.get(link.object_id)
        if before is not None and link.object_id not in changes.stays:
            row = {**before, "flags": ",".join(before["flags"])}
            moves.append(_move(record, row, before, catalogue))
            changes.retried[link.object_id] = (record, row)
        if block is not None and link.object_id not in changes.blocks:
            changes.blocks[link.object_id] = (record, {**block}, block)
            moves.append(_block_move(record, block, block, link.object_id, catalogue))
    return moves


def _settle_claims(moves: Sequence[Move], changes: Changes) -> None:
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


def _causes(arrivals: Sequence[Incoming], found: Identified, sifted: Sifted, changes: Changes) -> dict[UUID, Incoming]:
    """Name the record on whose account each touched reservation is composed anew: the first that touches it."""
    causes: dict[UUID, Incoming] = {}
    for record in arrivals:
        causes.setdefault(found.reservations[record.key], record)
    for record, link in sifted.retry:
        if link.reservation_id is not None:
            causes.setdefault(link.reservation_id, record)
    for left in changes.left:
        causes.setdefault(left, arrivals[0])
    return causes


def _flags(trees: Trees, changes: Changes) -> Mapping[UUID, list[str]]:
    """Gather the flags of each reservation's stays, as they will stand."""
    flags: defaultdict[UUID, list[str]] = defaultdict(list)
    for _, row, _ in changes.stays.values():
        flags[row["reservation_id"]].append(row["flags"])
    for stay_id, standing in trees.stays.items():
        if stay_id not in changes.stays:
            flags[standing["reservation_id"]].append(",".join(standing["flags"]))
    return flags


def _superseded(before: Row) -> dict[str, Any]:
    """A reservation whose stays all moved to another one holds nothing and says why."""
    return {**before, "status": "cancelled", "flags": "superseded", "blocks_inventory": False}


def _doubt(record: Incoming, here: UUID, there: UUID) -> Case:
    revision = revision_of(record)
    return collisions.identity_doubt(
        record.account.property_id, (here, there), revision.ref, channel_key_of(revision) or ""
    )
