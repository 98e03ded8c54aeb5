"""One record per reservation: the row itself, and beside it whatever the vendor tells of it in lists of its own.

A reservation names neither guests nor price nor channel (vendors/mews.md 10.6). So a whole batch is completed at once:
each list that belongs to it is asked once for all of them, and what came is handed out to the reservations it is of.
The record is a JSON object, each part under the name that the vendor gives its list:

    Reservation             the row as it came
    Enterprise              Id, TimeZoneIdentifier, Pricing
    ReservationGroups       its group; Companionships those of the group, ServiceOrderNotes, OrderItems and Payments its
                            own; SourceAssignments and Sources those of the group
    Customers, Companies    the profiles that any of these name, and those that merged ones point at
    AgeCategories           those that its person counts name

A part that the account may not read is not there, so that nothing is concluded from its absence. Elements stand in
the order of their bytes, because the vendor promises none.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from connectors.mews import facts, rows, wire
from connectors.mews.faults import Withheld
from connectors.mews.places import Places
from connectors.mews.rows import Row
from connectors.mews.session import Session

Handed = Mapping[str, list[bytes]]
"""The elements of one list by the id they belong to."""

_WITHHELD_FOR = timedelta(hours=1)
_MERGES = 3


class Assembly:
    """Completes reservations; remembers which lists are withheld from the account."""

    def __init__(self, session: Session, places: Places, now: Callable[[], datetime]) -> None:
        """Ask nothing yet."""
        self._session, self._places, self._now = session, places, now
        self._withheld: dict[str, datetime] = {}

    async def whole(self, batch: Sequence[Row]) -> list[bytes]:
        """Return the record of each reservation, in order; raises VendorFault when one of the lists is not whole."""
        if not batch:
            return []
        enterprise = await self._enterprise()
        parts = {part.operation: await self._part(part, batch) for part in facts.PARTS[:-1]}
        people = await self._people(batch, parts)
        needed = facts.PARTS[-1]
        parts[needed.operation] = await self._part(needed, batch)
        return [await self._record(row, enterprise, parts, people) for row in batch]

    async def _record(
        self,
        row: Row,
        enterprise: Mapping[str, str],
        parts: Mapping[str, Handed | None],
        people: Mapping[str, Mapping[str, bytes] | None],
    ) -> bytes:
        told: dict[str, object] = {"Reservation": msgspec.Raw(row.body), "Enterprise": enterprise}
        mine = {part.operation: _mine(row, part, parts[part.operation]) for part in facts.PARTS}
        for operation, found in mine.items():
            if found is not None:
                told[facts.ROWS[operation]] = _listed(found)
        for operation, profiles in people.items():
            if profiles is not None:
                named = _named(row, mine)[operation]
                told[facts.ROWS[operation]] = _listed(_with_targets(named, profiles).values())
        told |= await self._reference(row, mine)
        return msgspec.json.encode(told)

    async def _enterprise(self) -> dict[str, str]:
        ours = await self._places.enterprise()
        return {"Id": ours.id, "TimeZoneIdentifier": ours.time_zone_identifier, "Pricing": ours.pricing}

    async def _part(self, part: facts.Part, batch: Sequence[Row]) -> Handed | None:
        """Ask one list for the whole batch, and sort what came by owner."""
        ids = sorted({_owner(row, part) for row in batch})
        found = await self._allowed(part.operation, part.asked_by, ids)
        if found is None:
            return None
        handed: defaultdict[str, list[bytes]] = defaultdict(list)
        for one in found:
            owner = wire.owner_of(one, part.owner, f"POST {part.operation}")
            handed[owner or ""].append(rows.kept(part.operation, one))
        return handed

    async def _people(
        self, batch: Sequence[Row], parts: Mapping[str, Handed | None]
    ) -> dict[str, Mapping[str, bytes] | None]:
        """Read the profiles that the batch names."""
        wanted: defaultdict[str, set[str]] = defaultdict(set)
        for row in batch:
            mine = {part.operation: _mine(row, part, parts.get(part.operation)) for part in facts.PARTS}
            for operation, ids in _named(row, mine).items():
                wanted[operation] |= ids
        filters = {facts.CUSTOMERS: "CustomerIds", facts.COMPANIES: "Ids"}
        return {name: await self._profiles(name, asked_by, wanted[name]) for name, asked_by in filters.items()}

    async def _profiles(self, operation: str, asked_by: str, ids: set[str]) -> Mapping[str, bytes] | None:
        """Read profiles, and those that merged ones point at, as far as merges were merged again (10.8)."""
        found: dict[str, bytes] = {}
        for _ in range(_MERGES):
            told = await self._allowed(operation, asked_by, sorted(ids - found.keys()))
            if told is None:
                return None
            profiles = wire.read_all(told, wire.PROFILE, f"POST {operation}")
            found |= {one.id: rows.kept(operation, body) for one, body in zip(profiles, told, strict=True)}
            ids = {one.merge_target_id for one in profiles if one.merge_target_id} - found.keys()
            if not ids:
                break
        return found

    async def _reference(self, row: Row, mine: Mapping[str, list[bytes] | None]) -> dict[str, object]:
        """Return the age categories and sources that a reservation names."""
        told: dict[str, object] = {}
        counted = {one.age_category_id for one in row.key.person_counts or ()}
        ages = await self._places.ages(counted)
        if ages is not None:
            told["AgeCategories"] = _listed(ages[one] for one in counted if one in ages)
        assigned = mine.get(facts.SOURCE_ASSIGNMENTS)
        if assigned is not None:
            where = f"POST {facts.SOURCE_ASSIGNMENTS}"
            ids = {one.source_id for one in wire.read_all(assigned, wire.SOURCE_ASSIGNMENT, where)}
            sources = await self._places.sources(ids) if ids else {}
            if sources is not None:
                told["Sources"] = _listed(sources[one] for one in ids if one in sources)
        return told

    async def _allowed(self, operation: str, asked_by: str, ids: Sequence[str]) -> list[bytes] | None:
        """Read a list by ids; None while it is withheld, unless nothing can be told without it (2, 17)."""
        until = self._withheld.get(operation)
        if until is not None and self._now() < until:
            return None
        try:
            return await self._session.of_ids(operation, asked_by, ids, facts.MOST_ROWS)
        except Withheld:
            if operation in facts.NEEDED:
                raise
            self._withheld[operation] = self._now() + _WITHHELD_FOR
            return None


def _owner(row: Row, part: facts.Part) -> str:
    return row.key.id if part.of == "stay" else row.key.group_id


def _mine(row: Row, part: facts.Part, handed: Handed | None) -> list[bytes] | None:
    """Return what belongs to a reservation; None where the list is withheld, or was not asked for yet."""
    return None if handed is None else handed.get(_owner(row, part), [])


def _named(row: Row, mine: Mapping[str, list[bytes] | None]) -> dict[str, set[str]]:
    """Name the profiles that a reservation speaks of: who pays, who booked, who stays along, who mediated."""
    key = row.key
    companions = wire.read_all(mine.get(facts.COMPANIONSHIPS) or [], wire.COMPANIONSHIP, f"POST {facts.COMPANIONSHIPS}")
    along = [one.customer_id for one in companions if one.reservation_id in {None, key.id}]
    is_company = key.account_type == "Company"
    customers = [None if is_company else key.account_id, key.booker_id, *along]
    companies = [key.account_id if is_company else None, key.travel_agency_id]
    return {
        facts.CUSTOMERS: {one for one in customers if one and facts.is_ref(one)},
        facts.COMPANIES: {one for one in companies if one and facts.is_ref(one)},
    }


def _with_targets(named: Iterable[str], profiles: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the profiles by id, with those that take the place of merged ones."""
    found: dict[str, bytes] = {}
    waiting = list(named)
    while waiting:
        ref = waiting.pop()
        if ref in profiles and ref not in found:
            found[ref] = profiles[ref]
            target = wire.PROFILE.decode(profiles[ref]).merge_target_id
            waiting += [target] if target else []
    return found


def _listed(elements: Iterable[bytes]) -> list[msgspec.Raw]:
    return [msgspec.Raw(one) for one in sorted(elements)]
