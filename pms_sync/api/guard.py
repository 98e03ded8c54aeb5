"""The guard of the API: a bearer token becomes a person, and a route says what that person must be allowed to do."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus

from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware

from pms_sync.api.problems import PREFIX, Handler, Problem
from pms_sync.auth.desk import Desk
from pms_sync.auth.faults import Denied
from pms_sync.auth.guarding import demand, record
from pms_sync.auth.roles import Action, Person, Resource

PERSON = web.RequestKey("person", Person)
_SCHEME = "bearer"


def bearer(desk: Desk) -> Middleware:
    """Build the middleware that puts the token's person in place, for `person_of` and `require`.

    It stands inside `problems`. A denial is recorded and answered with 403; raises Unavailable.
    """

    @web.middleware
    async def known(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith(PREFIX):
            return await handler(request)
        token = _token(request)
        person = None if token is None else await desk.tokens.check(token)
        if person is not None:
            request[PERSON] = person
        try:
            return await handler(request)
        except Denied as denied:
            await record(desk.database, denied, method=request.method, route=_route(request))
            raise Problem(HTTPStatus.FORBIDDEN, denied.what) from denied

    return known


def require(action: Action, resource: Resource, part: str | None = None) -> Callable[[Handler], Handler]:
    """Let only those in whose role includes the action: 401 without a living token, 403 for another role.

    `part` names what alone the route touches (`status` of rooms).
    """

    def guard(handler: Handler) -> Handler:
        @wraps(handler)
        async def guarded(request: web.Request) -> web.StreamResponse:
            demand(person_of(request), action, resource, part)
            return await handler(request)

        return guarded

    return guard


def person_of(request: web.Request) -> Person:
    """Return who asks; raises Problem 401 where nobody proved themselves."""
    person: Person | None = request.get(PERSON)
    if person is None:
        raise unknown()
    return person


def unknown() -> Problem:
    """Return what somebody without a living token is told, whatever is wrong with theirs."""
    return Problem(
        HTTPStatus.UNAUTHORIZED,
        "no access token, or one that has ended; get one at POST /api/auth/token/",
        headers={"WWW-Authenticate": "Bearer"},
    )


def _token(request: web.Request) -> str | None:
    scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    return token.strip() if scheme.lower() == _SCHEME else None


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else "none"
