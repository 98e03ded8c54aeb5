"""What commands over the store share: settings read, logs to stderr, the store open."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import click

from config import settings as settings_room
from config.settings import Settings
from pms_sync import bootstrap
from pms_sync.bootstrap import Opened
from pms_sync.cli.loop import run
from pms_sync.observe.logs import configure_logging

T = TypeVar("T")


def load_settings(*, level: str = "WARNING") -> Settings:
    """Read the settings and send logs to stderr in their format."""
    settings = settings_room.load()
    configure_logging(settings.log_format, level=level)
    return settings


def with_store(work: Callable[[Opened], Awaitable[T]], *, hotels: bool = False) -> T:
    """Open the store, do the work, close the store; raises Unavailable or ConfigurationFault.

    With `hotels` the hotel files are written into it first, as commands that change something want.
    """
    settings = load_settings()

    async def go() -> T:
        async with bootstrap.opened(settings, hotels=hotels) as core:
            return await work(core)

    return run(go())


def account_option(*, required: bool = False) -> Callable[[Any], Any]:
    """Give a command the option --account."""
    return click.option("--account", metavar="ID", required=required, help="The account, as `accounts list` shows it.")
