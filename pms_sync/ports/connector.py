"""The plugin contract: what the engine asks of a vendor's connector and door (ARCHITECTURE §3)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, Protocol

import msgspec

from pms_sync.domain.errors import MappingRejected

PLUGIN_API = 1

Feed = Literal["delta", "sweep", "snapshot", "queue", "job", "stream"]
PageOrder = Literal["oldest_first", "newest_first", "unordered"]
Trust = Literal["weak", "signed"]


class StreamSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Declared facts of one stream, from which the engine picks its strategy.

    `overlap` is how far a window reaches back before the cursor until the account is calibrated; `calibrated_overlap`
    is used once `Connector.calibrate` proved how the vendor reads our times. `snapshot_dimension` names the window
    dimension that lists everything (backfill), if there is one; `max_window` limits windows of changes,
    `max_snapshot_window` those along that dimension. `day_dimensions` are further ones, by property-local day, along
    which a sweep of a few days tells what is new. `period` is how long the stream rests after a read, where the usual
    interval of polls would be wrong. `sweep_back` and `sweep_ahead` say how far around the present a sweep lists, if
    not everything is wanted; `sweep_ahead` also how far the daily comparison does, which finds what a delta misses.
    Without `first_far` the first listing goes no further than a sweep, as short windows would make it hundreds of
    calls.
    """

    name: str
    feed: Feed
    page_order: PageOrder = "unordered"
    clock_granularity: timedelta = timedelta(seconds=1)
    overlap: timedelta = timedelta(minutes=5)
    calibrated_overlap: timedelta = timedelta(minutes=5)
    max_window: timedelta | None = None
    max_snapshot_window: timedelta | None = None
    snapshot_dimension: str | None = None
    day_dimensions: tuple[str, ...] = ()
    period: timedelta | None = None
    sweep_back: timedelta | None = None
    sweep_ahead: timedelta | None = None
    first_far: bool = True
    page_size: int = 100


class RateBudget(msgspec.Struct, frozen=True, kw_only=True):
    """What the vendor allows one account: so many credits in so many seconds."""

    credits: Decimal
    window_s: float
    reserve: Decimal = Decimal(0)


class ConnectorSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Frozen facts about a vendor; differences between vendors are declared here, never branched on in the core.

    `batch_push_limit` is how many independent requests one push may carry, each with a verdict of its own.
    `client_budget` is what the vendor allows one of its clients over all accounts together, where it counts that too.
    `refs_per_property` says that two properties may use the same ref, so that a ref cannot be told to be another's.
    `unread_blocks` are kinds of blocks that the vendor has and the connector does not read.
    """

    vendor: str
    label: str
    plugin_api: int = PLUGIN_API
    capabilities: frozenset[str]
    streams: tuple[StreamSpec, ...]
    rate_budget: RateBudget
    client_budget: RateBudget | None = None
    max_in_flight: int
    batch_fetch_limit: int
    batch_push_limit: int = 1
    read_lag: timedelta = timedelta(0)
    webhook_trust: Trust = "weak"
    webhook_header: str | None = None
    identifier_keys: frozenset[str] = frozenset()
    refs_per_property: bool = False
    unread_blocks: frozenset[str] = frozenset()
    credential_keys: tuple[str, ...] = ()
    secret_credentials: frozenset[str] = frozenset()
    client_credentials: tuple[str, ...] = ()  # the credentials that name the vendor client a door belongs to
    default_base_url: str = ""
    docs: str = ""

    def stream(self, name: str) -> StreamSpec:
        """Return the stream of that name; raises KeyError when the vendor has none."""
        return next(stream for stream in self.streams if stream.name == name)


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One raw vendor object as read: its ref, its property, and the bytes exactly as they came."""

    stream: str
    ref: str
    property_ref: str
    body: bytes
    version: str = ""


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """`[start, end)` along one dimension of a stream; instants are UTC, dates are given as midnight UTC.

    `open_ended` says that the window reaches the present: `end` is our clock's guess, and a connector that can asks
    without an upper bound, since a vendor whose clock runs ahead of ours would hide its newest changes behind one.
    """

    dimension: str
    start: datetime
    end: datetime
    open_ended: bool = False


class Sighting(msgspec.Struct, frozen=True):
    """An object that a listing names without showing it whole; it is fetched unless this version of it is held.

    `version` is written as the mapper writes the object's, and empty where the listing does not tell one.
    """

    ref: str
    version: str = ""


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One page of a pull; `next` is None after the last one. `high_water` is the newest vendor time seen."""

    records: tuple[Record, ...]
    sightings: tuple[Sighting, ...] = ()
    rejected: tuple[RejectedRow, ...] = ()
    high_water: datetime | None = None
    next: str | None = None


class RejectedRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of a page that could not even be read as a record; parked alone."""

    body: bytes
    path: str
    why: str


class PartlyRead(MappingRejected):
    """A webhook's body tells of several objects, and some of them cannot be read; `events` are of the others.

    Path and reason are those of the first that cannot be read, `unread` is how many there are.
    """

    def __init__(self, first: MappingRejected, unread: int, events: tuple[VendorEvent, ...]) -> None:
        """Keep what was read, so that one bad object holds up no other."""
        super().__init__(first.path, first.value, first.why)
        self.unread, self.events = unread, events


class Missing(msgspec.Struct, frozen=True):
    """Why a fetched ref brought no record: `deleted` with proof, `absent` without, or `not_ours`."""

    reason: Literal["deleted", "absent", "not_ours"]
    property_ref: str | None = None


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What the cheapest authenticated call told: scopes, the vendor's clock, zone and currency where it says them."""

    scopes: tuple[str, ...] = ()
    missing_scopes: tuple[str, ...] = ()
    vendor_time: datetime | None = None
    zone: str | None = None
    currency: str | None = None
    property_refs: tuple[str, ...] = ()
    detail: str = ""


class CatalogueRoom(msgspec.Struct, frozen=True, kw_only=True):
    """One physical unit, by the vendor's ref."""

    ref: str
    name: str | None = None


class CatalogueRoomType(msgspec.Struct, frozen=True, kw_only=True):
    """What the vendor sells, with its physical units."""

    ref: str
    name: str | None = None
    units: int = 0
    rooms: tuple[CatalogueRoom, ...] = ()


class CatalogueRatePlan(msgspec.Struct, frozen=True, kw_only=True):
    """Conditions and price list, by the vendor's ref."""

    ref: str
    name: str | None = None


class Catalogue(msgspec.Struct, frozen=True, kw_only=True):
    """The vendor's side of the crosswalk."""

    property_ref: str
    name: str | None = None
    currency: str | None = None
    zone: str | None = None
    room_types: tuple[CatalogueRoomType, ...] = ()
    rate_plans: tuple[CatalogueRatePlan, ...] = ()


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """One standing order at the vendor; `manual` tells the person what to enter by hand instead."""

    url: str
    manual: str | None = None
    warning: str | None = None


class VendorRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One object's worth of writing in the vendor's own shape, made by the mapper and sent as it is by the connector.

    `ref` is the vendor object it changes, None for one that it creates. `body` is the vendor's JSON item. `token` is
    our mark by which a create can be found again. `paths` are the atoms it carries. `notices` tell a person what the
    vendor will not do with it (a change that does not reach the channel, say). The requests of one change belong into
    one push.
    """

    kind: Literal["create", "modify", "cancel"]
    ref: str | None
    body: bytes
    token: str
    paths: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """Why the vendor did not take a request, in its words; `path` is the field it names."""

    path: str
    why: str


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """The vendor's verdict on one request: the objects it touched or made, or why not; warnings do not refuse.

    Refs beside refusals mean that a part was applied: the object is there and must be read again.
    """

    refs: tuple[str, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def accepted(self) -> bool:
        """Tell whether the vendor took it."""
        return not self.refusals


class LookedUp(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a request whose answer was lost took effect: `unsure` makes a case, never a retry."""

    outcome: Literal["found", "absent", "unsure"]
    refs: tuple[str, ...] = ()


class CallFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer told about the budget; None means not said, never zero."""

    remaining: float | None = None
    resets_in: float | None = None
    cost: float | None = None


class TokenStore(Protocol):
    """Where a connector keeps its tokens: sealed, shared by replicas, stored before use."""

    async def load(self) -> Mapping[str, str]:
        """Return what was stored last, empty at first."""
        ...

    async def save(self, tokens: Mapping[str, str]) -> None:
        """Store durably before the tokens are used."""
        ...

    def refreshing(self) -> Any:  # noqa: ANN401 - an async context manager, single-flight across processes
        """Return an async context manager that only one refresher holds at a time."""
        ...


Sleep = Callable[[float], Awaitable[None]]


class ConnectorContext(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a connector may touch, handed in; it waits with `sleep` where a vendor wants its calls apart."""

    base_url: str
    property_ref: str
    credentials: Mapping[str, str]
    client: Any  # httpx.AsyncClient made by the one factory
    tokens: Any  # TokenStore
    report: Callable[[CallFacts], None]
    now: Callable[[], datetime]
    sleep: Sleep = asyncio.sleep


class Connector(Protocol):
    """A thin talker to one vendor account; one await is one retryable unit, and it never retries by itself."""

    spec: ConnectorSpec

    async def check(self) -> Checked:
        """Make the cheapest authenticated call."""
        ...

    async def catalogue(self) -> Catalogue:
        """Read room types, rooms and rate plans of the account's property."""
        ...

    async def pull(self, stream: str, window: Window, page: str | None) -> Page:
        """Read one page of a delta, sweep or snapshot feed; `page` is None for the first."""
        ...

    async def fetch(self, stream: str, refs: Sequence[str]) -> Mapping[str, Record | Missing]:
        """Read objects as they are now, at most `batch_fetch_limit` refs; every ref has an answer."""
        ...

    async def push(self, requests: Sequence[VendorRequest]) -> Sequence[Receipt]:
        """Write once, without retry, and return one verdict per request, in their order.

        Raises VendorFault; one whose `sent` is true may have taken effect (its outcome is unknown).
        """
        ...

    async def look_up(self, request: VendorRequest, since: datetime) -> LookedUp:
        """Find out whether a request sent after `since` (UTC) took effect, before anybody thinks of a retry."""
        ...

    async def calibrate(self, stream: str, known: Record) -> bool:
        """Prove with a known record that the delta filter reads our times as UTC."""
        ...

    async def subscribe(self, url: str, secret: str) -> list[Subscription]:
        """Make the vendor send to exactly this address, keeping what other products registered."""
        ...

    async def aclose(self) -> None:
        """Let go of what was opened; may be called twice."""
        ...


ConnectorFactory = Callable[[ConnectorContext], Connector]


class ConnectorPlugin(msgspec.Struct, frozen=True, kw_only=True):
    """What an entry point of the group `pms_sync.connectors` names; `door` where none of its own group names it."""

    spec: ConnectorSpec
    connect: ConnectorFactory
    queue: Any = None  # ports.queue.QueueReader, which reads what `drain` brings
    door: Any = None  # Door


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook request as received: header names in lower case, the body's raw bytes."""

    headers: Mapping[str, str]
    body: bytes
    received_at: datetime
    query: Mapping[str, str] = {}


class VendorEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A hint that an object changed; it causes at most one authenticated read."""

    stream: str
    ref: str
    property_ref: str | None = None


class Door(Protocol):
    """The pure half of webhooks: who may send, and what a delivery is about."""

    vendor: str
    header: str | None

    def verify(self, delivery: Delivery, secrets: Sequence[str], *, now: datetime) -> None:
        """Return when one of the valid secrets fits, in constant time; raises DeliveryRefused otherwise."""
        ...

    def delivery_id(self, delivery: Delivery) -> str | None:
        """Return the vendor's own delivery id, where it has one."""
        ...

    def read(self, body: bytes) -> list[VendorEvent]:
        """Say which objects the body is about; raises PartlyRead or MappingRejected where it cannot be told."""
        ...
