"""The router: from stored deliveries to work on lanes."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from pms_sync.domain.errors import MappingRejected
from pms_sync.ingest.router import Router
from pms_sync.ports.connector import PartlyRead, VendorEvent
from pms_sync.store import inbox, lanes, projection
from pms_sync.store.database import Database
from pms_sync.store.inbox import NewDelivery
from pms_sync.store.raw import body_digest
from pms_sync.store.sealing import KeyRing

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Inbox:
    """Stores deliveries of the hotel's door and tells what became of them."""

    def __init__(self, database: Database, keys: KeyRing, hotel: Any, door: Any) -> None:
        """Route with one door; what the router tells is kept in `heard`."""
        self.database, self.keys, self.hotel = database, keys, hotel
        self.heard: list[tuple[str, str]] = []
        self.odd: list[tuple[str, str]] = []
        self.router = Router(
            database,
            keys,
            {hotel.vendor: door},
            on_routed=lambda vendor, state: self.heard.append((vendor, state)),
            on_odd=lambda vendor, reason: self.odd.append((vendor, reason)),
        )

    def delivery(self, body: bytes, event: str | None = None) -> NewDelivery:
        """Make one delivery, without storing it."""
        return NewDelivery(
            tenant_id=self.hotel.tenant_id,
            door_id=self.hotel.account_id,
            vendor=self.hotel.vendor,
            vendor_delivery_id=event,
            body=body,
            correlation_id=uuid.uuid4().hex,
            received_at=NOW,
        )

    async def receive(self, *bodies: bytes, event: str | None = None) -> list[NewDelivery]:
        """Store deliveries in one batch."""
        made = [self.delivery(body, event) for body in bodies]
        async with self.database.transaction() as connection:
            await inbox.append_deliveries(connection, self.keys, made)
        return made

    async def rows(self, table: str) -> list[Any]:
        """Read a table in the order of its rows."""
        async with self.database.connection() as connection:
            found: list[Any] = await connection.fetch(f"SELECT * FROM {table} ORDER BY 1")
        return found

    async def states(self) -> list[str]:
        """Return the deliveries' states in order."""
        return [row["state"] for row in await self.rows("deliveries")]

    async def claim(self) -> list[lanes.Lane]:
        """Take the hotel's due lanes, as a worker would."""
        async with self.database.transaction() as connection:
            return await lanes.claim(connection, self.hotel.account_id, uuid.uuid4(), 50, 30)


@pytest.fixture
def box(database: Database, keys: KeyRing, hotel: Any, plain_door: Any) -> Inbox:
    """Give an inbox whose vendor speaks plainly."""
    return Inbox(database, keys, hotel, plain_door)


def body(*bookings: object, property_ref: str | None = "7", **more: object) -> bytes:
    """Write a delivery about these bookings."""
    return msgspec.json.encode({"property": property_ref, "bookings": bookings, **more})


async def test_a_delivery_becomes_a_live_event_that_is_to_be_fetched(box: Inbox) -> None:
    (made,) = await box.receive(body(41))
    assert await box.router.route_once() == 1
    (event,) = await box.rows("events")
    (lane,) = await box.rows("lanes")
    assert (event["kind"], event["stream"], event["ref"], event["raw_id"]) == ("webhook", "reservations", "41", None)
    assert event["account_id"] == box.hotel.account_id
    assert event["correlation_id"] == made.correlation_id
    assert event["digest"] == body_digest(made.body)
    assert lane["priority"] == lanes.LIVE
    assert await box.states() == ["done"]
    assert await box.router.route_once() == 0


async def test_ten_equal_hints_that_wait_are_one_event(box: Inbox) -> None:
    """DUP-03, first half: within one batch and across batches."""
    await box.receive(*[body(41)] * 5)
    assert await box.router.route_once() == 5
    await box.receive(*[body(41)] * 5)
    assert await box.router.route_once() == 5
    assert len(await box.rows("events")) == 1
    assert await box.states() == ["done"] * 10


async def test_a_return_to_an_earlier_body_is_a_third_change_once_the_second_was_claimed(box: Inbox) -> None:
    """DUP-03, second half: A, B, A."""
    for text in ("A", "B"):
        await box.receive(body(41, text=text))
    await box.router.route_once()
    (lane,) = await box.claim()
    assert len(lane.events) == 2
    await box.receive(body(41, text="A"))
    await box.router.route_once()
    digests = [row["digest"] for row in await box.rows("events")]
    assert digests == [body_digest(body(41, text=text)) for text in ("A", "B", "A")]


async def test_a_finished_event_never_swallows_an_equal_hint(box: Inbox) -> None:
    await box.receive(body(41))
    await box.router.route_once()
    async with box.database.transaction() as connection:
        (lane,) = await lanes.claim(connection, box.hotel.account_id, owner := uuid.uuid4(), 50, 30)
        await lanes.fence(connection, [lane.lane_key], owner)
        done = lanes.Verdict(event_id=lane.events[0].event_id, state="done", outcome="applied")
        await lanes.acknowledge(connection, [lane.lane_key], [done])
    await box.receive(body(41))
    await box.router.route_once()
    assert [row["state"] for row in await box.rows("events")] == ["done", "waiting"]


async def test_a_delivery_id_twice_with_the_same_body_is_stored_once(box: Inbox) -> None:
    """DUP-01, as the store sees it: in one batch and later."""
    await box.receive(body(41), body(41), event="e1")
    await box.receive(body(41), event="e1")
    assert len(await box.rows("deliveries")) == 1
    assert len(await box.rows("raw_records")) == 1


async def test_a_delivery_id_twice_with_another_body_is_kept_flagged_and_read_again(box: Inbox) -> None:
    """DUP-02."""
    await box.receive(body(41), event="e1")
    await box.receive(body(41, text="other"), event="e1")
    await box.receive(body(42), body(42, text="other"), event="e2")
    assert [row["anomaly"] for row in await box.rows("deliveries")] == [False, True, False, True]
    await box.router.route_once()
    assert len(await box.rows("events")) == 4
    assert box.heard.count((box.hotel.vendor, "anomaly")) == 2


async def test_different_delivery_ids_are_different_changes_though_their_bodies_are_equal(box: Inbox) -> None:
    for event in ("e1", "e2"):
        await box.receive(body(41), event=event)
    await box.router.route_once()
    assert len(await box.rows("events")) == 2


async def test_an_unknown_property_is_ignored_with_its_reason_and_counted(box: Inbox) -> None:
    """ING-13."""
    await box.receive(body(41, property_ref="999"), body(42))
    assert await box.router.route_once() == 2
    first, second = await box.rows("deliveries")
    assert (first["state"], first["park_reason"]) == ("ignored", "no account for property 999")
    assert second["state"] == "done"
    assert (box.hotel.vendor, "ignored") in box.heard


async def test_everything_that_becomes_no_work_is_counted_with_its_reason(box: Inbox) -> None:
    """ING-13: an alert can be set on each of them."""
    await box.receive(body(41, property_ref="999"), body(), b"not json", body(42))
    await box.receive(body(43), event="e1")
    await box.receive(body(43, text="other"), event="e1")
    await box.router.route_once()
    assert {vendor for vendor, _ in box.odd} == {box.hotel.vendor}
    reasons = sorted(reason for _, reason in box.odd)
    assert reasons == ["nothing_followed", "same_id_other_body", "unknown_property", "unreadable"]


async def test_of_several_objects_a_bad_one_waits_for_a_person_and_the_others_go_on(box: Inbox) -> None:
    """ING-12 inside one body; a replay of it finds the same once more."""
    await box.receive(body(41, "", 42))
    for _ in range(2):
        await box.router.route_once()
        [row] = await box.rows("deliveries")
        assert (row["state"], row["park_path"]) == ("parked", "$")
        assert row["park_reason"].startswith("1 of 3 objects cannot be read: ")
        assert {event["ref"] for event in await box.rows("events")} == {"41", "42"}
        async with box.database.transaction() as connection:
            assert await projection.reopen_deliveries(connection) == 1


async def test_what_a_door_could_read_of_a_body_goes_on(database: Database, keys: KeyRing, hotel: Any) -> None:
    class Halting:
        vendor, header = hotel.vendor, None

        def read(self, body: bytes) -> list[VendorEvent]:
            hint = VendorEvent(stream="reservations", ref="41", property_ref="7")
            raise PartlyRead(MappingRejected("$[1].id", body, "not a number"), 2, (hint,))

    box = Inbox(database, keys, hotel, Halting())
    await box.receive(body(41))
    await box.router.route_once()
    [row] = await box.rows("deliveries")
    assert (row["state"], row["park_path"]) == ("parked", "$[1].id")
    assert row["park_reason"] == "2 of 3 objects cannot be read: not a number"
    assert [event["ref"] for event in await box.rows("events")] == ["41"]
    assert box.odd == [(hotel.vendor, "unreadable")]


async def test_a_hint_without_property_goes_to_the_only_account(box: Inbox) -> None:
    await box.receive(body(41, property_ref=None))
    await box.router.route_once()
    assert [row["account_id"] for row in await box.rows("events")] == [box.hotel.account_id]


async def test_a_hint_without_property_is_ignored_where_two_accounts_could_be_meant(box: Inbox) -> None:
    async with box.database.transaction() as connection:
        await connection.execute(
            "INSERT INTO accounts (tenant_id, account_id, property_id, vendor, property_ref, role) "
            "VALUES ($1, $2, $3, $4, '8', 'channel_manager')",
            box.hotel.tenant_id,
            uuid.uuid4(),
            box.hotel.property_id,
            box.hotel.vendor,
        )
    await box.receive(body(41, property_ref=None))
    await box.router.route_once()
    assert await box.states() == ["ignored"]


async def test_another_tenants_property_is_not_reached_by_naming_it(box: Inbox) -> None:
    """BEYOND 96: the tenant comes from the door, never from the body."""
    tenant_id = uuid.uuid4()
    async with box.database.transaction() as connection:
        await connection.execute("INSERT INTO tenants (tenant_id, code) VALUES ($1, 't2')", tenant_id)
        await box.keys.ensure(connection, tenant_id)
        forged = msgspec.structs.replace(box.delivery(body(41)), tenant_id=tenant_id)
        await inbox.append_deliveries(connection, box.keys, [forged])
    await box.router.route_once()
    assert await box.states() == ["ignored"]
    assert await box.rows("events") == []


@pytest.mark.parametrize(
    ("broken", "path"),
    [
        (b"not json", "$"),
        (b"\xef\xbb\xbf{}\x00", "$"),
        (b"[" * 100_000, "$"),
        (b'{"bookings": 7}', "$.bookings"),
        (b'{"property": "7", "bookings": ["a\\u0000b"]}', "$"),
        (b'{"property": "7", "bookings": [""]}', "$"),
    ],
)
async def test_an_unreadable_body_is_parked_with_path_and_reason_and_stops_nobody(
    box: Inbox, broken: bytes, path: str
) -> None:
    """ING-12."""
    await box.receive(broken, body(41))
    assert await box.router.route_once() == 2
    first, second = await box.rows("deliveries")
    assert (first["state"], first["park_path"]) == ("parked", path)
    assert first["park_reason"]
    assert second["state"] == "done"


async def test_a_door_that_stumbles_parks_the_delivery(database: Database, keys: KeyRing, hotel: Any) -> None:
    class Clumsy:
        vendor, header = hotel.vendor, None

        def read(self, body: bytes) -> list[VendorEvent]:
            raise ZeroDivisionError(body)

    box = Inbox(database, keys, hotel, Clumsy())
    await box.receive(body(41))
    await box.router.route_once()
    (row,) = await box.rows("deliveries")
    assert (row["state"], row["park_reason"]) == ("parked", "the door could not read it (ZeroDivisionError)")


async def test_a_delivery_the_store_refuses_is_parked_alone(box: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    append = lanes.append

    async def picky(connection: Any, events: Any) -> list[int]:
        if any(event.ref == "13" for event in events):
            raise RuntimeError("no lane for 13")
        return await append(connection, events)

    monkeypatch.setattr(lanes, "append", picky)
    await box.receive(body(12), body(13), body(14))
    assert await box.router.route_once() == 3
    assert await box.states() == ["done", "parked", "done"]
    assert [row["ref"] for row in await box.rows("events")] == ["12", "14"]


async def test_nothing_is_half_done_when_routing_dies(box: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    async def dies(*_: Any) -> None:
        raise KeyboardInterrupt

    await box.receive(body(41))
    with monkeypatch.context() as patched:
        patched.setattr(inbox, "mark", dies)
        with pytest.raises(KeyboardInterrupt):
            await box.router.route_once()
    assert await box.rows("events") == []
    assert await box.states() == ["waiting"]
    assert await box.router.route_once() == 1


async def test_two_routers_share_the_work_without_waiting_for_each_other(box: Inbox) -> None:
    await box.receive(*[body(number) for number in range(6)])
    async with box.database.transaction() as one, box.database.transaction() as other:
        first = await inbox.claim_deliveries(one, box.keys, 4)
        second = await inbox.claim_deliveries(other, KeyRing(bytes(range(32))), 4)
    assert [len(first), len(second)] == [4, 2]
    assert {row.delivery_id for row in first}.isdisjoint({row.delivery_id for row in second})


async def test_large_bodies_are_claimed_a_few_at_a_time(box: Inbox) -> None:
    await box.receive(*[body(number, pad="x" * 1_000_000) for number in range(20)])
    async with box.database.transaction() as connection:
        assert 15 <= len(await inbox.claim_deliveries(connection, box.keys, 500)) <= 17
    while await box.router.route_once():
        pass
    assert await box.states() == ["done"] * 20


async def test_the_facts_tell_how_much_waits_and_for_how_long(box: Inbox) -> None:
    async with box.database.connection() as connection:
        empty = await inbox.inbox_facts(connection)
    assert (empty.depth, empty.oldest_s) == (0, 0.0)
    await box.receive(body(41), body(42))
    await box.router.route_once(1)
    async with box.database.connection() as connection:
        facts = await inbox.inbox_facts(connection)
    assert (facts.deliveries, facts.events, facts.depth) == (1, 1, 2)
    assert facts.oldest_s > 0
