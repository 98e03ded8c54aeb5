"""A startable vendor: the routes of the API, the control plane and the planned faults in one application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from aiohttp import web

from connectors.kit.simulator.calls import CallLog
from connectors.kit.simulator.clock import SimulatedClock
from connectors.kit.simulator.contract import Backend
from connectors.kit.simulator.control import ControlPlane
from connectors.kit.simulator.faults import FaultPlan
from connectors.kit.simulator.injection import Injection
from connectors.kit.simulator.server import serve
from connectors.kit.simulator.webhooks import Sender

Unknown = Callable[[web.Request], Awaitable[web.StreamResponse]]


class World(Backend, Protocol):
    """A vendor that also brings the parts it shares with the control plane."""

    clock: SimulatedClock
    faults: FaultPlan
    sender: Sender


class Startable:
    """The simulator protocol over one vendor; nothing listens before `start`."""

    def __init__(
        self, world: World, routes: Callable[[str], list[web.RouteDef]], unknown: Unknown, largest_body: int
    ) -> None:
        """Build the application: `routes` are those below one base path, `unknown` answers every other path."""
        self._world = world
        calls = CallLog(world.clock)
        control = ControlPlane(world, world.clock, calls, world.faults, world.sender)
        injection = Injection(world, calls, world.faults)
        self.app = web.Application(client_max_size=largest_body, middlewares=[injection.middleware])
        for prefix in world.prefixes:
            self.app.add_routes([*control.routes(prefix), *routes(prefix)])
        self.app.router.add_route("*", "/{rest:.*}", unknown)
        self.app.on_cleanup.append(self._close)
        self._stop: Callable[[], Awaitable[None]] | None = None

    @property
    def credentials(self) -> dict[str, str]:
        """Return the credentials valid since the last reset."""
        return self._world.credentials()

    async def start(self, port: int = 0) -> str:
        """Listen on 127.0.0.1 and return the base URL; raises OSError when the port is taken."""
        base_url, self._stop = await serve(self.app, port)
        return base_url

    async def stop(self) -> None:
        """Stop listening and sending; safe to call twice."""
        stop, self._stop = self._stop, None
        if stop is not None:
            await stop()

    async def _close(self, _app: web.Application) -> None:
        await self._world.sender.close()
