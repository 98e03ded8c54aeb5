"""Identifiers: those of a hotel's set-up are the same in every world, those of bookings come from its seed."""

from __future__ import annotations

import hashlib
from collections import Counter
from functools import lru_cache
from uuid import UUID


@lru_cache(maxsize=8192)
def fixed(*names: object) -> str:
    """Return the UUID that belongs to a name, in every world the same."""
    digest = hashlib.sha256("/".join(map(str, names)).encode()).digest()
    return str(UUID(bytes=digest[:16], version=4))


class Ids:
    """Hands out the identifiers and running numbers of one world."""

    def __init__(self, seed: int) -> None:
        """Begin counting."""
        self._seed = seed
        self._made: Counter[str] = Counter()

    def next(self, kind: str) -> str:
        """Return a new UUID."""
        return fixed("world", self._seed, kind, self.number(kind))

    def number(self, kind: str, start: int = 0) -> int:
        """Return the next number of a kind."""
        self._made[kind] += 1
        return start + self._made[kind]
