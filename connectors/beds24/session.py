"""Authenticated Beds24 calls: the token header, one refresh after a 401, and the credit meter read off every answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.beds24 import wire
from connectors.kit import rest
from connectors.kit.auth import AccessTokens, CredentialsRefused, Grant, Way
from pms_sync.domain.errors import VendorFault
from pms_sync.ports.connector import CallFacts, ConnectorContext

Query = Sequence[tuple[str, str]]

_DETAILS = "/authentication/details"
_SHORTEST_WAIT_S, _BLIND_WAIT_S = 60.0, 300.0  # vendors/beds24.md 3
# vendors/beds24.md 2.2: where a credential is exchanged, and in which header it travels
_MINTS = {"refresh_token": ("/authentication/token", "refreshToken"), "invite_code": ("/authentication/setup", "code")}
_REFUSALS = frozenset({400, 401, 403})  # what a bad credential gets; anything else leaves the credentials alone
_CODES: Mapping[int, type[rest.CallFault]] = {401: rest.Unauthorized, 403: rest.Forbidden, 429: rest.Limited}


class Session:
    """One account's conversation; a call is one request, or three around a refresh."""

    def __init__(self, context: ConnectorContext) -> None:
        """Remember the context; nothing is sent yet."""
        self._context = context
        self._base = context.base_url.rstrip("/")
        self._tokens = AccessTokens(context.tokens, self._mint, context.credentials, tuple(_MINTS), context.now)

    async def call(self, method: str, path: str, query: Query = (), body: bytes | None = None) -> rest.Answer:
        """Make one call; after a 401 refresh once and repeat once, then ask why (vendors/beds24.md 2.4)."""
        token = await self._token()
        try:
            return await self._once(method, path, query, body, token)
        except rest.Unauthorized:
            token = await self._token(token)
        try:
            return await self._once(method, path, query, body, token)
        except rest.Unauthorized as fault:
            raise await self._explained(fault, token) from None

    async def page(self, path: str, query: Query) -> wire.Envelope:
        """Read one page of a list."""
        answer = await self.call("GET", path, query)
        return rest.read(wire.ENVELOPE, answer, f"GET {path}")

    async def details(self) -> tuple[wire.Details, rest.Answer]:
        """Ask what the token may do; costs no credits. A token told to be invalid is renewed once."""
        answer = await self.call("GET", _DETAILS)
        details = rest.read(wire.DETAILS, answer, f"GET {_DETAILS}")
        if not details.valid_token:
            await self._token(await self._token())
            answer = await self.call("GET", _DETAILS)
            details = rest.read(wire.DETAILS, answer, f"GET {_DETAILS}")
        if not details.valid_token:
            what = "the vendor calls a fresh token invalid"
            raise CredentialsRefused(what, f"GET {_DETAILS}")
        return details, answer

    async def aclose(self) -> None:
        """Let a refresh under way end; the client belongs to whoever opened it."""
        await self._tokens.aclose()

    async def _token(self, stale: str | None = None) -> str:
        """Return a token, another one than `stale`; whatever fails here, the call itself was never sent."""
        try:
            return await (self._tokens.current() if stale is None else self._tokens.renewed(stale))
        except VendorFault as fault:
            fault.sent = False
            raise

    async def _once(self, method: str, path: str, query: Query, body: bytes | None, token: str) -> rest.Answer:
        return await self._send(method, path, query, body, {"token": token})

    async def _send(
        self, method: str, path: str, query: Query, body: bytes | None, headers: Mapping[str, str]
    ) -> rest.Answer:
        where = f"{method} {path}"
        request = rest.Request(
            method=method, url=self._base + path, where=where, query=query, headers=headers, body=body
        )
        answer = await rest.exchange(self._context.client, request)
        self._report(answer)
        answer = rest.judged(answer, request, wait=limit_wait)
        _check_verdict(answer, request)
        return answer

    def _report(self, answer: rest.Answer) -> None:
        facts = call_facts(answer.headers)
        if facts != CallFacts():
            self._context.report(facts)

    async def _mint(self, way: Way) -> Grant:
        """Exchange a credential; only a clear refusal counts against the credential itself."""
        path, header = _MINTS[way.kind]
        try:
            answer = await self._send("GET", path, (), None, {header: way.secret})
        except (rest.Unauthorized, rest.Forbidden, rest.Refused) as fault:
            if fault.status not in _REFUSALS:
                raise
            what = f"the vendor refuses the {way.kind.replace('_', ' ')}"
            raise CredentialsRefused(what, f"GET {path}") from None
        granted = rest.read(wire.GRANTED, answer, f"GET {path}")
        if not granted.token:
            what = "the answer holds no token"
            raise rest.NotJson(what, f"GET {path}")
        return Grant(granted.token, granted.expires_in, granted.refresh_token or None)

    async def _explained(self, fault: rest.Unauthorized, token: str) -> rest.Unauthorized:
        """Say what the vendor's 401 leaves out: expired, wrong scope and blocked address all look the same."""
        try:
            answer = await self._once("GET", _DETAILS, (), None, token)
            details = rest.read(wire.DETAILS, answer, _DETAILS)
        except VendorFault:
            return rest.Unauthorized("HTTP 401, also for a fresh token", fault.where)
        scopes = ", ".join(sorted(details.token.scopes)) if details.token else ""
        told = f"the token is valid and has the scopes: {scopes or 'none'}" if details.valid_token else "it is invalid"
        return rest.Unauthorized(f"HTTP 401, also for a fresh token; {told}", fault.where)


def _check_verdict(answer: rest.Answer, request: rest.Request) -> None:
    """Raise for a refusal dressed as a success (vendors/beds24.md 4.3); a list is judged item by item elsewhere."""
    if answer.body.lstrip()[:1] != b"{":
        return
    verdict = rest.read(wire.VERDICT, answer, request.where)
    if verdict.success:
        return
    fault = _CODES.get(verdict.code or 0, rest.Refused)
    said = "" if fault is rest.Unauthorized else rest.vendor_words(answer.body, request)
    wait = limit_wait(answer) if fault is rest.Limited else None
    what = f"refused with code {verdict.code}{': ' + said if said else ''}"
    raise fault(what, request.where, retry_after=wait, status=verdict.code)


def limit_wait(answer: rest.Answer) -> float:
    """Return how many seconds to leave the account alone after a 429: the most anybody asks for, at least a minute."""
    asked = [rest.retry_after(answer.headers), _first(answer.headers, wire.RESETS_IN)]
    told = [seconds for seconds in asked if seconds is not None]
    return min(max(_SHORTEST_WAIT_S, *told), rest.LONGEST_WAIT_S) if told else _BLIND_WAIT_S


def call_facts(headers: Mapping[str, str]) -> CallFacts:
    """Read the credit meter; a header that is absent says nothing (vendors/beds24.md 3)."""
    return CallFacts(
        remaining=_first(headers, wire.REMAINING),
        resets_in=_first(headers, wire.RESETS_IN),
        cost=_first(headers, wire.COST),
    )


def _first(headers: Mapping[str, str], names: Sequence[str]) -> float | None:
    """Read the first spelling that holds a number."""
    return next((value for value in (rest.number(headers.get(name)) for name in names) if value is not None), None)
