"""The person of the demo: signed in at the local API, as the front desk would be."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import httpx

from pms_sync.demo.stage import Stage

EMAIL = "desk@example.com"
_PATIENCE_S, _LOOK_S = 30.0, 0.2
T = TypeVar("T")


class Person:
    """Orders through the local API; raises httpx.HTTPStatusError for one that is refused."""

    def __init__(self, stage: Stage, client: httpx.AsyncClient) -> None:
        """Take the stage; nobody is signed in yet."""
        self._stage, self._client = stage, client
        self.password = secrets.token_urlsafe(12)
        self._bearer: dict[str, str] = {}

    async def sign_in(self) -> None:
        """Add the person, who is nobody yet, and get a token."""
        await self._stage.daemon.command("users", "add", EMAIL, "--role", "manager", given=self.password)
        answer = await self._ask("POST", "/api/auth/token/", json={"email": EMAIL, "password": self.password})
        self._bearer = {"Authorization": f"Bearer {answer['access']}"}

    async def reservation_of(self, ref: str) -> str:
        """Wait until the store has the vendor's booking and return our reservation's id."""

        async def look() -> str | None:
            found = await self._stage.reservation_of(ref)
            return str(found) if found is not None else None

        return await eventually(look)

    async def book(self, room: str, arrival: str, departure: str, nights: list[dict[str, str]]) -> str:
        """Make a reservation here and return its id."""
        stay = {"room_type": "DBL", "room": room, "arrival": arrival, "departure": departure, "nights": nights}
        booker = {"first_name": "Guest", "last_name": "Alba", "email": "alba@example.com"}
        body = {"property": "P1", "source": "direct", "booker": booker, "currency": "EUR"}
        stays = [{**stay, "adults": 2, "children": 0}]
        made = await self._ask("POST", "/api/pms/reservations", json={**body, "room_stays": stays})
        return str(made["id"])

    async def change(self, reservation_id: str, **stay: Any) -> None:  # noqa: ANN401 - any field of a stay
        """Change the first stay of a reservation, on top of what stands by then."""
        path = f"/api/pms/reservations/{reservation_id}"

        async def attempt() -> bool:
            now = await self._ask("GET", path)
            body = {"room_stays": [{"id": now["room_stays"][0]["id"], **stay}]}
            try:
                await self._ask("PATCH", path, json=body, headers={"If-Match": f'"{now["version"]}"'})
            except httpx.HTTPStatusError as error:
                if error.response.status_code == httpx.codes.PRECONDITION_FAILED:
                    return False
                raise
            return True

        await eventually(attempt)

    async def _ask(self, method: str, path: str, **options: Any) -> Any:  # noqa: ANN401 - any JSON value
        headers = {**self._bearer, **options.pop("headers", {})}
        url = f"http://{self._stage.daemon.bind}{path}"
        answer = await self._client.request(method, url, headers=headers, **options)
        answer.raise_for_status()
        return answer.json()


async def eventually(ask: Callable[[], Awaitable[T | None]], patience_s: float = _PATIENCE_S) -> T:
    """Ask until the answer is true and return it; raises TimeoutError after the patience."""
    async with asyncio.timeout(patience_s):
        while True:
            answer = await ask()
            if answer:
                return answer
            await asyncio.sleep(_LOOK_S)
