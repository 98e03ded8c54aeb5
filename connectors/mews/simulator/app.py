"""The simulated Mews as an aiohttp application: POST only, tokens in the body, one route per operation."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from aiohttp import web

from connectors.kit.simulator.contract import Row
from connectors.kit.simulator.injection import STALE
from connectors.kit.simulator.startable import Startable
from connectors.mews.simulator import truth
from connectors.mews.simulator.access import Integration
from connectors.mews.simulator.backend import MewsBackend, Options
from connectors.mews.simulator.operations import API, CONFIGURATION, ENDED, OPERATIONS, RESTRICTED, Operation
from connectors.mews.simulator.reading import answer, cut, in_order, select, understand
from connectors.mews.simulator.refusals import REQUEST_ID, VendorRefusal, invalid, json_answer, refusal_answer

LARGEST_BODY = 1 << 20
"""In bytes; beyond it the vendor answers 413 at a size that nobody knows."""

Inner = Callable[[web.Request, Row, Integration], Row | None]
"""Answers a call that was let in; None stands for an empty page that the caller does not want to see."""


class Endpoints:
    """The routes of the API over one chain."""

    def __init__(self, backend: MewsBackend) -> None:
        """Work on the chain."""
        self._backend = backend

    def routes(self, prefix: str) -> list[web.RouteDef]:
        """Return the routes, which exist below one base path only."""
        if prefix != API:
            return []
        reads = [self._route(operation.path, self._read(operation)) for operation in OPERATIONS]
        ends = [self._route(path, _ended) for path in ENDED]
        asks = [self._route(path, _ended) for path in RESTRICTED]  # never reached: nobody has the permission
        return [*reads, *ends, *asks, self._route(CONFIGURATION, self._configuration)]

    async def unknown(self, _request: web.Request) -> web.Response:
        """Answer any other path, and any other method than POST."""
        return self._backend.refusal(404)

    def _route(self, path: str, inner: Inner) -> web.RouteDef:
        async def called(request: web.Request) -> web.Response:
            request_id = self._backend.request_id()
            try:
                body = await _body(request)
                told = inner(request, body, self._backend.let_in(path, body))
            except VendorRefusal as refused:
                return refusal_answer(refused, request_id)
            done = web.Response(status=204) if told is None else json_answer(told)
            done.headers[REQUEST_ID] = request_id
            return done

        return web.post(f"{API}/{path}", called)

    def _read(self, operation: Operation) -> Inner:
        def read(request: web.Request, body: Row, integration: Integration) -> Row | None:
            backend = self._backend
            ask = understand(operation, body, integration)
            revision = backend.seen(request.get(STALE), lags=operation.lags)
            ordered = in_order(operation, backend.hotel[operation.table].newest_first(revision))
            found = select(operation, ask, ordered, backend.options.reads)
            page = cut(operation, ask, ordered, found, backend.options.reads)
            if not page.rows and "return=minimal" in request.headers.get("Prefer", ""):
                return None
            return answer(operation, backend.hotel, ask, page, backend.clock.now())

        return read

    def _configuration(self, _request: web.Request, body: Row, integration: Integration) -> Row:
        return self._backend.configuration(body, integration)


def _ended(_request: web.Request, _body: Row, _integration: Integration) -> Row:
    raise VendorRefusal(410)


async def _body(request: web.Request) -> Row:
    """Read the JSON object of a call; raises VendorRefusal."""
    raw = await request.read()
    if len(raw) > LARGEST_BODY:
        raise VendorRefusal(413)
    if request.content_type != "application/json":
        raise invalid("Content-Type")
    try:
        told = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise VendorRefusal(400, "Invalid JSON") from error
    if not isinstance(told, dict):
        raise VendorRefusal(400, "Invalid JSON")
    return told


class MewsSimulator(Startable):
    """A startable Mews: `app`, `credentials`, `start` and `stop`."""

    vendor = truth.VENDOR
    usual_port = 9025

    def __init__(self, seed: int, options: Options) -> None:
        """Build the application and the first world; nothing listens yet."""
        self.backend = backend = MewsBackend(seed, options)
        api = Endpoints(backend)
        super().__init__(backend, api.routes, api.unknown, 4 * LARGEST_BODY)


def create(seed: int = 1, **options: object) -> MewsSimulator:
    """Build a simulator; options are the fields of Options. Raises TypeError for an unknown one."""
    return MewsSimulator(seed, Options(**options))  # type: ignore[arg-type]
