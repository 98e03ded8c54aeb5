"""Words for what happens at the hotel: its rooms, stays, and dates that no other test of a stage uses."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

ROOM_1, ROOM_2, ROOM_3 = "55/1", "55/2", "55/3"
ROOMS = (ROOM_1, ROOM_2, ROOM_3)
CARD = "4111 1111 1111 1111"
"""The industry's test number; it may arrive nowhere."""

_FIRST_DAY, _DAYS_EACH = 60, 10


class Days:
    """Ten dates in the coming years that one test has to itself."""

    def __init__(self, first: date) -> None:
        """Begin on a day."""
        self._first = first

    def on(self, day: int) -> str:
        """Return one date, counted from 0."""
        return (self._first + timedelta(days=day)).isoformat()

    def stay(self, arrival: int, departure: int, room: str | None = ROOM_1, **more: Any) -> dict[str, Any]:
        """Return a stay from day to day; without a room, only the type is known."""
        place = {"room_ref": room} if room else {"room_type_ref": "55"}
        dates = {"arrival": self.on(arrival), "departure": self.on(departure)}
        return {**dates, "adults": 2, "total": "200.00", **place, **more}


class Calendar:
    """Hands out dates, each once."""

    def __init__(self) -> None:
        """Begin well after the seeded bookings."""
        self._numbers = count()
        self._today = datetime.now(UTC).date()

    def days(self) -> Days:
        """Return the next ten dates."""
        return Days(self._today + timedelta(days=_FIRST_DAY + next(self._numbers) * _DAYS_EACH))
