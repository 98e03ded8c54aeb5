"""Probes: what a supervisor, a load balancer and a scraper ask; small JSON, no pages."""

from __future__ import annotations

from http import HTTPStatus

import msgspec
from aiohttp import web

from pms_sync.observe.heartbeats import Heartbeats
from pms_sync.observe.metrics import Metrics
from pms_sync.store import health
from pms_sync.store.database import Database
from pms_sync.web.access import Handler, local_only, secure


def liveness(heartbeats: Heartbeats) -> Handler:
    """Build /healthz: 503 as soon as one loop stands still, which a restart may help."""

    async def healthz(_: web.Request) -> web.Response:
        report = heartbeats.report()
        return _json(report, ok=report["status"] == "ok")

    return healthz


def readiness(database: Database) -> Handler:
    """Build /readyz: 503 while the database is away or its schema is another version's."""

    async def readyz(_: web.Request) -> web.Response:
        found = await health.readiness(database)
        return _json(found, ok=found.ready)

    return readyz


def scrape(metrics: Metrics) -> Handler:
    """Build /metrics; who may ask is settled around it."""

    async def page(_: web.Request) -> web.Response:
        response = web.Response(body=metrics.render(), headers={"Content-Type": metrics.content_type})
        secure(response)
        return response

    return page


def routes(database: Database, heartbeats: Heartbeats, metrics: Metrics, *, metrics_here: bool) -> list[web.RouteDef]:
    """Return the probes; /metrics on this address is for loopback peers only."""
    found = [web.get("/healthz", liveness(heartbeats)), web.get("/readyz", readiness(database))]
    return [*found, web.get("/metrics", local_only(scrape(metrics)))] if metrics_here else found


def _json(document: object, *, ok: bool) -> web.Response:
    status = HTTPStatus.OK if ok else HTTPStatus.SERVICE_UNAVAILABLE
    return web.Response(body=msgspec.json.encode(document), status=status, content_type="application/json")
