"""The lists of one property: windows cut into slices that go down, newest first, and single objects by their ids.

Sections are those of vendors/mews.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from connectors.kit import rest
from connectors.kit.paging import PageGuard
from connectors.mews import facts, rows, wire
from connectors.mews.appetite import Appetite
from connectors.mews.assembly import Assembly
from connectors.mews.blocks import Blocks
from connectors.mews.faults import Degraded, Withheld
from connectors.mews.places import Places
from connectors.mews.rooms import Rooms
from connectors.mews.rows import Place, Row, Span
from connectors.mews.session import Session
from pms_sync.ports.connector import Missing, Page, Record, Sighting, Window

Pull = Callable[[Window, str | None], Awaitable[Page]]

_EMPTY_SLICES = 10
_SECOND = timedelta(seconds=1)


class _Look(NamedTuple):
    """One page of a list: where it was, what it holds, and where the listing goes on."""

    at: Span
    place: Place
    rows: list[bytes]
    following: Place | None


class Lists:
    """Reads pages and named objects; remembers how much at once goes down well."""

    def __init__(self, session: Session, property_ref: str, now: Callable[[], datetime]) -> None:
        """Read nothing yet."""
        self._session, self._property = session, property_ref
        self.places = Places(session, property_ref, now)
        self._assembly = Assembly(session, self.places, now)
        self._blocks = Blocks(session, self.places, property_ref)
        self._rooms = Rooms(session, self.places, property_ref)
        self._guard = PageGuard()
        self._appetites: defaultdict[str, Appetite] = defaultdict(Appetite)
        self.pulls: dict[str, Pull] = {
            facts.RESERVATIONS: self.reservations,
            facts.GUESTS: self.guests,
            facts.BLOCKS: self.blocks,
            facts.ROOM_STATUS: self.rooms,
            facts.CATALOGUE: self.enterprise,
        }

    async def reservations(self, window: Window, page: str | None) -> Page:
        """Read one page of reservations, each completed."""
        span, appetite = rows.span_of(window), self._appetites[window.dimension]
        with appetite.helping():
            look = await self._look(facts.STAYS, span, page, appetite, facts.PAGE_SIZE)
            found, rejected = rows.sorted_out(look.rows)
            dated = window.dimension == facts.MODIFIED
            shown = [row for row in found if not dated or look.at.holds(wire.instant(row.key.updated_utc))]
            mine = [row for row in shown if await self.places.whose(row.key.service_id) == self._property]
            records = await self._records(facts.RESERVATIONS, mine)
        return Page(
            records=tuple(records),
            rejected=tuple(rejected),
            high_water=rows.newest(wire.instant(row.key.updated_utc) for row in mine) if dated else None,
            next=self._next(facts.STAYS, window, page, look),
        )

    async def guests(self, window: Window, page: str | None) -> Page:
        """Name the reservations of guests whose profile changed: an edited profile may leave them untouched (14.1.7).

        A profile of thousands of stays, such as a travel agent's, takes several pages: their cursor stands inside the
        page of profiles, which is then read again.
        """
        span, appetite = rows.span_of(window), self._appetites[facts.CUSTOMERS]
        with appetite.helping(), _degrading():
            look = await self._look(facts.CUSTOMERS, span, page, appetite, facts.GUEST_PAGE_SIZE)
            where = f"POST {facts.CUSTOMERS}"
            told = wire.read_all(look.rows, wire.PROFILE, where)
            changed = [one for one in told if look.at.holds(wire.instant(one.updated_utc))]
            refs, inner = await self._stays_of([one.id for one in changed], look.place.inner)
        following = look.following if inner is None else msgspec.structs.replace(look.place, inner=inner)
        return Page(
            records=(),
            sightings=tuple(Sighting(ref) for ref in refs),
            high_water=rows.newest(wire.instant(one.updated_utc) for one in changed),
            next=self._next(facts.CUSTOMERS, window, page, look._replace(following=following)),
        )

    async def blocks(self, window: Window, page: str | None) -> Page:
        """Read one page of rooms out of order or in internal use; without an interval where the window is too long."""
        span, appetite = rows.span_of(window), self._appetites[facts.REPAIRS]
        with appetite.helping(), _degrading():
            look = await self._look(facts.REPAIRS, span, page, appetite, facts.MOST_ROWS)
            records, rejected = await self._blocks.records(look.rows)
        dated = window.dimension == facts.MODIFIED
        shown = [one for one in records if not dated or look.at.holds(wire.instant(one.version))]
        return Page(
            records=tuple(shown),
            rejected=tuple(rejected),
            high_water=rows.newest(wire.instant(one.version) for one in shown) if dated else None,
            next=self._next(facts.REPAIRS, window, page, look),
        )

    async def rooms(self, _window: Window, page: str | None) -> Page:
        """Read how every room stands now, all of them at once; there is no other time to ask for."""
        if page is not None:
            raise rest.Refused("the page token is none of this connector's", "page")
        with _degrading():
            records, rejected = await self._rooms.all_of_them()
        return Page(records=tuple(records), rejected=tuple(rejected))

    async def enterprise(self, _window: Window, page: str | None) -> Page:
        """Show the property as it is told; the rest of the catalogue has an import of its own."""
        if page is not None:
            raise rest.Refused("the page token is none of this connector's", "page")
        await self.places.enterprise()
        answer = await self._session.call(facts.CONFIGURATION, {"EnterpriseId": self._property})
        body = bytes(rest.read(wire.FIELDS, answer, f"POST {facts.CONFIGURATION}")["Enterprise"])
        ref = self._property
        return Page(records=(Record(stream=facts.CATALOGUE, ref=ref, property_ref=ref, body=body),))

    async def named(self, stream: str, refs: Sequence[str]) -> dict[str, Record | Missing]:
        """Read objects by id, whatever their state; an id that is none of a reservation's is absent (12.1)."""
        found: dict[str, Record | Missing] = {}
        appetite, left = self._appetites[f"{stream} by id"], list(refs)
        while left:
            with appetite.helping():
                batch = left[: appetite.rows(facts.MOST_ROWS)]
                found |= await self._of_stream(stream, batch)
            left = left[len(batch) :]
        return found

    async def _of_stream(self, stream: str, refs: Sequence[str]) -> dict[str, Record | Missing]:
        match stream:
            case facts.BLOCKS:
                return await self._blocks.named(refs)
            case facts.ROOM_STATUS:
                return await self._rooms.named(refs)
            case _:
                return await self._named(stream, refs)

    async def changed_around(self, moment: datetime) -> list[Row]:
        """Read what changed within a second of a moment, without what belongs to it."""
        around = Span("UpdatedUtc", moment, moment + _SECOND)
        return rows.sorted_out(await self._session.everything(facts.STAYS, {**self._ours(), **around.asked()}))[0]

    async def _named(self, stream: str, refs: Sequence[str]) -> dict[str, Record | Missing]:
        found: dict[str, Record | Missing] = {}
        mine: list[Row] = []
        # 10.6: the states named hide one that is added, and without names perhaps the canceled ones; ask both ways.
        for states in ({}, {"States": None}):
            unseen = [ref for ref in refs if ref not in found and ref not in {row.key.id for row in mine}]
            for body in await self._of_ids(unseen, states):
                row = rows.fetched(body, unseen)
                if isinstance(row, str):
                    found[row] = Record(stream=stream, ref=row, property_ref=self._property, body=_bare(body))
                elif (place := await self.places.whose(row.key.service_id)) == self._property:
                    mine.append(row)
                else:
                    found[row.key.id] = Missing("absent") if place is None else Missing("not_ours", place)
        return found | {one.ref: one for one in await self._records(stream, mine)}

    async def _of_ids(self, refs: Sequence[str], states: dict[str, Any]) -> list[bytes]:
        asked = {"ReservationIds": list(refs), **states}
        return await self._session.everything(facts.STAYS, asked, len(refs)) if refs else []

    async def _records(self, stream: str, mine: Sequence[Row]) -> list[Record]:
        bodies = await self._assembly.whole(mine)
        return [rows.record(stream, row, self._property, body) for row, body in zip(mine, bodies, strict=True)]

    async def _stays_of(self, customers: Sequence[str], inner: str | None) -> tuple[list[str], str | None]:
        """Name the reservations of profiles: theirs, page by page, and with the last page where they stay along."""
        if not customers:
            return [], None
        asked = {**self._ours(), "AccountIds": list(customers)}
        found, following = await self._session.page(facts.STAYS, asked, facts.MOST_ROWS, inner)
        refs = await self._stays(found)
        if following is None:
            refs += await self._along(customers)
        return list(dict.fromkeys(refs)), following

    async def _along(self, customers: Sequence[str]) -> list[str]:
        """Name the reservations in which somebody stays along, or in whose group (10.7)."""
        asked = {**self._ours(), "CustomerIds": list(customers)}
        told = await self._session.everything(facts.COMPANIONSHIPS, asked)
        along = wire.read_all(told, wire.COMPANIONSHIP, f"POST {facts.COMPANIONSHIPS}")
        groups = sorted({one.reservation_group_id for one in along if not one.reservation_id})
        found = await self._session.of_ids(facts.STAYS, "ReservationGroupIds", groups)
        return [*(one.reservation_id for one in along if one.reservation_id), *await self._stays(found)]

    async def _stays(self, found: Iterable[bytes]) -> list[str]:
        """Name those of the reservations that are ours, and that somebody stays in."""
        keys = [row.key for row in rows.sorted_out(found)[0]]
        return [key.id for key in keys if await self.places.whose(key.service_id) == self._property]

    async def _look(self, operation: str, span: Span, page: str | None, appetite: Appetite, most: int) -> _Look:
        """Read one page; slices that hold nothing are passed over, as far as one call may take."""
        place = rows.place_of(page, span)
        for _ in range(_EMPTY_SLICES):
            at, count = place.cut(span, appetite.span(span.end - span.start)), appetite.rows(most)
            asked = {**self._scope(operation), **at.asked()}
            found, cursor = await self._session.page(operation, asked, count, place.cursor)
            following = place.following(span, at, cursor)
            if found or following is None:
                break
            place = following
        pinned = msgspec.structs.replace(place, since=at.start)
        return _Look(at, pinned, found, following)

    def _scope(self, operation: str) -> dict[str, Any]:
        """Keep to our property; customers belong to the chain, and know no other filter (2)."""
        return {} if operation == facts.CUSTOMERS else self._ours()

    def _ours(self) -> dict[str, Any]:
        return {"EnterpriseIds": [self._property]}

    def _next(self, operation: str, window: Window, page: str | None, look: _Look) -> str | None:
        """Return the token of the page that follows; raises VendorFault (ABORT) when the listing runs in a circle."""
        token = None if look.following is None else look.following.token()
        if look.rows:  # a slice without rows looks like any other
            where = f"POST {operation} {look.place.token()}"
            inner = [(look.place.inner or "").encode()]
            self._guard.check((operation, window), page, [*look.rows, *inner], token, where)
        return token


@contextmanager
def _degrading() -> Iterator[None]:
    """Let a list that is withheld end this stream's read alone, and not pause the whole account."""
    try:
        yield
    except Withheld as fault:
        raise Degraded(fault.what, fault.where, status=fault.status) from None


def _bare(body: bytes) -> bytes:
    return msgspec.json.encode({"Reservation": msgspec.Raw(body)})
