"""Running stages that tests share; each test books for dates of its own and asks for its own refs."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.e2e.stage import Stage, on_stage


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """Give a daemon that polls once a minute: what arrives sooner came by webhook."""
    async with on_stage(tmp_path_factory.mktemp("stage")) as one:
        await one.start()
        yield one


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def polled(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    """Give a daemon that polls every second."""
    async with on_stage(tmp_path_factory.mktemp("polled"), poll_interval_s=1) as one:
        await one.start()
        yield one
