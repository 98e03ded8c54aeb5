"""A code that is mapped anew while work is under way: each record is read by one map, and all end with the newest."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from pms_sync.ingest.replaying import heal
from pms_sync.ports.connector import Missing, Record
from pms_sync.store import lanes
from tests.integration.audited_hotel import STREAM, Site, plant, running_site

BEFORE = {"55/1": "101", "55/2": "102", "55/3": "103"}
AFTER = {**BEFORE, "55/1": "102", "55/2": "101"}
_SWAP = """
UPDATE crosswalk SET our_code = CASE our_code WHEN '101' THEN '102' ELSE '101' END
 WHERE kind = 'room' AND our_code IN ('101', '102')
"""
_READ = """
SELECT l.crosswalk_version AS version, s.room_ref, r.code FROM links l
  JOIN room_stays s ON s.tenant_id = l.tenant_id AND s.stay_id = l.object_id
  JOIN rooms r ON r.tenant_id = s.tenant_id AND r.room_id = s.room_id
 WHERE l.level = 'stay'
"""


class Interrupted:
    """A connector that fetches ten at a time, and lets something happen after its third answer."""

    def __init__(self, connector: Any, act: Callable[[], Awaitable[None]]) -> None:
        """Wrap the real one."""
        self._connector, self._act, self.answers = connector, act, 0
        self.spec = msgspec.structs.replace(connector.spec, batch_fetch_limit=10)

    def __getattr__(self, name: str) -> Any:
        """Be the real one in everything else."""
        return getattr(self._connector, name)

    async def fetch(self, stream: str, refs: Sequence[str]) -> Mapping[str, Record | Missing]:
        """Fetch, and act between an answer and what becomes of it."""
        found: Mapping[str, Record | Missing] = await self._connector.fetch(stream, refs)
        self.answers += 1
        if self.answers == 3:
            await self._act()
        return found


async def hinted(site: Site) -> int:
    """Let a webhook name every stay; returns how many."""
    account = site.reader.runtime.account
    async with site.reader.database.transaction(account.tenant_id) as connection:
        rows = await connection.fetch("SELECT vendor_ref FROM links WHERE level = 'stay'")
        events = [
            lanes.NewEvent(
                tenant_id=account.tenant_id,
                account_id=account.account_id,
                kind="webhook",
                stream=STREAM,
                ref=row["vendor_ref"],
                correlation_id="hint",
            )
            for row in rows
        ]
        await lanes.append(connection, events)
    return len(events)


async def rooms(site: Site) -> list[tuple[int, str, str]]:
    """Return (version of the map, the vendor's room, our room) of every stay that has one."""
    async with site.reader.database.transaction(site.reader.runtime.account.tenant_id) as connection:
        return [(row["version"], row["room_ref"], row["code"]) for row in await connection.fetch(_READ)]


async def test_a_map_that_changes_midway_is_never_mixed_within_a_record_and_heals(empty_database: str) -> None:
    """MAP-08: what was read before the change is read once more from its raw record, and nothing at the vendor."""
    async with running_site(empty_database, reservations=60, rooms=3) as site:
        await site.reader.read()

        async def remap() -> None:
            await plant(site.dsn, _SWAP, "UPDATE accounts SET crosswalk_version = crosswalk_version + 1")

        runtime: Any = site.reader.runtime
        runtime.connector = midway = Interrupted(runtime.connector, remap)
        assert await hinted(site) >= 50
        await site.reader.worker.drain()
        assert midway.answers >= 5
        found = await rooms(site)
        old = min(version for version, _, _ in found)
        assert {version for version, _, _ in found} == {old, old + 1}
        maps = {old: BEFORE, old + 1: AFTER}
        assert [one for one in found if maps[one[0]][one[1]] != one[2]] == []

        answers = midway.answers
        assert await heal(site.reader.database, uuid.uuid4) > 0
        await site.reader.worker.drain()
        found = await rooms(site)
        assert {version for version, _, _ in found} == {old + 1}
        assert [one for one in found if AFTER[one[1]] != one[2]] == []
        assert midway.answers == answers
