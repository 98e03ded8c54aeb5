"""Explain: everything the store knows about one reservation, read in one moment, personal data masked.

What is read here is told field by field in `provenance`, and in the order of time by the pages.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from msgspec import UNSET

from pms_sync.domain.reservation import Guest
from pms_sync.store import lanes
from pms_sync.store.database import Connection, use_tenant
from pms_sync.store.sealing import KeyRing

Row = Mapping[str, Any]

DOTS = "•••"
_STREAM = "reservations"
_CONTACT = ("first_name", "last_name", "email", "phone")
# What a queue keeps of an old object is found by looking back this far; the audit log has the rest.
_QUEUE_ROWS = 20_000
_ENTRIES = 2_000


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """One reservation with all that belongs to it.

    `reservation` carries its property's code, name and time zone; `stays` their room codes and `nights`; `guests` their
    masked contact values; `lines` say whether they still stand. `audit` runs from old to new. `codes` turns the ids of
    room types and rooms into codes; `accounts` has vendor and property of every account named anywhere.
    """

    reservation: Row
    notes: Mapping[str, str | None]
    stays: Sequence[Row]
    guests: Sequence[Row]
    lines: Sequence[Row]
    links: Sequence[Row]
    audit: Sequence[Row]
    events: Sequence[Row]
    deliveries: Sequence[Row]
    cases: Sequence[Row]
    codes: Mapping[str, str]
    accounts: Mapping[str, Row]


def masked(text: object) -> str | None:
    """Return the first letter and dots, dots alone for what has no second character; None stays None."""
    if text is None or text is UNSET or text == "":
        return None
    composed = unicodedata.normalize("NFC", str(text)).strip()
    return f"{composed[0]}{DOTS}" if len(composed) > 1 and composed[0].isalpha() else DOTS


async def load(
    connection: Connection, reservation_id: UUID, keys: KeyRing | None = None, only_tenant: UUID | None = None
) -> Story | None:
    """Return the story of a reservation, None when there is none (worker role, outside a transaction).

    Any tenant's, unless `only_tenant` says whose alone. Without `keys` sealed values show as dots alone.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        tenant_id = await _tenant_of(connection, reservation_id, only_tenant)
        if tenant_id is None:
            return None
        if keys is not None and not keys.knows(tenant_id):
            await keys.load(connection)
        return await _Reader(connection, tenant_id, reservation_id, keys).story()


async def exists(connection: Connection, reservation_id: UUID) -> bool:
    """Tell whether any tenant has the reservation (worker role, outside a transaction)."""
    async with connection.transaction(readonly=True):
        return await _tenant_of(connection, reservation_id, None) is not None


async def _tenant_of(connection: Connection, reservation_id: UUID, only_tenant: UUID | None) -> UUID | None:
    """Ask tenant by tenant: row-level security shows a reservation to its own tenant alone."""
    for row in await connection.fetch(
        "SELECT tenant_id FROM tenants WHERE $1::uuid IS NULL OR tenant_id = $1 ORDER BY created_at, tenant_id",
        only_tenant,
    ):
        await use_tenant(connection, row["tenant_id"])
        found: UUID | None = await connection.fetchval(
            "SELECT tenant_id FROM reservations WHERE tenant_id = $1 AND reservation_id = $2",
            row["tenant_id"],
            reservation_id,
        )
        if found is not None:
            return found
    return None


_RESERVATION = """
SELECT r.*, p.code AS property_code, p.name AS property_name, p.timezone
  FROM reservations r JOIN properties p ON p.tenant_id = r.tenant_id AND p.property_id = r.property_id
 WHERE r.tenant_id = $1 AND r.reservation_id = $2
"""
_STAYS = """
SELECT s.*, t.code AS room_type, m.code AS room FROM room_stays s
  LEFT JOIN room_types t ON t.tenant_id = s.tenant_id AND t.room_type_id = s.room_type_id
  LEFT JOIN rooms m ON m.tenant_id = s.tenant_id AND m.room_id = s.room_id
 WHERE s.tenant_id = $1 AND s.reservation_id = $2 ORDER BY s.arrival, length(s.vendor_ref), s.vendor_ref, s.stay_id
"""
_NIGHTS = """
SELECT n.stay_id, n.night, n.price, n.derived, m.code AS room FROM stay_nights n
  LEFT JOIN rooms m ON m.tenant_id = n.tenant_id AND m.room_id = n.room_id
 WHERE n.tenant_id = $1 AND n.stay_id = ANY($2::uuid[]) ORDER BY n.stay_id, n.night
"""
_GUESTS = """
SELECT guest_id, role, position, vendor_ref, contact, country, language, has_email, has_phone, erased FROM guests
 WHERE tenant_id = $1 AND reservation_id = $2 ORDER BY role, position
"""
_LINES = """
SELECT l.*, l.reverses_id IS NULL AND NOT EXISTS (
           SELECT FROM folio_lines r WHERE r.tenant_id = $1 AND r.reservation_id = $2 AND r.reverses_id = l.line_id)
       AS stands
  FROM folio_lines l WHERE l.tenant_id = $1 AND l.reservation_id = $2
 ORDER BY l.posted_at, l.reverses_id IS NULL, l.vendor_ref, l.line_id
"""
_LINKS = """
SELECT l.account_id, a.vendor, a.role, a.mode, l.level, l.vendor_ref, l.object_id, l.remote_version, l.seen_at,
       l.missing_reads
  FROM links l JOIN accounts a ON a.tenant_id = l.tenant_id AND a.account_id = l.account_id
 WHERE l.tenant_id = $1 AND l.reservation_id = $2
 ORDER BY a.vendor, l.account_id, l.level, length(l.vendor_ref), l.vendor_ref
"""
_AUDIT = """
SELECT at, actor, action, fields, correlation_id FROM audit_log
 WHERE tenant_id = $1 AND entity_id = $2 AND entity_type = 'reservation' ORDER BY at DESC, audit_id DESC LIMIT $3
"""
# Open and parked work is found by its indexes, the rest among the newest rows.
_EVENTS = """
SELECT DISTINCT event_id, lane_key, account_id, kind, stream, ref, state, outcome, attempts, park_path, park_reason,
       correlation_id, received_at, done_at
  FROM (SELECT * FROM events WHERE lane_key = ANY($1::text[]) AND state IN ('waiting', 'leased')
        UNION ALL
        SELECT * FROM events WHERE account_id = ANY($2::uuid[]) AND state = 'parked'
        UNION ALL
        SELECT * FROM (SELECT * FROM events ORDER BY event_id DESC LIMIT $3) AS newest) AS e
 WHERE lane_key = ANY($1::text[]) ORDER BY event_id DESC LIMIT 200
"""
_DELIVERIES = """
SELECT delivery_id, vendor, state, anomaly, park_path, park_reason, correlation_id, received_at, done_at
  FROM (SELECT * FROM deliveries ORDER BY delivery_id DESC LIMIT $2) AS newest
 WHERE correlation_id = ANY($1::text[]) ORDER BY delivery_id DESC LIMIT 200
"""
_CASES = """
SELECT case_id, kind, severity, state, opened_at, due_at, fields FROM cases
 WHERE tenant_id = $1 AND state IN ('open', 'snoozed') AND $2 = ANY(reservation_ids) ORDER BY severity, opened_at
"""
_CODES = """
SELECT room_type_id::text AS id, code FROM room_types WHERE tenant_id = $1 AND property_id = $2
UNION ALL
SELECT room_id::text, code FROM rooms WHERE tenant_id = $1 AND property_id = $2
"""
_ACCOUNTS = """
SELECT a.account_id::text AS id, a.vendor, p.code AS property_code FROM accounts a
  JOIN properties p ON p.tenant_id = a.tenant_id AND p.property_id = a.property_id WHERE a.tenant_id = $1
"""


class _Reader:
    """Reads the parts inside one transaction of the tenant."""

    def __init__(self, connection: Connection, tenant_id: UUID, reservation_id: UUID, keys: KeyRing | None) -> None:
        self._connection, self._tenant_id, self._id, self._keys = connection, tenant_id, reservation_id, keys

    async def story(self) -> Story:
        fetch, own = self._connection.fetch, (self._tenant_id, self._id)
        reservation = await self._connection.fetchrow(_RESERVATION, *own)
        links = await fetch(_LINKS, *own)
        audit = await fetch(_AUDIT, self._tenant_id, str(self._id), _ENTRIES)
        events = await self._events(links)
        told = {row["correlation_id"] for row in (*audit, *events) if row["correlation_id"]}
        return Story(
            reservation=_without(reservation, "private", "private_digest"),
            notes=self._notes(reservation),
            stays=await self._stays(),
            guests=[self._guest(row) for row in await fetch(_GUESTS, *own)],
            lines=await fetch(_LINES, *own),
            links=links,
            audit=list(reversed(audit)),
            events=events,
            deliveries=await fetch(_DELIVERIES, list(told), _QUEUE_ROWS) if told else [],
            cases=await fetch(_CASES, *own),
            codes=dict(await fetch(_CODES, self._tenant_id, reservation["property_id"])),
            accounts={row["id"]: row for row in await fetch(_ACCOUNTS, self._tenant_id)},
        )

    async def _stays(self) -> list[Row]:
        rows = await self._connection.fetch(_STAYS, self._tenant_id, self._id)
        nights: dict[UUID, list[Row]] = {row["stay_id"]: [] for row in rows}
        for night in await self._connection.fetch(_NIGHTS, self._tenant_id, list(nights)):
            nights[night["stay_id"]].append(night)
        return [{**row, "nights": nights[row["stay_id"]]} for row in rows]

    async def _events(self, links: Iterable[Row]) -> Sequence[Row]:
        places = {(row["account_id"], row["vendor_ref"]) for row in links}
        keys = [lanes.lane_key(account_id, _STREAM, ref) for account_id, ref in places]
        accounts = list({account_id for account_id, _ in places})
        rows: Sequence[Row] = await self._connection.fetch(_EVENTS, keys, accounts, _QUEUE_ROWS)
        return rows

    def _guest(self, row: Row) -> Row:
        return {**_without(row, "contact"), **self._contact(row)}

    def _contact(self, row: Row) -> dict[str, str | None]:
        if row["erased"] or row["contact"] is None:
            return dict.fromkeys(_CONTACT)
        if self._keys is None:
            present = {"email": row["has_email"], "phone": row["has_phone"]}
            return {name: DOTS if present.get(name, True) else None for name in _CONTACT}
        place = f"guests.contact:{self._id}:{row['role']}:{row['position']}"
        guest = msgspec.json.decode(self._keys.open(self._tenant_id, place, row["contact"]), type=Guest)
        return {name: masked(getattr(guest, name)) for name in _CONTACT}

    def _notes(self, reservation: Row) -> dict[str, str | None]:
        sealed = reservation["private"]
        if sealed is None:
            return dict.fromkeys(("notes", "comments"))
        if self._keys is None:
            return dict.fromkeys(("notes", "comments"), DOTS)
        plain = self._keys.open(self._tenant_id, f"reservations.private:{self._id}", sealed)
        return {name: masked(text) for name, text in msgspec.json.decode(plain).items()}


def _without(row: Row, *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}
