"""Access: who may see the pages, and the headers that every answer carries (SEC-13).

Signed-in people may, from anywhere, what their role includes, of their own tenant. Beside them, a browser on the
daemon's own machine may look at the health board and at reservations without signing in, and change nothing: whoever
sits there runs the daemon (docs/decisions/0004). A proxy on that machine would lend its address to anybody, and a
foreign name that resolves to loopback would lend it to any web site, so neither counts as the machine itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from ipaddress import IPv6Address, ip_address
from typing import TypeAlias
from urllib.parse import quote, urlsplit

from aiohttp import hdrs, web

from pms_sync.auth.guarding import demand
from pms_sync.auth.roles import Action, Person, Resource
from pms_sync.auth.sessions import Session
from pms_sync.observe.logs import get_logger, new_correlation_id
from pms_sync.web.said import SignedOut

Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]

# Machines ask here; they get plain answers, and no cookie opens anything.
MACHINES = ("/webhooks/", "/api/", "/static/", "/healthz", "/readyz", "/metrics")
READING = frozenset({hdrs.METH_GET, hdrs.METH_HEAD})
LOGIN = "/login"
SESSION = web.RequestKey("session", Session)

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # with no-referrer a browser hides its Origin from our own forms too
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Strict-Transport-Security": "max-age=31536000",
    "Cache-Control": "no-store",
    "Server": "pms-sync",
}
_FORWARDED = ("forwarded", "via", "x-real-ip")
_FORWARDED_PREFIX = "x-forwarded"

_log = get_logger(__name__)


def secure(response: web.StreamResponse) -> None:
    """Give an answer the headers it does not set itself; one that streams calls this before it is prepared."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)


@web.middleware
async def security_headers(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Put the headers on every answer, errors included; a defect is logged and answered without its words."""
    try:
        response = await handler(request)
    except web.HTTPException as error:
        secure(error)
        raise
    except Exception:  # noqa: BLE001 - the last door: the library's own answer would lack the headers
        response = web.Response(status=500, text=f"500: our fault; the log has it as {log_defect(request)}\n")
    if not response.prepared:
        secure(response)
    return response


def log_defect(request: web.Request) -> str:
    """Log the exception being answered, by route and never by address, and return the id to find it by."""
    correlation_id = new_correlation_id()
    resource = request.match_info.route.resource
    route = resource.canonical if resource is not None else "none"
    _log.exception("request_failed", correlation_id=correlation_id, method=request.method, route=route)
    return correlation_id


def session_of(request: web.Request) -> Session | None:
    """Return the session of a page's reader, None for somebody who is not signed in."""
    return request.get(SESSION)


def person_of(request: web.Request) -> Person | None:
    """Return who reads the page, None for somebody who is not signed in."""
    session = session_of(request)
    return None if session is None else session.person


def page(action: Action, resource: Resource, *, also_local: bool = False) -> Callable[[Handler], Handler]:
    """Let in whose role includes the action, and with `also_local` readers on the daemon's own machine.

    Others are led to the sign-in page and from there back. Raises Denied, which the middleware records.
    """

    def guard(handler: Handler) -> Handler:
        @wraps(handler)
        async def guarded(request: web.Request) -> web.StreamResponse:
            person = person_of(request)
            if person is not None:
                demand(person, action, resource)
            elif not (also_local and request.method in READING and is_local(request)):
                raise sign_in_first(request)
            return await handler(request)

        return guarded

    return guard


def sign_in_first(request: web.Request) -> web.HTTPException:
    """Return what leads somebody to the sign-in page; a form, whose fields a redirect would lose, is told so."""
    if request.method not in READING:
        return SignedOut()
    wanted = request.path_qs
    return web.HTTPSeeOther(LOGIN if wanted == "/" else f"{LOGIN}?next={quote(wanted, safe='/')}")


def local_only(handler: Handler) -> Handler:
    """Let only a caller on this machine in; anybody else gets 403."""

    @wraps(handler)
    async def guarded(request: web.Request) -> web.StreamResponse:
        if not is_local(request):
            raise web.HTTPForbidden(text="403: only from this machine, and not through a proxy\n")
        return await handler(request)

    return guarded


def is_local(request: web.Request) -> bool:
    """Tell whether the peer is on loopback, speaks for itself, and asked for this machine by a loopback name."""
    peer = request.transport.get_extra_info("peername") if request.transport is not None else None
    if not isinstance(peer, tuple) or not _is_loopback(str(peer[0])):
        return False
    names = [name.lower() for name in request.headers]
    if any(name in _FORWARDED or name.startswith(_FORWARDED_PREFIX) for name in names):
        return False
    return names_loopback(request.headers.get(hdrs.HOST, ""))


def names_loopback(host: str) -> bool:
    """Tell whether a Host header names the reader's own machine."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name == "localhost" or name.endswith(".localhost") or _is_loopback(name)


def _is_loopback(text: str) -> bool:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback
