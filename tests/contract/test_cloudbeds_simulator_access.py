"""The simulated Cloudbeds lets in and turns away as vendors/cloudbeds.md 2, 4 and 5 say."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from connectors.cloudbeds.simulator.access import AccessHabits
from connectors.cloudbeds.simulator.refusals import DENIED, NAME_A_PROPERTY, NOT_GRANTED, NOT_YOURS
from tests.contract.cloudbeds_desk import API, RATED, Desk, running_desk

DAY = 86400


async def _granted(desk: Desk, kind: str, **more: str) -> httpx.Response:
    access = desk.simulator.backend.access
    client = {"client_id": access.client_id, "client_secret": access.client_secret}
    return await desk.client.post(API + "access_token", data={**client, "grant_type": kind, **more})


async def _hotels(desk: Desk, **headers: str) -> httpx.Response:
    return await desk.client.get(API + "getHotels", headers=headers)


async def test_a_key_opens_in_either_header_and_a_wrong_one_is_401() -> None:
    """`x-api-key` or Bearer (2.1); the error has no `success` (4)."""
    async with running_desk() as desk:
        key = desk.simulator.credentials["api_key"]
        assert key.startswith("cbat_")
        for headers in ({"x-api-key": key}, {"Authorization": f"Bearer {key}"}):
            assert (await desk.client.get(API + "getHotels", headers=headers)).json()["success"] is True
        for wrong in ({}, {"x-api-key": "cbat_wrong"}):
            answer = await desk.client.get(API + "getHotels", headers=wrong)
            assert (answer.status_code, answer.json()) == (401, DENIED)


async def test_a_key_unused_for_thirty_days_dies_and_a_used_one_lives() -> None:
    """Idle properties need a cheap daily call (15.27)."""
    async with running_desk() as desk:
        for _ in range(3):
            await desk.sim("clock", advance_s=29 * DAY)
            assert (await desk.call("getHotels")).status_code == 200
        await desk.sim("clock", advance_s=31 * DAY)
        assert (await desk.call("getHotels")).status_code == 401


async def test_oauth_tokens_live_eight_hours_and_are_refreshed() -> None:
    """The answer has no `success` wrapper and names what it opens (2.2)."""
    async with running_desk(access=AccessHabits(oauth=True)) as desk:
        refresh = desk.simulator.credentials["refresh_token"]
        told = (await _granted(desk, "refresh_token", refresh_token=refresh)).json()
        assert told["expires_in"] == 28800
        assert told["resources"] == [{"type": "property", "id": desk.home}]
        bearer = {"Authorization": f"Bearer {told['access_token']}"}
        assert (await _hotels(desk, **bearer)).status_code == 200
        await desk.sim("clock", advance_s=28800)
        assert (await _hotels(desk, **bearer)).status_code == 401
        again = (await _granted(desk, "refresh_token", refresh_token=told["refresh_token"])).json()
        fresh = {"Authorization": f"Bearer {again['access_token']}"}
        await desk.sim("faults", faults=[{"kind": "expire_token", "times": 1}])
        assert (await _hotels(desk, **fresh)).status_code == 401


async def test_of_two_refreshes_at_once_the_second_finds_its_token_gone() -> None:
    """When refresh tokens rotate; rotation is neither promised nor excluded (2.2)."""
    async with running_desk(access=AccessHabits(oauth=True, rotate_refresh=True)) as desk:
        refresh = desk.simulator.credentials["refresh_token"]
        first, second = [await _granted(desk, "refresh_token", refresh_token=refresh) for _ in range(2)]
        assert first.json()["refresh_token"] not in {refresh, None}
        assert (second.status_code, second.json()["error"]) == (400, "invalid_request")


async def test_a_code_works_once_and_for_ten_minutes() -> None:
    """For tokens or for a key, which then comes alone (2.2)."""
    async with running_desk() as desk:
        access = desk.simulator.backend.access
        code = access.code()
        assert (await _granted(desk, "authorization_code", code=code)).status_code == 200
        again = await _granted(desk, "authorization_code", code=code)
        assert (again.status_code, again.json()["error"]) == (401, "server_error")
        grant = "urn:ietf:params:oauth:grant-type:api-key"
        key = (await _granted(desk, grant, code=access.code())).json()
        assert [*key] == ["access_token"]
        assert (await _hotels(desk, **{"x-api-key": key["access_token"]})).status_code == 200
        late = access.code()
        await desk.sim("clock", advance_s=601)
        assert (await _granted(desk, "authorization_code", code=late)).status_code == 401


async def test_refreshing_after_the_exchange_kills_the_key() -> None:
    """Section 2.2, the migration guide."""
    async with running_desk(access=AccessHabits(oauth=True)) as desk:
        refresh = desk.simulator.credentials["refresh_token"]
        key = (await _granted(desk, "refresh_token_exchange", refresh_token=refresh)).json()["access_token"]
        assert (await _hotels(desk, **{"x-api-key": key})).status_code == 200
        await _granted(desk, "refresh_token", refresh_token=refresh)
        assert (await _hotels(desk, **{"x-api-key": key})).status_code == 401


async def test_a_missing_scope_refuses_one_call_and_not_the_others() -> None:
    """CB-04: inside 200, with a clear text (4)."""
    async with running_desk(access=AccessHabits(scopes=("read:reservation",))) as desk:
        assert await desk.refusal("getHotels") == NOT_GRANTED
        assert await desk.refusal("getRoomBlocks") == NOT_GRANTED
        assert (await desk.read("getReservations"))["success"] is True


async def test_a_group_credential_must_name_its_property_where_there_is_one_only() -> None:
    """The wrong parameter name is ignored, which means all properties or an error (15.10)."""
    async with running_desk(hotels=2, reservations=20) as desk:
        mine, other = (home.id for home in desk.simulator.backend.places)

        async def asked(method: str, **query: str) -> Any:
            return (await desk.client.get(API + method, params=query, headers=desk.key)).json()

        assert (await asked(RATED))["message"] == NAME_A_PROPERTY
        assert (await asked(RATED, propertyIDs=mine))["message"] == NAME_A_PROPERTY
        assert (await asked(RATED, propertyID="999"))["message"] == NOT_YOURS
        everything = await asked("getReservations")
        assert {row["propertyID"] for row in everything["data"]} == {mine, other}
        alone = await asked("getReservations", propertyID=other)
        assert {row["propertyID"] for row in alone["data"]} == {other}
        assert len((await asked("getHotels", propertyID=mine))["data"]) == 2
        assert len((await asked("getHotels", propertyIDs=mine))["data"]) == 1


async def test_the_second_property_has_long_ids_and_lettered_bookings() -> None:
    """Ids are texts whatever they hold (7, 1)."""
    async with running_desk(hotels=2, reservations=20) as desk:
        other = desk.simulator.backend.places[1].id
        refs = await desk.ids(propertyID=other)
    assert len(other) == 16
    assert {len(ref) for ref in refs} == {9}
    assert not any(ref.isdecimal() for ref in refs)


@pytest.mark.parametrize(("mode", "status"), [("status", 429), ("message", 200), ("suspend", 401)])
async def test_beyond_five_calls_a_second_the_answer_is_one_of_three(mode: str, status: int) -> None:
    """CB-01: nobody knows the form (5, 18.6)."""
    async with running_desk(property_limit=5, limit_answer=mode) as desk:
        answers = [await desk.call("getHotels") for _ in range(6)]
        assert [one.status_code for one in answers] == [200] * 5 + [status]
        last = answers[-1].json()
        assert mode == "suspend" or (last["success"] is False and "rate limit" in last["message"].lower())
        await desk.sim("clock", advance_s=1)
        assert ((await desk.call("getHotels")).status_code == 200) is (mode != "suspend")


async def test_ten_calls_a_second_are_counted_over_all_properties() -> None:
    """CB-01: per client id (5)."""
    async with running_desk(hotels=3, reservations=0, property_limit=5, client_limit=10) as desk:
        places = [home.id for home in desk.simulator.backend.places]
        answers = [await desk.call(RATED, propertyID=place) for place in places for _ in range(4)]
    assert [one.status_code for one in answers] == [200] * 10 + [429] * 2


async def test_the_metadata_tells_the_island_and_writes_success_as_text() -> None:
    """Sections 1 and 19; without an order it is this simulator itself."""
    async with running_desk() as desk:
        told = (await desk.call("oauth/metadata")).json()
        assert told == {"success": "true", "data": {"api": {"url": str(desk.client.base_url).rstrip("/")}}}
    async with running_desk(island="https://api-us2.cloudbeds.com") as desk:
        assert (await desk.call("oauth/metadata")).json()["data"]["api"]["url"] == "https://api-us2.cloudbeds.com"
