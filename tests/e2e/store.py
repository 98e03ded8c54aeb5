"""The store as anybody may read it: the views of `pms_public`, as the reader role."""

from __future__ import annotations

from typing import Any

import asyncpg
import msgspec

from tests.e2e.vendor import VENDOR

Row = dict[str, Any]

_LINKED = """
SELECT r.* FROM pms_public.reservations r
 WHERE EXISTS (SELECT FROM jsonb_array_elements(r.links) l WHERE l->>'vendor' = $1 AND l->>'ref' = $2)
"""


class Store:
    """Reads, each over a connection of its own, since servers come and go in these tests."""

    def __init__(self, dsn: str) -> None:
        """Name the database; the owner connects and steps down to the reader."""
        self.dsn = dsn

    async def rows(self, query: str, *values: object, role: str | None = "pms_sync_reader") -> list[Row]:
        """Return the rows of a query; role None reads as the owner. Raises what the driver raises."""
        connection = await asyncpg.connect(self.dsn, timeout=5)
        try:
            for name in ("json", "jsonb"):
                await connection.set_type_codec(name, encoder=str, decoder=msgspec.json.decode, schema="pg_catalog")
            if role is not None:
                await connection.execute(f"SET ROLE {role}")
            return [dict(row) for row in await connection.fetch(query, *values)]
        finally:
            await connection.close()

    async def value(self, query: str, *values: object, role: str | None = "pms_sync_reader") -> Any:
        """Return the one value of a query."""
        [row] = await self.rows(query, *values, role=role)
        [found] = row.values()
        return found

    async def reservation(self, ref: str) -> Row | None:
        """Return the reservation that a vendor's ref leads to; two of them are a failure (I2)."""
        found = await self.rows(_LINKED, VENDOR, ref)
        assert len(found) <= 1, f"{ref} leads to {len(found)} reservations"
        return found[0] if found else None

    async def stays(self, ref: str) -> list[Row]:
        """Return the room stays of the reservation that a vendor's ref leads to, by their own refs."""
        found = await self.reservation(ref)
        query = "SELECT * FROM pms_public.room_stays WHERE reservation_id = $1 ORDER BY vendor_ref"
        return await self.rows(query, found["id"]) if found else []

    async def stay(self, ref: str) -> Row | None:
        """Return the room stay of a booking."""
        query = "SELECT * FROM pms_public.room_stays WHERE vendor = $1 AND vendor_ref = $2"
        found = await self.rows(query, VENDOR, ref)
        assert len(found) <= 1, f"{ref} is {len(found)} stays"
        return found[0] if found else None

    async def block(self, ref: str) -> Row | None:
        """Return the block of a booking."""
        found = await self.rows("SELECT * FROM pms_public.blocks WHERE vendor = $1 AND vendor_ref = $2", VENDOR, ref)
        return found[0] if found else None

    async def cases(self, kind: str, *, about: str = "") -> list[Row]:
        """Return the cases of a kind, oldest first; `about` is part of their subject."""
        query = "SELECT * FROM pms_public.cases WHERE kind = $1 AND strpos(subject, $2) > 0 ORDER BY opened_at"
        return await self.rows(query, kind, about)

    async def booked(self, day: str, room_type: str = "DBL") -> int:
        """Return how many of a room type are counted as sold on a night."""
        query = "SELECT booked FROM pms_public.inventory WHERE date = $1::text::date AND room_type = $2"
        found = await self.rows(query, day, room_type)
        return int(found[0]["booked"]) if found else 0

    async def inbox(self, ref: str) -> list[Row]:
        """Return what was received about an object, oldest first."""
        query = "SELECT * FROM pms_public.inbox WHERE ref = $1 ORDER BY received_at, id"
        return await self.rows(query, ref)

    async def audit(self, entity_id: object) -> list[Row]:
        """Return the history of one object."""
        return await self.rows("SELECT * FROM pms_public.audit WHERE entity_id = $1 ORDER BY at", str(entity_id))

    async def waiting(self) -> int:
        """Return how much was received and is not finished."""
        return int(await self.value("SELECT count(*) FROM pms_public.inbox WHERE state IN ('waiting', 'leased')"))
