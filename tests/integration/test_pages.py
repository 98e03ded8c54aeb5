"""The pages on a real socket over a real database: what a person sees, and what nobody else does."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import AsyncIterator
from time import monotonic
from typing import Any
from urllib.parse import quote

import httpx
import msgspec
import pytest
import pytest_asyncio
from aiohttp import web

from pms_sync.domain.reservation import Line
from pms_sync.jobs.measure import measure
from pms_sync.store import health
from pms_sync.store.database import Database, use_tenant
from pms_sync.store.sealing import KeyRing
from pms_sync.web.access import HEADERS
from tests.integration.applied_hotel import House, revision
from tests.integration.kept_rooms import Board, standing
from tests.integration.served_pages import Site, serving
from tests.integration.test_receiver import Wire

HOSTILE = "<script>alert('x')</script>\"&"
PRIVATE = ("Zebedee", "Example", "a@example.org", "late arrival")


@pytest.fixture
def house(database: Database, keys: KeyRing, hotel: Any) -> House:
    """Give the small hotel with an applier."""
    return House(database, keys, hotel.tenant_id, hotel.account_id)


@pytest_asyncio.fixture
async def site(database: Database, keys: KeyRing) -> AsyncIterator[Site]:
    """Serve the pages over the test's database."""
    async with serving(database, keys) as opened:
        yield opened


async def run(database: Database, hotel: Any, statement: str, *values: Any) -> None:
    """Change the store by hand, as the hotel's tenant."""
    async with database.transaction(hotel.tenant_id) as connection:
        await connection.execute(statement, *values)


async def add_cursor(database: Database, hotel: Any, stream: str = "reservations", **facts: Any) -> None:
    """Let a stream of the hotel's account have been read `age` seconds ago, due again in `due` seconds."""
    told = {"phase": "delta", "age": 60.0, "due": 240.0, "error": None} | facts
    await run(
        database,
        hotel,
        "INSERT INTO cursors (tenant_id, account_id, stream, phase, last_success_at, next_due_at, last_error) "
        "VALUES ($1, $2, $3, $4, now() - $5 * interval '1 second', now() + $6 * interval '1 second', $7)",
        hotel.tenant_id,
        hotel.account_id,
        stream,
        told["phase"],
        told["age"],
        told["due"],
        told["error"],
    )


async def add_delivery(database: Database, hotel: Any, *, state: str = "done", age: str = "1 minute") -> None:
    """Store a delivery as if it had come by the hotel's door."""
    await run(
        database,
        hotel,
        "INSERT INTO deliveries (tenant_id, door_id, vendor, digest, raw_id, correlation_id, state, received_at) "
        f"VALUES ($1, $2, $3, 'x', 0, 'c', $4, now() - interval '{age}')",
        hotel.tenant_id,
        uuid.uuid4(),
        hotel.vendor,
        state,
    )


async def the_id(house: House) -> str:
    """Return the one reservation's id."""
    [row] = await house.rows("SELECT reservation_id FROM reservations")
    return str(row["reservation_id"])


def title_of(page: httpx.Response) -> str:
    """Return the page's title."""
    found = re.search(r"<title>(.*?)</title>", page.text)
    assert found
    return found[1]


# ---- the board


async def test_the_root_leads_to_the_sign_in(site: Site) -> None:
    page = await site.get("/")
    assert (page.status_code, page.headers["Location"]) == (303, "/login")


async def test_an_empty_house_says_how_to_begin(site: Site) -> None:
    page = await site.get("/health")
    assert page.status_code == 200
    assert "No accounts yet: run" in page.text
    assert "pms-sync accounts add VENDOR --property CODE" in page.text


async def test_all_streams_fresh_is_said_in_one_sentence(site: Site, database: Database, hotel: Any) -> None:
    await add_cursor(database, hotel)
    page = await site.get("/health")
    assert title_of(page) == "All streams fresh · pms-sync"
    assert "Hotel One" in page.text
    assert re.search(r'read <time datetime="[^"]+Z">\d\d:\d\d:\d\d CES?T</time>', page.text)


async def test_an_account_nobody_has_read_yet_is_on_the_board(site: Site, hotel: Any) -> None:
    page = await site.get("/health")
    assert "Hotel One" in page.text
    assert "not started" in page.text
    assert hotel.vendor in page.text


async def test_a_broken_stream_says_since_when_why_and_what_helps(site: Site, database: Database, hotel: Any) -> None:
    """UX: since when, why in the vendor's words, what the daemon does, the one command that helps."""
    await add_cursor(database, hotel, error=f"503 {HOSTILE}", age=7_300.0, due=60.0)
    page = await site.get("/health")
    assert "1 stream needs attention" in page.text
    assert "reservations failing since" in page.text
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" in page.text
    assert "<script" not in page.text
    assert "It is tried again by itself; nothing is skipped. Next try in" in page.text
    assert f"pms-sync accounts test {hotel.account_id}" in page.text


async def test_what_waits_and_what_is_parked_is_counted(site: Site, database: Database, hotel: Any) -> None:
    await add_cursor(database, hotel)
    for state in ("waiting", "leased", "parked"):
        await run(
            database,
            hotel,
            "INSERT INTO events (lane_key, tenant_id, account_id, kind, stream, ref, state, correlation_id) "
            "VALUES ('x', $1, $2, 'poll', 'reservations', '1', $3, 'c')",
            hotel.tenant_id,
            hotel.account_id,
            state,
        )
    await add_delivery(database, hotel, state="parked")
    page = await site.get("/health")
    assert "2 waiting" in page.text
    assert '<b class="parked">1 parked</b>' in page.text
    assert "<b>2</b> <code>pms-sync replay --parked</code>" in page.text


async def test_webhooks_of_the_last_hour_are_counted_by_vendor(site: Site, database: Database, hotel: Any) -> None:
    for age in ("3 hours", "61 minutes", "59 minutes", "1 second"):
        await add_delivery(database, hotel, age=age)
    assert f"<b>2</b> {hotel.vendor}" in (await site.get("/health")).text


async def test_the_board_renews_itself_and_can_be_stopped(site: Site) -> None:
    """WCAG 2.2.2: whoever reads slowly can stop it."""
    assert '<meta http-equiv="refresh" content="10">' in (await site.get("/health")).text
    still = (await site.get("/health?still")).text
    assert "http-equiv" not in still
    assert 'href="/health"' in still


async def test_a_loop_that_stands_still_heads_the_board(site: Site) -> None:
    site.heartbeats.register("router", 60)
    site.passed += 100
    assert "The daemon stands still: router" in (await site.get("/health")).text


async def test_two_hundred_properties_with_six_streams_render_within_a_second(
    site: Site, database: Database, hotel: Any
) -> None:
    """UX: 200 properties x 6 streams."""
    async with database.transaction() as connection:
        await use_tenant(connection, hotel.tenant_id)
        await connection.execute(
            "WITH p AS (INSERT INTO properties (tenant_id, property_id, code, name, timezone, currency) "
            "SELECT $1, gen_random_uuid(), 'X' || n, 'House ' || n, 'Europe/Madrid', 'EUR' "
            "FROM generate_series(1, 200) n RETURNING property_id), "
            "a AS (INSERT INTO accounts (tenant_id, account_id, property_id, vendor, property_ref, role) "
            "SELECT $1, gen_random_uuid(), property_id, 'v1', '1', 'pms' FROM p RETURNING account_id) "
            "INSERT INTO cursors (tenant_id, account_id, stream, phase, last_success_at) "
            "SELECT $1, account_id, 's' || n, 'delta', now() FROM a, generate_series(1, 6) n",
            hotel.tenant_id,
        )
    await site.get("/health")
    started = monotonic()
    page = await site.get("/health")
    assert page.text.count("</svg> fresh</span>") == 1_200
    assert monotonic() - started < 1


async def test_rooms_show_how_they_stand_and_what_nobody_said(
    site: Site, database: Database, keys: KeyRing, hotel: Any
) -> None:
    """Whatever the vendor writes stays text, and what is not known is not made up."""
    assert 'id="rooms"' not in (await site.get("/health")).text
    hidden = {"condition": msgspec.UNSET, "service": "out_of_order", "occupied": None, "vendor_word": HOSTILE}
    await Board(database, keys, hotel).take(standing("55/1", occupied=True), standing("x-9", **hidden))
    page = (await site.get("/health")).text
    rows = [re.sub(r"<[^>]+>", "|", row) for row in re.findall(r"<tr data-room=.*?</tr>", page, re.DOTALL)]
    told = [[cell.strip() for cell in row.split("|") if cell.strip()] for row in rows]
    assert told[0][:5] == ["P1", "101", "clean", "yes", "in service"]
    assert told[1][:6] == ["P1", "x-9", "not mapped", "not visible", "not said", "out of order"]
    assert "<script" not in page


async def test_a_house_of_many_rooms_shows_the_first_and_says_where_the_others_are(
    site: Site, database: Database, keys: KeyRing, hotel: Any
) -> None:
    await Board(database, keys, hotel).take(*(standing(f"r{number}") for number in range(205)))
    page = (await site.get("/health")).text
    assert page.count("<tr data-room=") == 200
    assert "GET /api/pms/housekeeping/rooms" in page


# ---- one reservation


async def test_a_reservation_shows_its_state_its_people_masked_and_its_story(site: Site, house: House) -> None:
    line = Line(ref="l1", kind="charge", text="Room", amount=revision().total, currency="EUR")  # type: ignore[arg-type]
    await house.apply(revision(name="Zebedee", lines=(line,), channel="booking_com", channel_reference="4711"))
    page = await site.get(f"/reservations/{await the_id(house)}")
    assert page.status_code == 200
    for told in (
        "confirmed",
        "Booking.com",
        "200.00 EUR",
        '<time datetime="2026-03-10">Tue 10 Mar 2026</time>',
        "Z•••",
        "a•••",
        "<bdi>Room</bdi>",
        "derived from total / nights",
        "Reservation created",
        'data-path="room_stays.1001.arrival"',
    ):
        assert told in page.text, told


async def test_no_personal_data_is_anywhere_on_the_page(site: Site, house: House) -> None:
    """UI-11: not in the text, not in the title, not in the address, and the page is kept nowhere."""
    await house.apply(revision(name="Zebedee"))
    page = await site.get(f"/reservations/{await the_id(house)}")
    assert not [word for word in PRIVATE if word in page.text]
    assert title_of(page) == f"Reservation {await the_id(house)} · pms-sync"
    assert page.headers["Cache-Control"] == "no-store"


async def test_whatever_a_vendor_writes_stays_text(site: Site, house: House, database: Database, hotel: Any) -> None:
    """A name, a note, a line of the bill and a room code may hold anything."""
    line = Line(ref=HOSTILE, kind="charge", text=HOSTILE, amount=revision().total, currency="EUR")  # type: ignore[arg-type]
    await house.apply(revision(name=HOSTILE, lines=(line,), channel_reference=HOSTILE, channel="other"))
    await run(database, hotel, "UPDATE properties SET name = $1", HOSTILE)
    await run(database, hotel, "UPDATE room_stays SET room_type_ref = $1, room_type_id = NULL", HOSTILE)
    page = await site.get(f"/reservations/{await the_id(house)}")
    assert page.status_code == 200
    assert "<script" not in page.text
    assert page.text.count("&lt;script&gt;") >= 4
    assert "<script" not in (await site.get("/health")).text


async def test_the_story_runs_from_the_webhook_to_the_change(
    site: Site, house: House, database: Database, hotel: Any
) -> None:
    """OPS-05: one correlation id, newest first; what is stuck says why."""
    await house.apply(revision(), kind="webhook")
    await add_delivery(database, hotel)
    await run(database, hotel, "UPDATE deliveries SET correlation_id = 'c1'")
    lane = f"{hotel.account_id}/reservations/1001"
    for state, reason in (("done", None), ("parked", HOSTILE)):
        await run(
            database,
            hotel,
            "INSERT INTO events (lane_key, tenant_id, account_id, kind, stream, ref, state, outcome, park_path, "
            "park_reason, correlation_id, received_at) VALUES ($1, $2, $3, 'webhook', 'reservations', '1001', $4, "
            "'new', '$.status', $5, 'c1', now() - interval '30 seconds')",
            lane,
            hotel.tenant_id,
            hotel.account_id,
            state,
            reason,
        )
    page = (await site.get(f"/reservations/{await the_id(house)}")).text
    told = [page.index(word) for word in ("Reservation created", "Webhook led to a read", "Webhook received")]
    assert told == sorted(told)
    assert "parked at $.status: &lt;script&gt;" in page
    assert page.count(">c1<") == 4


async def test_a_room_that_another_stay_has_is_shown_on_the_page(site: Site, house: House) -> None:
    await house.apply(revision("1"))
    await house.apply(revision("2"))
    [row] = await house.rows("SELECT reservation_id FROM room_stays WHERE claim_state = 'refused'")
    await house.apply(revision("1"), revision("2"), kind="reconcile", direct=True)
    page = (await site.get(f"/reservations/{row['reservation_id']}")).text
    assert "another stay has the room" in page
    assert "Open case: room double booked" in page


async def test_without_keys_guests_are_dots_alone(database: Database, house: House) -> None:
    await house.apply(revision(name="Zebedee"))
    async with serving(database) as site:
        page = await site.get(f"/reservations/{await the_id(house)}")
    assert "<td>•••</td>" in page.text
    assert "Z•••" not in page.text


async def test_an_unknown_or_impossible_id_is_a_page_that_helps(site: Site) -> None:
    for wrong in (str(uuid.UUID(int=7)), "x", "0" * 5_000, "..%2f..%2fetc", HOSTILE, "%00"):
        page = await site.get(f"/reservations/{quote(wrong, safe='%')}")
        assert page.status_code == 404, wrong
        assert "There is no such reservation" in page.text
        assert "alert" not in page.text


# ---- failing well


async def test_every_answer_carries_the_security_headers(site: Site, house: House) -> None:
    """SEC-13: pages, probes, assets and errors alike."""
    await house.apply(revision())
    for path in ("/", "/health", f"/reservations/{await the_id(house)}", "/reservations/x", "/nothing", "/healthz",
                 "/readyz", "/metrics", "/static/pms.css", "/static/none", "/webhooks/nobody/x"):  # fmt: skip
        answer = await site.get(path)
        assert not [name for name in HEADERS if name not in answer.headers], path
        assert "unsafe" not in answer.headers["Content-Security-Policy"]
        assert "aiohttp" not in answer.headers["Server"]


async def test_pages_hold_nothing_that_their_policy_would_stop(site: Site, house: House) -> None:
    """No inline script or style, no handler attributes, nothing from elsewhere."""
    await house.apply(revision())
    for path in ("/health", f"/reservations/{await the_id(house)}", "/nothing"):
        text = (await site.get(path)).text
        assert not re.search(r"<script|<style|\sstyle=|\son\w+=|javascript:|(?:src|href)=\"(?![/#])", text), path


async def test_unknown_addresses_and_methods_are_pages_too(site: Site) -> None:
    lost = await site.get("/no/such/page")
    assert (lost.status_code, title_of(lost)) == (404, "There is no such page · pms-sync")
    written = await site.browser.post("/health")
    assert (written.status_code, written.headers["Allow"]) == (405, "GET,HEAD")
    assert "only for reading" in written.text


async def test_machines_get_plain_errors(site: Site) -> None:
    for path in ("/webhooks/nobody/x", "/api/pms/none", "/static/none"):
        answer = await site.get(path)
        assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/plain; charset=utf-8"), path


async def test_what_comes_through_a_proxy_must_sign_in(site: Site, hotel: Any) -> None:
    """SEC-11, SEC-24: a proxy on this machine lends its address to anybody."""
    forged: list[dict[str, str]] = [
        {"Forwarded": "for=10.0.0.7"},
        {"X_Forwarded_For": "127.0.0.1"},
        {"X_Forwarded_Proto": "https"},
    ]
    for headers in forged:
        for path in ("/", "/health", "/reservations/x"):
            answer = await site.get(path, **headers)
            assert (answer.status_code, answer.headers["Location"][:6]) == (303, "/login"), (path, headers)
            assert hotel.property_code not in answer.text
        assert (await site.get("/metrics", **headers)).status_code == 403


async def test_a_foreign_name_for_this_machine_must_sign_in(site: Site) -> None:
    """DNS rebinding: a web site that points its name at loopback."""
    assert (await site.get("/health", Host="evil.example")).headers["Location"] == "/login?next=/health"


async def test_a_defect_is_a_page_with_an_id_and_none_of_its_words(database: Database) -> None:
    async def broken(_: web.Request) -> web.Response:
        raise RuntimeError("Zebedee")

    async with serving(database, extra=[web.get("/broken", broken), web.get("/api/broken", broken)]) as site:
        page, plain = await site.get("/broken"), await site.get("/api/broken")
    assert (page.status_code, plain.status_code) == (500, 500)
    assert "This is our fault" in page.text
    assert re.search(r"[0-9a-f]{32}", page.text)
    assert re.search(r"[0-9a-f]{32}", plain.text)
    for answer in (page, plain):
        assert "Zebedee" not in answer.text
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


# ---- the database away


async def test_pages_say_that_the_database_is_away_and_look_again(migrated_database: str, keys: KeyRing) -> None:
    wire = Wire(migrated_database)
    await wire.up()
    database = await Database.connect(wire.dsn, size=2)
    try:
        async with serving(database, keys) as site:
            assert (await site.get("/health")).status_code == 200
            await wire.cut()
            for path in ("/health", f"/reservations/{uuid.uuid4()}"):
                page = await site.get(path)
                assert (page.status_code, page.headers["Retry-After"]) == (503, "5"), path
                assert "The database is away" in page.text
                assert '<meta http-equiv="refresh" content="5">' in page.text
            ready = await site.get("/readyz")
            assert (ready.status_code, ready.json()) == (
                503,
                {"ready": False, "database": "away", "schema": "unknown"},
            )
            assert (await site.get("/healthz")).status_code == 200
            await wire.up()
            assert (await site.get("/health")).status_code == 200
    finally:
        database.pool.terminate()
        await wire.cut()


async def test_a_database_that_hangs_is_away_within_a_second(migrated_database: str) -> None:
    """A server that takes the question and never answers; four probes in a row take no connection hostage."""
    wire = Wire(migrated_database)
    await wire.up()
    database = await Database.connect(wire.dsn, size=2)
    try:
        assert (await health.readiness(database)).ready
        wire.flows.clear()
        for _ in range(4):
            started = monotonic()
            found = await health.readiness(database)
            assert (found.ready, found.database) == (False, "away")
            assert monotonic() - started < 1
        wire.flows.set()
        assert (await health.readiness(database)).ready
    finally:
        wire.flows.set()
        database.pool.terminate()
        await wire.cut()


# ---- probes and numbers


async def test_liveness_tells_each_loop_and_fails_on_a_stale_one(site: Site) -> None:
    """OPS-01: the exact body of the public surface."""
    site.heartbeats.register("router", 60)
    fine = await site.get("/healthz")
    assert (fine.status_code, fine.json()) == (
        200,
        {"status": "ok", "loops": {"router": {"age_s": 0.0, "limit_s": 60}}},
    )
    site.passed += 61
    stale = await site.get("/healthz", X_Forwarded_For="10.0.0.7")
    assert (stale.status_code, stale.json()["status"]) == (503, "stale")


async def test_readiness_knows_the_schema(site: Site, database: Database) -> None:
    ready = await site.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"ready": True, "database": "up", "schema": "head"})
    async with database.transaction() as connection:
        await connection.execute("SET LOCAL ROLE NONE; UPDATE alembic_version SET version_num = '0001'")
    behind = await site.get("/readyz")
    assert (behind.status_code, behind.json()) == (503, {"ready": False, "database": "up", "schema": "0001"})


async def test_an_empty_database_is_not_ready(empty_database: str) -> None:
    database = await Database.connect(empty_database, role="pms", size=1)
    try:
        assert (await health.readiness(database)).schema == "empty"
    finally:
        await database.close()


async def test_the_numbers_of_the_store_are_measured(site: Site, database: Database, hotel: Any, house: House) -> None:
    await add_cursor(database, hotel, age=42.0)
    await add_cursor(database, hotel, "blocks", age=None)
    await add_delivery(database, hotel, state="waiting")
    for ref in ("1", "2", "3", "4"):
        await house.apply(revision(ref, room=None))
    await run(database, hotel, "UPDATE accounts SET breaker = 'open'")
    await measure(database, site.metrics)
    page = await site.get("/metrics")
    assert page.headers["Content-Type"].startswith("text/plain; version=")
    found = dict(re.findall(r"^(pms_sync_\S+) (\S+)$", page.text, re.MULTILINE))
    assert 42 <= float(found['pms_sync_freshness_seconds{property="P1",stream="reservations"}']) < 60
    assert float(found['pms_sync_freshness_seconds{property="P1",stream="blocks"}']) < 60
    assert float(found["pms_sync_inbox_depth"]) >= 1
    assert float(found["pms_sync_inbox_oldest_seconds"]) >= 60
    assert found['pms_sync_cases_open{kind="type_oversold"}'] == "2.0"
    assert found[f'pms_sync_breaker_state{{account="{hotel.account_id}"}}'] == "2.0"


async def test_metrics_may_live_elsewhere(database: Database) -> None:
    async with serving(database, metrics_here=False) as site:
        assert (await site.get("/metrics")).status_code == 404


async def test_the_style_sheet_is_kept_under_an_address_of_its_own(site: Site) -> None:
    page = await site.get("/health")
    found = re.search(r'href="(/static/pms\.css\?v=[0-9a-f]{12})"', page.text)
    assert found
    sheet = await site.get(found[1], X_Forwarded_For="10.0.0.7")
    assert (sheet.status_code, sheet.headers["Content-Type"]) == (200, "text/css; charset=utf-8")
    assert "immutable" in sheet.headers["Cache-Control"]
    assert "prefers-color-scheme: dark" in sheet.text


async def test_many_readers_at_once_are_served(site: Site, house: House) -> None:
    await house.apply(revision())
    path = f"/reservations/{await the_id(house)}"
    pages = await asyncio.gather(*(site.get(path) for _ in range(12)))
    assert {page.status_code for page in pages} == {200}
