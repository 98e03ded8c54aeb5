"""The front desk over HTTP, the real one: rooms are claimed, states lead on, and refusals say what is free."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from pms_sync.apply.desk import Desk
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from tests.integration.applied_hotel import House, revision
from tests.integration.served_api import RESERVATIONS, Api, Client, add_tenant, serving_api
from tests.integration.signing_in import Watch, audit
from tests.unit.test_orders_in import body, stay


@pytest.fixture
def house(database: Database, keys: KeyRing, hotel: Any) -> House:
    """Give the hotel as its vendor fills it."""
    return House(database, keys, hotel.tenant_id, hotel.account_id)


@pytest_asyncio.fixture
async def api(database: Database, keys: KeyRing, house: House) -> AsyncIterator[Api]:
    """Serve the API before the real desk."""
    async with serving_api(database, keys, Watch(), Desk(house.applier)) as opened:
        yield opened


@pytest_asyncio.fixture
async def clerk(api: Api, hotel: Any) -> Client:
    """Give somebody of the front desk."""
    return await api.person(hotel.tenant_id, "front_desk")


async def made(client: Client, told: Any) -> Any:
    """Make a reservation and return its document."""
    answer = await client.post(RESERVATIONS, told)
    assert answer.status_code == 201, answer.text
    return answer.json()


def one(told: Any) -> str:
    """Return the address of a reservation."""
    return f"{RESERVATIONS}/{told['id']}"


async def test_a_reservation_made_here_holds_its_room(api: Api, clerk: Client, hotel: Any) -> None:
    answer = await clerk.post(RESERVATIONS, body())
    told = answer.json()
    await api.assert_documented(answer)
    [room] = told["room_stays"]
    assert (room["room"], room["room_type"], room["claim_state"], room["ref"]) == ("101", "DBL", "claimed", None)
    assert [night["price"] for night in room["nights"]] == ["100.00", "90.50"]
    assert (told["total"], told["currency"], told["channel"], told["notes"]) == ("190.50", "EUR", "direct", "late")
    assert (told["booker"]["first_name"], told["links"]) == ("Ann", [])
    [entry] = await audit(api.database, hotel.tenant_id, "reservation.created")
    assert entry["actor"].startswith("user:")


async def test_a_taken_room_is_refused_with_what_is_free(api: Api, clerk: Client, hotel: Any) -> None:
    """INV-01, INV-03: half-open ranges; the refused one leaves nothing."""
    await made(clerk, body())
    answer = await clerk.post(RESERVATIONS, body())
    assert answer.status_code == 409
    await api.assert_documented(answer)
    assert {found["room"] for found in answer.json()["alternatives"]} >= {"102", "103"}
    assert await api.count(hotel.tenant_id) == 1
    night = [{"date": "2026-03-12", "price": "1"}]
    await made(clerk, stay(arrival="2026-03-12", departure="2026-03-13", nights=night))


async def test_of_many_who_want_the_last_room_one_gets_it(api: Api, clerk: Client, hotel: Any) -> None:
    """INV-01: nobody meets a failure of ours."""
    answers = await asyncio.gather(*(clerk.post(RESERVATIONS, body()) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 7]
    assert await api.count(hotel.tenant_id) == 1


async def test_what_the_hotel_does_not_sell_is_told_by_path(clerk: Client) -> None:
    answer = await clerk.post(RESERVATIONS, stay(room_type="TRP", room="999"))
    assert answer.status_code == 400
    assert {wrong["path"]: wrong["value"] for wrong in answer.json()["errors"]} == {
        "$.room_stays[0].room_type": "TRP", "$.room_stays[0].room": "999",
    }  # fmt: skip
    for wrong, path in ((body(property="P9"), "$.property"), (body(currency="USD"), "$.currency")):
        answer = await clerk.post(RESERVATIONS, wrong)
        assert answer.status_code == 400
        assert [fault["path"] for fault in answer.json()["errors"]] == [path]


async def test_a_stay_goes_the_way_of_the_states(api: Api, clerk: Client) -> None:
    """S1.26-S1.28: no check-out before the check-in, no check-in after the end."""
    told = await made(clerk, body())
    early = await clerk.post(f"{one(told)}/check-out")
    assert early.status_code == 409
    await api.assert_documented(early)
    for act, status in (("check-in", "checked_in"), ("check-out", "checked_out")):
        answer = await clerk.post(f"{one(told)}/{act}")
        assert (answer.status_code, answer.json()["status"]) == (200, status), answer.text
        assert answer.json()["room_stays"][0]["status"] == status
    assert (await clerk.post(f"{one(told)}/check-in")).status_code == 409
    assert (await clerk.post(f"{one(told)}/cancel")).status_code == 409


async def test_a_cancelled_reservation_frees_its_room(clerk: Client) -> None:
    """INV-05, on our side of it."""
    told = await made(clerk, body())
    answer = await clerk.post(f"{one(told)}/cancel", If_Match='"1"')
    assert (answer.json()["status"], answer.headers["ETag"]) == ("cancelled", '"2"')
    await made(clerk, body())


async def test_a_patch_changes_what_it_names_and_nothing_else(api: Api, clerk: Client) -> None:
    """S1.44: by our id of the stay; of the booker what is said; a vendor's booking as well."""
    told = await made(clerk, body())
    room = told["room_stays"][0]["id"]
    patch = {"room_stays": [{"id": room, "room": "102"}], "booker": {"email": "ann@example.org"}, "notes": None}
    answer = await clerk.patch(one(told), patch, If_Match='"1"')
    assert answer.status_code == 200, answer.text
    await api.assert_documented(answer)
    after = answer.json()
    assert (after["version"], after["notes"], after["room_stays"][0]["room"]) == (2, None, "102")
    assert (after["booker"]["first_name"], after["booker"]["email"]) == ("Ann", "ann@example.org")
    assert after["room_stays"][0]["nights"] == told["room_stays"][0]["nights"]
    stale = await clerk.patch(one(told), patch, If_Match='"1"')
    assert (stale.status_code, stale.json()["version"]) == (412, 2)


async def test_a_stay_is_added_and_another_removed(clerk: Client) -> None:
    told = await made(clerk, body())
    further = {"room_type": "DBL", "room": "103", "arrival": "2026-03-10", "departure": "2026-03-12"}
    answer = await clerk.patch(one(told), {"room_stays": [further]}, If_Match='"1"')
    assert answer.status_code == 200, answer.text
    assert [room["room"] for room in answer.json()["room_stays"]] == ["101", "103"]
    gone = {"id": told["room_stays"][0]["id"], "status": "cancelled"}
    answer = await clerk.patch(one(told), {"room_stays": [gone]}, If_Match=answer.headers["ETag"])
    assert answer.status_code == 200, answer.text
    assert [room["status"] for room in answer.json()["room_stays"]] == ["cancelled", "confirmed"]


async def test_a_stay_of_another_reservation_is_none_of_this(clerk: Client) -> None:
    told, other = await made(clerk, body()), await made(clerk, stay(room="102"))
    patch = {"room_stays": [{"id": other["room_stays"][0]["id"], "room": None}]}
    answer = await clerk.patch(one(told), patch, If_Match='"1"')
    assert answer.status_code == 400
    assert [wrong["path"] for wrong in answer.json()["errors"]] == ["$.room_stays[0].id"]


async def test_a_vendors_booking_is_changed_and_waits_to_be_sent(
    api: Api, clerk: Client, house: House, hotel: Any
) -> None:
    await house.apply(revision())
    [told] = (await clerk.get(RESERVATIONS)).json()["items"]
    patch = {"room_stays": [{"id": told["room_stays"][0]["id"], "room": "102"}]}
    answer = await clerk.patch(one(told), patch, If_Match=f'"{told["version"]}"')
    assert answer.status_code == 200, answer.text
    assert answer.json()["room_stays"][0]["room"] == "102"
    await api.assert_documented(answer)
    assert await api.count(hotel.tenant_id, "intents") == 1


async def test_what_the_vendor_will_not_do_is_told_with_the_answer(
    api: Api, clerk: Client, house: House, hotel: Any
) -> None:
    """Issue 3, 4: a cancellation that does not reach the channel is said before anything is sent."""
    await house.apply(revision(channel="booking_com", channel_reference="4711"))
    [row] = await house.rows("SELECT reservation_id FROM reservations")
    at = f"{RESERVATIONS}/{row['reservation_id']}"
    assert (await clerk.get(at)).json()["pushes"] == []
    answer = await clerk.post(f"{at}/cancel")
    await api.assert_documented(answer)
    [push] = answer.json()["pushes"]
    assert push["account_id"] == str(hotel.account_id)
    assert [push[name] for name in ("vendor", "kind", "state", "vendor_error")] == ["beds24", "cancel", "planned", None]
    assert push["notices"][0].startswith("Booking.com is not told of this cancellation")
    read = await clerk.get(at)
    await api.assert_documented(read)
    assert read.json()["pushes"] == [push]
    await house.rows("UPDATE intents SET state = 'parked', vendor_error = 'no such room' RETURNING intent_id")
    cleaner = await api.person(hotel.tenant_id, "housekeeping")
    told = [(await one_.get(at)).json()["pushes"][0] for one_ in (clerk, cleaner)]
    assert [(one_["state"], one_["vendor_error"]) for one_ in told] == [("parked", "no such room"), ("parked", None)]
    await house.rows("UPDATE intents SET state = 'verified' RETURNING intent_id")
    listed = await clerk.get(RESERVATIONS)
    await api.assert_documented(listed)
    assert listed.json()["items"][0]["pushes"] == []


async def test_a_change_that_is_made_tells_what_is_on_its_way(clerk: Client, house: House) -> None:
    await house.rows('UPDATE accounts SET mirror = \'{"reservations": "stay"}\' RETURNING account_id')
    told = await made(clerk, body())
    [push] = told["pushes"]
    assert (push["vendor"], push["kind"], push["state"]) == ("beds24", "create", "planned")
    answer = await clerk.patch(one(told), {"notes": "early"}, If_Match='"1"')
    assert [(one_["id"], one_["kind"]) for one_ in answer.json()["pushes"]] == [(push["id"], "create")]


async def test_a_repeated_order_is_made_once(api: Api, clerk: Client, hotel: Any) -> None:
    answers = await asyncio.gather(*(clerk.post(RESERVATIONS, body(), Idempotency_Key="k") for _ in range(5)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    again = await clerk.post(RESERVATIONS, body(), Idempotency_Key="k")
    assert again.status_code == 201
    assert await api.count(hotel.tenant_id) == 1


async def test_another_tenants_house_is_another_house(api: Api, keys: KeyRing, clerk: Client, hotel: Any) -> None:
    """I10: the same codes, the same nights, and nobody is in the other's way."""
    other = await add_tenant(api.database, keys)
    stranger = await api.person(other, "front_desk")
    told = await made(clerk, stay(room=None))
    await made(stranger, stay(room=None))
    assert (await stranger.post(f"{one(told)}/cancel")).status_code == 404
    assert (await api.count(hotel.tenant_id), await api.count(other)) == (1, 1)
