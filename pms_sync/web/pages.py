"""Pages: the health board and one reservation, read from the store for every request."""

from __future__ import annotations

from uuid import UUID

from aiohttp import web

from pms_sync.domain.clock import Clock
from pms_sync.observe.heartbeats import Heartbeats
from pms_sync.store import explain, health, provenance, room_states
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from pms_sync.web import board
from pms_sync.web.access import person_of, session_of
from pms_sync.web.nights import chart
from pms_sync.web.parts import balances, groups
from pms_sync.web.render import Renderer, said
from pms_sync.web.said import NotHere
from pms_sync.web.timeline import actor_name, timeline

REFRESH_S = 10
_WITHIN_S = 5.0
_STILL = "still"
_MOST_ROOMS = 200  # the page renews itself; the API tells of all


class Pages:
    """The pages; one object per process."""

    def __init__(
        self, database: Database, keys: KeyRing | None, heartbeats: Heartbeats, clock: Clock, renderer: Renderer
    ) -> None:
        """Without `keys` guests show as dots alone."""
        self._database, self._keys = database, keys
        self._heartbeats, self._clock, self._renderer = heartbeats, clock, renderer

    async def health(self, request: web.Request) -> web.Response:
        """Show how fresh every stream is, and how rooms stand; renews itself unless asked to stand still (`?still`)."""
        async with health.promptly(self._database, _WITHIN_S, _tenant_of(request)) as connection:
            rows = await health.board(connection)
            facts = await health.facts(connection)
            rooms = await room_states.shown_to_all(connection, _MOST_ROOMS + 1)
        return self._renderer.page(
            "health.html",
            board=board.build(rows, facts, self._heartbeats.report()),
            rooms=rooms[:_MOST_ROOMS],
            more_rooms=len(rooms) > _MOST_ROOMS,
            said=said,
            now=self._clock.now(),
            refresh_s=None if _STILL in request.query else REFRESH_S,
            session=session_of(request),
        )

    async def reservation(self, request: web.Request) -> web.Response:
        """Show one reservation with the source of every field."""
        reservation_id = _id_of(request)
        async with health.promptly(self._database, _WITHIN_S) as connection:
            story = await explain.load(connection, reservation_id, self._keys, _tenant_of(request))
        if story is None:
            raise _no_reservation()
        return self._renderer.page(
            "reservation.html",
            story=story,
            row=story.reservation,
            zone=story.reservation["timezone"],
            chart=chart(story.stays),
            balances=balances(story.lines),
            groups=groups(provenance.fields(story)),
            moments=timeline(story),
            said=said,
            actor=lambda name: actor_name(story, name),
            session=session_of(request),
        )


def _tenant_of(request: web.Request) -> UUID | None:
    """Return whose rows alone may be shown; None for the daemon's own machine, where all tenants are seen."""
    person = person_of(request)
    return None if person is None else person.tenant_id


def _id_of(request: web.Request) -> UUID:
    try:
        return UUID(request.match_info["id"])
    except ValueError:
        raise _no_reservation() from None


def _no_reservation() -> NotHere:
    return NotHere(
        "There is no such reservation",
        "No reservation of any hotel here has the id in the address.",
        "Copy the id as a case, the log or the view pms_public.reservations shows it.",
    )
