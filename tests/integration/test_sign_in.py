"""Signing in at the pages over real HTTP: sessions that begin, live and end, and forms that are believed or not."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import pytest_asyncio
from aiohttp import web

from pms_sync.auth.roles import ROLES
from pms_sync.auth.sessions import ABSOLUTE, IDLE
from pms_sync.store import people
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from pms_sync.web.access import HEADERS, page
from pms_sync.web.forms import form_of
from tests.integration.applied_hotel import House, revision
from tests.integration.served_pages import Site, serving
from tests.integration.signing_in import EMAIL, PASSWORD, Browser, Watch, add_person, audit, browser, csrf_in
from tests.integration.test_receiver import Wire

ELSEWHERE = {"X_Forwarded_For": "203.0.113.9"}


class Changes:
    """A page that changes something, as later pages will; it keeps what reached it."""

    def __init__(self) -> None:
        """Begin with nothing changed."""
        self.made: list[str] = []

    async def change(self, request: web.Request) -> web.Response:
        """Take a form."""
        self.made.append(form_of(request)["what"])
        return web.Response(text="changed")

    def routes(self) -> list[web.RouteDef]:
        """Return the one route, for those who may update reservations."""
        return [web.post("/planted", page("update", "reservations")(self.change))]


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def changes() -> Changes:
    return Changes()


@pytest_asyncio.fixture
async def site(database: Database, keys: KeyRing, hotel: Any, watch: Watch, changes: Changes) -> AsyncIterator[Site]:
    """Serve the pages of a hotel with one person, a manager."""
    await add_person(database, hotel.tenant_id, name="Anna")
    async with serving(database, keys, clock=watch, extra=changes.routes()) as opened:
        yield opened


@pytest_asyncio.fixture
async def anna(site: Site) -> AsyncIterator[Browser]:
    """Give a browser in which Anna is signed in."""
    async with browser(site) as opened:
        assert (await opened.sign_in()).status_code == 303
        yield opened


@asynccontextmanager
async def signed_in_as(site: Site, database: Database, hotel: Any, role: str) -> AsyncIterator[Browser]:
    """Give a browser in which somebody of this role is signed in."""
    await add_person(database, hotel.tenant_id, f"{role}@example.org", role)
    async with browser(site) as opened:
        await opened.sign_in(f"{role}@example.org")
        yield opened


# ---- the way in


async def test_signing_in_opens_the_pages_from_anywhere(site: Site, hotel: Any) -> None:
    async with browser(site) as someone:
        led = await someone.get("/health?still", **ELSEWHERE)
        assert (led.status_code, led.headers["Location"]) == (303, "/login?next=/health?still")
        form = await someone.get(led.headers["Location"])
        assert 'name="next" value="/health?still"' in form.text
        answer = await someone.sign_in(next="/health?still")
        assert (answer.status_code, answer.headers["Location"]) == (303, "/health?still")
        board = await someone.get("/health?still", **ELSEWHERE)
        assert board.status_code == 200
        assert hotel.property_code in board.text
        assert "<bdi>Anna</bdi>" in board.text


async def test_the_begin_page_leads_to_the_sign_in_or_on(anna: Browser, site: Site) -> None:
    assert "Nothing waits for a person" in (await anna.get("/")).text
    assert (await anna.get("/login?next=/reservations/x")).headers["Location"] == "/reservations/x"
    async with browser(site) as nobody:
        assert (await nobody.get("/")).headers["Location"] == "/login"


async def test_nobody_is_led_to_a_place_that_is_no_page_of_ours(site: Site) -> None:
    foreign = (
        "https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "/\thealth", "/login",
        "/logout", "/api/pms/cases", "health", "", "/h\u00e9",
    )  # fmt: skip
    for place in foreign:
        async with browser(site) as someone:
            assert (await someone.sign_in(next=place)).headers["Location"] == "/", place


async def test_an_address_may_be_typed_in_any_case(site: Site) -> None:
    async with browser(site) as someone:
        assert (await someone.sign_in(f" {EMAIL.upper()} ")).status_code == 303


async def test_unknown_wrong_and_disabled_get_the_same_page(site: Site, database: Database, hotel: Any) -> None:
    """SEC-06: uniform messages; what was typed as a password is on no page."""
    gone = await add_person(database, hotel.tenant_id, "gone@example.org")
    async with database.connection() as connection:
        await people.set_disabled(connection, gone, gone.created_at)
    pages = set()
    for email, password in (
        (EMAIL, "wrong-words-here"),
        ("nobody@example.org", PASSWORD),
        ("gone@example.org", PASSWORD),
    ):
        async with browser(site) as someone:
            answer = await someone.sign_in(email, password)
            assert answer.status_code == 401
            assert "pms_session" not in answer.headers.get("Set-Cookie", "")
            assert password not in answer.text
            assert not await someone.is_signed_in()
            pages.add(answer.text.replace(csrf_in(answer), "").replace(email, ""))
    assert len(pages) == 1
    assert "The e-mail or the password is not right." in pages.pop()


async def test_anything_may_be_typed_as_an_address(site: Site) -> None:
    for email in ("", "a\0b@example.org", "x" * 5_000, "'; DROP TABLE users --", "<script>@x", "\u00e9@\u00e9"):
        async with browser(site) as someone:
            answer = await someone.sign_in(email)
            assert answer.status_code == 401, email
            assert "<script>" not in answer.text


async def test_over_a_plain_network_no_password_is_asked_for(site: Site) -> None:
    """ASVS 12.2.1: only https and the machine itself."""
    async with browser(site) as someone:
        form = await someone.get("/login", Host="10.0.0.5:8080")
        assert form.status_code == 403
        assert "PMS_SYNC_PUBLIC_URL=https://" in form.text
        secret = csrf_in(await someone.get("/login"))
        answer = await someone.post("/login", {"Host": "10.0.0.5"}, email=EMAIL, password=PASSWORD, csrf=secret)
        assert answer.status_code == 403
        assert not await someone.is_signed_in()


async def test_behind_a_proxy_with_tls_the_cookies_are_bound_to_the_host(
    database: Database, keys: KeyRing, hotel: Any
) -> None:
    await add_person(database, hotel.tenant_id)
    public = {"Host": "pms.example", "X-Forwarded-For": "203.0.113.9", "Origin": "https://pms.example"}
    async with serving(database, keys, public_url="https://pms.example") as site:
        form = await site.browser.get("/login", headers=public)
        jar = {"Cookie": form.headers["Set-Cookie"].partition(";")[0]}
        fields = {"email": EMAIL, "password": PASSWORD, "csrf": csrf_in(form)}
        answer = await site.browser.post("/login", data=fields, headers={**public, **jar})
        given = [one for one in answer.headers.get_list("Set-Cookie") if one.startswith("__Host-pms_session=")]
        assert len(given) == 1
        assert "Secure" in given[0]
        session = {"Cookie": given[0].partition(";")[0]}
        assert (await site.browser.get("/health", headers={**public, **session})).status_code == 200


# ---- sessions


async def test_a_planted_session_is_not_kept(site: Site) -> None:
    """SEC-05, fixation: a new token on every sign-in, and the one the browser came with is dead."""
    async with browser(site) as attacker, browser(site) as victim:
        await attacker.sign_in()
        planted = attacker.client.cookies["pms_session"]
        secret = csrf_in(await victim.get("/login"))
        victim.client.cookies.set("pms_session", planted, domain="127.0.0.1")
        assert (await victim.post("/login", email=EMAIL, password=PASSWORD, csrf=secret)).status_code == 303
        assert victim.client.cookies["pms_session"] != planted
        assert await victim.is_signed_in()
        assert not await attacker.is_signed_in()


async def test_two_sign_ins_are_two_sessions(anna: Browser, site: Site) -> None:
    async with browser(site) as phone:
        await phone.sign_in()
        assert phone.client.cookies["pms_session"] != anna.client.cookies["pms_session"]
        assert await anna.is_signed_in()
        assert await phone.is_signed_in()


async def test_signing_out_ends_the_session_at_once(anna: Browser, site: Site, database: Database, hotel: Any) -> None:
    """SEC-05: logout; a copy of the cookie is dead too."""
    copied = anna.client.cookies["pms_session"]
    answer = await anna.post("/logout", csrf=await anna.csrf())
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")
    assert "pms_session" not in anna.client.cookies
    async with browser(site) as thief:
        thief.client.cookies.set("pms_session", copied, domain="127.0.0.1")
        assert not await thief.is_signed_in()
    assert len(await audit(database, hotel.tenant_id, "auth.logout")) == 1


async def test_a_session_nobody_uses_ends(anna: Browser, watch: Watch) -> None:
    """SEC-05: idle."""
    watch.turn(seconds=IDLE.total_seconds() - 1)
    assert await anna.is_signed_in()
    watch.turn(seconds=IDLE.total_seconds() - 1)
    assert await anna.is_signed_in()
    watch.turn(seconds=IDLE.total_seconds() + 1)
    assert not await anna.is_signed_in()


async def test_a_board_that_renews_itself_keeps_no_session_alive(anna: Browser, watch: Watch) -> None:
    """A board left open is no person who uses it."""
    for _ in range(2):
        assert "<bdi>Anna</bdi>" in (await anna.get("/health?still")).text
        watch.turn(seconds=IDLE.total_seconds() / 2)
    assert not await anna.is_signed_in()


async def test_a_session_ends_however_much_it_is_used(anna: Browser, watch: Watch) -> None:
    """SEC-05: absolute."""
    hours = int(ABSOLUTE.total_seconds() // 3_600)
    for _ in range(hours - 1):
        watch.turn(hours=1)
        assert await anna.is_signed_in()
    watch.turn(hours=1)
    assert not await anna.is_signed_in()


async def test_a_disabled_person_is_out_within_one_request(anna: Browser, site: Site, database: Database) -> None:
    """SEC-05: user disabled."""
    async with database.connection() as connection:
        known = await people.by_email(connection, EMAIL)
        assert known
        await people.set_disabled(connection, known.user, site.desk.clock.now())
    assert not await anna.is_signed_in()


async def test_a_role_taken_away_counts_from_the_next_request(
    anna: Browser, database: Database, changes: Changes
) -> None:
    """SEC-05: role removed."""
    secret = await anna.csrf()
    assert (await anna.post("/planted", csrf=secret, what="1")).status_code == 200
    async with database.connection() as connection:
        known = await people.by_email(connection, EMAIL)
        assert known
        await people.set_role(connection, known.user, "viewer")
    assert (await anna.post("/planted", csrf=secret, what="2")).status_code == 403
    assert changes.made == ["1"]


async def test_a_token_can_be_exchanged_for_another(anna: Browser, site: Site) -> None:
    old = anna.client.cookies["pms_session"]
    fresh = await site.desk.sessions.rotate(old)
    assert fresh
    assert await site.desk.sessions.check(old) is None
    session = await site.desk.sessions.check(fresh)
    assert session
    assert session.person.email == EMAIL
    assert await site.desk.sessions.rotate(old) is None


async def test_a_made_up_session_is_nobodys(site: Site) -> None:
    for cookie in ("", "x", "x" * 43, "x" * 400, "' OR 1=1", "%00", "a b"):
        async with browser(site) as someone:
            answer = await someone.get("/", Cookie=f"pms_session={cookie}")
            assert (answer.status_code, answer.headers["Location"]) == (303, "/login"), cookie


async def test_neither_password_nor_token_is_kept_or_told(
    anna: Browser, site: Site, database: Database, capfd: pytest.CaptureFixture[str]
) -> None:
    """SEC-14: only digests are in the database, and nothing in the log."""
    async with browser(site) as someone:
        await someone.sign_in(password="a-secret-that-is-wrong")
    pair = await site.desk.tokens.mint((await site.desk.sessions.check(anna.client.cookies["pms_session"])).person)  # type: ignore[union-attr]
    secrets = (PASSWORD, "a-secret-that-is-wrong", anna.client.cookies["pms_session"], pair.access, pair.refresh)
    kept = ""
    async with database.transaction() as connection:
        await connection.execute("SET LOCAL ROLE NONE")
        for table in ("users", "sessions", "api_tokens", "sign_in_failures", "audit_log"):
            kept += str(await connection.fetch(f"SELECT t::text FROM {table} t"))
    told = "".join(capfd.readouterr())
    assert not [secret for secret in secrets if secret in kept or secret in told]


async def test_ended_sessions_are_let_go(anna: Browser, site: Site, watch: Watch, database: Database) -> None:
    assert await anna.is_signed_in()
    await site.desk.prune()
    assert await anna.is_signed_in()
    watch.turn(hours=13)
    assert await site.desk.prune() == 1
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM sessions") == 0


# ---- forms


async def test_a_form_from_another_site_changes_nothing(anna: Browser, changes: Changes) -> None:
    """SEC-04: wrong origin, even with the right secret."""
    secret = await anna.csrf()
    foreign = (
        {"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    )  # fmt: skip
    for headers in foreign:
        answer = await anna.post("/planted", headers, csrf=secret, what="x")
        assert answer.status_code == 403, headers
        assert "Nothing was changed" in answer.text
    assert changes.made == []


async def test_a_form_without_its_secret_changes_nothing(anna: Browser, site: Site, changes: Changes) -> None:
    """SEC-04: none, an empty one, somebody else's, the sign-in page's."""
    async with browser(site) as other:
        login = csrf_in(await other.get("/login"))
        await other.sign_in()
        foreign = await other.csrf()
    for fields in ({}, {"csrf": ""}, {"csrf": "x"}, {"csrf": foreign}, {"csrf": login}):
        assert (await anna.post("/planted", what="x", **fields)).status_code == 403, fields
    assert changes.made == []


async def test_a_form_of_a_type_that_pages_do_not_send_changes_nothing(anna: Browser, changes: Changes) -> None:
    """SEC-04: simple content types, with the right secret inside."""
    secret = await anna.csrf()
    body = f"csrf={secret}&what=x"
    for kind in ("text/plain", "multipart/form-data; boundary=x", "application/json", ""):
        answer = await anna.client.post("/planted", content=body, headers={"Content-Type": kind})
        assert answer.status_code == 403, kind
    packed = {"Content-Type": "application/x-www-form-urlencoded", "Content-Encoding": "gzip"}
    assert (await anna.client.post("/planted", content=body, headers=packed)).status_code == 403
    assert changes.made == []


async def test_reading_never_changes_anything(anna: Browser, changes: Changes) -> None:
    """SEC-04: GET mutation."""
    secret = await anna.csrf()
    for path in (f"/planted?csrf={secret}&what=x", f"/logout?csrf={secret}"):
        assert (await anna.get(path)).status_code == 405
    assert changes.made == []
    assert await anna.is_signed_in()


async def test_a_form_of_our_own_is_taken(anna: Browser, site: Site, changes: Changes) -> None:
    own = {"Origin": site.address, "Sec-Fetch-Site": "same-origin"}
    assert (await anna.post("/planted", own, csrf=await anna.csrf(), what="Zo\u00eb & Co")).text == "changed"
    assert changes.made == ["Zo\u00eb & Co"]


async def test_a_form_of_somebody_signed_out_is_told_so(anna: Browser, changes: Changes) -> None:
    """UI-10: the person hears that nothing was changed, and how to go on."""
    secret = await anna.csrf()
    await anna.post("/logout", csrf=secret)
    answer = await anna.post("/planted", csrf=secret, what="x")
    assert answer.status_code == 401
    assert "You are signed out" in answer.text
    assert changes.made == []


async def test_the_sign_in_form_is_believed_only_with_the_cookie_it_came_with(site: Site) -> None:
    """SEC-04: nobody is signed in as somebody else by another site."""
    async with browser(site) as someone, browser(site) as other:
        secret = csrf_in(await someone.get("/login"))
        fields = {"email": EMAIL, "password": PASSWORD}
        assert (await other.post("/login", csrf=secret, **fields)).status_code == 403
        assert (await someone.post("/login", **fields)).status_code == 403
        assert (
            await someone.post("/login", {"Origin": "https://evil.example"}, csrf=secret, **fields)
        ).status_code == 403
        assert (await someone.post("/login", csrf=secret, **fields)).status_code == 303


async def test_an_immense_form_is_refused(anna: Browser, changes: Changes) -> None:
    secret = await anna.csrf()
    assert (await anna.post("/planted", csrf=secret, what="x" * 300_000)).status_code == 413
    many = "&".join(f"f{number}=1" for number in range(3_000))
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = await anna.client.post("/planted", content=f"csrf={secret}&{many}", headers=kind)
    assert answer.status_code == 400
    assert changes.made == []


async def test_further_fields_give_nobody_a_role(site: Site, database: Database, hotel: Any) -> None:
    """SEC-27: role, tenant and version in a form are nobody's business."""
    async with browser(site) as someone:
        await someone.sign_in(role="super_admin", tenantId=str(uuid.uuid4()), version="9", is_admin="1")
        assert await someone.is_signed_in()
    async with database.connection() as connection:
        known = await people.by_email(connection, EMAIL)
    assert known
    assert (known.user.role, known.user.tenant_id) == ("manager", hotel.tenant_id)


# ---- who may see what


async def test_the_board_is_for_those_who_may_read_it(site: Site, database: Database, hotel: Any) -> None:
    """SEC-01 for this page, over HTTP; a denial is in the audit log."""
    found = {}
    for role in ROLES:
        async with signed_in_as(site, database, hotel, role) as someone:
            found[role] = (await someone.get("/health", **ELSEWHERE)).status_code
    allowed, others = ("super_admin", "admin", "manager", "viewer"), ("front_desk", "housekeeping", "maintenance")
    assert found == dict.fromkeys(allowed, 200) | dict.fromkeys(others, 403)
    denied = await audit(database, hotel.tenant_id, "auth.denied")
    told = [(row["entity_type"], row["entity_id"], row["fields"]["role"]) for row in denied]
    assert told == [("sync", "/health", role) for role in others]


async def test_every_role_reads_reservations_and_three_may_change_them(
    site: Site, database: Database, hotel: Any, keys: KeyRing, changes: Changes
) -> None:
    """SEC-01: reservations, of which resolving a case is Update."""
    house = House(database, keys, hotel.tenant_id, hotel.account_id)
    await house.apply(revision())
    [row] = await house.rows("SELECT reservation_id FROM reservations")
    for role in ("super_admin", "admin", "front_desk", "housekeeping", "maintenance", "viewer"):
        async with signed_in_as(site, database, hotel, role) as someone:
            read = await someone.get(f"/reservations/{row['reservation_id']}", **ELSEWHERE)
            assert read.status_code == 200, role
            await someone.post("/planted", csrf=csrf_in(read), what=role)
    assert changes.made == ["super_admin", "admin", "front_desk"]
    denied = await audit(database, hotel.tenant_id, "auth.denied")
    assert [row["fields"]["role"] for row in denied] == ["housekeeping", "maintenance", "viewer"]


async def test_nobody_sees_another_tenants_hotel(
    site: Site, database: Database, hotel: Any, keys: KeyRing, anna: Browser
) -> None:
    """ASVS 8.4.1: not on the board, not by its id."""
    house = House(database, keys, hotel.tenant_id, hotel.account_id)
    await house.apply(revision())
    [row] = await house.rows("SELECT reservation_id FROM reservations")
    path = f"/reservations/{row['reservation_id']}"
    other = uuid.uuid4()
    async with database.transaction() as connection:
        await connection.execute("INSERT INTO tenants (tenant_id, code) VALUES ($1, 't2')", other)
    await add_person(database, other, "bob@example.org", "super_admin")
    assert hotel.property_code in (await anna.get("/health?still")).text
    assert (await anna.get(path)).status_code == 200
    async with browser(site) as bob:
        await bob.sign_in("bob@example.org")
        board = await bob.get("/health?still")
        assert board.status_code == 200
        assert "No accounts yet" in board.text
        assert "Hotel One" not in board.text
        assert (await bob.get(path)).status_code == 404


async def test_a_board_of_one_tenant_counts_what_is_its_own(anna: Browser, database: Database, hotel: Any) -> None:
    async with database.transaction(hotel.tenant_id) as connection:
        await connection.execute(
            "INSERT INTO deliveries (tenant_id, door_id, vendor, digest, raw_id, correlation_id, state, "
            "received_at) SELECT t, gen_random_uuid(), 'beds24', d, 0, 'c', 'parked', now() "
            "FROM (VALUES ($1::uuid, 'a'::bytea), (gen_random_uuid(), 'b'::bytea)) AS v(t, d)",
            hotel.tenant_id,
        )
    assert "<b>1</b> <code>pms-sync replay" in (await anna.get("/health?still")).text


async def test_the_machine_itself_looks_without_signing_in_and_changes_nothing(site: Site, changes: Changes) -> None:
    """docs/decisions/0004."""
    async with browser(site) as operator:
        assert (await operator.get("/health")).status_code == 200
        assert (await operator.post("/planted", what="x")).status_code == 401
        assert (await operator.post("/logout", csrf="x")).status_code == 401
    assert changes.made == []


# ---- failing well


async def test_every_answer_of_signing_in_carries_the_security_headers(anna: Browser, site: Site) -> None:
    """SEC-13: forms, refusals and redirects; nothing of it is kept by a browser."""
    async with browser(site) as someone:
        answers: list[httpx.Response] = [
            await someone.get("/"),
            await someone.get("/login"),
            await someone.sign_in(),
            await someone.get("/login"),
            await someone.get("/planted"),
            await someone.post("/login"),
            await someone.post("/planted", csrf="x"),
            await anna.post("/logout", csrf=await anna.csrf()),
            await anna.post("/planted"),
            *[await guess(site) for _ in range(6)],
        ]
    assert {answer.status_code for answer in answers} == {303, 200, 405, 403, 401, 429}
    for answer in answers:
        assert not [name for name in HEADERS if name not in answer.headers], answer.status_code
        assert answer.headers["Cache-Control"] == "no-store"


async def guess(site: Site) -> httpx.Response:
    """Send one wrong password from a browser of its own."""
    async with browser(site) as someone:
        return await someone.sign_in("guessed@example.org", "wrong-words-here")


async def test_the_sign_in_page_says_that_the_database_is_away(
    migrated_database: str, keys: KeyRing, database: Database, hotel: Any
) -> None:
    await add_person(database, hotel.tenant_id)
    wire = Wire(migrated_database)
    await wire.up()
    through = await Database.connect(wire.dsn, size=2)
    try:
        async with serving(through, keys) as site, browser(site) as someone:
            secret = csrf_in(await someone.get("/login"))
            await wire.cut()
            answer = await someone.post("/login", email=EMAIL, password=PASSWORD, csrf=secret)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
            await wire.up()
            assert (await someone.post("/login", email=EMAIL, password=PASSWORD, csrf=secret)).status_code == 303
    finally:
        through.pool.terminate()
        await wire.cut()
