"""A person at the front desk: signed in over HTTP, ordering through the local API."""

from __future__ import annotations

from typing import Any

import httpx

from tests.e2e.bookings import Days
from tests.e2e.stage import Stage

EMAIL, PASSWORD = "desk@example.org", "correct horse battery"
Row = dict[str, Any]


class FrontDesk:
    """Orders of one person; every answer that is not 2xx fails, unless asked for."""

    def __init__(self, stage: Stage, token: str) -> None:
        """Work with a token."""
        self._stage, self._bearer = stage, {"Authorization": f"Bearer {token}"}

    @classmethod
    async def opened(cls, stage: Stage) -> FrontDesk:
        """Add the person and sign in."""
        added = await stage.daemon.command("users", "add", EMAIL, "--role", "manager", given=PASSWORD)
        assert added.code == 0, added.err
        answer = await stage.http.post(
            f"{stage.daemon.url}/api/auth/token/", json={"email": EMAIL, "password": PASSWORD}
        )
        assert answer.status_code == 200, answer.text
        return cls(stage, answer.json()["access"])

    async def ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Ask the API, whatever it answers."""
        headers = {**self._bearer, **options.pop("headers", {})}
        return await self._stage.http.request(
            method, f"{self._stage.daemon.url}/api/pms/{path}", headers=headers, **options
        )

    async def order(self, method: str, path: str, **options: Any) -> Row:
        """Ask the API and return the document."""
        answer = await self.ask(method, path, **options)
        assert answer.is_success, f"{answer.status_code}: {answer.text}"
        document: Row = answer.json()
        return document

    async def book(self, days: Days, room: str, arrival: int = 0, departure: int = 2) -> Row:
        """Make a reservation of one stay, priced by night."""
        nights = [{"date": days.on(day), "price": "80.00"} for day in range(arrival, departure)]
        stay = {
            "room_type": "DBL",
            "room": room,
            "arrival": days.on(arrival),
            "departure": days.on(departure),
            "adults": 2,
            "children": 0,
            "nights": nights,
        }
        booker = {"first_name": "Guest", "last_name": "Example", "email": "guest@example.org"}
        body = {"property": "P1", "source": "direct", "booker": booker, "currency": "EUR", "room_stays": [stay]}
        return await self.order("POST", "reservations", json={**body, "notes": "late arrival"})

    async def change(self, reservation_id: str, **stay: Any) -> Row:
        """Change the first stay of a reservation, on top of what stands now."""
        now = await self.order("GET", f"reservations/{reservation_id}")
        body = {"room_stays": [{"id": now["room_stays"][0]["id"], **stay}]}
        headers = {"If-Match": f'"{now["version"]}"'}
        return await self.order("PATCH", f"reservations/{reservation_id}", json=body, headers=headers)

    async def act(self, reservation_id: str, act: str) -> Row:
        """Cancel, check in, check out or mark as no-show."""
        return await self.order("POST", f"reservations/{reservation_id}/{act}")
