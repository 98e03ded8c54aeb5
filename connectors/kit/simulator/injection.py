"""The middleware that logs every call and lets the planned faults strike it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from aiohttp.typedefs import Middleware

    from connectors.kit.simulator.calls import CallLog
    from connectors.kit.simulator.contract import Backend, Row
    from connectors.kit.simulator.faults import Fault, FaultPlan

CONTROL = "/_sim"
COST: web.RequestKey[float] = web.RequestKey("cost", float)
"""Where a vendor leaves what a call cost, for the call log."""
STALE: web.RequestKey[float] = web.RequestKey("stale", float)
"""Set on a read that must show an older state: seconds back, or -1 for "before the last change"."""

_BEFORE_LAST_CHANGE = -1.0
_REST_KINDS = ("expire_token", "stale_read", "delay", "drop_before", "status", "html", "drop_after", "truncate")
_PAGE = "<!DOCTYPE html><html><head><title>{0}</title></head><body><h1>{0}</h1><p>Try again later.</p></body></html>"

Inner = Callable[[web.Request], Awaitable[web.StreamResponse]]


def bare_path(path: str, prefixes: tuple[str, ...]) -> str:
    """Return the path without the vendor's base path."""
    for prefix in sorted(prefixes, key=len, reverse=True):
        if prefix and path.startswith(prefix + "/"):
            return path[len(prefix) :]
    return path


def _cut(answer: web.StreamResponse) -> web.StreamResponse:
    if not isinstance(answer, web.Response) or not isinstance(answer.body, bytes):
        return answer
    short = web.Response(body=answer.body[: len(answer.body) // 2], status=answer.status)
    short.headers.update({name: value for name, value in answer.headers.items() if name != "Content-Length"})
    return short


def _hang_up(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _first(faults: list[Fault], kind: str) -> Fault | None:
    return next((fault for fault in faults if fault.kind == kind), None)


async def _hold_back(faults: list[Fault]) -> None:
    if delay := _first(faults, "delay"):
        await asyncio.sleep(1.0 if delay.seconds is None else delay.seconds)


class Injection:
    """Logs calls and applies faults around the vendor's own answers; the control plane is left alone."""

    def __init__(self, backend: Backend, calls: CallLog, faults: FaultPlan) -> None:
        """Work on the shared log and plan."""
        self._backend, self._calls, self._faults = backend, calls, faults

    @property
    def middleware(self) -> Middleware:
        """Return the aiohttp middleware."""

        @web.middleware
        async def wrapped(request: web.Request, handler: Inner) -> web.StreamResponse:
            if bare_path(request.path, self._backend.prefixes).startswith(CONTROL + "/"):
                return await handler(request)
            return await self._logged(request, handler)

        return wrapped

    async def _logged(self, request: web.Request, inner: Inner) -> web.StreamResponse:
        account = self._backend.account_of(request)
        entry = await self._calls.begin(request, account)
        try:
            return await self._struck(request, inner, entry)
        finally:
            self._calls.end(account)

    async def _struck(self, request: web.Request, inner: Inner, entry: Row) -> web.StreamResponse:
        paths = (request.path, bare_path(request.path, self._backend.prefixes))
        faults = self._faults.strike(_REST_KINDS, request.method, paths)
        await self._prepare(request, faults)
        if _first(faults, "drop_before"):
            return _hang_up(request)
        answer = self._instead([fault for fault in faults if not fault.after]) or await inner(request)
        entry["status"], entry["cost"] = answer.status, request.get(COST)
        late = [fault for fault in faults if fault.after]
        await _hold_back(late)
        answer = self._instead(late) or answer
        entry["status"] = answer.status
        if _first(faults, "drop_after"):
            return _hang_up(request)
        return _cut(answer) if _first(faults, "truncate") else answer

    async def _prepare(self, request: web.Request, faults: list[Fault]) -> None:
        if _first(faults, "expire_token"):
            self._backend.expire_tokens()
        if stale := _first(faults, "stale_read"):
            request[STALE] = _BEFORE_LAST_CHANGE if stale.seconds is None else stale.seconds
        await _hold_back([fault for fault in faults if not fault.after])

    def _instead(self, faults: list[Fault]) -> web.Response | None:
        """Build the answer that takes the vendor's place; built before the vendor is asked, nothing is carried out."""
        if page := _first(faults, "html"):
            status = page.status or 502
            text = _PAGE.format(f"{status} Server trouble")
            answer = web.Response(text=text, status=status, content_type="text/html")
        elif refused := _first(faults, "status"):
            page = refused
            answer = self._backend.refusal(refused.status or 500)
        else:
            return None
        answer.headers.update(page.headers or {})
        return answer
