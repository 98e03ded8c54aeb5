"""The control plane under `/_sim/`: reset, truth, calls, change, faults and clock (PUBLIC_SURFACE.md)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

import msgspec
from aiohttp import web

from connectors.kit.simulator.clock import SimulatedClock, stamp
from connectors.kit.simulator.contract import Backend, ChangeOrder, OrderRefused, ResetOrder
from connectors.kit.simulator.faults import Fault, FaultPlan
from connectors.kit.simulator.injection import CONTROL

if TYPE_CHECKING:
    from connectors.kit.simulator.calls import CallLog
    from connectors.kit.simulator.webhooks import Sender

_Order = TypeVar("_Order")


class _FaultOrder(msgspec.Struct):
    faults: list[Fault]


class _ClockOrder(msgspec.Struct):
    advance_s: float | None = None
    now: datetime | None = None


def answer(body: object, status: int = 200) -> web.Response:
    """Build a JSON answer."""
    return web.Response(body=msgspec.json.encode(body), status=status, content_type="application/json")


def _refuse(refused: OrderRefused) -> web.Response:
    return answer({"error": {"what": refused.what, "where": refused.where, "remedy": refused.remedy}}, 400)


async def _order(request: web.Request, kind: type[_Order]) -> _Order:
    raw = await request.read() or b"{}"
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.MsgspecError as error:
        raise OrderRefused(str(error), request.path, "send the JSON object described in PUBLIC_SURFACE.md") from error


class ControlPlane:
    """Serves the control plane of one backend; the routes carry no authentication, so listen on loopback only."""

    def __init__(
        self, backend: Backend, clock: SimulatedClock, calls: CallLog, faults: FaultPlan, sender: Sender
    ) -> None:
        """Work on the parts shared with the vendor side."""
        self._backend, self._clock, self._calls, self._faults, self._sender = backend, clock, calls, faults, sender

    def routes(self, prefix: str) -> list[web.RouteDef]:
        """Return the routes below one base path of the vendor."""
        root = prefix + CONTROL
        return [
            web.post(root + "/reset", self._guard(self._reset)),
            web.get(root + "/truth", self._guard(self._truth)),
            web.get(root + "/calls", self._guard(self._list_calls)),
            web.post(root + "/change", self._guard(self._change)),
            web.post(root + "/faults", self._guard(self._set_faults)),
            web.post(root + "/clock", self._guard(self._set_clock)),
        ]

    @staticmethod
    def _guard(
        inner: Callable[[web.Request], Awaitable[web.Response]],
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        async def guarded(request: web.Request) -> web.Response:
            try:
                return await inner(request)
            except OrderRefused as refused:
                return _refuse(refused)

        return guarded

    async def _reset(self, request: web.Request) -> web.Response:
        order = await _order(request, ResetOrder)
        await self._sender.clear()
        self._calls.clear()
        self._backend.reset(order)
        self._faults.reseed(order.seed or 0)
        return answer({"credentials": self._backend.credentials(), "properties": self._backend.properties()})

    async def _truth(self, _request: web.Request) -> web.Response:
        reservations, blocks = self._backend.truth()
        told = {
            "now": stamp(self._clock.now()),
            "properties": self._backend.properties(),
            "reservations": reservations,
            "blocks": blocks,
            "webhooks": self._sender.counts(),
        }
        return answer(told)

    async def _list_calls(self, request: web.Request) -> web.Response:
        since = request.query.get("since", "0")
        if not since.isdecimal():
            raise OrderRefused(f"since={since!r} is no number", request.path, "give the last `n` seen, or leave it out")
        return answer({"items": self._calls.since(int(since))})

    async def _change(self, request: web.Request) -> web.Response:
        return answer(self._backend.change(await _order(request, ChangeOrder)))

    async def _set_faults(self, request: web.Request) -> web.Response:
        order = await _order(request, _FaultOrder)
        self._faults.replace(order.faults)
        return answer({"active": self._faults.active})

    async def _set_clock(self, request: web.Request) -> web.Response:
        order = await _order(request, _ClockOrder)
        if order.now is not None and order.now.tzinfo is None:
            raise OrderRefused("`now` has no zone", request.path, "write it as RFC 3339 with Z")
        if order.now is not None:
            self._clock.put(order.now)
        self._clock.advance(order.advance_s or 0.0)
        return answer({"now": stamp(self._clock.now())})
