"""The conflict desk: the queue, one case, and a person's answer to it."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Literal
from uuid import UUID

from aiohttp import hdrs, web

from conflict.resolve import ChoicesRefused
from pms_sync.apply.answering import Answer, Answering, TakingBack
from pms_sync.apply.deciding import CaseMoved
from pms_sync.apply.orders import Actor, NotFound
from pms_sync.apply.resolving import TooLate
from pms_sync.auth.roles import Person
from pms_sync.domain.clock import Clock
from pms_sync.observe.logs import new_correlation_id
from pms_sync.store import case_counts, case_desk, case_file, case_rooms, explain, health
from pms_sync.store.case_desk import Filters, NoPlace, Queue
from pms_sync.store.case_file import CaseFile
from pms_sync.store.database import Connection, Database
from pms_sync.store.sealing import KeyRing
from pms_sync.web import case_fields, case_view, queue, tape
from pms_sync.web.access import person_of, session_of, sign_in_first
from pms_sync.web.case_fields import FieldLine, Form
from pms_sync.web.case_outlook import Outlook, outlook
from pms_sync.web.case_view import Said, Seen
from pms_sync.web.forms import form_of
from pms_sync.web.render import Renderer
from pms_sync.web.said import NotHere
from pms_sync.web.tape import Tape

_WITHIN_S = 5.0
_PAGE = 50
_STORIES = 2
_DIGITS = 10
_NO_FAULTS: case_fields.Faults = MappingProxyType({})


class DeskPages:
    """The pages of the desk; one object per process."""

    def __init__(
        self, database: Database, keys: KeyRing, clock: Clock, renderer: Renderer, answering: Answering
    ) -> None:
        """Take what is read, and who follows what people choose."""
        self._database, self._keys, self._clock = database, keys, clock
        self._renderer, self._answering = renderer, answering

    async def queue(self, request: web.Request) -> web.Response:
        """Show what waits for a person, worst first, as the address filters it."""
        person, now = _reader(request), self._clock.now()
        filters, after = queue.filters_of(request.query), request.query.get("after")
        async with (
            health.promptly(self._database, _WITHIN_S) as connection,
            case_desk.acting(connection, self._keys, person.tenant_id),
        ):
            found = await self._read(connection, person, filters, after)
            total = await case_desk.number(connection, person.tenant_id, filters, now)
            counts = await case_counts.counts(connection, person.tenant_id, now)
            vendors = await case_counts.vendors(connection, person.tenant_id)
            looked = [] if found.items else await case_counts.looked(connection, person.tenant_id)
        return self._renderer.page(
            "queue.html",
            rows=queue.rows(found.items, now),
            total=total,
            asked=queue.chips(request.query, counts, vendors),
            filters=filters,
            filtered=filters != Filters(),
            looked=looked,
            next=found.next and queue.address(request.query, after=found.next),
            first=queue.address(request.query) if after else None,
            done=_done(request),
            now=now,
            session=session_of(request),
        )

    async def case(self, request: web.Request) -> web.Response:
        """Show one case with the suggestions marked."""
        return await self._shown(request, Said())

    async def preview(self, request: web.Request) -> web.Response:
        """Show the case with what the choices of a form would do; nothing is done."""
        form = form_of(request)
        async with health.promptly(self._database, _WITHIN_S) as connection:
            file = await self._file(connection, request)
        if form.get("version") != str(file.head.version) or not case_view.is_open(file.head):
            return await self._moved(request, form)
        faults = case_fields.read(form, case_fields.lines(file.head)).faults
        return await (self._refused(request, form, faults) if faults else self._shown(request, Said(), form))

    async def resolve(self, request: web.Request) -> web.Response:
        """Follow what was chosen and lead on; else show the case as it is now, with everything typed still in it."""
        person, form = _reader(request), form_of(request)
        async with health.promptly(self._database, _WITHIN_S) as connection:
            file = await self._file(connection, request)
        if form.get("version") != str(file.head.version) or not case_view.is_open(file.head):
            return await self._moved(request, form)
        shown = case_fields.lines(file.head)
        answered = case_fields.read(form, shown)
        if answered.faults:
            return await self._refused(request, form, answered.faults)
        try:
            await self._answering.give(_answer(person, file, answered))
        except NotFound:
            raise _no_case() from None
        except CaseMoved:
            return await self._moved(request, form)
        except ChoicesRefused as refused:
            at, rest = case_fields.by_path([(one.path, one.why) for one in refused.problems], shown)
            return await self._refused(request, form, at, rest)
        return await self._onward(person, file.head.case_id, to_next="next" in form)

    async def undo(self, request: web.Request) -> web.Response:
        """Take a decision back and lead to the open case; else say plainly why it stays."""
        person, case_id, version = _reader(request), _id_of(request), form_of(request).get("version", "")
        wish = TakingBack(
            tenant_id=person.tenant_id,
            case_id=case_id,
            version=int(version) if version.isascii() and version.isdecimal() and len(version) < _DIGITS else 0,
            actor=_actor(person),
        )
        try:
            await self._answering.take_back(wish)
        except NotFound:
            raise _no_case() from None
        except TooLate:
            return await self._kept(request, "late")
        except CaseMoved:
            return await self._kept(request, "moved")
        return _led_to(f"/cases/{case_id}?back=1")

    async def _read(self, connection: Connection, person: Person, filters: Filters, after: str | None) -> Queue:
        """Read a page of the queue; a place that is none of ours is its beginning."""
        told: dict[str, Any] = {"limit": _PAGE, "shown": case_view.shown_to(person)}
        given = (connection, self._keys, person.tenant_id, filters, self._clock.now())
        try:
            return await case_desk.queue(*given, after=after, **told)
        except NoPlace:
            return await case_desk.queue(*given, **told)

    async def _file(self, connection: Connection, request: web.Request) -> CaseFile:
        """Read the case of the address; raises NotHere."""
        person, case_id, now = _reader(request), _id_of(request), self._clock.now()
        shown = case_view.shown_to(person)
        file = await case_file.load(connection, self._keys, person.tenant_id, case_id, now, shown=shown)
        if file is None:
            raise _no_case()
        return file

    async def _look(self, request: web.Request) -> Seen:
        """Read the case of the address with its surroundings; raises NotHere."""
        person = _reader(request)
        async with health.promptly(self._database, _WITHIN_S) as connection:
            file = await self._file(connection, request)
            ids = file.head.reservation_ids[:_STORIES]
            stories = [await explain.load(connection, one, self._keys, person.tenant_id) for one in ids]
            picture = await self._picture(connection, person, file)
        return Seen(file, [one for one in stories if one is not None], picture, self._answering.undo_s)

    async def _picture(self, connection: Connection, person: Person, file: CaseFile) -> Tape | None:
        place = tape.place_of(file.head, file.stays)
        if place is None:
            return None
        async with case_desk.acting(connection, self._keys, person.tenant_id):
            rooms = await case_rooms.around(
                connection,
                self._keys,
                person.tenant_id,
                file.head.property_id,
                place.room,
                place.whole,
                names=case_view.shown_to(person).people,
            )
        return tape.draw(place, rooms, file.stays, file.bookings) if rooms else None

    async def _onward(self, person: Person, case_id: UUID, *, to_next: bool) -> web.Response:
        """Lead on after a case: back to it, or to the worst of what is left."""
        if not to_next:
            return _led_to(f"/cases/{case_id}?done={case_id}")
        async with (
            health.promptly(self._database, _WITHIN_S) as connection,
            case_desk.acting(connection, self._keys, person.tenant_id),
        ):
            left = await case_desk.queue(
                connection, self._keys, person.tenant_id, Filters(), self._clock.now(), limit=2
            )
        other = next((f"/cases/{one.case_id}" for one in left.items if one.case_id != case_id), "/")
        return _led_to(f"{other}?done={case_id}")

    async def _moved(self, request: web.Request, form: Form) -> web.Response:
        """Show the fresh difference to somebody who answered an older one (CON-05, UI-04)."""
        return await self._shown(request, Said(moved=True), form)

    async def _refused(
        self, request: web.Request, form: Form, faults: case_fields.Faults, rest: Sequence[str] = ()
    ) -> web.Response:
        """Show what is wrong where it stands, with all that was typed."""
        return await self._shown(request, Said(refused=True, rest=rest), form, faults)

    async def _kept(self, request: web.Request, why: Literal["late", "moved"]) -> web.Response:
        """Say why a decision was not taken back, over the case as it is now."""
        return await self._shown(request, Said(kept=why))

    async def _shown(
        self, request: web.Request, said: Said, form: Form | None = None, faults: case_fields.Faults = _NO_FAULTS
    ) -> web.Response:
        """Read the case anew and show it, with what was chosen and typed in a form still in it."""
        seen = await self._look(request)
        lines = case_fields.lines(seen.file.head)
        answered = case_fields.Answered(case_fields.marked(lines), {})
        if form is not None:
            answered = case_fields.read(form, lines)
            typed = case_fields.left_over(form, lines) if said.moved else ()
            said = said._replace(typed=typed)
        outlook = await self._outlook(request, seen, lines, answered)
        lines = lines if form is None else case_fields.as_typed(lines, form, faults)
        lost = said.moved or said.kept
        status = HTTPStatus.CONFLICT if lost else HTTPStatus.BAD_REQUEST if said.refused else HTTPStatus.OK
        return self._renderer.page(
            "case.html",
            status,
            view=case_view.view(seen, lines, _reader(request), self._clock.now(), said, outlook),
            zone=seen.file.head.timezone,
            done=_done(request),
            back="back" in request.query,
            session=session_of(request),
        )

    async def _outlook(
        self, request: web.Request, seen: Seen, lines: Sequence[FieldLine], answered: case_fields.Answered
    ) -> Outlook | None:
        """Foresee what the choices would do, once there is one for every field."""
        person, head = _reader(request), seen.file.head
        asked = case_view.is_open(head) and case_view.may_resolve(person) and answered.choices and not answered.faults
        if not asked or not case_fields.is_complete(answered.choices, lines):
            return None
        try:
            return outlook(await self._answering.foresee(_answer(person, seen.file, answered)))
        except (NotFound, CaseMoved):
            return None  # it moved since it was read; whoever resolves it is told
        except ChoicesRefused as refused:
            told = [f"{case_fields.named(one.path)}: {one.why}" for one in refused.problems]
            return Outlook(problems=told)


def _answer(person: Person, file: CaseFile, answered: case_fields.Answered) -> Answer:
    return Answer(
        tenant_id=person.tenant_id,
        case_id=file.head.case_id,
        version=file.head.version,
        choices=answered.choices,
        actor=_actor(person),
    )


def _actor(person: Person) -> Actor:
    return Actor(name=person.actor, correlation_id=new_correlation_id())


def _reader(request: web.Request) -> Person:
    """Return who reads; the desk is for people who signed in alone."""
    person = person_of(request)
    if person is None:
        raise sign_in_first(request)
    return person


def _id_of(request: web.Request) -> UUID:
    try:
        return UUID(request.match_info["id"])
    except ValueError:
        raise _no_case() from None


def _done(request: web.Request) -> UUID | None:
    """Return the case that was resolved just before, as the address names it."""
    try:
        return UUID(request.query.get("done", ""))
    except ValueError:
        return None


def _led_to(place: str) -> web.Response:
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={hdrs.LOCATION: place})


def _no_case() -> NotHere:
    return NotHere(
        "There is no such case",
        "No case of your hotels has the id in the address.",
        "Begin at the list of cases.",
        link=("/", "All cases"),
    )
