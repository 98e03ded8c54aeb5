"""The simulated Cloudbeds sends webhooks as vendors/cloudbeds.md 11 says, and obeys PUBLIC_SURFACE's control plane."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import pytest
import pytest_asyncio

from connectors.cloudbeds.simulator.events import CATALOGUE
from connectors.cloudbeds.simulator.hooks import AGENT
from tests.contract.beds24_desk import Inbox, running_inbox
from tests.contract.cloudbeds_desk import API, STAY, Desk, Row, running_desk


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    """Run two properties without bookings, with eager webhooks."""
    async with running_desk(hotels=2, reservations=0, webhook_delay=0.02, webhook_retry_after=(0.05,) * 5) as one:
        yield one


@pytest_asyncio.fixture
async def inbox() -> AsyncIterator[Inbox]:
    """Listen for webhooks."""
    async with running_inbox() as box:
        yield box


async def _settled(desk: Desk) -> Row:
    """Wait until nothing is on its way and return the counts."""
    async with asyncio.timeout(10):
        while (counts := (await desk.truth())["webhooks"])["pending"]:
            pass
    return dict(counts)


async def _told(desk: Desk, inbox: Inbox, **order: Any) -> dict[str, Row]:
    """Order a change and return the messages that it caused, by event."""
    inbox.bodies.clear()
    await desk.sim("change", **order)
    await _settled(desk)
    return {body["event"]: body for body in inbox.bodies}


# Subscriptions


async def test_subscribing_again_has_the_same_id_and_nonsense_is_accepted(desk: Desk) -> None:
    """The id comes from property, address, object and action (11.1)."""
    url = "http://127.0.0.1:9/hook"
    first = await desk.subscribed(url, "reservation/created", "reservation/modified")
    assert await desk.subscribed(url, "reservation/created", "reservation/modified") == first
    assert await desk.subscribed(url + "2", "reservation/created") != first[:1]
    (one, *_) = await desk.rows("getWebhooks")
    assert (one["id"], one["key"]) == (first[0], {"type": "property", "id": desk.home})
    assert one["event"] == {"entity": "reservation", "action": "created"}
    assert one["subscriptionData"] == {"endpoint": url}
    assert len(await desk.rows("getWebhooks")) == 3
    other = desk.simulator.backend.places[1].id
    assert await desk.rows("getWebhooks", propertyID=other) == []


async def test_deleting_reads_the_query_only(desk: Desk) -> None:
    """A body is ignored (3)."""
    (made,) = await desk.subscribed("http://127.0.0.1:9/hook", "guest/created")
    body = await desk.client.request("DELETE", API + "deleteWebhook", data={"subscriptionID": made}, headers=desk.key)
    assert body.json()["message"] == "Parameter subscriptionID is required"
    gone = [
        await desk.client.delete(API + "deleteWebhook", params={"subscriptionID": made}, headers=desk.key)
        for _ in range(2)
    ]
    assert [one.json()["success"] for one in gone] == [True, False]
    assert await desk.rows("getWebhooks") == []


async def test_a_fixed_header_is_sent_and_only_its_name_is_shown_again(desk: Desk, inbox: Inbox) -> None:
    """Changed by subscribing anew; the newer documentation has it (11.1)."""
    for value in ("old", "new"):
        await desk.subscribed(inbox.url, "reservation/created", authHeaderName="X-Mine", authHeaderValue=value)
    assert "new" not in str(await desk.rows("getWebhooks"))
    await desk.sim("change", op="create", set=STAY)
    await inbox.wait(1)
    assert (inbox.headers[0]["X-Mine"], inbox.headers[0]["User-Agent"]) == ("new", AGENT)


async def test_without_that_feature_the_header_is_an_unknown_parameter(inbox: Inbox) -> None:
    """Unknown parameters are ignored; the specification of August has no such header."""
    async with running_desk(reservations=0, fixed_header=False, webhook_delay=0.02) as desk:
        await desk.subscribed(inbox.url, "reservation/created", authHeaderName="X-Mine", authHeaderValue="secret")
        await desk.sim("change", op="create", set=STAY)
        await inbox.wait(1)
    assert "X-Mine" not in inbox.headers[0]


# Messages


async def test_a_new_booking_is_a_cascade_in_any_order(desk: Desk, inbox: Inbox) -> None:
    """guest/created, guest/assigned and reservation/created; times differ by less than a second (11.3)."""
    await desk.subscribed(inbox.url, *CATALOGUE)
    orders = set()
    for year in range(2030, 2036):
        stay = {word: day.replace("2030", str(year)) for word, day in STAY.items()}
        told = await _told(desk, inbox, op="create", set=stay)
        assert set(told) == {"guest/created", "guest/assigned", "reservation/created"}
        orders.add(tuple(told))
    assert len(orders) > 1
    body = told["reservation/created"]
    assert (body["version"], body["startDate"], body["endDate"]) == ("1.0", stay["arrival"], stay["departure"])
    assert (body["propertyID"], body["propertyID_str"]) == (int(desk.home), desk.home)
    assert isinstance(body["timestamp"], float)
    assert body["reservationID"] in {one["ref"] for one in (await desk.truth())["reservations"]}
    assert "reservationId" not in told["guest/created"]


@pytest.mark.parametrize(
    ("order", "events"),
    [
        ({"set": {"departure": "2030-03-06"}}, {"reservation/dates_changed"}),
        ({"set": {"status": "hold"}}, {"reservation/status_changed"}),
        ({"set": {"notes": "Quiet"}}, {"reservation/notes_changed"}),
        ({"set": {"booker": {"first_name": "Ann"}}}, {"guest/details_changed"}),
        ({"set": {"folio_lines": [{"kind": "payment", "amount": "5"}]}}, {"accounting/transaction"}),
        ({"set": {"room_ref": None}}, {"reservation/accommodation_changed"}),
        ({"set": {"adults": 1}}, set()),
        ({"set": {"total": "999.00"}}, set()),
        ({"set": {"channel": "expedia"}}, set()),
    ],
)
async def test_each_kind_of_change_has_its_events_or_none(
    desk: Desk, inbox: Inbox, order: Row, events: set[str]
) -> None:
    """Price, occupancy and source have none: they must be polled (11.3)."""
    ref = await desk.booked(arrival="2030-03-01", departure="2030-03-03")
    await desk.subscribed(inbox.url, *CATALOGUE)
    assert set(await _told(desk, inbox, op="modify", ref=ref, **order)) == events


async def test_a_change_of_room_type_fires_three_events(desk: Desk, inbox: Inbox) -> None:
    """CB-05: in any order (11.3)."""
    await desk.sim("reset", rooms=6, hotels=1, reservations=0)
    ref, other = await desk.booked(), desk.simulator.backend.places[0].kinds[1]
    await desk.subscribed(inbox.url, *CATALOGUE)
    told = await _told(desk, inbox, op="modify", ref=ref, set={"room_ref": other.rooms[0].id})
    changed = told["reservation/accommodation_changed"]
    assert told.keys() == {
        "reservation/accommodation_type_changed",
        "reservation/accommodation_changed",
        "guest/assigned",
    }
    assert (changed["reservationId"], changed["subReservationId"], changed["roomIdPrev"]) == (ref, ref, desk.rooms[0])
    assert told["reservation/accommodation_type_changed"]["roomTypeId"] == other.id


async def test_status_deletion_blocks_and_housekeeping_are_spelled_as_documented(desk: Desk, inbox: Inbox) -> None:
    """Both spellings; only status_changed has an actor; a block's type id is a number, without a twin (11.3)."""
    ref = await desk.booked()
    await desk.subscribed(inbox.url, *CATALOGUE)
    status = (await _told(desk, inbox, op="cancel", ref=ref))["reservation/status_changed"]
    assert (status["reservationID"], status["status"], status["previousStatus"]) == (ref, "canceled", "confirmed")
    assert status["actor"]["type"] == "user"
    gone = (await _told(desk, inbox, op="delete", ref=ref))["reservation/deleted"]
    assert (gone["reservationId"], gone["propertyId_str"]) == (ref, desk.home)
    held = {**STAY, "kind": "closure", "room_ref": desk.rooms[0]}
    block = (await _told(desk, inbox, op="create", set=held))["roomblock/created"]
    assert (block["propertyID"], block["rooms"][0]["roomTypeID"]) == (desk.home, int(desk.rooms[0].split("-")[0]))
    clean = {"op": "modify", "ref": desk.rooms[0], "vendor": {"roomCondition": "dirty"}}
    room = (await _told(desk, inbox, **clean))["housekeeping/room_condition_changed"]
    assert (room["roomId"], room["condition"], room["propertyId"]) == (desk.rooms[0], "dirty", desk.home)


async def test_a_room_going_in_house_tells_its_occupancy(desk: Desk, inbox: Inbox) -> None:
    """Occupied, then unoccupied (11.3)."""
    ref = await desk.booked()
    await desk.subscribed(inbox.url, "reservation/accommodation_status_changed")
    for status, word in (("checked_in", "occupied"), ("checked_out", "unoccupied")):
        told = await _told(desk, inbox, op="modify", ref=ref, set={"status": status})
        assert [one["status"] for one in told.values()] == [word]


async def test_a_ledger_event_has_no_time(desk: Desk, inbox: Inbox) -> None:
    """Deduplicate by its id (11.2)."""
    ref = await desk.booked()
    await desk.subscribed(inbox.url, "accounting/transaction")
    lines = [{"kind": "charge", "text": "Spa", "amount": "30"}]
    (body,) = (await _told(desk, inbox, op="modify", ref=ref, set={"folio_lines": lines})).values()
    assert "timestamp" not in body
    assert body["propertyId"] == desk.home


async def test_only_what_is_subscribed_comes_and_only_to_its_property(desk: Desk, inbox: Inbox) -> None:
    """One subscription per object and action (11.1)."""
    await desk.subscribed(inbox.url, "reservation/created", "reservation/modified")
    other = desk.simulator.backend.places[1].id
    await desk.sim("change", op="create", set={**STAY, "property_ref": other})
    await desk.sim("change", op="create", set=STAY, silent=True)
    ref = (await desk.sim("change", op="create", set=STAY))["ref"]
    await _settled(desk)
    assert [(body["event"], body["reservationID"]) for body in inbox.bodies] == [("reservation/created", ref)]


async def test_a_refused_message_comes_again_five_times_with_the_same_time(desk: Desk, inbox: Inbox) -> None:
    """Then it is dropped for good; a redirect is no success (11.2)."""
    inbox.statuses = [500, 302, 404, 503, 500, 500, 500]
    await desk.subscribed(inbox.url, "reservation/created")
    await desk.sim("change", op="create", set=STAY)
    await inbox.wait(6)
    counts = await _settled(desk)
    assert (counts["sent"], counts["accepted"], counts["given_up"]) == (6, 0, 1)
    assert all(body == inbox.bodies[0] for body in inbox.bodies)


async def test_webhook_faults_strike(desk: Desk, inbox: Inbox) -> None:
    """Loss and duplicates on demand (18.16)."""
    await desk.subscribed(inbox.url, "reservation/created")
    await desk.sim("faults", faults=[{"kind": "webhook_drop", "times": 1}])
    await desk.sim("change", op="create", set=STAY)
    await _settled(desk)
    assert inbox.bodies == []
    await desk.sim("faults", faults=[{"kind": "webhook_duplicate", "times": 1}])
    await desk.sim("change", op="create", set=STAY)
    await _settled(desk)
    assert inbox.bodies[0] == inbox.bodies[1]


async def test_a_webhook_target_hears_everything_beside_other_receivers(desk: Desk, inbox: Inbox) -> None:
    """PUBLIC_SURFACE: property_ref, url, headers."""
    target = {"property_ref": desk.home, "url": inbox.url, "headers": {"X-Secret": "s"}}
    await desk.sim("change", op="webhook_target", **target)
    ref = await desk.booked()
    await _told(desk, inbox, op="modify", ref=ref, set={"notes": "news"})
    assert [body["event"] for body in inbox.bodies] == ["reservation/notes_changed"]
    assert inbox.headers[0]["X-Secret"] == "s"


async def test_a_disconnect_is_told_and_ends_subscriptions_and_access(inbox: Inbox) -> None:
    """appstate_changed goes first (18.18); all access ends (12)."""
    async with running_desk(reservations=0, webhook_delay=0.02) as desk:
        await desk.subscribed(inbox.url, *CATALOGUE)
        await desk.sim("change", op="modify", ref=desk.home, vendor={"app_state": "disabled"})
        await inbox.wait(1)
        (body,) = inbox.bodies
        assert (body["event"], body["oldState"], body["newState"]) == (
            "integration/appstate_changed",
            "enabled",
            "disabled",
        )
        assert body["clientID"] == desk.simulator.backend.access.client_id
        assert desk.simulator.backend.announcer.of([desk.home]) == []
        assert (await desk.call("getHotels")).status_code == 401


async def test_the_night_audit_can_be_told(desk: Desk, inbox: Inbox) -> None:
    """`completedAt` is local (11.3)."""
    await desk.subscribed(inbox.url, "night_audit/completed")
    order = {"op": "modify", "ref": desk.home, "vendor": {"night_audit": "2030-03-02 03:00:00"}}
    assert (await _told(desk, inbox, **order))["night_audit/completed"]["completedAt"] == "2030-03-02 03:00:00"


# The control plane


async def test_a_seed_gives_the_same_hotel_and_another_seed_another() -> None:
    """PUBLIC_SURFACE reset."""
    async with running_desk() as desk:
        order = {"hotels": 2, "rooms": 6, "reservations": 40}
        told = []
        for seed in (3, 3, 4):
            made = await desk.sim("reset", seed=seed, **order)
            told.append((made["properties"], (await desk.truth())["reservations"], made["credentials"]))
    assert told[0] == told[1] != told[2]
    assert [(one["name"], one["timezone"], one["currency"]) for one in told[0][0]] == [
        ("Hotel Prado", "Europe/Madrid", "EUR"),
        ("Hotel Hudson", "America/New_York", "USD"),
    ]
    assert [kind["units"] for kind in told[0][0][0]["room_types"]] == [3, 3]


async def test_seeded_bookings_never_share_a_room() -> None:
    """Blocks and bookings alike."""
    async with running_desk(9, hotels=2, rooms=6, reservations=200) as desk:
        truth = await desk.truth()
    taken: dict[str, list[tuple[str, str]]] = {}
    stays = [stay for one in truth["reservations"] for stay in one["room_stays"] if stay["status"] != "cancelled"]
    for one in (*stays, *truth["blocks"]):
        if one["room_ref"]:
            taken.setdefault(one["room_ref"], []).append((one["arrival"], one["departure"]))
    spans = [sorted(found) for found in taken.values()]
    assert spans
    assert all(one[1] <= two[0] for found in spans for one, two in pairwise(found))


async def test_a_lagging_read_shows_the_older_state(desk: Desk) -> None:
    """A read right after a webhook may still show the old state (9, fact 9)."""
    ref = await desk.booked()
    await desk.change("modify", ref=ref, set={"departure": "2030-03-09"})
    await desk.sim("faults", faults=[{"kind": "stale_read", "times": 1}])
    stale = await desk.rows("getReservation", reservationID=ref)
    fresh = await desk.rows("getReservation", reservationID=ref)
    assert (stale["endDate"], fresh["endDate"]) == ("2030-03-04", "2030-03-09")


async def test_rest_faults_answer_in_the_vendors_way(desk: Desk) -> None:
    """HTML, a status, and a throttle with its wait."""
    await desk.sim("faults", faults=[{"kind": "html", "times": 1}])
    assert (await desk.call("getHotels")).text.startswith("<!DOCTYPE html>")
    await desk.sim("faults", faults=[{"kind": "status", "status": 429, "headers": {"Retry-After": "7"}, "times": 1}])
    answer = await desk.call("getHotels")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")


async def test_raw_fields_are_kept_where_the_hotel_knows_them_and_shown_where_not(desk: Desk) -> None:
    """Every answer shows them; the truth follows what it understands."""
    ref = await desk.booked()
    raw = {"status": "in_progress", "orderId": "77", "rooms": [{"adults": "4", "base_rate": 9}]}
    await desk.change("modify", ref=ref, vendor=raw)
    row, one = await desk.rated(ref), await desk.rows("getReservation", reservationID=ref)
    assert (row["status"], one["status"], row["orderId"], one["orderId"]) == ("in_progress", "in_progress", "77", "77")
    assert (row["rooms"][0]["adults"], one["assigned"][0]["base_rate"]) == ("4", 9)
    told = await desk.reservation(ref)
    assert (told["vendor_status"], told["status"], told["room_stays"][0]["adults"]) == ("in_progress", None, 4)


@pytest.mark.parametrize(
    "order",
    [
        {"op": "modify", "ref": "1", "set": {}},
        {"op": "create", "set": {"colour": "red"}},
        {"op": "create", "set": {**STAY, "room_ref": "nowhere"}},
        {"op": "create", "set": {"arrival": "2030-03-04", "departure": "2030-03-01"}},
        {"op": "create", "set": {**STAY, "status": "asleep"}},
        {"op": "create", "set": {**STAY, "room_stays": 7}},
        {"op": "create", "set": {**STAY, "total": "NaN"}},
        {"op": "create", "set": {**STAY, "kind": "closure"}},
    ],
)
async def test_a_bad_order_is_refused_and_changes_nothing(desk: Desk, order: Row) -> None:
    """What, where, remedy."""
    before = await desk.truth()
    answer = await desk.client.post("/_sim/change", json=order)
    assert (answer.status_code, answer.json()["error"].keys()) == (400, {"what", "where", "remedy"})
    after = await desk.truth()
    assert (before["reservations"], before["blocks"]) == (after["reservations"], after["blocks"])
