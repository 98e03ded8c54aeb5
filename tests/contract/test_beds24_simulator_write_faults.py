"""Writes to the simulated Beds24 under faults, their webhooks, their log, and a truth that never fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from tests.contract.beds24_desk import EVER, SIX, STAY, Desk, Inbox, running_desk, running_inbox

NEW = {"roomId": 55, **STAY}
WAKE = {"actions": {"allowWebhooks": True}}


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    """Run one empty hotel with eager webhooks and a token."""
    async with running_desk(credits=1000, webhook_delay=0.02, reservations=0) as one:
        await one.mint()
        yield one


@pytest_asyncio.fixture
async def inbox(desk: Desk) -> AsyncIterator[Inbox]:
    """Listen for the webhooks of property 7."""
    async with running_inbox() as box:
        await desk.sim("change", op="webhook_target", property_ref="7", url=box.url)
        yield box


async def last_call(desk: Desk) -> Any:
    """Return the newest entry of the call log."""
    return (await desk.client.get("/_sim/calls")).json()["items"][-1]


async def test_every_write_is_logged_with_its_body_and_its_cost(desk: Desk) -> None:
    """Refused items are in it too."""
    body = [{**NEW, "notes": "n"}, {"id": 404}]
    await desk.post(body, "/api/v2/bookings")
    call = await last_call(desk)
    assert (call["method"], call["path"], call["body"]) == ("POST", "/api/v2/bookings", body)
    assert (call["status"], call["cost"]) == (201, 1.2)


async def test_a_body_that_is_no_json_is_logged_as_text(desk: Desk) -> None:
    """One bad call must not make the log unreadable."""
    await desk.client.post("/bookings", content=b'[{"notes": "\\ud800"}]', headers={"token": desk.token})
    assert (await last_call(desk))["body"] == '[{"notes": "\\ud800"}]'


@pytest.mark.parametrize(
    ("fault", "written", "logged"),
    [
        ({"kind": "drop_after"}, 1, 201),
        ({"kind": "truncate"}, 1, 201),
        ({"kind": "drop_before"}, 0, None),
    ],
)
async def test_a_lost_answer_leaves_open_whether_the_write_happened(
    desk: Desk, fault: dict[str, Any], written: int, logged: int | None
) -> None:
    """Only the truth knows; the caller sees the same broken answer."""
    await desk.sim("faults", faults=[{**fault, "match": {"method": "POST", "path": "/bookings"}, "times": 1}])
    with pytest.raises((httpx.TransportError, ValueError), match=r".*"):
        (await desk.post([NEW])).json()
    assert len((await desk.truth())["reservations"]) == written
    assert (await last_call(desk))["status"] == logged
    assert len(await desk.rows(EVER)) == written


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("kind", ["status", "html"])
async def test_a_server_error_may_come_before_or_after_the_write(desk: Desk, kind: str, *, after: bool) -> None:
    """With `after` the booking is there in spite of the 500."""
    await desk.sim("faults", faults=[{"kind": kind, "status": 500, "after": after, "times": 1}])
    assert (await desk.post([NEW])).status_code == 500
    assert len((await desk.truth())["reservations"]) == after
    assert (await last_call(desk))["status"] == 500


async def test_a_slow_answer_can_come_after_the_write_is_done(desk: Desk) -> None:
    """The caller gives up, the booking stays."""
    await desk.sim("faults", faults=[{"kind": "delay", "seconds": 5, "after": True, "times": 1}])
    with pytest.raises(httpx.ReadTimeout):
        await desk.client.post("/bookings", json=[NEW], headers={"token": desk.token}, timeout=0.3)
    assert len((await desk.truth())["reservations"]) == 1


async def test_a_read_may_lag_behind_the_whole_of_the_last_write(desk: Desk) -> None:
    """Once the old state, then the new one; the truth never lags."""
    made = await desk.made(notes="old")
    await desk.write({"id": made, "notes": "new"}, NEW)
    stale = {"kind": "stale_read", "match": {"method": "GET", "path": "/bookings"}, "times": 1}
    await desk.sim("faults", faults=[stale])
    assert len((await desk.truth())["reservations"]) == 2
    seen = [[row["notes"] for row in await desk.rows(EVER, *SIX)] for _ in range(2)]
    assert seen == [["old"], ["", "new"]]


async def test_an_expired_token_writes_nothing(desk: Desk) -> None:
    """A bad token is found out before the body is looked at."""
    await desk.sim("faults", faults=[{"kind": "expire_token", "times": 1}])
    assert (await desk.post([NEW])).status_code == 401
    assert (await desk.truth())["reservations"] == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"status": "cancelled"}, True),
        ({"departure": "2030-03-05"}, True),
        ({"unitId": 3}, True),
        ({"roomQty": 2}, True),
        ({"lastName": "Roe"}, False),
        ({"status": "confirmed"}, False),
    ],
)
async def test_a_write_is_silent_unless_it_asks_and_touches_what_is_available(
    desk: Desk, inbox: Inbox, change: dict[str, Any], *, told: bool
) -> None:
    """Six fields wake the webhook, and only when they change (7); a panel change ends the wait."""
    made = await desk.made(lastName="Doe")
    await desk.write({"id": made, **change})
    await desk.sim("change", op="create", set={**STAY, "notes": "quiet"})
    await inbox.wait(1)
    await desk.write({"id": made, "notes": "n", "status": "confirmed"})
    fresh = await desk.made(lastName="Doe")
    await desk.write({"id": fresh, **change, **WAKE})
    await desk.sim("change", op="create", set={**STAY, "notes": "loud"})
    await inbox.wait(2 if told else 1)
    expected = ["quiet", *([""] if told else []), "loud"]
    assert [body["booking"]["notes"] for body in inbox.bodies] == expected


async def test_a_create_tells_of_itself_when_asked_and_only_in_its_own_property(desk: Desk, inbox: Inbox) -> None:
    """The delivery is the whole snapshot, as of any other change."""
    made = await desk.made(infoItems=[{"code": "OURS", "text": "t"}], **WAKE)
    await inbox.wait(1)
    body = inbox.bodies[0]
    assert (body["booking"]["id"], body["booking"]["referer"]) == (made, "API")
    assert [item["code"] for item in body["infoItems"]] == ["OURS"]


async def test_writes_at_the_same_time_are_both_taken_and_seen_as_such(desk: Desk) -> None:
    """BRK-07 holds for writes too: in_flight tells."""
    await desk.sim("faults", faults=[{"kind": "delay", "seconds": 0.1, "times": 2}])
    await asyncio.gather(desk.post([NEW]), desk.post([NEW]))
    assert len((await desk.truth())["reservations"]) == 2
    assert (await last_call(desk))["in_flight"] == 2


@pytest.mark.parametrize("raw", [{"status": "pencilled"}, {"status": None}, {"status": "pencilled", "propertyId": 99}])
async def test_the_truth_shows_a_booking_whose_status_nobody_knows(desk: Desk, raw: dict[str, Any]) -> None:
    """The raw word is there, the public one is null; everything else stays readable."""
    ref = (await desk.sim("change", op="create", set={**STAY, "channel": "booking_com"}, vendor=raw))["ref"]
    told = await desk.reservation(ref)
    assert told["vendor_status"] == raw["status"]
    assert (told["status"], told["room_stays"][0]["status"]) == (None, None)
    assert (told["hold_kind"], told["channel_status"], told["blocks_inventory"]) == (None, None, False)


async def test_of_a_group_the_known_members_say_the_status(desk: Desk) -> None:
    """The strange one is left out of the count."""
    master = await desk.made()
    member = await desk.made(masterId=master)
    await desk.sim("change", op="modify", ref=str(member), vendor={"status": "pencilled"}, silent=True)
    told = await desk.reservation(str(master))
    assert (told["status"], [stay["status"] for stay in told["room_stays"]]) == ("confirmed", ["confirmed", None])


async def test_a_country_in_lower_case_is_the_iso_code_in_the_truth(desk: Desk) -> None:
    """The wire carries what was put there; booker and guests read the same."""
    guest = {"ref": "1", "first_name": "A", "country": "fr"}
    booked = {**STAY, "booker": {"last_name": "Doe", "country": "es"}, "guests": [guest]}
    ref = (await desk.sim("change", op="create", set=booked, silent=True))["ref"]
    told = await desk.reservation(ref)
    assert (await desk.row(ref))["country2"] == "es"
    assert (told["booker"]["country"], told["guests"][0]["country"]) == ("ES", "FR")


async def test_a_whole_reservation_of_the_truth_can_be_handed_back(desk: Desk) -> None:
    """The field beside Rev is passed over."""
    ref = (await desk.sim("change", op="create", set={**STAY, "channel": "vrbo"}, silent=True))["ref"]
    told = await desk.reservation(ref)
    again = await desk.sim("change", op="modify", ref=ref, set=told, silent=True)
    assert again["ref"] == ref
