"""The simulated queue forgets what it handed out, and the control plane obeys PUBLIC_SURFACE.md."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from connectors.opera.simulator.quirks import plain
from pms_sync.auditor.truth import read as read_truth
from tests.contract.opera_desk import (
    CHAIN_QUEUE,
    HOTEL,
    OTHER,
    QUEUE,
    RSV,
    STAY,
    Desk,
    Row,
    action,
    running_desk,
)


@pytest_asyncio.fixture
async def desk() -> AsyncIterator[Desk]:
    """Run two empty hotels that keep to the schema."""
    async with running_desk(hotels=2, reservations=0, quirks=plain()) as one:
        yield one


async def _made(desk: Desk, **said: object) -> str:
    return str((await desk.change("create", set={**STAY, **said}))["ref"])


async def test_each_event_is_handed_out_once_and_never_again(desk: Desk) -> None:
    """OH-04, section 8.3: the read is a dequeue, at most 20, and 204 when the queue is empty."""
    refs = [await _made(desk) for _ in range(15)]
    batches = [await desk.events() for _ in range(3)]
    assert [len(batch) for batch in batches] == [20, 10, 0]
    found = [event["primaryKey"] for batch in batches for event in batch if event["moduleName"] == "Reservation"]
    assert found == refs
    assert (await desk.read(QUEUE)).content == b""


@pytest.mark.parametrize(("limit", "status"), [("0", 400), ("21", 400), ("x", 400), ("1", 200), ("20", 200)])
async def test_a_poll_takes_one_to_twenty(desk: Desk, limit: str, status: int) -> None:
    """Section 8.3; a refused poll loses nothing."""
    await _made(desk)
    answer = await desk.read(QUEUE, ("limit", limit))
    assert answer.status_code == status
    left = len(await desk.events())
    assert left == {"1": 1, "20": 0}.get(limit, 2)


async def test_an_answer_lost_on_the_way_is_lost_for_ever(desk: Desk) -> None:
    """Section 8.3: a dropped response takes its events with it; the truth still has them."""
    ref = await _made(desk)
    await desk.sim("faults", faults=[{"kind": "drop_after", "match": {"path": "/int/*"}, "times": 1}])
    with pytest.raises(httpx.TransportError):
        await desk.read(QUEUE)
    assert await desk.events() == []
    assert (await desk.told(ref))["status"] == "confirmed"


async def test_a_call_that_never_arrived_takes_nothing(desk: Desk) -> None:
    await _made(desk)
    await desk.sim("faults", faults=[{"kind": "status", "status": 502, "times": 1}])
    assert ((await desk.read(QUEUE)).status_code, len(await desk.events())) == (502, 2)


async def test_one_hotels_queue_leaves_the_others_alone(desk: Desk) -> None:
    """Section 8.3: per hotel, or for all hotels of the chain."""
    await _made(desk)
    theirs = await _made(desk, property_ref=OTHER)
    assert {event["hotelId"] for event in await desk.events()} == {HOTEL}
    found = await desk.events(CHAIN_QUEUE)
    assert [event["primaryKey"] for event in found if event["moduleName"] == "Reservation"] == [theirs]


async def test_every_external_system_has_a_queue_of_its_own() -> None:
    """Section 8.1 and 8.2: an unknown one is empty for ever, as is a hotel that was never set up."""
    async with running_desk(reservations=0, external_systems=("PMSSYNC", "OTHERSYS")) as desk:
        await _made(desk)
        paths = [QUEUE.replace("PMSSYNC", name) for name in ("PMSSYNC", "OTHERSYS", "NOBODY")]
        assert [len(await desk.events(path)) for path in paths] == [2, 2, 0]
    async with running_desk(reservations=0, subscribed=False) as desk:
        await _made(desk)
        assert (await desk.read(QUEUE)).status_code == 204


async def test_silent_changes_and_a_reset_leave_no_events(desk: Desk) -> None:
    await desk.booked()
    assert await desk.events() == []
    await _made(desk)
    await desk.sim("reset", seed=1)
    await desk.log_in()
    assert await desk.events() == []


async def test_events_come_late_by_the_simulated_clock() -> None:
    """Minutes may pass; a fault can hold single ones back, lose or double them."""
    async with running_desk(reservations=0, event_delay=120) as desk:
        await _made(desk)
        assert await desk.events() == []
        await desk.sim("clock", advance_s=121)
        assert len(await desk.events()) == 2


async def test_faults_drop_double_and_hold_back_events(desk: Desk) -> None:
    ref = await _made(desk)
    await desk.events()
    seen: dict[str, int] = {}
    for kind in ("webhook_drop", "webhook_duplicate", "webhook_delay", "webhook_reorder"):
        await desk.sim("faults", faults=[{"kind": kind, "times": 1, "seconds": 60}])
        await desk.change("modify", ref=ref, set={"adults": 1})
        seen[kind] = len(await desk.events())
    assert seen == {"webhook_drop": 0, "webhook_duplicate": 2, "webhook_delay": 0, "webhook_reorder": 0}
    await desk.change("modify", ref=ref, set={"adults": 3})
    newest = [event["id"] for event in await desk.events()]
    await desk.sim("clock", advance_s=61)
    assert len(newest) == 1
    assert all(event["id"] < newest[0] for event in await desk.events())


async def test_the_life_of_a_stay_has_the_names_of_oracles_table(desk: Desk) -> None:
    """Section 8.5."""
    ref = await _made(desk, status="hold", hold_kind="inquiry")
    steps = ("confirmed", "checked_in", "confirmed", "checked_in", "checked_out", "checked_in", "checked_out")
    for status in steps:
        await desk.change("modify", ref=ref, set={"status": status})
    other = await _made(desk)
    for status in ("no_show", "confirmed", "cancelled", "confirmed"):
        await desk.change("modify", ref=other, set={"status": status})
    await desk.change("modify", ref=other, set={"room_ref": "102"})
    await desk.change("delete", ref=other)
    events = [event for event in await desk.events() if event["moduleName"] == "Reservation"]
    assert [event["actionType"] for event in events if event["primaryKey"] == ref] == [
        *("NEW RESERVATION", "REACTIVATE WAITLIST", "CHECK IN", "REVERSE CHECK IN", "CHECK IN", "CHECK OUT"),
        *("REVERSE CHECK OUT", "CHECK OUT"),
    ]
    assert [event["actionType"] for event in events if event["primaryKey"] == other] == [
        *("NEW RESERVATION", "NO SHOW", "REACTIVATE NO SHOW", "CANCEL", "ROLLBACK CANCEL", "UPDATE RESERVATION"),
        "DELETE RESERVATION",
    ]


async def test_details_hold_old_and_new_values_as_polling_does(desk: Desk) -> None:
    """Section 8.4: new, filled, changed, emptied; what never had a value has none."""
    ref = await _made(desk)
    for room in ("102", "103", None):
        await desk.change("modify", ref=ref, set={"room_ref": room})
    events = [event for event in await desk.events() if event["moduleName"] == "Reservation"]
    rooms = [next(one for one in event["details"] if one["dataElement"] == "ROOM") for event in events]
    assert rooms == [
        {"dataElement": "ROOM"},
        {"dataElement": "ROOM", "newValue": "102"},
        {"dataElement": "ROOM", "oldValue": "102", "newValue": "103"},
        {"dataElement": "ROOM", "oldValue": "103"},
    ]
    assert all("oldValue" not in one for one in events[0]["details"])
    assert {one["dataElement"] for one in events[0]["details"]} == set(desk.simulator.backend.options.elements)


async def test_events_are_shuffled_spelt_and_numbered_as_in_the_examples() -> None:
    """ORD-05's sender, section 8.4: ids fall, names vary, numbers are texts, the mapping list has two names."""
    async with running_desk(reservations=0) as desk:
        refs = [await _made(desk) for _ in range(20)]
        bodies = [(await desk.read(QUEUE)).json() for _ in range(2)]
        events = [one["businessEvent"]["header"] for body in bodies for one in body["businessEventData"]]
        found = [one["primaryKey"] for one in events if action(one) == "NEW RESERVATION"]
        assert found != sorted(found)
        assert sorted(found) == sorted(refs)
        assert {"dataValueMapping", "DataValueMapping"} <= {name for body in bodies for name in body}
        assert {type(one["actionId"]) for one in events} == {int, str}
        assert {14, "Profile"} <= {one["moduleName"] for one in events}
        assert any(one["actionType"] != action(one) for one in events)


async def test_the_night_audit_moves_the_business_date_and_makes_no_shows(desk: Desk) -> None:
    """Section 8.5 and part IV.7: a burst of events, and who did not come is a no-show."""
    await desk.change("modify", ref=HOTEL, vendor={"businessDate": "2030-03-01"})
    late, coming = await desk.booked(), await desk.booked(arrival="2030-03-02")
    theirs = await desk.booked(property_ref=OTHER)
    await desk.change("modify", ref=HOTEL, vendor={"nightAudit": True})
    told = {one["ref"]: one["status"] for one in (await desk.truth())["reservations"]}
    assert told == {late: "no_show", coming: "confirmed", theirs: "confirmed"}
    events = await desk.events()
    assert [event["actionType"] for event in events] == [
        *("CLOSE BUSINESS DATE", "NO SHOW", "DUE IN RESERVATIONS", "HOTEL STATISTICS", "END OF PROCEDURES")
    ]
    assert desk.simulator.backend.business_dates()[HOTEL] == "2030-03-02"


async def test_housekeeping_is_told_by_room_number(desk: Desk) -> None:
    """Sections 7.2 and 8.5."""
    await desk.change("modify", ref="101", property_ref=HOTEL, vendor={"housekeepingRoomStatus": "Dirty"})
    block = await desk.change("create", set={**STAY, "kind": "out_of_service", "room_ref": "102"})
    await desk.change("delete", ref=block["ref"])
    events = [(event["actionType"], event["primaryKey"]) for event in await desk.events()]
    assert events == [
        ("UPDATE ROOM STATUS", "101"),
        ("NEW OUT OF SERVICE", "102"),
        ("DELETE OUT OF SERVICE", "102"),
    ]
    board = (await desk.read(f"/hsk/v1/hotels/{HOTEL}/housekeepingOverview")).json()["housekeepingRoomInfo"]
    first = board["housekeepingRooms"]["room"][0]["housekeeping"]["housekeepingRoomStatus"]
    assert first["housekeepingRoomStatus"] == "Dirty"


async def test_a_merged_profile_disappears_and_its_stays_follow(desk: Desk) -> None:
    """Section 7.4: the loser's id is gone."""
    refs = [await desk.booked(), await desk.booked()]
    loser, winner = [(await desk.told(ref))["booker"]["ref"] for ref in refs]
    await desk.change("modify", ref=loser, vendor={"mergeInto": winner})
    assert {(await desk.told(ref))["booker"]["ref"] for ref in refs} == {winner}
    assert (await desk.read(f"/crm/v1/profiles/{loser}")).status_code == 404
    assert [event["actionType"] for event in await desk.events()] == ["MERGE PROFILE"]


async def test_the_truth_says_what_was_ordered(desk: Desk) -> None:
    """The words of the public surface go in and come out."""
    booker = {"first_name": "Ann", "last_name": "Lee", "email": "a@example.com", "phone": "1", "country": "FR"}
    said = {"booker": booker, "guests": [{"last_name": "Lee jr"}], "adults": 1, "children": 2, "room_ref": "102"}
    ref = await desk.booked(**said, total="300.01", notes="x", channel="expedia", channel_reference="EX1")
    told = await desk.told(ref)
    (stay,) = told["room_stays"]
    assert (stay["adults"], stay["children"], stay["room_ref"], stay["room_type_ref"]) == (1, 2, "102", "DBL")
    assert (told["total"], [night["price"] for night in stay["nights"]]) == ("300.01", ["100.01", "100.00", "100.00"])
    assert (told["channel_reference"], told["notes"], told["currency"]) == ("EX1", "x", "EUR")
    assert {name: told["booker"][name] for name in booker} == booker
    assert [guest["last_name"] for guest in told["guests"]] == ["Lee jr"]
    assert (told["status"], told["vendor_status"], told["blocks_inventory"]) == ("confirmed", "Reserved", True)
    await desk.change("modify", ref=ref, set={"booker": {"email": ""}, "notes": "", "channel_reference": None})
    told = await desk.told(ref)
    assert (told["booker"]["email"], told["booker"]["last_name"]) == (None, "Lee")
    assert (told["notes"], told["channel_reference"]) == (None, None)


async def test_several_rooms_of_an_order_are_reservations_of_their_own(desk: Desk) -> None:
    """OPERA's reservation is one stay; the total is shared to the cent."""
    rooms = [{**STAY, "room_ref": room} for room in ("101", "102", "103")]
    await desk.change("create", set={"room_stays": rooms, "total": "1000.01"})
    told = (await desk.truth())["reservations"]
    assert [one["total"] for one in told] == ["333.34", "333.34", "333.33"]
    assert [one["room_stays"][0]["room_ref"] for one in told] == ["101", "102", "103"]


async def test_a_change_moves_the_time_of_modification_in_local_time(desk: Desk) -> None:
    """Section 5: no zone, property local; in summer Madrid is two hours ahead."""
    ref = await desk.booked()
    await desk.sim("clock", now="2030-07-01T10:00:00Z")
    changed = await desk.change("modify", ref=ref, set={"adults": 1})
    assert changed["version"].startswith("2030-07-01T12:00:0")
    told = await desk.told(ref)
    assert told["version"] == changed["version"]
    assert told["modified_at"].startswith("2030-07-01T10:00:0")


async def test_raw_fields_are_written_verbatim(desk: Desk) -> None:
    """Into the row where it has such a field, else over the document of the single read."""
    ref = await desk.booked()
    raw = {"reservationStatus": "Teleported", "roomStay": {"bookingMedium": "MOON"}, "brandNew": {"a": [1]}}
    await desk.change("modify", ref=ref, vendor=raw)
    row = await desk.reservation(ref)
    assert (row["reservationStatus"], row["roomStay"]["bookingMedium"], row["brandNew"]) == (
        "Teleported",
        "MOON",
        {"a": [1]},
    )
    assert row["roomStay"]["arrivalDate"] == STAY["arrival"]
    assert (await desk.told(ref))["status"] is None


@pytest.mark.parametrize(
    "raw",
    [
        {"reservationStatus": ["x"]},
        {"adults": {"a": 1}, "numberOfUnits": "many"},
        {"arrivalDate": 5},
        {"prices": ["much", None, []]},
        {"guests": [{"a": 1}, None]},
        {"roomId": [1], "ratePlanCode": {}},
        {"lastModifyDateTime": None, "createDateTime": 7},
        {"roomStay": None, "reservationGuests": "nobody"},
    ],
)
async def test_nonsense_in_raw_fields_breaks_neither_reads_nor_truth(desk: Desk, raw: Row) -> None:
    """What cannot be read is left out of the truth; the vendor's answer carries it as it is."""
    ref, other = await desk.booked(), await desk.booked()
    await desk.change("modify", ref=ref, vendor=raw)
    assert other in [one["ref"] for one in (await desk.truth())["reservations"]]
    paths = [f"{RSV}/{ref}", RSV, f"{RSV}/summary"]
    query = [("arrivalStartDate", "2000-01-01"), ("arrivalDate", STAY["arrival"])]
    assert [(await desk.read(path, *query)).status_code for path in paths] == [200, 200, 200]


async def test_a_seeded_truth_fits_the_public_shapes(desk: Desk) -> None:
    """The auditor reads it strictly."""
    await desk.sim("reset", seed=3, hotels=4, rooms=8, reservations=80)
    told = read_truth("opera", await desk.truth())
    assert len(told.reservations) + len(told.blocks) == 80


@pytest.mark.parametrize(
    "order",
    [
        {"op": "modify", "ref": "1", "set": {"adults": 1}},
        {"op": "create", "set": {"arrival": "soon"}},
        {"op": "create", "set": {"room_ref": "999"}},
        {"op": "create", "set": {"room_type_ref": "PALACE"}},
        {"op": "create", "set": {"status": "sleeping"}},
        {"op": "create", "set": {"colour": "red"}},
        {"op": "create", "set": {"total": "much"}},
        {"op": "create", "property_ref": "NOWHERE"},
        {"op": "create", "set": {**STAY, "kind": "closure", "room_ref": "101"}},
        {"op": "create", "set": {**STAY, "kind": "out_of_order"}},
        {"op": "create", "vendor": {"id": "7"}},
        {"op": "modify", "ref": HOTEL, "vendor": {}},
        {"op": "modify", "ref": "101", "vendor": {"housekeepingRoomStatus": "OutOfOrder"}},
        {"op": "webhook_target", "url": "http://127.0.0.1/x"},
        {"op": "delete", "ref": None},
    ],
)
async def test_an_order_that_cannot_be_carried_out_changes_nothing(desk: Desk, order: Row) -> None:
    """What, where and the remedy."""
    before = await desk.truth()
    answer = await desk.client.post("/_sim/change", json=order)
    assert (answer.status_code, answer.json()["error"].keys()) == (400, {"what", "where", "remedy"})
    after = await desk.truth()
    assert (after["reservations"], after["blocks"]) == (before["reservations"], before["blocks"])
    assert await desk.events() == []


async def test_the_same_seed_gives_the_same_hotel() -> None:
    """Also through a reset; another seed gives another one."""
    now = {"now": "2026-03-10T12:00:00Z"}
    order = {"hotels": 4, "rooms": 8, "reservations": 80}
    async with running_desk() as desk:
        await desk.sim("clock", **now)
        worlds = []
        for seed in (7, 7, 8):
            await desk.sim("reset", seed=seed, **order)
            told = await desk.truth()
            worlds.append((told["properties"], told["reservations"], told["blocks"]))
    assert worlds[0] == worlds[1] != worlds[2]
    places, reservations, blocks = worlds[0]
    assert [place["currency"] for place in places] == ["EUR", "EUR", "GBP", "JPY"]
    assert len(reservations) + len(blocks) == 80
    assert {one["status"] for one in reservations} == {
        *("hold", "confirmed", "checked_in", "checked_out", "cancelled", "no_show")
    }
    assert {block["kind"] for block in blocks} == {"out_of_order", "out_of_service"}


async def test_no_seeded_room_is_sold_twice() -> None:
    """Of what takes a room, two never share a night."""
    async with running_desk(rooms=6, reservations=200) as desk:
        told = await desk.truth()
    taken = [
        (stay["room_ref"], night["date"])
        for one in told["reservations"]
        if one["status"] in {"confirmed", "checked_in", "checked_out"}
        for stay in one["room_stays"]
        for night in stay["nights"]
        if stay["room_ref"]
    ]
    assert len(taken) == len(set(taken)) > 0


async def test_faults_answer_as_the_gateway_does(desk: Desk) -> None:
    """Section 3: bodies only where there is something to say; an expired token is 401 once."""
    ref = await desk.booked()
    for status, body in ((500, True), (503, False), (429, False)):
        await desk.sim("faults", faults=[{"kind": "status", "status": status, "times": 1}])
        answer = await desk.read(f"{RSV}/{ref}")
        assert (answer.status_code, bool(answer.content)) == (status, body)
    await desk.sim("faults", faults=[{"kind": "expire_token", "times": 1}])
    assert (await desk.read(f"{RSV}/{ref}")).status_code == 401
    await desk.log_in()
    assert (await desk.read(f"{RSV}/{ref}")).status_code == 200


async def test_a_stale_read_shows_the_state_before_the_last_change(desk: Desk) -> None:
    """Read-after-write lag, once, in the read and in the search."""
    ref = await desk.booked(adults=2)
    await desk.change("modify", ref=ref, set={"adults": 1})
    await desk.sim("faults", faults=[{"kind": "stale_read", "times": 1, "match": {"path": "/rsv/*"}}])
    seen = [(await desk.reservation(ref))["roomStay"]["guestCounts"]["adults"] for _ in range(2)]
    await desk.sim("faults", faults=[{"kind": "stale_read", "times": 1, "match": {"path": "/rsv/*"}}])
    query = ("arrivalStartDate", STAY["arrival"])
    seen += [(await desk.infos(query))[0]["roomStay"]["adultCount"] for _ in range(2)]
    assert seen == [2, 1, 2, 1]


async def test_the_call_log_holds_every_call_and_how_many_ran_at_once(desk: Desk) -> None:
    """REP-01's witness: polls that overlap are seen as such."""
    before = len((await desk.client.get("/_sim/calls")).json()["items"])
    await desk.sim("faults", faults=[{"kind": "delay", "seconds": 0.1, "times": 2}])
    await asyncio.gather(desk.read(QUEUE), desk.read(QUEUE))
    items = (await desk.client.get(f"/_sim/calls?since={before}")).json()["items"]
    assert [(item["path"], item["status"], item["in_flight"]) for item in items] == [(QUEUE, 204, 1), (QUEUE, 204, 2)]
