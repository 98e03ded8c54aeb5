"""Memory: what the daemon takes when it has started and nothing happens."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import sys
from pathlib import Path

import psutil

from benchmarks.house import MASTER_KEY, House

_SETTLE_S = 3.0
_MIB = 1024 * 1024


async def measure(house: House) -> float:
    """Start `pms-sync run` over the house and return its resident memory in MiB."""
    daemon = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("pms-sync")),
        "run",
        env={
            **os.environ,
            "PMS_SYNC_DATABASE_URL": house.dsn,
            "PMS_SYNC_MASTER_KEY": base64.b64encode(MASTER_KEY).decode(),
            "PMS_SYNC_BIND": "127.0.0.1:0",
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert daemon.stdout is not None  # noqa: S101 - a pipe was asked for
        if b'"ready":true' not in (await daemon.stdout.readline()).replace(b" ", b""):
            raise RuntimeError("the daemon did not become ready")
        await asyncio.sleep(_SETTLE_S)
        return float(psutil.Process(daemon.pid).memory_info().rss) / _MIB
    finally:
        if daemon.returncode is None:
            daemon.send_signal(signal.SIGTERM)
        await daemon.communicate()
