"""The simulated OHIP gateway as an aiohttp application: one route per operation, checks in the gateway's order."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from connectors.kit.simulator.contract import Row
from connectors.kit.simulator.startable import Startable
from connectors.opera.simulator import truth
from connectors.opera.simulator.access import check_hotels
from connectors.opera.simulator.backend import OperaBackend, Options
from connectors.opera.simulator.gateway import Limits
from connectors.opera.simulator.operations import Operation, operations
from connectors.opera.simulator.query import check_id, understand
from connectors.opera.simulator.refusals import VendorRefusal, json_answer, refusal_answer

TOKENS = "/oauth/v1/tokens"
LARGEST_BODY = 100 * 1024
_NO_LIMIT = 1_000_000
"""In bytes; a larger body is refused (vendors/opera.md 2)."""
_FORM = "application/x-www-form-urlencoded"

Handler = Callable[[web.Request], Awaitable[web.Response]]


@dataclass(frozen=True)
class Endpoints:
    """The routes of the gateway."""

    backend: OperaBackend

    def routes(self, prefix: str) -> list[web.RouteDef]:
        """Return the routes below the gateway's own address."""
        reads = [
            web.get(prefix + one.path, self._guarded(self._read(one), polling=one.polling), allow_head=False)
            for one in operations(self.backend)
        ]
        return [*reads, web.post(prefix + TOKENS, self._guarded(self._token))]

    async def unknown(self, request: web.Request) -> web.Response:
        """Answer an unknown path with 404, a known one called by another method with 405, both without a body."""
        known = any(_fits(path, request.path) for path in (TOKENS, *(one.path for one in operations(self.backend))))
        return refusal_answer(VendorRefusal(405 if known else 404))

    def _guarded(self, inner: Handler, *, polling: bool = False) -> Handler:
        async def route(request: web.Request) -> web.Response:
            try:
                await self.backend.gateway.pace(polling=polling)
                return await inner(request)
            except VendorRefusal as refused:
                return refusal_answer(refused)

        return route

    async def _token(self, request: web.Request) -> web.Response:
        if request.content_type != _FORM:
            raise VendorRefusal(415)
        form = {name: str(value) for name, value in (await request.post()).items()}
        return json_answer(self.backend.access.mint(request.headers, form))

    def _read(self, operation: Operation) -> Handler:
        """Return the handler of a read: values are checked before permissions (3), 204 stands for nothing found."""

        async def read(request: web.Request) -> web.Response:
            self.backend.gateway.let_in(request, operation.module)
            path = _path(request.match_info)
            ask = understand(request.query, operation.parameters)
            hotels = [path["hotelId"]] if "hotelId" in path else ask.get("hotelIds", [])
            operation.check(ask)
            check_hotels(request.headers, hotels, self.backend.visible())
            body: Row = operation.answer(request, path, ask)
            return json_answer(body) if body else web.Response(status=204)

        return read


def _fits(template: str, path: str) -> bool:
    """Tell whether a path is one of a template."""
    parts, found = template.split("/"), path.split("/")
    return len(parts) == len(found) and all(
        part == one or part.startswith("{") for part, one in zip(parts, found, strict=True)
    )


def _path(matched: Mapping[str, str]) -> dict[str, str]:
    """Return the names in the path; raises VendorRefusal 400 for a reservation id that is no number."""
    if "reservationId" in matched:
        check_id(matched["reservationId"])
    return dict(matched)


class OperaSimulator(Startable):
    """A startable OHIP gateway: `app`, `credentials`, `start` and `stop`."""

    vendor = truth.VENDOR
    usual_port = 9027

    def __init__(self, seed: int, options: Options) -> None:
        """Build the application and the first world; nothing listens yet."""
        self.backend = backend = OperaBackend(seed, options)
        api = Endpoints(backend)
        super().__init__(backend, api.routes, api.unknown, LARGEST_BODY)


def create(seed: int = 1, **options: object) -> OperaSimulator:
    """Build a simulator; options are the fields of Options. Raises TypeError for an unknown one."""
    return OperaSimulator(seed, Options(**options))  # type: ignore[arg-type]


def unhurried(seed: int = 1, **options: object) -> OperaSimulator:
    """Build a simulator that limits no calls, for trials that make many; options are those of `create`."""
    return create(seed, limits=Limits(_NO_LIMIT, _NO_LIMIT, _NO_LIMIT), **options)


create.unhurried = unhurried  # type: ignore[attr-defined]
