"""Identifiers: time-ordered UUIDs for our rows, so that indexes grow at one end."""

from __future__ import annotations

import uuid
from collections.abc import Callable

_RAND_B_BITS = 62

NewId = Callable[[], uuid.UUID]


def uuid7(milliseconds: int, randomness: int) -> uuid.UUID:
    """Build a version 7 UUID (RFC 9562 §5.7) from Unix milliseconds and at least 74 random bits."""
    rand_a = (randomness >> _RAND_B_BITS) & 0xFFF
    rand_b = randomness & ((1 << _RAND_B_BITS) - 1)
    value = (milliseconds & ((1 << 48) - 1)) << 80 | 0x7 << 76 | rand_a << 64 | 0b10 << 62 | rand_b
    return uuid.UUID(int=value)
