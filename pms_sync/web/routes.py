"""Routes: the pages, probes and assets as one list of routes, and the middlewares that stand before all of them."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Middleware

from pms_sync.domain.clock import Clock
from pms_sync.observe.heartbeats import Heartbeats
from pms_sync.observe.metrics import Metrics
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from pms_sync.web import probes
from pms_sync.web.access import local_only, security_headers
from pms_sync.web.assets import Assets
from pms_sync.web.failures import error_pages
from pms_sync.web.pages import Pages
from pms_sync.web.render import Renderer

_assets = Assets()
_renderer = Renderer(_assets)

MIDDLEWARES: tuple[Middleware, ...] = (security_headers, error_pages(_renderer))
"""For the whole application: headers on every answer, and pages where a page fails."""


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
        web.get("/", local_only(pages.home)),
        web.get("/health", local_only(pages.health)),
        web.get("/reservations/{id}", local_only(pages.reservation)),
        web.get("/static/{name}", _assets.serve),
        *probes.routes(database, heartbeats, metrics, metrics_here=metrics_here),
    ]


def metrics_routes(metrics: Metrics) -> list[web.RouteDef]:
    """Return /metrics for an address of its own, where the network settles who may connect."""
    return [web.get("/metrics", probes.scrape(metrics))]
