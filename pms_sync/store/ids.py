"""Ids as the driver holds them: UUIDs like any other, but made, compared and written in C."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from uuid import UUID

from asyncpg.pgproto import pgproto

from pms_sync.domain.ids import RANDOM_BYTES, uuid7

_AT_ONCE = 400


def _randomness() -> Iterator[bytes]:
    """Yield random bytes for one id at a time; asking the system for each would cost as much as the rest of an id."""
    while True:
        many = os.urandom(RANDOM_BYTES * _AT_ONCE)
        for start in range(0, len(many), RANDOM_BYTES):
            yield many[start : start + RANDOM_BYTES]


_random = _randomness()


def new_id() -> UUID:
    """Return a fresh, time-ordered id (domain.ids.NewId)."""
    made: UUID = pgproto.UUID(uuid7(time.time_ns() // 1_000_000, next(_random)))
    return made
