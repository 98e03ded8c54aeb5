"""The pages on a real socket, as a browser and a scraper meet them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from secrets import token_bytes
from time import monotonic
from typing import Any

import httpx
from aiohttp import web

from pms_sync.apply.answering import Answering
from pms_sync.auth.desk import Desk, open_desk
from pms_sync.auth.passwords import Cost, Passwords
from pms_sync.observe.heartbeats import Heartbeats
from pms_sync.observe.metrics import Metrics
from pms_sync.store.database import Database
from pms_sync.store.ids import new_id
from pms_sync.store.sealing import KeyRing
from pms_sync.web.routes import desk_routes, middlewares, routes, sign_in_routes
from pms_sync.web.site import Site as Address

# A comparison that takes no time; what a real one takes is the business of other tests.
CHEAP = Cost(memory_kib=64, rounds=1)


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
        self.desk: Desk
        self.address = ""

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """Open a page; `X_Forwarded_For="…"` sends that header."""
        return await self.browser.get(path, headers={name.replace("_", "-"): text for name, text in headers.items()})


@asynccontextmanager
async def serving(
    database: Database,
    keys: KeyRing | None = None,
    *,
    metrics_here: bool = True,
    extra: Any = (),
    inside: Any = (),
    clock: Any = None,
    public_url: str | None = None,
    resolver: Any = None,
) -> AsyncIterator[Site]:
    """Serve the pages on a free loopback port, with further routes and middlewares where a test needs them.

    `resolver` follows what is chosen at the desk; without one nobody may get that far.
    """
    site, time = Site(), clock or RealClock()
    address = Address(lambda: public_url or site.address)
    known = keys or KeyRing(bytes(32))
    site.desk = open_desk(database, known, time, new_id, passwords=Passwords(token_bytes, CHEAP))
    application = web.Application(middlewares=[*middlewares(site.desk, address), *(make(site.desk) for make in inside)])
    application.add_routes(routes(database, site.heartbeats, site.metrics, time, metrics_here=metrics_here, keys=keys))
    application.add_routes(desk_routes(database, known, time, Answering(database, resolver)))
    application.add_routes(sign_in_routes(site.desk, address))
    application.add_routes(extra(site.desk) if callable(extra) else extra)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    site.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with httpx.AsyncClient(base_url=site.address, timeout=20) as site.browser:
        yield site
    await runner.cleanup()
