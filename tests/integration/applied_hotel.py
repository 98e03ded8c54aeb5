"""A small hotel with an applier, and revisions as a vendor would have them."""

from __future__ import annotations

import hashlib
import itertools
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from mappers.beds24 import MAPPER
from pms_sync.apply.batch import Applier
from pms_sync.apply.incoming import Incoming, Outcome
from pms_sync.domain.reservation import Block, Guest, Night, Revision, Stay
from pms_sync.domain.status import Status
from pms_sync.store import accounts, crosswalk, lanes
from pms_sync.store.database import Database
from pms_sync.store.ids import new_id
from pms_sync.store.sealing import KeyRing

UTC_NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class FixedClock:
    """A clock that stands still."""

    def now(self) -> datetime:
        """Return noon of the first of March 2026."""
        return UTC_NOON

    def monotonic(self) -> float:
        """Return zero."""
        return 0.0


def revision(ref: str = "1001", **changes: Any) -> Revision:
    """Build a confirmed single-room revision in room 101, 10 to 12 March, with some fields changed."""
    facts: dict[str, Any] = {
        "arrival": date(2026, 3, 10),
        "departure": date(2026, 3, 12),
        "status": Status.CONFIRMED,
        "room": "101",
        "version": "2026-03-01T10:00:00Z",
        "group": ref,
        "home": True,
        "total": Decimal("200.00"),
        "channel": "direct",
        "vendor_channel": msgspec.UNSET if changes.get("channel", "direct") != "direct" else "direct",
        "channel_reference": None,
        "lines": (),
        "name": "Ann",
        "blocks_inventory": True,
    } | changes
    return Revision(
        vendor="beds24",
        ref=facts["group"],
        property_ref="7",
        version=facts["version"],
        scope="stay",
        is_home=facts["home"],
        status=facts["status"],
        vendor_status="confirmed",
        channel=facts["channel"],
        vendor_channel=facts["vendor_channel"],
        channel_reference=facts["channel_reference"],
        currency="EUR",
        total=facts["total"],
        price_basis="gross",
        booker=Guest(first_name=facts["name"], last_name="Example", email="a@example.org", country="ES"),
        guests=(),
        room_stays=(_stay(ref, facts),),
        folio_lines=facts["lines"],
        notes="late arrival",
        created_at=UTC_NOON,
        modified_at=UTC_NOON,
    )


def _stay(ref: str, facts: Mapping[str, Any]) -> Stay:
    """Build the revision's only stay; its total is spread evenly over its nights."""
    nights = (facts["departure"] - facts["arrival"]).days
    return Stay(
        ref=ref,
        room_type_ref="55",
        room_ref=f"55/{facts['room'][-1]}" if facts["room"] else None,
        room_type="DBL",
        room=facts["room"],
        arrival=facts["arrival"],
        departure=facts["departure"],
        status=facts["status"],
        blocks_inventory=facts["blocks_inventory"],
        adults=2,
        children=0,
        total=facts["total"],
        nights=tuple(
            Night(date.fromordinal(facts["arrival"].toordinal() + n), facts["total"] / nights, derived=True)
            for n in range(nights)
        ),
    )


class House:
    """The small hotel with an applier, as a test sees it."""

    def __init__(self, database: Database, keys: KeyRing, tenant_id: uuid.UUID, account_id: uuid.UUID) -> None:
        """Keep what is needed to apply and to look."""
        self.database, self.keys, self.tenant_id, self.account_id = database, keys, tenant_id, account_id
        self.applier = Applier(keys, FixedClock(), new_id, {"beds24": MAPPER})
        self.tickets = itertools.count(1)

    async def incoming(self, mapped: Revision | Block, **changes: Any) -> Incoming:
        """Wrap a mapped object as if it had been read just now."""
        async with self.database.connection() as connection:
            [account] = await accounts.load(connection, [self.account_id])
            ticket = await lanes.read_ticket(connection)
        ref = mapped.room_stays[0].ref if isinstance(mapped, Revision) else mapped.ref
        body = msgspec.json.encode(mapped)
        facts: dict[str, Any] = {
            "account": account,
            "lane_key": lanes.lane_key(self.account_id, "reservations", ref),
            "stream": "reservations",
            "ref": ref,
            "kind": "poll",
            "mapped": mapped,
            "body": body,
            "raw_id": None,
            "digest": hashlib.sha256(body).digest(),
            "ticket": ticket,
            "direct": False,
            "correlation_id": "c1",
        }
        return Incoming(**(facts | changes))

    async def apply(self, *mapped: Revision | Block, **changes: Any) -> list[Outcome]:
        """Apply the objects as one batch and return their outcomes in order."""
        records = [await self.incoming(one, **changes) for one in mapped]
        return await self.apply_records(records)

    async def apply_records(self, records: Sequence[Incoming]) -> list[Outcome]:
        """Apply records as one batch."""
        async with self.database.transaction(self.tenant_id) as connection:
            property_id = records[0].account.property_id
            catalogue = await crosswalk.load_catalogue(connection, self.tenant_id, property_id)
            outcomes = await self.applier.apply(connection, self.tenant_id, records, {property_id: catalogue})
        return [outcomes[record.lane_key] for record in records]

    async def rows(self, query: str, *arguments: Any) -> list[Mapping[str, Any]]:
        """Read with the tenant set."""
        async with self.database.transaction(self.tenant_id) as connection:
            return [dict(row) for row in await connection.fetch(query, *arguments)]
