"""A place webhooks are sent to: it keeps what came, and for which address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime

from aiohttp import web

from connectors.kit.conformance.evidence import Finding
from pms_sync.ports.connector import Delivery

_PATIENCE_S = 15.0
_QUIET_S = 0.3


class Inbox:
    """Keeps deliveries by path, in order of arrival."""

    def __init__(self) -> None:
        """Begin empty; `url` is known once it listens."""
        self.url = ""
        self.kept: list[tuple[str, Delivery]] = []
        self._news = asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        """Keep one delivery and answer 200."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        received = Delivery(
            headers=headers, body=await request.read(), received_at=datetime.now(UTC), query=dict(request.query)
        )
        self.kept.append((request.path, received))
        self._news.set()
        return web.Response()

    def at(self, path: str) -> list[Delivery]:
        """Return what was sent to a path."""
        return [delivery for where, delivery in self.kept if where == path]

    async def collect(self, enough: Callable[[], bool]) -> None:
        """Wait until enough came and then until nothing more comes; raises Finding when too little comes."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                while not enough():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError as error:
            raise Finding(f"within {_PATIENCE_S:g} s only {len(self.kept)} webhooks came") from error
        await self._calm()

    async def _calm(self) -> None:
        came = -1
        while came != len(self.kept):
            came = len(self.kept)
            self._news.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), _QUIET_S)


@asynccontextmanager
async def listening() -> AsyncIterator[Inbox]:
    """Listen on loopback for any POST."""
    box = Inbox()
    app = web.Application()
    app.router.add_post("/{rest:.*}", box.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    box.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield box
    finally:
        await runner.cleanup()
