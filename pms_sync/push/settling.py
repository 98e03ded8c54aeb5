"""Settling: what was handed over is looked up where its answer was lost, and read back before it counts as done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import msgspec
import structlog

from conflict import collisions
from pms_sync.domain.errors import VendorFault
from pms_sync.domain.ids import NewId
from pms_sync.ports.connector import LookedUp
from pms_sync.ports.looking import Look, Looked
from pms_sync.push import course, telling
from pms_sync.push.comparing import Became, became, only
from pms_sync.push.errand import GO_ON, Bench, End, Errand, Rest, by_ref, same
from pms_sync.push.given import PushRuntime
from pms_sync.push.sending import BUSY_S
from pms_sync.push.sent import Item, Sent, seal
from pms_sync.push.showing import shown
from pms_sync.store import cases, intents, outbox
from pms_sync.store.database import Connection
from pms_sync.store.intents import Intent
from pms_sync.store.outbox import Planned

Seen: TypeAlias = Sequence[tuple[Item, Mapping[str, Became]]]

log = structlog.get_logger(__name__)


class Settling:
    """Brings intents that were handed over to their end."""

    def __init__(self, bench: Bench, look: Look, new_id: NewId) -> None:
        """Take the store, and what reads objects afresh."""
        self._bench = bench
        self._look = look
        self._new_id = new_id

    async def doubt(self, runtime: PushRuntime, errands: Sequence[Errand]) -> dict[str, End]:
        """Take up what somebody handed over who is gone: its outcome is unknown."""
        pause = Rest(course.doubt_pause(runtime.connector.spec.read_lag).total_seconds())

        async def step(errand: Errand) -> End:
            await self._bench.move(errand, "unknown")
            log.warning("push_in_doubt", intent_id=str(errand.intent.intent_id))
            return pause

        ends: dict[str, End] = {}
        await self._bench.each(errands, same, step, ends)
        return ends

    async def look_up(self, runtime: PushRuntime, errands: Sequence[Errand]) -> dict[str, End]:
        """Ask the vendor what became of requests whose answer was lost."""
        ends: dict[str, End] = {}
        await self._bench.each(errands, same, lambda errand: self._look_up(runtime, errand), ends)
        return ends

    async def _look_up(self, runtime: PushRuntime, errand: Errand) -> End:
        sent, since = self._bench.sent(errand.intent), errand.intent.sent_at
        assert since is not None  # noqa: S101 - narrows the type
        try:
            found = [
                await runtime.call(
                    lambda item=item: runtime.connector.look_up(item.request, since),  # type: ignore[misc]
                    priority="push",
                    operation="look_up",
                )
                for item in sent.items
            ]
        except VendorFault as fault:
            return self._bench.after_fault(errand, fault)
        if errand.intent.state == "planned":
            return await self._before_sending(errand, sent, found)
        return await self._looked_up(runtime, errand, sent, found)

    async def _before_sending(self, errand: Errand, sent: Sent, found: Sequence[LookedUp]) -> End:
        """A create that a person retries: what is there already is read back, and what was edited since is planned."""

        async def work(connection: Connection) -> None:
            intent = await intents.lock(connection, errand.intent)
            if course.after_look_ups(found, 0) != "acknowledged":
                await intents.move(connection, intent, "planned", look_ups=course.READS_THAT_PROVE)
                return
            await self._found(connection, intent, sent, found)
            if intent.reservation_id is not None:
                await outbox.plan(connection, intent.tenant_id, [_the_rest(intent)], self._new_id)

        await self._bench.write(errand, work)
        return GO_ON

    async def _looked_up(self, runtime: PushRuntime, errand: Errand, sent: Sent, found: Sequence[LookedUp]) -> End:
        intent, pause = errand.intent, course.doubt_pause(runtime.connector.spec.read_lag).total_seconds()
        state, look_ups = course.after_look_ups(found, intent.look_ups), intent.look_ups + 1

        async def work(connection: Connection) -> End:
            match state:
                case "acknowledged":
                    await self._found(connection, intent, sent, found)
                    return GO_ON
                case "unknown":
                    await intents.move(connection, intent, "unknown", look_ups=look_ups)
                    return Rest(pause)
                case "planned" if course.may_try_again(intent):
                    await intents.plan_again(connection, intent, look_ups=look_ups)
                    return Rest(self._bench.back_off(intent.attempts))
                case "planned":
                    why = telling.IN_VAIN.format(attempts=intent.attempts)
                    await intents.move(connection, intent, "parked", vendor_error=why, look_ups=0)
                    return GO_ON
            await self._unsure(connection, runtime, intent, found)
            return GO_ON

        return await self._bench.write(errand, work)

    async def _found(self, connection: Connection, intent: Intent, sent: Sent, found: Sequence[LookedUp]) -> None:
        """It took effect: it goes on as if it had been answered."""
        pairs = zip(sent.items, found, strict=True)
        known = Sent(tuple(msgspec.structs.replace(item, refs=one.refs) for item, one in pairs))
        request = seal(self._bench.keys, intent, known)
        ref = next(iter(known.refs), None)
        await intents.move(connection, intent, "acknowledged", request=request, vendor_ref=ref, old_reads=0)

    async def _unsure(
        self, connection: Connection, runtime: PushRuntime, intent: Intent, found: Sequence[LookedUp]
    ) -> None:
        """Let a person look."""
        refs = sorted({ref for one in found for ref in one.refs})
        case = collisions.unknown_outcome(
            runtime.account.property_id, intent.reservation_id, intent.intent_id, intent.kind, refs
        )
        await cases.open_cases(connection, intent.tenant_id, [case], self._new_id)
        await intents.move(connection, intent, "parked", look_ups=intent.look_ups + 1, vendor_error=telling.UNSURE)
        log.warning("push_unsure", intent_id=str(intent.intent_id))

    async def read_back(self, runtime: PushRuntime, errands: Sequence[Errand]) -> dict[str, End]:
        """Read what was taken, let the ordinary merge have it, and see what became of the values that were sent."""
        ends: dict[str, End] = {}
        asked = [(errand, self._bench.sent(errand.intent).refs) for errand in errands]
        try:
            looked = await self._look(runtime, by_ref(asked))
        except VendorFault as fault:
            return {errand.lane.lane_key: self._bench.after_fault(errand, fault) for errand in errands}
        await self._bench.each(errands, same, lambda errand: self._read(runtime, errand, looked), ends)
        return ends

    async def _read(self, runtime: PushRuntime, errand: Errand, looked: Mapping[str, Looked]) -> End:
        sent = self._bench.sent(errand.intent)
        came = {ref: looked[ref] for ref in sent.refs}
        if Looked.BUSY in came.values():
            return Rest(BUSY_S)
        if Looked.UNREAD in came.values():
            return await self._bench.park_if_lasting(errand, telling.UNREAD)
        there = [ref for ref, one in came.items() if one is Looked.SEEN]
        pause = course.repeat_pause(runtime.connector.spec.read_lag).total_seconds()

        async def work(connection: Connection) -> End:
            revisions = await shown(connection, self._bench.keys, errand.intent, there)
            seen = [(item, became(item, revisions.get(item.ref or ""))) for item in sent.items]
            why = telling.still_old(seen) if revisions else telling.NOT_SHOWN
            return await self._settle(connection, errand.intent, seen, Rest(pause), why)

        end = await self._bench.write(errand, work)
        self._bench.settled(errand)
        return end

    async def _settle(self, connection: Connection, intent: Intent, seen: Seen, again: Rest, why: str) -> End:
        """Write what the values became: there, still old (for the reason `why`), or decided otherwise."""
        found = [one for _, one in seen]
        state = course.after_reading([one for kinds in found for one in kinds.values()], intent.old_reads)
        old_reads = intent.old_reads + any(Became.OLD in kinds.values() for kinds in found)
        notices = (*intent.notices, *telling.decided_meanwhile(found))
        match state:
            case "verified":
                arrived = tuple(sorted({path for kinds in found for path in only(kinds, Became.ARRIVED)}))
                await intents.move(connection, intent, state, paths=arrived or intent.paths, notices=notices)
            case "superseded":
                await intents.move(connection, intent, state, notices=notices)
            case "acknowledged":
                await intents.move(connection, intent, state, old_reads=old_reads)
                return again
            case _:
                await self._still_old(connection, intent, seen, old_reads, why)
        return GO_ON

    async def _still_old(self, connection: Connection, intent: Intent, seen: Seen, old_reads: int, why: str) -> None:
        """Park what was taken but does not show; only those values are kept from leaving again."""
        kept = [(item, frozenset(only(kinds, Became.OLD))) for item, kinds in seen]
        sent = Sent(tuple(_narrowed(item, paths) for item, paths in kept if paths))
        await intents.move(
            connection,
            intent,
            "parked",
            old_reads=old_reads,
            paths=tuple(sorted({path for _, paths in kept for path in paths})),
            request=seal(self._bench.keys, intent, sent),
            vendor_error=why,
        )
        log.warning("push_parked", intent_id=str(intent.intent_id))


def _narrowed(item: Item, paths: frozenset[str]) -> Item:
    return msgspec.structs.replace(item, values={path: item.values[path] for path in paths})


def _the_rest(intent: Intent) -> Planned:
    """Plan what else may differ by now; when nothing does, it ends without a word to the vendor."""
    assert intent.reservation_id is not None  # noqa: S101 - narrows the type
    return Planned(
        account_id=intent.account_id,
        object_id=intent.object_id,
        reservation_id=intent.reservation_id,
        kind="modify",
        paths=intent.paths,
        actor=intent.actor,
        correlation_id=intent.correlation_id,
    )
