"""Lists of reservations: which ones fit, newest first, a bounded number at once (in a transaction of the tenant)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import UUID

import msgspec

from pms_sync.store.database import Connection


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a list is narrowed to; `arrivals` are the first and last day on which one of its stays may arrive.

    `reference` is a channel reference to the letter. `before` is the last id of the page before.
    """

    property_code: str | None = None
    statuses: tuple[str, ...] = ()
    arrivals: tuple[date | None, date | None] = (None, None)
    reference: str | None = None
    before: UUID | None = None


_BY_ARRIVAL = (
    "reservation_id IN (SELECT reservation_id FROM room_stays WHERE tenant_id = $1 AND arrival BETWEEN {0} AND {1})"
)
_PROPERTY = "property_id = (SELECT property_id FROM properties WHERE tenant_id = $1 AND code = {0})"


async def found(connection: Connection, tenant_id: UUID, wanted: Wanted, limit: int) -> list[UUID]:
    """Return the ids of the newest reservations that fit, at most `limit`."""
    arguments: list[Any] = [tenant_id]
    conditions = ["tenant_id = $1"]
    for condition, values in _conditions(wanted):
        names = [f"${len(arguments) + number}" for number, _ in enumerate(values, 1)]
        arguments.extend(values)
        conditions.append(condition.format(*names))
    query = (
        f"SELECT reservation_id FROM reservations WHERE {' AND '.join(conditions)} "  # noqa: S608 - constants above
        f"ORDER BY reservation_id DESC LIMIT {limit:d}"
    )
    return [row["reservation_id"] for row in await connection.fetch(query, *arguments)]


def _conditions(wanted: Wanted) -> Iterator[tuple[str, tuple[Any, ...]]]:
    first, last = wanted.arrivals
    if wanted.before is not None:
        yield "reservation_id < {0}", (wanted.before,)
    if wanted.property_code is not None:
        yield _PROPERTY, (wanted.property_code,)
    if wanted.statuses:
        yield "status = ANY({0}::text[])", (list(wanted.statuses),)
    if wanted.reference is not None:
        yield "channel_reference = {0}", (wanted.reference,)
    if first is not None or last is not None:
        yield _BY_ARRIVAL, (first or date.min, last or date.max)
