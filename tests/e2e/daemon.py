"""`pms-sync run` and the other commands as children of the tests: started, read, killed, and asked to stop."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_READY_S, _STOP_S, _COMMAND_S = 60.0, 30.0, 90.0
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


def _die_with_the_tests() -> None:
    """Leave no daemon behind when the tests themselves are killed."""
    if sys.platform == "linux":
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Return the one JSON document of stdout."""
        return json.loads(self.out)


class Daemon:
    """The daemon as a child process; its log goes to a file that every start continues."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        """Start nothing yet."""
        self.environment, self.log = dict(environment), log
        self.bind = self.environment["PMS_SYNC_BIND"]
        self._child: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        """Return the address of its doors and pages."""
        return f"http://{self.bind}"

    @property
    def pid(self) -> int:
        """Return the number of the running process."""
        assert self._child is not None
        return self._child.pid

    async def start(self) -> None:
        """Start it and wait for its ready line; fails with the daemon's last words."""
        with self.log.open("ab") as log:
            self._child = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "pms_sync", "run"),
                env=self.environment,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_the_tests,
            )
        assert self._child.stdout is not None
        async with asyncio.timeout(_READY_S):
            line = await self._child.stdout.readline()
        assert line, f"the daemon did not start: {self.log.read_text(errors='replace').splitlines()[-1:]}"
        told = json.loads(line)
        assert told["ready"] is True
        assert told["bind"] == self.bind

    async def kill(self) -> None:
        """Pull the plug: SIGKILL, no goodbye."""
        if self._child is not None and self._child.returncode is None:
            self._child.kill()
            await self._child.wait()

    async def stop(self) -> int:
        """Send SIGTERM and return the exit code; one that does not end in time is killed and returns -9."""
        if self._child is None or self._child.returncode is not None:
            return 0 if self._child is None else self._child.returncode or 0
        self._child.send_signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STOP_S):
                return await self._child.wait()
        await self.kill()
        return -signal.SIGKILL

    async def command(self, *words: str, given: str = "") -> Ended:
        """Run another command with --json over the same store; `given` is what it reads from stdin."""
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "pms_sync", *words, "--json"),
            env=self.environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            preexec_fn=_die_with_the_tests,
        )
        try:
            async with asyncio.timeout(_COMMAND_S):
                out, err = await child.communicate(given.encode())
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        return Ended(child.returncode or 0, out.decode(), err.decode())

    def lines(self) -> list[dict[str, Any]]:
        """Return what it logged, one object a line."""
        return [json.loads(line) for line in self.log.read_text(errors="replace").splitlines() if line.startswith("{")]


def free_port() -> int:
    """Return a port nobody listens on; the daemon must come back on the same one after a crash."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
