"""The simulated Beds24 sends webhooks and obeys its control plane as PUBLIC_SURFACE.md says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.contract.beds24_desk import EVER, SIX, STAY, Desk, Inbox, running_desk, running_inbox


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    """Run one simulator with eager webhooks and a token."""
    async with running_desk(credits=1000, webhook_delay=0.02, webhook_retry_after=(0.05, 0.05)) as one:
        await one.mint()
        yield one


@pytest_asyncio.fixture
async def inbox() -> AsyncIterator[Inbox]:
    """Listen for webhooks."""
    async with running_inbox() as box:
        yield box


async def test_webhooks_are_registered_by_writing_the_property(desk: Desk, inbox: Inbox) -> None:
    """ING-01's sender: custom header lines, several URLs, the whole snapshot with bookingGroup (13.2, 13.3)."""
    fields = {"version": "twoWithPersonalData", "url": f"{inbox.url}\r\n{inbox.url}?b=[PROPERTYID]"}
    fields["customHeader"] = "X-PMS-Sync-Secret: quiet\r\nX-Other: 1"
    body = [{"id": 7, "webhooks": fields}]
    written = await desk.client.post("/properties", json=body, headers={"token": desk.token})
    assert (written.status_code, written.json()[0]["success"]) == (201, True)
    assert written.json()[0]["modified"]["webhooks"]["url"] == fields["url"]
    made = await desk.sim("change", op="create", set=STAY)
    await inbox.wait(2)
    assert {headers["X-PMS-Sync-Secret"] for headers in inbox.headers} == {"quiet"}
    told = inbox.bodies[0]
    assert told.keys() == {"timeStamp", "booking", "infoItems", "invoiceItems", "messages", "retries"}
    assert (str(told["booking"]["id"]), told["booking"]["bookingGroup"], told["retries"]) == (made["ref"], None, 0)


async def test_changes_in_quick_succession_are_merged_into_one_delivery_of_the_last_state(
    desk: Desk, inbox: Inbox
) -> None:
    """Content of a delivery is the state at sending (13.3)."""
    await desk.sim("change", op="webhook_target", property_ref="7", url=inbox.url, headers={"X-A": "b"})
    await desk.sim("faults", faults=[{"kind": "webhook_delay", "seconds": 0.2, "times": 1}])
    made = await desk.sim("change", op="create", set={**STAY, "notes": "one"})
    await desk.sim("change", op="modify", ref=made["ref"], set={"notes": "two"})
    await inbox.wait(1)
    assert [body["booking"]["notes"] for body in inbox.bodies] == ["two"]


async def test_a_refused_delivery_is_retried_with_its_count_and_then_given_up(desk: Desk, inbox: Inbox) -> None:
    """Bounded retries; sent and accepted are told in the truth."""
    inbox.statuses = [503, 503, 503]
    await desk.sim("change", op="webhook_target", property_ref="7", url=inbox.url)
    await desk.sim("change", op="create", set=STAY)
    await inbox.wait(3)
    async with asyncio.timeout(5):
        while (counts := (await desk.truth())["webhooks"])["pending"]:
            pass
    assert [body["retries"] for body in inbox.bodies] == [0, 1, 2]
    assert (counts["sent"], counts["accepted"], counts["given_up"]) == (3, 0, 1)


async def test_webhook_faults_drop_duplicate_and_reorder(desk: Desk, inbox: Inbox) -> None:
    """A reordered delivery carries the old state after a newer one arrived."""
    await desk.sim("change", op="webhook_target", property_ref="7", url=inbox.url)
    await desk.sim("faults", faults=[{"kind": "webhook_drop", "times": 1}])
    await desk.sim("change", op="create", set=STAY)
    async with asyncio.timeout(5):
        while (await desk.truth())["webhooks"]["dropped"] == 0:
            pass
    await desk.sim("faults", faults=[{"kind": "webhook_reorder", "times": 1, "seconds": 0.3}])
    made = await desk.sim("change", op="create", set={**STAY, "notes": "old"})
    async with asyncio.timeout(5):
        while desk.simulator.backend.faults.active:
            await desk.truth()
    await desk.sim("faults", faults=[{"kind": "webhook_duplicate", "times": 1}])
    await desk.sim("change", op="modify", ref=made["ref"], set={"notes": "new"})
    await inbox.wait(3)
    assert [body["booking"]["notes"] for body in inbox.bodies] == ["new", "new", "old"]


async def test_faults_strike_as_often_as_told_and_where_told(desk: Desk) -> None:
    """Prefix and glob both match; a used-up fault is gone from the list."""
    faults = [
        {"kind": "status", "status": 503, "headers": {"Retry-After": "7"}, "match": {"path": "/book*"}, "times": 1},
        {"kind": "html", "match": {"method": "GET", "path": "/properties"}, "times": 1},
    ]
    assert len((await desk.sim("faults", faults=faults))["active"]) == 2
    refused, page = await desk.read(), await desk.read(path="/v2/properties")
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "7")
    assert (page.status_code, page.headers["content-type"].split(";")[0]) == (502, "text/html")
    assert ((await desk.read()).status_code, (await desk.read(path="/properties")).status_code) == (200, 200)
    assert (await desk.sim("faults", faults=[]))["active"] == []


@pytest.mark.parametrize("kind", ["drop_before", "drop_after"])
async def test_a_dropped_call_ends_without_an_answer_and_is_logged(desk: Desk, kind: str) -> None:
    """Only drop_after has carried the call out."""
    await desk.sim("faults", faults=[{"kind": kind, "times": 1}])
    with pytest.raises(httpx.TransportError):
        await desk.client.post("/properties", json=[{"id": 7, "name": "Other"}], headers={"token": desk.token})
    assert ((await desk.truth())["properties"][0]["name"] == "Other") is (kind == "drop_after")
    last = (await desk.client.get("/_sim/calls")).json()["items"][-1]
    assert (last["path"], last["status"]) == ("/properties", 201 if kind == "drop_after" else None)


async def test_a_truncated_answer_is_no_json_and_an_expired_token_is_refused(desk: Desk) -> None:
    """Two faults on reads."""
    await desk.sim("faults", faults=[{"kind": "truncate", "times": 1}])
    with pytest.raises(ValueError, match=r"."):
        (await desk.read()).json()
    await desk.sim("faults", faults=[{"kind": "expire_token", "times": 1}])
    assert (await desk.read()).status_code == 401
    await desk.mint()
    assert (await desk.read()).status_code == 200


async def test_a_stale_read_shows_the_state_before_the_last_change(desk: Desk) -> None:
    """Read-after-write lag, once."""
    made = await desk.sim("change", op="create", set={**STAY, "notes": "old"})
    await desk.sim("change", op="modify", ref=made["ref"], set={"notes": "new"})
    await desk.sim("faults", faults=[{"kind": "stale_read", "match": {"path": "/bookings"}, "times": 1}])
    seen = [(await desk.rows(("id", made["ref"])))[0]["notes"] for _ in range(2)]
    assert seen == ["old", "new"]


async def test_the_call_log_counts_calls_that_run_at_once(desk: Desk) -> None:
    """BRK-07 is judged by in_flight; since=N gives only what came after call N."""
    before = len((await desk.client.get("/_sim/calls")).json()["items"])
    await desk.sim("faults", faults=[{"kind": "delay", "seconds": 0.1, "times": 2}])
    await asyncio.gather(desk.read(("id", 1), ("id", 2)), desk.read())
    items = (await desk.client.get(f"/_sim/calls?since={before}")).json()["items"]
    assert [item["n"] for item in items] == [before + 1, before + 2]
    assert [item["in_flight"] for item in items] == [1, 2]
    assert ["id", "2"] in [pair for item in items for pair in item["query"]]
    assert items[0].keys() == {"n", "at", "method", "path", "query", "body", "status", "cost", "in_flight"}


@pytest.mark.parametrize(
    "order",
    [
        {"op": "modify", "ref": "404404", "set": {"notes": "x"}},
        {"op": "create", "set": {"bogus": 1}},
        {"op": "create", "set": {**STAY, "status": "checked_in"}},
        {"op": "explode"},
    ],
)
async def test_an_impossible_order_is_refused_with_a_remedy_and_changes_nothing(
    desk: Desk, order: dict[str, Any]
) -> None:
    """The error says what, where and the remedy."""
    before = (await desk.truth())["reservations"]
    answer = await desk.client.post("/_sim/change", json=order)
    assert answer.status_code == 400
    assert answer.json()["error"].keys() == {"what", "where", "remedy"}
    assert (await desk.truth())["reservations"] == before


@pytest.mark.parametrize(
    "garbage",
    [
        {"price": 1e300},
        {"price": "much"},
        {"price": None},
        {"arrival": None},
        {"arrival": "garbage", "departure": None},
        {"status": ["new"]},
        {"status": None, "channel": {"x": 1}},
        {"unitId": "first", "offerId": "best", "numAdult": "two"},
        {"apiReference": ["a"], "country2": 5, "modifiedTime": None},
        {"guests": ["x", {"name": "y"}], "invoiceItems": [1, {"id": 3, "type": "charge", "lineTotal": "x"}]},
        {"status": "black", "arrival": "soon"},
    ],
)
async def test_one_garbage_booking_never_breaks_the_truth_nor_the_next_booking(
    desk: Desk, garbage: dict[str, Any]
) -> None:
    for other in ({"arrival": None}, garbage):
        await desk.sim("change", op="create", set=STAY, vendor=other)
    before = {one["ref"] for one in (await desk.truth())["reservations"]}
    made = await desk.sim("change", op="create", set=STAY)
    assert {one["ref"] for one in (await desk.truth())["reservations"]} == before | {made["ref"]}
    assert (await desk.reservation(made["ref"]))["room_stays"][0]["arrival"] == STAY["arrival"]
    assert (await desk.read()).status_code == 200


async def test_what_cannot_be_read_of_a_booking_is_left_out_and_the_rest_stays(desk: Desk) -> None:
    dear = await desk.sim("change", op="create", set=STAY, vendor={"price": 1e300})
    late = await desk.sim("change", op="create", set={**STAY, "total": "90"}, vendor={"arrival": "garbage"})
    shown = await desk.reservation(dear["ref"])
    assert (shown["total"], shown["room_stays"][0]["nights"]) == ("1E+300", [])
    shown = await desk.reservation(late["ref"])
    assert (shown["status"], shown["room_stays"]) == ("confirmed", [])


@pytest.mark.parametrize("name", ["masterId", "propertyId", "roomId"])
async def test_an_id_that_is_a_list_is_refused(desk: Desk, name: str) -> None:
    answer = await desk.client.post("/_sim/change", json={"op": "create", "set": STAY, "vendor": {name: [1]}})
    assert answer.status_code == 400
    assert (await desk.client.get("/_sim/truth")).status_code == 200


async def test_twenty_thousand_bookings_are_seeded_and_paged_quickly(desk: Desk) -> None:
    """A large world stays usable; the bound is wide on purpose."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    await desk.sim("reset", seed=9, hotels=2, rooms=200, reservations=20000)
    await desk.mint()
    counts = [len(await desk.rows(EVER, *SIX, ("page", page))) for page in (1, 100, 200, 201)]
    assert counts == [100, 100, 100, 0]
    assert loop.time() - began < 10
