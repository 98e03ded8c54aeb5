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
ById = Mapping[str, bytes]
"""Elements by their own id."""

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
        profiles = await self._people(batch, parts)
        reference = await self._reference(batch, parts.get(facts.SOURCE_ASSIGNMENTS))
        needed = facts.PARTS[-1]
        parts[needed.operation] = await self._part(needed, batch)
        return [_record(row, enterprise, parts, {**profiles, **reference}) for row in batch]

    async def _enterprise(self) -> dict[str, str]:
        ours = await self._places.enterprise()
        return {"Id": ours.id, "TimeZoneIdentifier": ours.time_zone_identifier, "Pricing": ours.pricing}

    async def _part(self, part: facts.Part, batch: Sequence[Row]) -> Handed | None:
        """Ask one list for the whole batch, and sort what came by owner."""
        ids = sorted({_owner(row, part) for row in batch})
        found = await self._allowed(part.operation, part.asked_by, ids, own=part.owner == "Id")
        if found is None:
            return None
        handed: defaultdict[str, list[bytes]] = defaultdict(list)
        for one in found:
            owner = wire.owner_of(one, part.owner, f"POST {part.operation}")
            handed[owner or ""].append(rows.kept(part.operation, one))
        return handed

    async def _people(self, batch: Sequence[Row], parts: Mapping[str, Handed | None]) -> dict[str, ById | None]:
        """Read the profiles that the batch names."""
        wanted: defaultdict[str, set[str]] = defaultdict(set)
        for row in batch:
            for operation, ids in _people_of(row, _own(row, parts)).items():
                wanted[operation] |= ids
        filters = {facts.CUSTOMERS: "CustomerIds", facts.COMPANIES: "Ids"}
        return {name: await self._profiles(name, asked_by, wanted[name]) for name, asked_by in filters.items()}

    async def _profiles(self, operation: str, asked_by: str, ids: set[str]) -> ById | None:
        """Read profiles, and those that merged ones point at, as far as merges were merged again (10.8)."""
        found: dict[str, bytes] = {}
        for _ in range(_MERGES):
            told = await self._allowed(operation, asked_by, sorted(ids - found.keys()), own=True)
            if told is None:
                return None
            profiles = wire.read_all(told, wire.PROFILE, f"POST {operation}")
            found |= {one.id: rows.kept(operation, body) for one, body in zip(profiles, told, strict=True)}
            ids = {one.merge_target_id for one in profiles if one.merge_target_id} - found.keys()
            if not ids:
                break
        return found

    async def _reference(self, batch: Sequence[Row], assigned: Handed | None) -> dict[str, ById | None]:
        """Return the age categories that the batch counts people by, and the sources that it was sold through."""
        counted = {one.age_category_id for row in batch for one in row.key.person_counts or ()}
        told = [one for rows_of_one in (assigned or {}).values() for one in rows_of_one]
        ids = {one.source_id for one in wire.read_all(told, wire.SOURCE_ASSIGNMENT, f"POST {facts.SOURCE_ASSIGNMENTS}")}
        sources: ById | None = await self._places.sources(ids) if ids else {}
        return {facts.AGES: await self._places.ages(counted), facts.SOURCES: sources}

    async def _allowed(self, operation: str, asked_by: str, ids: Sequence[str], *, own: bool) -> list[bytes] | None:
        """Read a list by ids; None while it is withheld, unless nothing can be told without it (2, 17)."""
        until = self._withheld.get(operation)
        if until is not None and self._now() < until:
            return None
        try:
            return await self._session.of_ids(operation, asked_by, ids, own=own)
        except Withheld:
            if operation in facts.NEEDED:
                raise
            self._withheld[operation] = self._now() + _WITHHELD_FOR
            return None


def _record(
    row: Row, enterprise: Mapping[str, str], parts: Mapping[str, Handed | None], named: Mapping[str, ById | None]
) -> bytes:
    """Put a record together; a list that is withheld leaves no part."""
    told: dict[str, object] = {"Reservation": msgspec.Raw(row.body), "Enterprise": enterprise}
    own = _own(row, parts)
    told |= {facts.ROWS[operation]: _listed(found) for operation, found in own.items()}
    for operation, refs in (*_people_of(row, own).items(), *_references_of(row, own).items()):
        table = named[operation]
        if table is not None:
            told[facts.ROWS[operation]] = _listed(_with_targets(refs, table).values())
    return msgspec.json.encode(told)


def _owner(row: Row, part: facts.Part) -> str:
    return row.key.id if part.of == "stay" else row.key.group_id


def _own(row: Row, parts: Mapping[str, Handed | None]) -> dict[str, list[bytes]]:
    """Return what belongs to a reservation, by list; nothing of lists that are withheld, or not asked for yet."""
    told = [(part, parts.get(part.operation)) for part in facts.PARTS]
    return {part.operation: handed.get(_owner(row, part), []) for part, handed in told if handed is not None}


def _people_of(row: Row, own: Mapping[str, list[bytes]]) -> dict[str, set[str]]:
    """Name the profiles that a reservation speaks of: who pays, who booked, who stays along, who mediated."""
    key = row.key
    where = f"POST {facts.COMPANIONSHIPS}"
    companions = wire.read_all(own.get(facts.COMPANIONSHIPS, ()), wire.COMPANIONSHIP, where)
    along = [one.customer_id for one in companions if one.reservation_id in {None, key.id}]
    is_company = key.account_type == "Company"
    customers = [None if is_company else key.account_id, key.booker_id, *along]
    companies = [key.account_id if is_company else None, key.travel_agency_id]
    return {
        facts.CUSTOMERS: {one for one in customers if one and facts.is_ref(one)},
        facts.COMPANIES: {one for one in companies if one and facts.is_ref(one)},
    }


def _references_of(row: Row, own: Mapping[str, list[bytes]]) -> dict[str, set[str]]:
    """Name the age categories and sources that a reservation speaks of."""
    where = f"POST {facts.SOURCE_ASSIGNMENTS}"
    sold = wire.read_all(own.get(facts.SOURCE_ASSIGNMENTS, ()), wire.SOURCE_ASSIGNMENT, where)
    return {
        facts.AGES: {one.age_category_id for one in row.key.person_counts or ()},
        facts.SOURCES: {one.source_id for one in sold},
    }


def _with_targets(refs: Iterable[str], table: ById) -> dict[str, bytes]:
    """Return the elements by id, with the profiles that take the place of merged ones."""
    found: dict[str, bytes] = {}
    waiting = list(refs)
    while waiting:
        ref = waiting.pop()
        if ref in table and ref not in found:
            found[ref] = table[ref]
            target = wire.PROFILE.decode(table[ref]).merge_target_id
            waiting += [target] if target else []
    return found


def _listed(elements: Iterable[bytes]) -> list[msgspec.Raw]:
    return [msgspec.Raw(one) for one in sorted(elements)]
