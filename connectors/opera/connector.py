"""The Opera talker: what reservations a hotel has, each of them whole, its rooms and repairs, and its event queue."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date

from connectors.kit import rest
from connectors.kit.paging import PageGuard
from connectors.kit.read_only import ReadOnly
from connectors.opera import facts, rows, wire
from connectors.opera.events import QUEUE
from connectors.opera.places import Places
from connectors.opera.session import BadValue, NotServed, Query, Session, contradiction
from pms_sync.domain.errors import ConfigurationFault
from pms_sync.ports.connector import (
    Catalogue,
    Checked,
    ConnectorContext,
    Missing,
    Page,
    Record,
    Subscription,
    Window,
)

_TOLD_ELSEWHERE = (rest.Refused, rest.Forbidden)
_SET_UP = (
    "OPERA Cloud sends no webhooks: changes come from its business-event queue. In OPERA Cloud set up an external"
    " system with an External Database entry of its own consumer code, subscribe it to the business events of this"
    " hotel, and give its code as the credential external_system. No other program may read that queue"
)


class NoQueue(NotServed):
    """Nobody said which queue is ours."""

    advice = "give the code of the hotel's external system as the credential external_system"

    def __init__(self) -> None:
        """Say it in one way."""
        super().__init__("the hotel's external system is not known: sweeps alone find changes", facts.EXTERNAL_SYSTEM)


class OperaConnector(ReadOnly):
    """Talks to one OHIP application about one hotel; every method is one retryable unit and changes nothing there.

    `drain` is the exception: what it takes from the queue is gone there.
    """

    spec = facts.SPEC
    queue = QUEUE

    def __init__(self, context: ConnectorContext) -> None:
        """Remember the context; raises ConfigurationFault for a hotel code or log-in that cannot be one."""
        if not rows.is_hotel(context.property_ref):
            what = f"{context.property_ref!r} is no hotel code"
            raise ConfigurationFault(what, "property_ref", "give the hotel's code as OPERA Cloud shows it")
        self._hotel, self._now = context.property_ref, context.now
        self._system = context.credentials.get(facts.EXTERNAL_SYSTEM, "")
        self._session = Session(context)
        self._places = Places(self._session, context.property_ref)
        self._guard = PageGuard()
        self._way = 0  # which of the ways to ask for a whole reservation this gateway takes
        self._reads_reservations = False

    async def check(self) -> Checked:
        """Read the business date, and which modules the gateway serves; a hotel without reservations is refused."""
        await self._prove_reading()
        told = await self._places.modules()
        day = await self._places.business_date()
        seen = f"business date {day}" if day else "the business date is not served"
        lacking = [name for name, served in told.items() if not served]
        return Checked(
            property_refs=(self._hotel,),
            detail="; ".join(
                [
                    seen,
                    *([f"not served for this hotel: {', '.join(lacking)}"] if lacking else []),
                    *([] if self._system else [NoQueue().what]),
                ]
            ),
        )

    async def catalogue(self) -> Catalogue:
        """Read rooms under their types, and rate plans where they are served; raises VendorFault without any room."""
        return Catalogue(
            property_ref=self._hotel,
            room_types=await self._places.room_types(),
            rate_plans=await self._places.rate_plans(),
        )

    async def pull(self, stream: str, window: Window, page: str | None) -> Page:
        """Read one page: reservations are only named, what is of rooms comes whole. Raises KeyError for others."""
        if stream == facts.BLOCKS:
            found = await self._places.repairs(*rows.days(window))
            return Page(records=tuple(found))
        if stream == facts.ROOM_STATUS:
            return Page(records=tuple(await self._places.standing()))
        if stream != facts.RESERVATIONS:
            raise KeyError(stream)
        place = rows.place_of(page, window)
        size = facts.PAGE_SIZE if place.day is None else facts.SUMMARY_PAGE_SIZE
        told, paged = await self._listed(window, place, size)
        after = rows.following(place, window, len(told), size, paged)
        token = None if after is None else after.token()
        if told:  # a day without a reservation looks like any other
            self._guard.check((stream, window), page, told, token, f"GET {facts.SEARCH} {place.token()}")
        seen, rejected = rows.sightings(told, self._hotel)
        return Page(records=(), sightings=seen, rejected=rejected, next=token)

    async def _listed(self, window: Window, place: rows.Place, size: int) -> tuple[list[bytes], wire.Paged]:
        """Search by arrival, or go through the summary of one day; 204 is an empty page (3)."""
        paged = [("limit", str(size)), ("offset", str(place.offset))]
        if place.day is None:
            first, last = rows.days(window)
            query = [("arrivalStartDate", str(first)), ("arrivalEndDate", str(last)), *paged]
            found = (await self._session.read(wire.SEARCH, facts.SEARCH, query) or wire.Search()).reservations
            return wire.many(found.reservation_info), found
        query = [(facts.DAY_FILTERS[window.dimension], str(place.day)), *paged]
        summary = await self._session.read(wire.SUMMARY, facts.SUMMARY, query) or wire.Summary()
        listed = summary.reservations_summary_information
        return wire.many(listed.reservations_information), listed

    async def fetch(self, stream: str, refs: Sequence[str]) -> Mapping[str, Record | Missing]:
        """Read objects as they are now; absence is no proof of deletion (10.5).

        Raises ValueError for more than `batch_fetch_limit` refs or another stream.
        """
        readable = (facts.RESERVATIONS, facts.BLOCKS, facts.ROOM_STATUS)
        if stream not in readable or len(refs) > self.spec.batch_fetch_limit:
            message = f"fetch takes at most {self.spec.batch_fetch_limit} refs of {', '.join(readable)}"
            raise ValueError(message)
        if stream == facts.BLOCKS:
            return {ref: await self._places.repair(ref, self._today()) for ref in refs}
        if stream == facts.ROOM_STATUS:
            return {ref: await self._places.standing_of(ref) for ref in refs}
        return {ref: await self._reservation(ref) if rows.is_ref(ref) else Missing("absent") for ref in refs}

    async def _reservation(self, ref: str) -> Record | Missing:
        answer = await self._whole(ref)
        if answer is None:
            return await self._absent(ref)
        self._reads_reservations = True
        told = rest.read(wire.SINGLE, answer, f"GET {facts.ONE}").reservations.reservation
        found = [rows.record(row, ref, self._hotel) for row in wire.many(told)]
        mine = next((one for one in found if one is not None), None)
        if mine is None:
            raise contradiction("the answer holds another reservation than was asked for", facts.ONE)
        return mine if mine.property_ref == self._hotel else Missing("not_ours", mine.property_ref)

    async def _whole(self, ref: str) -> rest.Answer | None:
        """Ask for as much as this gateway lets itself be asked for; what it refuses once is not asked again (5)."""
        while True:
            query = [("fetchInstructions", one) for one in facts.INSTRUCTIONS[self._way]]
            try:
                return await self._session.find(facts.ONE, query, ref=ref)
            except BadValue:
                if self._way + 1 == len(facts.INSTRUCTIONS):
                    raise
                self._way += 1

    async def _absent(self, ref: str) -> Missing:
        """Say where a reservation is that is not here: a gateway without the module answers 404 as well, to all."""
        await self._prove_reading()
        try:
            answer = await self._session.get(facts.ANYWHERE, [("reservationIdList", ref), ("limit", "1")])
        except _TOLD_ELSEWHERE:
            return Missing("absent")  # the log-in sees no further than this hotel
        told = wire.Found() if answer is None else rest.read(wire.SEARCH, answer, f"GET {facts.ANYWHERE}").reservations
        for row in wire.many(told.reservation_info):
            found = rows.record(row, ref, "")
            if found is not None and found.property_ref == self._hotel:
                raise contradiction("the reservation is listed, yet its own page says that there is none", facts.ONE)
            if found is not None and found.property_ref:
                return Missing("not_ours", found.property_ref)
        return Missing("absent")

    async def _prove_reading(self) -> None:
        """Ask once for a page of reservations; raises what stands in the way of reading any."""
        if not self._reads_reservations:
            await self._session.get(facts.SUMMARY, [("arrivalDate", str(self._today())), ("limit", "1")])
            self._reads_reservations = True

    async def drain(self, stream: str) -> bytes | None:
        """Take up to 20 business events, which nobody is given again; None when there are none.

        Raises KeyError for another stream, NoQueue where none is known.
        """
        if stream != facts.EVENTS:
            raise KeyError(stream)
        if not self._system:
            raise NoQueue
        query: Query = [("limit", str(facts.MOST_EVENTS))]
        answer = await self._session.optional(facts.QUEUE_OF_HOTEL, query, system=self._system)
        return None if answer is None else answer.body

    async def calibrate(self, stream: str, known: Record) -> bool:  # noqa: ARG002 - the port
        """Return False: no filter of Opera reads a time of change."""
        return False

    async def subscribe(self, url: str, secret: str) -> list[Subscription]:  # noqa: ARG002 - the port
        """Say what a person has to set up instead of a webhook (8.2)."""
        return [Subscription(url=url, manual=None if self._system else _SET_UP)]

    async def aclose(self) -> None:
        """Let a refresh under way end; may be called twice."""
        await self._session.aclose()

    def _today(self) -> date:
        return self._now().astimezone(UTC).date()
