"""A vendor for the poller's tests: bookings in memory, listed by change or by arrival, with faults to plant."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar
from uuid import UUID

from pms_sync.domain.clock import rfc3339
from pms_sync.ports.connector import (
    Catalogue,
    CatalogueRoom,
    CatalogueRoomType,
    ConnectorSpec,
    Missing,
    Page,
    RateBudget,
    Record,
    RejectedRow,
    StreamSpec,
    Window,
)
from pms_sync.store import accounts
from pms_sync.store.accounts import Account
from pms_sync.store.database import Database

T = TypeVar("T")
STREAM = "reservations"
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Clock:
    """A clock that tests move."""

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def now(self) -> datetime:
        """Return the moment the test chose."""
        return self.at

    def monotonic(self) -> float:
        """Return the same moment in seconds."""
        return self.at.timestamp()


def spec(page_size: int = 100, page_order: Any = "oldest_first", **facts: Any) -> ConnectorSpec:
    """Declare one stream of changes that can also be listed by arrival."""
    stream = StreamSpec(
        name=STREAM, feed="delta", page_order=page_order, snapshot_dimension="arrival", page_size=page_size, **facts
    )
    return ConnectorSpec(
        vendor="beds24",
        label="Listed",
        capabilities=frozenset(),
        streams=(stream,),
        rate_budget=RateBudget(credits=Decimal(100), window_s=300),
        max_in_flight=1,
        batch_fetch_limit=50,
    )


class ListedHotel:
    """The vendor's side: `add` and `change` bookings; `before_page(number)` runs before each page is answered."""

    def __init__(self, declared: ConnectorSpec | None = None) -> None:
        self.spec = declared or spec()
        self.bookings: dict[str, tuple[datetime, datetime, str]] = {}
        self.windows: list[Window] = []
        self.pages = 0
        self.calibrations = 0
        self.reads_utc = False
        self.rejected: tuple[RejectedRow, ...] = ()
        self.before_page: Callable[[int], Any] = lambda _number: None
        self.lie: Callable[[Page, str | None], Page] = lambda page, _token: page

    def add(self, ref: str, modified: datetime = NOW - timedelta(days=3), arrival: datetime = NOW) -> None:
        """Book, or change what is booked."""
        self.bookings[ref] = (modified, arrival, f"{ref} as of {rfc3339(modified)}")

    async def pull(self, stream: str, window: Window, page: str | None) -> Page:
        """List what lies in the window, by offset as most vendors do."""
        assert stream == STREAM
        self.pages += 1
        self.windows.append(window)
        waits = self.before_page(self.pages)
        if waits is not None:
            await waits
        by_arrival = window.dimension == "arrival"
        dated = [(row[1] if by_arrival else row[0], ref) for ref, row in self.bookings.items()]
        refs = [ref for at, ref in sorted(dated) if window.start <= at and (window.open_ended or at < window.end)]
        if self.spec.streams[0].page_order == "newest_first":
            refs.reverse()
        offset = int(page) if page and page.isdigit() else 0
        size = self.spec.streams[0].page_size
        chosen = refs[offset : offset + size]
        return self.lie(
            Page(
                records=tuple(self._record(ref) for ref in chosen),
                rejected=self.rejected,
                high_water=max((self.bookings[ref][0] for ref in chosen), default=None),
                next=str(offset + size) if offset + size < len(refs) else None,
            ),
            page,
        )

    def body(self, ref: str) -> bytes:
        """Return the booking's bytes as they are now."""
        return json.dumps({"id": ref, "text": self.bookings[ref][2]}).encode()

    def _record(self, ref: str) -> Record:
        version = rfc3339(self.bookings[ref][0])
        return Record(stream=STREAM, ref=ref, property_ref="7", body=self.body(ref), version=version)

    async def calibrate(self, stream: str, known: Record) -> bool:
        """Answer what the test decided."""
        assert known.stream == stream
        self.calibrations += 1
        return self.reads_utc

    async def catalogue(self) -> Catalogue:
        """Sell the hotel's mapped type, and one nobody mapped."""
        rooms = (CatalogueRoom(ref="55/1"), CatalogueRoom(ref="55/2"))
        types = (CatalogueRoomType(ref="55", units=2, rooms=rooms), CatalogueRoomType(ref="56", name="Suite"))
        return Catalogue(property_ref="7", room_types=types)

    async def check(self) -> Any:
        """Is not asked here."""
        raise AssertionError

    async def fetch(self, stream: str, refs: Sequence[str]) -> Mapping[str, Record | Missing]:
        """Is not asked here."""
        raise AssertionError(stream, refs)

    async def subscribe(self, url: str, secret: str) -> Any:
        """Is not asked here."""
        raise AssertionError(url, secret)

    async def aclose(self) -> None:
        """Hold nothing."""


class Understanding:
    """A mapper of which only the version matters here."""

    vendor = "beds24"
    version = 1


class Runtime:
    """An account ready to be read, without a guard."""

    def __init__(self, account: Account, connector: ListedHotel) -> None:
        self.account, self.connector = account, connector
        self.mapper: Any = Understanding()
        self.priorities: list[str] = []

    def pace(self) -> float:
        """Never gather."""
        return 0.0

    async def call(self, fn: Callable[[], Awaitable[T]], *, priority: str, operation: str) -> T:
        """Call straight through."""
        assert operation
        self.priorities.append(priority)
        return await fn()


async def runtime_of(database: Database, account_id: UUID, connector: ListedHotel) -> Runtime:
    """Load the account and join it with its vendor."""
    async with database.connection() as connection:
        [account] = await accounts.load(connection, [account_id])
    return Runtime(account, connector)


async def apply_everything(database: Database, hotel: Any) -> None:
    """Stand in for the worker: each waiting record becomes its link's current state, and the lanes are done."""
    async with database.transaction(hotel.tenant_id) as connection:
        await connection.execute(
            "INSERT INTO links (tenant_id, account_id, level, vendor_ref, object_id, remote_digest, read_ticket) "
            "SELECT DISTINCT ON (ref) tenant_id, account_id, 'stay', ref, gen_random_uuid(), digest, read_ticket "
            "FROM events WHERE state = 'waiting' ORDER BY ref, event_id DESC "
            "ON CONFLICT (tenant_id, account_id, level, vendor_ref) DO UPDATE "
            "SET remote_digest = excluded.remote_digest, read_ticket = excluded.read_ticket"
        )
        await connection.execute("UPDATE events SET state = 'done' WHERE state = 'waiting'")
        await connection.execute("DELETE FROM lanes")


async def rows(database: Database, hotel: Any, query: str) -> list[Any]:
    """Ask the store as the worker, for the hotel's tenant."""
    async with database.transaction(hotel.tenant_id) as connection:
        return list(await connection.fetch(query))


async def value(database: Database, hotel: Any, query: str) -> Any:
    """Ask for one value."""
    [row] = await rows(database, hotel, query)
    return row[0]
