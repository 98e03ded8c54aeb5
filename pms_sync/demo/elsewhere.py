"""Elsewhere: what happens at the other vendors meanwhile: bookings, changes and cancellations of their own.

An OTA booking of the first hotel comes to both of its systems under the OTA's number: it is one reservation.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from pms_sync.demo.cast import CAST, MAIN
from pms_sync.demo.stage import Stage

# Days that the scripted traffic of the main vendor never reaches, so that nobody else wants these rooms.
_SHARED_FROM, _OWN_FROM = 400, 500
_APART = 6
Say = Callable[..., None]
Row = dict[str, Any]


class Elsewhere:
    """Draws what happens next; knows which bookings it made where."""

    def __init__(self, stage: Stage, seed: int, today: date, say: Say) -> None:
        """Roll nothing yet; `say(words, refs)` tells what happened."""
        self._stage, self._today, self._say = stage, today, say
        self._dice = random.Random(seed + 2)  # noqa: S311 - repeatable on purpose
        self._made: dict[str, list[str]] = {}
        self._numbers = 0
        self._others = [one.vendor for one in CAST if one.vendor in stage.vendors and one.vendor != MAIN]
        hotels = {one.vendor: one.hotel for one in CAST}
        self._beside = [name for name in self._others if hotels[name] == hotels[MAIN]]

    async def act(self) -> None:
        """Let one thing happen at one of the other vendors, or one booking come to both systems of a hotel."""
        if not self._others:
            return
        if self._beside and self._dice.random() < 0.3:  # noqa: PLR2004 - three in ten
            await self._seen_by_both()
            return
        name = self._dice.choice(self._others)
        made = self._made.setdefault(name, [])
        if made and self._dice.random() < 0.5:  # noqa: PLR2004 - one in two
            await self._changes(name, made)
        else:
            await self._books(name, made)

    async def _seen_by_both(self) -> None:
        self._numbers += 1
        first = self._day(_SHARED_FROM + self._numbers * _APART)
        last = self._day(_SHARED_FROM + self._numbers * _APART + 2)
        number = f"OTA-{self._numbers:06}"
        refs = [await self._create(name, first, last, number) for name in (MAIN, *self._beside)]
        self._say(f"an OTA booking {number} comes to both systems of the first hotel: one reservation", (refs[0],))

    async def _books(self, name: str, made: list[str]) -> None:
        self._numbers += 1
        first, last = (self._day(_OWN_FROM + self._numbers * _APART + more) for more in (0, 3))
        ref = await self._create(name, first, last, None)
        made.append(ref)
        self._say(f"{name}: a booking comes in, {first} to {last}", (ref,))

    async def _changes(self, name: str, made: list[str]) -> None:
        ref = self._dice.choice(made)
        if self._dice.random() < 0.3:  # noqa: PLR2004 - three in ten
            made.remove(ref)
            await self._stage.vendors[name].order("change", op="cancel", ref=ref)
            self._say(f"{name}: {ref[:8]} cancels", (ref,))
            return
        booker = {"first_name": "Guest", "last_name": self._dice.choice(("Vega", "Sol", "Luna"))}
        await self._stage.vendors[name].order("change", op="modify", ref=ref, set={"booker": booker})
        self._say(f"{name}: the booker of {ref[:8]} is called otherwise", (ref,))

    async def _create(self, name: str, first: str, last: str, number: str | None) -> str:
        vendor = self._stage.vendors[name]
        place = vendor.told["properties"][0]
        stay = {"room_type_ref": place["room_types"][0]["ref"], "arrival": first, "departure": last, "adults": 2}
        told: Row = {
            "property_ref": place["ref"],
            "status": "confirmed",
            "channel": "booking_com" if number else "direct",
            "booker": {"first_name": "Guest", "last_name": "Alba"},
            "room_stays": [{**stay, "total": "240.00"}],
        }
        if number is not None:
            told["channel_reference"] = number
        answer = await vendor.order("change", op="create", set=told)
        return str(answer["ref"])

    def _day(self, offset: int) -> str:
        return (self._today + timedelta(days=offset)).isoformat()
