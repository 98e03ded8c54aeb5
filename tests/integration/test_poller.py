"""The poller on a real store: nothing is lost, nothing is written twice, and a position only moves when it may."""

from __future__ import annotations

import asyncio
import uuid
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from pms_sync.domain.clock import parse_instant, rfc3339
from pms_sync.domain.digest import record_digest
from pms_sync.domain.errors import Disposition, Unavailable, VendorFault
from pms_sync.ingest.paging import MAX_EMPTY_PAGES
from pms_sync.ingest.poller import Poller
from pms_sync.ingest.windows import CLOCK_DOUBT
from pms_sync.ports.connector import Page, RejectedRow
from pms_sync.store import cursors
from pms_sync.store.cursors import Overtaken
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from tests.integration.listed_hotel import (
    NOW,
    STREAM,
    Clock,
    ListedHotel,
    apply_everything,
    rows,
    runtime_of,
    spec,
    value,
)

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
EVENTS = "SELECT count(*) FROM events"
POSITION = "SELECT position FROM cursors"


class Bench:
    """A poller over one account whose vendor the test plays."""

    def __init__(self, database: Database, keys: KeyRing, hotel: Any, runtime: Any) -> None:
        self.database, self.keys, self.hotel, self.runtime = database, keys, hotel, runtime
        self.vendor: ListedHotel = runtime.connector
        self.clock = Clock()
        self.subscribed: list[int] = []
        self.poller = self.another()

    def another(self, **options: Any) -> Poller:
        """Start a second daemon on the same store."""

        async def subscribe(_runtime: Any) -> None:
            self.subscribed.append(self.vendor.pages)

        return Poller(
            self.database,
            self.keys,
            lambda: {self.hotel.account_id: self.runtime},
            clock=self.clock,
            new_id=uuid.uuid4,
            rand=lambda: 0.0,
            subscribe=subscribe,
            **options,
        )

    async def poll(self) -> Any:
        """Poll the one stream now."""
        [item] = await self.poller.poll_once()
        return item

    async def following(self) -> None:
        """Get the cold start over with, on an empty hotel."""
        await self.poll()
        self.vendor.windows.clear()
        self.vendor.pages = 0

    async def at(self, position: str) -> None:
        """Put the cursor somewhere, as an outage or a bad hand would."""
        await self.run("UPDATE cursors SET position = $1", position)

    async def run(self, statement: str, *arguments: Any) -> None:
        """Change the store behind everyone's back."""
        async with self.database.transaction(self.hotel.tenant_id) as connection:
            await connection.execute(statement, *arguments)

    async def ask(self, query: str) -> Any:
        """Ask the store for one value."""
        return await value(self.database, self.hotel, query)

    async def refs(self) -> list[str]:
        """Return the refs of all events, in order."""
        return [row["ref"] for row in await rows(self.database, self.hotel, "SELECT ref FROM events ORDER BY event_id")]


@pytest.fixture
async def bench(database: Database, keys: KeyRing, hotel: Any) -> Bench:
    """Give a poller over a hotel that lists oldest changes first, a hundred a page."""
    return Bench(database, keys, hotel, await runtime_of(database, hotel.account_id, ListedHotel()))


def declare(bench: Bench, **facts: Any) -> None:
    """Let the vendor declare something else."""
    bench.vendor.spec = spec(**facts)


async def test_a_second_identical_poll_writes_nothing(bench: Bench) -> None:
    """CUR-01."""
    for number in range(500):
        bench.vendor.add(f"R{number}", modified=NOW - MINUTE)
    assert (await bench.poll()).new == 500
    await apply_everything(bench.database, bench.hotel)
    again = await bench.poll()
    assert (again.records, again.new) == (500, 0)
    assert await bench.ask(EVENTS) == 500
    assert await bench.ask("SELECT count(*) FROM raw_records") == 500
    assert await bench.ask("SELECT count(*) FROM lanes") == 0


async def test_records_that_still_wait_are_not_stored_again(bench: Bench) -> None:
    bench.vendor.add("R1", modified=NOW - MINUTE)
    await bench.poll()
    await bench.poll()
    assert await bench.ask(EVENTS) == 1


async def test_a_change_and_the_change_back_are_two_changes(bench: Bench) -> None:
    """DUP-03: only the current state makes a duplicate, never history."""
    await bench.following()
    for minute, text in enumerate(("blue", "green", "blue")):
        bench.vendor.bookings["R1"] = (NOW - MINUTE, NOW, text)
        assert (await bench.poll()).new == 1, minute
        await apply_everything(bench.database, bench.hotel)


async def test_a_waiting_hint_to_fetch_does_not_hide_a_record(bench: Bench) -> None:
    await bench.following()
    bench.vendor.add("R1", modified=NOW - MINUTE)
    await bench.poll()
    await apply_everything(bench.database, bench.hotel)
    await bench.run(
        "INSERT INTO events (lane_key, tenant_id, account_id, kind, stream, ref, correlation_id) "
        "SELECT lane_key, tenant_id, account_id, 'webhook', stream, ref, 'c' FROM events LIMIT 1"
    )
    assert (await bench.poll()).new == 1


async def test_another_mapper_version_brings_the_records_again(bench: Bench) -> None:
    await bench.following()
    bench.vendor.add("R1", modified=NOW - MINUTE)
    await bench.poll()
    await apply_everything(bench.database, bench.hotel)
    bench.runtime.mapper.version = 2
    assert (await bench.poll()).new == 1


async def test_a_newly_mapped_code_brings_the_records_again_though_the_runtime_is_older(bench: Bench) -> None:
    await bench.following()
    bench.vendor.add("R1", modified=NOW - MINUTE)
    await bench.poll()
    await apply_everything(bench.database, bench.hotel)
    await bench.run("UPDATE accounts SET crosswalk_version = crosswalk_version + 1")
    assert (await bench.poll()).new == 1
    await apply_everything(bench.database, bench.hotel)
    assert (await bench.poll()).new == 0


async def test_ties_across_a_page_boundary_all_arrive_once(bench: Bench) -> None:
    """CUR-03, BEYOND 21."""
    await bench.following()
    for number in range(250):
        bench.vendor.add(f"R{number}", modified=NOW - MINUTE)
    assert (await bench.poll()).new == 250
    assert len(set(await bench.refs())) == await bench.ask(EVENTS) == 250


@pytest.mark.parametrize("order", ["oldest_first", "newest_first", "unordered"])
async def test_a_record_that_changes_while_paging_pulls_no_other_out_of_sight(bench: Bench, order: str) -> None:
    """CUR-04, BEYOND 22: a change on page one moves a row of page two to page one during the read."""
    declare(bench, page_size=10, page_order=order)
    await bench.following()
    for number in range(30):
        bench.vendor.add(f"R{number:02}", modified=NOW - 10 * MINUTE + timedelta(seconds=number))

    def change(page: int) -> None:
        if page == 2:
            bench.vendor.add("R05", modified=NOW)

    bench.vendor.before_page = change
    await bench.poll()
    bench.vendor.before_page = lambda _page: None
    await bench.poll()
    assert set(await bench.refs()) == {f"R{number:02}" for number in range(30)}
    newest = await bench.ask("SELECT digest FROM events WHERE ref = 'R05' ORDER BY event_id DESC LIMIT 1")
    assert newest == record_digest(bench.vendor.body("R05"), 1, bench.runtime.account.crosswalk_version)


async def test_an_empty_answer_does_not_take_the_cursor_to_now(bench: Bench) -> None:
    """CUR-06: a busy vendor says [], and what it kept back is found by the next poll."""
    await bench.following()
    before = await bench.ask(POSITION)
    bench.vendor.add("R1", modified=NOW - MINUTE)
    bench.vendor.lie = lambda _page, _token: Page(records=())
    await bench.poll()
    assert await bench.ask(POSITION) == before
    bench.vendor.lie = lambda page, _token: page
    bench.clock.at += DAY
    await bench.poll()
    assert await bench.refs() == ["R1"]


@pytest.mark.parametrize("skew", [10, -10])
async def test_a_wrong_clock_of_ours_loses_nothing(bench: Bench, skew: int) -> None:
    """CUR-07: the position comes from the vendor's times, with a narrow overlap already calibrated."""
    declare(bench, overlap=timedelta(minutes=1), calibrated_overlap=timedelta(minutes=1))
    vendor_now = NOW
    for number in range(20):
        vendor_now += 5 * MINUTE
        bench.vendor.add(f"R{number}", modified=vendor_now)
        bench.clock.at = vendor_now + skew * MINUTE
        await bench.poll()
    assert set(await bench.refs()) == {f"R{number}" for number in range(20)}
    assert len(set(await bench.refs())) == len(await bench.refs())


async def test_a_commit_that_shows_late_is_found_within_the_overlap(bench: Bench) -> None:
    """BEYOND 20."""
    await bench.following()
    bench.vendor.add("R2", modified=NOW - MINUTE)
    await bench.poll()
    bench.vendor.add("R1", modified=NOW - 3 * MINUTE)
    await bench.poll()
    assert await bench.refs() == ["R2", "R1"]


@pytest.mark.parametrize("killed_at", range(1, 6))
async def test_a_kill_at_any_page_costs_at_most_that_page(bench: Bench, killed_at: int) -> None:
    """CUR-08: the successor goes on from the page the dead reader did not commit."""
    declare(bench, page_size=10)
    await bench.following()
    for number in range(50):
        bench.vendor.add(f"R{number:02}", modified=NOW - 10 * MINUTE + timedelta(seconds=number))
    reached = asyncio.Event()

    def hang(page: int) -> Any:
        if page == killed_at:
            reached.set()
            return asyncio.Event().wait()
        return None

    bench.vendor.before_page = hang
    await bench.run("UPDATE cursors SET next_due_at = now()")
    assert await bench.poller.step() == 1
    await reached.wait()
    await bench.poller.aclose()
    assert await bench.ask(EVENTS) == (killed_at - 1) * 10
    bench.vendor.before_page = lambda _page: None
    bench.poller = bench.another()
    before = bench.vendor.pages
    await bench.poll()
    assert sorted(await bench.refs()) == [f"R{number:02}" for number in range(50)]
    first_pass, second_pass = 5 - (killed_at - 1), 5
    assert bench.vendor.pages - before <= first_pass + 2 * second_pass + 1


async def test_a_half_read_snapshot_goes_on_where_it_stopped(bench: Bench) -> None:
    """CUR-08 in the cold start: the tiles already read are not asked for again."""
    bench.vendor.spec = spec(max_snapshot_window=60 * DAY)
    for number in range(3):
        bench.vendor.add(f"R{number}", arrival=NOW + number * 200 * DAY)

    def fail(page: int) -> None:
        if page == 12:
            raise VendorFault("busy", disposition=Disposition.RETRY)

    bench.vendor.before_page = fail
    with pytest.raises(VendorFault):
        await bench.poll()
    asked = [window.start for window in bench.vendor.windows]
    bench.vendor.before_page = lambda _page: None
    bench.vendor.windows.clear()
    await bench.poll()
    resumed = [window.start for window in bench.vendor.windows if window.dimension == "arrival"]
    assert resumed[0] == asked[-1]
    assert not set(resumed) & set(asked[:-1])
    assert sorted(await bench.refs()) == ["R0", "R1", "R2"]


@pytest.mark.parametrize("position", ["2999-12-31T00:00:00Z", "H4sIAAo=", "17", "2026-05-01T12:00:00"])
async def test_an_abnormal_position_is_reset_loudly_and_everything_is_read_again(bench: Bench, position: str) -> None:
    """CUR-09, CUR-10."""
    await bench.following()
    bench.vendor.add("R1", modified=NOW - 90 * DAY)
    await bench.at(position)
    await bench.poll()
    assert await bench.refs() == ["R1"]
    assert parse_instant(await bench.ask(POSITION)) <= NOW
    [entry] = await rows(bench.database, bench.hotel, "SELECT * FROM audit_log WHERE action = 'cursor.reset'")
    assert entry["fields"]["position"]["old"] == position


async def test_a_record_on_the_edge_of_two_windows_arrives_once(bench: Bench) -> None:
    """CUR-12."""
    declare(bench, max_window=10 * DAY)
    await bench.following()
    start = NOW - 50 * DAY
    await bench.at(rfc3339(start))
    bench.vendor.add("R1", modified=start + 10 * DAY - 5 * MINUTE)
    await bench.poll()
    assert await bench.refs() == ["R1"]


async def test_a_long_outage_is_read_in_windows_the_vendor_allows(bench: Bench) -> None:
    """CUR-13, BEYOND 27 and 32."""
    declare(bench, max_window=90 * DAY)
    await bench.following()
    await bench.at(rfc3339(NOW - 200 * DAY))
    for days in (199, 111, 110, 109, 20, 1):
        bench.vendor.add(f"R{days}", modified=NOW - days * DAY)
    await bench.poll()
    assert all(window.end - window.start <= 90 * DAY for window in bench.vendor.windows)
    assert len(bench.vendor.windows) == 3
    assert set(await bench.refs()) == {"R199", "R111", "R110", "R109", "R20", "R1"}


async def test_a_next_page_that_repeats_for_ever_is_noticed(bench: Bench) -> None:
    """CUR-15: bounded calls, the position stays, the rows are kept, and the cursor says why."""
    await bench.following()
    before = await bench.ask(POSITION)
    bench.vendor.add("R1", modified=NOW - MINUTE)
    bench.vendor.lie = lambda page, _token: msgspec.structs.replace(page, next="again")
    with pytest.raises(VendorFault, match="does not end"):
        await bench.poll()
    assert bench.vendor.pages <= 3
    assert await bench.ask(POSITION) == before
    assert await bench.refs() == ["R1"]
    assert "does not end" in await bench.ask("SELECT last_error FROM cursors")
    bench.vendor.lie = lambda page, _token: page
    await bench.poll()
    assert await bench.ask("SELECT last_error FROM cursors") is None


async def test_empty_pages_without_an_end_are_noticed(bench: Bench) -> None:
    """CUR-15."""
    await bench.following()
    bench.vendor.lie = lambda _page, token: Page(records=(), next=str(int(token or 0) + 1))
    with pytest.raises(VendorFault, match="does not end"):
        await bench.poll()
    assert bench.vendor.pages == MAX_EMPTY_PAGES


async def test_a_short_page_is_not_taken_for_the_last(bench: Bench) -> None:
    """CUR-15: only the vendor's own word ends a listing."""
    declare(bench, page_size=100)
    await bench.following()
    for number in range(6):
        bench.vendor.add(f"R{number}", modified=NOW - MINUTE)

    def two_a_page(page: Page, token: str | None) -> Page:
        offset = int(token or 0)
        left = page.records[offset * 0 : 2]
        return msgspec.structs.replace(page, records=left, next=str(offset + 2) if offset < 4 else None)

    bench.vendor.lie = two_a_page
    await bench.poll()
    assert set(await bench.refs()) == {f"R{number}" for number in range(6)}


async def test_a_poll_that_outlasts_its_period_is_never_doubled(bench: Bench) -> None:
    """CUR-17: the next one starts late."""
    await bench.following()
    go_on = asyncio.Event()
    bench.vendor.before_page = lambda _page: go_on.wait()
    await bench.run("UPDATE cursors SET next_due_at = now() - interval '1 hour'")
    assert await bench.poller.step() == 1
    assert await bench.poller.step() == 0
    assert await bench.another().step() == 0
    go_on.set()
    await bench.poller.settle()
    assert bench.vendor.pages == 1
    assert await bench.ask("SELECT next_due_at > now() + interval '290 seconds' FROM cursors")


async def test_a_reader_that_lost_its_lease_writes_nothing(bench: Bench) -> None:
    """BEYOND 25: two daemons during a deploy, and the slower one is fenced off."""
    await bench.following()
    bench.vendor.add("R1", modified=NOW - MINUTE)

    async def overtake() -> None:
        await bench.run("UPDATE cursors SET lease_until = '-infinity'")
        async with bench.database.transaction() as connection:
            assert await cursors.claim_named(connection, bench.hotel.account_id, STREAM, uuid.uuid4(), 60)

    bench.vendor.before_page = lambda _page: overtake()
    with pytest.raises(Overtaken):
        await bench.poll()
    assert await bench.ask(EVENTS) == 0


async def test_a_slow_vendor_keeps_its_reader_alive(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    await bench.following()
    bench.poller = bench.another(lease_s=0.3)
    extended = asyncio.Event()
    extend = cursors.extend

    async def extend_and_tell(*arguments: Any) -> None:
        await extend(*arguments)
        extended.set()

    monkeypatch.setattr(cursors, "extend", extend_and_tell)
    bench.vendor.before_page = lambda _page: extended.wait()
    await bench.poll()
    assert extended.is_set()


async def test_a_cursor_held_by_another_reader_is_said_to_be_busy(bench: Bench) -> None:
    await bench.following()
    async with bench.database.transaction() as connection:
        await cursors.claim_named(connection, bench.hotel.account_id, STREAM, uuid.uuid4(), 60)

    async def no_wait(_seconds: float) -> None:
        return None

    with pytest.raises(Unavailable, match="another reader"):
        await bench.another(sleep=no_wait).poll_once()


async def test_a_cold_start_subscribes_lists_and_then_follows_from_before_the_listing(bench: Bench) -> None:
    """BEYOND 10: what changes between subscribing and the end of the listing is found, once."""
    bench.vendor.spec = spec(max_snapshot_window=60 * DAY)
    bench.vendor.add("old", modified=NOW - 300 * DAY, arrival=NOW - 300 * DAY)

    def book_meanwhile(page: int) -> None:
        if page == 15:
            bench.vendor.add("new", modified=NOW, arrival=NOW - 1700 * DAY)

    bench.vendor.before_page = book_meanwhile
    item = await bench.poll()
    dimensions = [window.dimension for window in bench.vendor.windows]
    assert bench.subscribed == [0]
    assert dimensions.index("modified") == dimensions.count("arrival")
    assert sorted(await bench.refs()) == ["new", "old"]
    assert item.pages == bench.vendor.pages
    assert {row["kind"] for row in await rows(bench.database, bench.hotel, "SELECT kind FROM events")} == {
        "backfill",
        "poll",
    }
    await bench.poll()
    assert bench.subscribed == [0]


@pytest.mark.parametrize("proven", [True, False])
async def test_the_overlap_narrows_only_when_the_vendor_proved_how_it_reads_times(bench: Bench, proven: bool) -> None:
    declare(bench, overlap=timedelta(hours=26), calibrated_overlap=5 * MINUTE)
    bench.vendor.reads_utc = proven
    bench.vendor.add("R1", modified=NOW - MINUTE)
    await bench.poll()
    bench.vendor.windows.clear()
    await bench.poll()
    [window] = bench.vendor.windows
    expected = 5 * MINUTE if proven else timedelta(hours=26)
    assert window.start == NOW - MINUTE - expected
    assert bench.vendor.calibrations == 1


async def test_a_row_that_cannot_be_read_is_parked_once_and_the_others_flow(bench: Bench) -> None:
    """CUR-19: with its body, the path and the reason."""
    await bench.following()
    bench.vendor.add("R1", modified=NOW - MINUTE)
    bench.vendor.rejected = (RejectedRow(body=b'{"id": []}', path="$.id", why="not an id"),)
    await bench.poll()
    await bench.poll()
    [parked] = await rows(bench.database, bench.hotel, "SELECT * FROM events WHERE state = 'parked'")
    assert (parked["park_path"], parked["park_reason"]) == ("$.id", "not an id")
    assert parked["raw_id"] is not None
    assert await bench.ask("SELECT count(*) FROM events WHERE ref = 'R1' AND state = 'waiting'") == 1
    assert await bench.ask("SELECT count(*) FROM lanes") == 1


async def test_a_record_parked_by_its_meaning_is_not_parked_at_every_poll(bench: Bench) -> None:
    await bench.following()
    bench.vendor.add("R1", modified=NOW - MINUTE)
    await bench.poll()
    await bench.run("UPDATE events SET state = 'parked'")
    await bench.run("DELETE FROM lanes")
    assert (await bench.poll()).new == 0
    bench.vendor.add("R1", modified=NOW)
    assert (await bench.poll()).new == 1


@pytest.mark.parametrize("ref", ["", "R\x00", "x" * 5000])
async def test_an_impossible_ref_stops_nobody_else(bench: Bench, ref: str) -> None:
    await bench.following()
    bench.vendor.add("R1", modified=NOW - MINUTE)
    bench.vendor.add(ref, modified=NOW - MINUTE)
    await bench.poll()
    assert await bench.ask("SELECT count(*) FROM events WHERE state = 'parked'") == 1
    assert await bench.ask("SELECT count(*) FROM events WHERE ref = 'R1'") == 1


async def test_card_numbers_are_gone_before_anything_is_stored(bench: Bench) -> None:
    await bench.following()
    bench.vendor.bookings["R1"] = (NOW - MINUTE, NOW, "card 4111 1111 1111 1111")
    await bench.poll()
    [row] = await rows(bench.database, bench.hotel, "SELECT raw_id, tenant_id, digest, sealed FROM raw_records")
    body = bench.keys.open(row["tenant_id"], f"raw_records:{row['digest'].hex()}", row["sealed"])
    assert b"4111 1111" not in body
    assert b"1111" in body


@pytest.mark.parametrize(
    ("disposition", "state", "failures"),
    [
        (Disposition.RETRY, "active", 1),
        (Disposition.PAUSE, "failed", 1),
        (Disposition.ABORT, "active", 1),
        (Disposition.PARK, "active", 1),
        (Disposition.REFUSE, "active", 1),
        (Disposition.SKIP, "active", 0),
    ],
)
async def test_a_failed_read_ends_as_its_disposition_says_and_the_position_stays(
    bench: Bench, disposition: Disposition, state: str, failures: int
) -> None:
    await bench.following()
    before = await bench.ask(POSITION)

    def fail(_page: int) -> None:
        raise VendorFault("no", "vendor", "wait", disposition=disposition)

    bench.vendor.before_page = fail
    await bench.run("UPDATE cursors SET next_due_at = now()")
    await bench.poller.step()
    await bench.poller.settle()
    assert await bench.ask(POSITION) == before
    assert await bench.ask("SELECT state FROM accounts") == state
    assert await bench.ask("SELECT failures FROM cursors") == failures
    assert await bench.ask("SELECT lease_until FROM cursors WHERE owner IS NULL AND next_due_at > now()") is not None


async def test_a_failed_account_is_not_asked_again(bench: Bench) -> None:
    await bench.following()
    await bench.run("UPDATE accounts SET state = 'failed'")
    await bench.run("UPDATE cursors SET next_due_at = now()")
    assert await bench.poller.step() == 0


async def test_the_vendor_says_when_to_come_back(bench: Bench) -> None:
    await bench.following()

    def fail(_page: int) -> None:
        raise VendorFault("too many", retry_after=900)

    bench.vendor.before_page = fail
    with pytest.raises(VendorFault):
        await bench.poll()
    assert await bench.ask("SELECT next_due_at > now() + interval '890 seconds' FROM cursors")


async def test_a_surprise_is_told_by_its_kind_alone(bench: Bench) -> None:
    """Its text could hold a guest's name."""
    await bench.following()

    def stumble(_page: int) -> None:
        raise KeyError("Mrs Example")

    bench.vendor.before_page = stumble
    await bench.run("UPDATE cursors SET next_due_at = now()")
    await bench.poller.step()
    await bench.poller.settle()
    assert await bench.ask("SELECT last_error FROM cursors") == "unexpected KeyError"


async def test_records_of_another_property_are_not_stored(bench: Bench) -> None:
    await bench.following()
    bench.vendor.add("R1", modified=NOW - MINUTE)
    bench.runtime.account = msgspec.structs.replace(bench.runtime.account, property_ref="8")
    assert (await bench.poll()).new == 0
    assert await bench.ask(EVENTS) == 0


async def test_what_a_poll_did_reads_as_the_command_prints_it(bench: Bench) -> None:
    await bench.following()
    bench.vendor.add("R1", modified=NOW - MINUTE)
    told = msgspec.to_builtins(await bench.poll())
    assert list(told) == ["account_id", "stream", "pages", "records", "new", "from", "to"]
    assert (told["pages"], told["records"], told["new"]) == (1, 1, 1)
    assert parse_instant(told["to"]) == NOW + CLOCK_DOUBT


async def test_a_position_never_goes_back(bench: Bench) -> None:
    """I5: a record with an old time, alone in its window, does not pull the cursor back."""
    await bench.following()
    seen: list[datetime] = []
    for minutes in (60, 5, 200, 1, 30):
        bench.vendor.bookings = {"R": (NOW - minutes * MINUTE, NOW, str(minutes))}
        await bench.poll()
        seen.append(parse_instant(await bench.ask(POSITION)))
    assert seen == sorted(seen)


async def test_an_unknown_account_is_not_polled(bench: Bench) -> None:
    assert await bench.poller.poll_once(uuid.uuid4()) == []


async def test_a_stream_that_cannot_be_listed_follows_changes_from_the_start(bench: Bench) -> None:
    [stream] = spec().streams
    bench.vendor.spec = msgspec.structs.replace(
        bench.vendor.spec, streams=(msgspec.structs.replace(stream, snapshot_dimension=None),)
    )
    bench.vendor.add("R1", modified=NOW)
    await bench.poll()
    assert {window.dimension for window in bench.vendor.windows} == {"modified"}
    assert await bench.refs() == ["R1"]


async def test_a_feed_without_changes_is_listed_whole_at_every_poll(bench: Bench) -> None:
    """BEYOND 29: what a vendor cannot tell by change is swept."""
    [stream] = spec().streams
    bench.vendor.spec = msgspec.structs.replace(
        bench.vendor.spec, streams=(msgspec.structs.replace(stream, feed="sweep"),)
    )
    bench.vendor.add("R1")
    assert (await bench.poll()).new == 1
    bench.vendor.add("R2")
    bench.clock.at += DAY
    assert (await bench.poll()).new == 1
    assert {window.dimension for window in bench.vendor.windows} == {"arrival"}
    assert bench.subscribed == [0]


async def test_a_change_is_found_though_the_vendors_clock_runs_an_hour_ahead(bench: Bench) -> None:
    """CUR-07: only the vendor knows what its clock shows, so a window that reaches the present has no upper bound."""
    await bench.following()
    bench.vendor.add("R1", modified=NOW + 60 * MINUTE)
    await bench.poll()
    assert await bench.refs() == ["R1"]
    assert await bench.ask(POSITION) == rfc3339(NOW)


async def test_of_a_long_outage_only_the_last_window_is_open(bench: Bench) -> None:
    """CUR-13."""
    await bench.following()
    declare(bench, max_window=90 * DAY)
    await bench.at(rfc3339(NOW - 200 * DAY))
    await bench.poll()
    assert [window.open_ended for window in bench.vendor.windows] == [False, False, True]


@pytest.mark.parametrize("years", [-4, 10])
async def test_a_cold_start_finds_bookings_from_years_ago_and_years_ahead(bench: Bench, years: int) -> None:
    """CUR-03."""
    bench.vendor.add("R1", arrival=NOW + years * 365 * DAY)
    await bench.poll()
    assert await bench.refs() == ["R1"]
