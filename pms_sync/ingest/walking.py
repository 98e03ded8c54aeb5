"""Walking: a whole range read page by page for whoever compares, with nothing stored and no progress kept."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime

import msgspec

from pms_sync.ingest.batch import AccountRuntime
from pms_sync.ingest.paging import read_page
from pms_sync.ingest.tiling import Tiling, dimension_of, following
from pms_sync.ports.connector import Page
from pms_sync.ports.listing import Listed
from pms_sync.store.database import Database

_Row = tuple[str, int]  # the ref, and what tells one state of it from another


class _Place(msgspec.Struct, kw_only=True):
    """Where the walk stands (ingest.tiling.Place)."""

    position: datetime
    range_to: datetime
    page: str | None = None
    tile_to: datetime | None = None


async def walk(
    database: Database,
    runtime: AccountRuntime,
    stream: str,
    ends: tuple[datetime, datetime],
    *,
    priority: str = "reconcile",
) -> AsyncIterator[Listed]:
    """Read `[start, end)` to its end along the stream's snapshot dimension; a page may come twice.

    A window of several pages is read until a pass shows nothing that was not shown before. Raises what the vendor call
    raises, and ConfigurationFault for a stream that cannot be listed.
    """
    spec = runtime.connector.spec.stream(stream)
    dimension, place = dimension_of(spec), _Place(position=ends[0], range_to=ends[1])
    tiling = Tiling(spec, f"{runtime.account.account_id}/{stream}")
    shown: set[_Row] = set()  # in the window at hand
    while place.position < place.range_to:
        window = tiling.window(dimension, place)
        ticket, page = await read_page(database, runtime, stream, window, place.page, priority)
        rows = _rows(page)
        new = len(rows - shown)
        move = tiling.judge(page, window, new=new)
        settled = not (move == "finish" and tiling.is_restless(page, new=new))
        yield Listed(window=window, ticket=ticket, page=page, settled=settled)
        tiling.done(move, page, window, rows=len(rows), new=new)
        place.position, place.page, place.tile_to = following(move, page, window)
        shown = set() if move in {"finish", "split"} else shown | rows


def _rows(page: Page) -> set[_Row]:
    return {
        *((record.ref, hash(record.body)) for record in page.records),
        *((one.ref, hash(one.version)) for one in page.sightings),
        *(("", hash(row.body)) for row in page.rejected),
    }
