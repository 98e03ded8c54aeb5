"""Rules of lost answers: a write is sent once, and what became of it can be found out before anybody repeats it."""

from __future__ import annotations

from datetime import datetime

import httpx
import msgspec
from msgspec.structs import replace

from connectors.kit.conformance.bench import Bench, Row
from connectors.kit.conformance.evidence import demand
from connectors.kit.conformance.failing import refusal
from connectors.kit.conformance.offering import Offers, made, offers, pass_seconds, push, shown, with_notes
from pms_sync.domain.errors import VendorFault
from pms_sync.ports.connector import LookedUp, VendorRequest

_SHORT_PATIENCE = httpx.Timeout(0.15)
_LATE: Row = {"kind": "delay", "seconds": 0.6}
# What leaves the outcome open. A write that is only late may take effect after the look-up, so none is settled here.
_LOST: dict[str, Row] = {
    "the connection broke before the answer": {"kind": "drop_after"},
    "the connection broke before the request was read": {"kind": "drop_before"},
    "half an answer": {"kind": "truncate"},
    "HTTP 500": {"kind": "status", "status": 500},
    "HTTP 200 with a page of HTML": {"kind": "html", "status": 200},
}
# What tells that nothing was done.
_TURNED_AWAY: dict[str, Row] = {
    "HTTP 429": {"kind": "status", "status": 429},
    "HTTP 401 for ever": {"kind": "status", "status": 401},
    "HTTP 403": {"kind": "status", "status": 403},
}


class Sent(msgspec.Struct, frozen=True):
    """A write to be sent into trouble: the request, the time before it, and the notes it leaves at the vendor."""

    request: VendorRequest
    since: datetime
    notes: str


class Trial:
    """Writes into trouble; a standing booking of ours is there to be changed."""

    def __init__(self, bench: Bench, desk: Offers, ref: str) -> None:
        """Know nothing yet of how this vendor is written to."""
        self._bench, self._desk, self.ref = bench, desk, ref
        self._calls: dict[str, Row] = {}

    async def create(self) -> Sent:
        """Offer a new booking."""
        state = self._desk.state()
        notes = f"lost {state.notes}"
        request = self._desk.create(replace(state, notes=notes), f"lost-{state.room_stays[0].ref}")
        return await self._later(request, notes)

    async def modify(self) -> Sent:
        """Offer other notes for the standing booking."""
        known = await shown(self._bench, self.ref)
        notes = f"changed {self._desk.state().notes}"
        return await self._later(self._desk.modify(self.ref, known, replace(known, notes=notes), "notes"), notes)

    async def send(self, sent: Sent, fault: Row) -> VendorFault:
        """Send once into trouble and return how that was told; demands that it was sent once indeed."""
        call = await self._call(sent.request.kind)
        await self._bench.faults({**fault, "match": call})
        patient = self._bench.client.timeout
        self._bench.client.timeout = _SHORT_PATIENCE if fault is _LATE else patient
        told, seen = await refusal(self._bench, lambda: self._bench.connector.push([sent.request]), "write")
        self._bench.client.timeout = patient
        await self._bench.faults()
        refreshed = 2 if fault.get("status") == 401 else 1  # noqa: PLR2004 - a refused token is renewed once
        again = sum(one["path"] == call["path"] and one["method"] == call["method"] for one in seen)
        demand(again <= refreshed, f"a write was sent {again} times: repeating is the engine's business")
        return told

    async def _later(self, request: VendorRequest, notes: str) -> Sent:
        """Let the request be later than anything before it."""
        await pass_seconds(self._bench)
        return Sent(request, await self._bench.now(), notes)

    async def _call(self, kind: str) -> Row:
        """Find out by a plain write of its kind which call writes."""
        if kind not in self._calls:
            plain = await (self.create() if kind == "create" else self.modify())
            await push(self._bench, plain.request)
            call = (await self._bench.calls())[-1]
            self._calls[kind] = {"method": call["method"], "path": call["path"]}
        return self._calls[kind]


async def _trial(bench: Bench) -> Trial:
    desk = await offers(bench)
    return Trial(bench, desk, await made(bench, desk.create(desk.state(), "standing")))


async def no_retry(bench: Bench) -> str:
    """Whatever happens a write is sent once, and a fault that leaves it open says that it may have taken effect."""
    trial = await _trial(bench)
    for name, fault in (_LOST | {"no answer in time": _LATE}).items():
        told = await trial.send(await trial.create(), fault)
        demand(told.sent, f"{name}: the fault says that nothing was sent, so it would be repeated blindly")
    return f"{len(_LOST) + 1} kinds of trouble"


async def turned_away(bench: Bench) -> str:
    """A write that the vendor turns away unread is known not to have taken effect, and has not."""
    trial = await _trial(bench)
    for name, fault in _TURNED_AWAY.items():
        sent = await trial.create()
        told = await trial.send(sent, fault)
        demand(not told.sent, f"{name}: the fault says that the write may have taken effect")
        demand(not await with_notes(bench, sent.notes), f"{name}: the write took effect all the same")
    return ", ".join(_TURNED_AWAY)


async def unknown_outcome_looked_up(bench: Bench) -> str:
    """After a lost answer a look-up says found exactly when it was done, absent exactly when it was not."""
    trial = await _trial(bench)
    told = []
    for kind, offer in (("create", trial.create), ("modify", trial.modify)):
        for name, fault in _LOST.items():
            sent = await offer()
            await trial.send(sent, fault)
            found = await bench.connector.look_up(sent.request, sent.since)
            await _is_true(bench, sent, found, f"{kind}, {name}")
            told.append(found.outcome)
    return f"{told.count('found')} found, {told.count('absent')} absent"


async def _is_true(bench: Bench, sent: Sent, found: LookedUp, what: str) -> None:
    """Compare a look-up with the vendor's truth."""
    truly = await with_notes(bench, sent.notes)
    demand(len(truly) <= 1, f"{what}: it was done {len(truly)} times")
    right = "found" if truly else "absent"
    demand(found.outcome == right, f"{what}: the truth is {right}, looked up was {found.outcome}")
    if truly:
        fits = len(found.refs) == 1 and set(found.refs) <= truly[0]
        demand(fits, f"{what}: found was {found.refs}, true is {sorted(truly[0])}")


async def two_are_unsure(bench: Bench) -> str:
    """Two bookings of one token are unsure, and so is a change that somebody wrote over: neither is ever sent again."""
    trial = await _trial(bench)
    sent = await trial.create()
    refs = [await made(bench, sent.request), await made(bench, sent.request)]
    twice = await bench.connector.look_up(sent.request, sent.since)
    demand(twice.outcome == "unsure", f"one token on {refs} was looked up as {twice.outcome} {twice.refs}")
    edit = await trial.modify()
    await push(bench, edit.request)
    reservation = (await shown(bench, trial.ref)).ref
    await bench.change("modify", ref=reservation, set={"notes": "somebody else's"})
    over = await bench.connector.look_up(edit.request, edit.since)
    demand(over.outcome == "unsure", f"a change that somebody wrote over was looked up as {over.outcome}")
    return "two of one token, and a change written over"
