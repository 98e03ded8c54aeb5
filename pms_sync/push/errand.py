"""Errands: one claimed lane with the intent that is under way, and how what is done for it is written and isolated.

Everything that is written for an errand commits under the fence of its lane, which is locked last.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from random import Random
from typing import Any, TypeAlias, TypeVar
from uuid import UUID

import msgspec
import structlog

from pms_sync.domain.errors import Unavailable, VendorFault
from pms_sync.push import telling
from pms_sync.push.sent import Sent, unseal
from pms_sync.store import intents, lanes
from pms_sync.store.database import Connection, Database
from pms_sync.store.intents import Intent, Moved, State
from pms_sync.store.outbox import PushLane
from pms_sync.store.sealing import KeyRing

T = TypeVar("T")
R = TypeVar("R")
_BACK_OFF_BASE_S, _BACK_OFF_CAP_S = 2.0, 300.0
MOST_STUMBLES = 6

log = structlog.get_logger(__name__)


class LaneLost(Exception):
    """Another dispatcher owns the lane by now; what was done for it here must not be written."""


class Errand(msgspec.Struct, frozen=True, kw_only=True):
    """A claimed lane, the intent under way, and what is parked for the same object."""

    lane: PushLane
    owner: UUID
    intent: Intent
    parked: tuple[Intent, ...] = ()

    def with_intent(self, intent: Intent) -> Errand:
        """Return the same errand after its intent moved on."""
        return msgspec.structs.replace(self, intent=intent)


class Rest(msgspec.Struct, frozen=True):
    """The lane waits; `counts` says that something failed, so that the next wait is longer."""

    wait_s: float
    counts: bool = False


class GoOn(msgspec.Struct, frozen=True):
    """The intent moved, and the next step is due at once."""


End: TypeAlias = Rest | GoOn
GO_ON = GoOn()


class Bench:
    """What every step works with: the store, the keys, chance, and the memory of errands that failed unexpectedly."""

    def __init__(self, database: Database, keys: KeyRing, random: Random) -> None:
        """Take the store's parts."""
        self.database, self.keys = database, keys
        self._random = random
        self._stumbles: Counter[UUID] = Counter()

    async def write(self, errand: Errand, work: Callable[[Connection], Awaitable[T]], *, durable: bool = True) -> T:
        """Do the work in a transaction of the tenant that commits under the lane's fence; raises LaneLost, Moved.

        What is not `durable` is found out again by whoever takes over after a crash.
        """
        lane = errand.lane

        async def attempt() -> T:
            async with self.database.transaction(lane.tenant_id, durable=durable) as connection:
                done = await work(connection)
                if not await lanes.fence(connection, [lane.lane_key], errand.owner):
                    raise LaneLost(lane.lane_key)
                return done

        return await self.database.once_more(attempt)

    async def move(self, errand: Errand, state: State, **changes: Any) -> Intent:  # noqa: ANN401 - fields by name
        """Move the errand's intent as it is now, and nothing else."""

        async def work(connection: Connection) -> Intent:
            return await intents.move(connection, await intents.lock(connection, errand.intent), state, **changes)

        moved = await self.write(errand, work)
        self.settled(errand)
        return moved

    def sent(self, intent: Intent) -> Sent:
        """Open what was sent for an intent."""
        return unseal(self.keys, intent)

    def back_off(self, failures: int) -> float:
        """Return a growing wait with full jitter, in seconds."""
        return self._random.uniform(1, min(_BACK_OFF_CAP_S, _BACK_OFF_BASE_S * 2.0 ** min(failures, 10)))

    def after_fault(self, errand: Errand, fault: VendorFault) -> Rest:
        """Wait as long as the vendor asked, else ever longer."""
        asked = fault.retry_after
        return Rest(asked, counts=False) if asked else Rest(self.back_off(errand.lane.attempts), counts=True)

    def stumbles(self, errand: Errand) -> int:
        """Count one more failure that is no outage, and return how many there were in a row."""
        self._stumbles[errand.intent.intent_id] += 1
        return self._stumbles[errand.intent.intent_id]

    def settled(self, errand: Errand) -> None:
        """Forget the failures of an intent that moved."""
        self._stumbles.pop(errand.intent.intent_id, None)

    async def each(
        self,
        jobs: Iterable[R],
        errand_of: Callable[[R], Errand],
        step: Callable[[R], Awaitable[T | End]],
        ends: dict[str, End],
    ) -> list[T]:
        """Take a step for each alone; those that end are entered in `ends`, those whose lane is lost are dropped.

        One that fails must not hold its neighbours: it waits, and is parked when it keeps failing.
        """
        going: list[T] = []
        for job in jobs:
            errand = errand_of(job)
            try:
                done = await step(job)
            except LaneLost:
                continue
            except Moved:
                done = GO_ON
            except (Unavailable, asyncio.CancelledError):
                raise
            except Exception as error:
                log.exception("push_step_failed", intent_id=str(errand.intent.intent_id))
                done = await self._stumbled(errand, error)
            if isinstance(done, (Rest, GoOn)):
                ends[errand.lane.lane_key] = done
            else:
                going.append(done)
        return going

    async def _stumbled(self, errand: Errand, error: Exception) -> End:
        return await self.park_if_lasting(errand, telling.STUMBLED.format(kind=type(error).__name__))

    async def park_if_lasting(self, errand: Errand, why: str, most: int = MOST_STUMBLES) -> End:
        """Try again later, or park what fails for the `most`th time; an unknown outcome has to be found out first."""
        if self.stumbles(errand) >= most and errand.intent.state in {"planned", "acknowledged"}:
            await self.move(errand, "parked", vendor_error=why)
            return GO_ON
        return Rest(self.back_off(errand.lane.attempts), counts=True)


def same(errand: Errand) -> Errand:
    """Return the errand itself, where the job is one."""
    return errand


def by_ref(errands: Sequence[tuple[Errand, Sequence[str]]]) -> dict[str, str]:
    """Return the correlation id for the sake of which each ref is looked at."""
    return {ref: errand.intent.correlation_id for errand, refs in errands for ref in refs}
