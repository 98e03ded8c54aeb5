"""The schedule says once what goes wrong, and nothing about being closed."""

from __future__ import annotations

import asyncio
import logging
from time import monotonic

import pytest

from pms_sync.jobs.schedule import Schedule, Tick
from pms_sync.observe.heartbeats import Heartbeats


class Turns:
    """A tick's work that begins and never ends."""

    def __init__(self) -> None:
        """Nothing has begun."""
        self.begun = asyncio.Event()

    async def run(self) -> None:
        """Begin, and wait for ever."""
        self.begun.set()
        await asyncio.Event().wait()


async def test_closing_amid_a_turn_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    turns = Turns()
    schedule = Schedule([Tick(name="slow", every_s=0.01, run=turns.run)], Heartbeats(monotonic), lambda: 0.0)
    schedule.start()
    await asyncio.wait_for(turns.begun.wait(), 10)
    running = asyncio.all_tasks() - {asyncio.current_task()}
    schedule.aclose()
    for task in running:
        task.cancel()
    await asyncio.wait(running, timeout=10)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize("name", ["apscheduler.scheduler", "apscheduler.executors.default"])
def test_a_turn_that_takes_longer_than_its_interval_is_not_told_at_every_turn(name: str) -> None:
    logger = logging.getLogger(name)
    assert not logger.isEnabledFor(logging.WARNING)
    assert logger.isEnabledFor(logging.ERROR)
