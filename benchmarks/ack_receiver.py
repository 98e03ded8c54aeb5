"""Reception as the daemon assembles it, without its loops; a program of its own.

Settings come from the environment. Prints the address it listens on as one line, and ends with SIGTERM.
"""

from __future__ import annotations

import asyncio
import signal
import sys

from config import settings as settings_room
from pms_sync import bootstrap
from pms_sync.bootstrap.daemon import Parts
from pms_sync.cli import loop
from pms_sync.observe.garbage import calm
from pms_sync.observe.logs import configure_logging, flush_logs
from pms_sync.store.database import Database


async def _receive() -> None:
    settings = settings_room.load()
    configure_logging(settings.log_format, level="INFO")
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with bootstrap.opened(settings) as core:
        reception = await Database.connect(core.dsn, size=2)
        parts = Parts(core, reception)
        writing = asyncio.create_task(parts.inbox.run())
        await parts.doors.refresh()
        [bind, *_] = await parts.server.start()
        calm()
        sys.stdout.write(f"{bind}\n")
        sys.stdout.flush()
        await ended.wait()
        await parts.server.refuse()
        await parts.inbox.aclose()
        await writing
        await parts.server.aclose()
        await parts.doors.aclose()
        await reception.close()
    flush_logs()


if __name__ == "__main__":
    loop.run(_receive())
