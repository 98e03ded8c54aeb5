"""Authenticated Cloudbeds calls: form bodies, a key or a token, one refresh after a 401, and a host per connection."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from urllib.parse import urlencode

import httpx
import msgspec

from connectors.cloudbeds import facts, wire
from connectors.cloudbeds.faults import check_verdict
from connectors.kit import rest
from connectors.kit.auth import AccessTokens, CredentialsRefused, Grant, Way
from connectors.kit.pacing import Pace
from pms_sync.domain.errors import VendorFault
from pms_sync.ports.connector import CallFacts, ConnectorContext

Query = Sequence[tuple[str, str]]

_FORM = "application/x-www-form-urlencoded"
_HOST_KEY = "api_url:"  # beside the tokens, since it belongs to the connection (1); each property has its own
_VENDOR_DOMAIN = "cloudbeds.com"
_KEY_MARK = "cbat_"  # 2.1: how an API key begins, also one that the API key grant brought
_KEY_GRANT = "urn:ietf:params:oauth:grant-type:api-key"
_KEY_LIFE_S = 10 * 365 * 86400.0  # 2.1: no expiry
_TOKEN_LIFE_S = 28800.0  # 2.1
_REFUSALS = frozenset({400, 401, 403})  # 4: a bad credential gets 400 or 401; anything else leaves it alone
_REQUEST_ID = re.compile(r"[\w-]{1,64}", re.ASCII)


class _Call(msgspec.Struct, frozen=True):
    """What is asked; `has_verdict` says that the answer tells its success inside, `hidden` what nobody may repeat."""

    verb: str
    method: str
    query: Query = ()
    form: Query | None = None
    has_verdict: bool = True
    hidden: Sequence[str] = ()

    def request(self, root: str, headers: Mapping[str, str]) -> rest.Request:
        """Write the request for one host."""
        return rest.Request(
            method=self.verb,
            url=f"{root}/{self.method}",
            where=f"{self.verb} {self.method}",
            query=self.query,
            headers=headers,
            body=None if self.form is None else urlencode(list(self.form)).encode(),
            media=_FORM,
            hidden=self.hidden,
        )


class Session:
    """One connection's conversation; a call is one request, or three around a refresh."""

    def __init__(self, context: ConnectorContext, pace: Pace | None = None) -> None:
        """Remember the context; nothing is sent yet. `pace` spaces the calls of methods that make several."""
        budget = facts.SPEC.rate_budget
        self._context = context
        self._pace = pace or Pace(int(budget.credits), budget.window_s, sleep=context.sleep)
        self._base = api_root(context.base_url)
        self._key = context.credentials.get("api_key", "")
        order = ("refresh_token", "code")
        self._tokens = AccessTokens(context.tokens, self._mint, context.credentials, order, context.now)
        self._root: str | None = None
        self._root_key = _HOST_KEY + context.property_ref
        self.vendor_time: datetime | None = None

    async def get(self, method: str, query: Query = (), *, ours: bool = True) -> rest.Answer:
        """Read; `ours` adds the property under the name that this method knows. Raises CallFault."""
        return await self._told(_Call("GET", method, query=[*self._place(method, ours=ours), *query]))

    async def post(self, method: str, form: Query, *, hidden: Sequence[str] = ()) -> rest.Answer:
        """Write a form: a JSON body would be ignored, not refused (3). No fault repeats what is `hidden`."""
        return await self._told(_Call("POST", method, form=[*self._place(method, ours=True), *form], hidden=hidden))

    async def delete(self, method: str, query: Query) -> rest.Answer:
        """Delete; parameters stand in the query, a body is not read (3)."""
        return await self._told(_Call("DELETE", method, query=[*self._place(method, ours=True), *query]))

    async def rows(self, method: str, query: Query = (), *, ours: bool = True) -> tuple[list[bytes], int | None]:
        """Read the rows of one page, and the total where it is told."""
        answer = await self.get(method, query, ours=ours)
        envelope = rest.read(wire.ENVELOPE, answer, f"GET {method}")
        return wire.elements(envelope.data, f"GET {method}"), wire.whole(envelope.total)

    async def locate(self) -> str:
        """Ask where this connection's API lives and keep it; the configured host serves where nobody can tell.

        Raises Redirected when the vendor names a host that is not its own.
        """
        await self._credential()
        answer = None
        with contextlib.suppress(rest.Refused):  # a partial installation may know no such call
            answer = await self._authorized(self._base, _Call("GET", facts.METADATA, has_verdict=False))
        told = rest.read(wire.METADATA, answer, f"GET {facts.METADATA}").data if answer else None
        url = told.api.url if told and told.api else ""
        self._root = self._trusted(url) if url else self._base
        if url:
            async with self._context.tokens.refreshing():
                held = await self._context.tokens.load()
                if held.get(self._root_key) != url:
                    await self._context.tokens.save({**held, self._root_key: url})
        return self._root

    async def aclose(self) -> None:
        """Let a refresh under way end; the client belongs to whoever opened it."""
        await self._tokens.aclose()

    def _place(self, method: str, *, ours: bool) -> list[tuple[str, str]]:
        return [(facts.PROPERTY_PARAMETER[method], self._context.property_ref)] if ours else []

    async def _told(self, call: _Call) -> rest.Answer:
        """Make one call at the connection's own host."""
        return await self._authorized(self._root or await self._known_root(), call)

    async def _known_root(self) -> str:
        held = await self._context.tokens.load()
        if not held.get(self._root_key):
            return await self.locate()
        self._root = self._trusted(held[self._root_key])
        return self._root

    async def _authorized(self, root: str, call: _Call) -> rest.Answer:
        """Send with a credential; after a 401 refresh once and repeat once, as the vendor asks (4)."""
        token = await self._credential()
        try:
            return await self._send(root, call, self._proof(token))
        except rest.Unauthorized as fault:
            if self._key:
                what = "HTTP 401: the key was revoked, was not used for 30 days, or the app was disconnected"
                raise rest.Unauthorized(what, fault.where, status=fault.status) from None
        token = await self._unsent(lambda: self._tokens.renewed(token))
        return await self._send(root, call, self._proof(token))

    async def _credential(self) -> str:
        return self._key or await self._unsent(self._tokens.current)

    async def _unsent(self, token: Callable[[], Awaitable[str]]) -> str:
        """Get a token; whatever fails here, the call itself was never sent."""
        try:
            return await token()
        except VendorFault as fault:
            fault.sent = False
            raise

    async def _send(self, root: str, call: _Call, headers: Mapping[str, str]) -> rest.Answer:
        """Send once; the vendor's request id goes into every fault, since its support asks for it (3)."""
        await self._pace.turn()
        request = call.request(root, headers)
        self._context.report(CallFacts(cost=1.0))
        answer = await rest.exchange(self._context.client, request)
        self.vendor_time = rest.http_date(answer.headers.get("date", "")) or self.vendor_time
        told = answer.headers.get("x-request-id", "")
        if _REQUEST_ID.fullmatch(told):
            request = msgspec.structs.replace(request, where=f"{request.where} (X-Request-ID {told})")
        answer = rest.judged(answer, request)
        return check_verdict(answer, request) if call.has_verdict else answer

    def _proof(self, token: str) -> dict[str, str]:
        is_key = bool(self._key) or token.startswith(_KEY_MARK)
        proof = {"x-api-key": token} if is_key else {"Authorization": f"Bearer {token}"}
        return {"X-PROPERTY-ID": self._context.property_ref, **proof}

    async def _mint(self, way: Way) -> Grant:
        """Exchange a credential; only a clear refusal counts against the credential itself."""
        form = _exchange_form(self._context.credentials, way)
        hidden = (way.secret, self._context.credentials.get("client_secret", ""))
        call = _Call("POST", facts.ACCESS_TOKEN, form=form, has_verdict=False, hidden=hidden)
        try:
            answer = await self._send(self._base, call, {})
        except (rest.Unauthorized, rest.Forbidden, rest.Refused) as fault:
            if fault.status not in _REFUSALS:
                raise
            what = f"the vendor refuses the {way.kind.replace('_', ' ')}"
            raise CredentialsRefused(what, fault.where, status=fault.status) from None
        granted = rest.read(wire.GRANTED, answer, f"POST {facts.ACCESS_TOKEN}")
        if not granted.access_token:
            what = "the answer holds no token"
            raise rest.NotJson(what, f"POST {facts.ACCESS_TOKEN}")
        return Grant(granted.access_token, _lifetime(granted), granted.refresh_token or None)

    def _trusted(self, url: str) -> str:
        """Return the API under a host that the vendor named; raises Redirected for a foreign one (1).

        Its own domain over https, or the host that the operator configured, on whatever port.
        """
        try:
            told, base = httpx.URL(url), httpx.URL(self._base)
        except (httpx.InvalidURL, TypeError):
            told = base = httpx.URL("")
        own = told.host == _VENDOR_DOMAIN or told.host.endswith(f".{_VENDOR_DOMAIN}")
        if (own and told.scheme == "https") or (told.host == base.host and told.scheme == base.scheme and told.host):
            port = f":{told.port}" if told.port else ""
            return f"{told.scheme}://{told.host}{port}{facts.VERSION_PATH}"
        what = "the vendor names a host for this connection that is not its own"
        raise rest.Redirected(what, f"GET {facts.METADATA}", sent=False)


def api_root(base_url: str) -> str:
    """Return the API under a base URL: with its version where the URL names none."""
    bare = base_url.rstrip("/")
    return bare if "/api/v" in bare else bare + facts.VERSION_PATH


def _exchange_form(given: Mapping[str, str], way: Way) -> Query:
    """Write the form that exchanges a credential; a code becomes an API key, which is what the vendor prefers (2.2)."""
    client = [(name, given.get(name, "")) for name in ("client_id", "client_secret")]
    if way.kind == "code":
        uri = given.get("redirect_uri", "")
        return [*client, ("grant_type", _KEY_GRANT), ("redirect_uri", uri), ("code", way.secret)]
    return [*client, ("grant_type", "refresh_token"), ("refresh_token", way.secret)]


def _lifetime(granted: wire.Granted) -> float:
    told = wire.whole(granted.expires_in)
    if granted.access_token.startswith(_KEY_MARK):
        return _KEY_LIFE_S
    return float(told) if told else _TOKEN_LIFE_S
