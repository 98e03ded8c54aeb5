"""Subscriptions on a real store: tried in good time, told on the account, and never in the way of reading."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from pms_sync.domain.errors import Disposition, VendorFault
from pms_sync.ingest.subscriptions import PERIOD, RETRY_AFTER, Subscriptions
from pms_sync.ports.connector import Subscription
from pms_sync.store import accounts
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from tests.integration.listed_hotel import Clock, ListedHotel, rows, runtime_of

STEP = timedelta(seconds=15)


class Receiving(ListedHotel):
    """A vendor that notes who subscribes, and refuses while it has a fault."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.fault: VendorFault | None = None

    async def subscribe(self, url: str, secret: str) -> Any:
        """Take the address, or fail."""
        assert secret
        self.asked += 1
        if self.fault:
            raise self.fault
        return [Subscription(url=url)]


class Bench:
    """The daemon's loop over one account."""

    def __init__(self, database: Database, keys: KeyRing, hotel: Any) -> None:
        self.database, self.hotel = database, hotel
        self.vendor, self.clock = Receiving(), Clock()
        self.subscriptions = Subscriptions(database, keys, lambda: "https://sync.hotel.example", clock=self.clock)

    async def step(self, after: timedelta = STEP) -> int:
        """Let time pass, read the account again and take one step; returns how often the vendor was asked so far."""
        self.clock.at += after
        runtime: Any = await runtime_of(self.database, self.hotel.account_id, self.vendor)
        await self.subscriptions.step({self.hotel.account_id: runtime})
        return self.vendor.asked

    async def account(self) -> Any:
        """Return what the store says of the account."""
        [row] = await rows(self.database, self.hotel, "SELECT * FROM accounts")
        return row

    async def rotate(self) -> None:
        """Change the door's secret."""
        async with self.database.transaction() as connection:
            await accounts.forget_subscriptions(connection, (await self.account())["door_id"])


@pytest.fixture
def bench(database: Database, keys: KeyRing, hotel: Any) -> Bench:
    """Give an account that was never subscribed."""
    return Bench(database, keys, hotel)


def fault(disposition: Disposition = Disposition.RETRY) -> VendorFault:
    """Give the vendor's refusal."""
    return VendorFault("the token lacks a scope", "POST /properties", "make a new code", disposition=disposition)


async def test_an_account_that_cannot_subscribe_is_tried_again_after_a_while_only(bench: Bench) -> None:
    bench.vendor.fault = fault()
    assert [await bench.step() for _ in range(4)] == [1, 1, 1, 1]
    assert await bench.step(RETRY_AFTER) == 2


async def test_why_it_cannot_is_told_on_the_account_until_it_can(bench: Bench) -> None:
    bench.vendor.fault = fault()
    await bench.step()
    account = await bench.account()
    assert (account["subscription_note"], account["subscribed_at"]) == (str(fault()), None)
    assert account["state"] == "active"
    bench.vendor.fault = None
    await bench.step(RETRY_AFTER)
    account = await bench.account()
    assert account["subscription_note"] is None
    assert account["subscribed_at"] is not None


async def test_a_refusal_that_needs_a_person_stops_the_account(bench: Bench) -> None:
    bench.vendor.fault = fault(Disposition.PAUSE)
    await bench.step()
    account = await bench.account()
    assert (account["state"], account["state_reason"]) == ("failed", str(bench.vendor.fault))
    assert await bench.step(PERIOD) == 1


async def test_a_new_secret_is_told_to_the_vendor_at_once(bench: Bench) -> None:
    assert [await bench.step(), await bench.step()] == [1, 1]
    await bench.rotate()
    assert await bench.step() == 2


async def test_a_new_secret_does_not_wait_for_a_daily_renewal_that_failed(bench: Bench) -> None:
    await bench.step()
    bench.vendor.fault = fault()
    assert await bench.step(PERIOD) == 2
    await bench.rotate()
    assert [await bench.step(), await bench.step()] == [3, 3]
