"""What a property sells: room types, their rooms, and the rates that room lines name.

Sections are those of vendors/cloudbeds.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from connectors.cloudbeds import facts, wire
from connectors.cloudbeds.faults import is_scope
from connectors.cloudbeds.session import Query, Session
from connectors.kit import rest
from pms_sync.domain.errors import Disposition, VendorFault
from pms_sync.ports.connector import CatalogueRatePlan, CatalogueRoom, CatalogueRoomType

_MOST_PAGES = 500
_DAY = timedelta(days=1)


async def hotels(session: Session, *, ours: bool) -> list[wire.Hotel]:
    """Read our property, or every one that the credential covers."""
    return wire.read_all(await _all_rows(session, facts.HOTELS, ours=ours), wire.HOTEL, f"GET {facts.HOTELS}")


async def own_hotel(session: Session, property_ref: str) -> wire.Hotel:
    """Read our property; a list without it means that the credential does not cover it."""
    for hotel in await hotels(session, ours=True):
        if hotel.ref == property_ref:
            return hotel
    raise VendorFault(
        f"property {property_ref} is not among those the credential covers",
        f"GET {facts.HOTELS}",
        "correct the property ref, or enter credentials of this property",
        disposition=Disposition.PAUSE,
    )


async def room_types(session: Session, property_ref: str) -> tuple[CatalogueRoomType, ...]:
    """Read room types with their rooms; virtual ones too, since bookings name them (15.17)."""
    where = f"GET {facts.ROOM_TYPES}"
    kinds = wire.read_all(await _all_rows(session, facts.ROOM_TYPES), wire.ROOM_TYPE, where)
    names = {wire.text(kind.room_type_id): kind.room_type_name for kind in kinds if _is_ours(kind, property_ref)}
    rooms = await _rooms(session, property_ref)
    for room in rooms:
        names.setdefault(wire.text(room.room_type_id), room.room_type_name)
    return tuple(_room_type(ref, name, rooms) for ref, name in names.items() if ref)


async def rate_plans(session: Session, property_ref: str, today: date) -> tuple[CatalogueRatePlan, ...]:
    """Read tonight's rates, each once; none where the credential may not (CB-04)."""
    query = [("startDate", today.isoformat()), ("endDate", (today + _DAY).isoformat())]
    try:
        rows, _ = await session.rows(facts.RATE_PLANS, query)
    except rest.Forbidden as fault:
        if not is_scope(fault):
            raise
        return ()
    found = wire.read_all(rows, wire.RATE_PLAN, f"GET {facts.RATE_PLANS}")
    plans = {wire.text(plan.rate_id): _plan_name(plan) for plan in found if _is_ours(plan, property_ref)}
    return tuple(CatalogueRatePlan(ref=ref, name=plans[ref]) for ref in sorted(plans) if ref)


async def _rooms(session: Session, property_ref: str) -> list[wire.Room]:
    """Read every room, page by page: the list is cut at 20, and its counts do not always speak of rooms (6, 10.3)."""
    found: dict[str, wire.Room] = {}
    for number in range(1, _MOST_PAGES + 1):
        rows, _ = await session.rows(facts.ROOMS, _page(number))
        places = wire.read_all(rows, wire.ROOMS_OF, f"GET {facts.ROOMS}")
        shown = [room for place in places if _is_ours(place, property_ref) for room in place.rooms or ()]
        fresh = {ref: room for room in shown if (ref := wire.text(room.room_id)) and ref not in found}
        found |= fresh
        if not fresh or len(shown) < facts.SMALL_PAGE_SIZE:
            return list(found.values())
    raise _endless(facts.ROOMS)


async def _all_rows(session: Session, method: str, *, ours: bool = True) -> list[bytes]:
    """Read every row of a small list, each once; a page that brings nothing new ends it, whatever the totals say."""
    found: dict[bytes, None] = {}
    for number in range(1, _MOST_PAGES + 1):
        rows, _ = await session.rows(method, _page(number), ours=ours)
        fresh = dict.fromkeys(row for row in rows if row not in found)
        found |= fresh
        if not fresh or len(rows) < facts.SMALL_PAGE_SIZE:
            return list(found)
    raise _endless(method)


def _page(number: int) -> Query:
    return [("pageNumber", str(number)), ("pageSize", str(facts.SMALL_PAGE_SIZE))]


def _is_ours(row: wire.RoomType | wire.RoomsOf | wire.RatePlan, property_ref: str) -> bool:
    """Tell whether a row is one of our property's; one that does not say is the answer to our filter."""
    return wire.text(row.property_id) in {"", property_ref}


def _room_type(ref: str, name: str | None, rooms: Sequence[wire.Room]) -> CatalogueRoomType:
    units = tuple(
        CatalogueRoom(ref=wire.text(room.room_id), name=room.room_name or None)
        for room in rooms
        if wire.text(room.room_type_id) == ref
    )
    return CatalogueRoomType(ref=ref, name=name or None, units=len(units), rooms=units)


def _plan_name(plan: wire.RatePlan) -> str | None:
    """Name a rate by its plan and room type; a base rate has no plan."""
    kind = plan.room_type_name if isinstance(plan.room_type_name, str) else None
    name = plan.rate_plan_name_private or plan.rate_plan_name_public
    return " / ".join(part for part in (name, kind) if part) or None


def _endless(method: str) -> VendorFault:
    remedy = "read again later; tell the vendor if it happens again"
    what = f"no end after {_MOST_PAGES} pages"
    return VendorFault(what, f"GET {method}", remedy, disposition=Disposition.ABORT)
