"""Identifiers: time-ordered UUIDs for our rows, so that indexes grow at one end."""

from __future__ import annotations

import uuid
from collections.abc import Callable

RANDOM_BYTES = 10

NewId = Callable[[], uuid.UUID]


def uuid7(milliseconds: int, randomness: bytes) -> bytes:
    """Build the sixteen bytes of a version 7 UUID (RFC 9562 §5.7) from Unix milliseconds and ten random bytes."""
    rest = bytearray(randomness)
    rest[0] = 0x70 | rest[0] & 0x0F
    rest[2] = 0x80 | rest[2] & 0x3F
    return milliseconds.to_bytes(6) + rest
