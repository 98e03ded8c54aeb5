"""Authenticated OHIP calls: token, application key and hotel on every one, and what Oracle's errors mean.

A token costs one call an hour, however many callers wait for it. Nothing here retries but the one call that a dead
token failed.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from typing import TypeVar
from urllib.parse import quote, urlencode

import msgspec

from connectors.kit import rest
from connectors.kit.auth import AccessTokens, CredentialsRefused, Grant, Way
from connectors.opera import facts, wire
from pms_sync.domain.errors import ConfigurationFault, Disposition, VendorFault
from pms_sync.ports.connector import ConnectorContext

T = TypeVar("T")
Query = Sequence[tuple[str, str]]

EMPTY = 204
_NOT_FOUND = 404
_LIMIT_WAIT_S = 5.0  # 2: no header tells; the burst limit counts seconds
_LIFE_SHARE = 11 / 12  # 1: renewed after about 50 of its 60 minutes, five of which the token store leaves anyway
_CODE = re.compile(r"(?:OPERAWS-)?([A-Z]{3}\d{5})")
_REFUSALS = frozenset({400, 401, 402, 403})  # 1: what bad log-in data get at the token endpoint
_SHOWN = 160
_FORM = "application/x-www-form-urlencoded"


class BadValue(rest.Refused):
    """A parameter has a value that this gateway does not accept; the whole call failed for it (5)."""


class NotServed(rest.Refused):
    """The gateway answers for other modules, not for this one; the account as a whole is well (1)."""

    lands = False
    advice = "have the module subscribed for this application, if the hotel wants it"


class Session:
    """One account's conversation about one hotel."""

    def __init__(self, context: ConnectorContext) -> None:
        """Remember the context; nothing is sent yet. Raises ConfigurationFault for a log-in that cannot be one."""
        self._context, self._login = context, context.credentials
        lacking = [name for name in facts.NEEDED_CREDENTIALS if not self._login.get(name)]
        if lacking:
            what = f"the log-in lacks {' and '.join(lacking)}"
            raise ConfigurationFault(what, "--credential", "give what the developer portal shows for the application")
        self._base = gateway(context).rstrip("/")
        self._tokens = AccessTokens(context.tokens, self._mint, self._login, ("client_secret",), context.now)

    async def read(self, decoder: msgspec.json.Decoder[T], path: str, query: Query = (), **parts: str) -> T | None:
        """Read one answer; None when there is nothing (204). `parts` fill the path's braces beside the hotel."""
        answer = await self.get(path, query, **parts)
        return None if answer is None else rest.read(decoder, answer, f"GET {path}")

    async def get(self, path: str, query: Query = (), **parts: str) -> rest.Answer | None:
        """Make one call; after a 401 renew the token once and repeat once."""
        place = path.format(**{name: quote(text, safe="") for name, text in {**self._here, **parts}.items()})
        token = await self._token()
        try:
            return await self._once(path, place, query, token)
        except rest.Unauthorized:
            token = await self._token(token)
        return await self._once(path, place, query, token)

    async def find(self, path: str, query: Query = (), **parts: str) -> rest.Answer | None:
        """Make a call whose 404 means that there is no such object, as 204 does."""
        try:
            return await self.get(path, query, **parts)
        except rest.Refused as fault:
            if fault.status != _NOT_FOUND:
                raise
            return None

    async def optional(self, path: str, query: Query = (), **parts: str) -> rest.Answer | None:
        """Make a call of a module that a hotel may lack; raises NotServed where the gateway does not offer it."""
        try:
            return await self.get(path, query, **parts)
        except (rest.Forbidden, rest.Refused) as fault:
            if isinstance(fault, rest.Refused) and fault.status != _NOT_FOUND:
                raise
            what = f"not served for this hotel ({fault.what})"
            raise NotServed(what, f"GET {path}", status=fault.status) from None

    async def aclose(self) -> None:
        """Let a refresh under way end; the client belongs to whoever opened it."""
        await self._tokens.aclose()

    @property
    def _here(self) -> Mapping[str, str]:
        return {"hotel": self._context.property_ref}

    async def _token(self, stale: str | None = None) -> str:
        """Return a token, another one than `stale`; whatever fails here, the call itself was never sent."""
        try:
            return await (self._tokens.current() if stale is None else self._tokens.renewed(stale))
        except VendorFault as fault:
            fault.sent = False
            raise

    async def _once(self, path: str, place: str, query: Query, token: str) -> rest.Answer | None:
        headers = {
            "Authorization": f"Bearer {token}",
            "x-app-key": self._login["app_key"],
            "x-hotelid": self._context.property_ref,
        }
        request = rest.Request(method="GET", url=self._base + place, where=f"GET {path}", query=query, headers=headers)
        answer = await rest.exchange(self._context.client, request)
        return None if answer.status == EMPTY else judged(answer, request)

    async def _mint(self, way: Way) -> Grant:
        """Ask for a token; only a clear refusal counts against the log-in."""
        login = self._login
        pair = base64.b64encode(f"{login['client_id']}:{way.secret}".encode()).decode()
        headers = {"Authorization": f"Basic {pair}", "x-app-key": login["app_key"]}
        if login.get("enterprise_id"):
            headers["enterpriseId"] = login["enterprise_id"]  # 1: without an x-, or the server misses it
        request = rest.Request(
            method="POST",
            url=self._base + facts.TOKENS,
            where=f"POST {facts.TOKENS}",
            headers=headers,
            body=urlencode(_form(login)).encode(),
            media=_FORM,
        )
        try:
            answer = judged(await rest.exchange(self._context.client, request), request)
        except rest.CallFault as fault:
            if fault.status not in _REFUSALS:
                raise
            what = f"the vendor refuses the log-in ({fault.what})"
            raise CredentialsRefused(what, request.where, status=fault.status) from None
        granted = rest.read(wire.GRANTED, answer, request.where)
        return Grant(granted.access_token, granted.expires_in * _LIFE_SHARE)


def gateway(context: ConnectorContext) -> str:
    """Return the hotel's gateway: the setting, else the credential; raises ConfigurationFault when neither is there."""
    if context.base_url != facts.SPEC.default_base_url:
        return context.base_url
    told = context.credentials.get(facts.GATEWAY, "")
    if not told.startswith("https://"):
        what = "it is not said where the hotel's gateway is"
        remedy = "give the gateway URL of the developer portal as the credential gateway, beginning with https://"
        raise ConfigurationFault(what, "--credential", remedy)
    return told


def _form(login: Mapping[str, str]) -> dict[str, str]:
    """Write the grant of the environment's kind: an integration user's password, or the client alone (1)."""
    if login.get("username"):
        return {"grant_type": "password", "username": login["username"], "password": login.get("password", "")}
    return {"grant_type": "client_credentials", "scope": login.get("scope") or facts.USUAL_SCOPE}


def judged(answer: rest.Answer, request: rest.Request) -> rest.Answer:
    """Return a success; raises the CallFault it stands for otherwise, in Oracle's words where it has any."""
    try:
        return rest.judged(answer, request, wait=_wait)
    except rest.CallFault as fault:
        code, words = _told(answer.body, request)
        kind = BadValue if code == facts.BAD_VALUE and isinstance(fault, rest.Refused) else type(fault)
        said = facts.KNOWN_CODES.get(code, "") if isinstance(fault, rest.Forbidden | rest.Unauthorized) else words
        what = " ".join(part for part in (fault.what, code, f"({said})" if said else "") if part)
        raise kind(what, fault.where, retry_after=fault.retry_after, status=fault.status, sent=fault.sent) from None


def _told(body: bytes, request: rest.Request) -> tuple[str, str]:
    """Read code and reason of an error; there need be no body at all (3)."""
    try:
        problem = wire.PROBLEM.decode(body)
    except (ValueError, RecursionError):
        return "", ""
    found = _CODE.fullmatch(problem.code or "")
    words = problem.detail or problem.title or ""
    for value in (*request.headers.values(), request.headers.get("Authorization", "").rpartition(" ")[2]):
        words = words.replace(value, "***") if value else words
    return found[1] if found else "", re.sub(r"\s+", " ", words).strip()[:_SHOWN]


def _wait(answer: rest.Answer) -> float:
    return rest.retry_after(answer.headers) or _LIMIT_WAIT_S


def contradiction(what: str, path: str) -> VendorFault:
    """Say that nothing may be concluded from an answer."""
    remedy = "read again; absence counts only where nothing speaks against it"
    return VendorFault(what, f"GET {path}", remedy, disposition=Disposition.ABORT)
