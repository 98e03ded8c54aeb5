"""Problems: every failure of the API is one JSON document that says what is wrong, where, and why (RFC 9457).

The members are those of PUBLIC_SURFACE: type, title, status, detail, errors [{path, value, why}]; a failure may bring
further ones (`alternatives`, the fresh case).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeAlias, TypeVar

import msgspec
from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError

from pms_sync.domain.errors import Unavailable
from pms_sync.observe.logs import get_logger, new_correlation_id

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
T = TypeVar("T")

PREFIX = "/api/"
CONTENT_TYPE = "application/problem+json"
LARGEST = 1_048_576
_WITHIN_S = 10.0
_AGAIN_S = 5
_UNKNOWN_FIELD = re.compile(r"Object contains unknown field `(?P<name>[^`]*)`")
_PLACE = re.compile(r" - at `(?P<path>[^`]*)`$")

_log = get_logger(__name__)


class Wrong(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a request: where, what stood there, and why it will not do."""

    path: str
    value: Any = None
    why: str


class Problem(Exception):
    """A request that cannot be served, as the client is told; raise it from anywhere below a route."""

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        errors: Sequence[Wrong] = (),
        *,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        """`more` are further members of the document; none may hold a secret."""
        super().__init__(detail)
        self.status, self.detail, self.errors = HTTPStatus(status), detail, tuple(errors)
        self.headers, self.more = dict(headers or {}), dict(more or {})

    def answer(self) -> web.Response:
        """Write the document."""
        document = {
            "type": "about:blank",
            "title": self.status.phrase,
            "status": int(self.status),
            "detail": self.detail,
            "errors": self.errors,
            **self.more,
        }
        return web.Response(
            body=msgspec.json.encode(document), status=self.status, content_type=CONTENT_TYPE, headers=self.headers
        )


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every failure below /api/ with a problem document; a defect is logged and told without its words."""
    if not request.path.startswith(PREFIX):
        return await handler(request)
    try:
        return await handler(request)
    except Problem as problem:
        return problem.answer()
    except web.HTTPException as error:
        if error.status < HTTPStatus.BAD_REQUEST:
            raise
        return _of_server(error).answer()
    except Unavailable:
        return unavailable().answer()
    except Exception:  # noqa: BLE001 - the last door: a client gets a document, the log gets the rest
        return _defect(request).answer()


def unavailable() -> Problem:
    """Return what a client is told while the database is away."""
    headers = {"Retry-After": str(_AGAIN_S)}
    return Problem(HTTPStatus.SERVICE_UNAVAILABLE, "the database is away; nothing was changed", headers=headers)


async def read_json(request: web.Request, shape: type[T], *, largest: int = LARGEST) -> T:
    """Read the body as one of our structs; raises Problem 400 that names the place, 413 or 415."""
    body = await read_body(request, largest=largest)
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Problem(HTTPStatus.BAD_REQUEST, "the body has not the shape it should", [_wrong(error)]) from error


async def read_body(request: web.Request, *, largest: int = LARGEST) -> bytes:
    """Read the bytes of a JSON body, whatever they say; raises Problem 400, 408, 413 or 415."""
    if not _says_json(request.content_type) or hdrs.CONTENT_ENCODING in request.headers:
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "send application/json, not encoded any further")
    body = bytearray()
    try:
        async with asyncio.timeout(_WITHIN_S):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > largest:
                    raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"the body is larger than {largest} bytes")
    except TimeoutError as error:
        raise Problem(HTTPStatus.REQUEST_TIMEOUT, "the body did not come in time") from error
    except (web.RequestPayloadError, HttpProcessingError) as error:
        raise Problem(HTTPStatus.BAD_REQUEST, "the body cannot be read") from error
    return bytes(body)


def _says_json(content_type: str) -> bool:
    return content_type == "application/json" or content_type.endswith("+json")


def _wrong(error: Exception) -> Wrong:
    """Say where a body went wrong; what stood there is not repeated, it may be a password."""
    text = str(error) if isinstance(error, msgspec.DecodeError) else "is not JSON"
    place = _PLACE.search(text)
    path = place["path"] if place else "$"
    unknown = _UNKNOWN_FIELD.match(text)
    if unknown:
        return Wrong(path=f"{path}.{unknown['name']}", why="unknown field")
    return Wrong(path=path, why=text[: place.start()] if place else text)


def _of_server(error: web.HTTPException) -> Problem:
    kept = {name: error.headers[name] for name in ("Allow", "Retry-After") if name in error.headers}
    status = HTTPStatus(error.status)
    return Problem(status, _DETAILS.get(status, status.description or status.phrase), headers=kept)


_DETAILS = {
    HTTPStatus.NOT_FOUND: "the address names nothing that is known here",
    HTTPStatus.METHOD_NOT_ALLOWED: "the address takes other methods, see Allow",
}


def _defect(request: web.Request) -> Problem:
    correlation_id = new_correlation_id()
    resource = request.match_info.route.resource
    route = resource.canonical if resource is not None else "none"
    _log.exception("request_failed", correlation_id=correlation_id, method=request.method, route=route)
    detail = f"our fault; the log has it as {correlation_id}"
    return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail, more={"correlation_id": correlation_id})
