"""Resource blocks: rooms out of order or in internal use, each with the category that its room is sold as.

The record is {"ResourceBlock": the row as it came, "Enterprise", "ResourceCategoryAssignments"}; the last part is left
out where it may not be read. Availability blocks, which set stock aside for a group, are not read: what is left of one
is a count that goes down as its stays are booked, and a block of ours holds one unit for as long as it stands.
Sections are those of vendors/mews.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from connectors.mews import facts, rows, wire
from connectors.mews.places import Places
from connectors.mews.session import Session
from pms_sync.ports.connector import Missing, Record, RejectedRow


class Blocks:
    """Makes records of resource blocks."""

    def __init__(self, session: Session, places: Places, property_ref: str) -> None:
        """Read nothing yet."""
        self._session, self._places, self._property = session, places, property_ref

    async def records(self, found: Iterable[bytes]) -> tuple[list[Record], list[RejectedRow]]:
        """Make a record of each row; rows of another property mean that a filter was ignored, and are left out."""
        records: list[Record] = []
        rejected: list[RejectedRow] = []
        for body in found:
            try:
                key = wire.BLOCK.decode(body)
            except (ValueError, RecursionError) as error:
                why, _, path = str(error).partition(" - at ")
                rejected.append(RejectedRow(body=body, path=path.strip("`") or "$", why=why.replace("`", "")))
                continue
            if key.enterprise_id == self._property:
                records.append(await self._record(key, body))
        return records, rejected

    async def named(self, refs: Sequence[str]) -> dict[str, Record | Missing]:
        """Read blocks by id, deleted ones too; raises VendorFault when a row comes that was not asked for."""
        found: dict[str, Record | Missing] = {}
        for body in await self._session.of_ids(facts.REPAIRS, "ResourceBlockIds", refs, own=True):
            (key,) = wire.read_all([body], wire.BLOCK, f"POST {facts.REPAIRS}")
            if key.id not in refs:
                what = "a row came that was not asked for: the filter was ignored"
                raise rows.incomplete(what)
            ours = key.enterprise_id == self._property
            found[key.id] = await self._record(key, body) if ours else Missing("not_ours", key.enterprise_id)
        return found

    async def _record(self, key: wire.Block, body: bytes) -> Record:
        place = await self._places.enterprise()
        told: dict[str, object] = {
            "ResourceBlock": msgspec.Raw(body),
            "Enterprise": {"Id": place.id, "TimeZoneIdentifier": place.time_zone_identifier},
        }
        room = key.assigned_resource_id
        categories = await self._places.categories_of([room])
        if categories is not None:
            told["ResourceCategoryAssignments"] = [msgspec.Raw(one) for one in categories.get(room, [])]
        return Record(
            stream=facts.BLOCKS,
            ref=key.id,
            property_ref=key.enterprise_id,
            body=msgspec.json.encode(told),
            version=rows.version(key.updated_utc),
        )
