"""What the tests of the simulated Beds24 share: a desk to drive it from, and an inbox for its webhooks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
from aiohttp import web

from connectors.beds24.simulator.app import Beds24Simulator, create, serve

SIX = [("status", word) for word in ("confirmed", "request", "new", "cancelled", "black", "inquiry")]
EVER = ("modifiedFrom", "2000-01-01T00:00:00")
WHOLE = [(f"include{name}", "true") for name in ("InvoiceItems", "InfoItems", "Guests", "BookingGroup")]
STAY = {"arrival": "2030-03-01", "departure": "2030-03-04"}


@dataclass
class Desk:
    """A running simulator with a client on its control plane and an access token."""

    simulator: Beds24Simulator
    client: httpx.AsyncClient
    token: str = ""

    async def sim(self, name: str, **body: Any) -> Any:
        """Post to the control plane and return the answer, which must be 200."""
        answer = await self.client.post(f"/_sim/{name}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def truth(self) -> Any:
        """Return the truth."""
        return (await self.client.get("/_sim/truth")).json()

    async def reservation(self, ref: str) -> Any:
        """Return one reservation of the truth."""
        return next(one for one in (await self.truth())["reservations"] if one["ref"] == ref)

    async def mint(self) -> httpx.Response:
        """Get a fresh access token and keep it."""
        header = {"refreshToken": self.simulator.credentials["refresh_token"]}
        answer = await self.client.get("/authentication/token", headers=header)
        self.token = answer.json().get("token", "")
        return answer

    async def read(self, *query: tuple[str, Any], path: str = "/bookings") -> httpx.Response:
        """Read with the kept token."""
        return await self.client.get(path, params=list(query), headers={"token": self.token})

    async def post(self, body: Any, path: str = "/bookings") -> httpx.Response:
        """Write with the kept token."""
        return await self.client.post(path, json=body, headers={"token": self.token})

    async def write(self, *items: Any) -> list[dict[str, Any]]:
        """Write bookings and return the verdicts; HTTP says 201 whatever they are."""
        answer = await self.post(list(items))
        assert answer.status_code == 201, answer.text
        return list(answer.json())

    async def made(self, **fields: Any) -> int:
        """Create one direct booking by API and return its id."""
        verdict = (await self.write({"roomId": 55, **STAY, **fields}))[0]
        return int(verdict["new"]["id"])

    async def row(self, booking_id: int | str) -> dict[str, Any]:
        """Read one booking with all its parts."""
        return (await self.rows(("id", booking_id), *WHOLE))[0]

    async def rows(self, *query: tuple[str, Any]) -> list[dict[str, Any]]:
        """Read bookings and return the rows of the page."""
        return list((await self.read(*query)).json()["data"])


@dataclass
class Inbox:
    """A webhook receiver that answers from a list of statuses, then 200."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    arrived: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    async def take(self, request: web.Request) -> web.Response:
        """Keep one delivery."""
        self.bodies.append(await request.json())
        self.headers.append(dict(request.headers))
        self.arrived.release()
        return web.Response(status=self.statuses.pop(0) if self.statuses else 200)

    async def wait(self, count: int) -> None:
        """Wait until that many further deliveries came; fails after five seconds."""
        async with asyncio.timeout(5):
            for _ in range(count):
                await self.arrived.acquire()


@asynccontextmanager
async def running_desk(seed: int = 1, **options: object) -> AsyncIterator[Desk]:
    """Run one simulator and stop it at the end; no token is minted yet."""
    one = create(seed, **options)
    async with httpx.AsyncClient(base_url=await one.start(), timeout=10) as client:
        yield Desk(one, client)
    await one.stop()


@asynccontextmanager
async def running_inbox() -> AsyncIterator[Inbox]:
    """Listen for webhooks on loopback."""
    box = Inbox()
    app = web.Application()
    app.router.add_post("/hook", box.take)
    base_url, stop = await serve(app)
    box.url = f"{base_url}/hook"
    yield box
    await stop()
