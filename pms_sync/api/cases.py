"""Cases over HTTP: what waits for a person, and a person's choices for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

import msgspec
from aiohttp import web
from msgspec import UNSET, Meta, UnsetType

from conflict.resolve import Choice, ChoicesRefused
from pms_sync.api.guard import person_of
from pms_sync.api.operations import Refusal
from pms_sync.api.orders_in import Code
from pms_sync.api.problems import Problem, Wrong, read_body
from pms_sync.api.reading import read_json_text, read_query, shown
from pms_sync.api.reservations import shown_to
from pms_sync.apply.answering import Answer, Answering, TakingBack
from pms_sync.apply.deciding import CaseMoved
from pms_sync.apply.orders import Actor, NotFound
from pms_sync.apply.resolving import TooLate
from pms_sync.auth.roles import Person
from pms_sync.domain.clock import Clock
from pms_sync.observe.logs import new_correlation_id
from pms_sync.store import case_desk
from pms_sync.store.case_desk import STATES, Filters, NoPlace, State
from pms_sync.store.database import Connection, Database
from pms_sync.store.health import promptly
from pms_sync.store.sealing import KeyRing

T = TypeVar("T")

MOST, USUAL = 200, 50
_WITHIN_S = 10.0
_LARGEST_ANSWER = 262_144
_JSON = "application/json"
_ALL = "all"


class FieldShown(msgspec.Struct, frozen=True, kw_only=True):
    """One field that differs, or a fact the case is about; values are documents, null is emptied or not there.

    `suggested` is the side that the rule would take, null where it leaves it to a person.
    """

    path: str
    base: Any
    here: Any
    there: Any
    suggested: Literal["here", "there"] | None
    rule: str | None


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What no rule can decide; severity runs from 1 (tonight) to 4."""

    id: UUID
    version: int
    kind: str
    severity: int
    state: State
    property_code: str
    reservation_ids: tuple[UUID, ...]
    fields: tuple[FieldShown, ...]
    opened_at: datetime
    due_at: datetime | None
    resolved_at: datetime | None
    resolved_by: str | None


class CasePage(msgspec.Struct, frozen=True, kw_only=True):
    """Some cases; `next` reads on, null at the end."""

    items: tuple[Case, ...]
    next: str | None


class Moved(Refusal, frozen=True, kw_only=True):
    """The case changed since that version, or is no longer open; `case` is how it stands now."""

    case: Case


class CaseQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a list of cases may be asked for."""

    state: Annotated[Literal["open", "snoozed", "resolved", "withdrawn", "all"], Meta(description="which")] = "open"
    property: Annotated[Code, Meta(description="our code of a property")] | UnsetType = UNSET
    vendor: Annotated[Code, Meta(description="a vendor that is party to it")] | UnsetType = UNSET
    kind: Annotated[Code, Meta(description="a kind of case")] | UnsetType = UNSET
    severity: Annotated[int, Meta(ge=1, le=4, description="1 (tonight) to 4")] | UnsetType = UNSET
    reservation: Annotated[UUID, Meta(description="our id of a reservation it is about")] | UnsetType = UNSET
    q: (
        Annotated[str, Meta(min_length=1, max_length=100, description="the beginning of an id or channel reference")]
        | UnsetType
    ) = UNSET
    overdue: Annotated[bool, Meta(description="only those whose time is over")] = False
    after: Annotated[str, Meta(max_length=300, description="`next` of the page before")] | UnsetType = UNSET
    limit: Annotated[int, Meta(ge=1, le=MOST, description="cases a page")] = USUAL

    def wanted(self) -> Filters:
        """Return the same as the store takes it."""
        return Filters(
            state=next((one for one in STATES if one == self.state), None),
            property_code=_said(self.property),
            vendor=_said(self.vendor),
            kind=_said(self.kind),
            severity=_said(self.severity),
            reservation_id=_said(self.reservation),
            text=_said(self.q),
            overdue=self.overdue,
        )


class ChoiceGiven(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One choice: the side whose value stands, or a value; the path may name a part of a field."""

    path: Annotated[str, Meta(max_length=500)]
    take: Literal["here", "there", "value"]
    value: Any = UNSET

    def wrongs(self) -> Iterator[Wrong]:
        """Yield a side that comes with a value, and a value that does not come."""
        if (self.take == "value") is (self.value is UNSET):
            yield Wrong(path="value", value=shown(self.take), why="stands with take `value`, and with that alone")


class AnswerGiven(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody says to a case: the version they looked at, and a choice for every field that can be chosen.

    A case of kind link_up takes choices for some of its fields as well.
    """

    version: int
    choices: Annotated[tuple[ChoiceGiven, ...], Meta(max_length=1000)] = ()


class TakeBackGiven(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What somebody says who takes a decision back: the version of the case they looked at."""

    version: int


class Cases:
    """The routes; one object per process."""

    def __init__(self, database: Database, keys: KeyRing, clock: Clock, answering: Answering) -> None:
        """Take what is read, and what has choices followed."""
        self._database, self._keys, self._clock, self._answering = database, keys, clock, answering

    async def listed(self, request: web.Request) -> web.Response:
        """Answer with a page of cases, the open ones worst first."""
        person, query = person_of(request), read_query(request.query, CaseQuery)
        async with self._seen(person) as connection:
            try:
                found = await case_desk.queue(
                    connection,
                    self._keys,
                    person.tenant_id,
                    query.wanted(),
                    self._clock.now(),
                    limit=query.limit,
                    after=_said(query.after),
                    shown=shown_to(person),
                )
            except NoPlace as error:
                wrong = Wrong(path="?after", value=shown(query.after), why="is not the `next` of a page")
                raise Problem(HTTPStatus.BAD_REQUEST, "after: no page begins there", [wrong]) from error
        return _json({"items": [case_desk.public(one) for one in found.items], "next": found.next})

    async def one(self, request: web.Request) -> web.Response:
        """Answer with one case, whatever its state."""
        return _json(await self._case(person_of(request), _id_in(request)))

    async def resolve(self, request: web.Request) -> web.Response:
        """Follow {version, choices} and answer with the case as it is then; 409 with the fresh case where it moved."""
        person, case_id = person_of(request), _id_in(request)
        given = read_json_text(await read_body(request, largest=_LARGEST_ANSWER), AnswerGiven)
        try:
            await self._answering.give(_answer(person, case_id, given))
        except NotFound as missing:
            raise _not_here() from missing
        except CaseMoved as moved:
            more = {"case": await self._case(person, case_id)}
            raise Problem(HTTPStatus.CONFLICT, "the case moved: look at it again and decide anew", more=more) from moved
        except ChoicesRefused as refused:
            wrongs = [Wrong(path=one.path, value=shown(one.value), why=one.why) for one in refused.problems]
            raise Problem(HTTPStatus.BAD_REQUEST, "the choices cannot be followed", wrongs) from refused
        return _json(await self._case(person, case_id))

    async def undo(self, request: web.Request) -> web.Response:
        """Take back what was decided at {version} and answer with the open case; 409 where it moved, or too late."""
        person, case_id = person_of(request), _id_in(request)
        given = read_json_text(await read_body(request, largest=_LARGEST_ANSWER), TakeBackGiven)
        actor = Actor(name=person.actor, correlation_id=new_correlation_id())
        wish = TakingBack(tenant_id=person.tenant_id, case_id=case_id, version=given.version, actor=actor)
        try:
            await self._answering.take_back(wish)
        except NotFound as missing:
            raise _not_here() from missing
        except TooLate as late:
            more = {"case": await self._case(person, case_id)}
            raise Problem(HTTPStatus.CONFLICT, f"too late to take back: {late.what}", more=more) from late
        except CaseMoved as moved:
            more = {"case": await self._case(person, case_id)}
            raise Problem(HTTPStatus.CONFLICT, "the case moved: look at it again", more=more) from moved
        return _json(await self._case(person, case_id))

    async def _case(self, person: Person, case_id: UUID) -> Mapping[str, Any]:
        async with self._seen(person) as connection:
            found = await case_desk.one(
                connection, self._keys, person.tenant_id, case_id, self._clock.now(), shown=shown_to(person)
            )
        if found is None:
            raise _not_here()
        return case_desk.public(found)

    @asynccontextmanager
    async def _seen(self, person: Person) -> AsyncIterator[Connection]:
        """Open what the person's tenant has, as it stands at one moment."""
        async with (
            promptly(self._database, _WITHIN_S) as connection,
            case_desk.acting(connection, self._keys, person.tenant_id),
        ):
            yield connection


def _answer(person: Person, case_id: UUID, given: AnswerGiven) -> Answer:
    choices = [
        Choice(path=one.path, take=one.take, value=None if one.value is UNSET else one.value) for one in given.choices
    ]
    return Answer(
        tenant_id=person.tenant_id,
        case_id=case_id,
        version=given.version,
        choices=tuple(choices),
        actor=Actor(name=person.actor, correlation_id=new_correlation_id()),
    )


def _id_in(request: web.Request) -> UUID:
    try:
        return UUID(request.match_info["id"])
    except ValueError:
        raise _not_here() from None


def _not_here() -> Problem:
    return Problem(HTTPStatus.NOT_FOUND, "there is no such case; list them with GET /api/pms/cases")


def _json(document: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(document), content_type=_JSON)


def _said(value: T | UnsetType) -> T | None:
    return None if isinstance(value, UnsetType) else value
