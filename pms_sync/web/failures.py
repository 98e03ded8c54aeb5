"""Failures: pages that say what went wrong, what it means, and what to do, instead of a bare status."""

from __future__ import annotations

from http import HTTPStatus
from typing import NamedTuple

from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware

from pms_sync.domain.errors import Unavailable
from pms_sync.web.access import Handler, log_defect
from pms_sync.web.render import Renderer

# Machines ask here; they get plain answers.
_NO_PAGES = ("/webhooks/", "/api/", "/static/", "/healthz", "/readyz", "/metrics")
_AGAIN_S = 5


class _Said(NamedTuple):
    """What a page says about a status."""

    title: str
    meaning: str
    remedy: str
    command: str | None = None


_SAID: dict[int, _Said] = {
    HTTPStatus.FORBIDDEN: _Said(
        "Only from the daemon's own machine",
        "These pages have no sign-in yet, so they answer only a browser that runs beside the daemon and asks for it by "
        "a loopback name, never a proxy.",
        "From elsewhere, open a tunnel and then http://127.0.0.1:8080/health",
        "ssh -L 8080:127.0.0.1:8080 HOST",
    ),
    HTTPStatus.NOT_FOUND: _Said(
        "There is no such page",
        "The address names nothing that is known here.",
        "Check the address, or begin at the health board.",
    ),
    HTTPStatus.METHOD_NOT_ALLOWED: _Said(
        "This page is only for reading", "Nothing was changed.", "Open it with an ordinary link."
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: _Said(
        "The database is away",
        "Webhooks are answered with 503, so vendors send them again, and reading goes on where it stopped: nothing is "
        "lost.",
        "This page looks again every few seconds. If it stays away:",
        "pms-sync doctor",
    ),
}
_DEFECT = _Said(
    "This is our fault",
    "The page met a defect. Reading and storing go on without it.",
    "Find the line in the log by this id, and report it:",
)
_UNKNOWN = _Said("That did not work", "The request was not understood.", "Begin at the health board.")


class NotHere(web.HTTPNotFound):
    """A page about one thing that is not there; says which kind of thing and what to do."""

    def __init__(self, title: str, meaning: str, remedy: str) -> None:
        """Keep the sentences for the page."""
        super().__init__()
        self.said = _Said(title, meaning, remedy)


def error_pages(renderer: Renderer) -> Middleware:
    """Build the middleware that turns every failure of a page into a page."""

    @web.middleware
    async def pages(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(_NO_PAGES):
            return await handler(request)
        try:
            return await handler(request)
        except web.HTTPException as error:
            if error.status < HTTPStatus.BAD_REQUEST:
                raise
            return _answered(renderer, error)
        except Unavailable:
            status = HTTPStatus.SERVICE_UNAVAILABLE
            return _page(renderer, status, _SAID[status], again_s=_AGAIN_S)
        except Exception:  # noqa: BLE001 - whatever a page stumbles over, the person gets a page
            return _page(renderer, HTTPStatus.INTERNAL_SERVER_ERROR, _DEFECT._replace(command=log_defect(request)))

    return pages


def _answered(renderer: Renderer, error: web.HTTPException) -> web.Response:
    said = error.said if isinstance(error, NotHere) else _SAID.get(error.status, _UNKNOWN)
    response = _page(renderer, HTTPStatus(error.status), said)
    if hdrs.ALLOW in error.headers:
        response.headers[hdrs.ALLOW] = error.headers[hdrs.ALLOW]
    return response


def _page(renderer: Renderer, status: HTTPStatus, said: _Said, again_s: int | None = None) -> web.Response:
    response = renderer.page("failure.html", status, said=said, code=int(status), again_s=again_s)
    if again_s is not None:
        response.headers[hdrs.RETRY_AFTER] = str(again_s)
    return response
