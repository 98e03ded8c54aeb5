"""Writing: the changes of a batch, compared with what stands and then written table by table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from conflict import collisions
from pms_sync.apply import reviewing, rows
from pms_sync.apply.compose import Composed, StayKey
from pms_sync.apply.identify import channel_key_of
from pms_sync.apply.incoming import Incoming, Outcome
from pms_sync.apply.people import GuestWrite, guest_changes
from pms_sync.apply.states import LinkState, standing
from pms_sync.domain.case import REVIEW, Case
from pms_sync.domain.events import SILENT_KINDS
from pms_sync.domain.ids import NewId
from pms_sync.domain.reservation import Revision
from pms_sync.store import audit, cases, decisions, echoes, lanes, links, outbox, reservations
from pms_sync.store.database import Connection
from pms_sync.store.decisions import NewDecision
from pms_sync.store.lanes import NewEvent
from pms_sync.store.outbox import Planned
from pms_sync.store.sealing import KeyRing

Row = Mapping[str, Any]
LinkKey = tuple[UUID, str, str]
SealedLink = tuple[dict[str, Any], bytes | None, bytes | None]
StayChange = tuple[Incoming, dict[str, Any], list[rows.NightRow] | None]


class Changes(msgspec.Struct, kw_only=True):
    """Everything a batch is about to write; built by the planner, trimmed by `compare`, written by `write`.

    `made` are units of our own desk, (stay, reservation) by link; `states` what links remember of our side; `joined`
    stays that go on under another account's ref, and `yielded` those that turned out to be another stay once more.
    """

    events: list[NewEvent]
    doubts: list[tuple[UUID, str, str | None]]
    cases: list[Case] = []
    withdrawn: list[tuple[str, str]] = []
    gaps: defaultdict[tuple[UUID, UUID, str, str], list[UUID]] = msgspec.field(
        default_factory=lambda: defaultdict(list)
    )
    left: set[UUID] = set()
    headers: dict[LinkKey, UUID] = {}
    made: dict[StayKey, tuple[UUID, UUID]] = {}
    objects: dict[StayKey, tuple[Incoming, Revision, UUID]] = {}
    object_ids: dict[StayKey, UUID] = {}
    stays: dict[UUID, StayChange] = {}
    retried: dict[UUID, tuple[Incoming, dict[str, Any]]] = {}
    joined: dict[StayKey, UUID] = {}
    yielded: dict[UUID, Incoming] = {}
    blocks: dict[UUID, tuple[Incoming, dict[str, Any], Row | None]] = {}
    reservations: dict[UUID, tuple[Incoming, dict[str, Any], Row | None]] = {}
    composed: dict[UUID, Composed] = {}
    standing_nights: dict[UUID, set[rows.NightRow]] = {}
    standing_guests: defaultdict[UUID, list[Row]] = msgspec.field(default_factory=lambda: defaultdict(list))
    standing_lines: defaultdict[UUID, list[Row]] = msgspec.field(default_factory=lambda: defaultdict(list))
    told: dict[UUID, dict[str, Any]] = {}
    fresh_stays: set[UUID] = set()
    fresh_links: set[LinkKey] = set()
    fresh_nights: list[Row] = []
    nights: list[tuple[UUID, rows.NightRow]] = []
    dropped_nights: list[tuple[UUID, date]] = []
    guests: list[GuestWrite] = []
    dropped_guests: list[UUID] = []
    lines: list[tuple[UUID, rows.LineKey, UUID | None]] = []
    states: dict[StayKey, LinkState] = {}
    asked: dict[StayKey, list[Case]] = {}
    decisions: list[NewDecision] = []
    planned: list[Planned] = []
    echoes: dict[UUID, tuple[int, int]] = {}

    def compare(self, stay_rows: Mapping[UUID, Row], keys: KeyRing, tenant_id: UUID) -> None:
        """Keep only what differs from what stands, and number the reservations that changed."""
        news: defaultdict[UUID, dict[str, Any]] = defaultdict(dict)
        for stay_id, (_, row, nights) in list(self.stays.items()):
            before = stay_rows.get(stay_id)
            found = rows.changes(row, before)
            moved = self._compare_nights(stay_id, nights, new=before is None)
            if not found and not moved and before is not None and before["refused_ticket"] == row["refused_ticket"]:
                del self.stays[stay_id]
            if found and before is not None:
                news[row["reservation_id"]].update({f"stay.{row['vendor_ref']}.{k}": v for k, v in found.items()})
            if before is None or moved:
                news[row["reservation_id"]][f"stay.{row['vendor_ref']}"] = ["nights"] if before else []
        for reservation_id in list(self.reservations):
            self._compare_reservation(reservation_id, news[reservation_id], keys, tenant_id)

    def _compare_nights(self, stay_id: UUID, nights: list[rows.NightRow] | None, *, new: bool) -> bool:
        if nights is None:
            return False
        if new:
            self.fresh_stays.add(stay_id)
            if nights:
                self.fresh_nights.append(rows.new_nights(stay_id, nights))
            return bool(nights)
        standing = self.standing_nights.get(stay_id, set())
        wanted = set(nights)
        self.nights.extend((stay_id, night) for night in nights if night not in standing)
        dates = {night[0] for night in nights}
        self.dropped_nights.extend((stay_id, night[0]) for night in standing if night[0] not in dates)
        return wanted != standing

    def _compare_reservation(self, reservation_id: UUID, news: dict[str, Any], keys: KeyRing, tenant_id: UUID) -> None:
        _, row, before = self.reservations[reservation_id]
        found = rows.changes(row, before) | news
        composed = self.composed.get(reservation_id)
        if composed is not None:
            found |= self._compare_people(reservation_id, composed, keys, tenant_id)
            found |= self._compare_bill(reservation_id, composed)
        if not found:
            del self.reservations[reservation_id]
            return
        if before is not None:
            row["version"] = before["version"] + 1
        self.told[reservation_id] = found

    def _compare_people(
        self, reservation_id: UUID, composed: Composed, keys: KeyRing, tenant_id: UUID
    ) -> dict[str, Any]:
        standing = self.standing_guests.get(reservation_id, [])
        writes, drops = guest_changes(reservation_id, composed, standing, keys, tenant_id)
        self.guests.extend(writes)
        self.dropped_guests.extend(drops)
        return {f"guest.{one.role}": [] for one in writes} | ({"guest.companions": []} if drops else {})

    def _compare_bill(self, reservation_id: UUID, composed: Composed) -> dict[str, Any]:
        post, reverse = rows.bill_changes(composed, self.standing_lines.get(reservation_id, []))
        self.lines.extend((reservation_id, key, None) for key in post)
        for line in reverse:
            key = (line["vendor_ref"], line["kind"], line["text"], -line["amount"], line["currency"])
            self.lines.append((reservation_id, key, line["line_id"]))
        return {"folio_lines": [len(reverse), len(post)]} if post or reverse else {}

    def of_block(self, block_id: UUID) -> dict[str, Any]:
        """Return what differs of a block from what stood."""
        _, row, before = self.blocks[block_id]
        return rows.changes(row, before and {**before, "flags": []})

    def outcome(self, reservation_id: UUID) -> Outcome:
        """Say what the batch meant for a reservation."""
        change = self.reservations.get(reservation_id)
        if change is None:
            return Outcome.SAME
        return Outcome.NEW if change[2] is None else Outcome.CHANGED


async def write(connection: Connection, tenant_id: UUID, changes: Changes, keys: KeyRing, new_id: NewId) -> None:
    """Write the changes, parents before children, one statement a table; what is surely new is only added."""
    await _write_reservations(connection, tenant_id, changes)
    stays = [(stay_id in changes.fresh_stays, row) for stay_id, (_, row, _) in changes.stays.items()]
    await reservations.STAYS.add(connection, tenant_id, [row for fresh, row in stays if fresh])
    await reservations.STAYS.write(connection, tenant_id, [row for fresh, row in stays if not fresh])
    await reservations.BLOCKS.write(connection, tenant_id, [row for _, row, _ in changes.blocks.values()])
    await reservations.drop_nights(connection, tenant_id, changes.dropped_nights)
    await reservations.add_nights(connection, tenant_id, changes.fresh_nights)
    await reservations.NIGHTS.write(connection, tenant_id, rows.night_dicts(changes.nights))
    await _write_people(connection, tenant_id, changes, new_id)
    await reservations.LINES.add(
        connection, tenant_id, [rows.line_dict(new_id(), one, key, reverses) for one, key, reverses in changes.lines]
    )
    await _write_links(connection, tenant_id, changes, keys)
    await links.remember(connection, tenant_id, [standing(keys, tenant_id, one) for one in changes.states.values()])
    await decisions.add(connection, keys, tenant_id, changes.decisions)
    await links.doubt(connection, tenant_id, changes.doubts)
    await _write_cases(connection, tenant_id, changes, keys, new_id)
    await audit.append(connection, tenant_id, _entries(changes))
    await lanes.append(connection, _unique(changes.events))
    await outbox.plan(connection, tenant_id, changes.planned)
    await echoes.count(connection, tenant_id, changes.echoes)


async def _write_reservations(connection: Connection, tenant_id: UUID, changes: Changes) -> None:
    found = [(row, before is None) for _, row, before in changes.reservations.values()]
    fresh, known = ([row for row, new in found if new is wanted] for wanted in (True, False))
    await reservations.RESERVATIONS.add(connection, tenant_id, fresh, *_private(fresh))
    await reservations.RESERVATIONS.write(connection, tenant_id, known, *_private(known))


def _private(found: Sequence[dict[str, Any]]) -> list[list[bytes | None]]:
    return [[row.pop(name) for row in found] for name in ("private", "private_digest")]


async def _write_people(connection: Connection, tenant_id: UUID, changes: Changes, new_id: NewId) -> None:
    await reservations.drop_guests(connection, tenant_id, changes.dropped_guests)
    fresh = [one for one in changes.guests if one.guest_id is None]
    known = [one for one in changes.guests if one.guest_id is not None]
    for write_rows, guests in ((reservations.GUESTS.add, fresh), (reservations.GUESTS.write, known)):
        contacts, digests = [one.contact for one in guests], [one.digest for one in guests]
        await write_rows(connection, tenant_id, [one.as_row(new_id) for one in guests], contacts, digests)


async def _write_links(connection: Connection, tenant_id: UUID, changes: Changes, keys: KeyRing) -> None:
    found: dict[LinkKey, SealedLink] = {}
    for key, owner in changes.headers.items():
        found[key] = _link(key, owner, owner), None, None
    for (account_id, ref), (stay_id, reservation_id) in changes.made.items():
        key = (account_id, "stay", ref)
        found[key] = _link(key, stay_id, reservation_id), None, None
    for (account_id, ref), (record, revision, reservation_id) in changes.objects.items():
        key = (account_id, "stay", ref)
        row = _link(key, changes.object_ids[account_id, ref], reservation_id, record)
        row |= {"group_ref": revision.ref, "channel_key": channel_key_of(revision)}
        found[key] = row, _remote(keys, tenant_id, key, revision), record.digest
    for block_id, (record, _, _) in changes.blocks.items():
        key = (record.account.account_id, "block", record.ref)
        found[key] = _link(key, block_id, None, record), _remote(keys, tenant_id, key, record.mapped), record.digest
    fresh = [one for key, one in found.items() if key in changes.fresh_links]
    known = [one for key, one in found.items() if key not in changes.fresh_links]
    for write_rows, chosen in ((links.LINKS.add, fresh), (links.LINKS.write, known)):
        if chosen:
            told, remotes, digests = zip(*chosen, strict=True)
            await write_rows(connection, tenant_id, told, remotes, digests)


def _link(key: LinkKey, object_id: UUID, reservation_id: UUID | None, record: Incoming | None = None) -> dict[str, Any]:
    """Return a link's row; what no record tells is as in a link that was never read."""
    return {
        "account_id": key[0],
        "level": key[1],
        "vendor_ref": key[2],
        "object_id": object_id,
        "reservation_id": reservation_id,
        "remote_version": record.mapped.version if record else None,
        "raw_id": record.raw_id if record else None,
        "read_ticket": record.ticket if record else 0,
        "crosswalk_version": record.account.crosswalk_version if record else 0,
        "missing_reads": 0,
    }


def _remote(keys: KeyRing, tenant_id: UUID, key: LinkKey, told: msgspec.Struct) -> bytes:
    return keys.seal(tenant_id, links.place(*key), msgspec.msgpack.encode(told))


async def _write_cases(connection: Connection, tenant_id: UUID, changes: Changes, keys: KeyRing, new_id: NewId) -> None:
    missing = [collisions.unmapped(*key, reservation_ids) for key, reservation_ids in changes.gaps.items()]
    asked = [case for found in changes.asked.values() for case in found if case.kind != REVIEW]
    opened = [*changes.cases, *missing, *asked]
    cause = _cause(changes)
    await cases.open_cases(connection, tenant_id, opened, new_id, cause)
    await cases.withdraw_others(connection, tenant_id, changes.asked, cause)
    still = {(case.kind, case.subject) for case in opened}
    gone: defaultdict[str, list[str]] = defaultdict(list)
    for kind, subject in changes.withdrawn:
        if (kind, subject) not in still:
            gone[kind].append(subject)
    for kind in sorted(gone):
        await cases.withdraw(connection, tenant_id, kind, gone[kind], cause)
    await reviewing.write(connection, tenant_id, keys, changes.asked, new_id, cause)


def _cause(changes: Changes) -> cases.Cause:
    """Name what made the cases: any record of the batch that is no history, else history."""
    records = [record for record, _, _ in (*changes.stays.values(), *changes.blocks.values())]
    records += [record for record, _, _ in changes.objects.values()]
    live = [record for record in records if record.kind not in SILENT_KINDS]
    chosen = next(iter(live or records), None)
    return cases.Cause(chosen.kind, chosen.correlation_id) if chosen else cases.LIVE


def _entries(changes: Changes) -> list[audit.Entry]:
    entries = [
        audit.Entry(
            actor=record.actor,
            action="reservation.created" if before is None else "reservation.updated",
            entity_type="reservation",
            entity_id=str(reservation_id),
            fields=changes.told[reservation_id],
            correlation_id=record.correlation_id,
        )
        for reservation_id, (record, _, before) in changes.reservations.items()
    ]
    entries += [
        audit.Entry(
            actor=record.actor,
            action="block.created" if before is None else "block.updated",
            entity_type="block",
            entity_id=str(block_id),
            fields=fields,
            correlation_id=record.correlation_id,
        )
        for block_id, (record, _, before) in changes.blocks.items()
        if (fields := changes.of_block(block_id))
    ]
    return entries


def _unique(events: list[NewEvent]) -> list[NewEvent]:
    """One more read of an object is enough, however many reasons there are."""
    latest: dict[str, NewEvent] = {}
    for event in events:
        known = latest.get(event.lane_key)
        if known is None or event.not_before_s > known.not_before_s:
            latest[event.lane_key] = event
    return list(latest.values())
