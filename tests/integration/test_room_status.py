"""How rooms stand, from the vendor's board to the row here, over real HTTP to each simulated vendor."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from connectors.kit.conformance.inbox import listening
from pms_sync.ingest.replaying import heal
from pms_sync.store import lanes
from pms_sync.store.database import Database
from pms_sync.store.lanes import NewEvent
from pms_sync.store.sealing import KeyRing
from tests.integration.housekept_hotel import STREAM, VENDORS, House, housekept

TELLS_BY_WEBHOOK = ("mews", "cloudbeds")


@pytest_asyncio.fixture(params=VENDORS)
async def house(request: Any, database: Database, keys: KeyRing, hotel: Any) -> AsyncIterator[House]:
    """Give a hotel at each vendor, with its rooms read once: 101 and 102 are mapped, the third is not."""
    async with housekept(VENDORS[request.param], database, keys, hotel) as made:
        await made.poll()
        yield made


async def listen_to(house: House, topic: str = "pms.room.status_changed") -> None:
    """Let somebody subscribe to a topic."""
    async with house.database.transaction() as connection:
        await connection.execute(
            "INSERT INTO subscribers (tenant_id, subscriber_id, url, topics, secret, declared) "
            "VALUES ($1, gen_random_uuid(), 'https://example.org', ARRAY[$2], 'x', 'x')",
            house.hotel.tenant_id,
            topic,
        )


async def test_the_first_listing_brings_every_room_and_tells_nobody(house: House) -> None:
    found = await house.states()
    assert set(found) == set(house.rooms)
    first, second, third = (found[ref] for ref in house.rooms)
    assert [one["room_id"] for one in (first, second, third)] == [
        house.hotel.rooms["101"],
        house.hotel.rooms["102"],
        None,
    ]
    assert {one["service"] for one in found.values()} == {"in_service"}
    assert all(one["raw_id"] and one["read_ticket"] for one in found.values())
    assert await house.ask("SELECT 1 FROM events_out") == []


async def test_a_change_at_the_vendor_is_found_by_the_next_poll(house: House) -> None:
    await house.put(house.rooms[0], "dirty")
    told = await house.poll()
    found = await house.states()
    assert found[house.rooms[0]]["condition"] == "dirty"
    assert found[house.rooms[1]]["condition"] != "dirty"
    assert (told.records, told.new) == (3, 1)
    for condition in ("inspected", "dirty", "clean"):
        await house.put(house.rooms[0], condition)
        await house.poll()
        assert (await house.states())[house.rooms[0]]["condition"] == condition


async def test_what_did_not_change_writes_nothing(house: House) -> None:
    """DUP-03: equal bytes of the current state are a duplicate."""
    before, audited = await house.states(), await house.ask("SELECT audit_id FROM audit_log")
    told = await house.poll()
    assert told.new == 0
    assert await house.states() == before
    assert await house.ask("SELECT audit_id FROM audit_log") == audited


async def test_an_event_has_its_room_read_and_is_not_believed(house: House) -> None:
    """By webhook, or by the queue where there is one; two rooms change, one of them in silence."""
    vendor = house.vendor.plugin.spec.vendor
    await listen_to(house)
    if vendor in TELLS_BY_WEBHOOK:
        async with listening() as box:
            await house.subscribe(box)
            await house.put(house.rooms[0], "dirty", silent=False)
            await house.put(house.rooms[0], "inspected")
            await house.deliver(box, 1)
    else:
        await house.poll("events")
        await house.put(house.rooms[0], "dirty", silent=False)
        await house.put(house.rooms[0], "inspected")
        await house.poll("events")
    found = await house.states()
    assert found[house.rooms[0]]["condition"] == "inspected"
    [event] = await house.ask("SELECT topic, payload::text AS payload FROM events_out")
    assert event["topic"] == "pms.room.status_changed"
    assert msgspec.json.decode(event["payload"]) == {
        "event": "RoomStatusChanged",
        "room": "101",
        "changed": ["condition"],
        "source": vendor,
    }
    kinds = await house.ask(f"SELECT DISTINCT kind FROM events WHERE stream = '{STREAM}' AND kind <> 'backfill'")
    assert [row["kind"] for row in kinds] == ["webhook" if vendor in TELLS_BY_WEBHOOK else "queue"]


async def test_what_a_later_listing_finds_is_told_and_audited(house: House) -> None:
    """Only the first listing is history."""
    await listen_to(house)
    await house.put(house.rooms[1], "dirty")
    await house.put(house.rooms[2], "dirty")
    await house.poll()
    told = [msgspec.json.decode(row["p"]) for row in await house.ask("SELECT payload::text AS p FROM events_out")]
    assert [one["room"] for one in told] == ["102"]  # nobody could look the third one up
    entries = await house.ask(
        "SELECT entity_id, fields::text AS fields FROM audit_log WHERE action = 'room_status.updated' ORDER BY audit_id"
    )
    assert {row["entity_id"] for row in entries} == {f"{house.hotel.account_id}/{ref}" for ref in house.rooms[1:]}
    assert all(msgspec.json.decode(row["fields"])["condition"][1] == "dirty" for row in entries)


async def test_a_room_out_of_order_keeps_the_condition_that_is_hidden_meanwhile(house: House) -> None:
    await house.put(house.rooms[0], "inspected")
    await house.poll()
    today = (await house.sim("clock", advance_s=0))["now"][:10]
    block = {
        "property_ref": house.place["ref"],
        "kind": "out_of_service" if house.vendor.plugin.spec.vendor == "cloudbeds" else "out_of_order",
        "room_ref": house.rooms[0],
        "arrival": _days(today, -1),
        "departure": _days(today, 2),
    }
    await house.sim("change", op="create", set=block, silent=True)
    await house.poll()
    state = (await house.states())[house.rooms[0]]
    assert (state["service"], state["condition"]) == ("out_of_order", "inspected")


async def test_a_room_that_is_mapped_later_heals_by_itself(house: House) -> None:
    """MAP-03: stored with what is known, and nothing is asked of the vendor for it."""
    calls = await house.calls()
    await house.map_room(house.rooms[2], "103")
    assert await heal(house.database, uuid.uuid4) == 3
    await house.work()
    assert (await house.states())[house.rooms[2]]["room_id"] == house.hotel.rooms["103"]
    assert await house.calls() == calls
    assert await heal(house.database, uuid.uuid4) == 0


@pytest.mark.parametrize("house", TELLS_BY_WEBHOOK, indirect=True)  # the third board takes no word but its own
async def test_a_word_that_nobody_knows_is_parked_and_the_other_rooms_go_on(house: House) -> None:
    await house.sim("change", op="modify", ref=house.rooms[0], vendor={house.vendor.field: "Haunted"}, silent=True)
    await house.put(house.rooms[1], "dirty")
    before = (await house.states())[house.rooms[0]]
    await house.poll()
    assert (await house.states())[house.rooms[0]] == before
    assert (await house.states())[house.rooms[1]]["condition"] == "dirty"
    [parked] = await house.ask("SELECT park_path, park_reason FROM events WHERE state = 'parked'")
    assert parked["park_path"].endswith(house.vendor.field)
    assert "Haunted" in parked["park_reason"]


@pytest.mark.parametrize("house", ["opera"], indirect=True)
async def test_a_room_that_is_not_shown_takes_nothing_from_a_booking_of_the_same_ref(house: House) -> None:
    """Both may be plain numbers; the absence of one says nothing about the other."""
    await house.ask(
        "INSERT INTO links (tenant_id, account_id, level, vendor_ref, object_id) "
        "SELECT tenant_id, account_id, 'stay', '9999', gen_random_uuid() FROM accounts RETURNING 1"
    )
    hint = NewEvent(
        tenant_id=house.hotel.tenant_id,
        account_id=house.hotel.account_id,
        kind="queue",
        stream=STREAM,
        ref="9999",
        correlation_id="c",
    )
    for _ in range(3):
        async with house.database.transaction() as connection:
            await lanes.append(connection, [hint])
        await house.work()
    assert await house.ask("SELECT missing_reads FROM links WHERE vendor_ref = '9999'") == [{"missing_reads": 0}]
    assert await house.ask("SELECT 1 FROM cases") == []
    outcomes = await house.ask("SELECT DISTINCT state, outcome FROM events WHERE ref = '9999'")
    assert outcomes == [{"state": "ignored", "outcome": "absent"}]


def _days(day: str, number: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=number)).isoformat()
