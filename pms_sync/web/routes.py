"""Routes: the pages, probes and assets as one list of routes, and the middlewares that stand before all of them."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Middleware

from pms_sync.apply.answering import Answering
from pms_sync.auth.desk import Desk
from pms_sync.domain.clock import Clock
from pms_sync.observe.heartbeats import Heartbeats
from pms_sync.observe.metrics import Metrics
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from pms_sync.web import probes
from pms_sync.web.access import LOGIN, page, security_headers
from pms_sync.web.assets import Assets
from pms_sync.web.desk import DeskPages
from pms_sync.web.failures import error_pages
from pms_sync.web.forms import forms
from pms_sync.web.pages import Pages
from pms_sync.web.people import people
from pms_sync.web.render import Renderer
from pms_sync.web.sign_in import SignIn
from pms_sync.web.site import Site

_assets = Assets()
_renderer = Renderer(_assets)


def middlewares(desk: Desk, site: Site) -> tuple[Middleware, ...]:
    """Return what stands before the whole application.

    Headers on every answer, pages where a page fails, who the reader is, and belief in the forms they send.
    """
    return (security_headers, error_pages(_renderer), people(desk, site), forms(desk.keys, site))


def routes(
    database: Database,
    heartbeats: Heartbeats,
    metrics: Metrics,
    clock: Clock,
    *,
    metrics_here: bool,
    keys: KeyRing | None = None,
) -> list[web.RouteDef]:
    """Return every route; `metrics_here` puts /metrics beside the pages, `keys` show the first letters of guests."""
    pages = Pages(database, keys, heartbeats, clock, _renderer)
    return [
        web.get("/health", page("read", "sync", also_local=True)(pages.health)),
        web.get("/reservations/{id}", page("read", "reservations", also_local=True)(pages.reservation)),
        web.get("/static/{name}", _assets.serve),
        *probes.routes(database, heartbeats, metrics, metrics_here=metrics_here),
    ]


def desk_routes(database: Database, keys: KeyRing, clock: Clock, answering: Answering) -> list[web.RouteDef]:
    """Return the conflict desk; `answering` has followed what people choose there."""
    pages = DeskPages(database, keys, clock, _renderer, answering)
    return [
        web.get("/", page("read", "reservations")(pages.queue)),
        web.get("/cases/{id}", page("read", "reservations")(pages.case)),
        web.post("/cases/{id}/resolve", page("update", "reservations")(pages.resolve)),
        web.post("/cases/{id}/preview", page("update", "reservations")(pages.preview)),
        web.post("/cases/{id}/undo", page("update", "reservations")(pages.undo)),
    ]


def sign_in_routes(desk: Desk, site: Site) -> list[web.RouteDef]:
    """Return the pages of signing in and out."""
    pages = SignIn(desk, site, _renderer)
    return [web.get(LOGIN, pages.show), web.post(LOGIN, pages.enter), web.post("/logout", pages.leave)]


def metrics_routes(metrics: Metrics) -> list[web.RouteDef]:
    """Return /metrics for an address of its own, where the network settles who may connect."""
    return [web.get("/metrics", probes.scrape(metrics))]
