"""The script: what happens at the hotel, drawn from a seeded dice so that a run can be repeated."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import msgspec

CANARY = "4111 1111 1111 1111"
"""A card number (the industry's test number) that a guest writes into a note; it may arrive nowhere."""

_CHANNELS = ("booking_com", "direct", "airbnb", "expedia")
_NAMES = ("Vega", "Sol", "Luna", "Mar", "Rio", "Nube", "Brisa", "Prado")
_ROOMS = ("55/1", "55/2", "55/3")

Row = dict[str, Any]


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happens: in words for a person, and as orders for the control plane."""

    words: str
    orders: tuple[Row, ...]


class Script:
    """Draws the next act; knows which bookings it made."""

    def __init__(self, seed: int, today: date) -> None:
        """Roll nothing yet."""
        self._dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._today = today
        self._made: list[str] = []
        self._number = 0
        self._plays: tuple[tuple[int, Callable[[], Act]], ...] = (
            (8, self._books),
            (5, self._changes_dates),
            (3, self._writes_a_note),
            (3, self._cancels),
            (2, self._brings_a_group),
            (1, self._sells_a_room_twice),
            (1, self._blocks_a_room),
            (3, self._changes_silently),
        )

    def next(self) -> Act:
        """Return what happens now."""
        weights = [weight for weight, _ in self._plays]
        _, play = self._dice.choices(self._plays, weights)[0]
        return play()

    def made(self, refs: list[str]) -> None:
        """Learn the refs that the orders were given."""
        self._made += refs

    def _books(self) -> Act:
        stay = self._stay()
        channel = self._dice.choice(_CHANNELS)
        words = f"a booking comes in by {channel}, {stay['arrival']} to {stay['departure']}"
        return Act(words=words, orders=(self._create([stay], channel),))

    def _brings_a_group(self) -> Act:
        stays = [{**self._stay(), "room_ref": room} for room in _ROOMS[:2]]
        words = f"a group takes {len(stays)} rooms"
        return Act(words=words, orders=(self._create(stays, "booking_com"),))

    def _sells_a_room_twice(self) -> Act:
        stay = self._stay()
        orders = tuple(self._create([dict(stay)], channel) for channel in ("booking_com", "expedia"))
        return Act(words=f"room {stay['room_ref']} is sold twice for {stay['arrival']}", orders=orders)

    def _blocks_a_room(self) -> Act:
        stay = self._stay()
        order = self._create([stay], "direct") | {"vendor": {"status": "black"}}
        return Act(words=f"room {stay['room_ref']} goes out of order on {stay['arrival']}", orders=(order,))

    def _changes_dates(self) -> Act:
        ref = self._known()
        if ref is None:
            return self._books()
        stay = self._stay()
        change = {"arrival": stay["arrival"], "departure": stay["departure"]}
        return Act(words=f"{ref} moves to {stay['arrival']}", orders=({"op": "modify", "ref": ref, "set": change},))

    def _changes_silently(self) -> Act:
        ref = self._known()
        if ref is None:
            return self._books()
        change = {"op": "modify", "ref": ref, "silent": True, "set": {"adults": self._dice.randint(1, 3)}}
        return Act(words=f"{ref} has other guests, and no webhook tells", orders=(change,))

    def _writes_a_note(self) -> Act:
        ref = self._known()
        if ref is None:
            return self._books()
        note = f"arrives late, card {CANARY}" if self._dice.random() < 0.5 else "wants a quiet room"  # noqa: PLR2004
        return Act(words=f"{ref} writes a note", orders=({"op": "modify", "ref": ref, "set": {"notes": note}},))

    def _cancels(self) -> Act:
        ref = self._known()
        if ref is None:
            return self._books()
        self._made.remove(ref)
        return Act(words=f"{ref} cancels", orders=({"op": "cancel", "ref": ref},))

    def _known(self) -> str | None:
        return self._dice.choice(self._made) if self._made else None

    def _stay(self) -> Row:
        arrival = self._today + timedelta(days=self._dice.randint(1, 240))
        departure = arrival + timedelta(days=self._dice.randint(1, 5))
        return {
            "room_type_ref": "55",
            "room_ref": self._dice.choice(_ROOMS),
            "arrival": arrival.isoformat(),
            "departure": departure.isoformat(),
            "adults": self._dice.randint(1, 2),
        }

    def _create(self, stays: list[Row], channel: str) -> Row:
        self._number += 1
        booker = {
            "first_name": "Guest",
            "last_name": self._dice.choice(_NAMES),
            "email": f"guest{self._number}@example.com",
            "phone": f"+34 600 {self._number:06}",
        }
        return {
            "op": "create",
            "set": {"status": "confirmed", "channel": channel, "booker": booker, "room_stays": stays},
        }
