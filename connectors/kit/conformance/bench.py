"""The bench a plugin is tried on: one running simulator, its control plane, and connectors made for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import httpx
import msgspec

from connectors.kit.conformance.evidence import Finding, NotDeclared, demand
from pms_sync.ports.connector import (
    CallFacts,
    Connector,
    ConnectorContext,
    ConnectorPlugin,
    Door,
    Missing,
    Page,
    Record,
    StreamSpec,
    Window,
)
from pms_sync.ports.mapper import Crosswalk, Mapper, MappingContext

Row = dict[str, Any]
RESERVATIONS = "reservations"
_BLOCKS = "blocks"
_CHANGES = "modified"
_MOST_PAGES = 200
_AHEAD = timedelta(minutes=5)


class Simulator(Protocol):
    """A startable vendor with the control plane of PUBLIC_SURFACE.md under `/_sim/`."""

    @property
    def credentials(self) -> dict[str, str]:
        """Return the credentials valid since the last reset."""
        ...

    async def start(self, port: int = 0) -> str:
        """Listen on 127.0.0.1 and return the base URL."""
        ...

    async def stop(self) -> None:
        """Stop listening."""
        ...


SimulatorFactory = Callable[[int], Simulator]
"""Makes a simulator from a seed; its attribute `unhurried`, if any, makes one that limits no calls per second."""
OpenClient = Callable[[str], httpx.AsyncClient]
"""Makes the HTTP client for a base URL, as the product does, but allowed to reach loopback."""


class Candidate(msgspec.Struct, frozen=True):
    """What is to be certified."""

    plugin: ConnectorPlugin
    door: Door | None
    mapper: Mapper
    make_simulator: SimulatorFactory
    open_client: OpenClient


class MemoryTokens:
    """Tokens kept in memory; the lock is the single flight across replicas."""

    def __init__(self) -> None:
        """Begin empty."""
        self._kept: dict[str, str] = {}
        self._lock = asyncio.Lock()

    async def load(self) -> Mapping[str, str]:
        """Return what was stored last."""
        return dict(self._kept)

    async def save(self, tokens: Mapping[str, str]) -> None:
        """Store."""
        self._kept = dict(tokens)

    def refreshing(self) -> asyncio.Lock:
        """Return the lock."""
        return self._lock


class Bench:
    """One simulator with a small hotel, and the connector of its first property."""

    def __init__(self, candidate: Candidate, simulator: Simulator, base_url: str) -> None:
        """Work on a started simulator; `reset` before use."""
        self.spec, self.door, self.mapper = candidate.plugin.spec, candidate.door, candidate.mapper
        self._candidate, self._base_url = candidate, base_url
        self._control, self.client = candidate.open_client(base_url), candidate.open_client(base_url)
        self.simulator = simulator
        self.places: list[Row] = []
        self.credentials: dict[str, str] = {}
        self.reports: list[CallFacts] = []
        self._connectors: list[Connector] = []

    @property
    def stream(self) -> StreamSpec:
        """Return the stream of reservations; raises Finding when the plugin declares none."""
        found = next((stream for stream in self.spec.streams if stream.name == RESERVATIONS), None)
        if found is None:
            raise Finding("the spec declares no stream of reservations")
        return found

    def need(self, capability: str) -> None:
        """Raise NotDeclared when the plugin does not claim a capability."""
        if capability not in self.spec.capabilities:
            raise NotDeclared(f"not declared: {capability}")

    async def sim(self, order: str, **body: object) -> Any:  # noqa: ANN401 - any JSON value
        """Post to the control plane; raises Finding when the simulator refuses."""
        answer = await self._control.post(f"{self._base_url}/_sim/{order}", json=body)
        return _told(answer, order)

    async def ask(self, name: str, **query: int) -> Any:  # noqa: ANN401 - any JSON value
        """Read from the control plane."""
        return _told(await self._control.get(f"{self._base_url}/_sim/{name}", params=query), name)

    async def reset(self, *, seed: int = 1, hotels: int = 1, rooms: int = 6, reservations: int = 24) -> None:
        """Begin a new hotel, with a fresh connector for its first property."""
        told = await self.sim("reset", seed=seed, hotels=hotels, rooms=rooms, reservations=reservations)
        self.places, self.credentials = told["properties"], told["credentials"]
        self.reports.clear()
        self._tokens = MemoryTokens()
        self.connector = self.connect(self.place["ref"])

    @property
    def place(self) -> Row:
        """Return the first property as the control plane shows it."""
        return self.places[0]

    def connect(self, property_ref: str) -> Connector:
        """Make a connector of the account for a property."""
        context = ConnectorContext(
            base_url=self._base_url,
            property_ref=property_ref,
            credentials=self.credentials,
            client=self.client,
            tokens=self._tokens,
            report=self.reports.append,
            now=lambda: datetime.now(UTC),
            sleep=_at_once,
        )
        made = self._candidate.plugin.connect(context)
        self._connectors.append(made)
        return made

    def context(self, place: Row | None = None, crosswalk: Crosswalk | None = None) -> MappingContext:
        """Return the mapping context of a property; without a crosswalk codes pass through."""
        chosen = place or self.place
        return MappingContext(
            property_code="P1", zone=chosen["timezone"], currency=chosen["currency"], crosswalk=crosswalk
        )

    async def holds_tokens(self) -> bool:
        """Tell whether the connector keeps tokens that it was given in exchange for its credentials."""
        return any("token" in name for name in await self._tokens.load())

    async def truth(self) -> Row:
        """Return the vendor's truth."""
        told: Row = await self.ask("truth")
        return told

    async def now(self) -> datetime:
        """Return the vendor's clock."""
        return datetime.fromisoformat((await self.truth())["now"])

    async def calls(self, since: int = 0) -> list[Row]:
        """Return the calls the vendor saw after number `since`."""
        items: list[Row] = (await self.ask("calls", since=since))["items"]
        return items

    async def seen_during(self, act: Callable[[], Awaitable[object]]) -> list[Row]:
        """Do something and return the calls it made; a failure of the act passes through."""
        before = len(await self.calls())
        await act()
        return await self.calls(before)

    async def walk(self, window: Window, connector: Connector | None = None, stream: str = RESERVATIONS) -> list[Page]:
        """Read one window to its end; raises Finding when it has none."""
        pages: list[Page] = []
        token: str | None = None
        while not pages or token is not None:
            demand(len(pages) < _MOST_PAGES, f"no end after {_MOST_PAGES} pages")
            page = await (connector or self.connector).pull(stream, window, token)
            pages.append(await self.whole(page, connector, stream))
            token = page.next
        return pages

    async def whole(self, page: Page, connector: Connector | None = None, stream: str = RESERVATIONS) -> Page:
        """Return a page with the records it only names, each fetched as the engine would; absent ones are left out."""
        if not page.sightings:
            return page
        found = await self.fetch([one.ref for one in page.sightings], connector, stream)
        named = tuple(one for one in found.values() if isinstance(one, Record))
        return msgspec.structs.replace(page, records=(*page.records, *named), sightings=())

    async def fetch(
        self, refs: Sequence[str], connector: Connector | None = None, stream: str = RESERVATIONS
    ) -> dict[str, Record | Missing]:
        """Fetch any number of refs, in calls as large as the spec allows."""
        found: dict[str, Record | Missing] = {}
        limit = self.spec.batch_fetch_limit
        for start in range(0, len(refs), limit):
            found.update(await (connector or self.connector).fetch(stream, refs[start : start + limit]))
        return found

    async def everything(self, connector: Connector | None = None) -> list[Record]:
        """Read all reservations of the property, in windows as long as the vendor allows."""
        found: list[Record] = []
        for window in await self.all_changes():
            found += records(await self.walk(window, connector))
        return found

    async def held(self, connector: Connector) -> list[Record]:
        """Read all that takes rooms: reservations, and blocks where these have a stream of their own."""
        found = await self.everything(connector)
        apart = next((one for one in self.spec.streams if one.name == _BLOCKS), None)
        if apart is None or apart.snapshot_dimension is None:
            return found
        blocks: dict[str, Record] = {}
        for window in tiles(*self._wide(await self.now()), apart.max_snapshot_window, apart.snapshot_dimension):
            blocks |= {one.ref: one for one in records(await self.walk(window, connector, _BLOCKS))}
        return [*found, *blocks.values()]

    def window(self, start: datetime, end: datetime) -> Window:
        """Return a window of changes; all there is where a vendor has no such window and is swept."""
        if self.stream.feed == "delta":
            return Window(dimension=_CHANGES, start=start, end=end)
        dimension = self.stream.snapshot_dimension
        if dimension is None:
            raise Finding("a stream without a delta names no dimension that lists everything")
        return Window(dimension=dimension, start=self._wide(end)[0], end=self._wide(end)[1])

    @staticmethod
    def _wide(now: datetime) -> tuple[datetime, datetime]:
        """Return a stretch of stays that holds every booking of a simulator."""
        day = datetime(now.year, now.month, now.day, tzinfo=UTC)
        return day - timedelta(days=400), day + timedelta(days=3650)

    async def all_changes(self) -> list[Window]:
        """Return windows that together hold every change of the hotel."""
        truth = await self.truth()
        now = datetime.fromisoformat(truth["now"])
        if self.stream.feed != "delta":
            return [self.window(now, now)]
        times = [one["modified_at"] or one["created_at"] for one in truth["reservations"]]
        # A block tells no time of change, so the windows also reach as far back as a simulator seeds.
        start = min([now - timedelta(days=62), *(datetime.fromisoformat(time) for time in times if time)])
        return tiles(start - _AHEAD, now + _AHEAD, self.stream.max_window)

    async def recent(self, minutes: int = 30) -> Window:
        """Return the window of the last minutes, by the vendor's clock."""
        now = await self.now()
        return self.window(now - timedelta(minutes=minutes), now + _AHEAD)

    async def change(self, op: str, *, silent: bool = True, **order: object) -> Row:
        """Order a change of the hotel."""
        told: Row = await self.sim("change", op=op, silent=silent, **order)
        return told

    async def book(self, **said: object) -> str:
        """Book one stay at a spread-out time and return its reservation's ref."""
        stay = {"arrival": "2031-05-01", "departure": "2031-05-03", "status": "confirmed", **said}
        ref: str = (await self.change("create", set=stay))["ref"]
        return ref

    async def faults(self, *faults: Row) -> None:
        """Put these faults in the place of all others."""
        await self.sim("faults", faults=list(faults))

    async def aclose(self) -> None:
        """Let go of everything."""
        for connector in self._connectors:
            await connector.aclose()
        await self.client.aclose()
        await self._control.aclose()


async def _at_once(_seconds: float) -> None:
    """Wait for nothing: the bench is unhurried, and what a vendor allows per second is tested beside its connector."""


@asynccontextmanager
async def running(candidate: Candidate) -> AsyncIterator[Bench]:
    """Start a simulator and stop it at the end."""
    simulator = getattr(candidate.make_simulator, "unhurried", candidate.make_simulator)(1)
    bench = Bench(candidate, simulator, await simulator.start())
    try:
        await bench.reset()
        yield bench
    finally:
        await bench.aclose()
        await simulator.stop()


def records(pages: Sequence[Page]) -> list[Record]:
    """Return the records of a walk in order."""
    return [record for page in pages for record in page.records]


def tiles(start: datetime, end: datetime, longest: timedelta | None, dimension: str = _CHANGES) -> list[Window]:
    """Cut a stretch of time into windows without gap or overlap."""
    found: list[Window] = []
    while start < end:
        upto = end if longest is None else min(start + longest, end)
        found.append(Window(dimension=dimension, start=start, end=upto))
        start = upto
    return found


def _told(answer: httpx.Response, name: str) -> Any:  # noqa: ANN401 - any JSON value
    if answer.is_error:
        raise Finding(f"the simulator refuses /_sim/{name}: {answer.text[:300]}")
    return answer.json()
