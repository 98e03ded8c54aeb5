"""Opera's way of telling, on a real store: a queue of hints, sweeps that only name, and reads one by one."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any

import httpx
import pytest

from connectors.kit.conformance.bench import MemoryTokens
from connectors.opera import facts
from connectors.opera.connector import OperaConnector
from connectors.opera.events import QUEUE
from mappers.opera import MAPPER
from pms_sync.apply.batch import Applier
from pms_sync.ingest.landing import Landing
from pms_sync.ingest.poller import Poller
from pms_sync.ingest.router import Router
from pms_sync.ingest.worker import Worker
from pms_sync.ports.connector import ConnectorContext
from pms_sync.store import accounts
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from tests.contract.opera_wire import LOGIN, told
from tests.integration.audited_hotel import RealClock, Runtime
from tests.integration.listed_hotel import rows, value

HOTEL = "7"


class Gateway:
    """An OHIP gateway over a hotel in memory: reservations by id, a queue of events, and what was asked."""

    def __init__(self) -> None:
        self.reservations: dict[str, dict[str, Any]] = {}
        self.events: list[dict[str, Any]] = []
        self.reads: list[str] = []
        self.loses_answers = False

    def book(self, ref: str, changed: str = "2026-04-02 11:22:33.0", *, quietly: bool = False, **fields: Any) -> None:
        """Make or change a reservation, and tell of it unless quietly."""
        whole = told("reserved")["reservations"]["reservation"][0]
        self.reservations[ref] = whole | {
            "reservationIdList": [{"id": ref, "type": "Reservation"}],
            "hotelId": HOTEL,
            "lastModifyDateTime": changed,
            **fields,
        }
        if not quietly:
            header = {
                "moduleName": "Reservation",
                "actionType": "UPDATE RESERVATION",
                "primaryKey": ref,
                "hotelId": HOTEL,
            }
            self.events.append({"businessEvent": {"header": header}, "businessEventId": {"id": str(len(self.events))}})

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one call."""
        place = request.url.path.rpartition("/")[2]
        answers: dict[str, Callable[[], dict[str, Any] | None]] = {
            "tokens": lambda: {"access_token": "t", "expires_in": 3600},
            "businessEvents": self._handed_out,
            "reservations": lambda: {"reservations": {"reservationInfo": self._named()}},
        }
        if place in answers:
            body = answers[place]()
            return httpx.Response(200, json=body) if body else httpx.Response(204)
        found = self.reservations.get(place)
        if found is None:
            return httpx.Response(204)
        self.reads.append(place)
        return httpx.Response(200, json={"reservations": {"reservation": [found]}})

    def _named(self) -> list[dict[str, Any]]:
        names = ("reservationIdList", "hotelId", "lastModifyDateTime")
        return [{name: one[name] for name in names} for one in self.reservations.values()]

    def _handed_out(self) -> dict[str, Any] | None:
        taken, self.events = self.events[:20], self.events[20:]
        if self.loses_answers:
            raise httpx.ReadError("cut")
        return {"businessEventData": taken} if taken else None


class House:
    """The reading side of a daemon over that gateway."""

    def __init__(self, database: Database, keys: KeyRing, hotel: Any, runtime: Runtime, gateway: Gateway) -> None:
        self.database, self.hotel, self.gateway = database, hotel, gateway
        applier = Applier(keys, RealClock(), uuid.uuid4, {hotel.vendor: MAPPER})
        landing = Landing(database, keys, applier, uuid.uuid4)
        self.worker = Worker(database, runtime, landing, new_id=uuid.uuid4, random=Random(1))
        self.poller = Poller(
            database,
            keys,
            lambda: {hotel.account_id: runtime},
            clock=RealClock(),
            new_id=uuid.uuid4,
        )
        self.router = Router(database, keys, {}, queues={hotel.vendor: QUEUE})

    async def poll(self, stream: str) -> Any:
        """Read one stream, route what a queue gave, and work until nothing waits."""
        items = await self.poller.poll_once(stream=stream)
        while await self.router.route_once():
            continue
        await self.worker.drain()
        return items[0]

    async def ask(self, query: str) -> Any:
        """Ask the store for one value."""
        return await value(self.database, self.hotel, query)

    async def stays(self) -> dict[str, str]:
        """Return the stays' states by ref."""
        found = await rows(self.database, self.hotel, "SELECT vendor_ref, status FROM room_stays ORDER BY vendor_ref")
        return {row["vendor_ref"]: row["status"] for row in found}


@pytest.fixture
async def house(database: Database, keys: KeyRing, hotel: Any) -> House:
    """Give a daemon's reading side, with two bookings listed once already."""
    gateway = Gateway()
    context = ConnectorContext(
        base_url="https://gateway.example",
        property_ref=HOTEL,
        credentials=LOGIN,
        client=httpx.AsyncClient(transport=httpx.MockTransport(gateway)),
        tokens=MemoryTokens(),
        report=lambda _facts: None,
        now=lambda: datetime.now(UTC),
    )
    async with database.connection() as connection:
        [account] = await accounts.load(connection, [hotel.account_id])
    runtime = Runtime(account, OperaConnector(context))
    runtime.mapper = MAPPER
    made = House(database, keys, hotel, runtime, gateway)
    for ref in ("41231", "41232"):
        gateway.book(ref, quietly=True)
    await made.poll(facts.RESERVATIONS)
    gateway.reads.clear()
    return made


async def test_a_sweep_reads_each_reservation_once_and_again_only_when_it_changed(house: House) -> None:
    """Sightings by version: a night's comparison costs a page, not a read for every reservation there is."""
    assert await house.stays() == {"41231": "confirmed", "41232": "confirmed"}
    await house.poll(facts.RESERVATIONS)
    assert house.gateway.reads == []
    house.gateway.book("41232", "2026-04-03 08:00:00.0", quietly=True, reservationStatus="Cancelled")
    told_ = await house.poll(facts.RESERVATIONS)
    assert (house.gateway.reads, told_.new) == (["41232"], 1)
    assert (await house.stays())["41232"] == "cancelled"


async def test_an_event_has_its_reservation_read_and_nothing_else(house: House) -> None:
    """OH-04: what the event itself claims is never believed."""
    house.gateway.book("41233")
    house.gateway.book("41231", "2026-04-04 08:00:00.0", reservationStatus="InHouse")
    await house.poll(facts.EVENTS)
    assert sorted(house.gateway.reads) == ["41231", "41233"]
    assert await house.stays() == {"41231": "checked_in", "41232": "confirmed", "41233": "confirmed"}


async def test_what_a_lost_answer_told_is_found_by_the_sweep_it_schedules(house: House) -> None:
    """REP-02 at the queue: the events are gone for good, the change is not."""
    house.gateway.loses_answers = True
    house.gateway.book("41231", "2026-04-05 08:00:00.0", reservationStatus="NoShow")
    with pytest.raises(Exception, match="connection failed"):
        await house.poll(facts.EVENTS)
    house.gateway.loses_answers = False
    await house.poll(facts.EVENTS)
    assert (await house.stays())["41231"] == "confirmed"
    assert await house.ask("SELECT next_due_at <= now() FROM cursors WHERE stream = 'reservations'")
    await house.poll(facts.RESERVATIONS)
    assert (await house.stays())["41231"] == "no_show"


async def test_raw_bodies_are_kept_sealed_for_replay(house: House) -> None:
    house.gateway.book("41231", "2026-04-04 08:00:00.0")
    await house.poll(facts.EVENTS)
    kept = await rows(house.database, house.hotel, "SELECT sealed FROM raw_records")
    assert kept
    assert not any(b"41231" in bytes(row["sealed"]) for row in kept)
