"""Walking: a range read to its end for whoever compares, with every row shown and nothing stored."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import msgspec
import pytest

from pms_sync.domain.errors import ConfigurationFault, VendorFault
from pms_sync.ingest.walking import walk
from pms_sync.ports.connector import Page, Sighting
from pms_sync.ports.listing import Listed
from pms_sync.store.database import Database
from tests.integration.listed_hotel import NOW, STREAM, ListedHotel, Runtime, runtime_of, spec, value

DAY = timedelta(days=1)
RANGE = (NOW - 60 * DAY, NOW + 60 * DAY)


@pytest.fixture
async def runtime(database: Database, hotel: Any) -> Runtime:
    """Give an account whose vendor holds 35 bookings on as many days, ten a page."""
    vendor = ListedHotel(spec(page_size=10))
    for number in range(35):
        vendor.add(f"R{number:02}", arrival=NOW - 17 * DAY + number * DAY)
    return await runtime_of(database, hotel.account_id, vendor)


async def walked(database: Database, runtime: Runtime) -> list[Listed]:
    """Walk the whole range."""
    account: Any = runtime
    return [one async for one in walk(database, account, STREAM, RANGE)]


def refs(pages: list[Listed]) -> set[str]:
    """Name what was shown."""
    return {record.ref for one in pages for record in one.page.records}


async def test_every_row_is_shown_and_nothing_is_stored(database: Database, hotel: Any, runtime: Runtime) -> None:
    pages = await walked(database, runtime)
    assert refs(pages) == set(runtime.connector.bookings)
    assert all(one.settled for one in pages)
    assert [one.ticket for one in pages] == sorted({one.ticket for one in pages})
    assert set(runtime.priorities) == {"reconcile"}
    for table in ("events", "raw_records", "sweeps"):
        assert await value(database, hotel, f"SELECT count(*) FROM {table}") == 0


async def test_windows_tile_the_range_without_a_gap(database: Database, runtime: Runtime) -> None:
    whole = [one.window for one in await walked(database, runtime) if one.page.next is None]
    assert (whole[0].start, whole[-1].end) == RANGE
    assert all(before.end == after.start for before, after in pairwise(whole))


async def test_what_fits_one_page_costs_one_call(database: Database, runtime: Runtime) -> None:
    for ref in list(runtime.connector.bookings)[5:]:
        del runtime.connector.bookings[ref]
    assert len(await walked(database, runtime)) == 1


async def test_a_day_of_several_pages_is_read_until_a_pass_shows_nothing_new(
    database: Database, runtime: Runtime
) -> None:
    """CUR-04: a row that leaves the list pulls the first of the next page forward, and the second pass finds it."""
    vendor = runtime.connector
    vendor.bookings.clear()
    for number in range(15):
        vendor.add(f"D{number:02}")
    seen = 0

    def leave(_number: int) -> None:
        nonlocal seen
        if vendor.windows[-1].end - vendor.windows[-1].start == DAY:
            seen += 1
            if seen == 2:
                del vendor.bookings["D00"]

    vendor.before_page = leave
    pages = await walked(database, runtime)
    assert refs(pages) >= set(vendor.bookings)
    assert all(one.settled for one in pages)


async def test_a_day_that_does_not_come_to_rest_says_so(database: Database, runtime: Runtime) -> None:
    """What is not on the pages of a list that moves all the time may be there all the same."""
    vendor = runtime.connector
    vendor.bookings.clear()
    for number in range(15):
        vendor.add(f"D{number:02}")
    vendor.before_page = lambda number: vendor.add(f"D{number % 15:02}", modified=NOW + number * DAY)
    pages = await walked(database, runtime)
    assert [one.settled for one in pages].count(False) == 1


async def test_the_newest_first_are_paged_through_once(database: Database, hotel: Any) -> None:
    vendor = ListedHotel(spec(page_size=10, page_order="newest_first"))
    for number in range(35):
        vendor.add(f"R{number:02}", arrival=NOW + number * DAY)
    runtime = await runtime_of(database, hotel.account_id, vendor)
    pages = await walked(database, runtime)
    assert (refs(pages), len(pages)) == (set(vendor.bookings), 4)


async def test_a_listing_that_goes_in_circles_is_given_up(database: Database, runtime: Runtime) -> None:
    """CUR-15."""
    vendor = runtime.connector
    vendor.bookings.clear()
    for number in range(15):
        vendor.add(f"D{number:02}")
    vendor.lie = lambda page, _token: msgspec.structs.replace(page, next="5")
    with pytest.raises(VendorFault, match="does not end"):
        await walked(database, runtime)


async def test_what_a_listing_only_names_counts_as_shown(database: Database, runtime: Runtime) -> None:
    def name(page: Page, _token: str | None) -> Page:
        named = tuple(Sighting(record.ref, record.version) for record in page.records)
        return msgspec.structs.replace(page, records=(), sightings=named)

    runtime.connector.lie = name
    pages = await walked(database, runtime)
    assert {one.ref for page in pages for one in page.page.sightings} == set(runtime.connector.bookings)


async def test_a_stream_without_a_dimension_is_refused(database: Database, hotel: Any) -> None:
    declared = spec()
    [stream] = declared.streams
    bare = msgspec.structs.replace(declared, streams=(msgspec.structs.replace(stream, snapshot_dimension=None),))
    runtime = await runtime_of(database, hotel.account_id, ListedHotel(bare))
    with pytest.raises(ConfigurationFault):
        await walked(database, runtime)
