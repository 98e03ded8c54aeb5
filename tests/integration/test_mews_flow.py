"""Mews' way of telling, on a real store: pages newest first, ids by the hundred, guests that change by themselves."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from random import Random
from typing import Any

import pytest

from connectors.mews import DOOR, facts
from connectors.mews.faults import TooMuch
from mappers.mews import MAPPER
from pms_sync.apply.batch import Applier
from pms_sync.ingest.landing import Landing
from pms_sync.ingest.poller import Poller
from pms_sync.ingest.router import Router
from pms_sync.ingest.worker import Worker
from pms_sync.store import accounts, inbox
from pms_sync.store.database import Database
from pms_sync.store.inbox import NewDelivery
from pms_sync.store.sealing import KeyRing
from tests.contract import mews_wire as wire
from tests.contract.mews_wire import PROPERTY, Vendor, at, block, connector, customer, failure, item, stay
from tests.integration.audited_hotel import Runtime
from tests.integration.listed_hotel import Clock, rows, value


class House:
    """The reading side of a daemon over that vendor."""

    def __init__(self, database: Database, keys: KeyRing, hotel: Any, runtime: Runtime, vendor: Vendor) -> None:
        self.database, self.keys, self.hotel, self.vendor = database, keys, hotel, vendor
        self.clock = Clock(wire.NOW)
        applier = Applier(keys, self.clock, uuid.uuid4, {hotel.vendor: MAPPER})
        landing = Landing(database, keys, applier, uuid.uuid4)
        self.worker = Worker(database, runtime, landing, new_id=uuid.uuid4, random=Random(1))
        self.poller = Poller(database, keys, lambda: {hotel.account_id: runtime}, clock=self.clock, new_id=uuid.uuid4)
        self.router = Router(database, keys, {hotel.vendor: DOOR})

    async def poll(self, stream: str = facts.RESERVATIONS) -> Any:
        """Read one stream, and work until nothing waits."""
        items = await self.poller.poll_once(stream=stream)
        await self.worker.drain()
        return items[0]

    async def deliver(self, *events: tuple[str, str], property_ref: str = PROPERTY) -> None:
        """Store one webhook, route it, and work until nothing waits."""
        told = [{"Discriminator": kind, "Value": {"Id": ref}} for kind, ref in events]
        body = {"EnterpriseId": property_ref, "IntegrationId": str(uuid.uuid4()), "Events": told}
        delivery = NewDelivery(
            tenant_id=self.hotel.tenant_id,
            door_id=self.hotel.account_id,
            vendor=self.hotel.vendor,
            vendor_delivery_id=None,
            body=json.dumps(body).encode(),
            correlation_id=uuid.uuid4().hex,
            received_at=wire.NOW,
        )
        async with self.database.transaction() as connection:
            await inbox.append_deliveries(connection, self.keys, [delivery])
        await self.router.route_once()
        await self.worker.drain()

    async def stays(self) -> dict[str, str]:
        """Return the stays' states by ref."""
        found = await rows(self.database, self.hotel, "SELECT vendor_ref, status FROM room_stays ORDER BY vendor_ref")
        return {row["vendor_ref"]: row["status"] for row in found}

    async def ask(self, query: str) -> Any:
        """Ask the store for one value."""
        return await value(self.database, self.hotel, query)


@pytest.fixture
async def house(database: Database, keys: KeyRing, hotel: Any) -> House:
    """Give a daemon's reading side; nothing was read yet."""
    async with database.connection() as connection:
        await connection.execute(
            "UPDATE accounts SET property_ref = $1 WHERE account_id = $2", PROPERTY, hotel.account_id
        )
        [account] = await accounts.load(connection, [hotel.account_id])
    vendor = Vendor()
    runtime = Runtime(account, connector(vendor))
    runtime.mapper = MAPPER
    return House(database, keys, hotel, runtime, vendor)


def ref(number: int) -> str:
    """Name a reservation."""
    return wire.uuid(7, number)


async def test_a_cold_start_lists_stays_by_arrival_and_then_follows_changes(house: House) -> None:
    """Nothing falls between listing and following; a group is one reservation, its members are its stays (MAP-04)."""
    group = {"GroupId": wire.uuid(8, 50)}
    house.vendor.tables[facts.STAYS] = [stay(1, minutes=-99999, **group), stay(2, minutes=-99999, **group)]
    house.vendor.tables[facts.ITEMS] = [item(1), item(2)]
    await house.poll()
    assert await house.stays() == {ref(1): "confirmed", ref(2): "confirmed"}
    assert await house.ask("SELECT count(*) FROM reservations") == 1
    house.vendor.tables[facts.STAYS][0] |= {"State": "Started", "UpdatedUtc": at(1)}
    house.clock.at += timedelta(minutes=5)
    told = await house.poll()
    assert (await house.stays())[ref(1)] == "checked_in"
    assert told.new == 1
    assert (await house.poll()).new == 0  # CUR-01


async def test_after_two_hundred_days_changes_come_in_windows_that_the_vendor_takes(house: House) -> None:
    """CUR-13: a long outage is a chain of windows, none of them longer than three months."""
    await house.poll()
    days = 200
    house.clock.at += timedelta(days=days)
    wanted = [stay(number, minutes=number * 20 * 1440) for number in range(1, 10)]
    house.vendor.tables[facts.STAYS] = wanted
    before = len(house.vendor.calls(facts.STAYS))
    await house.poll()
    asked = [said for said in house.vendor.calls(facts.STAYS)[before:] if "UpdatedUtc" in said]
    assert len(asked) == 3
    assert set(await house.stays()) == {ref(number) for number in range(1, 10)}


async def test_a_window_that_takes_too_long_is_halved_by_the_next_try(house: House) -> None:
    """CUR-14: the engine tries again; the connector asks for less, and the cursor waits for the whole window."""
    await house.poll()
    house.clock.at += timedelta(days=80)
    house.vendor.tables[facts.STAYS] = [stay(number, minutes=number * 20 * 1440) for number in range(1, 4)]
    house.vendor.planned[facts.STAYS] = [failure(408), failure(408)]
    for _ in range(2):
        with pytest.raises(TooMuch):
            await house.poll()
    assert await house.stays() == {}
    await house.poll()
    assert set(await house.stays()) == {ref(1), ref(2), ref(3)}


async def test_hundreds_of_events_in_one_message_are_one_read(house: House) -> None:
    """Issue 4: coalesced into calls of up to a thousand ids, and events of another property are nobody's."""
    house.vendor.tables[facts.STAYS] = [stay(number) for number in range(1, 301)]
    await house.poll()
    house.vendor.asked.clear()
    for row in house.vendor.tables[facts.STAYS]:
        row |= {"State": "Canceled", "UpdatedUtc": at(1)}
    await house.deliver(*[("ServiceOrderUpdated", ref(1 + number % 300)) for number in range(600)])
    assert len(house.vendor.calls(facts.STAYS)) == 1
    assert set((await house.stays()).values()) == {"cancelled"}
    house.vendor.asked.clear()
    await house.deliver(("ServiceOrderUpdated", ref(1)), property_ref=wire.OTHER)
    assert house.vendor.asked == []


async def test_a_guest_who_changes_by_himself_is_found_by_the_poll_of_guests(house: House) -> None:
    """Section 14.1.7: the reservation's own time of change may stay as it was."""
    house.vendor.tables[facts.STAYS] = [stay(1, minutes=-99999)]
    house.vendor.tables[facts.CUSTOMERS] = [customer(1, UpdatedUtc=at(-99999))]
    await house.poll()
    await house.poll(facts.GUESTS)
    digest = "SELECT contact_digest FROM guests WHERE role = 'booker'"
    before = await house.ask(digest)
    house.vendor.tables[facts.CUSTOMERS] = [customer(1, LastName="King", UpdatedUtc=at(2))]
    house.clock.at += timedelta(minutes=5)
    await house.poll(facts.GUESTS)
    assert await house.ask(digest) != before
    assert await house.ask("SELECT count(*) FROM reservations") == 1


@pytest.mark.parametrize("first", ["guest", "reservation"])
async def test_a_guest_and_his_reservation_come_together_whichever_is_told_first(house: House, first: str) -> None:
    """ORD-10: nobody is there without a reservation, and nobody twice; who he is, is told once both are known."""
    await house.poll()
    await house.poll(facts.GUESTS)
    house.vendor.tables[facts.CUSTOMERS] = []
    known = "SELECT coalesce(string_agg(vendor_ref, ' ') FILTER (WHERE has_email), '') FROM guests"

    async def guest_is_told() -> None:
        house.vendor.tables[facts.CUSTOMERS] = [customer(1, UpdatedUtc=at(1))]
        await house.deliver(("CustomerAdded", wire.uuid(9, 1)))
        house.clock.at += timedelta(minutes=5)
        await house.poll(facts.GUESTS)

    async def reservation_is_told() -> None:
        house.vendor.tables[facts.STAYS] = [stay(1)]
        await house.deliver(("ServiceOrderUpdated", ref(1)))

    tellers = {"guest": guest_is_told, "reservation": reservation_is_told}
    await tellers.pop(first)()
    assert await house.ask(known) == ""
    await tellers.popitem()[1]()
    assert await house.ask(known) == wire.uuid(9, 1)
    assert await house.ask("SELECT count(*) FROM guests") == 1
    assert await house.stays() == {ref(1): "confirmed"}


async def test_a_block_is_held_until_it_is_deleted(house: House) -> None:
    """Section 10.4: a deleted block shows only where both activity states are asked for."""
    house.vendor.tables[facts.REPAIRS] = [block(1)]
    await house.poll(facts.BLOCKS)
    gone = "SELECT gone FROM blocks"
    assert await house.ask(gone) is False
    house.vendor.tables[facts.REPAIRS] = [block(1, IsActive=False, UpdatedUtc=at(1))]
    await house.deliver(("ResourceBlockUpdated", wire.uuid(11, 1)))
    assert await house.ask(gone) is True


async def test_an_unknown_state_is_parked_alone(house: House) -> None:
    """CUR-19: path and reason stand beside the record, and its neighbours are read.

    A list names every state it wants, so that one that is new shows only where the reservation is asked for by its id.
    """
    house.vendor.tables[facts.STAYS] = [stay(1, State="Quoted"), stay(2)]
    await house.deliver(("ServiceOrderUpdated", ref(1)), ("ServiceOrderUpdated", ref(2)))
    assert await house.stays() == {ref(2): "confirmed"}
    [parked] = await rows(
        house.database, house.hotel, "SELECT park_path, park_reason FROM events WHERE state = 'parked'"
    )
    assert parked["park_path"] == "$.Reservation.State"
    assert "Quoted" in parked["park_reason"]
