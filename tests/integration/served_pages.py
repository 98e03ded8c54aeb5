"""The pages on a real socket, as a browser and a scraper meet them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from time import monotonic
from typing import Any

import httpx
from aiohttp import web

from pms_sync.observe.heartbeats import Heartbeats
from pms_sync.observe.metrics import Metrics
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from pms_sync.web.routes import MIDDLEWARES, routes


class RealClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the present instant."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return real seconds."""
        return monotonic()


class Site:
    """Running pages, with what they look at in the test's hands."""

    def __init__(self) -> None:
        """Begin with no loops and no numbers; `passed` is moved by hand."""
        self.passed = 0.0
        self.heartbeats = Heartbeats(lambda: self.passed)
        self.metrics = Metrics()
        self.browser: httpx.AsyncClient

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """Open a page; `X_Forwarded_For="…"` sends that header."""
        return await self.browser.get(path, headers={name.replace("_", "-"): text for name, text in headers.items()})


@asynccontextmanager
async def serving(
    database: Database, keys: KeyRing | None = None, *, metrics_here: bool = True, extra: Any = ()
) -> AsyncIterator[Site]:
    """Serve the pages on a free loopback port, with further routes where a test needs them."""
    site = Site()
    application = web.Application(middlewares=MIDDLEWARES)
    application.add_routes(
        routes(database, site.heartbeats, site.metrics, RealClock(), metrics_here=metrics_here, keys=keys)
    )
    application.add_routes(extra)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with httpx.AsyncClient(base_url=address, timeout=20) as site.browser:
        yield site
    await runner.cleanup()
