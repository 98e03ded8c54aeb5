"""A queue that hands out the same message again and again: it has one effect."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from connectors.opera.simulator.backend import EXTERNAL_SYSTEM
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from tests.integration.drifting_hotel import House, running_hotel

AUDITED = "SELECT count(*) AS n FROM audit_log"
COPIES = 30  # more than the queue hands out at once


class Told:
    """A booking whose changes are told by so many copies of one message, and what that came to."""

    def __init__(self, house: House, booked: str) -> None:
        self.house, self.booked = house, booked
        self.queues, self.place = house.desk.simulator.backend.queues, house.runtime.account.property_ref

    async def change(self, total: str) -> dict[str, Any]:
        """Change it, and take its message before anybody else does."""
        await self.house.desk.sim("change", op="modify", ref=self.booked, set={"total": total})
        [message] = self.queues.dequeue(EXTERNAL_SYSTEM, self.place, 1, shuffled=False)
        told: dict[str, Any] = message
        return told

    async def effects(self, message: dict[str, Any], copies: int) -> tuple[int, int]:
        """Hand out the message, follow it, and return how much was audited and how often the booking was read."""
        before = await self._counts()
        for _ in range(copies):
            self.queues.offer(self.place, message, 0)
        await self.house.follow()
        audited, reads = await self._counts()
        return audited - before[0], reads - before[1]

    async def _counts(self) -> tuple[int, int]:
        [audited] = await self.house.rows(AUDITED)
        return audited["n"], len(await self.house.reads(self.booked))


async def test_one_message_told_many_times_has_one_effect(database: Database, keys: KeyRing) -> None:
    """OH-07: in one page, over several pages, and once more when all of it is over."""
    async with running_hotel("opera", database, keys) as house:
        told = Told(house, await house.book())
        await house.poll("reservations")
        await house.follow()
        once = await told.effects(await told.change("250.00"), copies=1)
        repeated = await told.change("300.00")
        assert await told.effects(repeated, COPIES) == once
        assert once[1] == 1
        [stay] = await house.rows("SELECT total FROM room_stays")
        assert stay["total"] == Decimal(300)
        assert (await told.effects(repeated, COPIES))[0] == 0
        assert await house.rows("SELECT 1 FROM events WHERE state IN ('waiting', 'leased', 'parked')") == []
