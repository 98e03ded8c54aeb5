"""What the tests of the simulated OHIP gateway share: a desk to drive it from."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from connectors.opera.simulator.app import TOKENS, OperaSimulator, create
from connectors.opera.simulator.gateway import Limits

HOTEL, OTHER = "PRADO", "RETIRO"
RSV = f"/rsv/v1/hotels/{HOTEL}/reservations"
QUEUE = f"/int/v1/externalSystem/PMSSYNC/hotels/{HOTEL}/businessEvents"
CHAIN_QUEUE = "/int/v1/externalSystem/PMSSYNC/businessEvents"
STAY = {"arrival": "2030-03-01", "departure": "2030-03-04"}
PLENTY = {"limits": Limits(10_000, 10_000, 10_000)}
EVER = ("arrivalStartDate", "2000-01-01")

Row = dict[str, Any]


@dataclass
class Desk:
    """A running simulator with a client on its API and its control plane, and an access token."""

    simulator: OperaSimulator
    client: httpx.AsyncClient
    headers: dict[str, str] = field(default_factory=dict)

    async def sim(self, name: str, **body: Any) -> Any:
        """Post to the control plane and return the answer, which must be 200."""
        answer = await self.client.post(f"/_sim/{name}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def change(self, op: str, **order: Any) -> Row:
        """Order a change."""
        return dict(await self.sim("change", op=op, **order))

    async def booked(self, **said: Any) -> str:
        """Book one stay and return its ref; nothing of it comes by the queue."""
        return str((await self.change("create", silent=True, set={**STAY, **said}))["ref"])

    async def truth(self) -> Any:
        """Return the truth."""
        return (await self.client.get("/_sim/truth")).json()

    async def told(self, ref: str) -> Row:
        """Return one reservation of the truth."""
        return next(one for one in (await self.truth())["reservations"] if one["ref"] == ref)

    async def ask_token(self, form: Row | None = None, **headers: str | None) -> httpx.Response:
        """Ask for a token with what the credentials say, fields and headers replaced; None leaves a header out."""
        told = self.simulator.credentials
        pair = f"{told['client_id']}:{told['client_secret']}"
        usual: dict[str, str | None] = {
            "Authorization": "Basic " + base64.b64encode(pair.encode()).decode(),
            "x-app-key": told["app_key"],
            "enterpriseId": told.get("enterprise_id"),
        }
        usual |= {name.replace("_", "-"): value for name, value in headers.items()}
        grant = "client_credentials" if "scope" in told else "password"
        fields: Row = {name: told[name] for name in ("scope", "username", "password") if name in told}
        sent = {name: value for name, value in usual.items() if value is not None}
        return await self.client.post(TOKENS, data={"grant_type": grant, **fields, **(form or {})}, headers=sent)

    async def log_in(self) -> None:
        """Get a token and keep the headers that every call carries."""
        answer = await self.ask_token()
        token = answer.json()["access_token"]
        key = self.simulator.credentials["app_key"]
        self.headers = {"Authorization": f"Bearer {token}", "x-app-key": key, "x-hotelid": HOTEL}

    async def read(self, path: str, *query: tuple[str, Any], **headers: str) -> httpx.Response:
        """Read with the kept headers, some replaced."""
        changed = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.client.get(path, params=list(query), headers={**self.headers, **changed})

    async def reservation(self, ref: str, *instructions: str) -> Row:
        """Read one reservation, whether it comes in a list or alone."""
        answer = await self.read(f"{RSV}/{ref}", *(("fetchInstructions", one) for one in instructions))
        assert answer.status_code == 200, answer.text
        found = answer.json()["reservations"]["reservation"]
        return dict(found[0] if isinstance(found, list) else found)

    async def infos(self, *query: tuple[str, Any]) -> list[Row]:
        """Search and return the rows."""
        answer = await self.read(RSV, ("limit", 200), *query)
        return [] if answer.status_code == 204 else list(answer.json()["reservations"]["reservationInfo"])

    async def events(self, path: str = QUEUE, limit: int = 20) -> list[Row]:
        """Dequeue events and return header, details and id of each."""
        answer = await self.read(path, ("limit", limit))
        found = [] if answer.status_code == 204 else answer.json()["businessEventData"]
        return [{**one["businessEvent"]["header"], **one["businessEvent"], **one["businessEventId"]} for one in found]


def ref_of(row: Row, kind: str = "Reservation") -> str:
    """Return an id of a reservation by its type."""
    return str(next(one["id"] for one in row["reservationIdList"] if one["type"] == kind))


def action(event: Row) -> str:
    """Return the action of an event, spelt as in Oracle's table."""
    return " ".join(event["actionType"].upper().split())


@asynccontextmanager
async def running_desk(seed: int = 1, **options: object) -> AsyncIterator[Desk]:
    """Run one simulator with a token and stop it at the end."""
    one = create(seed, **{**PLENTY, **options})
    async with httpx.AsyncClient(base_url=await one.start(), timeout=30) as client:
        desk = Desk(one, client)
        await desk.log_in()
        yield desk
    await one.stop()
