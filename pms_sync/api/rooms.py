"""Rooms over HTTP: how they stand now, as the vendors say (seed S1.52)."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import UNSET, Meta, UnsetType

from pms_sync.api.guard import person_of
from pms_sync.api.orders_in import Code
from pms_sync.api.reading import read_query
from pms_sync.store import room_states
from pms_sync.store.database import Database
from pms_sync.store.health import promptly
from pms_sync.store.room_states import RoomState

_WITHIN_S = 10.0
_TODAY_ALONE = "a day of the hotel's; only today is known, so any other brings no rooms"


class RoomQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which rooms are asked for."""

    property: Annotated[Code, Meta(description="our code of a property")] | UnsetType = UNSET
    day: Annotated[date, Meta(description=_TODAY_ALONE)] | UnsetType = msgspec.field(name="date", default=UNSET)


class RoomList(msgspec.Struct, frozen=True, kw_only=True):
    """How rooms stand, by property and room; one that two accounts tell of stands twice."""

    items: tuple[RoomState, ...]


class Rooms:
    """The route; one object per process."""

    def __init__(self, database: Database) -> None:
        """Take the port."""
        self._database = database

    async def listed(self, request: web.Request) -> web.Response:
        """Answer with how the rooms of the person's tenant stand."""
        tenant_id, query = person_of(request).tenant_id, read_query(request.query, RoomQuery)
        code = None if isinstance(query.property, UnsetType) else query.property
        day = None if isinstance(query.day, UnsetType) else query.day
        async with promptly(self._database, _WITHIN_S, tenant_id) as connection:
            found = await room_states.shown(connection, tenant_id, property_code=code, on=day)
        return web.Response(body=msgspec.json.encode(RoomList(items=tuple(found))), content_type="application/json")
