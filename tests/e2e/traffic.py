"""Traffic: bookings, changes, cancellations and webhooks without pause, and a memory of what was acknowledged."""

from __future__ import annotations

import asyncio
import contextlib
import random
from types import TracebackType
from typing import Self

import httpx

from tests.e2e.bookings import ROOMS, Days
from tests.e2e.stage import Stage
from tests.e2e.waiting import eventually


class Traffic:
    """What happens at the vendor while something else happens to the daemon; runs between `async with` and its end."""

    def __init__(self, stage: Stage, seed: int = 1, pause_s: float = 0.03) -> None:
        """Draw from a seeded dice; `pause_s` lies between two things."""
        self._stage, self._dice, self._pause_s = stage, random.Random(seed), pause_s
        self._task: asyncio.Task[None] | None = None
        self._days: Days | None = None
        self._room = 0
        self.refs: list[str] = []
        self.acknowledged = self.refused = 0
        self._told: set[str] = set()

    async def __aenter__(self) -> Self:
        """Begin."""
        self._task = asyncio.create_task(self._run(), name="traffic")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End; a failure of the traffic itself is raised."""
        assert self._task is not None
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def more_than(self, number: int) -> bool:
        """Tell whether more webhooks than that were acknowledged."""
        return self.acknowledged > number

    async def check(self) -> None:
        """Demand that every booking of an acknowledged webhook arrives in the store."""
        assert self._told

        async def arrived() -> bool:
            links = "SELECT l->>'ref' AS ref FROM pms_public.reservations, jsonb_array_elements(links) l"
            missing = self._told - {row["ref"] for row in await self._stage.store.rows(links)}
            assert not missing, f"acknowledged and lost: {sorted(missing)[:5]}"
            return True

        await eventually(arrived, 30, 0.2)

    async def _run(self) -> None:
        while True:
            await self._step()
            await asyncio.sleep(self._pause_s * self._dice.random() * 2)

    async def _step(self) -> None:
        what = self._dice.random()
        if what < 0.6 or not self.refs:
            await self._book(silent=what < 0.3)
        elif what < 0.9:
            await self._stage.vendor.modify(self._dice.choice(self.refs), adults=self._dice.randint(1, 3))
        else:
            await self._stage.vendor.cancel(self.refs.pop(self._dice.randrange(len(self.refs))))

    async def _book(self, *, silent: bool) -> None:
        if self._room % len(ROOMS) == 0 or self._days is None:
            self._days = self._stage.calendar.days()
        ref = await self._stage.vendor.book(self._days.stay(0, 2, ROOMS[self._room % len(ROOMS)]), silent=silent)
        self._room += 1
        self.refs.append(ref)
        if silent:
            await self._tell(ref)

    async def _tell(self, ref: str) -> None:
        """Send the webhook once, as a vendor that never tries again."""
        try:
            answer, _ = await self._stage.post(self._stage.vendor.webhook(ref))
        except httpx.TransportError:
            self.refused += 1
            return
        if answer.status_code == 200:
            self.acknowledged += 1
            self._told.add(ref)
        else:
            self.refused += 1
