"""Failures: pages that say what went wrong, what it means, and what to do, instead of a bare status."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware

from pms_sync.domain.errors import Unavailable
from pms_sync.web.access import MACHINES, READING, Handler, log_defect, session_of
from pms_sync.web.render import Renderer
from pms_sync.web.said import NotAllowed, NotFromHere, NotHere, Said, SignedOut

__all__ = ["NotHere", "error_pages"]

_AGAIN_S = 5

_SAID: dict[int, Said] = {
    HTTPStatus.FORBIDDEN: Said(
        "Only from the daemon's own machine",
        "This address answers only a browser that runs beside the daemon and asks for it by a loopback name, never a "
        "proxy.",
        "From elsewhere, open a tunnel and then http://127.0.0.1:8080",
        "ssh -L 8080:127.0.0.1:8080 HOST",
    ),
    HTTPStatus.NOT_FOUND: Said(
        "There is no such page",
        "The address names nothing that is known here.",
        "Check the address, or begin at the health board.",
    ),
    HTTPStatus.METHOD_NOT_ALLOWED: Said(
        "This page is only for reading", "Nothing was changed.", "Open it with an ordinary link."
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: Said(
        "The database is away",
        "Webhooks are answered with 503, so vendors send them again, and reading goes on where it stopped: nothing is "
        "lost.",
        "This page looks again every few seconds. If it stays away:",
        "pms-sync doctor",
    ),
}
_DEFECT = Said(
    "This is our fault",
    "The page met a defect. Reading and storing go on without it.",
    "Find the line in the log by this id, and report it:",
)
_UNKNOWN = Said("That did not work", "The request was not understood.", "Begin at the health board.")


def error_pages(renderer: Renderer) -> Middleware:
    """Build the middleware that turns every failure of a page into a page."""

    @web.middleware
    async def pages(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(MACHINES):
            return await handler(request)
        try:
            return await handler(request)
        except web.HTTPException as error:
            if error.status < HTTPStatus.BAD_REQUEST:
                raise
            return _answered(renderer, request, error)
        except Unavailable:
            status = HTTPStatus.SERVICE_UNAVAILABLE
            return _page(renderer, request, status, _SAID[status], again_s=_AGAIN_S)
        except Exception:  # noqa: BLE001 - whatever a page stumbles over, the person gets a page
            told = _DEFECT._replace(command=log_defect(request))
            return _page(renderer, request, HTTPStatus.INTERNAL_SERVER_ERROR, told)

    return pages


def _answered(renderer: Renderer, request: web.Request, error: web.HTTPException) -> web.Response:
    said = _SAID.get(error.status, _UNKNOWN)
    if isinstance(error, NotHere | NotAllowed | NotFromHere | SignedOut):
        said = error.said
    response = _page(renderer, request, HTTPStatus(error.status), said)
    if hdrs.ALLOW in error.headers:
        response.headers[hdrs.ALLOW] = error.headers[hdrs.ALLOW]
    return response


def _page(
    renderer: Renderer, request: web.Request, status: HTTPStatus, said: Said, again_s: int | None = None
) -> web.Response:
    looks_again = again_s if request.method in READING else None
    response = renderer.page(
        "failure.html", status, said=said, code=int(status), again_s=looks_again, session=session_of(request)
    )
    if again_s is not None:
        response.headers[hdrs.RETRY_AFTER] = str(again_s)
    return response
