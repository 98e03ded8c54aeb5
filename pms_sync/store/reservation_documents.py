"""Reservations as documents: loaded whole for many at once, guests and notes opened as far as the reader may see them.

A transaction of the tenant is needed, under any role; the key ring must know the tenant.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from pms_sync.domain.status import HoldKind, Status
from pms_sync.ports.documents import Guest, Line, Link, Night, Push, Reservation, Stay, amount
from pms_sync.store import reservations
from pms_sync.store.database import Connection
from pms_sync.store.explain import masked
from pms_sync.store.sealing import KeyRing

Row: TypeAlias = Mapping[str, Any]

_PERSONAL = ("first_name", "last_name", "email", "phone")
_PRIVATE = ("notes", "comments")


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader may see beside the reservation itself: people in the clear, and the bill."""

    people: bool
    bill: bool


class Ways(NamedTuple):
    """Where vendors hold a reservation, and what they are still to be told of it."""

    links: tuple[Link, ...]
    pushes: tuple[Push, ...]


_RESERVATIONS = """
SELECT r.reservation_id, r.version, r.status, r.vendor_status, r.hold_kind, r.blocks_inventory, r.guaranteed, r.channel,
       r.vendor_channel, r.channel_reference, r.currency, r.total, r.price_basis, r.private, r.created_at,
       r.modified_at, r.source, r.quarantined, r.flags,
       (SELECT code FROM properties p WHERE p.tenant_id = $1 AND p.property_id = r.property_id) AS property
  FROM reservations r WHERE r.tenant_id = $1 AND r.reservation_id = ANY($2::uuid[])
"""
_STAYS = """
SELECT s.reservation_id, s.stay_id, s.account_id, s.vendor_ref, s.room_type_ref, s.room_ref, s.rate_plan_ref,
       s.rate_plan, s.arrival, s.departure, s.status, s.hold_kind, s.claim_state, s.adults, s.children, s.total,
       (SELECT code FROM room_types t WHERE t.tenant_id = $1 AND t.room_type_id = s.room_type_id) AS room_type,
       (SELECT code FROM rooms m WHERE m.tenant_id = $1 AND m.room_id = s.room_id) AS room
  FROM room_stays s WHERE s.tenant_id = $1 AND s.reservation_id = ANY($2::uuid[])
 ORDER BY s.arrival, length(s.vendor_ref), s.vendor_ref, s.stay_id
"""
_NIGHTS = """
SELECT stay_id, night, price, derived FROM stay_nights
 WHERE tenant_id = $1 AND stay_id = ANY($2::uuid[]) ORDER BY stay_id, night
"""
_GUESTS = """
SELECT reservation_id, role, position, vendor_ref, contact, country, language, erased FROM guests
 WHERE tenant_id = $1 AND reservation_id = ANY($2::uuid[]) ORDER BY reservation_id, role, position
"""
_LINKS = """
SELECT l.reservation_id, l.account_id, l.vendor_ref,
       (SELECT vendor FROM accounts a WHERE a.tenant_id = $1 AND a.account_id = l.account_id) AS vendor
  FROM links l WHERE l.tenant_id = $1 AND l.reservation_id = ANY($2::uuid[]) AND l.level = 'reservation'
 ORDER BY l.seen_at, l.account_id, l.vendor_ref
"""
_PUSHES = """
SELECT i.reservation_id, i.intent_id, i.account_id, i.kind, i.state, i.notices, i.vendor_error,
       (SELECT vendor FROM accounts a WHERE a.tenant_id = $1 AND a.account_id = i.account_id) AS vendor
  FROM intents i WHERE i.tenant_id = $1 AND i.reservation_id = ANY($2::uuid[])
   AND i.state IN ('planned', 'sent', 'acknowledged', 'unknown', 'parked')
 ORDER BY i.created_at, i.intent_id
"""


async def load(
    connection: Connection, keys: KeyRing, tenant_id: UUID, reservation_ids: Sequence[UUID], shown: Shown
) -> list[Reservation]:
    """Return these reservations in the order asked for; those the tenant does not have are left out."""
    wanted = list(reservation_ids)

    async def of(query: str) -> dict[UUID, list[Row]]:
        return _by(await connection.fetch(query, tenant_id, wanted), "reservation_id")

    rows = {row["reservation_id"]: row for row in await connection.fetch(_RESERVATIONS, tenant_id, wanted)}
    stays = await of(_STAYS)
    stay_ids = [row["stay_id"] for found in stays.values() for row in found]
    nights = _by(await connection.fetch(_NIGHTS, tenant_id, stay_ids), "stay_id")
    guests, links, pushes = await of(_GUESTS), await of(_LINKS), await of(_PUSHES)
    lines = await _bills(connection, tenant_id, wanted) if shown.bill else {}
    opener = _Opener(keys, tenant_id, shown)
    return [
        _document(
            rows[one],
            opener,
            stays=tuple(_stay(row, nights.get(row["stay_id"], ())) for row in stays.get(one, ())),
            guests=guests.get(one, ()),
            ways=Ways(
                links=tuple(_link(row) for row in links.get(one, ()) if row["vendor"] is not None),
                pushes=tuple(_push(row, shown) for row in pushes.get(one, ())),
            ),
            lines=tuple(map(_line, lines.get(one, ()))) if shown.bill else UNSET,
        )
        for one in wanted
        if one in rows
    ]


async def _bills(connection: Connection, tenant_id: UUID, wanted: Sequence[UUID]) -> dict[UUID, list[Row]]:
    lines = await reservations.standing_lines(connection, tenant_id, wanted)
    return _by(sorted(lines, key=lambda row: (row["posted_at"], row["line_id"])), "reservation_id")


def _by(rows: Iterable[Row], name: str) -> dict[UUID, list[Row]]:
    found: defaultdict[UUID, list[Row]] = defaultdict(list)
    for row in rows:
        found[row[name]].append(row)
    return found


class _Opener:
    """Opens what is sealed, as far as the reader may see it."""

    def __init__(self, keys: KeyRing, tenant_id: UUID, shown: Shown) -> None:
        self._keys, self._tenant_id, self.shown = keys, tenant_id, shown

    def guest(self, row: Row) -> Guest:
        """Return a person; one who was erased keeps country and language alone."""
        if row["erased"] or row["contact"] is None:
            emptied = dict.fromkeys(_PERSONAL)
            return Guest(ref=row["vendor_ref"], country=row["country"], language=row["language"], **emptied)
        place = f"guests.contact:{row['reservation_id']}:{row['role']}:{row['position']}"
        guest = msgspec.json.decode(self._keys.open(self._tenant_id, place, row["contact"]), type=Guest)
        if self.shown.people:
            return guest
        hidden = {name: _masked(getattr(guest, name)) for name in _PERSONAL}
        return msgspec.structs.replace(guest, **hidden)

    def private(self, row: Row) -> Mapping[str, str | None]:
        """Return notes and comments."""
        if row["private"] is None:
            return dict.fromkeys(_PRIVATE)
        plain = self._keys.open(self._tenant_id, f"reservations.private:{row['reservation_id']}", row["private"])
        told = msgspec.json.decode(plain)
        return {name: told[name] if self.shown.people else masked(told[name]) for name in _PRIVATE}


def _masked(text: str | UnsetType | None) -> str | UnsetType | None:
    return UNSET if text is UNSET else masked(text)


def _document(
    row: Row,
    opener: _Opener,
    *,
    stays: tuple[Stay, ...],
    guests: Sequence[Row],
    ways: Ways,
    lines: tuple[Line, ...] | UnsetType,
) -> Reservation:
    """Put a reservation together."""
    private = opener.private(row)
    bookers = [opener.guest(guest) for guest in guests if guest["role"] == "booker"]
    return Reservation(
        id=row["reservation_id"],
        version=row["version"],
        vendor=row["source"],
        ref=ways.links[0].ref if ways.links else None,
        property=row["property"],
        property_ref=row["property"],
        status=Status(row["status"]),
        vendor_status=row["vendor_status"],
        hold_kind=_kind(row),
        blocks_inventory=row["blocks_inventory"],
        guaranteed=row["guaranteed"],
        channel=row["channel"],
        vendor_channel=row["vendor_channel"],
        channel_reference=row["channel_reference"],
        currency=row["currency"],
        total=amount(row["total"]),
        price_basis=row["price_basis"],
        booker=bookers[0] if bookers else None,
        guests=tuple(opener.guest(guest) for guest in guests if guest["role"] == "guest"),
        room_stays=stays,
        folio_lines=lines,
        notes=private["notes"],
        comments=private["comments"],
        created_at=row["created_at"],
        modified_at=row["modified_at"],
        source=row["source"],
        links=ways.links,
        pushes=ways.pushes,
        quarantined=row["quarantined"],
        flags=tuple(row["flags"]),
        masked=not opener.shown.people,
    )


def _stay(row: Row, nights: Sequence[Row]) -> Stay:
    """Write a stay; one that was made here and that no vendor has is under no ref."""
    return Stay(
        id=row["stay_id"],
        ref=None if row["account_id"] is None else row["vendor_ref"],
        room_type_ref=row["room_type"] or row["room_type_ref"],
        room_ref=row["room"] or row["room_ref"],
        rate_plan_ref=row["rate_plan"] or row["rate_plan_ref"],
        arrival=row["arrival"],
        departure=row["departure"],
        status=Status(row["status"]),
        adults=row["adults"],
        children=row["children"],
        total=amount(row["total"]),
        nights=tuple(Night(date=one["night"], price=amount(one["price"]), derived=one["derived"]) for one in nights),
        room_type=row["room_type"],
        room=row["room"],
        hold_kind=_kind(row),
        claim_state=row["claim_state"],
    )


def _kind(row: Row) -> HoldKind | None:
    return None if row["hold_kind"] is None else HoldKind(row["hold_kind"])


def _line(row: Row) -> Line:
    return Line(
        ref=row["vendor_ref"],
        kind=row["kind"],
        text=row["text"],
        amount=format(row["amount"], "f"),
        currency=row["currency"],
    )


def _link(row: Row) -> Link:
    return Link(vendor=row["vendor"], account_id=row["account_id"], ref=row["vendor_ref"])


def _push(row: Row, shown: Shown) -> Push:
    """Write an open intent; a vendor that refuses may quote the guest's own data."""
    return Push(
        id=row["intent_id"],
        vendor=row["vendor"],
        account_id=row["account_id"],
        kind=row["kind"],
        state=row["state"],
        notices=tuple(row["notices"]),
        vendor_error=row["vendor_error"] if shown.people else None,
    )
