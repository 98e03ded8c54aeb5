"""What a hotel consists of at Opera: rooms and their types, rate plans, repairs, and the business date.

These are modules of their own, which not every gateway serves (vendors/opera.md 1): each is asked where it may be.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TypeVar

from connectors.kit import rest
from connectors.kit.paging import PageGuard
from connectors.opera import facts, rows, wire
from connectors.opera.session import NotServed, Query, Session
from pms_sync.ports.connector import CatalogueRatePlan, CatalogueRoomType, Missing, Record

T = TypeVar("T")
U = TypeVar("U")

_PROBES = {"housekeeping": facts.OVERVIEW, "rate plans": facts.RATE_PLANS}
_ONE = (("limit", "1"), ("offset", "0"))
_MOST_PAGES = 200


class Places:
    """Reads them for one hotel."""

    def __init__(self, session: Session, hotel: str) -> None:
        """Share the connector's session."""
        self._session, self._hotel = session, hotel

    async def business_date(self) -> date | None:
        """Return the hotel's own today, which moves at night audit (7.5); None where it is not served."""
        try:
            answer = await self._session.optional(facts.BUSINESS_DATE)
        except NotServed:
            return None
        if answer is None:
            return None
        told = rest.read(wire.HOTEL_DAYS, answer, f"GET {facts.BUSINESS_DATE}")
        try:
            days = list(wire.each(told.hotels, wire.HOTEL_DAY))
            text = next((one.business_date for one in days if one.hotel_id in {None, self._hotel}), None)
            return date.fromisoformat((text or "")[:10])
        except ValueError:
            return None

    async def modules(self) -> dict[str, bool]:
        """Say of the modules that a hotel may lack whether they answer."""
        return {name: await self._serves(path) for name, path in _PROBES.items()}

    async def _serves(self, path: str) -> bool:
        try:
            await self._session.optional(path, _ONE if path == facts.OVERVIEW else ())
        except NotServed:
            return False
        return True

    async def room_types(self) -> tuple[CatalogueRoomType, ...]:
        """Return the types with their rooms from the first module that has them; raises NotServed when none does."""
        last: NotServed | None = None
        for path in facts.ROOMS:
            try:
                found = await self._rooms(path)
            except NotServed as fault:
                last = fault
                continue
            if found:
                return _shaped(rows.room_types, found, path)
        if last is not None:
            raise last
        return ()

    async def rate_plans(self) -> tuple[CatalogueRatePlan, ...]:
        """Return the rate plans, none where they are not served."""
        try:
            answer = await self._session.optional(facts.RATE_PLANS)
        except NotServed:
            return ()
        if answer is None:
            return ()
        return _shaped(rows.rate_plans, rest.read(wire.PLANS, answer, f"GET {facts.RATE_PLANS}"), facts.RATE_PLANS)

    async def repairs(self, first: date, last: date) -> list[Record]:
        """Read what is out of order or out of service in these days, the last one included."""
        return await self._repairs([("startDate", str(first)), ("endDate", str(last))])

    async def repair(self, ref: str, today: date) -> Record | Missing:
        """Look for one repair by its room; its days are not known, so the likeliest are asked for first."""
        number, _, _ = ref.rpartition("/")
        if not number:
            return Missing("absent")
        for first, last in rows.repair_windows(today):
            query = [("startDate", str(first)), ("endDate", str(last)), ("roomId", number)]
            found = next((one for one in await self._repairs(query) if one.ref == ref), None)
            if found is not None:
                return found
        return Missing("absent")

    async def standing(self, wanted: Query = ()) -> list[Record]:
        """Read how rooms stand now, to the end of the board."""
        found = await self._rooms(facts.OVERVIEW, wanted)
        return _shaped(lambda told: list(rows.standing(told, self._hotel)), found, facts.OVERVIEW)

    async def standing_of(self, number: str) -> Record | Missing:
        """Read how one room stands; a gateway that does not hear which one shows it among the others."""
        records = await self.standing([("fromRoomNumber", number), ("toRoomNumber", number)])
        return next((one for one in records if one.ref == number), Missing("absent"))

    async def _repairs(self, query: list[tuple[str, str]]) -> list[Record]:
        found: dict[str, Record] = {}
        for path in facts.REPAIRS:
            answer = await self._session.optional(path, query)
            if answer is not None:
                told = rows.rooms(rest.read(wire.ROOM_LISTS, answer, f"GET {path}"))
                kept = _shaped(lambda told: list(rows.repairs(told, self._hotel)), told, path)
                found |= {one.ref: one for one in kept}
        return list(found.values())

    async def _rooms(self, path: str, wanted: Query = ()) -> list[bytes]:
        """Read a list of rooms to its end."""
        guard, found = PageGuard(_MOST_PAGES), list[bytes]()
        token: str | None = None
        while True:
            query = [*wanted, ("limit", str(facts.ROOMS_PAGE_SIZE)), ("offset", str(len(found)))]
            answer = await self._session.optional(path, query)
            if answer is None:
                return found
            told = rest.read(wire.ROOM_LISTS, answer, f"GET {path}")
            fresh = rows.rooms(told)
            more = rows.has_more(len(found), len(fresh), facts.ROOMS_PAGE_SIZE, rows.paging(told))
            after = str(len(found) + len(fresh)) if more else None
            guard.check(path, token, fresh, after, f"GET {path}")
            found += fresh
            if after is None:
                return found
            token = after


def _shaped(read: Callable[[U], T], told: U, path: str) -> T:
    """Read elements; raises Refused when one has another shape than documented."""
    try:
        return read(told)
    except (ValueError, RecursionError) as error:
        what = f"a row has another shape than documented: {error}"
        raise rest.Refused(what, f"GET {path}") from None
