"""The case desk: the queue of cases, sorted by harm; read only.

Harm is severity, then how soon somebody arrives, then the money at stake (the largest booking's total, in its own
currency), then age. A page of the queue begins after a place, not after a number, so new cases move nothing.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple, TypeAlias, get_args
from uuid import UUID

import msgspec

from pms_sync.domain.case import REVIEW
from pms_sync.domain.clock import rfc3339
from pms_sync.store import case_bookings
from pms_sync.store.case_bookings import Booking
from pms_sync.store.database import Connection, act_for
from pms_sync.store.reservation_documents import Shown
from pms_sync.store.sealing import KeyRing

State: TypeAlias = Literal["open", "snoozed", "resolved", "withdrawn"]
STATES: tuple[State, ...] = get_args(State)

_LONGEST_TEXT = 100
_NAMED_BOOKINGS = 3
_PARTS = ("path", "base", "here", "there", "suggested", "rule")
_BILL, _NOT_YOURS = "folio_lines[", "(hidden)"
HIDDEN = Shown(people=False, bill=False)


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """Which cases are wanted; None asks for all.

    `text` begins a reservation's or a case's id or a channel reference, or is a vendor's ref.
    """

    state: State | None = "open"
    property_code: str | None = None
    vendor: str | None = None
    kind: str | None = None
    severity: int | None = None
    reservation_id: UUID | None = None
    text: str | None = None
    overdue: bool = False


class CaseHead(msgspec.Struct, frozen=True, kw_only=True):
    """One case as the queue shows it.

    `fields` are the rows of the public surface, all values in the clear where `opened`; `vendor`, `mode` and
    `mirror` are those of its account where it is about one link. `today` is the property's date, `soon` the next
    arrival or the night it is about, `money` the largest total among its bookings, `bookings` the first few of them.
    """

    case_id: UUID
    version: int
    kind: str
    subject: str
    severity: int
    state: State
    property_id: UUID
    property_code: str
    property_name: str
    timezone: str
    currency: str
    reservation_ids: tuple[UUID, ...]
    fields: tuple[Mapping[str, Any], ...]
    opened: bool
    opened_at: datetime
    due_at: datetime | None
    resolved_at: datetime | None
    resolved_by: str | None
    account_id: UUID | None
    vendor_ref: str | None
    vendor: str | None
    mode: str | None
    mirror: Mapping[str, str] | None
    today: date
    soon: date | None
    money: Decimal | None
    money_currency: str | None
    bookings: tuple[Booking, ...] = ()

    @property
    def is_review(self) -> bool:
        """Tell whether it gathers what differs at many links of an account, and may be answered in part."""
        return self.kind == REVIEW and self.vendor_ref is None

    @property
    def is_linked(self) -> bool:
        """Tell whether it is about links, whose two sides can be chosen between; else about facts."""
        return self.account_id is not None and (self.vendor_ref is not None or self.is_review)

    @property
    def vendors(self) -> list[str]:
        """Return the vendors that are party to it."""
        told = [*([self.vendor] if self.vendor else []), *(name for one in self.bookings for name in one.vendors)]
        return list(dict.fromkeys(told))


class Queue(msgspec.Struct, frozen=True, kw_only=True):
    """One page of the queue; `next` is where the following one begins, None on the last."""

    items: tuple[CaseHead, ...]
    next: str | None


class NoPlace(ValueError):
    """A word that is no place in the queue."""


def sealed_place(kind: str, subject: str) -> str:
    """Return the place that a case's full rows are sealed for."""
    return f"cases.fields:{kind}:{subject}"


def public(case: CaseHead) -> dict[str, Any]:
    """Write a case with the columns of pms_public.cases."""
    names = "version kind severity state property_code reservation_ids fields opened_at due_at resolved_at resolved_by"
    told: dict[str, Any] = {"id": str(case.case_id), **{name: _plain(getattr(case, name)) for name in names.split()}}
    return told


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return rfc3339(value)
    return [str(one) if isinstance(one, UUID) else one for one in value] if isinstance(value, tuple) else value


@asynccontextmanager
async def acting(connection: Connection, keys: KeyRing, tenant_id: UUID) -> AsyncIterator[None]:
    """Read one moment of one tenant with the app role's rights (takes the worker outside a transaction)."""
    if not keys.knows(tenant_id):
        await keys.load(connection)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        await act_for(connection, tenant_id)
        yield


_CASES = """
SELECT c.case_id, c.version, c.kind, c.subject, c.severity, c.state, c.property_id, p.code AS property_code,
       p.name AS property_name, p.timezone, p.currency, c.reservation_ids, c.fields, c.sealed, c.opened_at, c.due_at,
       c.resolved_at, c.resolved_by, c.account_id, c.vendor_ref, a.vendor, a.mode, a.mirror, t.today, h.soon,
       m.total AS money, m.currency AS money_currency
  FROM cases c
  JOIN properties p ON p.tenant_id = c.tenant_id AND p.property_id = c.property_id
  LEFT JOIN accounts a ON a.tenant_id = c.tenant_id AND a.account_id = c.account_id
 CROSS JOIN LATERAL (SELECT ($2::timestamptz AT TIME ZONE p.timezone)::date AS today) AS t
 CROSS JOIN LATERAL (
       SELECT CASE WHEN c.kind IN ('room_double_booked', 'type_oversold') AND c.subject ~ ':[0-9]{4}-[0-9]{2}-[0-9]{2}$'
              THEN right(c.subject, 10)::date
              ELSE (SELECT min(s.arrival) FROM room_stays s WHERE s.tenant_id = c.tenant_id
                       AND s.reservation_id = ANY(c.reservation_ids) AND s.departure >= t.today) END AS day) AS n
 CROSS JOIN LATERAL (SELECT CASE WHEN n.day >= t.today THEN n.day END AS soon) AS h
  LEFT JOIN LATERAL (
       SELECT r.total, r.currency FROM reservations r
        WHERE r.tenant_id = c.tenant_id AND r.reservation_id = ANY(c.reservation_ids)
        ORDER BY r.total DESC NULLS LAST LIMIT 1) AS m ON true
 WHERE c.tenant_id = $1
"""


class _Order(NamedTuple):
    """An order of the queue: its keys, which lie behind each other by `way`, and how a place in it is read."""

    keys: tuple[str, ...]
    types: tuple[str, ...]
    way: str
    behind: str
    shape: Any

    def clause(self) -> str:
        """Write what follows ORDER BY."""
        return ", ".join(f"{key} {self.way}" for key in self.keys)

    def after(self, number: int) -> str:
        """Write the condition for what lies behind a place whose values begin with this argument."""
        values = ", ".join(f"${number + index}::{name}" for index, name in enumerate(self.types))
        return f"({', '.join(self.keys)}) {self.behind} ({values})"


_Severity = Annotated[int, msgspec.Meta(ge=1, le=4)]
_Amount = Annotated[str, msgspec.Meta(pattern=r"^-?[0-9]{1,30}(\.[0-9]{1,10})?$")]
_Instant = Annotated[datetime, msgspec.Meta(tz=True)]
_HARM = _Order(
    ("c.severity", "coalesce(h.soon, '4000-01-01')", "-coalesce(m.total, 0)", "c.opened_at", "c.case_id"),
    ("int", "date", "text::numeric", "timestamptz", "uuid"),
    "ASC",
    ">",
    tuple[_Severity, date, _Amount, _Instant, UUID],
)
_NEWEST = _Order(("c.opened_at", "c.case_id"), ("timestamptz", "uuid"), "DESC", "<", tuple[_Instant, UUID])
_SOMEDAY = date(4000, 1, 1)  # behind every arrival; the driver takes the last date there is for infinity
_TEXT = """
(starts_with(c.case_id::text, {0}) OR lower(c.vendor_ref) = {0}
 OR EXISTS (SELECT FROM reservations r WHERE r.tenant_id = c.tenant_id AND r.reservation_id = ANY(c.reservation_ids)
               AND (starts_with(r.reservation_id::text, {0}) OR starts_with(lower(r.channel_reference), {0})))
 OR EXISTS (SELECT FROM room_stays s WHERE s.tenant_id = c.tenant_id AND s.reservation_id = ANY(c.reservation_ids)
               AND lower(s.vendor_ref) = {0}))
"""
_VENDOR = """
(a.vendor = {0} OR EXISTS (SELECT FROM room_stays s WHERE s.tenant_id = c.tenant_id
                              AND s.reservation_id = ANY(c.reservation_ids) AND s.vendor = {0}))
"""


async def queue(  # noqa: PLR0913 - what is wanted, from where, and for whose eyes
    connection: Connection,
    keys: KeyRing,
    tenant_id: UUID,
    filters: Filters,
    now: datetime,
    *,
    limit: int = 50,
    after: str | None = None,
    shown: Shown = HIDDEN,
) -> Queue:
    """Return a page of cases: open ones by harm, others newest first (inside `acting`).

    `shown` says what is opened. Raises NoPlace for one that is none of ours.
    """
    order = _HARM if filters.state == "open" else _NEWEST
    where, values = _conditions(filters, now, [tenant_id, now])
    if after is not None:
        where.append(order.after(len(values) + 1))
        values += _read_place(after, order)
    query = f"{_CASES} {' '.join(f'AND {part}' for part in where)} ORDER BY {order.clause()} LIMIT {limit + 1:d}"
    rows = await connection.fetch(query, *values)
    found = [_head(keys, tenant_id, row, shown=shown) for row in rows[:limit]]
    return Queue(
        items=await _with_bookings(connection, keys, tenant_id, found, shown=shown),
        next=_write_place(found[-1], order) if len(rows) > limit else None,
    )


async def number(connection: Connection, tenant_id: UUID, filters: Filters, now: datetime) -> int:
    """Return how many cases there are of what is wanted (inside `acting`)."""
    where, values = _conditions(filters, now, [tenant_id, now])
    query = f"SELECT count(*) FROM ({_CASES} {' '.join(f'AND {part}' for part in where)}) AS c"  # noqa: S608 - see there
    counted: int = await connection.fetchval(query, *values)
    return counted


async def one(
    connection: Connection, keys: KeyRing, tenant_id: UUID, case_id: UUID, now: datetime, *, shown: Shown = HIDDEN
) -> CaseHead | None:
    """Return one case whatever its state, None when the tenant has no such case (inside `acting`)."""
    row = await connection.fetchrow(f"{_CASES} AND c.case_id = $3", tenant_id, now, case_id)
    if row is None:
        return None
    head = _head(keys, tenant_id, row, shown=shown)
    [told] = await _with_bookings(connection, keys, tenant_id, [head], shown=shown)
    return told


def _conditions(filters: Filters, now: datetime, values: list[Any]) -> tuple[list[str], list[Any]]:
    """Write the conditions with numbered arguments; nothing that was typed becomes part of the statement."""
    told: tuple[tuple[str, Any], ...] = (
        ("c.state = {0}", filters.state),
        ("p.code = {0}", _clean(filters.property_code)),
        (_VENDOR, _clean(filters.vendor)),
        ("c.kind = {0}", _clean(filters.kind)),
        ("c.severity = {0}::int", filters.severity),
        ("{0} = ANY(c.reservation_ids)", filters.reservation_id),
        (_TEXT, _clean(filters.text, str.lower)),
        ("c.due_at < {0}", now if filters.overdue else None),
    )
    # The literal of an open state lets the index of open cases be used.
    where = ["c.state IN ('open', 'snoozed')"] if filters.state in {"open", "snoozed"} else []
    for condition, value in told:
        if value is not None:
            values = [*values, value]
            where.append(condition.format(f"${len(values)}"))
    return where, values


def _clean(text: str | None, write: Callable[[str], str] = str) -> str | None:
    """Return what was typed, fit for the database; nothing for nothing."""
    return write("".join(filter(str.isprintable, (text or "").strip()))[:_LONGEST_TEXT]) or None


def _head(keys: KeyRing, tenant_id: UUID, row: Mapping[str, Any], *, shown: Shown) -> CaseHead:
    told = dict(row)
    sealed, rows = told.pop("sealed"), told["fields"]
    if shown.people and sealed is not None:
        rows = msgspec.json.decode(keys.open(tenant_id, sealed_place(told["kind"], told["subject"]), sealed))
    bills = [] if shown.bill else [one for one in rows if one["path"].startswith(_BILL)]
    opened = (shown.people or sealed is None) and not bills
    fields = tuple(_hidden(one) if one in bills else {part: one.get(part) for part in _PARTS} for one in rows)
    return CaseHead(**{**told, "fields": fields, "reservation_ids": tuple(told["reservation_ids"])}, opened=opened)


def _hidden(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row without its values; what is not there on a side may be seen not to be there."""
    told = {part: row.get(part) for part in _PARTS}
    return {**told, **{side: _NOT_YOURS for side in ("base", "here", "there") if told[side] is not None}}


async def _with_bookings(
    connection: Connection, keys: KeyRing, tenant_id: UUID, heads: Sequence[CaseHead], *, shown: Shown
) -> tuple[CaseHead, ...]:
    wanted = {one for head in heads for one in head.reservation_ids[:_NAMED_BOOKINGS]}
    known = await case_bookings.load(connection, keys, tenant_id, wanted, names=shown.people)
    return tuple(
        msgspec.structs.replace(
            head, bookings=tuple(known[one] for one in head.reservation_ids[:_NAMED_BOOKINGS] if one in known)
        )
        for head in heads
    )


def _write_place(head: CaseHead, order: _Order) -> str:
    """Write where a case stands in an order, as a word for an address."""
    newest = (head.opened_at, head.case_id)
    money = format(-(head.money or Decimal(0)), "f")
    values = newest if order is _NEWEST else (head.severity, head.soon or _SOMEDAY, money, *newest)
    return base64.urlsafe_b64encode(msgspec.json.encode(values)).decode().rstrip("=")


def _read_place(text: str, order: _Order) -> list[Any]:
    try:
        plain = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return list(msgspec.json.decode(plain, type=order.shape))
    except (msgspec.DecodeError, binascii.Error, ValueError) as error:
        message = "no place in this queue"
        raise NoPlace(message) from error
