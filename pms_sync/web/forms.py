"""Forms: whatever changes something must come from a page of ours, with the secret that this page was given (SEC-04).

The middleware does it for every page there will ever be: a route that changes something asks `form_of` for the fields,
already believed.
"""

from __future__ import annotations

import asyncio
from typing import TypeAlias
from urllib.parse import parse_qsl

from aiohttp import hdrs, web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Middleware
from multidict import MultiDict, MultiDictProxy

from pms_sync.auth.guarding import comes_from_here, secret_fits
from pms_sync.store.sealing import KeyRing
from pms_sync.web.access import LOGIN, MACHINES, READING, Handler, session_of
from pms_sync.web.said import NotFromHere, SignedOut
from pms_sync.web.site import Site

FIELD = "csrf"
_CHANGES_NOTHING = READING | {hdrs.METH_OPTIONS, hdrs.METH_TRACE}
_TYPE = "application/x-www-form-urlencoded"
_LARGEST, _MOST_FIELDS, _WITHIN_S = 256 * 1024, 2_000, 10.0

Form: TypeAlias = "MultiDictProxy[str]"
FORM = web.RequestKey("form", MultiDictProxy[str])


def forms(keys: KeyRing, site: Site) -> Middleware:
    """Build the middleware; it stands inside the one that knows the session."""

    @web.middleware
    async def checked(request: web.Request, handler: Handler) -> web.StreamResponse:
        nowhere = request.match_info.http_exception is not None
        if request.path.startswith(MACHINES) or request.method in _CHANGES_NOTHING or nowhere:
            return await handler(request)
        if not comes_from_here(request.headers, site.origins(request)):
            raise NotFromHere
        form = await _read(request)
        if not secret_fits(_expected(request, keys, site), form.get(FIELD, "")):
            raise NotFromHere
        request[FORM] = form
        return await handler(request)

    return checked


def form_of(request: web.Request) -> Form:
    """Return the fields of a form that was checked."""
    return request[FORM]


def login_secret(keys: KeyRing, nonce: str | None) -> str:
    """Return what the sign-in form carries, made from the browser's cookie; empty without one."""
    return keys.token_digest(f"login form:{nonce}").hex() if nonce else ""


def _expected(request: web.Request, keys: KeyRing, site: Site) -> str:
    if request.path == LOGIN:
        return login_secret(keys, site.read(request, "login"))
    session = session_of(request)
    if session is None:
        raise SignedOut
    return session.csrf


async def _read(request: web.Request) -> Form:
    """Read the fields; a type that a page of ours never sends is as foreign as a foreign origin."""
    if request.content_type != _TYPE or hdrs.CONTENT_ENCODING in request.headers:
        raise NotFromHere
    body = bytearray()
    try:
        async with asyncio.timeout(_WITHIN_S):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > _LARGEST:
                    raise web.HTTPRequestEntityTooLarge(_LARGEST, len(body))
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except TimeoutError as error:
        raise web.HTTPRequestTimeout from error
    except (web.RequestPayloadError, HttpProcessingError, ValueError) as error:
        raise web.HTTPBadRequest from error
    return MultiDictProxy(MultiDict(pairs))
