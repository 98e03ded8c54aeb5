"""What the tests of the simulated Cloudbeds share: a desk to drive it from."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from connectors.cloudbeds.simulator.app import CloudbedsSimulator, create

API = "/api/v1.3/"
STAY = {"arrival": "2030-03-01", "departure": "2030-03-04"}
PLENTY = {"property_limit": 100_000, "client_limit": 100_000}
RATED = "getReservationsWithRateDetails"

Row = dict[str, Any]


@dataclass
class Desk:
    """A running simulator with a client that speaks to its API and to its control plane."""

    simulator: CloudbedsSimulator
    client: httpx.AsyncClient

    @property
    def key(self) -> dict[str, str]:
        """Return the header that opens the API."""
        return {"x-api-key": self.simulator.credentials["api_key"]}

    @property
    def home(self) -> str:
        """Return the id of the first property."""
        return self.simulator.backend.places[0].id

    @property
    def rooms(self) -> list[str]:
        """Return the rooms of the first type."""
        return [room.id for room in self.simulator.backend.places[0].kinds[0].rooms]

    async def sim(self, name: str, **body: Any) -> Any:
        """Post to the control plane and return the answer, which must be 200."""
        answer = await self.client.post(f"/_sim/{name}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def change(self, op: str, **order: Any) -> Any:
        """Order a change without a webhook."""
        return await self.sim("change", op=op, silent=True, **order)

    async def booked(self, **said: Any) -> str:
        """Book one stay and return its reservation's id."""
        made = await self.change("create", set={**STAY, **said})
        return str(made["ref"])

    async def truth(self) -> Any:
        """Return the truth."""
        return (await self.client.get("/_sim/truth")).json()

    async def reservation(self, ref: str) -> Any:
        """Return one reservation of the truth."""
        return next(one for one in (await self.truth())["reservations"] if one["ref"] == ref)

    async def call(self, method: str, **query: Any) -> httpx.Response:
        """Read with the key, the first property named unless another is."""
        return await self.client.get(API + method, params={"propertyID": self.home, **query}, headers=self.key)

    async def read(self, method: str, **query: Any) -> Any:
        """Read and return the answer, which must be a success."""
        answer = await self.call(method, **query)
        assert (answer.status_code, answer.json().get("success")) == (200, True), answer.text
        return answer.json()

    async def rows(self, method: str, **query: Any) -> Any:
        """Read and return what stands under `data`."""
        return (await self.read(method, **query))["data"]

    async def ids(self, method: str = "getReservations", **query: Any) -> list[str]:
        """Read a list and return the ids of its reservations."""
        return [row["reservationID"] for row in await self.rows(method, **query)]

    async def refusal(self, method: str, **query: Any) -> str:
        """Read what is refused inside HTTP 200 and return the message."""
        answer = await self.call(method, **query)
        assert (answer.status_code, answer.json()["success"]) == (200, False), answer.text
        return str(answer.json()["message"])

    async def rated(self, ref: str, **query: Any) -> Row:
        """Read one reservation from the list with rate details."""
        rows = await self.rows(RATED, reservationID=ref, **query)
        return dict(rows[0])

    async def form(self, method: str, **fields: str) -> httpx.Response:
        """Post a form with the key."""
        return await self.client.post(API + method, data={"propertyID": self.home, **fields}, headers=self.key)

    async def subscribed(self, url: str, *events: str, **more: str) -> list[str]:
        """Subscribe to events written `object/action`, and return the ids."""
        made = []
        for event in events:
            entity, _, action = event.partition("/")
            answer = await self.form("postWebhook", object=entity, action=action, endpointUrl=url, **more)
            made.append(answer.json()["data"]["subscriptionID"])
        return made


@asynccontextmanager
async def running_desk(seed: int = 1, **options: object) -> AsyncIterator[Desk]:
    """Run one simulator, without limits unless they are given, and stop it at the end."""
    one = create(seed, **{**PLENTY, **options})
    async with httpx.AsyncClient(base_url=await one.start(), timeout=30) as client:
        yield Desk(one, client)
    await one.stop()
