"""Tokens and the guard of the API over real HTTP: who gets in, for how long, and what each role may do there."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from itertools import product
from typing import Any, get_args

import httpx
import pytest
import pytest_asyncio
from aiohttp import web

from pms_sync.api.auth_routes import REFRESH, REVOKE, TOKEN, AuthRoutes
from pms_sync.api.guard import bearer, person_of, require
from pms_sync.api.problems import Problem, Wrong, problems
from pms_sync.auth.desk import Desk
from pms_sync.auth.roles import RESOURCES, ROLES, Action
from pms_sync.auth.tokens import ACCESS, LONGEST
from pms_sync.auth.tokens import REFRESH as REFRESH_LASTS
from pms_sync.store import people
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from pms_sync.web.access import HEADERS
from tests.integration.served_pages import Site, serving
from tests.integration.signing_in import EMAIL, PASSWORD, Watch, add_person, audit, browser
from tests.integration.test_receiver import Wire
from tests.unit.test_roles import ACTIONS, seed_cells

METHODS = {"create": "POST", "read": "GET", "update": "PATCH", "delete": "DELETE"}


async def _whoami(request: web.Request) -> web.Response:
    return web.json_response({"email": person_of(request).email, "role": person_of(request).role})


async def _full(_: web.Request) -> web.Response:
    wrong = Wrong(path="$.room_stays[0]", value="DBL", why="full")
    raise Problem(409, "no room is left", [wrong], more={"alternatives": ["SGL"]})  # type: ignore[arg-type]


async def _broken(_: web.Request) -> web.Response:
    raise RuntimeError("Zebedee")


def routes(desk: Desk) -> list[web.RouteDef]:
    """Return the tokens' routes, one route per cell of the matrix, and two that fail."""
    cells = [
        web.route(METHODS[action], f"/api/pms/{resource}", require(action, resource)(_whoami))
        for action, resource in product(get_args(Action), RESOURCES)
    ]
    status = web.put("/api/pms/rooms/status", require("update", "rooms", "status")(_whoami))
    failing = [web.get("/api/full", _full), web.get("/api/broken", _broken)]
    return [*AuthRoutes(desk).routes(), *cells, status, *failing]


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest_asyncio.fixture
async def site(database: Database, keys: KeyRing, hotel: Any, watch: Watch) -> AsyncIterator[Site]:
    """Serve the API of a hotel with one person, a manager."""
    await add_person(database, hotel.tenant_id)
    async with serving(database, keys, clock=watch, extra=routes, inside=[lambda _: problems, bearer]) as opened:
        yield opened


async def ask(site: Site, email: str = EMAIL, password: str = PASSWORD) -> Any:
    """Get a pair of tokens."""
    answer = await site.browser.post(TOKEN, json={"email": email, "password": password})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def call(
    site: Site, access: str | None, method: str = "GET", path: str = "/api/pms/reservations"
) -> httpx.Response:
    """Ask the API for something with an access token."""
    headers = {} if access is None else {"Authorization": f"Bearer {access}"}
    return await site.browser.request(method, path, headers=headers)


def assert_problem(answer: httpx.Response, status: int) -> None:
    """Look at the document of a failure (PUBLIC_SURFACE)."""
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    told = answer.json()
    assert {"type", "title", "status", "detail", "errors"} <= set(told)
    assert told["status"] == status


# ---- tokens


async def test_an_access_token_opens_the_api_for_a_quarter_of_an_hour(site: Site, watch: Watch) -> None:
    """S0.59."""
    pair = await ask(site)
    assert set(pair) == {"access", "refresh", "expires_in"}
    assert pair["expires_in"] == 900 == ACCESS.total_seconds()
    assert (await call(site, pair["access"])).json() == {"email": EMAIL, "role": "manager"}
    watch.turn(seconds=899)
    assert (await call(site, pair["access"])).status_code == 200
    watch.turn(seconds=1)
    assert_problem(await call(site, pair["access"]), 401)


async def test_without_a_living_token_everything_is_401(site: Site) -> None:
    pair = await ask(site)
    dead = ("x", pair["refresh"], pair["access"] + "x", pair["access"][:-1], "pmsa_\u00e9", "pmsa_" + "x" * 500)
    told = [b"Bearer", b"Basic eDp5", *(f"Bearer {token}".encode() for token in dead)]
    answers = [await site.browser.get("/api/pms/reservations", headers=[(b"Authorization", value)]) for value in told]
    for answer in (await call(site, None), *answers):
        assert_problem(answer, 401)
        assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_wrong_unknown_and_disabled_are_the_same_401(site: Site, database: Database, hotel: Any) -> None:
    """SEC-06: uniform messages."""
    gone = await add_person(database, hotel.tenant_id, "gone@example.org")
    async with database.connection() as connection:
        await people.set_disabled(connection, gone, gone.created_at)
    bodies = set()
    for email, password in ((EMAIL, "wrong-words"), ("nobody@example.org", PASSWORD), ("gone@example.org", PASSWORD)):
        answer = await site.browser.post(TOKEN, json={"email": email, "password": password})
        assert_problem(answer, 401)
        bodies.add(answer.content)
    assert len(bodies) == 1


async def test_a_refresh_token_is_good_for_one_use(site: Site, watch: Watch) -> None:
    first = await ask(site)
    watch.turn(minutes=20)
    answer = await site.browser.post(REFRESH, json={"refresh": first["refresh"]})
    assert answer.status_code == 200
    second = answer.json()
    assert not set(first.values()) & {second["access"], second["refresh"]}
    assert (await call(site, second["access"])).status_code == 200


async def test_a_refresh_token_used_twice_ends_the_whole_sign_in(site: Site, database: Database, hotel: Any) -> None:
    """A stolen token must not live on in either hand."""
    first = await ask(site)
    other = await ask(site)
    second = (await site.browser.post(REFRESH, json={"refresh": first["refresh"]})).json()
    assert_problem(await site.browser.post(REFRESH, json={"refresh": first["refresh"]}), 401)
    for dead in (first["access"], second["access"]):
        assert (await call(site, dead)).status_code == 401
    assert_problem(await site.browser.post(REFRESH, json={"refresh": second["refresh"]}), 401)
    assert (await call(site, other["access"])).status_code == 200
    assert len(await audit(database, hotel.tenant_id, "auth.token_reused")) == 1


async def test_of_many_who_refresh_at_once_one_wins_and_the_sign_in_ends(site: Site) -> None:
    pair = await ask(site)
    answers = await asyncio.gather(*(site.browser.post(REFRESH, json={"refresh": pair["refresh"]}) for _ in range(8)))
    won = [answer.json() for answer in answers if answer.status_code == 200]
    assert len(won) == 1
    assert (await call(site, won[0]["access"])).status_code == 401


async def test_a_refresh_token_lasts_a_week_and_a_sign_in_a_month(site: Site, watch: Watch) -> None:
    """S0.60; the absolute limit of RELIABILITY 5.1."""
    pair = await ask(site)
    for _ in range(LONGEST.days // 6):
        watch.turn(days=6)
        answer = await site.browser.post(REFRESH, json={"refresh": pair["refresh"]})
        if answer.status_code == 200:
            pair = answer.json()
    assert answer.status_code == 401
    pair = await ask(site)
    watch.turn(seconds=REFRESH_LASTS.total_seconds())
    assert_problem(await site.browser.post(REFRESH, json={"refresh": pair["refresh"]}), 401)


async def test_a_sign_in_can_be_revoked(site: Site, database: Database, hotel: Any) -> None:
    pair = await ask(site)
    assert (await site.browser.post(REVOKE, json={"refresh": pair["refresh"]})).status_code == 204
    assert (await call(site, pair["access"])).status_code == 401
    assert_problem(await site.browser.post(REFRESH, json={"refresh": pair["refresh"]}), 401)
    assert (await site.browser.post(REVOKE, json={"refresh": "pmsr_x"})).status_code == 204
    assert len(await audit(database, hotel.tenant_id, "auth.logout")) == 1


async def test_a_disabled_person_and_a_role_taken_away_count_at_once(site: Site, database: Database) -> None:
    """SEC-05 for tokens."""
    pair = await ask(site)
    async with database.connection() as connection:
        known = await people.by_email(connection, EMAIL)
        assert known
        await people.set_role(connection, known.user, "viewer")
        assert_problem(await call(site, pair["access"], "POST"), 403)
        await people.set_disabled(connection, known.user, known.user.created_at)
    assert_problem(await call(site, pair["access"]), 401)
    assert_problem(await site.browser.post(REFRESH, json={"refresh": pair["refresh"]}), 401)


async def test_a_session_of_the_pages_opens_no_api_and_a_token_no_page(site: Site) -> None:
    """So no other site can drive the API by a cookie (SEC-04)."""
    async with browser(site) as someone:
        await someone.sign_in()
        assert (await someone.get("/api/pms/reservations")).status_code == 401
        assert (await someone.client.post("/api/pms/reservations", data={"csrf": "x"})).status_code == 401
    pair = await ask(site)
    headers = {"Authorization": f"Bearer {pair['access']}"}
    assert (await site.browser.get("/", headers=headers)).headers["Location"] == "/login"


async def test_ended_tokens_are_let_go(site: Site, watch: Watch) -> None:
    await ask(site)
    watch.turn(minutes=16)
    assert await site.desk.prune() == 1
    watch.turn(days=7)
    assert await site.desk.prune() == 1


# ---- bodies


BODIES = (
    (b"", "$"), (b"x", "$"), (b"[]", "$"), (b"{}", "$"), (b'{"email":1,"password":"x"}', "$.email"),
    (b'{"email":"a@b.c","password":null}', "$.password"), (b"\xff\xfe", "$"), (b"[" * 10_000, "$"),
    (b'{"email":"a@b.c","password":"x","role":"admin"}', "$.role"),
    (b'{"email":"a@b.c","password":"x","tenantId":"1"}', "$.tenantId"),
    (b'{"email":"\\ud800@b.c","password":"x"}', "$"),
)  # fmt: skip


async def test_a_body_of_another_shape_is_told_where(site: Site) -> None:
    """SEC-27 among them: role and tenant are no fields of it; no value is repeated."""
    for body, path in BODIES:
        answer = await site.browser.post(TOKEN, content=body, headers={"Content-Type": "application/json"})
        assert_problem(answer, 400)
        [wrong] = answer.json()["errors"]
        assert (wrong["path"], wrong["value"]) == (path, None), body[:80]
        assert wrong["why"]


async def test_a_body_of_another_type_or_size_is_refused(site: Site) -> None:
    body = b'{"email":"a@b.c","password":"x"}'
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        assert_problem(await site.browser.post(TOKEN, content=body, headers={"Content-Type": kind}), 415)
    packed = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
    assert_problem(await site.browser.post(TOKEN, content=body, headers=packed), 415)
    large = {"email": "a@b.c", "password": "x" * 20_000}
    assert_problem(await site.browser.post(TOKEN, json=large), 413)


# ---- problems


async def test_every_failure_below_api_is_a_problem_document(site: Site) -> None:
    """SEC-13 as well: the headers are on errors too."""
    lost, method = await site.browser.get("/api/none"), await site.browser.get(TOKEN)
    full, broken = await site.browser.get("/api/full"), await site.browser.get("/api/broken")
    for answer, status in ((lost, 404), (method, 405), (full, 409), (broken, 500)):
        assert_problem(answer, status)
        assert not [name for name in HEADERS if name not in answer.headers]
    assert method.headers["Allow"] == "POST"
    assert full.json()["errors"] == [{"path": "$.room_stays[0]", "value": "DBL", "why": "full"}]
    assert full.json()["alternatives"] == ["SGL"]
    assert "Zebedee" not in broken.text
    assert broken.json()["correlation_id"] in broken.json()["detail"]


async def test_while_the_database_is_away_the_api_says_so(migrated_database: str, keys: KeyRing) -> None:
    wire = Wire(migrated_database)
    await wire.up()
    database = await Database.connect(wire.dsn, size=2)
    try:
        async with serving(database, keys, extra=routes, inside=[lambda _: problems, bearer]) as site:
            await wire.cut()
            for answer in (
                await call(site, "pmsa_x"),
                await site.browser.post(TOKEN, json={"email": "a@b.c", "password": "x"}),
            ):
                assert_problem(answer, 503)
                assert answer.headers["Retry-After"] == "5"
    finally:
        database.pool.terminate()
        await wire.cut()


# ---- the matrix


async def test_all_336_calls_are_answered_as_the_matrix_says(site: Site, database: Database, hotel: Any) -> None:
    """SEC-01: seven roles, twelve resources, four actions over HTTP; every denial is in the audit log."""
    denied, wrong = 0, []
    for role in ROLES:
        await add_person(database, hotel.tenant_id, f"{role}@example.org", role)
        access = (await ask(site, f"{role}@example.org"))["access"]
        for resource, (letter, action) in product(RESOURCES, ACTIONS.items()):
            told = seed_cells()[role, resource].replace("U (status)", "")
            answer = await call(site, access, METHODS[action], f"/api/pms/{resource}")
            denied += answer.status_code == 403
            if answer.status_code != (200 if letter in told else 403):
                wrong.append((role, resource, action, answer.status_code))
    assert not wrong
    rows = await audit(database, hotel.tenant_id, "auth.denied")
    assert len(rows) == denied == 336 - sum(len(re.sub(r"U \(status\)|-", "", told)) for told in seed_cells().values())
    assert {row["entity_id"] for row in rows} <= {f"/api/pms/{resource}" for resource in RESOURCES}


async def test_the_status_of_a_room_is_for_housekeeping_too(site: Site, database: Database, hotel: Any) -> None:
    """S0.62: RU (status)."""
    found = {}
    for role in ROLES:
        await add_person(database, hotel.tenant_id, f"{role}@example.org", role)
        access = (await ask(site, f"{role}@example.org"))["access"]
        found[role] = (await call(site, access, "PUT", "/api/pms/rooms/status")).status_code
    allowed = ("super_admin", "admin", "manager", "housekeeping")
    assert found == {role: 200 if role in allowed else 403 for role in ROLES}


async def test_a_denial_names_the_person_by_id(site: Site, database: Database, hotel: Any) -> None:
    viewer = await add_person(database, hotel.tenant_id, "viewer@example.org", "viewer")
    access = (await ask(site, "viewer@example.org"))["access"]
    answer = await call(site, access, "DELETE")
    assert_problem(answer, 403)
    assert answer.json()["detail"] == "the role viewer may not delete reservations"
    [row] = await audit(database, hotel.tenant_id, "auth.denied")
    assert (row["actor"], row["entity_type"]) == (f"user:{viewer.user_id}", "reservations")
    assert row["fields"] == {"action": "delete", "method": "DELETE", "role": "viewer"}
