"""`run`: the daemon, until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import json
import signal
import sys

import click

from config.settings import Settings
from pms_sync import bootstrap
from pms_sync.bootstrap.daemon import daemon
from pms_sync.cli import loop, store
from pms_sync.observe.garbage import calm
from pms_sync.observe.logs import flush_logs

_LONGEST_STOP_S = 24.0


@click.command(name="run")
def command() -> None:
    """Run the daemon: webhooks, polling, workers and pages; SIGTERM ends it cleanly.

    Prints one line of JSON once it is ready: {"ready":true,"bind":"HOST:PORT","database":"embedded"|"server"}.

    Example: PMS_SYNC_BIND=127.0.0.1:8080 pms-sync run
    """
    settings = store.load_settings(level="INFO")
    loop.run(_run(settings))
    flush_logs()


async def _run(settings: Settings) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with bootstrap.opened(settings) as core:
        app = await daemon(core)
        bind = await app.start()
        _say_ready(bind, "embedded" if settings.embedded else "server")
        calm()
        await ended.wait()
        async with asyncio.timeout(_LONGEST_STOP_S):
            await app.stop()


def _say_ready(bind: str, database: str) -> None:
    sys.stdout.write(json.dumps({"ready": True, "bind": bind, "database": database}) + "\n")
    sys.stdout.flush()
