"""Innbox, a vendor that does not exist: all that a further vendor takes, a connector, a door and a mapper.

Its whole API is `GET /bookings?since=…&ids=…`, which answers with every booking as one flat row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec

from connectors.kit.doors import check_secret, read_json
from connectors.kit.read_only import ReadOnly
from pms_sync.domain.errors import Disposition, MappingRejected, VendorFault
from pms_sync.domain.reservation import Guest, Revision, Stay
from pms_sync.domain.status import Status
from pms_sync.ports.connector import (
    Catalogue,
    Checked,
    Connector,
    ConnectorContext,
    ConnectorPlugin,
    ConnectorSpec,
    Delivery,
    Missing,
    Page,
    RateBudget,
    Record,
    StreamSpec,
    Subscription,
    VendorEvent,
    VendorRequest,
    Window,
)
from pms_sync.ports.mapper import Change, Mapped, MappingContext

HEADER = "X-Innbox-Secret"
STATES = {"booked": Status.CONFIRMED, "gone": Status.CANCELLED}
SPEC = ConnectorSpec(
    vendor="innbox",
    label="Innbox",
    capabilities=frozenset({"reservations", "webhooks"}),
    streams=(StreamSpec(name="reservations", feed="delta", snapshot_dimension="arrival"),),
    rate_budget=RateBudget(credits=Decimal(100), window_s=60.0),
    max_in_flight=1,
    batch_fetch_limit=50,
    webhook_header=HEADER,
    credential_keys=("key",),
    secret_credentials=frozenset({"key"}),
    default_base_url="https://innbox.example",
)


class Booking(msgspec.Struct):
    """One booking as Innbox tells it."""

    id: int
    hotel: str
    kind: str
    arrival: date
    departure: date
    state: str
    guest: str
    price: Decimal
    changed: str


class Ring(msgspec.Struct):
    """A webhook: the bookings that changed."""

    hotel: str
    changed: list[int]


class Innbox(ReadOnly):
    """Talks to Innbox."""

    spec = SPEC

    def __init__(self, context: ConnectorContext) -> None:
        """Take the account."""
        self._context = context

    async def check(self) -> Checked:
        """Read nothing, with the key."""
        await self._rows(ids="0")
        return Checked(property_refs=(self._context.property_ref,))

    async def catalogue(self) -> Catalogue:
        """Innbox keeps none."""
        return Catalogue(property_ref=self._context.property_ref)

    async def pull(self, stream: str, window: Window, page: str | None) -> Page:
        """Read all bookings of a window in one page."""
        rows = await self._rows(dimension=window.dimension, start=window.start.isoformat(), end=window.end.isoformat())
        return Page(records=tuple([self._record(stream, row) for row in rows]), next=page)

    async def fetch(self, stream: str, refs: Sequence[str]) -> Mapping[str, Record | Missing]:
        """Read bookings by id."""
        found = [self._record(stream, row) for row in await self._rows(ids=",".join(refs))]
        return {**dict.fromkeys(refs, Missing("absent")), **{one.ref: one for one in found}}

    async def calibrate(self, stream: str, known: Record) -> bool:
        """Innbox says UTC."""
        return bool(stream and known.ref)

    async def subscribe(self, url: str, secret: str) -> list[Subscription]:
        """Let a person enter the address."""
        return [Subscription(url=url, manual=f"enter the address at Innbox ({len(secret)} letters of secret)")]

    async def aclose(self) -> None:
        """Hold nothing."""

    async def _rows(self, **asked: str) -> list[msgspec.Raw]:
        key = self._context.credentials["key"]
        answer = await self._context.client.get("/bookings", params=asked, headers={"X-Key": key})
        if answer.status_code != 200:
            why = "Innbox does not know the key"
            raise VendorFault(why, "credentials", "give the key anew", disposition=Disposition.PAUSE)
        return msgspec.json.decode(answer.content, type=list[msgspec.Raw])

    def _record(self, stream: str, row: msgspec.Raw) -> Record:
        told = msgspec.json.decode(row, type=Booking)
        return Record(stream=stream, ref=str(told.id), property_ref=told.hotel, body=bytes(row), version=told.changed)


class InnboxDoor:
    """Reads Innbox's webhooks."""

    vendor = "innbox"
    header: str | None = HEADER
    _decoder = msgspec.json.Decoder(Ring)

    def verify(self, delivery: Delivery, secrets: Sequence[str], *, now: datetime) -> None:  # noqa: ARG002 - no time is signed
        """Compare the header."""
        check_secret(delivery.headers.get(HEADER.lower()), secrets)

    def delivery_id(self, delivery: Delivery) -> str | None:
        """Innbox numbers nothing."""
        return delivery.headers.get("x-innbox-delivery")

    def read(self, body: bytes) -> list[VendorEvent]:
        """Name the bookings that changed."""
        ring = read_json(self._decoder, body)
        return [VendorEvent(stream="reservations", ref=str(one), property_ref=ring.hotel) for one in ring.changed]


class InnboxMapper:
    """Says what Innbox's bookings mean."""

    vendor = "innbox"
    version = 1

    def rows(self, body: bytes) -> list[bytes]:
        """Split a list of bookings."""
        return [bytes(row) for row in msgspec.json.decode(body, type=list[msgspec.Raw])]

    def to_revisions(self, stream: str, raw: bytes, context: MappingContext) -> Mapped:
        """Map one booking."""
        told = read_json(msgspec.json.Decoder(Booking), raw)
        if told.state not in STATES:
            raise MappingRejected("$.state", told.state, f"a state of {stream} that Innbox is not known to have")
        status, ref = STATES[told.state], str(told.id)
        ours = told.kind if context.crosswalk is None else context.crosswalk.ours("room_type", told.kind)
        stay = Stay(
            ref=ref,
            room_type_ref=told.kind,
            room_type=ours,
            arrival=told.arrival,
            departure=told.departure,
            status=status,
            total=told.price,
        )
        revision = Revision(
            vendor="innbox",
            ref=ref,
            property_ref=told.hotel,
            version=told.changed,
            scope="reservation",
            siblings_complete=True,
            status=status,
            channel="direct",
            currency=context.currency,
            total=told.price,
            booker=Guest(last_name=told.guest),
            room_stays=(stay,),
            modified_at=datetime.fromisoformat(told.changed).astimezone(UTC),
        )
        return Mapped(revisions=(revision,))

    def project(self, state: Revision, context: MappingContext) -> Revision:
        """Hold all of it."""
        return state if state.currency is not None else msgspec.structs.replace(state, currency=context.currency)

    def to_requests(self, change: Change, context: MappingContext) -> list[VendorRequest]:
        """Write nothing."""
        raise MappingRejected("$", change.kind, f"Innbox is only read at {context.property_code}")


def connect(context: ConnectorContext) -> Connector:
    """Build the connector of one account."""
    return Innbox(context)


CONNECTOR = ConnectorPlugin(spec=SPEC, connect=connect, door=InnboxDoor())
MAPPER = InnboxMapper()
