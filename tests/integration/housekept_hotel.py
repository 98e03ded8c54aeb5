"""A hotel whose rooms are kept by a simulated vendor: the daemon's reading side over real HTTP."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from random import Random
from typing import Any

import httpx
import msgspec

from connectors import cloudbeds, mews, opera
from connectors.cloudbeds.simulator import create as simulated_cloudbeds
from connectors.kit.conformance.bench import MemoryTokens
from connectors.kit.conformance.inbox import Inbox
from connectors.kit.http import open_client
from connectors.mews.simulator import create as simulated_mews
from connectors.opera.events import QUEUE
from connectors.opera.simulator import create as simulated_opera
from mappers.cloudbeds import MAPPER as CLOUDBEDS
from mappers.mews import MAPPER as MEWS
from mappers.opera import MAPPER as OPERA
from pms_sync.apply.batch import Applier
from pms_sync.ingest.landing import Landing
from pms_sync.ingest.poller import Poller
from pms_sync.ingest.router import Router
from pms_sync.ingest.worker import Worker
from pms_sync.ports.connector import ConnectorContext, ConnectorPlugin, Door
from pms_sync.ports.mapper import Mapper
from pms_sync.store import accounts, inbox
from pms_sync.store.database import Database
from pms_sync.store.inbox import NewDelivery
from pms_sync.store.sealing import KeyRing
from tests.integration.audited_hotel import RealClock, Runtime
from tests.integration.listed_hotel import rows

STREAM = "room_status"
_DOOR = "/webhooks/vendor/door"


class Vendor(msgspec.Struct, frozen=True, kw_only=True):
    """One vendor's parts, and how its people write down that a room is in this or that condition."""

    plugin: ConnectorPlugin
    mapper: Mapper
    simulator: Any
    field: str
    words: Mapping[str, str]
    door: Door | None = None


VENDORS = {
    "mews": Vendor(
        plugin=mews.CONNECTOR,
        mapper=MEWS,
        simulator=simulated_mews,
        field="State",
        words={"clean": "Clean", "dirty": "Dirty", "inspected": "Inspected"},
        door=mews.DOOR,
    ),
    "cloudbeds": Vendor(
        plugin=cloudbeds.CONNECTOR,
        mapper=CLOUDBEDS,
        simulator=simulated_cloudbeds,
        field="roomCondition",
        words={"clean": "clean", "dirty": "dirty", "inspected": "inspected"},
        door=cloudbeds.DOOR,
    ),
    "opera": Vendor(
        plugin=opera.CONNECTOR,
        mapper=OPERA,
        simulator=simulated_opera,
        field="housekeepingRoomStatus",
        words={"clean": "Clean", "dirty": "Dirty", "inspected": "Inspected"},
    ),
}


class House:
    """The reading side, with the simulator's control plane beside it."""

    def __init__(self, vendor: Vendor, database: Database, keys: KeyRing, hotel: Any, sim: httpx.AsyncClient) -> None:
        """Take what is running; `listen` and `connect` come next."""
        self.vendor, self.database, self.keys, self.hotel, self._sim = vendor, database, keys, hotel, sim
        self.place: dict[str, Any] = {}
        self.rooms: list[str] = []
        self.landing = Landing(database, keys, Applier(keys, RealClock(), uuid.uuid4), uuid.uuid4)

    async def sim(self, name: str, **body: Any) -> Any:
        """Post to the control plane and return the answer, which must be 200."""
        answer = await self._sim.post(f"/_sim/{name}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def calls(self) -> int:
        """Count the calls that the vendor saw."""
        return len((await self._sim.get("/_sim/calls", params={"since": 0})).json()["items"])

    async def open(self, base_url: str, client: httpx.AsyncClient) -> None:
        """Begin a hotel of three rooms at the vendor, map two of them, and connect to it."""
        told = await self.sim("reset", seed=1, hotels=1, rooms=3, reservations=0)
        [self.place] = told["properties"]
        self.rooms = [room["ref"] for kind in self.place["room_types"] for room in kind["rooms"]]
        spec, hotel = self.vendor.plugin.spec, self.hotel
        async with self.database.transaction(hotel.tenant_id) as connection:
            await connection.execute(
                "UPDATE accounts SET vendor = $1, property_ref = $2 WHERE account_id = $3",
                spec.vendor,
                self.place["ref"],
                hotel.account_id,
            )
            [account] = await accounts.load(connection, [hotel.account_id])
        context = ConnectorContext(
            base_url=base_url,
            property_ref=self.place["ref"],
            credentials=told["credentials"],
            client=client,
            tokens=MemoryTokens(),
            report=lambda _facts: None,
            now=lambda: datetime.now(UTC),
        )
        runtime = Runtime(account, self.vendor.plugin.connect(context))
        runtime.mapper = self.vendor.mapper
        for ref, code in zip(self.rooms[:2], ("101", "102"), strict=True):
            await self.map_room(ref, code)
        accounts_of_it = {hotel.account_id: runtime}
        self.poller = Poller(self.database, self.keys, lambda: accounts_of_it, clock=RealClock(), new_id=uuid.uuid4)
        self.worker = Worker(self.database, runtime, self.landing, new_id=uuid.uuid4, random=Random(1))
        doors = {spec.vendor: self.vendor.door} if self.vendor.door else {}
        self.router = Router(self.database, self.keys, doors, queues={spec.vendor: QUEUE})

    async def map_room(self, ref: str, code: str) -> None:
        """Say which room of ours a vendor's room is."""
        async with self.database.transaction(self.hotel.tenant_id) as connection:
            await connection.execute(
                "INSERT INTO crosswalk (tenant_id, account_id, kind, vendor_code, our_code) "
                "VALUES ($1, $2, 'room', $3, $4)",
                self.hotel.tenant_id,
                self.hotel.account_id,
                ref,
                code,
            )
            await connection.execute(
                "UPDATE accounts SET crosswalk_version = crosswalk_version + 1 WHERE account_id = $1",
                self.hotel.account_id,
            )

    async def poll(self, stream: str = STREAM) -> Any:
        """Read one stream, route what a queue gave, and work until nothing waits."""
        items = await self.poller.poll_once(stream=stream)
        await self.work()
        return items[0]

    async def work(self) -> None:
        """Route and work until nothing waits."""
        while await self.router.route_once():
            continue
        await self.worker.drain()

    async def put(self, ref: str, condition: str, *, silent: bool = True) -> None:
        """Change a room's condition at the vendor."""
        fields = {self.vendor.field: self.vendor.words[condition]}
        await self.sim("change", op="modify", ref=ref, vendor=fields, silent=silent)

    async def subscribe(self, box: Inbox) -> None:
        """Have the vendor send its webhooks to a box."""
        target = {"property_ref": self.place["ref"], "url": box.url + _DOOR, "headers": {}}
        await self.sim("change", op="webhook_target", **target)

    async def deliver(self, box: Inbox, number: int) -> None:
        """Store the webhooks that the box got, once there are so many, and work on them."""
        await box.collect(lambda: len(box.at(_DOOR)) >= number)
        deliveries = [
            NewDelivery(
                tenant_id=self.hotel.tenant_id,
                door_id=self.hotel.account_id,
                vendor=self.vendor.plugin.spec.vendor,
                vendor_delivery_id=None,
                body=one.body,
                correlation_id=uuid.uuid4().hex,
                received_at=one.received_at,
            )
            for one in box.at(_DOOR)
        ]
        async with self.database.transaction() as connection:
            await inbox.append_deliveries(connection, self.keys, deliveries)
        await self.work()

    async def ask(self, query: str) -> list[dict[str, Any]]:
        """Read rows with the tenant set."""
        return [dict(row) for row in await rows(self.database, self.hotel, query)]

    async def states(self) -> dict[str, dict[str, Any]]:
        """Return how the rooms stand here, by the vendor's ref."""
        return {row["room_ref"]: row for row in await self.ask("SELECT * FROM room_states")}


@asynccontextmanager
async def housekept(vendor: Vendor, database: Database, keys: KeyRing, hotel: Any) -> AsyncIterator[House]:
    """Run a simulated vendor and the reading side of a daemon over it."""
    simulator = vendor.simulator()
    base_url = await simulator.start()
    try:
        async with (
            httpx.AsyncClient(base_url=base_url) as sim,
            open_client(base_url, ca_file=None, allow_private=True) as client,
        ):
            house = House(vendor, database, keys, hotel, sim)
            await house.open(base_url, client)
            yield house
    finally:
        await simulator.stop()
