"""What a property is made of: services, categories, rooms, age categories, sources.

Asked for rarely, since Mews asks its clients to keep reference data (15); what is met and not known is asked for again.
Sections are those of vendors/mews.md.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, TypeVar

from connectors.mews import facts, wire
from connectors.mews.faults import Withheld
from connectors.mews.session import Session
from pms_sync.domain.errors import Disposition, VendorFault
from pms_sync.ports.connector import CatalogueRatePlan, CatalogueRoom, CatalogueRoomType

T = TypeVar("T")

_FRESH = timedelta(hours=1)
_TOO_FRESH = timedelta(minutes=1)  # what was asked for a moment ago is not asked for again for the sake of an odd id


class Places:
    """The reference data of one property, as far as it was needed so far."""

    def __init__(self, session: Session, property_ref: str, now: Callable[[], datetime]) -> None:
        """Know nothing yet."""
        self._session, self._property, self._now = session, property_ref, now
        self._held: dict[str, tuple[datetime, Any]] = {}

    async def enterprise(self) -> wire.Enterprise:
        """Return our property; raises VendorFault (PAUSE) when the token is another one's."""
        return await self._kept(facts.CONFIGURATION, self._own_enterprise, _FRESH)

    async def whose(self, service_id: str) -> str | None:
        """Return the property that a service belongs to; None for one of ours that nobody stays in.

        A service that is not listed counts as ours: a token sees what it covers, and no booking may be lost (9).
        """
        services = await self._known(facts.SERVICES, self._services, [service_id])
        service = services.get(service_id)
        if service is not None and service.enterprise_id != self._property:
            return service.enterprise_id
        elsewhere = await self._kept(facts.CATEGORIES, self._not_for_stays, _FRESH)
        return None if service_id in elsewhere else self._property

    async def ages(self, ids: Iterable[str]) -> Mapping[str, bytes] | None:
        """Return our age categories by id, as they came; None where they are withheld."""
        return await self._known_or_withheld(facts.AGES, self._ages, ids)

    async def sources(self, ids: Iterable[str]) -> Mapping[str, bytes] | None:
        """Return the sources that bookings come from, as they came; None where they are withheld."""
        return await self._known_or_withheld(facts.SOURCES, self._sources, ids)

    async def categories_of(self, ids: Iterable[str]) -> Mapping[str, list[bytes]] | None:
        """Return of rooms which categories they are of, as the assignments came; None where that is withheld."""
        return await self._known_or_withheld(facts.ASSIGNMENTS, self._assignments, ids)

    async def room_types(self) -> tuple[CatalogueRoomType, ...]:
        """Read the categories that somebody stays in, with their rooms; what is inactive is left out (10.4)."""
        kinds = [one for one in await self._categories() if one.is_active and _is_for_stays(one)]
        rows = await self._session.everything(facts.RESOURCES, {"EnterpriseIds": [self._property]})
        found = wire.read_all(rows, wire.RESOURCE, f"POST {facts.RESOURCES}")
        rooms = {one.id: CatalogueRoom(ref=one.id, name=one.name or None) for one in found if one.is_active}
        inside: defaultdict[str, list[CatalogueRoom]] = defaultdict(list)
        for row in await self._assigned([one.id for one in kinds]):
            if row.is_active and row.resource_id in rooms:  # 10.4: the filter does not see whether the room is active
                inside[row.category_id].append(rooms[row.resource_id])
        return tuple(_room_type(one, inside[one.id]) for one in kinds)

    async def rate_plans(self) -> tuple[CatalogueRatePlan, ...]:
        """Read the rates of our services, without those that availability blocks made for themselves (10.5)."""
        services = await self._our_services()
        rows = await self._session.of_ids(facts.RATES, "ServiceIds", services)
        rates = wire.read_all(rows, wire.RATE, f"POST {facts.RATES}")
        return tuple(
            CatalogueRatePlan(ref=one.id, name=wire.chosen_name(one.names, one.name))
            for one in rates
            if one.is_active and one.type in facts.SELLABLE_RATES
        )

    async def _own_enterprise(self) -> wire.Enterprise:
        told = (await self._session.configuration()).enterprise
        if told.id == self._property:
            return told
        raise VendorFault(
            f"the token is not one of property {self._property}, but of {told.id}",
            f"POST {facts.CONFIGURATION}",
            "correct the property ref, or enter the access token of this property",
            disposition=Disposition.PAUSE,
        )

    async def _services(self) -> dict[str, wire.Service]:
        """Read every service in scope, other properties' too: a reservation tells its property by nothing else."""
        rows = await self._session.everything(facts.SERVICES, {})
        return {one.id: one for one in wire.read_all(rows, wire.SERVICE, f"POST {facts.SERVICES}")}

    async def _our_services(self) -> list[str]:
        services: Mapping[str, wire.Service] = await self._kept(facts.SERVICES, self._services, _FRESH)
        return sorted(one.id for one in services.values() if one.enterprise_id == self._property and one.is_bookable)

    async def _categories(self) -> list[wire.Category]:
        services = await self._our_services()
        rows = await self._session.of_ids(facts.CATEGORIES, "ServiceIds", services)
        return wire.read_all(rows, wire.CATEGORY, f"POST {facts.CATEGORIES}")

    async def _not_for_stays(self) -> frozenset[str]:
        """Find the services that rent out nothing but parking, desks and the like, by their categories (9)."""
        kinds = await self._categories()
        return frozenset(one.service_id for one in kinds) - {one.service_id for one in kinds if _is_for_stays(one)}

    async def _assigned(self, categories: list[str]) -> list[wire.Assignment]:
        rows = await self._session.of_ids(facts.ASSIGNMENTS, "ResourceCategoryIds", categories)
        return wire.read_all(rows, wire.ASSIGNMENT, f"POST {facts.ASSIGNMENTS}")

    async def _assignments(self) -> dict[str, list[bytes]]:
        kinds = [one.id for one in await self._categories() if one.is_active and _is_for_stays(one)]
        rows = await self._session.of_ids(facts.ASSIGNMENTS, "ResourceCategoryIds", kinds)
        found: defaultdict[str, list[bytes]] = defaultdict(list)
        told = wire.read_all(rows, wire.ASSIGNMENT, f"POST {facts.ASSIGNMENTS}")
        for row, one in sorted(zip(rows, told, strict=True), key=lambda pair: pair[0]):
            if one.is_active:
                found[one.resource_id].append(row)
        return dict(found)

    async def _ages(self) -> dict[str, bytes]:
        services = await self._our_services()
        rows = await self._session.of_ids(facts.AGES, "ServiceIds", services)
        told = wire.read_all(rows, wire.AGE, f"POST {facts.AGES}")
        return {one.id: row for one, row in zip(told, rows, strict=True)}

    async def _sources(self) -> dict[str, bytes]:
        rows = await self._session.everything(facts.SOURCES, {})
        told = wire.read_all(rows, wire.LOOSE_KEY, f"POST {facts.SOURCES}")
        return {one.id: row for one, row in zip(told, rows, strict=True)}

    async def _kept(self, name: str, read: Callable[[], Awaitable[T]], longest: timedelta) -> T:
        """Return what was read not long ago, else read it."""
        now = self._now()
        held = self._held.get(name)
        if held is not None and timedelta(0) <= now - held[0] < longest:
            value: T = held[1]
            return value
        fresh = await read()
        self._held[name] = (now, fresh)
        return fresh

    async def _known(
        self, name: str, read: Callable[[], Awaitable[Mapping[str, T]]], ids: Iterable[str]
    ) -> Mapping[str, T]:
        """Return a table; where an id is not in it, one that is no older than a minute."""
        held = await self._kept(name, read, _FRESH)
        return held if held.keys() >= set(ids) else await self._kept(name, read, _TOO_FRESH)

    async def _known_or_withheld(
        self, name: str, read: Callable[[], Awaitable[Mapping[str, T]]], ids: Iterable[str]
    ) -> Mapping[str, T] | None:
        async def tried() -> Mapping[str, T] | None:
            try:
                return await read()
            except Withheld:
                return None

        held = await self._kept(name, tried, _FRESH)
        if held is None or held.keys() >= set(ids):
            return held
        return await self._kept(name, tried, _TOO_FRESH)


def _is_for_stays(category: wire.Category) -> bool:
    return category.type not in facts.NOT_FOR_STAYS


def _room_type(category: wire.Category, rooms: list[CatalogueRoom]) -> CatalogueRoomType:
    return CatalogueRoomType(
        ref=category.id, name=wire.chosen_name(category.names), units=len(rooms), rooms=tuple(rooms)
    )
