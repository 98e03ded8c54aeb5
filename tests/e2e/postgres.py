"""The daemon's embedded server from the outside: found by its pid file, stopped, frozen and cut off."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil


def server_pid(data_dir: Path) -> int:
    """Return the pid of the server that runs on this data folder; raises FileNotFoundError when none does."""
    lines = (data_dir / "pgdata" / "postmaster.pid").read_text().splitlines()
    if not lines:
        raise FileNotFoundError(data_dir)
    return int(lines[0])


def stop_at_once(data_dir: Path) -> int:
    """Send SIGQUIT, PostgreSQL's immediate shutdown: no checkpoint, recovery at the next start. Returns the pid."""
    pid = server_pid(data_dir)
    os.kill(pid, signal.SIGQUIT)
    return pid


@contextmanager
def away(data_dir: Path) -> Iterator[None]:
    """Let the server hold its address and answer nobody: frozen, every connection of it cut; on leaving it recovers."""
    pid = server_pid(data_dir)
    os.kill(pid, signal.SIGSTOP)
    try:
        for child in psutil.Process(pid).children():
            child.kill()
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@contextmanager
def frozen(data_dir: Path) -> Iterator[None]:
    """Stop the server and every process of it in the middle of what they do; on leaving they go on."""
    server = psutil.Process(server_pid(data_dir))
    every = [server, *server.children()]
    for one in every:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.suspend()
    try:
        yield
    finally:
        for one in every:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.resume()
