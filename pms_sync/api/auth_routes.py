"""Tokens over HTTP: an e-mail and a password for a pair of tokens, a refresh token for the next pair, or an end."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import msgspec
from aiohttp import web

from pms_sync.api.operations import AWAY, MISSHAPEN, RETRY_AFTER, Operation, Returned, problem, routes
from pms_sync.api.problems import Handler, Problem, read_json
from pms_sync.auth.desk import Desk
from pms_sync.auth.faults import Refused, TooSoon
from pms_sync.auth.tokens import Pair

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
        return routes(self.operations())

    def operations(self) -> list[Operation]:
        """Return the same as rows of the table."""
        pair, nobody = Returned(description="a pair of tokens", shape=Pair), problem("it proves nobody")
        slow = problem("too many attempts", headers=(RETRY_AFTER,))
        ended = Returned(description="ended, if it was alive", content_type=None)
        return [
            _row(
                TOKEN, "signIn", "Get a pair of tokens for an e-mail and a password", self.mint, Credentials,
                {HTTPStatus.OK: pair, HTTPStatus.UNAUTHORIZED: nobody, HTTPStatus.TOO_MANY_REQUESTS: slow},
            ),
            _row(
                REFRESH, "refreshTokens", "Trade a refresh token for the next pair", self.refresh, RefreshToken,
                {HTTPStatus.OK: pair, HTTPStatus.UNAUTHORIZED: nobody},
            ),
            _row(
                REVOKE, "signOut", "End a sign-in with all its tokens", self.revoke, RefreshToken,
                {HTTPStatus.NO_CONTENT: ended},
            ),
        ]  # fmt: skip

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


def _row(
    path: str,
    name: str,
    summary: str,
    handler: Handler,
    body: type[msgspec.Struct],
    answers: Mapping[HTTPStatus, Returned],
) -> Operation:
    return Operation(
        method="POST",
        path=path,
        name=name,
        summary=summary,
        topic="Access",
        handler=handler,
        permission=None,
        body=body,
        answers={**answers, **MISSHAPEN, HTTPStatus.SERVICE_UNAVAILABLE: AWAY},
    )


def _refused(refused: Refused) -> Problem:
    return Problem(HTTPStatus.UNAUTHORIZED, refused.what, headers={"WWW-Authenticate": "Bearer"})


def _json(document: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(document), content_type="application/json")
