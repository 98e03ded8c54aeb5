"""Sending: the object is read afresh, what differs then is composed, committed as sent, and handed over once.

No transaction is open during a vendor call, and the commit comes before it: whoever dies in between leaves an intent
that says it was sent, whose outcome is looked up before anything is sent again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
import structlog

from conflict import collisions
from pms_sync.apply.tongues import Tongue, Tongues
from pms_sync.domain.errors import MappingRejected, VendorFault
from pms_sync.domain.ids import NewId
from pms_sync.ports.looking import Look, Looked
from pms_sync.push import composing, course, telling
from pms_sync.push.comparing import all_arrived
from pms_sync.push.composing import Nothing, NotThere, Ready, Rejected, Terms
from pms_sync.push.errand import GO_ON, Bench, End, Errand, Rest, by_ref, same
from pms_sync.push.given import FindOutgoing, Outgoing, Pend, PushRuntime, Unit
from pms_sync.push.handing import Handing, Parcel
from pms_sync.push.sent import seal
from pms_sync.push.showing import shown
from pms_sync.store import cases, intents
from pms_sync.store.database import Connection
from pms_sync.store.intents import Intent

BUSY_S, _ABSENT_S, _SHUT_S, _BEHIND_S = 0.5, 3.0, 5.0, 1.0
_CAPABILITY = "push"

log = structlog.get_logger(__name__)


class Draft(msgspec.Struct, frozen=True):
    """An errand with something to send, and the vendor objects to read before."""

    errand: Errand
    refs: tuple[str, ...]


class Found(msgspec.Struct, frozen=True):
    """What differs now, in whose terms, and the intent as it is under its lock."""

    tongue: Tongue
    outgoing: Outgoing | None
    intent: Intent

    @property
    def units(self) -> Sequence[Unit]:
        """Return what is to be told."""
        return self.outgoing.units if self.outgoing is not None else ()

    @property
    def refs(self) -> set[str]:
        """Return the vendor objects concerned."""
        return {unit.ref for unit in self.units if unit.ref is not None}

    @property
    def makes(self) -> bool:
        """Tell whether something is to be made at the vendor."""
        return any(unit.ref is None for unit in self.units)


class Sending:
    """Takes planned intents to the vendor."""

    def __init__(
        self, bench: Bench, outgoing: FindOutgoing, pend: Pend, tongues: Tongues, look: Look, new_id: NewId
    ) -> None:
        """Take what works out the differences, what says them in the vendor's terms, and what reads afresh."""
        self._bench = bench
        self._outgoing, self._pend = outgoing, pend
        self._tongues = tongues
        self._look = look
        self._new_id = new_id
        self._handing = Handing(bench, look)

    async def __call__(self, runtime: PushRuntime, errands: Sequence[Errand]) -> dict[str, End]:
        """Send what is planned; returns what becomes of each lane, but of those that were lost."""
        ends: dict[str, End] = {}
        if _CAPABILITY not in runtime.connector.spec.capabilities:
            why = telling.NO_PUSH.format(label=runtime.connector.spec.label)
            await self._bench.each(errands, same, lambda errand: self._park(errand, why), ends)
            return ends
        drafts = await self._bench.each(errands, same, self._draft, ends)
        fresh = await self._fresh(runtime, drafts, ends)
        parcels = await self._bench.each(fresh, lambda draft: draft.errand, self._commit, ends)
        await self._handing.hand_over(runtime, parcels, ends)
        return ends

    async def _park(self, errand: Errand, why: str) -> End:
        await self._bench.move(errand, "parked", vendor_error=why)
        return GO_ON

    async def _draft(self, errand: Errand) -> Draft | End:
        """Look whether there is anything to send at all, before the vendor is asked."""

        async def work(connection: Connection) -> Draft | End:
            found = await self._find(connection, errand)
            if not isinstance(found, Found):
                return found
            if not found.units:
                return await self._nothing(connection, found.intent, Nothing())
            return Draft(errand.with_intent(found.intent), tuple(sorted(found.refs)))

        return await self._bench.write(errand, work, durable=False)

    async def _find(self, connection: Connection, errand: Errand) -> Found | End:
        """Work out what differs now; an account that may not send any more keeps its intents as they are.

        The reservation is locked first, by which nobody can plan anything for it until this transaction ends.
        """
        lane = errand.lane
        tongue = (await self._tongues.of(connection, [lane.account_id])).get(lane.account_id)
        if tongue is None or tongue.account.mode != "live" or tongue.account.state != "active":
            return Rest(_SHUT_S)
        try:
            outgoing = await self._outgoing(
                connection,
                self._bench.keys,
                lane.tenant_id,
                tongue.account,
                lane.object_id,
                mapper=tongue.mapper,
                context=tongue.context,
            )
        except MappingRejected as fault:
            intent = await intents.lock(connection, errand.intent)
            return await self._rejected(connection, errand, intent, Rejected(telling.rejected(fault)))
        return Found(tongue, outgoing, await intents.lock(connection, errand.intent))

    async def _fresh(self, runtime: PushRuntime, drafts: Sequence[Draft], ends: dict[str, End]) -> list[Draft]:
        """Read the objects now, all in one; what could not be read waits, and what is to be made needs no reading."""
        asked = by_ref([(draft.errand, draft.refs) for draft in drafts])
        try:
            looked = await self._look(runtime, asked) if asked else {}
        except VendorFault as fault:
            failed = [draft for draft in drafts if draft.refs]
            ends |= {one.errand.lane.lane_key: self._bench.after_fault(one.errand, fault) for one in failed}
            await self._handing.pause_if_asked(runtime, fault)
            return [draft for draft in drafts if not draft.refs]
        return await self._bench.each(drafts, lambda draft: draft.errand, lambda draft: self._seen(draft, looked), ends)

    async def _seen(self, draft: Draft, looked: Mapping[str, Looked]) -> Draft | End:
        found = {looked[ref] for ref in draft.refs}
        if Looked.BUSY in found:
            return Rest(BUSY_S)
        if Looked.ABSENT in found:
            end = await self._bench.park_if_lasting(draft.errand, telling.ABSENT, course.READS_THAT_PROVE)
            return Rest(_ABSENT_S, counts=True) if isinstance(end, Rest) else end
        if Looked.UNREAD in found:
            return await self._bench.park_if_lasting(draft.errand, telling.UNREAD)
        return draft

    async def _commit(self, draft: Draft) -> Parcel | End:
        """Compose what differs now, after the fresh read, and say in the store that it was sent."""
        errand = draft.errand

        async def work(connection: Connection) -> Parcel | End:
            found = await self._find(connection, errand)
            if not isinstance(found, Found):
                return found
            if not found.refs <= set(draft.refs):
                return GO_ON  # it came to stand for another object meanwhile, which has to be read first
            return await self._written(connection, errand, found)

        return await self._bench.write(errand, work)

    async def _written(self, connection: Connection, errand: Errand, found: Found) -> Parcel | End:
        """Write what composing comes to."""
        intent, token = found.intent, found.intent.token or self._new_id().hex
        match self._composed(errand, found, token):
            case Nothing() as nothing:
                return await self._nothing(connection, intent, nothing)
            case Rejected() as rejected:
                return await self._rejected(connection, errand, intent, rejected)
            case NotThere():
                return await self._not_there(connection, intent)
            case Ready(sent, paths, notices):
                await self._replace(connection, errand.parked, paths)
                if found.makes:
                    await self._pend(connection, self._bench.keys, intent.tenant_id, found.outgoing)
                moved = await intents.move(
                    connection,
                    intent,
                    "sent",
                    attempts=intent.attempts + 1,
                    token=token,
                    paths=paths,
                    notices=notices,
                    request=seal(self._bench.keys, intent, sent),
                    look_ups=0,
                    old_reads=0,
                    vendor_error=None,
                    members=tuple(unit.stay_id for unit in found.units) if found.makes else (),
                )
                return Parcel(errand.with_intent(moved), sent)

    def _composed(self, errand: Errand, found: Found, token: str) -> composing.Composed:
        """Compose, unless a parked push may have made the same object already."""
        blocked = _unsettled(errand.parked) if found.makes else None
        if blocked is not None:
            return Nothing(blocked)
        parked = [self._bench.sent(one) for one in errand.parked]
        terms = Terms(found.tongue.mapper, found.tongue.context)
        return composing.compose(found.intent, found.outgoing, parked, terms, token)

    async def _rejected(self, connection: Connection, errand: Errand, intent: Intent, rejected: Rejected) -> End:
        """Park what the vendor cannot be told; it was never sent, so a later change takes it along again."""
        await self._replace(connection, errand.parked, intent.paths)
        await intents.move(connection, intent, "parked", vendor_error=rejected.why, request=None)
        return GO_ON

    async def _replace(self, connection: Connection, parked: Iterable[Intent], paths: Sequence[str]) -> None:
        """Let go of parked intents for nothing but these paths: their newer values speak for them."""
        for one in parked:
            if set(one.paths) <= set(paths) and not one.may_exist:
                await intents.move(connection, one, "superseded")
                subject = collisions.intent_subject(one.intent_id)
                await cases.withdraw(connection, one.tenant_id, "unknown_outcome", [subject])

    async def _nothing(self, connection: Connection, intent: Intent, nothing: Nothing) -> End:
        """End an intent that has nothing to send; one that was sent before and is there has reached its end."""
        sent = self._bench.sent(intent)
        there = await shown(connection, self._bench.keys, intent, sent.refs) if sent.refs else {}
        if all_arrived(sent, there):
            await intents.move(connection, intent, "verified")
        else:
            await intents.move(connection, intent, "superseded", notices=(nothing.why,))
        return GO_ON

    async def _not_there(self, connection: Connection, intent: Intent) -> End:
        """Wait for the push that makes the object; without one there is nobody to tell."""
        if intent.reservation_id is not None and await intents.creates_of(
            connection, intent.tenant_id, intent.account_id, intent.reservation_id
        ):
            return Rest(_BEHIND_S)
        await intents.move(connection, intent, "superseded", notices=(telling.NOT_THERE,))
        return GO_ON


def _unsettled(parked: Iterable[Intent]) -> str | None:
    """Say which parked push may have made the same already."""
    found = (one for one in parked if one.may_exist)
    return next((telling.WAITS_FOR.format(intent_id=one.intent_id) for one in found), None)
