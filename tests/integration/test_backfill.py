"""Backfill and catalogue import on a real store: resumable, repeatable, and open about what they did."""

from __future__ import annotations

import asyncio
import uuid
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from pms_sync.domain.errors import ConfigurationFault, Disposition, VendorFault
from pms_sync.domain.reservation import UnmappedCode
from pms_sync.ingest.backfill import Backfill
from pms_sync.ingest.catalogue import CatalogueImports, import_catalogue
from pms_sync.ports.connector import RejectedRow
from pms_sync.store.cursors import Overtaken
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from tests.integration.listed_hotel import (
    NOW,
    Clock,
    ListedHotel,
    apply_everything,
    rows,
    runtime_of,
    spec,
    value,
)

DAY = timedelta(days=1)
EVENTS = "SELECT count(*) FROM events"


@pytest.fixture
async def runtime(database: Database, hotel: Any) -> Any:
    """Give an account whose vendor holds 35 bookings over two years, ten a page."""
    vendor = ListedHotel(spec(page_size=10))
    for number in range(35):
        vendor.add(f"R{number:02}", arrival=NOW - 30 * DAY + number * DAY)
    return await runtime_of(database, hotel.account_id, vendor)


@pytest.fixture
def backfill(database: Database, keys: KeyRing, hotel: Any) -> Backfill:
    """Give the command's engine."""
    assert hotel
    return Backfill(database, keys, clock=Clock(), new_id=uuid.uuid4)


async def test_the_whole_range_is_read_and_told(
    backfill: Backfill, runtime: Any, database: Database, hotel: Any
) -> None:
    told: list[tuple[int, int, datetime]] = []
    result = await backfill.run(runtime, progress=lambda *step: told.append(step))
    assert result == {"records": 35, "parked": 0, "resumed": False, "complete": True}
    assert await value(database, hotel, EVENTS) == 35
    assert [row[0] for row in await rows(database, hotel, "SELECT DISTINCT kind FROM events")] == ["backfill"]
    assert told[-1][:2] == (35, 0)
    assert [step[2] for step in told] == sorted(step[2] for step in told)
    assert set(runtime.priorities) == {"backfill"}


async def test_a_second_backfill_writes_nothing(
    backfill: Backfill, runtime: Any, database: Database, hotel: Any
) -> None:
    """CUR-02."""
    await backfill.run(runtime)
    await apply_everything(database, hotel)
    await backfill.run(runtime)
    assert await value(database, hotel, EVENTS) == 35


@pytest.mark.parametrize("killed_at", [1, 9, 10, 11, 12])
async def test_an_interrupted_backfill_goes_on_where_it_was(
    backfill: Backfill, runtime: Any, database: Database, hotel: Any, killed_at: int
) -> None:
    """CUR-08, S: control-C in the middle of a page loses that page alone."""
    vendor, reached = runtime.connector, asyncio.Event()

    def hang(page: int) -> Any:
        if page == killed_at:
            reached.set()
            return asyncio.Event().wait()
        return None

    vendor.before_page = hang
    running = asyncio.create_task(backfill.run(runtime))
    await reached.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    vendor.before_page = lambda _page: None
    result = await backfill.run(runtime)
    assert result == {"records": 35, "parked": 0, "resumed": True, "complete": True}
    assert await value(database, hotel, "SELECT count(DISTINCT ref) FROM events") == 35
    assert await value(database, hotel, EVENTS) == 35


async def test_a_polite_stop_ends_after_the_page(backfill: Backfill, runtime: Any) -> None:
    first = await backfill.run(runtime, stop=lambda: True)
    assert not first["complete"]
    second = await backfill.run(runtime)
    assert (second["resumed"], second["complete"], second["records"]) == (True, True, 35)


async def test_a_row_that_slips_to_an_earlier_page_is_found(
    backfill: Backfill, runtime: Any, database: Database, hotel: Any
) -> None:
    """CUR-04 for a listing: a booking that leaves the list pulls the first of the next page forward."""
    vendor = runtime.connector

    def leave(page: int) -> None:
        if page % 2 == 0 and vendor.bookings:
            vendor.bookings.pop(min(vendor.bookings, key=lambda ref: vendor.bookings[ref][1]))

    vendor.before_page = leave
    await backfill.run(runtime)
    found = {row["ref"] for row in await rows(database, hotel, "SELECT ref FROM events")}
    assert found >= set(vendor.bookings)


async def test_a_hotel_that_fits_one_page_costs_one_call(backfill: Backfill, runtime: Any) -> None:
    for ref in list(runtime.connector.bookings)[5:]:
        del runtime.connector.bookings[ref]
    await backfill.run(runtime)
    assert runtime.connector.pages == 1


async def test_dates_limit_what_is_read(backfill: Backfill, runtime: Any) -> None:
    result = await backfill.run(runtime, start=date(2026, 4, 2), end=date(2026, 4, 12))
    assert result["records"] == 10


async def test_other_dates_begin_anew(backfill: Backfill, runtime: Any) -> None:
    await backfill.run(runtime, stop=lambda: True)
    result = await backfill.run(runtime, start=date(2026, 4, 2), end=date(2026, 4, 12))
    assert (result["resumed"], result["records"]) == (False, 10)


async def test_an_empty_range_is_refused_with_a_remedy(backfill: Backfill, runtime: Any) -> None:
    with pytest.raises(ConfigurationFault, match="empty") as refused:
        await backfill.run(runtime, start=date(2026, 4, 2), end=date(2026, 4, 2))
    assert "--from" in refused.value.remedy


async def test_a_vendor_that_lists_nothing_whole_is_refused(backfill: Backfill, runtime: Any) -> None:
    declared = spec()
    [stream] = declared.streams
    bare = type(stream)(name=stream.name, feed="delta")
    runtime.connector.spec = type(declared)(
        **{name: getattr(declared, name) for name in declared.__struct_fields__ if name != "streams"}, streams=(bare,)
    )
    with pytest.raises(ConfigurationFault, match="listed"):
        await backfill.run(runtime)


async def test_unreadable_rows_are_counted_and_parked(
    backfill: Backfill, runtime: Any, database: Database, hotel: Any
) -> None:
    runtime.connector.rejected = (RejectedRow(body=b"{", path="$", why="cut off"),)
    result = await backfill.run(runtime)
    assert result["parked"] == 1
    assert await value(database, hotel, "SELECT count(*) FROM events WHERE state = 'parked'") == 1


async def test_of_two_backfills_of_one_account_one_gives_way(backfill: Backfill, runtime: Any) -> None:
    async def rival() -> None:
        runtime.connector.before_page = lambda _page: None
        await backfill.run(runtime)

    runtime.connector.before_page = lambda _page: rival()
    with pytest.raises(Overtaken):
        await backfill.run(runtime)


async def test_a_vendor_fault_leaves_the_progress_in_place(backfill: Backfill, runtime: Any) -> None:
    def fail(page: int) -> None:
        if page == 10:
            raise VendorFault("busy")

    runtime.connector.before_page = fail
    with pytest.raises(VendorFault):
        await backfill.run(runtime)
    asked = len(runtime.connector.windows)
    runtime.connector.before_page = lambda _page: None
    await backfill.run(runtime)
    assert runtime.connector.windows[asked].start == runtime.connector.windows[asked - 1].start


async def test_the_catalogue_is_recorded_and_its_unmapped_codes_returned(
    database: Database, runtime: Any, hotel: Any
) -> None:
    """Seeing a code maps nothing and opens no case."""
    assert await import_catalogue(database, runtime) == (UnmappedCode("room_type", "56"),)
    [suite] = await rows(database, hotel, "SELECT * FROM crosswalk WHERE vendor_code = '56'")
    assert (suite["vendor_name"], suite["our_code"]) == ("Suite", None)
    assert await value(database, hotel, "SELECT count(*) FROM cases") == 0


async def test_a_catalogue_of_another_property_is_refused(database: Database, runtime: Any, hotel: Any) -> None:
    runtime.account = type(runtime.account)(
        **{
            **{name: getattr(runtime.account, name) for name in runtime.account.__struct_fields__},
            "property_ref": "8",
        }
    )
    with pytest.raises(VendorFault, match="property 7 instead of 8"):
        await import_catalogue(database, runtime)
    assert await value(database, hotel, "SELECT count(*) FROM crosswalk WHERE vendor_code = '56'") == 0


async def test_catalogues_are_imported_on_start_and_daily(database: Database, runtime: Any, hotel: Any) -> None:
    clock, heard = Clock(), []
    imports = CatalogueImports(
        database,
        lambda: {hotel.account_id: runtime},
        clock=clock,
        on_unmapped=lambda _account, codes: heard.append(len(codes)),
    )
    assert [await imports.step(), await imports.step()] == [1, 0]
    clock.at += DAY
    assert await imports.step() == 1
    assert heard == [1, 1]


@pytest.mark.parametrize(("disposition", "state"), [(Disposition.PAUSE, "failed"), (Disposition.RETRY, "active")])
async def test_a_catalogue_that_needs_a_person_stops_the_account(
    database: Database, runtime: Any, hotel: Any, disposition: Disposition, state: str
) -> None:
    async def refuse() -> Any:
        raise VendorFault("the property cannot be seen", "GET /properties", "correct it", disposition=disposition)

    runtime.connector.catalogue = refuse
    imports = CatalogueImports(database, lambda: {hotel.account_id: runtime}, clock=Clock())
    assert await imports.step() == 0
    [account] = await rows(database, hotel, "SELECT state, state_reason FROM accounts")
    assert account["state"] == state
    assert ("the property cannot be seen" in (account["state_reason"] or "")) == (state == "failed")
