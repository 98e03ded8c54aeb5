"""Operations: the one table of the API; it registers the routes, guards them, and is what documents them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web

from pms_sync.api.guard import require
from pms_sync.api.problems import Handler, Wrong
from pms_sync.auth.roles import Permission


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """What every failure is answered with (application/problem+json); a failure may bring further members."""

    type: str
    title: str
    status: int
    detail: str
    errors: tuple[Wrong, ...]


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """A header of a request or an answer; `kind` is the type of its value."""

    name: str
    description: str
    required: bool = False
    kind: Any = str


class Returned(msgspec.Struct, frozen=True, kw_only=True):
    """One answer: when it comes, what it holds, and which headers it brings; `content_type` None: no body."""

    description: str
    shape: Any = Refusal
    content_type: str | None = "application/json"
    headers: tuple[Header, ...] = ()


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table: an address, what answers there, who may ask, and what goes in and out.

    `permission` None: no token is needed. `query` is a struct with a member per parameter. `body_types` are the media
    types a body may have; an empty body is taken where `body_required` is false.
    """

    method: str
    path: str
    name: str
    summary: str
    description: str = ""
    topic: str
    handler: Handler
    permission: Permission | None
    query: type[msgspec.Struct] | None = None
    headers: tuple[Header, ...] = ()
    body: type[msgspec.Struct] | None = None
    body_types: tuple[str, ...] = ("application/json",)
    body_required: bool = True
    answers: Mapping[HTTPStatus, Returned]


def problem(description: str, shape: Any = Refusal, headers: tuple[Header, ...] = ()) -> Returned:  # noqa: ANN401
    """Return a failure for the table."""
    return Returned(description=description, shape=shape, content_type="application/problem+json", headers=headers)


def routes(operations: Sequence[Operation]) -> list[web.RouteDef]:
    """Return the table as routes; what needs a permission is guarded by it."""
    return [
        web.route(
            one.method, one.path, one.handler if one.permission is None else require(*one.permission)(one.handler)
        )
        for one in operations
    ]


RETRY_AFTER = Header(name="Retry-After", description="seconds to wait", kind=int)
AWAY = problem("the database is away; nothing was changed", headers=(RETRY_AFTER,))
UNKNOWN = problem("no access token, or one that has ended")
DENIED = problem("the role does not include this")
GUARDED: Mapping[HTTPStatus, Returned] = {
    HTTPStatus.UNAUTHORIZED: UNKNOWN,
    HTTPStatus.FORBIDDEN: DENIED,
    HTTPStatus.SERVICE_UNAVAILABLE: AWAY,
}
"""What whoever needs a permission may be answered with."""
MISSHAPEN: Mapping[HTTPStatus, Returned] = {
    HTTPStatus.BAD_REQUEST: problem("the shape is wrong; `errors` names every fault with its path"),
    HTTPStatus.REQUEST_TIMEOUT: problem("the body did not come in time"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: problem("the body is too large"),
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: problem("the body is not JSON, or is encoded further"),
}
"""What whoever sends a body may be answered with."""
