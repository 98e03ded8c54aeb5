"""Identifiers in the shapes that vendors/cloudbeds.md 7 describes, the same for the same seed."""

from __future__ import annotations

import hashlib
import string
from collections import Counter

from connectors.cloudbeds.simulator.site import Place

_STARTS = {
    "reservation": 6_100_000_000_000,
    "guest": 70_000_000,
    "line": 160_000_000,
    "block": 512_000_000_000_000_000,
    "event": 513_000_000_000_000_000,
    "item": 880_000_000,
    "payment": 990_000_000,
    "note": 44_000_000,
    "account": 5_200_000,
}
_ALPHABET = string.digits + string.ascii_uppercase
_LETTERED = 9


class Ids:
    """Hands out the identifiers of one world; the second property numbers its bookings with letters."""

    def __init__(self, seed: int) -> None:
        """Begin counting."""
        self._seed = seed
        self._made: Counter[str] = Counter()

    def next(self, kind: str) -> str:
        """Return a new id of digits."""
        self._made[kind] += 1
        return str(_STARTS[kind] + self._made[kind] * 7 + self._digest(kind, "") % 7)

    def reservation(self, home: Place) -> str:
        """Return a new reservation id: thirteen digits, or nine alphanumerics at the second property."""
        number = self.next("reservation")
        return self._lettered(number) if home.index == 1 else number

    def _lettered(self, number: str) -> str:
        found, left = "", self._digest("lettered", number)
        for _ in range(_LETTERED):
            left, place = divmod(left, len(_ALPHABET))
            found += _ALPHABET[place]
        return f"R{found[1:]}"

    def _digest(self, *names: str) -> int:
        return int.from_bytes(hashlib.sha256("/".join((str(self._seed), *names)).encode()).digest()[:12], "big")


def subscription_id(*names: str) -> str:
    """Return the id of a subscription: derived from property, address, object and action (11.1)."""
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:24]
