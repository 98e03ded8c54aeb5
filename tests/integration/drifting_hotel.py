"""A hotel at any of the four vendors, mirrored over HTTP, whose vendor then changes behind our back.

What differs between the vendors is in one table: how a change is kept out of the list of changes.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any, cast

import msgspec

from connectors.kit.conformance.bench import MemoryTokens
from connectors.kit.http import open_client
from pms_sync import plugins
from pms_sync.apply.batch import Applier
from pms_sync.demo.cast import Player, codes_of
from pms_sync.domain.clock import rfc3339
from pms_sync.ingest.intake import Intake
from pms_sync.ingest.landing import Landing
from pms_sync.ingest.poller import Poller
from pms_sync.ingest.router import Router
from pms_sync.ingest.walking import walk
from pms_sync.ingest.windows import sweep_range
from pms_sync.ingest.worker import Worker
from pms_sync.ports.connector import ConnectorContext, ConnectorPlugin, Page
from pms_sync.reconcile.runner import Reconcile, Reconciled
from pms_sync.store import accounts, hotels
from pms_sync.store.accounts import Account
from pms_sync.store.database import Database, use_tenant
from pms_sync.store.hotels import AccountFacts, PropertyFacts, RoomTypeFacts
from pms_sync.store.sealing import KeyRing
from tests.contract import beds24_desk, cloudbeds_desk, mews_desk, opera_desk
from tests.integration.audited_hotel import RealClock, Runtime

RESERVATIONS, BLOCKS = "reservations", "blocks"
Row = dict[str, Any]


class Vendor(msgspec.Struct, frozen=True, kw_only=True):
    """How one vendor is run, and how it keeps a change to itself.

    `feeds` are the streams that tell of changes; `stamp` writes the raw field that holds the time of a change, by which
    lists of changes are filtered, and `block_stamp` that of blocks, where a list of their changes exists. `whole` says
    that listings show bookings whole, so that a difference has its class before it is healed, and `shows_lifted` that
    they go on showing blocks that were deleted.
    """

    desk: Callable[..., Any]
    options: Mapping[str, Any]
    feeds: tuple[str, ...] = (RESERVATIONS,)
    stamp: Callable[[datetime], Row]
    block_stamp: Callable[[datetime], Row] = lambda _changed: {}
    whole: bool = True
    shows_lifted: bool = False


VENDORS: Mapping[str, Vendor] = {
    "beds24": Vendor(
        desk=beds24_desk.running_desk,
        options={"credits": 100_000},
        stamp=lambda changed: {"modifiedTime": rfc3339(changed)},
    ),
    "mews": Vendor(
        desk=mews_desk.running_desk,
        options=mews_desk.PLENTY,
        feeds=(RESERVATIONS, BLOCKS),
        stamp=lambda changed: {"UpdatedUtc": rfc3339(changed)},
        block_stamp=lambda changed: {"UpdatedUtc": rfc3339(changed)},
        shows_lifted=True,
    ),
    "cloudbeds": Vendor(
        desk=cloudbeds_desk.running_desk,
        options=cloudbeds_desk.PLENTY,
        stamp=lambda changed: {"dateModified": f"{changed:%Y-%m-%d %H:%M:%S}"},
    ),
    "opera": Vendor(
        desk=opera_desk.running_desk,
        options=opera_desk.PLENTY,
        feeds=("events",),
        stamp=lambda changed: {"lastModifyDateTime": f"{changed:%Y-%m-%d %H:%M:%S}.0"},
        whole=False,
    ),
}


class House:
    """The vendor, the reading side of a daemon, and a reconcile over both."""

    def __init__(self, vendor: str, desk: Any, database: Database, keys: KeyRing, runtime: Runtime) -> None:
        self.vendor, self.desk, self.database, self.keys, self.runtime = VENDORS[vendor], desk, database, keys, runtime
        self._changed_at = datetime.now(UTC).replace(microsecond=0) - timedelta(days=40)
        account, plugin = runtime.account, _plugin(vendor)
        applier = Applier(keys, RealClock(), uuid.uuid4, {vendor: runtime.mapper})
        landing = Landing(database, keys, applier, uuid.uuid4)
        self.worker = Worker(database, runtime, landing, new_id=uuid.uuid4, random=Random(1))
        directory = {account.account_id: runtime}
        self.poller = Poller(database, keys, lambda: directory, clock=RealClock(), new_id=uuid.uuid4)
        queues = {} if plugin.queue is None else {vendor: plugin.queue}
        self.router = Router(database, keys, {}, queues=queues)
        self.reconcile = Reconcile(
            database,
            keys,
            walk=partial(walk, database),
            take_in=self._take_in,
            work=self.worker.drain,
            clock=RealClock(),
            new_id=uuid.uuid4,
            sleep=self._hasten,
        )

    async def run(self, stream: str = RESERVATIONS, *, dry: bool = False) -> Reconciled:
        """Compare a stream as far as it is swept, and heal unless it is dry."""
        spec = self.runtime.connector.spec.stream(stream)
        ends = sweep_range(datetime.now(UTC), spec.sweep_back, spec.sweep_ahead)
        return await self.reconcile.run(self.runtime, stream, ends, dry=dry)

    async def book(self, day: int = 1, **more: Any) -> str:
        """Book two nights of a month far ahead as the vendor alone knows it, and return the stay's ref."""
        stay = {"arrival": f"2027-05-{day:02}", "departure": f"2027-05-{day + 2:02}", "adults": 2, "total": "200.00"}
        told: Row = {"status": "confirmed", "channel": "direct", "booker": {"first_name": "Ann", "last_name": "Alba"}}
        told |= {**more, "room_stays": [{**self.room(day), **stay}]}
        made = await self.change("create", set=told, vendor=self.vendor.stamp(self._long_ago()))
        return str((await self.told(made))["room_stays"][0]["ref"])

    def room(self, number: int) -> Row:
        """Name a room by turns, with its type."""
        [kind, *_] = self.desk.simulator.backend.properties()[0]["room_types"]
        rooms = kind.get("rooms") or [{"ref": f"{kind['ref']}/{one + 1}"} for one in range(kind["units"])]
        return {"room_type_ref": str(kind["ref"]), "room_ref": str(rooms[number % len(rooms)]["ref"])}

    async def change(self, op: str, **order: Any) -> str:
        """Let the hotel change something that nobody is told of, and return the ref of what changed."""
        return str((await self.desk.sim("change", op=op, silent=True, **order))["ref"])

    async def block(self, day: int = 1, kind: str = "out_of_order") -> str:
        """Take a room out of use for two nights as the vendor alone knows it, and return the block's ref."""
        days = {"arrival": f"2027-06-{day:02}", "departure": f"2027-06-{day + 2:02}"}
        return await self.change(
            "create", set={"kind": kind, **self.room(day), **days}, vendor=self.vendor.block_stamp(self._long_ago())
        )

    async def truth(self) -> list[Row]:
        """Return all reservations of the truth."""
        found: list[Row] = (await self.desk.client.get("/_sim/truth")).json()["reservations"]
        return found

    async def told(self, ref: str) -> Row:
        """Return the truth about a reservation, by its own ref or by that of one of its stays."""
        return next(
            one for one in await self.truth() if ref in {one["ref"], *(stay["ref"] for stay in one["room_stays"])}
        )

    async def quietly(self, stay: str, **said: Any) -> None:
        """Change a booking without a word, and without a trace in any list of changes."""
        await self.change(
            "modify", ref=(await self.told(stay))["ref"], set=said, vendor=self.vendor.stamp(self._long_ago())
        )

    async def move(self, block: str, day: int) -> None:
        """Let a block lie on other days without a word, and without a trace in any list of changes."""
        days = {"arrival": f"2027-06-{day:02}", "departure": f"2027-06-{day + 3:02}"}
        await self.change("modify", ref=block, set=days, vendor=self.vendor.block_stamp(self._long_ago()))

    async def follow(self) -> None:
        """Read all that the vendor tells of its own accord, until nothing waits."""
        for name in self.vendor.feeds:
            await self.poll(name)

    async def poll(self, stream: str) -> None:
        """Read one stream, route what a queue gave, and work until nothing waits."""
        await self.poller.poll_once(stream=stream)
        while await self.router.route_once():
            continue
        await self.worker.drain()

    async def reads(self, ref: str) -> list[Row]:
        """Return the calls that asked for an object by itself."""
        calls: list[Row] = (await self.desk.client.get("/_sim/calls")).json()["items"]
        return [one for one in calls if one["path"].endswith(f"/{ref}")]

    async def rows(self, query: str) -> list[Row]:
        """Read the store for its tenant."""
        async with self.database.transaction(self.runtime.account.tenant_id) as connection:
            return [dict(row) for row in await connection.fetch(query)]

    def _long_ago(self) -> datetime:
        """Return a time of change that is later than all before, and that no list of changes reaches back to."""
        self._changed_at += timedelta(minutes=1)
        return self._changed_at

    async def _take_in(self, runtime: Any, stream: str, page: Page, ticket: int) -> None:
        async with self.database.transaction(runtime.account.tenant_id) as connection:
            intake = Intake(self.keys, uuid.uuid4)
            await intake.take(connection, runtime, stream, page, kind="reconcile", ticket=ticket)

    async def _hasten(self, _seconds: float) -> None:
        """Let no test wait for what is due later."""
        async with self.database.connection() as connection:
            await connection.execute("UPDATE lanes SET not_before = '-infinity'")


@asynccontextmanager
async def running_hotel(vendor: str, database: Database, keys: KeyRing) -> AsyncIterator[House]:
    """Follow a hotel with some bookings and blocks to come, all of them read."""
    one = VENDORS[vendor]
    async with one.desk(1, **{**one.options, "reservations": 0, "rooms": 3}) as desk:
        account = await _furnished(database, keys, vendor, desk.simulator.backend.properties())
        base_url = str(desk.client.base_url).rstrip("/")
        async with open_client(base_url, ca_file=None, allow_private=True) as client:
            context = ConnectorContext(
                base_url=base_url,
                property_ref=account.property_ref,
                credentials=desk.simulator.credentials,
                client=client,
                tokens=MemoryTokens(),
                report=lambda _facts: None,
                now=RealClock().now,
                sleep=_at_once,
            )
            connector = _plugin(vendor).connect(context)
            runtime = Runtime(account, connector)
            runtime.mapper = plugins.mapper(vendor)
            yield House(vendor, desk, database, keys, runtime)
            await connector.aclose()


async def _at_once(_seconds: float) -> None:
    """Wait for nothing: limits are off."""


def _plugin(vendor: str) -> ConnectorPlugin:
    return cast("ConnectorPlugin", plugins.one(plugins.CONNECTORS, vendor))


async def _furnished(database: Database, keys: KeyRing, vendor: str, places: list[Row]) -> Account:
    """Store the vendor's first property with its rooms, every one of them mapped."""
    place = places[0]
    codes = codes_of(Player(vendor=vendor, hotel="P1", role="pms"), {"properties": places})
    types = tuple(RoomTypeFacts(code=code, rooms=tuple(rooms)) for code, rooms in codes.rooms_of.items())
    hotel = PropertyFacts(
        code="P1", name="Hotel", timezone=place["timezone"], currency=place["currency"], room_types=types
    )
    login = AccountFacts(
        vendor=vendor,
        role="pms",
        property_ref=str(place["ref"]),
        crosswalk={"room_type": codes.room_type, "room": codes.room},
    )
    async with database.transaction() as connection:
        tenant_id = await hotels.ensure_tenant(connection, "t1", uuid.uuid4)
        await use_tenant(connection, tenant_id)
        await keys.ensure(connection, tenant_id)
        property_id = await hotels.upsert_property(connection, tenant_id, hotel, uuid.uuid4)
        account_id = await hotels.upsert_account(connection, tenant_id, property_id, login, uuid.uuid4)
        [account] = await accounts.load(connection, [account_id])
    return account
