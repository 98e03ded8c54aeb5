"""The simulated Mews sends webhooks as vendors/mews.md says, and obeys its control plane as PUBLIC_SURFACE.md says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import pytest_asyncio
from aiohttp import web

from connectors.kit.simulator.server import serve
from tests.contract.beds24_desk import Inbox, running_inbox
from tests.contract.mews_desk import API, PLENTY, RESERVATIONS, STAY, Desk, Row, running_desk


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    """Run two properties without bookings, with eager webhooks."""
    async with running_desk(
        **PLENTY, hotels=2, reservations=0, webhook_delay=0.05, webhook_retry_after=(0.05, 0.05)
    ) as one:
        yield one


@pytest_asyncio.fixture
async def inbox() -> AsyncIterator[Inbox]:
    """Listen for webhooks."""
    async with running_inbox() as box:
        yield box


async def _aimed(desk: Desk, inbox: Inbox) -> None:
    await desk.sim("change", op="webhook_target", url=f"{inbox.url}?Token=quiet")


async def _told(desk: Desk, **order: Any) -> str:
    made = await desk.sim("change", **{"op": "create", "set": STAY, **order})
    return str(made["ref"])


def _events(*bodies: Row) -> list[tuple[str, str]]:
    return [(event["Discriminator"], event["Value"]["Id"]) for body in bodies for event in body["Events"]]


async def _settled(desk: Desk) -> Row:
    """Wait until nothing is on its way and return the counts."""
    async with asyncio.timeout(10):
        while (counts := (await desk.truth())["webhooks"])["pending"]:
            pass
    return dict(counts)


async def test_a_message_holds_ids_only_and_names_property_and_integration(desk: Desk, inbox: Inbox) -> None:
    """A new guest is told twice; there is no signature, the secret is in the address (12.1)."""
    await _aimed(desk, inbox)
    ref = await _told(desk)
    await inbox.wait(1)
    (body,) = inbox.bodies
    stay, guest = await desk.stay(ref), (await desk.reservation(ref))["booker"]["ref"]
    assert body.keys() == {"EnterpriseId", "IntegrationId", "Events"}
    assert body["EnterpriseId"] == desk.home
    mine = desk.simulator.backend.access.integration(desk.home)
    assert mine is not None
    assert body["IntegrationId"] == mine.id
    assert _events(body) == [
        ("CustomerAdded", guest),
        ("CustomerUpdated", guest),
        ("ServiceOrderUpdated", stay["Id"]),
    ]
    assert not [name for name in inbox.headers[0] if name.lower().startswith("x-")]


async def test_one_address_serves_all_properties_each_in_messages_of_its_own(desk: Desk, inbox: Inbox) -> None:
    """Changes that occur together come in one message, the same event once (12.1)."""
    await _aimed(desk, inbox)
    other = desk.simulator.backend.places[1].id
    refs = [await _told(desk, set={**STAY, "property_ref": place}) for place in (desk.home, other, desk.home)]
    await desk.sim("change", op="modify", ref=refs[0], set={"adults": 1})
    await inbox.wait(2)
    found = {body["EnterpriseId"]: _events(body) for body in inbox.bodies}
    assert {place: len(events) for place, events in found.items()} == {desk.home: 6, other: 3}


async def test_a_message_holds_so_many_events_and_no_more(inbox: Inbox) -> None:
    """The cap is in the order of hundreds; here it is five (12.1)."""
    async with running_desk(**PLENTY, reservations=0, webhook_delay=0.3, webhook_batch=5) as desk:
        await _aimed(desk, inbox)
        for _ in range(4):
            await _told(desk)
        await inbox.wait(3)
    assert [len(body["Events"]) for body in inbox.bodies] == [5, 5, 2]


async def test_events_exist_for_stays_rooms_blocks_guests_and_payments_only(desk: Desk, inbox: Inbox) -> None:
    """Notes, lines, companions, groups and allotments must be polled (12.1)."""
    ref = await desk.booked(folio_lines=[{"kind": "payment", "amount": "5"}], guests=[{"last_name": "F"}], notes="n")
    stay = await desk.stay(ref)
    (paid,) = await desk.rows("payments/getAll", ReservationIds=[stay["Id"]])
    (note,) = await desk.rows("serviceOrderNotes/getAll", ServiceOrderIds=[stay["Id"]])
    (line, *_) = await desk.rows("orderItems/getAll", ServiceOrderIds=[stay["Id"]])
    guest = (await desk.reservation(ref))["booker"]["ref"]
    await _aimed(desk, inbox)
    block = await _told(desk, set={**STAY, "kind": "out_of_order", "room_ref": desk.rooms[0]})
    await _told(desk, set={**STAY, "kind": "allotment"})
    for one in (paid["Id"], note["Id"], line["Id"], guest, desk.rooms[1]):
        await desk.sim("change", op="modify", ref=one, vendor={"Notes": "x"})
    await _settled(desk)
    assert sorted(_events(*inbox.bodies)) == sorted(
        [
            ("ResourceBlockUpdated", block),
            ("ResourceUpdated", desk.rooms[0]),
            ("PaymentUpdated", paid["Id"]),
            ("CustomerUpdated", guest),
            ("ResourceUpdated", desk.rooms[1]),
        ]
    )


async def test_silent_changes_and_changes_without_a_receiver_are_never_told(desk: Desk, inbox: Inbox) -> None:
    """Nothing is kept for later."""
    await _told(desk)
    await _aimed(desk, inbox)
    await desk.booked()
    ref = await _told(desk)
    await _settled(desk)
    assert [word for word, _ in _events(*inbox.bodies)].count("ServiceOrderUpdated") == 1
    assert ("ServiceOrderUpdated", (await desk.stay(ref))["Id"]) in _events(*inbox.bodies)


async def test_a_refused_message_is_sent_again_unchanged_and_dropped_in_the_end(desk: Desk, inbox: Inbox) -> None:
    """ING-01's sender: what is not 2xx was not taken; what happened meanwhile comes in a message of its own (12.1)."""
    inbox.statuses = [503, 400, 301]
    await _aimed(desk, inbox)
    first = await _told(desk)
    await inbox.wait(1)
    await _told(desk)
    counts = await _settled(desk)
    stays = [(await desk.stay(ref))["Id"] for ref in (first,)]
    carrying = [body for body in inbox.bodies if ("ServiceOrderUpdated", stays[0]) in _events(body)]
    assert len(inbox.bodies) == counts["sent"]
    assert carrying[0] == carrying[-1]
    assert len(carrying) >= 2


async def test_a_message_that_is_never_taken_is_given_up(desk: Desk, inbox: Inbox) -> None:
    """After repeated attempts the vendor drops it; the next message goes on (12.1)."""
    inbox.statuses = [500, 500, 500]
    await _aimed(desk, inbox)
    await _told(desk)
    await inbox.wait(3)
    assert (await _settled(desk))["given_up"] == 1
    await _told(desk)
    await inbox.wait(1)
    assert (await _settled(desk))["accepted"] == 1


@asynccontextmanager
async def _pointing(target: str, status: int) -> AsyncIterator[str]:
    """Listen at an address that points elsewhere."""

    async def point(_request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": target})

    app = web.Application()
    app.router.add_post("/old", point)
    base_url, stop = await serve(app)
    yield f"{base_url}/old"
    await stop()


@pytest.mark.parametrize("status", [307, 308])
async def test_a_permanent_or_temporary_redirect_is_followed(desk: Desk, inbox: Inbox, status: int) -> None:
    """With the same body (12.1)."""
    async with _pointing(inbox.url, status) as old:
        await desk.sim("change", op="webhook_target", url=old)
        await _told(desk)
        await inbox.wait(1)
        counts = await _settled(desk)
    assert (counts["sent"], counts["accepted"]) == (1, 1)
    assert len(inbox.bodies[0]["Events"]) == 3


async def test_webhook_faults_drop_duplicate_and_reorder(desk: Desk, inbox: Inbox) -> None:
    """What is dropped does not ride along later; what is held back arrives after newer messages."""
    await _aimed(desk, inbox)
    await desk.sim("faults", faults=[{"kind": "webhook_drop", "times": 1}])
    lost = await _told(desk)
    async with asyncio.timeout(5):
        while (await desk.truth())["webhooks"]["dropped"] == 0:
            pass
    await desk.sim("faults", faults=[{"kind": "webhook_reorder", "times": 1, "seconds": 0.4}])
    late = await _told(desk)
    async with asyncio.timeout(5):
        while desk.simulator.backend.faults.active:
            await desk.truth()
    await desk.sim("faults", faults=[{"kind": "webhook_duplicate", "times": 1}])
    soon = await _told(desk)
    await inbox.wait(3)
    told = [[entity for word, entity in _events(body) if word == "ServiceOrderUpdated"] for body in inbox.bodies]
    ids = {ref: (await desk.stay(ref))["Id"] for ref in (lost, late, soon)}
    assert told == [[ids[soon]], [ids[soon]], [ids[late]]]


async def test_a_delayed_message_gathers_what_happens_meanwhile(desk: Desk, inbox: Inbox) -> None:
    """The vendor needs minutes; the fault plays them (12.1)."""
    await _aimed(desk, inbox)
    await desk.sim("faults", faults=[{"kind": "webhook_delay", "seconds": 0.3, "times": 1}])
    refs = [await _told(desk) for _ in range(5)]
    await inbox.wait(1)
    assert len(inbox.bodies) == 1
    stays = {(await desk.stay(ref))["Id"] for ref in refs}
    assert stays <= {entity for _, entity in _events(*inbox.bodies)}


async def test_integration_webhooks_tell_one_thing_each_and_deliver_new_keys(desk: Desk, inbox: Inbox) -> None:
    """They may go to an address of their own; a new key works, the old one does not (12.2)."""
    await desk.sim("change", op="webhook_target", url=inbox.url, set={"integration_url": f"{inbox.url}?b=2"})
    mine = desk.simulator.backend.access.integration(desk.home)
    assert mine is not None
    for action in ("IntegrationCreated", "IntegrationDisabled", "IntegrationDeleted", "IntegrationApiKeyCreated"):
        told = await desk.sim("change", op="modify", ref=desk.home, vendor={"Action": action})
        assert told["ref"] == mine.id
    await inbox.wait(4)
    created, disabled, deleted, key = [body["Data"] for body in inbox.bodies]
    assert (created["Enterprise"], created["AccessToken"]) == ({"Id": desk.home, "Name": "Hotel Prado"}, mine.token)
    assert disabled == {"Integration": {"Id": mine.id, "Name": "PMS Sync"}}
    assert deleted.keys() == {"DeletedUtc", "Integration"}
    assert key["ApiKey"] not in {mine.token, None}
    await desk.change("modify", ref=desk.home, vendor={"Action": "IntegrationReinstated"})
    statuses = [(await desk.read(RESERVATIONS, AccessToken=one)).status_code for one in (mine.token, key["ApiKey"])]
    assert statuses == [401, 200]


async def test_expired_tokens_are_new_keys(desk: Desk, inbox: Inbox) -> None:
    """A key never expires by itself; the fault makes new ones, which come by webhook (2, 12.2)."""
    await _aimed(desk, inbox)
    old = desk.tokens
    await desk.sim("faults", faults=[{"kind": "expire_token", "times": 1}])
    refused = await desk.client.post(API + RESERVATIONS, json={**old, "Limitation": {"Count": 1}})
    assert refused.status_code == 401
    assert (await desk.read(RESERVATIONS)).status_code == 200
    await inbox.wait(3)
    keys = {body["Data"]["ApiKey"] for body in inbox.bodies}
    assert desk.tokens["AccessToken"] in keys


async def test_a_token_is_the_integrations_id_and_more(desk: Desk) -> None:
    """32 hex digits, a dash, 31 more, upper case (2)."""
    mine = desk.simulator.backend.access.integration(desk.home)
    assert mine is not None
    first, _, rest = mine.token.partition("-")
    assert first == mine.id.replace("-", "").upper()
    assert (len(rest), mine.token) == (31, mine.token.upper())


async def test_faults_strike_where_told_with_the_vendors_error_body(desk: Desk) -> None:
    """With and without the base path; a limit without a word has no Retry-After (5, 6)."""
    faults = [
        {"kind": "status", "status": 429, "match": {"path": "/reservations/getAll*"}, "times": 1},
        {"kind": "html", "match": {"path": "/api/connector/v1/services/getAll"}, "times": 1},
    ]
    await desk.sim("faults", faults=faults)
    limited, page = await desk.read(RESERVATIONS), await desk.read("services/getAll")
    assert (limited.status_code, limited.json().keys()) == (429, {"Message", "RequestId", "Details"})
    assert "Retry-After" not in limited.headers
    assert (page.status_code, page.headers["content-type"].split(";")[0]) == (502, "text/html")
    assert (await desk.read(RESERVATIONS)).status_code == 200


async def test_a_stale_read_shows_the_state_before_the_last_change(desk: Desk) -> None:
    """Read-after-write lag, once."""
    ref = await desk.booked(adults=2)
    await desk.change("modify", ref=ref, set={"adults": 1})
    await desk.sim("faults", faults=[{"kind": "stale_read", "match": {"path": "/reservations/*"}, "times": 1}])
    seen = [(await desk.stay(ref))["PersonCounts"][0]["Count"] for _ in range(2)]
    assert seen == [2, 1]


@pytest.mark.parametrize("kind", ["drop_before", "drop_after", "truncate"])
async def test_a_broken_wire_is_no_answer(desk: Desk, kind: str) -> None:
    """Hung up, or half a body."""
    await desk.sim("faults", faults=[{"kind": kind, "times": 1}])
    with pytest.raises((httpx.TransportError, ValueError)):
        (await desk.read(RESERVATIONS)).json()
    assert (await desk.read(RESERVATIONS)).status_code == 200


async def test_the_call_log_holds_bodies_and_counts_calls_that_run_at_once(desk: Desk) -> None:
    """BRK-07 is judged by in_flight; no call tells a cost."""
    before = len((await desk.client.get("/_sim/calls")).json()["items"])
    await desk.sim("faults", faults=[{"kind": "delay", "seconds": 0.1, "times": 2}])
    await asyncio.gather(desk.read(RESERVATIONS, count=3), desk.read(RESERVATIONS, count=3))
    items = (await desk.client.get(f"/_sim/calls?since={before}")).json()["items"]
    assert [item["in_flight"] for item in items] == [1, 2]
    assert {(item["method"], item["path"], item["status"], item["cost"]) for item in items} == {
        ("POST", API + RESERVATIONS, 200, None)
    }
    assert items[0]["body"]["Limitation"]["Count"] == 3
