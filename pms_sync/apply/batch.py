"""The apply transaction: load the trees, compose, compare, write; for a whole batch of one tenant at once.

Locks are taken in the one order of the house: identity, reservation, units, claims, type counters, and last the lane.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from conflict import collisions
from pms_sync.apply import rows, states, telling, turning
from pms_sync.apply.compose import Composed, StayKey, compose
from pms_sync.apply.identify import Identified, channel_key_of, identify, revision_of
from pms_sync.apply.incoming import Incoming, Outcome
from pms_sync.apply.occupancy import Move, Occupied, occupy
from pms_sync.apply.planning import Planner, Told, is_taken
from pms_sync.apply.sift import Sifted, reread, sift
from pms_sync.apply.states import Row, Trees
from pms_sync.apply.taking import (
    Catalogues,
    Ground,
    plan_blocks,
    plan_retries,
    plan_stays,
    plan_yielded,
    settle_claims,
    yielded,
)
from pms_sync.apply.tongues import Tongues
from pms_sync.apply.underway import UnderWay, under_way
from pms_sync.apply.waiting import LOOK_AGAIN_S, look_alikes
from pms_sync.apply.writing import Changes, write
from pms_sync.domain.case import Case
from pms_sync.domain.clock import Clock
from pms_sync.domain.ids import NewId
from pms_sync.domain.reservation import Revision
from pms_sync.ports.mapper import Mapper
from pms_sync.store import events_out, links, raw, reservations
from pms_sync.store.crosswalk import PropertyCatalogue
from pms_sync.store.database import Connection
from pms_sync.store.sealing import KeyRing

StayRow = tuple[UUID, dict[str, Any]]


class Applier:
    """Applies batches; holds no state between them."""

    def __init__(
        self,
        keys: KeyRing,
        clock: Clock,
        new_id: NewId,
        mappers: Mapping[str, Mapper] | None = None,
        on_echo: Callable[[str, int], None] = lambda _kind, _count: None,
    ) -> None:
        """Take the keys that open the trees, time and ids as ports, and how vendors are spoken to, by vendor.

        `on_echo` hears of our own changes that came home, as they were sent (`suppressed`) or not (`near_miss`).
        """
        self.tongues = Tongues(mappers or {})
        self.keys, self.new_id = keys, new_id
        self._clock, self._on_echo = clock, on_echo

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
        await self.write(connection, tenant_id, changes)
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
        fresh = await self.with_raw_ids(connection, sifted.fresh)
        arrivals = [one for one in fresh if isinstance(one.mapped, Revision)]
        waiting = await look_alikes(connection, self.keys, tenant_id, arrivals, known)
        for one in waiting:
            changes.events.append(reread(tenant_id, one.account.account_id, one.stream, one.ref, one, LOOK_AGAIN_S))
            sifted.outcomes[one.lane_key] = Outcome.WAITING
        fresh, arrivals = _without(waiting, fresh), _without(waiting, arrivals)
        found = await identify(connection, tenant_id, arrivals, known, self.new_id)
        old = {link.reservation_id for link in known.values() if link.reservation_id is not None}
        touched = (old | set(found.reservations.values())) - found.new_ids
        blocks = [link.object_id for link in known.values() if link.level == "block"]
        trees = await states.load(connection, self.keys, tenant_id, touched, blocks)
        read = [trees.links[one.key] for one in arrivals if one.key in trees.links]
        sent = await under_way(connection, self.keys, tenant_id, read)
        tongues = await self.tongues.of(connection, _spoken(arrivals, found, trees, sent))
        told = Planner(trees, tongues, changes, self.keys, self.today, sent).arrivals(arrivals, found, known)
        _link_up(told, found, trees, known, changes)
        ground = Ground(tenant_id, trees, catalogues, changes)
        moves = [*plan_blocks(fresh, known, ground, self.new_id), *plan_retries(sifted, ground)]
        await self.put(connection, ground, told, moves, sifted.retry)
        for record, _, reservation_id in changes.objects.values():
            sifted.outcomes[record.lane_key] = changes.outcome(reservation_id)
        for block_id, (record, _, before) in changes.blocks.items():
            kept = Outcome.CHANGED if changes.of_block(block_id) else Outcome.SAME
            sifted.outcomes[record.lane_key] = Outcome.NEW if before is None else kept

    async def write(self, connection: Connection, tenant_id: UUID, changes: Changes) -> None:
        """Write what was planned and put."""
        await write(connection, tenant_id, changes, self.keys, self.new_id)
        if (changes.reservations or changes.blocks) and await events_out.wanted(connection, tenant_id):
            await events_out.append(connection, tenant_id, telling.told(changes))
        for same, other in changes.echoes.values():
            self._on_echo("suppressed", same)
            self._on_echo("near_miss", other)

    async def put(
        self,
        connection: Connection,
        ground: Ground,
        told: Sequence[Told],
        moves: Sequence[Move] = (),
        retry: Sequence[tuple[Incoming, links.Link]] = (),
    ) -> Occupied:
        """Let units stand as told: occupy what they take, compose what they belong to, and keep what differs."""
        tenant_id, trees, catalogues, changes = ground.tenant_id, ground.trees, ground.catalogues, ground.changes
        planned = [*plan_stays(told, ground, self.new_id), *moves]
        occupied = await occupy(connection, tenant_id, [*planned, *plan_yielded(ground)], self.today)
        changes.events.extend(occupied.events)
        changes.cases.extend(occupied.cases)
        changes.withdrawn.extend(occupied.withdrawn)
        settle_claims(planned, changes)
        self._finish(told, retry, trees, catalogues, changes)
        changes.stays |= {one: (record, yielded(trees.stays[one]), None) for one, record in changes.yielded.items()}
        await self._compare(connection, tenant_id, trees, changes)
        return occupied

    async def with_raw_ids(self, connection: Connection, fresh: Sequence[Incoming]) -> list[Incoming]:
        """Store the bodies that are not stored yet, and return the records with the ids of theirs."""
        unsaved = [one for one in fresh if one.raw_id is None]
        if not unsaved:
            return list(fresh)
        stored = await raw.insert(
            connection,
            self.keys,
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

    def _finish(
        self,
        told: Sequence[Told],
        retry: Sequence[tuple[Incoming, links.Link]],
        trees: Trees,
        catalogues: Catalogues,
        changes: Changes,
    ) -> None:
        """Compose every touched reservation now that its stays' claims are known."""
        stays: defaultdict[StayKey, list[StayRow]] = defaultdict(list)
        for stay_id, (record, row, _) in changes.stays.items():
            stays[record.key].append((stay_id, row))
        for one in told:
            catalogue = catalogues[one.account.property_id]
            self._flag(one.record, one.reservation_id, stays[one.record.key], trees, catalogue, changes)
        flags = _flags(trees, changes)
        for reservation_id, record in _causes(told, retry, changes).items():
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
                today = self.today(account.timezone)
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
        return self.keys.seal(tenant_id, place, text), self.keys.digest(tenant_id, place, text)

    async def _compare(self, connection: Connection, tenant_id: UUID, trees: Trees, changes: Changes) -> None:
        """Drop what did not change, and number what did."""
        existing = [one for one, (_, _, before) in changes.reservations.items() if before is not None]
        if existing:
            changes.standing_nights.update(
                await reservations.nights(connection, tenant_id, [one for one in changes.stays if one in trees.stays])
            )
            for guest in await reservations.guests(connection, tenant_id, existing):
                changes.standing_guests[guest["reservation_id"]].append(guest)
            for line in await reservations.standing_lines(connection, tenant_id, existing):
                changes.standing_lines[line["reservation_id"]].append(line)
        changes.compare(trees.stays, self.keys, tenant_id)

    def now(self) -> datetime:
        """Return the current instant, UTC."""
        return self._clock.now()

    def today(self, zone: str) -> date:
        """Return the date in a zone."""
        return self._clock.now().astimezone(ZoneInfo(zone)).date()


def _without(waiting: Sequence[Incoming], records: Sequence[Incoming]) -> list[Incoming]:
    keys = {one.lane_key for one in waiting}
    return [one for one in records if one.lane_key not in keys]


def _causes(
    told: Sequence[Told], retry: Sequence[tuple[Incoming, links.Link]], changes: Changes
) -> dict[UUID, Incoming]:
    """Name the record on whose account each touched reservation is composed anew: the first that touches it."""
    causes: dict[UUID, Incoming] = {}
    for one in told:
        causes.setdefault(one.reservation_id, one.record)
    for record, link in retry:
        if link.reservation_id is not None:
            causes.setdefault(link.reservation_id, record)
    for left in changes.left:
        causes.setdefault(left, told[0].record)
    return causes


def _spoken(arrivals: Sequence[Incoming], found: Identified, trees: Trees, sent: UnderWay) -> set[UUID]:
    """Name the accounts whose terms are needed: none at all where what vendors say is simply taken."""
    by_reservation: defaultdict[UUID, set[UUID]] = defaultdict(set)
    for state in trees.links.values():
        by_reservation[state.reservation_id].add(state.key[0])
    needed: set[UUID] = set()
    for record in arrivals:
        accounts = by_reservation.get(found.reservations[record.key], set())
        known = trees.links.get(record.key)
        if known is not None and known.reservation_id != found.reservations[record.key]:
            accounts = accounts | by_reservation[known.reservation_id]
        alone = accounts <= {record.account.account_id}
        plain = alone and (known is None or is_taken(trees, known, revision_of(record), sent))
        if not plain:
            needed |= accounts | {record.account.account_id}
    return needed - {links.DESK}


def _link_up(
    told: Sequence[Told],
    found: Identified,
    trees: Trees,
    known: Mapping[tuple[UUID, str, str], links.Link],
    changes: Changes,
) -> None:
    """Note which links are new, which reservations they now belong to, and where that is in doubt."""
    for one in told:
        record = one.record
        account_id, ref = record.key
        if (account_id, "stay", ref) not in known:
            changes.fresh_links.add((account_id, "stay", ref))
        if record.key in found.regrouped:
            header = (account_id, "reservation", revision_of(record).ref)
            changes.headers[header] = one.reservation_id
            if one.reservation_id not in trees.reservations:
                changes.fresh_links.add(header)
    for record, here, there in found.doubts:
        changes.cases.append(_doubt(record, here, there))


def _flags(trees: Trees, changes: Changes) -> Mapping[UUID, list[str]]:
    """Gather the flags of each reservation's stays, as they will stand."""
    flags: defaultdict[UUID, list[str]] = defaultdict(list)
    for _, row, _ in changes.stays.values():
        flags[row["reservation_id"]].append(row["flags"])
    for stay_id, standing in trees.stays.items():
        if stay_id not in changes.stays and stay_id not in changes.yielded and rows.JOINED not in standing["flags"]:
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
