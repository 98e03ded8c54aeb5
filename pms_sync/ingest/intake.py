"""Intake: turns one page of a listing into stored records and work on lanes, leaving out what is known already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from pms_sync.domain.ids import NewId
from pms_sync.ingest.batch import AccountRuntime
from pms_sync.observe.logs import get_logger
from pms_sync.ports.connector import Page, Record
from pms_sync.store import accounts, lanes, raw, seen
from pms_sync.store.accounts import Account
from pms_sync.store.database import Connection
from pms_sync.store.lanes import BACKFILL, POLL, NewEvent, Verdict
from pms_sync.store.recognise import Recognised, is_ref, recognise, unreadable_ref
from pms_sync.store.sealing import KeyRing

Kind = Literal["poll", "backfill", "reconcile"]

LANE_PRIORITY: dict[Kind, int] = {"poll": POLL, "reconcile": POLL, "backfill": BACKFILL}
_WHY_LIMIT = 500

_log = get_logger(__name__)


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """What a page came to: rows seen, rows that are new work, and rows parked because they cannot be read."""

    records: int = 0
    new: int = 0
    parked: int = 0


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    """A row ready to be stored; `path` is set where it goes straight to the parked ones."""

    ref: str
    body: bytes
    body_digest: bytes
    digest: bytes
    path: str | None = None
    why: str | None = None


class Intake:
    """Stores pages; holds no state between them."""

    def __init__(self, keys: KeyRing, new_id: NewId) -> None:
        """Take the keys that seal bodies, and ids as a port."""
        self._keys, self._new_id = keys, new_id

    async def take(
        self, connection: Connection, runtime: AccountRuntime, stream: str, page: Page, *, kind: Kind, ticket: int
    ) -> Taken:
        """Store what the page tells anew, inside a transaction of the account's tenant.

        `ticket` is the read ticket drawn before the vendor was asked. Cards are removed before anything is digested.
        """
        [account] = await accounts.load(connection, [runtime.account.account_id])  # its crosswalk may have moved on
        rows = _without_repeats(self._rows(runtime, account.crosswalk_version, page))
        known = await seen.load(
            connection, account.tenant_id, account.account_id, stream, sorted({row.ref for row in rows})
        )
        fresh = [row for row in rows if not known.has(row.ref, row.digest)]
        if fresh:
            await self._store(connection, runtime, stream, fresh, kind, ticket)
        parked = sum(row.path is not None for row in fresh)
        hinted = await self._hint(connection, account, stream, page, kind) if page.sightings else 0
        seen_rows = len(page.records) + len(page.sightings) + len(page.rejected)
        return Taken(records=seen_rows, new=len(fresh) - parked + hinted, parked=parked)

    async def _hint(self, connection: Connection, account: Account, stream: str, page: Page, kind: Kind) -> int:
        """Let what a listing only names be fetched, unless that version of it is held or a fetch is waiting."""
        named = {one.ref: one.version for one in page.sightings if is_ref(one.ref)}
        refs = sorted(named)
        held = await seen.versions(connection, account.tenant_id, account.account_id, refs)
        asked = await seen.asked_for(connection, account.account_id, stream, refs)
        correlation_id = str(self._new_id())
        events = [
            NewEvent(
                tenant_id=account.tenant_id,
                account_id=account.account_id,
                kind=kind,
                stream=stream,
                ref=ref,
                correlation_id=correlation_id,
                priority=LANE_PRIORITY[kind],
            )
            for ref in refs
            if ref not in asked and (not named[ref] or held.get(ref) != named[ref])
        ]
        await lanes.append(connection, events)
        return len(events)

    def _rows(self, runtime: AccountRuntime, codes: int, page: Page) -> list[_Row]:
        ours = runtime.account.property_ref
        foreign = sum(record.property_ref != ours for record in page.records)
        if foreign:
            _log.warning("foreign_records", account_id=str(runtime.account.account_id), count=foreign)
        kept = [_readable(runtime, codes, record) for record in page.records if record.property_ref == ours]
        return kept + [_unreadable(runtime, codes, row.body, row.path, row.why) for row in page.rejected]

    async def _store(
        self,
        connection: Connection,
        runtime: AccountRuntime,
        stream: str,
        rows: Sequence[_Row],
        kind: Kind,
        ticket: int,
    ) -> None:
        raw_ids = await raw.insert(connection, self._keys, [_raw_record(runtime, stream, row) for row in rows])
        correlation_id = str(self._new_id())
        events = [
            NewEvent(
                tenant_id=runtime.account.tenant_id,
                account_id=runtime.account.account_id,
                kind=kind,
                stream=stream,
                ref=row.ref,
                correlation_id=correlation_id,
                raw_id=raw_id,
                read_ticket=ticket,
                digest=row.digest,
                priority=LANE_PRIORITY[kind],
            )
            for row, raw_id in zip(rows, raw_ids, strict=True)
        ]
        event_ids = await lanes.append(connection, events)
        await _park(connection, list(zip(rows, events, event_ids, strict=True)))


async def _park(connection: Connection, stored: Iterable[tuple[_Row, NewEvent, int]]) -> None:
    """Close the events of unreadable rows at once; their lanes hold nothing else and go."""
    bad = [(row, event, event_id) for row, event, event_id in stored if row.path is not None]
    if bad:
        verdicts = [
            Verdict(event_id=event_id, state="parked", outcome="parked", park_path=row.path, park_reason=row.why)
            for row, _, event_id in bad
        ]
        await lanes.acknowledge(connection, [event.lane_key for _, event, _ in bad], verdicts)


def _readable(runtime: AccountRuntime, codes: int, record: Record) -> _Row:
    if not is_ref(record.ref):
        why = "the object is named by something that is no reference"
        return _unreadable(runtime, codes, record.body, "$", why)
    known = _known(runtime, codes, record.body)
    return _Row(ref=record.ref, body=known.body, body_digest=known.body_digest, digest=known.digest)


def _unreadable(runtime: AccountRuntime, codes: int, body: bytes, path: str, why: str) -> _Row:
    known = _known(runtime, codes, body)
    return _Row(
        ref=unreadable_ref(known.body_digest),
        body=known.body,
        body_digest=known.body_digest,
        digest=known.digest,
        path=_plain(path),
        why=_plain(why),
    )


def _known(runtime: AccountRuntime, codes: int, body: bytes) -> Recognised:
    return recognise(body, runtime.connector.spec.identifier_keys, runtime.mapper.version, codes)


def _raw_record(runtime: AccountRuntime, stream: str, row: _Row) -> raw.RawRecord:
    return raw.RawRecord(
        tenant_id=runtime.account.tenant_id,
        account_id=runtime.account.account_id,
        stream=stream,
        ref=row.ref,
        body=row.body,
        digest=row.body_digest,
    )


def _without_repeats(rows: Sequence[_Row]) -> list[_Row]:
    """Drop a row that says what the row of the same object before it said."""
    last: dict[str, bytes] = {}
    kept = []
    for row in rows:
        if last.get(row.ref) != row.digest:
            last[row.ref] = row.digest
            kept.append(row)
    return kept


def _plain(text: str) -> str:
    return "".join(char for char in text if char.isprintable())[:_WHY_LIMIT]
