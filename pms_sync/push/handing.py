"""Handing over: one call for as many intents as the vendor takes at once, never repeated, and its verdict on each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec
import structlog

from pms_sync.domain.errors import Disposition, Unavailable, VendorFault
from pms_sync.ports.connector import Receipt, VendorRequest
from pms_sync.ports.looking import Look
from pms_sync.push import course, telling
from pms_sync.push.errand import GO_ON, Bench, End, Errand, LaneLost, Rest
from pms_sync.push.given import PushRuntime
from pms_sync.push.sent import Item, Sent, seal
from pms_sync.resilience.guarded import WRITE_TIMEOUT_S
from pms_sync.store import accounts, intents, lanes

_PAUSED_S, _MARGIN_S = 30.0, 5.0

log = structlog.get_logger(__name__)


class Parcel(msgspec.Struct, frozen=True):
    """An errand whose intent is committed as sent, with what is to be handed over."""

    errand: Errand
    sent: Sent


class Handing:
    """Hands parcels to one vendor account at a time."""

    def __init__(self, bench: Bench, look: Look) -> None:
        """Take the store, and what reads objects afresh."""
        self._bench = bench
        self._look = look

    async def hand_over(self, runtime: PushRuntime, parcels: Sequence[Parcel], ends: dict[str, End]) -> None:
        """Hand all of them over, in as few calls as the vendor allows, and enter what became of each lane."""
        for some in _calls(parcels, runtime.connector.spec.batch_push_limit):
            await self._call(runtime, some, ends)

    async def _call(self, runtime: PushRuntime, parcels: Sequence[Parcel], ends: dict[str, End]) -> None:
        leaving: list[Parcel] = []

        async def hand_in() -> Sequence[Receipt]:
            leaving.extend(await self._still_ours(parcels))
            requests = [item.request for parcel in leaving for item in parcel.sent.items]
            receipts = await runtime.connector.push(requests)
            _must_match(receipts, requests)
            return receipts

        try:
            receipts = await runtime.call(hand_in, priority="push", operation="push", once=True)
        except VendorFault as fault:
            await self._failed(runtime, leaving or parcels, fault, ends)
            return
        except LaneLost:
            return
        except Unavailable:
            raise
        except Exception as error:  # whatever went wrong in a connector, the request may be there
            log.exception("push_failed", account_id=str(runtime.account.account_id))
            await self._failed(runtime, leaving or parcels, VendorFault(type(error).__name__, "push"), ends)
            return
        left = iter(receipts)
        judged = [(parcel, [next(left) for _ in parcel.sent.items]) for parcel in leaving]
        await self._bench.each(
            judged, lambda one: one[0].errand, lambda one: self._judged(runtime, one[0], one[1]), ends
        )

    async def _still_ours(self, parcels: Sequence[Parcel]) -> list[Parcel]:
        """Hold the lanes for longer than the call can last, now that its turn has come; raises LaneLost.

        While it waited for its turn the leases may have ended, and whoever took over may have sent the same.
        """
        keys = [parcel.errand.lane.lane_key for parcel in parcels]
        async with self._bench.database.connection() as connection:
            held = await lanes.hold(connection, keys, parcels[0].errand.owner, WRITE_TIMEOUT_S + _MARGIN_S)
        ours = [parcel for parcel in parcels if parcel.errand.lane.lane_key in held]
        if not ours:
            raise LaneLost(", ".join(keys))
        return ours

    async def _failed(
        self, runtime: PushRuntime, parcels: Sequence[Parcel], fault: VendorFault, ends: dict[str, End]
    ) -> None:
        if len(parcels) > 1 and course.after_fault(fault) == "parked":
            for parcel in parcels:  # one of them is to blame, and nothing was done for any
                await self._call(runtime, [parcel], ends)
            return
        await self.pause_if_asked(runtime, fault)
        await self._bench.each(
            parcels, lambda parcel: parcel.errand, lambda parcel: self._not_taken(runtime, parcel, fault), ends
        )

    async def pause_if_asked(self, runtime: PushRuntime, fault: VendorFault) -> None:
        """Stop an account that a person has to look after."""
        if fault.disposition is Disposition.PAUSE:
            async with self._bench.database.transaction() as connection:
                await accounts.set_state(connection, runtime.account.account_id, "failed", str(fault))

    async def _not_taken(self, runtime: PushRuntime, parcel: Parcel, fault: VendorFault) -> End:
        """Write what a failed call means: it may be there, it waits for better times, or the vendor refuses it."""
        errand, state = parcel.errand, course.after_fault(fault)
        log.info("push_failed", intent_id=str(errand.intent.intent_id), becomes=state, reason=type(fault).__name__)
        if state == "planned":
            attempts = errand.intent.attempts - 1
            await self._bench.write(
                errand,
                lambda connection: intents.plan_again(
                    connection, errand.intent, never_sent=True, attempts=attempts, request=None
                ),
            )
            paused = fault.disposition is Disposition.PAUSE
            return Rest(_PAUSED_S) if paused else self._bench.after_fault(errand, fault)
        if state == "parked":
            why = telling.turned_away(fault, parcel.sent)
            await self._bench.move(errand, "parked", vendor_error=why)
            log.warning("push_parked", intent_id=str(errand.intent.intent_id))
            return GO_ON
        await self._bench.move(errand, "unknown")
        return Rest(course.doubt_pause(runtime.connector.spec.read_lag).total_seconds())

    async def _judged(self, runtime: PushRuntime, parcel: Parcel, receipts: Sequence[Receipt]) -> End:
        """Write the vendor's verdict on one intent."""
        pairs = list(zip(parcel.sent.items, receipts, strict=True))
        touched = tuple(_touched(item, receipt) for item, receipt in pairs)
        errand, intent = parcel.errand, parcel.errand.intent
        state = course.after_receipts(receipts, named=all(item.ref is not None for item in touched))
        if state == "parked":
            return await self._refused(runtime, parcel, list(zip(touched, receipts, strict=True)))
        sent = Sent(touched)
        await self._bench.move(
            errand,
            state,
            request=seal(self._bench.keys, intent, sent),
            vendor_ref=next(iter(sent.refs), None),
            notices=tuple(dict.fromkeys([*intent.notices, *telling.warned(pairs)])),
        )
        lag = runtime.connector.spec.read_lag
        if state == "unknown":
            return Rest(course.doubt_pause(lag).total_seconds())
        return Rest(lag.total_seconds()) if lag else GO_ON

    async def _refused(self, runtime: PushRuntime, parcel: Parcel, pairs: Sequence[tuple[Item, Receipt]]) -> End:
        """Park what was refused, in the vendor's words; what was taken of it is read again and never taken back."""
        errand, intent = parcel.errand, parcel.errand.intent
        turned_down = [(item, receipt) for item, receipt in pairs if not receipt.accepted]
        sent = Sent(tuple(item for item, _ in turned_down))
        await self._bench.move(
            errand,
            "parked",
            request=seal(self._bench.keys, intent, sent),
            paths=tuple(sorted({path for item, _ in turned_down for path in item.request.paths})),
            vendor_ref=next(iter(Sent(tuple(item for item, _ in pairs)).refs), None),
            vendor_error=telling.refused(turned_down),
        )
        log.warning("push_parked", intent_id=str(intent.intent_id))
        taken = {ref for item, receipt in pairs for ref in _left_behind(item, receipt)}
        if taken:
            await self._read_again(runtime, errand, taken)
        return GO_ON

    async def _read_again(self, runtime: PushRuntime, errand: Errand, refs: set[str]) -> None:
        """See what a partial outcome left behind; polling finds it as well when this fails."""
        try:
            await self._look(runtime, dict.fromkeys(sorted(refs), errand.intent.correlation_id))
        except VendorFault as fault:
            log.info("not_read_again", intent_id=str(errand.intent.intent_id), reason=type(fault).__name__)


def _must_match(receipts: Sequence[Receipt], requests: Sequence[VendorRequest]) -> None:
    """Demand one verdict per request; else whose is whose cannot be told, and any of them may be there."""
    if len(receipts) != len(requests):
        raise VendorFault(f"{len(receipts)} verdicts for {len(requests)} requests", "push")


def _touched(item: Item, receipt: Receipt) -> Item:
    return msgspec.structs.replace(item, refs=receipt.refs)


def _left_behind(item: Item, receipt: Receipt) -> Sequence[str]:
    """Return what a request touched at the vendor: what was taken whole, and what was refused in part."""
    if receipt.accepted:
        return [item.ref] if item.ref is not None else []
    return receipt.refs


def _calls(parcels: Sequence[Parcel], limit: int) -> Iterator[Sequence[Parcel]]:
    """Cut parcels into calls; one of several requests goes alone, so that a broken call leaves one doubt, not many."""
    alone = [parcel for parcel in parcels if len(parcel.sent.items) > 1]
    single = [parcel for parcel in parcels if len(parcel.sent.items) == 1]
    yield from ([parcel] for parcel in alone)
    yield from (single[start : start + limit] for start in range(0, len(single), limit))
