"""Waiting: a condition asked again and again until a deadline, never a fixed time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import asyncpg

T = TypeVar("T")

NOT_YET = (AssertionError, OSError, TimeoutError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError)
"""A condition may be written as assertions, and may look into a database that is away just now."""


async def eventually(ask: Callable[[], Awaitable[T | None]], within_s: float = 10.0, every_s: float = 0.02) -> T:
    """Ask until the answer is true and return it; fails with the last answer, or the last NOT_YET, after `within_s`."""
    deadline = asyncio.get_running_loop().time() + within_s
    while True:
        told: object = None
        try:
            answer = await ask()
            if answer:
                return answer
            told = answer
        except NOT_YET as refusal:
            told = refusal
        if asyncio.get_running_loop().time() >= deadline:
            message = f"not within {within_s} s: {getattr(ask, '__name__', ask)} last said {told!r}"
            raise AssertionError(message)
        await asyncio.sleep(every_s)
