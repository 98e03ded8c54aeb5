"""Rooms as a vendor said that they stand, written through the one way there is."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from pms_sync.apply import housekeeping
from pms_sync.apply.batch import Applier
from pms_sync.apply.incoming import Incoming, Outcome
from pms_sync.domain.room_status import STREAM, RoomStatus
from pms_sync.store import accounts, crosswalk, lanes
from pms_sync.store.database import Database
from pms_sync.store.ids import new_id
from pms_sync.store.sealing import KeyRing
from tests.integration.audited_hotel import RealClock


def standing(ref: str = "55/1", **changes: Any) -> RoomStatus:
    """Build a clean and vacant room of the hotel's vendor, 101 to us, with some facts changed."""
    facts: dict[str, Any] = {
        "vendor": "beds24",
        "property_ref": "7",
        "room_ref": ref,
        "room": {"55/1": "101", "55/2": "102", "55/3": "103"}.get(ref),
        "condition": "clean",
        "service": "in_service",
        "occupied": False,
        "vendor_word": "Clean",
    }
    return RoomStatus(**(facts | changes))


class Board:
    """The hotel's housekeeping board, which takes what the vendor says."""

    def __init__(self, database: Database, keys: KeyRing, hotel: Any) -> None:
        """Take the hotel."""
        self.database, self.hotel, self.applier = database, hotel, Applier(keys, RealClock(), new_id)

    async def take(self, *told: RoomStatus, **changes: Any) -> list[Outcome]:
        """Apply what was told as one batch, read just now unless changed; returns the outcomes in order."""
        async with self.database.transaction(self.hotel.tenant_id) as connection:
            [account] = await accounts.load(connection, [self.hotel.account_id])
            found = []
            for one in told:
                body = msgspec.json.encode(one)
                facts: dict[str, Any] = {
                    "account": account,
                    "lane_key": lanes.lane_key(account.account_id, STREAM, one.room_ref),
                    "stream": STREAM,
                    "ref": one.room_ref,
                    "kind": "poll",
                    "mapped": one,
                    "body": body,
                    "raw_id": None,
                    "digest": hashlib.sha256(body).digest(),
                    "ticket": await lanes.read_ticket(connection),
                    "direct": False,
                    "correlation_id": "c1",
                }
                found.append(Incoming(**(facts | changes)))
            catalogue = await crosswalk.load_catalogue(connection, account.tenant_id, account.property_id)
            outcomes = await housekeeping.keep(connection, self.applier, account.tenant_id, found, catalogue)
        return [outcomes[one.lane_key] for one in found]

    async def rows(self, query: str) -> list[dict[str, Any]]:
        """Read rows with the tenant set."""
        async with self.database.transaction(self.hotel.tenant_id) as connection:
            return [dict(row) for row in await connection.fetch(query)]

    async def conditions(self) -> dict[str, str | None]:
        """Return the conditions by the vendor's ref."""
        return {row["room_ref"]: row["condition"] for row in await self.rows("SELECT * FROM room_states")}

    async def rereads(self) -> list[str]:
        """Return the rooms that wait to be read again."""
        return [row["ref"] for row in await self.rows("SELECT ref FROM events WHERE kind = 'reconcile' ORDER BY ref")]
