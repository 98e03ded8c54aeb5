"""The routes that write: bookings, properties and the calendar; HTTP 201 with one verdict per item (4.2)."""

from __future__ import annotations

from decimal import Decimal

import msgspec
from aiohttp import web

from connectors.beds24.simulator import calendar_writes, places
from connectors.beds24.simulator.auth import Access
from connectors.beds24.simulator.backend import BAD_REQUEST, Beds24Backend
from connectors.beds24.simulator.query import Parameter, understand
from connectors.beds24.simulator.refusals import VendorRefusal, json_answer

LARGEST_BODY, MOST_ITEMS = 1_000_000, 10_000
"""About 1 MB and 10,000 items (vendors/beds24.md 4.2); how more is refused is not known, here with 400."""
_ITEMS: web.RequestKey[int] = web.RequestKey("items", int)
_DELETE_PARAMETERS = {"id": Parameter("int", many=True)}
_CREATED = 201


async def _array(request: web.Request) -> list[object]:
    """Return the items of a body; raises VendorRefusal 400, which costs nothing."""
    raw = await request.read()
    try:
        items = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError) as error:
        raise VendorRefusal(BAD_REQUEST) from error
    if not isinstance(items, list):
        raise VendorRefusal(BAD_REQUEST, "Request body must be an array", typed=False)
    if len(raw) > LARGEST_BODY or len(items) > MOST_ITEMS:
        raise VendorRefusal(BAD_REQUEST)
    request[_ITEMS] = len(items)
    return items


def writing_cost(request: web.Request) -> Decimal:
    """Return what a write of bookings costs: 1.1 for one as measured, a tenth more for each further item (guess)."""
    return Decimal(1) + Decimal(request.get(_ITEMS, 0)) / 10


class WriteEndpoints:
    """The writing routes of the API over one account."""

    def __init__(self, backend: Beds24Backend) -> None:
        """Work on the account."""
        self._backend = backend

    async def bookings(self, request: web.Request, access: Access) -> web.Response:
        """Answer POST /bookings."""
        return json_answer(self._backend.write(await _array(request), access), _CREATED)

    async def delete_bookings(self, request: web.Request, access: Access) -> web.Response:
        """Answer DELETE /bookings; a bracketed or misspelt `id` names no booking, so nothing is deleted."""
        ids = understand(request.query, _DELETE_PARAMETERS).get("id", [])
        request[_ITEMS] = len(ids)
        return json_answer(self._backend.erase(ids, access), _CREATED)

    async def properties(self, request: web.Request, _access: Access) -> web.Response:
        """Answer POST /properties."""
        items = await _array(request)
        return json_answer([places.write(self._backend.hotel, item) for item in items], _CREATED)

    async def calendar(self, request: web.Request, _access: Access) -> web.Response:
        """Answer POST /inventory/rooms/calendar."""
        items, now = await _array(request), self._backend.clock.now()
        return json_answer([calendar_writes.write(self._backend.hotel, item, now) for item in items], _CREATED)
