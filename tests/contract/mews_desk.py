"""What the tests of the simulated Mews share: a desk to drive it from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from connectors.mews.simulator.app import MewsSimulator, create

API = "/api/connector/v1/"
RESERVATIONS = "reservations/getAll/2023-06-06"
STATES = ["Inquired", "Confirmed", "Started", "Processed", "Canceled", "Optional", "Requested"]
STAY = {"arrival": "2030-03-01", "departure": "2030-03-04"}
PLENTY = {"limit": 100_000}
BOTH = ["Active", "Deleted"]

Row = dict[str, Any]


def between(start: str, end: str) -> Row:
    """Write an interval."""
    return {"StartUtc": start, "EndUtc": end}


@dataclass
class Desk:
    """A running simulator with a client that speaks to its API and to its control plane."""

    simulator: MewsSimulator
    client: httpx.AsyncClient

    @property
    def tokens(self) -> Row:
        """Return what every request carries."""
        told = self.simulator.credentials
        return {"ClientToken": told["client_token"], "AccessToken": told["access_token"], "Client": "Tests 1.0"}

    @property
    def home(self) -> str:
        """Return the id of the first property."""
        return self.simulator.backend.places[0].id

    @property
    def service(self) -> str:
        """Return the id of the first property's service that sells nights."""
        return self.simulator.backend.places[0].stay_service

    @property
    def rooms(self) -> list[str]:
        """Return the rooms of the first category."""
        return [room for room, _ in self.simulator.backend.places[0].categories[0].rooms]

    async def sim(self, name: str, **body: Any) -> Any:
        """Post to the control plane and return the answer, which must be 200."""
        answer = await self.client.post(f"/_sim/{name}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def change(self, op: str, **order: Any) -> Any:
        """Order a change without a webhook."""
        return await self.sim("change", op=op, silent=True, **order)

    async def booked(self, **said: Any) -> str:
        """Book one stay and return the ref of its reservation."""
        made = await self.change("create", set={**STAY, **said})
        return str(made["ref"])

    async def truth(self) -> Any:
        """Return the truth."""
        return (await self.client.get("/_sim/truth")).json()

    async def reservation(self, ref: str) -> Any:
        """Return one reservation of the truth."""
        return next(one for one in (await self.truth())["reservations"] if one["ref"] == ref)

    async def block(self, ref: str) -> Any:
        """Return one block of the truth."""
        return next(one for one in (await self.truth())["blocks"] if one["ref"] == ref)

    async def call(self, path: str, **said: Any) -> httpx.Response:
        """Call an operation with tokens."""
        return await self.client.post(API + path, json={**self.tokens, **said})

    async def read(self, path: str, *, count: int = 1000, cursor: str | None = None, **said: Any) -> httpx.Response:
        """Read one page."""
        return await self.call(path, Limitation={"Count": count, "Cursor": cursor}, **said)

    async def rows(self, path: str, **said: Any) -> list[Row]:
        """Read one page and return the rows of its first list."""
        answer = await self.read(path, **said)
        assert answer.status_code == 200, answer.text
        return list(next(value for value in answer.json().values() if isinstance(value, list)))

    async def stays(self, **said: Any) -> list[Row]:
        """Read reservations of every state."""
        return await self.rows(RESERVATIONS, States=STATES, **said)

    async def stay(self, ref: str) -> Row:
        """Read the first stay of a reservation."""
        return (await self.stays(ReservationGroupIds=[ref]))[0]


@asynccontextmanager
async def running_desk(seed: int = 1, **options: object) -> AsyncIterator[Desk]:
    """Run one simulator and stop it at the end."""
    one = create(seed, **options)
    async with httpx.AsyncClient(base_url=await one.start(), timeout=30) as client:
        yield Desk(one, client)
    await one.stop()
