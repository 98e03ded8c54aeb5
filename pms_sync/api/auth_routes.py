"""Tokens over HTTP: an e-mail and a password for a pair of tokens, a refresh token for the next pair, or an end."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
from aiohttp import web

from pms_sync.api.problems import Problem, read_json
from pms_sync.auth.desk import Desk
from pms_sync.auth.faults import Refused, TooSoon

TOKEN, REFRESH, REVOKE = "/api/auth/token/", "/api/auth/token/refresh/", "/api/auth/token/revoke/"
_LARGEST = 16_384


class Credentials(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who somebody says they are."""

    email: str
    password: str


class RefreshToken(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the last pair brought."""

    refresh: str


class AuthRoutes:
    """The routes; one object per process."""

    def __init__(self, desk: Desk) -> None:
        """Take the desk that recognises people."""
        self._desk = desk

    def routes(self) -> list[web.RouteDef]:
        """Return the three routes; they alone need no token."""
        return [web.post(TOKEN, self.mint), web.post(REFRESH, self.refresh), web.post(REVOKE, self.revoke)]

    async def mint(self, request: web.Request) -> web.Response:
        """Answer {email, password} with {access, refresh, expires_in}; 401 whatever is wrong, 429 while too soon."""
        given = await read_json(request, Credentials, largest=_LARGEST)
        try:
            person = await self._desk.proving.prove(given.email, given.password, peer=request.remote or "")
            pair = await self._desk.tokens.mint(person)
        except Refused as refused:
            raise _refused(refused) from refused
        except TooSoon as soon:
            headers = {"Retry-After": str(soon.retry_s)}
            raise Problem(HTTPStatus.TOO_MANY_REQUESTS, str(soon), headers=headers) from soon
        return _json(pair)

    async def refresh(self, request: web.Request) -> web.Response:
        """Answer {refresh} with the next pair; the one that was given is used up."""
        given = await read_json(request, RefreshToken, largest=_LARGEST)
        try:
            return _json(await self._desk.tokens.refresh(given.refresh))
        except Refused as refused:
            raise _refused(refused) from refused

    async def revoke(self, request: web.Request) -> web.Response:
        """End the sign-in of {refresh} with all its tokens; 204 in any case."""
        given = await read_json(request, RefreshToken, largest=_LARGEST)
        await self._desk.tokens.revoke(given.refresh)
        return web.Response(status=HTTPStatus.NO_CONTENT)


def _refused(refused: Refused) -> Problem:
    return Problem(HTTPStatus.UNAUTHORIZED, refused.what, headers={"WWW-Authenticate": "Bearer"})


def _json(document: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(document), content_type="application/json")
