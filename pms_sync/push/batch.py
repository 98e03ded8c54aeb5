"""A batch of claimed lanes of one account, worked in rounds: what is due for each is found out, and done together.

Together, because one call then reads or writes many objects; apart, because each intent is written alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeAlias
from uuid import UUID

from pms_sync.push.course import Act, Step, next_step
from pms_sync.push.errand import Bench, End, Errand, GoOn, Rest
from pms_sync.push.given import PushRuntime
from pms_sync.push.sending import Sending
from pms_sync.push.settling import Settling
from pms_sync.store import intents, lanes, outbox
from pms_sync.store.outbox import PushLane

_MOST_ROUNDS = 8
Work: TypeAlias = Callable[[PushRuntime, Sequence[Errand]], Awaitable[Mapping[str, End]]]
Lanes: TypeAlias = Mapping[str, PushLane]


class Batches:
    """Works on claimed lanes until each is closed or waits."""

    def __init__(self, bench: Bench, sending: Sending, settling: Settling) -> None:
        """Take what is done for each act; what was handed over comes before what is new."""
        self._bench = bench
        self._works: dict[Act, Work] = {
            Act.DOUBT: settling.doubt,
            Act.LOOK_UP: settling.look_up,
            Act.READ_BACK: settling.read_back,
            Act.SEND: sending,
        }

    async def work_off(self, runtime: PushRuntime, claimed: Sequence[PushLane], owner: UUID) -> None:
        """Take every lane as far as it goes now."""
        going: Lanes = {lane.lane_key: lane for lane in claimed}
        for _ in range(_MOST_ROUNDS):
            going = await self._round(runtime, going, owner)
            if not going:
                return
        for lane in going.values():
            await self._rest(lane, owner, Rest(0))

    async def _round(self, runtime: PushRuntime, going: Lanes, owner: UUID) -> Lanes:
        """Do the next step of each lane, and return those that go on."""
        errands, done = await self._sorted(runtime, going, owner)
        await self._close(done, owner)
        ends: dict[str, End] = {}
        for act, work in self._works.items():
            if act in errands:
                ends |= await work(runtime, errands[act])
        for key, end in ends.items():
            if isinstance(end, Rest):
                await self._rest(going[key], owner, end)
        return {key: going[key] for key, end in ends.items() if isinstance(end, GoOn)}

    async def _sorted(
        self, runtime: PushRuntime, going: Lanes, owner: UUID
    ) -> tuple[Mapping[Act, Sequence[Errand]], Sequence[PushLane]]:
        """Find out what is to be done about each lane; those that have to wait are given back at once."""
        account, lag = runtime.account, runtime.connector.spec.read_lag
        objects = [lane.object_id for lane in going.values()]
        async with self._bench.database.connection() as connection:
            found = await intents.of_objects(connection, account.tenant_id, account.account_id, objects)
        errands: defaultdict[Act, list[Errand]] = defaultdict(list)
        done = []
        for lane in going.values():
            known = found.by_object.get(lane.object_id, ())
            step = next_step(known, found.now, lag)
            if step.act is Act.CLOSE:
                done.append(lane)
            elif step.act is Act.WAIT:
                await self._rest(lane, owner, Rest(step.wait_s))
            else:
                errands[step.act].append(_errand(lane, owner, step, known))
        return errands, done

    async def _close(self, done: Sequence[PushLane], owner: UUID) -> None:
        """Let go of lanes with nothing under way; one that got work meanwhile stays."""
        if done:
            async with self._bench.database.transaction() as connection:
                held = await lanes.fence(connection, [lane.lane_key for lane in done], owner)
                await outbox.close(connection, held)

    async def _rest(self, lane: PushLane, owner: UUID, rest: Rest) -> None:
        async with self._bench.database.transaction() as connection:
            await lanes.back_off(connection, [lane.lane_key], owner, rest.wait_s, counts=rest.counts)


def _errand(lane: PushLane, owner: UUID, step: Step, known: Sequence[intents.Intent]) -> Errand:
    assert step.intent is not None  # noqa: S101 - narrows the type
    parked = tuple(one for one in known if one.state == "parked")
    return Errand(lane=lane, owner=owner, intent=step.intent, parked=parked)
