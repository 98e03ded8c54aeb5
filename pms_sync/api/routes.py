"""Routes: the whole API as one table, joined from its parts."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from pms_sync.api import table
from pms_sync.api.auth_routes import AuthRoutes
from pms_sync.api.case_table import cases
from pms_sync.api.cases import Cases
from pms_sync.api.documentation import documented
from pms_sync.api.once import Once
from pms_sync.api.operations import Operation, routes
from pms_sync.api.reservations import Desk, Reading, Writing
from pms_sync.api.rooms import Rooms
from pms_sync.api.sync_health import SyncBoard
from pms_sync.apply.answering import Answering
from pms_sync.auth import desk as auth_desk
from pms_sync.domain.ids import NewId


def operations(
    people: auth_desk.Desk,
    new_id: NewId,
    *,
    orders: Desk | None,
    answering: Answering | None = None,
    changed: Callable[[], None] = lambda: None,
) -> list[Operation]:
    """Return the table: tokens, reservations, cases, sync, rooms and the documentation of all of them.

    `orders` is the desk that follows orders (apply.desk); without one the API only reads. `answering` has people's
    choices followed; without it there are no cases. `changed` is called after each commit of an order, to wake what
    sends it on.
    """
    found = [
        *AuthRoutes(people).operations(),
        *table.reading(Reading(people.database, people.keys)),
        *table.sync(SyncBoard(people.database)),
        *table.rooms(Rooms(people.database)),
    ]
    if orders is not None:
        once = Once(people.database, people.keys, people.clock, new_id)
        found += table.writing(Writing(orders, once, people.keys, changed))
    if answering is not None:
        found += cases(Cases(people.database, people.keys, people.clock, answering))
    return documented(found)


def api_routes(
    people: auth_desk.Desk,
    new_id: NewId,
    *,
    orders: Desk | None,
    answering: Answering | None = None,
    changed: Callable[[], None] = lambda: None,
) -> list[web.RouteDef]:
    """Return the same as routes."""
    return routes(operations(people, new_id, orders=orders, answering=answering, changed=changed))
