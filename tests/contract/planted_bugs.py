"""Bugs to plant into a real connector, mapper and door: each does one thing wrongly and the rest rightly."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from connectors.beds24 import DOOR
from connectors.kit import rest
from mappers.beds24 import MAPPER
from pms_sync.domain.errors import Disposition, MappingRejected, VendorFault
from pms_sync.ports.connector import Connector, ConnectorContext, Delivery, Missing, Page, Record, Window
from pms_sync.ports.mapper import Mapped, MappingContext

Fetched = Mapping[str, Record | Missing]


class Wrapped:
    """The real connector, with one method at a time done wrongly."""

    def __init__(self, inner: Connector) -> None:
        self.inner = inner

    def __getattr__(self, name: str) -> Any:
        """Do everything else as it is done."""
        return getattr(self.inner, name)


class SkipsLastPage(Wrapped):
    """Believes that a short list has ended."""

    async def pull(self, stream: str, window: Window, page: str | None) -> Page:
        found = await self.inner.pull(stream, window, page)
        return found if page is None else msgspec.structs.replace(found, next=None)


class DropsTies(Wrapped):
    """Thinks that a record of the second it stopped at was seen already."""

    last = ""

    async def pull(self, stream: str, window: Window, page: str | None) -> Page:
        found = await self.inner.pull(stream, window, page)
        kept = tuple(one for one in found.records if page is None or one.version != self.last)
        self.last = found.records[-1].version if found.records else ""
        return msgspec.structs.replace(found, records=kept)


class ReadsForwardOnly(Wrapped):
    """Asks from its own newest time on, whatever window it is given."""

    newest: datetime | None = None

    async def pull(self, stream: str, window: Window, page: str | None) -> Page:
        start = max(window.start, self.newest + timedelta(seconds=2)) if self.newest else window.start
        found = await self.inner.pull(stream, msgspec.structs.replace(window, start=start), page)
        self.newest = max(filter(None, (self.newest, found.high_water)), default=None)
        return found


class RepeatsByItself(Wrapped):
    """Tries again without being told."""

    async def pull(self, stream: str, window: Window, page: str | None) -> Page:
        try:
            return await self.inner.pull(stream, window, page)
        except VendorFault:
            return await self.inner.pull(stream, window, page)


class CallsAtOnce(Wrapped):
    """Reads ahead."""

    async def pull(self, stream: str, window: Window, page: str | None) -> Page:
        found, _ = await asyncio.gather(
            self.inner.pull(stream, window, page), self.inner.pull(stream, msgspec.structs.replace(window), page)
        )
        return found


class HtmlIsEmpty(Wrapped):
    """Takes a maintenance page for an empty list."""

    async def pull(self, stream: str, window: Window, page: str | None) -> Page:
        try:
            return await self.inner.pull(stream, window, page)
        except rest.NotJson:
            return Page(records=())


class TroubleIsAbsence(Wrapped):
    """Takes a failed read for proof that nothing is there."""

    async def fetch(self, stream: str, refs: Sequence[str]) -> Fetched:
        try:
            return await self.inner.fetch(stream, refs)
        except VendorFault:
            return dict.fromkeys(refs, Missing("absent"))


class IgnoresAbsent(Wrapped):
    """Answers only for what it found."""

    async def fetch(self, stream: str, refs: Sequence[str]) -> Fetched:
        found = await self.inner.fetch(stream, refs)
        return {ref: one for ref, one in found.items() if isinstance(one, Record)}


class ForeignIsAbsent(Wrapped):
    """Forgets whose record it is."""

    async def fetch(self, stream: str, refs: Sequence[str]) -> Fetched:
        found = await self.inner.fetch(stream, refs)
        return {ref: one if isinstance(one, Record) else Missing("absent") for ref, one in found.items()}


class FetchesOneByOne(Wrapped):
    """Spends a call on every ref."""

    async def fetch(self, stream: str, refs: Sequence[str]) -> Fetched:
        found: dict[str, Record | Missing] = {}
        for ref in refs:
            found |= await self.inner.fetch(stream, [ref])
        return found


class LimitIsAway(Wrapped):
    """Counts a full budget as the vendor being down."""

    async def pull(self, stream: str, window: Window, page: str | None) -> Page:
        try:
            return await self.inner.pull(stream, window, page)
        except VendorFault as fault:
            raise VendorFault(fault.what, counts_against_breaker=True) from None


class RefusedIsRetried(Wrapped):
    """Never stops asking with dead credentials."""

    async def pull(self, stream: str, window: Window, page: str | None) -> Page:
        try:
            return await self.inner.pull(stream, window, page)
        except VendorFault as fault:
            raise VendorFault(fault.what, disposition=Disposition.RETRY) from None


class TellsSecrets(Wrapped):
    """Writes its credentials into a fault."""

    async def pull(self, stream: str, window: Window, page: str | None) -> Page:
        try:
            return await self.inner.pull(stream, window, page)
        except VendorFault as fault:
            told = f"{fault.what} for {self.context.credentials}"
            raise VendorFault(told, counts_against_breaker=fault.counts_against_breaker) from None

    def __init__(self, inner: Connector, context: ConnectorContext) -> None:
        super().__init__(inner)
        self.context = context


class ProvesAnything(Wrapped):
    """Believes every record."""

    async def calibrate(self, stream: str, known: Record) -> bool:
        del stream, known
        return True


class LosesRooms(Wrapped):
    """Reads the first room type and calls it the catalogue."""

    async def catalogue(self) -> Any:
        told = await self.inner.catalogue()
        return msgspec.structs.replace(told, room_types=told.room_types[:1])


class MapperBug:
    """The real mapper, with what it says bent."""

    vendor, version = MAPPER.vendor, MAPPER.version

    def __init__(self, bend: Callable[[Mapped], Mapped]) -> None:
        self.bend = bend

    def to_revisions(self, stream: str, raw: bytes, context: MappingContext) -> Mapped:
        return self.bend(MAPPER.to_revisions(stream, raw, context))

    def rows(self, body: bytes) -> list[bytes]:
        return MAPPER.rows(body)


class GuessesStatus(MapperBug):
    """Maps a status it does not know as confirmed."""

    def __init__(self) -> None:
        super().__init__(lambda mapped: mapped)

    def to_revisions(self, stream: str, raw: bytes, context: MappingContext) -> Mapped:
        try:
            return MAPPER.to_revisions(stream, raw, context)
        except MappingRejected as rejected:
            known = raw.replace(f'"{rejected.value}"'.encode(), b'"confirmed"')
            return MAPPER.to_revisions(stream, known, context)


class DiesOnNonsense(MapperBug):
    """Lets the decoder's own error out."""

    def to_revisions(self, stream: str, raw: bytes, context: MappingContext) -> Mapped:
        if stream == "reservations":
            msgspec.json.decode(raw)
        return MAPPER.to_revisions(stream, raw, context)


def bend_stays(**changes: Any) -> Callable[[Mapped], Mapped]:
    """Change every stay a mapper tells of; a callable value is given the stay."""

    def bend(mapped: Mapped) -> Mapped:
        revisions = []
        for revision in mapped.revisions:
            stays = tuple(
                msgspec.structs.replace(
                    stay, **{name: new(stay) if callable(new) else new for name, new in changes.items()}
                )
                for stay in revision.room_stays
            )
            revisions.append(msgspec.structs.replace(revision, room_stays=stays))
        return msgspec.structs.replace(mapped, revisions=tuple(revisions))

    return bend


def bend_revisions(**changes: Any) -> Callable[[Mapped], Mapped]:
    """Change every revision a mapper tells of."""
    return lambda mapped: msgspec.structs.replace(
        mapped, revisions=tuple(msgspec.structs.replace(one, **changes) for one in mapped.revisions)
    )


class DoorBug:
    """The real door, without one of its rules."""

    vendor, header = DOOR.vendor, DOOR.header

    def verify(self, delivery: Delivery, secrets: Sequence[str], *, now: datetime) -> None:
        DOOR.verify(delivery, secrets, now=now)

    def delivery_id(self, delivery: Delivery) -> str | None:
        return DOOR.delivery_id(delivery)

    def read(self, body: bytes) -> Any:
        return DOOR.read(body)


class OpenDoor(DoorBug):
    """Lets anybody in."""

    def verify(self, delivery: Delivery, secrets: Sequence[str], *, now: datetime) -> None:
        pass


class SloppyDoor(DoorBug):
    """Looks at the beginning of the secret only."""

    def verify(self, delivery: Delivery, secrets: Sequence[str], *, now: datetime) -> None:
        given = delivery.headers.get(str(self.header).lower(), "")
        if not any(secret and given.startswith(secret) for secret in secrets):
            DOOR.verify(delivery, secrets, now=now)


class ForgetfulDoor(DoorBug):
    """Knows one secret, so that a rotation loses deliveries."""

    def verify(self, delivery: Delivery, secrets: Sequence[str], *, now: datetime) -> None:
        DOOR.verify(delivery, secrets[:1], now=now)


class FragileDoor(DoorBug):
    """Lets the decoder's own error out."""

    def read(self, body: bytes) -> Any:
        msgspec.json.decode(body)
        return DOOR.read(body)


class WrongNameDoor(DoorBug):
    """Names another object than the one that changed."""

    def read(self, body: bytes) -> Any:
        return [msgspec.structs.replace(event, ref=f"{event.ref}1") for event in DOOR.read(body)]


class CountingDoor(DoorBug):
    """Gives every delivery a new id."""

    count = 0

    def delivery_id(self, delivery: Delivery) -> str | None:
        del delivery
        self.count += 1
        return str(self.count)
