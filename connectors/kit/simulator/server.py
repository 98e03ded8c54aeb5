"""Listening on loopback: start and stop one simulator application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

LOOPBACK = "127.0.0.1"


async def serve(app: web.Application, port: int = 0) -> tuple[str, Callable[[], Awaitable[None]]]:
    """Serve on 127.0.0.1; return the base URL and what stops it. Raises OSError when the port is taken."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    site = web.TCPSite(runner, LOOPBACK, port)
    try:
        await site.start()
    except OSError:
        await runner.cleanup()
        raise
    _host, bound = runner.addresses[0][:2]
    return f"http://{LOOPBACK}:{bound}", runner.cleanup
