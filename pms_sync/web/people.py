"""People at the pages: who a request comes from, and a trace of what was denied to them."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Middleware

from pms_sync.auth.desk import Desk
from pms_sync.auth.faults import Denied
from pms_sync.auth.guarding import record
from pms_sync.web.access import MACHINES, SESSION, Handler
from pms_sync.web.said import NotAllowed
from pms_sync.web.site import Site

# Pages that load themselves again: left open, they must not keep a session alive that nobody uses.
RENEW_THEMSELVES = frozenset({"/health"})


def people(desk: Desk, site: Site) -> Middleware:
    """Build the middleware that puts the reader's session in place, for `session_of` and `person_of`.

    Raises Unavailable while the database is away.
    """

    @web.middleware
    async def known(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(MACHINES):
            return await handler(request)
        token = site.read(request, "session")
        if token is not None:
            session = await desk.sessions.check(token, touch=request.path not in RENEW_THEMSELVES)
            if session is not None:
                request[SESSION] = session
        try:
            return await handler(request)
        except Denied as denied:
            await record(desk.database, denied, method=request.method, route=_route(request))
            raise NotAllowed from denied

    return known


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "none"
