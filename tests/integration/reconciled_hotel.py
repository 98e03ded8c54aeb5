"""A hotel whose vendor changes behind our back: a simulated Beds24, the store that followed it, and a reconcile."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any, cast

import asyncpg

from connectors.beds24.simulator.hotel import Booking
from pms_sync.ingest.intake import Intake
from pms_sync.ingest.walking import walk
from pms_sync.ingest.windows import snapshot_range
from pms_sync.ports.connector import Connector, Page, Window
from pms_sync.reconcile.runner import Reconcile, Reconciled
from pms_sync.store.database import use_tenant
from pms_sync.store.sealing import KeyRing
from tests.integration.audited_hotel import MASTER_KEY, RealClock, Site, running_site

WHOLE = snapshot_range(datetime.now(UTC))


class Meddling:
    """The real connector with somebody in between who may change a page, or break off at one."""

    def __init__(self, connector: Any) -> None:
        self._connector, self.pages = connector, 0
        self.meddle: Callable[[int, Page], Page] = lambda _number, page: page

    def __getattr__(self, name: str) -> Any:
        """Leave everything else to the connector."""
        return getattr(self._connector, name)

    async def pull(self, stream: str, window: Window, page: str | None) -> Page:
        """Pull, and let the page be meddled with by its number."""
        self.pages += 1
        return self.meddle(self.pages, await self._connector.pull(stream, window, page))


class House:
    """The site with a reconcile over it; `told` holds what was counted after its runs."""

    def __init__(self, site: Site, keys: KeyRing) -> None:
        self.site, self.keys = site, keys
        self.runtime, self.database = site.reader.runtime, site.reader.database
        self.between = Meddling(self.runtime.connector)
        self.runtime.connector = cast(Connector, self.between)
        self.told: dict[str, int] = {}
        self.before_work: Any = None
        self.reconcile = Reconcile(
            self.database,
            keys,
            walk=partial(walk, self.database),
            take_in=self._take_in,
            work=self._work,
            clock=RealClock(),
            new_id=uuid.uuid4,
            told=self.told.__setitem__,
            sleep=self._hasten,
        )

    async def run(self, *, dry: bool = False) -> Reconciled:
        """Compare everything, and heal."""
        return await self.reconcile.run(self.runtime, "reservations", WHOLE, dry=dry)

    async def book(self, number: int, **more: Any) -> str:
        """Book two nights far ahead, each number its own, as the vendor alone knows it."""
        at = f"2030-{number // 14 + 1:02}-{number % 14 * 2 + 1:02}"
        to = f"2030-{number // 14 + 1:02}-{number % 14 * 2 + 2:02}"
        stay = {"arrival": at, "departure": to, "room_ref": "55/1", "adults": 2, "children": 0, "total": "100.00"}
        return await self.change(op="create", set={"channel": "direct", "room_stays": [{**stay, **more}]})

    async def change(self, **order: Any) -> str:
        """Let the hotel change something that nobody is told of."""
        ref: str = (await self.site.desk.sim("change", **order, silent=True))["ref"]
        return ref

    def vanish(self, *refs: str) -> list[Booking]:
        """Let bookings be gone at the vendor (all of them, unless named), and return them for `appear`."""
        hotel = self.site.desk.simulator.backend.hotel
        gone = [hotel.bookings[int(ref)] for ref in refs or [str(one) for one in hotel.bookings]]
        hotel.begin(datetime.now(UTC))
        for booking in gone:
            hotel.drop(booking.id)
        return gone

    def appear(self, bookings: Iterable[Booking]) -> None:
        """Let bookings be there again as they were."""
        hotel = self.site.desk.simulator.backend.hotel
        hotel.begin(datetime.now(UTC))
        for booking in bookings:
            hotel.put(booking)

    async def quietly(self, ref: str, **raw: Any) -> None:
        """Change raw fields of a booking and leave its time of change alone, so that no delta ever shows it."""
        version = (await self.site.desk.reservation(ref))["version"]
        await self.change(op="modify", ref=ref, vendor={**raw, "modifiedTime": version})

    async def fails(self, **fault: Any) -> None:
        """Let calls fail from now on; without a fault they no longer do."""
        await self.site.desk.sim("faults", faults=[fault] if fault else [])

    async def calls(self) -> list[Mapping[str, Any]]:
        """Return the calls so far."""
        told = (await self.site.desk.client.get("/_sim/calls")).json()["items"]
        return [one for one in told if one["path"].endswith("/bookings")]

    async def rows(self, query: str) -> list[Mapping[str, Any]]:
        """Read the store for its tenant."""
        async with self.database.transaction(self.runtime.account.tenant_id) as connection:
            return [dict(row) for row in await connection.fetch(query)]

    async def written(self) -> dict[str, int]:
        """Count the rows of every table, to see what a run wrote."""
        return await written(self.site.dsn)

    async def resolve(self, kind: str) -> None:
        """Let a person look at the case of a kind and let it through."""
        async with self.database.transaction() as connection:
            await use_tenant(connection, self.runtime.account.tenant_id)
            await connection.execute(
                "UPDATE cases SET state = 'resolved', resolved_at = now() WHERE kind = $1 AND state = 'open'", kind
            )

    async def _take_in(self, runtime: Any, stream: str, page: Page, ticket: int) -> None:
        async with self.database.transaction(runtime.account.tenant_id) as connection:
            intake = Intake(self.keys, uuid.uuid4)
            await intake.take(connection, runtime, stream, page, kind="reconcile", ticket=ticket)

    async def _work(self, account_id: uuid.UUID) -> None:
        if self.before_work is not None:
            await self.before_work()
        await self.site.reader.worker.drain(account_id)

    async def _hasten(self, _seconds: float) -> None:
        """Let no test wait for what is due later."""
        async with self.database.connection() as connection:
            await connection.execute("UPDATE lanes SET not_before = '-infinity'")


@asynccontextmanager
async def running_house(dsn: str, booked: int = 12) -> AsyncIterator[House]:
    """Follow a hotel with so many bookings to come, all of them read."""
    async with running_site(dsn, reservations=0, rooms=3) as site:
        keys = KeyRing(MASTER_KEY)
        async with site.reader.database.connection() as connection:
            await keys.load(connection)
        house = House(site, keys)
        for number in range(booked):
            await house.book(number)
        await site.reader.read()
        yield house


async def written(dsn: str) -> dict[str, int]:
    """Count the rows of every table."""
    connection = await asyncpg.connect(dsn)
    try:
        names = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        )
        return {row[0]: await connection.fetchval(f"SELECT count(*) FROM {row[0]}") for row in names}
    finally:
        await connection.close()


def refs(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the refs of rows, sorted."""
    return sorted(row["ref"] for row in rows)
