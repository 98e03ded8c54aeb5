"""Reservations over HTTP: made, changed, acted upon, and read; each change in one transaction with its answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Protocol, TypeAlias
from uuid import UUID

import msgspec
from aiohttp import hdrs, web

from pms_sync.api.guard import person_of
from pms_sync.api.once import Once
from pms_sync.api.orders_in import LARGEST_ORDER, ActOptions, NewReservation, ReservationPatch
from pms_sync.api.pages import ListQuery, Page, mark
from pms_sync.api.preconditions import demanded_version, expected_version
from pms_sync.api.problems import Handler, Problem, read_body
from pms_sync.api.reading import read_json_text, read_query
from pms_sync.api.refusals import etag, told
from pms_sync.apply.orders import Act, Actor, Draft, Edit
from pms_sync.auth.roles import Person, may
from pms_sync.observe.logs import new_correlation_id
from pms_sync.ports.documents import Reservation
from pms_sync.store import reservation_documents, reservation_lists
from pms_sync.store.database import Connection, Database, act_for
from pms_sync.store.health import promptly
from pms_sync.store.idempotency import Answer
from pms_sync.store.reservation_documents import Shown
from pms_sync.store.sealing import KeyRing

CORRELATION_HEADER = "X-Correlation-Id"
_PATH = "/api/pms/reservations"
_WITHIN_S = 10.0
_JSON = "application/json"

Ordered: TypeAlias = Callable[[Connection, Actor], Awaitable[UUID]]


class Desk(Protocol):
    """Whoever takes orders (apply.desk), in the caller's transaction; a fault must roll it back."""

    async def create(self, connection: Connection, tenant_id: UUID, draft: Draft, actor: Actor) -> UUID:
        """Make a reservation and return its id; raises NotFound, OrderRefused or Full."""
        ...

    async def edit(
        self,
        connection: Connection,
        tenant_id: UUID,
        reservation_id: UUID,
        expected_version: int,
        edit: Edit,
        actor: Actor,
    ) -> int:
        """Change it and return its new version; raises NotFound, StaleVersion, OrderRefused or Full."""
        ...

    async def act(
        self,
        connection: Connection,
        tenant_id: UUID,
        reservation_id: UUID,
        expected_version: int | None,
        act: Act,
        actor: Actor,
    ) -> int:
        """Do what the act says and return the new version; raises as `edit` does."""
        ...


class Reading:
    """The routes that read; one object per process."""

    def __init__(self, database: Database, keys: KeyRing) -> None:
        """Take the ports."""
        self._database, self._keys = database, keys

    async def listed(self, request: web.Request) -> web.Response:
        """Answer with a page of reservations, newest first."""
        person, query = person_of(request), read_query(request.query, ListQuery)
        async with self._seen(person) as connection:
            ids = await reservation_lists.found(connection, person.tenant_id, query.wanted(), query.limit + 1)
            fit = ids[: query.limit]
            items = await reservation_documents.load(connection, self._keys, person.tenant_id, fit, shown_to(person))
        page = Page(items=tuple(items), next=mark(fit[-1]) if len(ids) > len(fit) else None)
        return web.Response(body=msgspec.json.encode(page), content_type=_JSON)

    async def one(self, request: web.Request) -> web.Response:
        """Answer with one reservation, its version as ETag."""
        person, reservation_id = person_of(request), id_in(request)
        async with self._seen(person) as connection:
            found = await document(connection, self._keys, person, reservation_id)
        body, headers = msgspec.json.encode(found), {hdrs.ETAG: etag(found.version)}
        return web.Response(body=body, content_type=_JSON, headers=headers)

    @asynccontextmanager
    async def _seen(self, person: Person) -> AsyncIterator[Connection]:
        """Open what the person's tenant has, as it stands at one moment: a version belongs to all that is beside it."""
        async with promptly(self._database, _WITHIN_S) as connection:
            if not self._keys.knows(person.tenant_id):
                await self._keys.load(connection)
            async with connection.transaction(isolation="repeatable_read", readonly=True):
                await act_for(connection, person.tenant_id)
                yield connection


class Writing:
    """The routes that change something; one object per process."""

    def __init__(self, desk: Desk, once: Once, keys: KeyRing, changed: Callable[[], None] = lambda: None) -> None:
        """Take the desk that follows orders; `changed` is called after each commit."""
        self._desk, self._once, self._keys, self._changed = desk, once, keys, changed

    async def create(self, request: web.Request) -> web.Response:
        """Make a reservation: 201 with its document and address."""
        person = person_of(request)
        body = await read_body(request, largest=LARGEST_ORDER)
        draft = read_json_text(body, NewReservation).draft()

        async def order(connection: Connection, actor: Actor) -> UUID:
            with told(lost=HTTPStatus.BAD_REQUEST):
                return await self._desk.create(connection, person.tenant_id, draft, actor)

        return await self._ordered(request, body, order, HTTPStatus.CREATED)

    async def change(self, request: web.Request) -> web.Response:
        """Change a reservation by a merge patch: 200 with its document."""
        person, reservation_id = person_of(request), id_in(request)
        body = await read_body(request, largest=LARGEST_ORDER)
        patch = read_json_text(body, ReservationPatch)
        version, edit = demanded_version(request, patch.expected_version), patch.edit()

        async def order(connection: Connection, actor: Actor) -> UUID:
            with told():
                await self._desk.edit(connection, person.tenant_id, reservation_id, version, edit, actor)
            return reservation_id

        return await self._ordered(request, body, order)

    def act(self, act: Act) -> Handler:
        """Return the handler of one act: 200 with the document; where the state forbids it, 409."""

        async def handle(request: web.Request) -> web.Response:
            person, reservation_id = person_of(request), id_in(request)
            body = await read_body(request, largest=LARGEST_ORDER) if request.can_read_body else b""
            options = read_json_text(body, ActOptions) if body else ActOptions()
            version = expected_version(request, options.expected_version)

            async def order(connection: Connection, actor: Actor) -> UUID:
                with told(refused=HTTPStatus.CONFLICT):
                    await self._desk.act(connection, person.tenant_id, reservation_id, version, act, actor)
                return reservation_id

            return await self._ordered(request, body, order)

        return handle

    async def _ordered(
        self, request: web.Request, body: bytes, order: Ordered, status: HTTPStatus = HTTPStatus.OK
    ) -> web.Response:
        person = person_of(request)
        actor = Actor(name=person.actor, correlation_id=new_correlation_id())

        async def work(connection: Connection) -> Answer:
            reservation_id = await order(connection, actor)
            made = await document(connection, self._keys, person, reservation_id)
            return _answer(made, status, actor)

        response = await self._once.answer(request, body, work)
        self._changed()
        return response


async def document(connection: Connection, keys: KeyRing, person: Person, reservation_id: UUID) -> Reservation:
    """Return a reservation as this person may see it; raises Problem 404."""
    shown = shown_to(person)
    found = await reservation_documents.load(connection, keys, person.tenant_id, [reservation_id], shown)
    if not found:
        raise _not_here()
    return found[0]


def shown_to(person: Person) -> Shown:
    """Return what the person's role shows beside the reservation itself."""
    return Shown(people=may(person, "read", "guests"), bill=may(person, "read", "invoices"))


def id_in(request: web.Request) -> UUID:
    """Return the id of the address; raises Problem 404 for what is none."""
    try:
        return UUID(request.match_info["id"])
    except ValueError:
        raise _not_here() from None


def _not_here() -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, "there is no such reservation; list them with GET /api/pms/reservations")


def _answer(made: Reservation, status: HTTPStatus, actor: Actor) -> Answer:
    headers = {"Content-Type": _JSON, "ETag": etag(made.version), CORRELATION_HEADER: actor.correlation_id}
    if status is HTTPStatus.CREATED:
        headers["Location"] = f"{_PATH}/{made.id}"
    return Answer(status=status, headers=headers, body=msgspec.json.encode(made))
