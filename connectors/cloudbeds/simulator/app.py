"""The simulated Cloudbeds as an aiohttp application: RPC names under two versions, forms in, JSON out."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from connectors.cloudbeds.simulator import ledger, truth
from connectors.cloudbeds.simulator.asking import Call, Operation
from connectors.cloudbeds.simulator.backend import CloudbedsBackend, Options
from connectors.cloudbeds.simulator.forms import read_form
from connectors.cloudbeds.simulator.hotel import View
from connectors.cloudbeds.simulator.loose import loosened
from connectors.cloudbeds.simulator.operations import OPERATIONS, TOKENS
from connectors.cloudbeds.simulator.refusals import (
    REQUEST_ID,
    Refused,
    json_answer,
    refusal_answer,
    unknown_method,
)
from connectors.kit.simulator.contract import Row
from connectors.kit.simulator.injection import STALE
from connectors.kit.simulator.startable import Startable

LARGEST_BODY = 1 << 20
_READS_QUERY = frozenset({"GET", "DELETE"})
_NO_LIMIT = 1_000_000


class Endpoints:
    """The routes of the API over one backend."""

    def __init__(self, backend: CloudbedsBackend) -> None:
        """Work on the hotels."""
        self._backend = backend

    def routes(self, prefix: str) -> list[web.RouteDef]:
        """Return the routes below one base path; there is no API without a version."""
        if prefix:
            return [web.route("*", f"{prefix}/{{method:.*}}", self.answer)]
        return [web.post(ledger.PATH, self.read_ledger)]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer one method; the name alone does not tell the verb."""
        try:
            told = await self._told(request)
            done = json_answer(loosened(told, self._backend.options.reads.loose))
        except Refused as refused:
            done = refusal_answer(refused)
        done.headers[REQUEST_ID] = self._backend.request_id()
        return done

    async def read_ledger(self, request: web.Request) -> web.StreamResponse:
        """Answer the one call of the accounting module: JSON in, the property in a header."""
        try:
            done = json_answer(self._backend.ledger(request, await request.read()))
        except Refused as refused:
            done = refusal_answer(refused)
        done.headers[REQUEST_ID] = self._backend.request_id()
        return done

    async def unknown(self, _request: web.Request) -> web.StreamResponse:
        """Answer any path without a version: HTML, as a proxy does."""
        return web.Response(status=404, text="<html><body>404 Not Found</body></html>", content_type="text/html")

    async def _told(self, request: web.Request) -> Row:
        name = request.match_info["method"]
        if name == TOKENS and request.method == "POST":
            return self._backend.access.grant(read_form(await request.read(), request.content_type))
        operation = OPERATIONS.get(name)
        if operation is None or operation.verb != request.method:
            raise unknown_method()
        call = self._call(request, operation, await _said(request))
        call.demand()
        return operation.answer(call)

    def _call(self, request: web.Request, operation: Operation, said: Mapping[str, object]) -> Call:
        asked = said.get(operation.place)
        credential = self._backend.let_in(request, operation, asked if isinstance(asked, str) else None)
        view = View(self._backend.hotel, self._backend.seen(request.get(STALE)))
        address = f"{request.scheme}://{request.host}"
        return Call(self._backend, operation, credential, said, view, self._backend.clock.now(), address)


async def _said(request: web.Request) -> Mapping[str, object]:
    """Return the parameters: of the query for reads and deletions, of the form for the rest."""
    if request.method in _READS_QUERY:
        return dict(request.query)
    return read_form(await request.read(), request.content_type)


class CloudbedsSimulator(Startable):
    """A startable Cloudbeds: `app`, `credentials`, `start` and `stop`."""

    vendor = truth.VENDOR
    usual_port = 9026

    def __init__(self, seed: int, options: Options) -> None:
        """Build the application and the first world; nothing listens yet."""
        self.backend = backend = CloudbedsBackend(seed, options)
        api = Endpoints(backend)
        super().__init__(backend, api.routes, api.unknown, 4 * LARGEST_BODY)


def create(seed: int = 1, **options: object) -> CloudbedsSimulator:
    """Build a simulator; options are the fields of Options. Raises TypeError for an unknown one."""
    return CloudbedsSimulator(seed, Options(**options))  # type: ignore[arg-type]


def unhurried(seed: int = 1, **options: object) -> CloudbedsSimulator:
    """Build a simulator that limits no calls per second, for trials that make many; options are those of `create`."""
    return create(seed, property_limit=_NO_LIMIT, client_limit=_NO_LIMIT, **options)


create.unhurried = unhurried  # type: ignore[attr-defined]
