"""Bugs of writing to plant into a real connector and mapper: each does one thing wrongly and the rest rightly."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from mappers.beds24 import MAPPER
from pms_sync.domain.errors import VendorFault
from pms_sync.domain.reservation import Revision
from pms_sync.ports.connector import LookedUp, Receipt, VendorRequest
from pms_sync.ports.mapper import Change, MappingContext
from tests.contract.planted_bugs import MapperBug, Wrapped, bend_revisions

FOUND, ABSENT = LookedUp(outcome="found"), LookedUp(outcome="absent")
Items = Sequence[VendorRequest]


class PushesTwice(Wrapped):
    """Sends a write again when its answer was lost."""

    async def push(self, requests: Items) -> Sequence[Receipt]:
        try:
            return await self.inner.push(requests)
        except VendorFault:
            return await self.inner.push(requests)


class PushesAtOnce(Wrapped):
    """Hands in every request in a call of its own, as they come."""

    async def push(self, requests: Items) -> Sequence[Receipt]:
        told = await asyncio.gather(*(self.inner.push([one]) for one in reversed(requests)))
        return [receipt for receipts in told for receipt in receipts]


class TakesHttpForTheVerdict(Wrapped):
    """Reads the status of the answer and not its items."""

    async def push(self, requests: Items) -> Sequence[Receipt]:
        return [msgspec.structs.replace(one, refusals=()) for one in await self.inner.push(requests)]


class OneForAll(Wrapped):
    """Refuses everything when one item was refused."""

    async def push(self, requests: Items) -> Sequence[Receipt]:
        told = await self.inner.push(requests)
        refusals = tuple(refusal for one in told for refusal in one.refusals)
        return [msgspec.structs.replace(one, refusals=refusals) for one in told]


class ForgetsTheNewRef(Wrapped):
    """Does not say what was made."""

    async def push(self, requests: Items) -> Sequence[Receipt]:
        return [msgspec.structs.replace(one, refs=()) for one in await self.inner.push(requests)]


class NeverSent(Wrapped):
    """Believes that a call without an answer did nothing."""

    async def push(self, requests: Items) -> Sequence[Receipt]:
        try:
            return await self.inner.push(requests)
        except VendorFault as fault:
            fault.sent = False
            raise


class AlwaysSent(Wrapped):
    """Believes that a call that was turned away may have done something."""

    async def push(self, requests: Items) -> Sequence[Receipt]:
        try:
            return await self.inner.push(requests)
        except VendorFault as fault:
            fault.sent = True
            raise


class FindsNothing(Wrapped):
    """Looks nowhere, so that every lost create is made again."""

    async def look_up(self, request: VendorRequest, since: datetime) -> LookedUp:
        del request, since
        return ABSENT


class FindsEverything(Wrapped):
    """Takes every lost write for done."""

    async def look_up(self, request: VendorRequest, since: datetime) -> LookedUp:
        del since
        return msgspec.structs.replace(FOUND, refs=(request.ref or "1",))


class TakesTheFirst(Wrapped):
    """Picks one of two bookings with the same token."""

    async def look_up(self, request: VendorRequest, since: datetime) -> LookedUp:
        told = await self.inner.look_up(request, since)
        return msgspec.structs.replace(FOUND, refs=told.refs[:1]) if told.refs else told


class UnsureIsAbsent(Wrapped):
    """Lets a change that somebody wrote over be sent again."""

    async def look_up(self, request: VendorRequest, since: datetime) -> LookedUp:
        told = await self.inner.look_up(request, since)
        return ABSENT if told.outcome == "unsure" and not told.refs else told


class WriterBug(MapperBug):
    """The real mapper, with what it writes bent."""

    def __init__(self, item: Callable[[dict[str, Any]], dict[str, Any]] = dict) -> None:
        super().__init__(lambda mapped: mapped)
        self.item = item

    def project(self, state: Revision, context: MappingContext) -> Revision:
        return MAPPER.project(state, context)

    def to_requests(self, change: Change, context: MappingContext) -> list[VendorRequest]:
        return [
            msgspec.structs.replace(one, body=json.dumps(self.item(json.loads(one.body))).encode())
            for one in MAPPER.to_requests(change, context)
        ]


class WritesEverything(WriterBug):
    """Sends the whole booking for every change."""

    def to_requests(self, change: Change, context: MappingContext) -> list[VendorRequest]:
        kinds = frozenset({"notes", "comments", "booker", "stays[1].shape"})
        whole = msgspec.structs.replace(change, known=None, paths=kinds) if change.kind == "modify" else change
        return MAPPER.to_requests(whole, context)


class DropsTheRef(WriterBug):
    """Makes a new booking instead of changing the one that is there."""

    def __init__(self) -> None:
        super().__init__(lambda item: {name: value for name, value in item.items() if name != "id"})


class ForgetsItsMark(WriterBug):
    """Writes the token and does not read it."""

    def __init__(self) -> None:
        super().__init__()
        self.bend = bend_revisions(token=None)


class ProjectsItsOwnWord(WriterBug):
    """Calls every living booking confirmed, which makes an edit of each that nobody looked at yet."""

    def project(self, state: Revision, context: MappingContext) -> Revision:
        return msgspec.structs.replace(MAPPER.project(state, context), vendor_status="confirmed")
