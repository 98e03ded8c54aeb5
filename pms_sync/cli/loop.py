"""One event loop for a command's work."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run to the end on the fastest event loop there is; raises KeyboardInterrupt when control-C cut it off."""
    try:
        import uvloop  # noqa: PLC0415 - optional, and nothing else of it is used
    except ImportError:
        start = asyncio.run
    else:
        start = uvloop.run
    try:
        return start(coroutine)
    except asyncio.CancelledError:  # a further control-C while things were being closed
        raise KeyboardInterrupt from None
