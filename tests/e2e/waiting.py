"""Waiting: a condition asked again and again until a deadline, never a fixed time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def eventually(ask: Callable[[], Awaitable[T | None]], within_s: float = 10.0, every_s: float = 0.02) -> T:
    """Ask until the answer is true and return it; fails with the last answer, or the last refusal, after `within_s`.

    An AssertionError of `ask` counts as "not yet", so that a condition can be written as assertions.
    """
    deadline = asyncio.get_running_loop().time() + within_s
    while True:
        told: object = None
        try:
            answer = await ask()
            if answer:
                return answer
            told = answer
        except AssertionError as refusal:
            told = refusal
        if asyncio.get_running_loop().time() >= deadline:
            message = f"not within {within_s} s: {getattr(ask, '__name__', ask)} last said {told!r}"
            raise AssertionError(message)
        await asyncio.sleep(every_s)
