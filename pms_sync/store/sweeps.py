"""Sweeps: the progress of reading a whole range, kept with the rows it covers so that any death only costs a page."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import msgspec

from pms_sync.store.cursors import Claim, Overtaken
from pms_sync.store.database import Connection


class Sweep(msgspec.Struct, frozen=True, kw_only=True):
    """A running read of `[range_from, range_to)`.

    `position` is the start of the tile at hand; `page` is a place in it, and then `tile_to` is the tile's end.
    """

    tenant_id: UUID
    sweep_id: UUID
    account_id: UUID
    stream: str
    kind: str
    dimension: str
    range_from: datetime
    range_to: datetime
    position: datetime
    page: str | None = None
    tile_to: datetime | None = None
    records: int = 0

    @property
    def done(self) -> bool:
        """Tell whether the range was read to its end."""
        return self.position >= self.range_to


_COLUMNS = (
    "tenant_id, sweep_id, account_id, stream, kind, dimension, range_from, range_to, position, page, tile_to, records"
)


async def running(connection: Connection, tenant_id: UUID, account_id: UUID, stream: str, kind: str) -> Sweep | None:
    """Return the sweep of this kind that was begun and not finished, if there is one."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM sweeps WHERE tenant_id = $1 AND account_id = $2 AND stream = $3 "  # noqa: S608
        "AND kind = $4 AND state = 'running'",
        tenant_id,
        account_id,
        stream,
        kind,
    )
    return None if row is None else Sweep(**row)


async def begin(connection: Connection, sweep: Sweep) -> None:
    """Store a new sweep; an unfinished one of the same account, stream and kind is given up."""
    await connection.execute(
        "DELETE FROM sweeps WHERE tenant_id = $1 AND account_id = $2 AND stream = $3 AND kind = $4 "
        "AND state = 'running'",
        sweep.tenant_id,
        sweep.account_id,
        sweep.stream,
        sweep.kind,
    )
    names = _COLUMNS.split(", ")
    places = ", ".join(f"${number}" for number in range(1, len(names) + 1))
    await connection.execute(
        f"INSERT INTO sweeps ({_COLUMNS}) VALUES ({places})",  # noqa: S608 - constant names
        *(getattr(sweep, name) for name in names),
    )


_ADVANCE = """
UPDATE sweeps SET position = $5, page = $6, records = records + $7, tile_to = $8,
       state = CASE WHEN $5 >= range_to THEN 'done' ELSE 'running' END,
       finished_at = CASE WHEN $5 >= range_to THEN now() END
 WHERE tenant_id = $1 AND sweep_id = $2 AND state = 'running' AND position = $3 AND page IS NOT DISTINCT FROM $4
RETURNING records
"""


async def advance(
    connection: Connection, sweep: Sweep, position: datetime, page: str | None, tile_to: datetime | None, records: int
) -> Sweep:
    """Move on by one page, in the transaction of its rows; at the end of the range the sweep is done.

    Raises Overtaken when somebody else moved it meanwhile: two readers of one sweep never both count a page.
    """
    total = await connection.fetchval(
        _ADVANCE, sweep.tenant_id, sweep.sweep_id, sweep.position, sweep.page, position, page, records, tile_to
    )
    if total is None:
        raise Overtaken(f"{sweep.kind} of {sweep.account_id}/{sweep.stream}")
    return msgspec.structs.replace(sweep, position=position, page=page, tile_to=tile_to, records=total)


async def forget_pages(connection: Connection, claim: Claim) -> None:
    """Start the cursor's running snapshot over at the tile at hand, when the vendor cannot go on from its page."""
    await connection.execute(
        "UPDATE sweeps SET page = NULL, tile_to = NULL WHERE tenant_id = $1 AND account_id = $2 AND stream = $3 "
        "AND kind = 'snapshot' AND state = 'running'",
        claim.tenant_id,
        claim.account_id,
        claim.stream,
    )
