"""The simulated Beds24 as an aiohttp application: routes, token checks, the credit meter and the control plane."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal

from aiohttp import web

from connectors.beds24.simulator import bookings, inventory, places, truth
from connectors.beds24.simulator.auth import Access
from connectors.beds24.simulator.backend import BAD_REQUEST, Beds24Backend, Options
from connectors.beds24.simulator.query import Ask, paged, understand
from connectors.beds24.simulator.refusals import VendorRefusal, json_answer, refusal_answer
from connectors.beds24.simulator.seeding import ZONE
from connectors.beds24.simulator.writing import LARGEST_BODY, WriteEndpoints, writing_cost
from connectors.kit.simulator.contract import Row
from connectors.kit.simulator.injection import COST, STALE
from connectors.kit.simulator.server import serve as listen
from connectors.kit.simulator.startable import Startable

_TOKEN_COST = Decimal(1)  # more than 0, value unknown (vendors/beds24.md 3)

Answering = Callable[[web.Request, Access], Awaitable[web.Response]]
Open = Callable[[web.Request], Awaitable[web.Response]]
Cost = Callable[[web.Request], Decimal]


class Endpoints:
    """The routes of the API over one account."""

    def __init__(self, backend: Beds24Backend) -> None:
        """Work on the account."""
        self._backend = backend

    async def read_bookings(self, request: web.Request, access: Access) -> web.Response:
        """Answer GET /bookings."""
        ask = understand(request.query, bookings.PARAMETERS)
        found, more = paged(self._backend.selected(ask, self._seen(request)), ask, self._backend.options.page_size)
        rows = [bookings.shown(self._backend.hotel, booking, ask, access) for booking in found]
        return _page(request, "booking", rows, ask, more=more)

    async def read_properties(self, request: web.Request, _access: Access) -> web.Response:
        """Answer GET /properties."""
        ask = understand(request.query, places.PARAMETERS)
        rows, more = paged(places.select(self._backend.hotel, ask), ask, self._backend.options.page_size)
        return _page(request, "property", rows, ask, more=more)

    async def read_calendar(self, request: web.Request, _access: Access) -> web.Response:
        """Answer GET /inventory/rooms/calendar."""
        ask = understand(request.query, inventory.PARAMETERS)
        rows, more = paged(
            inventory.select(self._backend.hotel, ask, self._backend.clock.now()), ask, self._backend.options.page_size
        )
        return _page(request, "calendar", rows, ask, more=more)

    async def read_accounts(self, request: web.Request, _access: Access) -> web.Response:
        """Answer GET /accounts."""
        understand(request.query, places.ACCOUNT_PARAMETERS)
        rows = [places.account(ZONE)]
        return json_answer({"success": True, "type": "account", "count": 1, "pages": _LAST_PAGE, "data": rows})

    async def setup(self, request: web.Request) -> web.Response:
        """Answer GET /authentication/setup."""
        return json_answer(self._backend.tokens.setup(request.headers.get("code"), request.headers.get("deviceName")))

    async def mint(self, request: web.Request) -> web.Response:
        """Answer GET /authentication/token."""
        return json_answer(self._backend.tokens.mint(request.headers.get("refreshToken")))

    async def revoke(self, request: web.Request) -> web.Response:
        """Answer DELETE /authentication/token."""
        self._backend.tokens.revoke(request.headers.get("refreshToken"))
        return web.Response()

    async def details(self, request: web.Request) -> web.Response:
        """Answer GET /authentication/details; it carries no credit headers and costs nothing."""
        return json_answer(self._backend.tokens.details(request.headers.get("token"), request.remote or ""))

    def scoped(self, inner: Answering, scope: str, cost: Cost | None = None) -> Open:
        """Wrap a route: the access token must open the scope, credits must be left."""

        async def route(request: web.Request) -> web.Response:
            access = self._backend.tokens.check(request.headers.get("token"), scope)
            return await inner(request, access)

        return self.metered(route, cost or _reading_cost)

    def metered(self, inner: Open, cost: Cost) -> Open:
        """Wrap a route: credits, and the vendor's error shapes; a 400 costs nothing and carries no meter."""

        async def route(request: web.Request) -> web.Response:
            if self._backend.meter.remaining <= 0:
                return self._backend.out_of_credits()
            try:
                answer = await inner(request)
            except VendorRefusal as refused:
                return refusal_answer(refused)
            return answer if answer.status == BAD_REQUEST else self._paid(request, answer, cost(request))

        return route

    def _paid(self, request: web.Request, answer: web.Response, cost: Decimal) -> web.Response:
        self._backend.meter.spend(cost)
        request[COST] = float(cost)
        answer.headers.update(self._backend.meter.headers(cost))
        return answer

    def _seen(self, request: web.Request) -> int | None:
        """Return the revision a lagging read shows, or None for the present."""
        back = request.get(STALE)
        if back is None:
            return None
        if back < 0:
            return self._backend.hotel.revision - 1
        return self._backend.hotel.revision_at(self._backend.clock.now() - timedelta(seconds=back))


_LAST_PAGE = {"nextPageExists": False, "nextPageLink": None}


def _page(request: web.Request, kind: str, rows: list[Row], ask: Ask, *, more: bool) -> web.Response:
    link = str(request.url.update_query(page=int(ask.get("page", 1)) + 1)) if more else None
    pages = {"nextPageExists": more, "nextPageLink": link}
    return json_answer({"success": True, "type": kind, "count": len(rows), "pages": pages, "data": rows})


def _reading_cost(request: web.Request) -> Decimal:
    """Return what a read costs as measured: 1, and a tenth per costly include (vendors/beds24.md 3)."""
    flags = ("includeInvoiceItems", "includeGuests", "includeAllRooms", "includeOffers", "includePriceRules")
    extra = sum(request.query.get(flag) == "true" for flag in flags)
    return Decimal(1) + Decimal(extra) / 10


def _routes(api: Endpoints, writes: WriteEndpoints, prefix: str) -> list[web.RouteDef]:
    paid = api.scoped

    def token_call(inner: Open) -> Open:
        return api.metered(inner, lambda _: _TOKEN_COST)

    async def details(request: web.Request) -> web.Response:
        try:
            return await api.details(request)
        except VendorRefusal as refused:
            return refusal_answer(refused)

    return [
        web.get(prefix + "/authentication/setup", token_call(api.setup)),
        web.get(prefix + "/authentication/token", token_call(api.mint)),
        web.delete(prefix + "/authentication/token", token_call(api.revoke)),
        web.get(prefix + "/authentication/details", details),
        web.get(prefix + "/bookings", paid(api.read_bookings, "read:bookings")),
        web.post(prefix + "/bookings", paid(writes.bookings, "write:bookings", writing_cost)),
        web.delete(prefix + "/bookings", paid(writes.delete_bookings, "delete:bookings", writing_cost)),
        web.get(prefix + "/properties", paid(api.read_properties, "read:properties")),
        web.post(prefix + "/properties", paid(writes.properties, "write:properties")),
        web.get(prefix + "/inventory/rooms/calendar", paid(api.read_calendar, "read:inventory")),
        web.post(prefix + "/inventory/rooms/calendar", paid(writes.calendar, "write:inventory")),
        web.get(prefix + "/accounts", paid(api.read_accounts, "read:accounts")),
    ]


async def _unknown(request: web.Request) -> web.Response:
    """Answer unknown routes; `/properties/webhooks` is known to answer 500 (vendors/beds24.md 4.3)."""
    return refusal_answer(VendorRefusal(500 if request.path.endswith("/properties/webhooks") else 404))


class Beds24Simulator(Startable):
    """A startable Beds24: `app`, `credentials`, `start` and `stop`."""

    vendor = truth.VENDOR
    usual_port = 9024

    def __init__(self, seed: int, options: Options) -> None:
        """Build the application and the first world; nothing listens yet."""
        self.backend = backend = Beds24Backend(seed, options)
        api, writes = Endpoints(backend), WriteEndpoints(backend)
        super().__init__(backend, lambda prefix: _routes(api, writes, prefix), _unknown, 4 * LARGEST_BODY)


def create(seed: int = 1, **options: object) -> Beds24Simulator:
    """Build a simulator; options are the fields of Options. Raises TypeError for an unknown one."""
    return Beds24Simulator(seed, Options(**options))  # type: ignore[arg-type]


async def serve(app: web.Application, port: int = 0) -> tuple[str, Callable[[], Awaitable[None]]]:
    """Serve an application on loopback and return its base URL and what stops it."""
    return await listen(app, port)
