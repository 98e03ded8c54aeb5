"""Landing: a batch's records become the store's truth, and its events are acknowledged, in one transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

import msgspec

from conflict import collisions
from pms_sync.apply import housekeeping
from pms_sync.apply.batch import Applier
from pms_sync.apply.incoming import Incoming
from pms_sync.apply.sift import reread
from pms_sync.domain.digest import record_digest
from pms_sync.domain.errors import MappingRejected
from pms_sync.domain.ids import NewId
from pms_sync.domain.reservation import Block, Revision
from pms_sync.domain.room_status import STREAM as ROOM_STATUS
from pms_sync.domain.room_status import RoomStatus
from pms_sync.ingest.batch import Batch, LaneWork, raw_work
from pms_sync.ingest.lifting import lifted
from pms_sync.ingest.valve import Valve
from pms_sync.ports.connector import Missing, Record
from pms_sync.ports.mapper import Crosswalk, Mapper, MappingContext
from pms_sync.store import accounts, cases, crosswalk, lanes, links, raw
from pms_sync.store.accounts import Account
from pms_sync.store.crosswalk import PropertyCatalogue
from pms_sync.store.database import Connection, Database
from pms_sync.store.lanes import LIVE, Lane, NewEvent, Verdict
from pms_sync.store.sealing import KeyRing

_READS_THAT_PROVE = 2
_ABSENT_WAIT_S = 2.0
_LANDED = frozenset({"new", "changed"})
# What landed, or repeats what did, is the last word about its object; what was kept out is not.
_LAST_WORD = frozenset({"new", "changed", "same", "duplicate", "parked"})
Told = Callable[[str, int], None]


class LeaseLost(Exception):
    """Another worker owns some of the lanes by now; their effects must not be written."""

    def __init__(self, lost: set[str]) -> None:
        """Name the lanes."""
        super().__init__(f"{len(lost)} lanes are no longer ours")
        self.lost = lost


class Rejected(msgspec.Struct, frozen=True):
    """A record that the mapper does not know how to read."""

    work: LaneWork
    path: str
    why: str
    digest: bytes | None = None


class Sorted(msgspec.Struct, frozen=True):
    """A batch after mapping."""

    incoming: list[Incoming] = []
    rejected: list[Rejected] = []
    missing: list[LaneWork] = []


class Landing:
    """Lands batches; keeps the crosswalk and catalogue of each version it has seen."""

    def __init__(
        self,
        database: Database,
        keys: KeyRing,
        applier: Applier,
        new_id: NewId,
        told: Told = lambda _outcome, _count: None,
    ) -> None:
        """Take the store's parts; `told` counts outcomes after commit."""
        self._database = database
        self._keys = keys
        self._applier = applier
        self._new_id = new_id
        self._told = told
        self._valve = Valve(new_id)
        self._crosswalks: dict[tuple[UUID, int], Crosswalk] = {}
        self._catalogues: dict[tuple[UUID, int], PropertyCatalogue] = {}

    async def opened(self, claimed: Sequence[Lane]) -> list[LaneWork]:
        """Make work of lanes whose records were read already: the newest read of each, from its sealed body."""
        newest = [(lane, max(lane.events, key=lambda event: event.read_ticket or 0)) for lane in claimed]
        async with self._database.connection() as connection:
            bodies = await raw.load(connection, self._keys, [event.raw_id for _, event in newest if event.raw_id])
        return [raw_work(lane, event, bodies) for lane, event in newest]

    async def land(self, batch: Batch) -> Counter[str]:
        """Map, apply and acknowledge; lanes lost to another worker are left out and the rest lands."""
        try:
            outcomes = await self._database.once_more(lambda: self._land(batch))
        except LeaseLost as lease:
            kept = tuple(work for work in batch.works if work.lane.lane_key not in lease.lost)
            return await self.land(msgspec.structs.replace(batch, works=kept)) if kept else Counter()
        self._tell(outcomes)
        return outcomes

    async def park(self, batch: Batch, reason: str) -> Counter[str]:
        """Park the batch's records with a reason, since the store refused them."""
        tenant_id = batch.runtime.account.tenant_id
        async with self._database.transaction(tenant_id) as connection:
            [account] = await accounts.load(connection, [batch.runtime.account.account_id])
            mapper, codes = batch.runtime.mapper, account.crosswalk_version
            rejected = [Rejected(work, "", reason, _digest(work.found, mapper, codes)) for work in batch.works]
            verdicts = await self._parked(connection, account, rejected)
            await self._acknowledge(connection, batch, verdicts)
        outcomes = Counter({"parked": len(batch.works)})
        self._tell(outcomes)
        return outcomes

    def _tell(self, outcomes: Counter[str]) -> None:
        for outcome, number in outcomes.items():
            self._told(outcome, number)

    async def _land(self, batch: Batch) -> Counter[str]:
        tenant_id = batch.runtime.account.tenant_id
        async with self._database.transaction(tenant_id) as connection:
            [account] = await accounts.load(connection, [batch.runtime.account.account_id])
            catalogue = await self._catalogue(connection, account)
            sorted_ = self._map(batch, account, await self._crosswalk(connection, account))
            ended = await lifted(connection, self._keys, account, batch.runtime.mapper, sorted_.missing)
            outcomes = await self._valve.held(connection, account, sorted_.incoming)
            let_in = [one for one in (*sorted_.incoming, *ended) if one.lane_key not in outcomes]
            rooms = [one for one in let_in if isinstance(one.mapped, RoomStatus)]
            others = [one for one in let_in if not isinstance(one.mapped, RoomStatus)]
            if others:
                catalogues = {account.property_id: catalogue}
                found = await self._applier.apply(connection, tenant_id, others, catalogues)
                outcomes |= {key: str(outcome) for key, outcome in found.items()}
                await self._look_where_it_was(connection, tenant_id, others, outcomes)
            if rooms:
                found = await housekeeping.keep(connection, self._applier, tenant_id, rooms, catalogue)
                outcomes |= {key: str(outcome) for key, outcome in found.items()}
            gone = {one.lane_key for one in ended}
            missing = [work for work in sorted_.missing if work.lane.lane_key not in gone]
            outcomes |= await self._missing(connection, account, missing)
            verdicts = await self._parked(connection, account, sorted_.rejected)
            verdicts += _verdicts(batch, outcomes)
            await self._acknowledge(connection, batch, verdicts)
        return Counter([*outcomes.values(), *("parked" for _ in sorted_.rejected)])

    async def _acknowledge(self, connection: Connection, batch: Batch, verdicts: Sequence[Verdict]) -> None:
        keys = [work.lane.lane_key for work in batch.works]
        held = await lanes.fence(connection, keys, batch.owner)
        if len(held) != len(keys):
            raise LeaseLost(set(keys) - held)
        await lanes.acknowledge(connection, keys, verdicts)
        spoken = {verdict.event_id for verdict in verdicts if verdict.outcome in _LAST_WORD}
        last = [work for work in batch.works if work.chosen.event_id in spoken]
        landed = [lanes.Landed(work.lane.lane_key, work.ticket, work.chosen.event_id) for work in last]
        await lanes.supersede(connection, landed)

    def _map(self, batch: Batch, account: Account, walk: Crosswalk) -> Sorted:
        mapper = batch.runtime.mapper
        context = MappingContext(
            property_code=account.property_code, zone=account.timezone, currency=account.currency, crosswalk=walk
        )
        result = Sorted()
        for work in batch.works:
            record = work.found
            if isinstance(record, Missing):
                result.missing.append(work)
                continue
            try:
                mapped = mapper.to_revisions(work.lane.stream, record.body, context)
            except MappingRejected as rejected:
                why = f"{rejected.why} ({rejected.value})"
                result.rejected.append(Rejected(work, rejected.path, why, _digest(record, mapper, walk.version)))
                continue
            objects: list[Revision | Block | RoomStatus] = [*mapped.revisions, *mapped.blocks, *mapped.room_statuses]
            if len(objects) != 1:
                why = "the record holds no object, or several"
                result.rejected.append(Rejected(work, "", why, _digest(record, mapper, walk.version)))
                continue
            result.incoming.append(
                Incoming(
                    account=account,
                    lane_key=work.lane.lane_key,
                    stream=work.lane.stream,
                    ref=work.lane.ref,
                    kind=_kind(work),
                    mapped=objects[0],
                    unmapped=mapped.unmapped,
                    body=record.body,
                    raw_id=work.raw_id,
                    digest=record_digest(record.body, mapper.version, walk.version),
                    ticket=work.ticket,
                    direct=work.direct,
                    correlation_id=work.chosen.correlation_id,
                )
            )
        return result

    async def _look_where_it_was(
        self, connection: Connection, tenant_id: UUID, incoming: Sequence[Incoming], outcomes: Mapping[str, str]
    ) -> None:
        """Read an object again under the properties that hold it too: a booking can be moved within one login."""
        landed = {one.ref: one for one in incoming if outcomes.get(one.lane_key) in _LANDED}
        reads = [(*one.key, one.ticket) for one in landed.values()]
        held = await links.held_elsewhere(connection, tenant_id, reads, _READS_THAT_PROVE)
        moved = [reread(tenant_id, account_id, landed[ref].stream, ref, landed[ref]) for account_id, ref in held]
        await lanes.append(connection, moved)

    async def _missing(self, connection: Connection, account: Account, works: Sequence[LaneWork]) -> dict[str, str]:
        """Absence is never a deletion: read twice, then a person decides (ARCHITECTURE §7)."""
        # A room that is not shown is no object that ends; its ref may be the same text as a booking's.
        by_ref = {work.lane.ref: work for work in works if work.lane.stream != ROOM_STATUS}
        if not by_ref:
            return {work.lane.lane_key: _absence(work) for work in works}
        counted = await links.count_missing(connection, account.tenant_id, account.account_id, list(by_ref))
        again = [one for one in counted if one.missing_reads < _READS_THAT_PROVE]
        await lanes.append(
            connection,
            [
                NewEvent(
                    tenant_id=account.tenant_id,
                    account_id=account.account_id,
                    kind="reconcile",
                    stream=by_ref[one.vendor_ref].lane.stream,
                    ref=one.vendor_ref,
                    correlation_id=by_ref[one.vendor_ref].chosen.correlation_id,
                    priority=LIVE,
                    not_before_s=_ABSENT_WAIT_S,
                )
                for one in again
            ],
        )
        vanished = [
            collisions.vanished(
                account.property_id,
                one.reservation_id,
                one.vendor_ref,
                collisions.object_subject(one.level, one.object_id),
                moved_to=_moved_to(by_ref[one.vendor_ref]),
            )
            for one in counted
            if one.missing_reads >= _READS_THAT_PROVE
        ]
        await cases.open_cases(connection, account.tenant_id, vanished, self._new_id)
        return {work.lane.lane_key: _absence(work) for work in works}

    async def _parked(self, connection: Connection, account: Account, rejected: Sequence[Rejected]) -> list[Verdict]:
        unsaved = [one for one in rejected if one.work.raw_id is None and isinstance(one.work.found, Record)]
        stored = await raw.insert(connection, self._keys, [_raw(account, one) for one in unsaved]) if unsaved else []
        raw_ids = dict(zip((one.work.lane.lane_key for one in unsaved), stored, strict=True))
        verdicts = []
        for one in rejected:
            chosen = one.work.chosen
            for event in one.work.lane.events:
                newest = event.event_id == chosen.event_id
                verdicts.append(
                    Verdict(
                        event_id=event.event_id,
                        state="parked" if newest else "done",
                        outcome="parked" if newest else "superseded",
                        raw_id=raw_ids.get(one.work.lane.lane_key) if newest else None,
                        digest=one.digest if newest else None,
                        read_ticket=one.work.ticket if newest and one.work.direct else None,
                        park_path=one.path if newest else None,
                        park_reason=one.why if newest else None,
                    )
                )
        return verdicts

    async def _crosswalk(self, connection: Connection, account: Account) -> Crosswalk:
        key = (account.account_id, account.crosswalk_version)
        if key not in self._crosswalks:
            self._crosswalks[key] = await crosswalk.load_crosswalk(connection, account)
        return self._crosswalks[key]

    async def _catalogue(self, connection: Connection, account: Account) -> PropertyCatalogue:
        key = (account.property_id, account.catalogue_version)
        if key not in self._catalogues:
            self._catalogues[key] = await crosswalk.load_catalogue(connection, account.tenant_id, account.property_id)
        return self._catalogues[key]


def _verdicts(batch: Batch, outcomes: dict[str, str]) -> list[Verdict]:
    verdicts = []
    for work in batch.works:
        outcome = outcomes.get(work.lane.lane_key)
        if outcome is None:
            continue
        for event in work.lane.events:
            newest = event.event_id == work.chosen.event_id
            reason = _why_ignored(work, outcome)
            verdicts.append(
                Verdict(
                    event_id=event.event_id,
                    state="ignored" if reason else "done",
                    outcome=outcome if newest else "superseded",
                    park_reason=reason,
                )
            )
    return verdicts


def _digest(found: Record | Missing, mapper: Mapper, codes: int) -> bytes | None:
    return record_digest(found.body, mapper.version, codes) if isinstance(found, Record) else None


def _kind(work: LaneWork) -> str:
    kinds = {event.kind for event in work.lane.events}
    return "reconcile" if "reconcile" in kinds else work.chosen.kind


def _absence(work: LaneWork) -> str:
    assert isinstance(work.found, Missing)  # noqa: S101 - narrows the type
    return "not_ours" if work.found.reason == "not_ours" else "absent"


def _why_ignored(work: LaneWork, outcome: str) -> str | None:
    """Say why an event came to nothing, None where it came to something."""
    if outcome == "not_ours":
        place = _moved_to(work)
        return f"it belongs to property {place}" if place else "it belongs to another property"
    if outcome != "absent":
        return None
    return "the vendor does not show it" if work.direct else "its raw record is past its months"


def _moved_to(work: LaneWork) -> str | None:
    return work.found.property_ref if isinstance(work.found, Missing) else None


def _raw(account: Account, rejected: Rejected) -> raw.RawRecord:
    record = rejected.work.found
    assert isinstance(record, Record)  # noqa: S101 - narrows the type
    return raw.RawRecord(
        tenant_id=account.tenant_id,
        account_id=account.account_id,
        stream=record.stream,
        ref=record.ref,
        body=record.body,
        digest=raw.body_digest(record.body),
    )
