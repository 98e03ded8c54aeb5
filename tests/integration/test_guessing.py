"""Guessing passwords over real HTTP: slow for whoever guesses, and no way to lock anybody else out (SEC-06)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from pms_sync.api.auth_routes import TOKEN, AuthRoutes
from pms_sync.api.problems import problems
from pms_sync.auth.passwords import Passwords
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from tests.integration.served_pages import Site, serving
from tests.integration.signing_in import EMAIL, PASSWORD, Watch, add_person, audit, browser, csrf_in

STRANGER, HOME = "127.0.0.66", "127.0.0.1"


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Give the outcome of every comparison that is really made."""
    outcomes: list[bool] = []
    fits = Passwords.fits

    async def counted(self: Passwords, password: str, stored: str | None) -> bool:
        outcomes.append(await fits(self, password, stored))
        return outcomes[-1]

    monkeypatch.setattr(Passwords, "fits", counted)
    return outcomes


@pytest_asyncio.fixture
async def site(
    database: Database, keys: KeyRing, hotel: Any, watch: Watch, compared: list[bool]
) -> AsyncIterator[Site]:
    """Serve pages and tokens of a hotel with one person."""
    await add_person(database, hotel.tenant_id)
    async with serving(database, keys, clock=watch, extra=_routes, inside=[_problems]) as opened:
        compared.clear()
        yield opened


def _routes(desk: Any) -> Any:
    return AuthRoutes(desk).routes()


def _problems(_desk: Any) -> Any:
    return problems


def at(site: Site, address: str) -> httpx.AsyncClient:
    """Open a client at one of this machine's addresses."""
    transport = httpx.AsyncHTTPTransport(local_address=address, limits=httpx.Limits(max_connections=20))
    return httpx.AsyncClient(base_url=site.address, transport=transport, timeout=60)


async def guess(client: httpx.AsyncClient, password: str = "wrong-words-here", email: str = EMAIL) -> httpx.Response:
    """Ask for tokens."""
    return await client.post(TOKEN, json={"email": email, "password": password})


async def test_a_thousand_guesses_from_one_address_are_five_comparisons(site: Site, compared: list[bool]) -> None:
    """SEC-06: and meanwhile the real person comes in from where they are."""
    async with at(site, STRANGER) as stranger, at(site, HOME) as anna:
        found = Counter([(await guess(stranger)).status_code for _ in range(20)])
        found += Counter(answer.status_code for answer in await asyncio.gather(*(guess(stranger) for _ in range(980))))
        assert found == {401: 5, 429: 995}
        assert len(compared) == 5
        assert (await guess(anna, PASSWORD)).status_code == 200


async def test_waiting_is_told_and_helps(site: Site, watch: Watch) -> None:
    async with at(site, STRANGER) as someone:
        for wait in ("1", "2", "4", "8"):
            while (answer := await guess(someone)).status_code == 401:
                pass
            assert (answer.status_code, answer.headers["Retry-After"]) == (429, wait)
            watch.turn(seconds=int(wait))
        assert (await guess(someone, PASSWORD)).status_code == 200
        assert [(await guess(someone)).status_code for _ in range(5)] == [401] * 5


async def test_the_right_password_that_comes_too_soon_is_not_told_from_a_wrong_one(site: Site) -> None:
    async with at(site, STRANGER) as stranger:
        while (wrong := await guess(stranger)).status_code == 401:
            pass
        right = await guess(stranger, PASSWORD)
    assert (right.status_code, right.content) == (wrong.status_code, wrong.content)


async def test_a_hit_among_guesses_sent_at_once_is_kept_quiet(site: Site, compared: list[bool]) -> None:
    """It was admitted before the others failed, and must not be the exception that tells."""
    admitted, others_failed = asyncio.Event(), asyncio.Event()
    admit = site.desk.attempts.admit

    async def held_once(attempt: Any) -> None:
        await admit(attempt)
        if not admitted.is_set():
            admitted.set()
            await others_failed.wait()

    site.desk.attempts.admit = held_once  # type: ignore[method-assign]
    async with at(site, STRANGER) as stranger:
        hit = asyncio.create_task(guess(stranger, PASSWORD))
        await admitted.wait()
        answers = [await guess(stranger) for _ in range(6)]
        others_failed.set()
        told = await hit
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert compared[-1]
    assert (told.status_code, told.content) == (429, answers[-1].content)


async def test_unknown_accounts_slow_down_like_known_ones(site: Site) -> None:
    """SEC-06: nothing tells whether an account exists."""
    seen = []
    for number, email in enumerate((EMAIL, "nobody@example.org", "not an address")):
        async with at(site, f"127.0.0.{70 + number}") as stranger:
            answers = [await guess(stranger, email=email) for _ in range(9)]
            seen.append([(answer.status_code, answer.content, answer.headers.get("Retry-After")) for answer in answers])
    assert seen[0] == seen[1] == seen[2]


async def test_one_password_tried_on_many_accounts_is_slow_too(site: Site, compared: list[bool]) -> None:
    """SEC-06, many users: from one address; another address does not notice."""
    async with at(site, STRANGER) as stranger, at(site, HOME) as anna:
        answers = [await guess(stranger, email=f"person{number}@example.org") for number in range(200)]
        assert Counter(answer.status_code for answer in answers) == {401: 30, 429: 170}
        assert len(compared) == 30
        assert (await guess(anna, PASSWORD)).status_code == 200


async def test_many_addresses_cannot_lock_anybody_out(site: Site) -> None:
    """SEC-06: no lock-out of the real person by strangers."""
    for number in range(100, 120):
        async with at(site, f"127.0.0.{number}") as stranger:
            for _ in range(6):
                await guess(stranger)
    async with at(site, HOME) as anna:
        assert (await guess(anna, PASSWORD)).status_code == 200


async def test_a_browser_that_was_here_before_is_not_slowed_by_its_neighbours(site: Site, watch: Watch) -> None:
    """One hotel, one address: a guest on its network guesses, and the front desk works on."""
    async with browser(site) as desk, browser(site) as guest, browser(site) as fresh:
        await desk.sign_in()
        await desk.post("/logout", csrf=await desk.csrf())
        secret = csrf_in(await guest.get("/login"))
        while (answer := await guest.post("/login", email=EMAIL, password="wrong", csrf=secret)).status_code == 401:
            pass
        assert answer.status_code == 429
        assert (await desk.sign_in()).status_code == 303
        assert (await fresh.sign_in()).status_code == 429
        watch.turn(seconds=60)
        assert (await fresh.sign_in()).status_code == 303


async def test_a_mark_is_good_for_its_own_account_alone(site: Site, database: Database, hotel: Any) -> None:
    """Whoever has an account here gets no further guesses at another's by it."""
    await add_person(database, hotel.tenant_id, "mallory@example.org")
    async with browser(site) as mallory:
        await mallory.sign_in("mallory@example.org")
        mark = mallory.client.cookies["pms_browser"]
    nonce, _, signature = mark.partition(".")
    async with at(site, STRANGER) as stranger:
        while (await guess(stranger)).status_code == 401:
            pass
    for forged in (mark, f"{nonce}.{'0' * 64}", f"{nonce}x.{signature}", ".", "x"):
        async with browser(site, STRANGER) as someone:
            secret = csrf_in(await someone.get("/login"))
            cookies = f"pms_login={someone.client.cookies['pms_login']}; pms_browser={forged}"
            answer = await someone.post("/login", {"Cookie": cookies}, email=EMAIL, password=PASSWORD, csrf=secret)
            assert answer.status_code == 429, forged


async def test_a_marked_browser_that_guesses_is_slowed_itself(site: Site) -> None:
    async with browser(site) as someone:
        await someone.sign_in()
        await someone.post("/logout", csrf=await someone.csrf())
        found = [(await someone.sign_in(password="wrong-words-here")).status_code for _ in range(7)]
    assert found == [401] * 5 + [429] * 2


async def test_failures_are_forgotten_after_an_hour(site: Site, watch: Watch, database: Database) -> None:
    async with at(site, STRANGER) as someone:
        for _ in range(5):
            await guess(someone)
        watch.turn(minutes=61)
        assert [(await guess(someone)).status_code for _ in range(6)] == [401] * 5 + [429]
        watch.turn(minutes=61)
        assert await site.desk.prune() == 1
    async with database.connection() as connection:
        assert await connection.fetchval("SELECT count(*) FROM sign_in_failures") == 0


async def test_the_audit_log_hears_of_guessing_and_cannot_be_flooded(
    site: Site, watch: Watch, database: Database, hotel: Any
) -> None:
    async with at(site, STRANGER) as stranger:
        for _ in range(20):
            await guess(stranger)
            watch.turn(seconds=60)
        await guess(stranger, PASSWORD)
    told = await audit(database, hotel.tenant_id, "auth.login_refused")
    assert [row["fields"]["failures"] for row in told] == [1, 2, 4, 8, 16]
    assert len(await audit(database, hotel.tenant_id, "auth.login")) == 1
    assert "127.0.0" not in str([dict(row) for row in told])
