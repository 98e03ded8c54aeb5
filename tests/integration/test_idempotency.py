"""Idempotency keys over HTTP: one effect and one answer for a request that comes twice, however it comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from pms_sync.api.auth_routes import TOKEN
from pms_sync.api.once import KEPT, LEASE, REPLAYED
from pms_sync.apply.orders import Full
from pms_sync.store import upkeep
from pms_sync.store.database import Database, act_for
from pms_sync.store.ids import new_id
from pms_sync.store.migrations import migrate
from pms_sync.store.sealing import KeyRing
from tests.integration.served_api import RESERVATIONS, Api, Client, add_tenant, serving_api
from tests.integration.signing_in import PASSWORD, Watch
from tests.unit.test_orders_in import body

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"


@pytest_asyncio.fixture
async def api(database: Database, keys: KeyRing, hotel: Any) -> AsyncIterator[Api]:  # noqa: ARG001 - the hotel stands
    """Serve the API of the small hotel."""
    async with serving_api(database, keys, Watch()) as opened:
        yield opened


@pytest_asyncio.fixture
async def manager(api: Api, hotel: Any) -> Client:
    """Give somebody who may do everything here."""
    return await api.person(hotel.tenant_id)


async def make(client: Client, key: str = KEY, **changes: Any) -> httpx.Response:
    """Ask for a reservation under a key."""
    return await client.post(RESERVATIONS, body(**changes), Idempotency_Key=key)


async def run(api: Api, tenant_id: UUID, statement: str, *values: Any) -> Any:
    """Look at, or change, the kept answers by hand; returns the first value."""
    async with api.database.transaction(tenant_id) as connection:
        return await connection.fetchval(statement, *values)


def assert_is_replay(again: httpx.Response, first: httpx.Response) -> None:
    """Look at whether the second answer is the first one, to the byte."""
    assert (again.status_code, again.content) == (first.status_code, first.content)
    own = {name: value for name, value in first.headers.items() if name.lower() != "date"}
    assert {name: value for name, value in again.headers.items() if name in own} == own
    assert again.headers[REPLAYED] == "true"
    assert REPLAYED not in first.headers


async def test_a_repeated_request_has_one_effect_and_one_answer(api: Api, manager: Client, hotel: Any) -> None:
    """S1.43, S1.57: the stored answer, byte for byte."""
    first = await make(manager)
    again = await make(manager)
    assert first.status_code == 201
    assert_is_replay(again, first)
    await api.assert_documented(again)
    assert len(api.desk.asked) == await api.count(hotel.tenant_id) == 1


async def test_an_answer_is_replayed_though_the_reservation_moved_on(api: Api, manager: Client) -> None:
    first = await make(manager)
    await manager.post(f"{first.headers['Location']}/cancel")
    assert_is_replay(await make(manager), first)
    assert len(api.desk.asked) == 2


async def test_a_change_and_an_act_are_done_once_too(api: Api, manager: Client) -> None:
    """Also where the version was named anew: the effect is there already."""
    address = (await make(manager)).headers["Location"]
    first = await manager.patch(address, {"notes": "x"}, If_Match='"1"', Idempotency_Key="k1")
    again = await manager.patch(address, {"notes": "x"}, If_Match='"2"', Idempotency_Key="k1")
    assert_is_replay(again, first)
    act = await manager.post(f"{address}/check-in", Idempotency_Key="k2")
    assert_is_replay(await manager.post(f"{address}/check-in", Idempotency_Key="k2"), act)
    assert act.json()["version"] == 3
    assert len(api.desk.asked) == 3


async def test_the_same_key_for_another_request_is_422(api: Api, manager: Client) -> None:
    """BEYOND 76: another body, another address, another method; the spelling of a body counts."""
    address = (await make(manager)).headers["Location"]
    for answer in (
        await make(manager, notes="other"),
        await manager.post(f"{address}/cancel", Idempotency_Key=KEY),
        await manager.patch(address, {"notes": "x"}, If_Match='"1"', Idempotency_Key=KEY),
    ):
        assert answer.status_code == 422
        await api.assert_documented(answer)
    assert len(api.desk.asked) == 1


async def test_of_two_at_once_one_works_and_the_other_is_told_to_wait(api: Api, manager: Client, hotel: Any) -> None:
    api.desk.gate = asyncio.Event()
    first = asyncio.create_task(make(manager))
    await api.desk.arrived.wait()
    waiting = await make(manager)
    assert waiting.status_code == 409
    assert int(waiting.headers["Retry-After"]) > 0
    await api.assert_documented(waiting)
    assert (await make(manager, notes="other")).status_code == 422
    api.desk.gate.set()
    done = await first
    assert_is_replay(await make(manager), done)
    assert len(api.desk.asked) == await api.count(hotel.tenant_id) == 1


async def test_many_at_once_make_one(api: Api, manager: Client, hotel: Any) -> None:
    """BEYOND 77: a key without a lock would book as often as it is asked."""
    answers = await asyncio.gather(*(make(manager) for _ in range(12)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1
    assert len(api.desk.asked) == await api.count(hotel.tenant_id) == 1


async def test_a_key_belongs_to_whoever_sent_it(api: Api, keys: KeyRing, manager: Client, hotel: Any) -> None:
    """Nobody reads another's answer by guessing a key, least of all another tenant's."""
    first = await make(manager)
    colleague = await api.person(hotel.tenant_id, "front_desk")
    stranger = await api.person(await add_tenant(api.database, keys))
    ids = {first.json()["id"], (await make(colleague)).json()["id"], (await make(stranger)).json()["id"]}
    assert len(ids) == 3
    assert await api.count(hotel.tenant_id) == 2


async def test_a_refusal_is_an_answer_as_well(api: Api, manager: Client, hotel: Any) -> None:
    """A full house stays full under this key; a new try takes a new key."""
    api.desk.fault = Full("101 is taken", "room_stays[0]", ())
    first = await make(manager)
    assert first.status_code == 409
    api.desk.fault = None
    assert_is_replay(await make(manager), first)
    assert await api.count(hotel.tenant_id) == 0
    assert (await make(manager, "another")).status_code == 201


async def test_what_says_nothing_of_the_request_is_not_kept(api: Api, manager: Client, hotel: Any) -> None:
    """Our own failure, and a version that a retry names anew."""
    api.desk.fault = RuntimeError("Zebedee")
    assert (await make(manager)).status_code == 500
    api.desk.fault = None
    first = await make(manager)
    assert first.status_code == 201
    address = first.headers["Location"]
    stale = await manager.patch(address, {"notes": "x"}, If_Match='"7"', Idempotency_Key="k")
    assert stale.status_code == 412
    assert (await manager.patch(address, {"notes": "x"}, Idempotency_Key="k")).status_code == 428
    assert (await manager.patch(address, {"notes": "x"}, If_Match='"1"', Idempotency_Key="k")).status_code == 200
    assert await api.count(hotel.tenant_id) == 1


async def test_a_body_that_nobody_can_read_takes_no_key(api: Api, manager: Client, hotel: Any) -> None:
    assert (await make(manager, currency="x")).status_code == 400
    assert (await make(manager)).status_code == 201
    assert await api.count(hotel.tenant_id, "idempotency_keys") == 1


async def test_a_key_whose_worker_died_is_free_when_its_lease_is_over(api: Api, manager: Client, hotel: Any) -> None:
    """A crash between claim and answer had no effect: the answer is committed with it."""
    first = await make(manager)
    await run(api, hotel.tenant_id, "UPDATE idempotency_keys SET status = NULL, headers = NULL, body = NULL")
    assert (await make(manager)).status_code == 409
    api.watch.turn(seconds=LEASE.total_seconds() - 1)
    assert (await make(manager)).status_code == 409
    api.watch.turn(seconds=1)
    again = await make(manager)
    assert again.status_code == 201
    assert again.json()["id"] != first.json()["id"]


async def test_who_lost_the_key_leaves_nothing(api: Api, manager: Client, hotel: Any) -> None:
    """A try that slept past its lease meets its successor's claim, and rolls back."""
    api.desk.gate = asyncio.Event()
    slow = asyncio.create_task(make(manager))
    await api.desk.arrived.wait()
    api.watch.turn(seconds=LEASE.total_seconds())
    api.desk.arrived.clear()
    quick = asyncio.create_task(make(manager))
    await api.desk.arrived.wait()
    api.desk.gate.set()
    answers = sorted((await asyncio.gather(slow, quick)), key=lambda answer: answer.status_code)
    assert [answer.status_code for answer in answers] == [201, 409]
    assert (await slow).status_code == 409
    assert await api.count(hotel.tenant_id) == 1
    assert_is_replay(await make(manager), answers[0])


async def test_an_answer_is_kept_for_a_day(api: Api, manager: Client, hotel: Any) -> None:
    first = await make(manager)
    api.watch.time += KEPT - timedelta(minutes=1)
    assert_is_replay(await make(await signed_in_again(api, hotel)), first)
    api.watch.time += timedelta(minutes=1)
    later = await make(await signed_in_again(api, hotel), notes="other")
    assert later.status_code == 201
    assert later.json()["id"] != first.json()["id"]


async def signed_in_again(api: Api, hotel: Any) -> Client:
    """Return the manager with a new token, the old one having ended."""
    told = {"email": f"manager-{hotel.tenant_id.hex[:8]}@example.org", "password": PASSWORD}
    answer = await api.site.browser.post(TOKEN, json=told)
    return Client(api.site, answer.json()["access"])


async def test_what_has_run_out_is_pruned(api: Api, manager: Client, hotel: Any) -> None:
    await make(manager, "old")
    await run(api, hotel.tenant_id, "UPDATE idempotency_keys SET expires_at = now() - interval '1 second'")
    api.watch.time = api.watch.time.replace(year=2099)
    fresh = await make(await signed_in_again(api, hotel), "new")
    assert fresh.status_code == 201
    async with api.database.connection() as connection:
        assert await upkeep.prune(connection) == 1
    assert await run(api, hotel.tenant_id, "SELECT key FROM idempotency_keys") == "new"


async def test_what_is_kept_tells_nobody_anything(api: Api, manager: Client, hotel: Any) -> None:
    """PRV: guests' names lie sealed, and a body cannot be guessed from its fingerprint."""
    await make(manager)
    kept = await run(api, hotel.tenant_id, "SELECT string_agg(k::text, '') FROM idempotency_keys k")
    assert "Example" not in kept
    assert b"Example".hex() not in kept
    other = new_id()
    async with api.database.connection() as connection, connection.transaction():
        await act_for(connection, other)
        assert await connection.fetchval("SELECT count(*) FROM idempotency_keys") == 0


@pytest.mark.parametrize("keys_", [[""], ["a b"], ["é"], ["x" * 256], ['"'], ['""'], ["a", "b"], ["a\tb"], ['a"b']])
async def test_a_key_that_cannot_be_kept_is_refused(api: Api, manager: Client, keys_: list[str]) -> None:
    headers = [(b"Idempotency-Key", key.encode()) for key in keys_]
    headers += [(b"Authorization", f"Bearer {manager.access}".encode())]
    answer = await api.site.browser.post(RESERVATIONS, json=body(), headers=headers)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["path"] == "Idempotency-Key"
    assert api.desk.asked == []


async def test_a_key_may_stand_in_quotes(api: Api, manager: Client) -> None:
    """RFC 8941 writes a string in quotes; both spellings are one key."""
    first = await make(manager, f'"{KEY}"')
    assert_is_replay(await make(manager), first)
    assert (await make(manager, "x" * 255)).status_code == 201
    assert len(api.desk.asked) == 2


async def test_the_migration_goes_down_and_up_again(migrated_database: str) -> None:
    assert "0012" in (await migrate(migrated_database, "0011")).applied
    assert "0012" in (await migrate(migrated_database)).applied
