"""Authenticated Mews calls: tokens in the body, one pace for all of them, and what a 401 means found out (2, 5, 6)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from http import HTTPStatus
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import msgspec

from connectors.kit import rest
from connectors.kit.auth import CredentialsRefused
from connectors.kit.pacing import Pace
from connectors.kit.paging import PageGuard
from connectors.mews import facts, wire
from connectors.mews.faults import TokenRefused, Withheld, explained
from pms_sync.ports.connector import CallFacts, ConnectorContext

Filters = Mapping[str, Any]

_TOKENS = {"ClientToken": "client_token", "AccessToken": "access_token"}
_SHORTEST_WAIT_S, _LONGEST_BLIND_WAIT_S = 1.0, 600.0
_MOST_PAGES = 1000


class Tally:
    """How many calls one method of the connector made."""

    def __init__(self) -> None:
        """Begin at none."""
        self.calls = 0


_TALLY: ContextVar[Tally | None] = ContextVar("mews_calls", default=None)


class Session:
    """One access token's conversation; a call is one request, or two where a 401 has to be understood."""

    def __init__(self, context: ConnectorContext, pace: Pace | None = None) -> None:
        """Remember the context; nothing is sent yet. `pace` spaces the calls of methods that make several."""
        budget = facts.SPEC.rate_budget
        self._context = context
        self._pace = pace or Pace(int(budget.credits), budget.window_s, sleep=context.sleep)
        self._base = context.base_url.rstrip("/") + facts.ROOT
        self._silent_limits = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Report at the end what the calls made inside cost together: one credit each."""
        tally = Tally()
        token = _TALLY.set(tally)
        try:
            yield
        finally:
            _TALLY.reset(token)
            if tally.calls:
                self._context.report(CallFacts(cost=float(tally.calls)))

    async def configuration(self) -> wire.Configuration:
        """Read the enterprise and the vendor's clock; the cheapest call that needs a valid token."""
        answer = await self.call(facts.CONFIGURATION, {"EnterpriseId": self._context.property_ref})
        return rest.read(wire.CONFIGURATION, answer, f"POST {facts.CONFIGURATION}")

    async def page(
        self, operation: str, filters: Filters, count: int, cursor: str | None = None
    ) -> tuple[list[bytes], str | None]:
        """Read one page of a list, newest first, and the cursor behind it; None where nothing can follow.

        A page with fewer rows than asked for is the last, whatever cursor it carries (7).
        """
        limit = {"Count": count} if cursor is None else {"Count": count, "Cursor": cursor}
        asked = {**facts.ALWAYS_ASKED.get(operation, {}), **filters, "Limitation": limit}
        answer = await self.call(operation, asked)
        where = f"POST {operation}"
        fields = rest.read(wire.FIELDS, answer, where)
        try:
            rows = [bytes(row) for row in wire.ROWS.decode(fields.get(facts.ROWS[operation], msgspec.Raw(b"[]")))]
            told = wire.TEXT.decode(fields.get("Cursor", msgspec.Raw(b"null")))
        except (ValueError, RecursionError) as error:
            what = f"the answer has another shape than documented: {error}"
            raise rest.Refused(what, where) from None
        return rows, (told or None) if len(rows) >= count else None

    async def everything(self, operation: str, filters: Filters, most: int | None = None) -> list[bytes]:
        """Read a list to its end, or to as many rows as there can be.

        Raises VendorFault (ABORT) when it runs in circles, as one was seen to (7).
        """
        found: list[bytes] = []
        guard, cursor, where = PageGuard(_MOST_PAGES), None, f"POST {operation}"
        while True:
            rows, following = await self.page(operation, filters, facts.MOST_ROWS, cursor)
            guard.check(operation, cursor, rows, following, where)
            found += rows
            if following is None or (most is not None and len(found) >= most):
                return found
            cursor = following

    async def of_ids(self, operation: str, name: str, ids: Sequence[str], *, own: bool = False) -> list[bytes]:
        """Read everything that a filter by ids lets through; `own` says that they are the rows' own ids.

        So many ids at once as a filter takes, and no call without any (4).
        """
        found: list[bytes] = []
        for start in range(0, len(ids), facts.MOST_ROWS):
            some = list(ids[start : start + facts.MOST_ROWS])
            found += await self.everything(operation, {name: some}, len(some) if own else None)
        return found

    async def call(self, operation: str, asked: Filters) -> rest.Answer:
        """Make one call; after a 401 ask the cheapest operation whether it is the token or the permission (2, 17)."""
        try:
            return await self._send(operation, asked)
        except rest.Unauthorized as fault:
            if operation == facts.CONFIGURATION:
                raise TokenRefused(fault.what, fault.where, status=fault.status) from None
            refused = fault
        await self.configuration()
        raise Withheld(f"{refused.what}, though the token is valid", refused.where, status=refused.status)

    async def _send(self, operation: str, asked: Filters) -> rest.Answer:
        tokens = self._tokens()
        request = rest.Request(
            method="POST",
            url=f"{self._base}/{operation}",
            where=f"POST {operation}",
            body=msgspec.json.encode({**tokens, "Client": self._client(), **asked}),
        )
        await self._pace.turn()
        if (tally := _TALLY.get()) is not None:
            tally.calls += 1
        answer = await rest.exchange(self._context.client, request)
        if answer.status == HTTPStatus.NO_CONTENT:  # 3: an empty page, for those who ask for brevity
            answer = msgspec.structs.replace(answer, status=int(HTTPStatus.OK), body=b"{}")
        try:
            judged = rest.judged(answer, request, wait=self._limit_wait)
        except rest.CallFault as fault:
            raise explained(fault, answer, request.where, tokens.values()) from None
        self._silent_limits = 0
        return judged

    def _limit_wait(self, answer: rest.Answer) -> float:
        """Wait as long as the vendor says; where it says nothing, longer each time (5: no fixed pause)."""
        told = rest.retry_after(answer.headers)
        if told is not None:
            return max(told, _SHORTEST_WAIT_S)
        window_s = facts.SPEC.rate_budget.window_s
        self._silent_limits += 1
        return min(window_s * 2.0 ** min(self._silent_limits - 1, 10), _LONGEST_BLIND_WAIT_S)

    def _tokens(self) -> dict[str, str]:
        """Return both tokens under their names; raises CredentialsRefused where one lacks or cannot be one."""
        given = {name: self._context.credentials.get(key, "") for name, key in _TOKENS.items()}
        wrong = [_TOKENS[name] for name, token in given.items() if not _is_token(token)]
        if wrong:
            what = f"the credential {wrong[0]} is missing, or is no token"
            raise CredentialsRefused(what, "log-in")
        return given

    def _client(self) -> str:
        """Name our application: Mews tells its clients apart by it (2)."""
        given = self._context.credentials.get("client", "")
        return given if given.isprintable() and given else f"PmsSync {_version()}"


def _is_token(text: str) -> bool:
    return bool(text) and text.isascii() and text.isprintable()


@lru_cache(maxsize=1)
def _version() -> str:
    try:
        return version("pms-sync")
    except PackageNotFoundError:
        return "0"
