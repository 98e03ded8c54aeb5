"""Ids as the driver holds them: UUIDs like any other, but made, compared and written in C."""

from __future__ import annotations

import os
import time
from uuid import UUID

from asyncpg.pgproto import pgproto

from pms_sync.domain.ids import RANDOM_BYTES, uuid7


def new_id() -> UUID:
    """Return a fresh, time-ordered id (domain.ids.NewId)."""
    made: UUID = pgproto.UUID(uuid7(time.time_ns() // 1_000_000, os.urandom(RANDOM_BYTES)))
    return made
