"""The lists of one property, page by page, all as they came (vendors/cloudbeds.md 6 and 9)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec

from connectors.cloudbeds import blocks, catalogue, clocks, facts, rooms, rows, wire
from connectors.cloudbeds.faults import Degraded, is_scope
from connectors.cloudbeds.session import Query, Session
from connectors.kit import rest
from connectors.kit.paging import PageGuard
from pms_sync.ports.connector import Missing, Page, Record, RejectedRow, Window

Pull = Callable[[Window, str | None], Awaitable[Page]]
_DAY = timedelta(days=1)


class Lists:
    """Reads pages and named reservations; remembers the property's zone, which filters are written in."""

    def __init__(self, session: Session, property_ref: str) -> None:
        """Read nothing yet."""
        self._session, self._property = session, property_ref
        self._guard = PageGuard()
        self._zone: ZoneInfo | None = None
        self.pulls: dict[str, Pull] = {
            facts.RESERVATIONS: self.reservations,
            facts.GUESTS: self.guests,
            facts.BLOCKS: self.blocks,
            facts.ROOM_STATUS: self.rooms,
            facts.CATALOGUE: self.places,
        }

    async def reservations(self, window: Window, page: str | None) -> Page:
        """Read one page of the list that tells UTC times, rates and deletions (9)."""
        number = rows.page_number(page)
        query = [*await self._filter(window), *facts.WHOLE, *paged(number, facts.PAGE_SIZE)]
        told, total = await self._session.rows(facts.LIST, query)
        following = rows.following(number, len(told), facts.PAGE_SIZE, total)
        self._guard.check((facts.LIST, window), page, told, following, f"GET {facts.LIST} page {number}")
        records, rejected = rows.sorted_out(told, facts.RESERVATIONS)
        # Foreign rows mean that the property was not heard (15.10); they are none of ours.
        mine = tuple(record for record in records if record.property_ref == self._property)
        high_water = None if window.dimension == facts.DEPARTURE else rows.newest(mine)
        return Page(records=mine, rejected=rejected, high_water=high_water, next=following)

    async def guests(self, window: Window, page: str | None) -> Page:
        """Read the reservations of guests that changed: an edited guest may leave the reservation's time alone (9)."""
        number, zone = rows.page_number(page), await self.zone()
        query = [*self._guest_filter(window, zone), *paged(number, facts.PAGE_SIZE)]
        envelope = await self._granted(facts.GUESTS_MODIFIED, query)
        where = f"GET {facts.GUESTS_MODIFIED} page {number}"
        told, total = wire.elements(envelope.data, where), wire.whole(envelope.total)
        following = rows.following(number, len(told), facts.PAGE_SIZE, total)
        self._guard.check((facts.GUESTS_MODIFIED, window), page, told, following, where)
        changed = wire.read_all(told, wire.GUEST_KEY, where)
        refs = list(dict.fromkeys(ref for one in changed if rows.is_ref(ref := wire.text(one.reservation_id))))
        found = await self.named(facts.GUESTS, refs) if refs else {}
        times = [time for one in changed if (time := clocks.local(one.date_modified, zone))]
        records = tuple(one for one in found.values() if isinstance(one, Record))
        return Page(records=records, high_water=max(times, default=None), next=following)

    async def blocks(self, window: Window, page: str | None) -> Page:
        """Read one page of the blocked rooms of a few weeks."""
        number = rows.page_number(page)
        first, last = clocks.days(window)
        dates = [("startDate", first.isoformat()), ("endDate", last.isoformat())]
        envelope = await self._granted(facts.ROOM_BLOCKS, [*dates, *paged(number, facts.SMALL_PAGE_SIZE)])
        told = blocks.blocks_of(envelope.data, self._property)
        following = rows.following(number, len(told), facts.SMALL_PAGE_SIZE, wire.whole(envelope.total))
        where = f"GET {facts.ROOM_BLOCKS} page {number}"
        self._guard.check((facts.ROOM_BLOCKS, window), page, told, following, where)
        records, rejected = blocks.split(told, self._property)
        return Page(records=tuple(records), rejected=rejected, next=following)

    async def rooms(self, _window: Window, page: str | None) -> Page:
        """Read how every room stands now, all of them at once: there is no other time to ask for (10.5)."""
        rows.page_number(page)
        records, rejected = await self.rooms_now()
        return Page(records=tuple(records), rejected=tuple(rejected))

    async def rooms_now(self) -> tuple[list[Record], list[RejectedRow]]:
        """List the rooms to the end, which is nearly always one page; the total may promise more than there is (6)."""
        found: dict[str, Record] = {}
        rejected: list[RejectedRow] = []
        page: str | None = None
        while True:
            number = rows.page_number(page)
            envelope = await self._granted(facts.HOUSEKEEPING, paged(number, facts.HOUSEKEEPING_PAGE_SIZE))
            where = f"GET {facts.HOUSEKEEPING} page {number}"
            told, total = wire.elements(envelope.data, where), wire.whole(envelope.total)
            following = rows.following(number, len(told), facts.HOUSEKEEPING_PAGE_SIZE, total)
            self._guard.check(facts.HOUSEKEEPING, page, told, following, where)
            records, unreadable = rooms.split(told, self._property)
            found |= {one.ref: one for one in records}
            rejected += unreadable
            if following is None:
                return list(found.values()), rejected
            page = following

    async def places(self, _window: Window, page: str | None) -> Page:
        """Show the property as it is listed; the rest of the catalogue has an import of its own."""
        rows.page_number(page)
        told, _ = await self._session.rows(facts.HOTELS)
        hotels = zip(told, wire.read_all(told, wire.HOTEL, f"GET {facts.HOTELS}"), strict=True)
        mine = [row for row, hotel in hotels if hotel.ref == self._property]
        ref = self._property
        return Page(records=tuple(Record(stream=facts.CATALOGUE, ref=ref, property_ref=ref, body=row) for row in mine))

    async def named(self, stream: str, refs: Sequence[str]) -> dict[str, Record | Missing]:
        """Read reservations by id, no more than a page holds; raises VendorFault when the answer is not complete."""
        found: dict[str, Record | Missing] = {}
        page: str | None = "1"
        while page is not None:  # one page, unless the total promises more than came
            number = int(page)
            query = [("reservationID", ",".join(refs)), *facts.WHOLE, *paged(number, facts.PAGE_SIZE)]
            told, total = await self._session.rows(facts.LIST, query)
            before = len(found)
            for row in told:
                record, deleted = rows.fetched(row, stream, refs, self._property)
                found[record.ref] = self._judged(record, deleted=deleted)
            over = len(found) in {before, len(refs)}
            page = None if over else rows.following(number, len(told), facts.PAGE_SIZE, total)
        return found

    def _judged(self, record: Record, *, deleted: bool) -> Record | Missing:
        """Say what a row means for whoever asked for it."""
        if record.property_ref != self._property:
            return Missing("not_ours", record.property_ref)
        return Missing("deleted", record.property_ref) if deleted else record

    async def blocks_around(self, now: datetime) -> list[Record]:
        """List every blocked room as far as a sweep reaches; by its id a block may show only today (10.7)."""
        spec = facts.SPEC.stream(facts.BLOCKS)
        step = spec.max_snapshot_window or _DAY
        start = clocks.midnight(now - (spec.sweep_back or _DAY))
        end = now + (spec.sweep_ahead or _DAY)
        found: list[Record] = []
        while start < end:
            window = Window(dimension=facts.NIGHT, start=start, end=start + step)
            page = await self.blocks(window, None)
            found += page.records
            while page.next is not None:
                page = await self.blocks(window, page.next)
                found += page.records
            start += step
        return found

    async def zone(self) -> ZoneInfo:
        """Return the property's zone, read once; raises VendorFault when none that exists is told."""
        return self._zone or self.keep_zone(await catalogue.own_hotel(self._session, self._property))

    def keep_zone(self, hotel: wire.Hotel) -> ZoneInfo:
        """Take the zone from a property as it was read."""
        try:
            self._zone = ZoneInfo(hotel.property_timezone or "")
        except (ValueError, OSError, LookupError):
            what = "the vendor tells no time zone that exists for this property"
            raise rest.Refused(what, f"GET {facts.HOTELS}") from None
        return self._zone

    async def _filter(self, window: Window) -> Query:
        """Filter by departure, or by change; a window that reaches the present has no upper bound."""
        if window.dimension == facts.DEPARTURE:
            first = clocks.days(window)[0]
            # 9: slices share their border days, and whether the upper one is inclusive is not stated.
            last = window.end.astimezone(UTC).date()
            return [("reservationCheckOutFrom", first.isoformat()), ("reservationCheckOutTo", last.isoformat())]
        since, until = clocks.wall_range(window, await self.zone())
        upper = [] if window.open_ended else [("modifiedTo", until)]
        return [("modifiedFrom", since), *upper, ("sortByRecent", "true")]

    def _guest_filter(self, window: Window, zone: ZoneInfo) -> Query:
        """Filter by change, always from and to: without dates this list shows today only (9)."""
        beyond = msgspec.structs.replace(window, end=window.end + _DAY) if window.open_ended else window
        since, until = clocks.wall_range(beyond, zone)
        return [("resultsFrom", since), ("resultsTo", until)]

    async def _granted(self, method: str, query: Query) -> wire.Envelope:
        """Read of a list that an account may lack the scope for: that must not stop the others (CB-04)."""
        try:
            answer = await self._session.get(method, query)
        except rest.Forbidden as fault:
            if not is_scope(fault):
                raise
            raise Degraded(fault.what, fault.where, status=fault.status) from None
        return rest.read(wire.ENVELOPE, answer, f"GET {method}")


def paged(number: int, size: int) -> Query:
    """Name a page."""
    return [("pageNumber", str(number)), ("pageSize", str(size))]
