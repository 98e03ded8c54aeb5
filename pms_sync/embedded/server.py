"""The supervisor: starts the server, shares it with other commands, and takes over when its owner is gone."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from pms_sync.domain.errors import Unavailable
from pms_sync.embedded import binaries, child, wire
from pms_sync.embedded.folder import Folder

_USER, _DATABASE, _MAINTENANCE = "pms", "pms_sync", "postgres"
_SHARE_S, _RECOVERY_S, _STOP_S, _POLL_S = 60.0, 600.0, 30.0, 0.025
_USERS_S = 30.0  # how long an owner that is done waits for those who are not
_START_ATTEMPTS = 20
_TAIL_BYTES = 1_000
_PASSES = ("pre-existing shared memory block",)  # orphaned backends of a killed server hold it for a moment

# Small enough for a laptop; the WAL is bounded so that recovery after a crash takes seconds.
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "60",
    "shared_buffers": "128MB",
    "min_wal_size": "128MB",
    "max_wal_size": "512MB",
    "checkpoint_timeout": "5min",
    "jit": "off",
    "log_min_messages": "warning",
}
_UNSAFE = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


class EmbeddedPostgres:
    """One data folder, one server, any number of processes that use it; the holder of the lock is its owner.

    Use it from the main thread: the server ends with the thread that started it, however that ends.
    """

    def __init__(
        self, root: Path, pg_bin: Path | None = None, *, fsync: bool = True, settings: Mapping[str, str] | None = None
    ) -> None:
        """Name the folder; nothing is started yet. `fsync` false is for tests alone."""
        self._folder = Folder(root)
        self._pg_bin = pg_bin
        self._settings = {**_SETTINGS, **({} if fsync else _UNSAFE), **(settings or {})}
        self._server: subprocess.Popen[bytes] | None = None
        self._socket_dir = self._folder.socket_dir()
        self._turn = asyncio.Lock()
        self._looked_after = False

    @property
    def dsn(self) -> str:
        """Return the address of our database, over the unix socket."""
        return f"postgresql://{_USER}@/{_DATABASE}?host={self._socket_dir}"

    @property
    def owner(self) -> bool:
        """Tell whether this process started the server and will stop it."""
        return self._server is not None

    async def start(self) -> str:
        """Start the server, or share the one another process owns; returns the address.

        Raises ConfigurationFault (no programs, a folder we may not use) or Unavailable.
        """
        async with self._turn:
            await self._start()
        return self.dsn

    async def ensure(self) -> bool:
        """Look after the server: start it here when its owner is gone; returns whether that was needed.

        Whoever looks after it is not waited for by an owner that leaves, and waits for nobody. Raises as `start` does.
        """
        async with self._turn:
            self._looked_after = True
            self._folder.part()
            if await self._answers() or (self._server is not None and self._server.poll() is None):
                return False  # up; or ours, and busy
            if self._server is not None:
                self._release()
            await self._start()
            return True

    async def stop(self) -> None:
        """Stop the server when it is ours (fast shutdown), after the commands that share it; may be called twice."""
        async with self._turn:
            if self._server is not None and self._server.poll() is None:
                await self._outlast_users()
                await asyncio.to_thread(_shut_down, self._server)
            self._release()

    async def _start(self) -> None:
        self._folder.make()
        deadline = time.monotonic() + _SHARE_S
        while not self.owner:
            if self._folder.take():
                await self._own()
                break
            self._socket_dir = self._folder.shared_socket_dir()
            if self._folder.join() and await self._answers():
                break
            if time.monotonic() > deadline:
                raise self._failed("the embedded database of another process does not answer")
            await asyncio.sleep(_POLL_S)
        await self._ensure_database()

    async def _outlast_users(self) -> None:
        """Wait for the commands that began while we were here: to them the server would be away."""
        deadline = time.monotonic() + (0.0 if self._looked_after else _USERS_S)
        while not self._folder.is_ours_alone():
            if time.monotonic() > deadline:
                return
            await asyncio.sleep(_POLL_S)

    async def _own(self) -> None:
        """Bring up our own server; on any failure the lock is given back."""
        try:
            programs = await asyncio.to_thread(binaries.find, self._pg_bin, self._folder.data)
            await self._outlive_predecessor()
            self._socket_dir = self._folder.socket_dir()
            self._folder.make_socket_dir(self._folder.user())
            if not self._folder.data.exists():
                await self._init(programs)
            await self._serve(programs)
        except BaseException:
            if self._server is not None:
                _shut_down(self._server)
            self._release()
            raise

    async def _outlive_predecessor(self) -> None:
        """Wait for a server whose owner was killed: it is shutting down, and holds the folder until then."""
        asked = False
        deadline = time.monotonic() + _STOP_S
        while (pid := self._folder.predecessor()) is not None:
            if not asked and sys.platform != "linux":  # elsewhere nothing told it that its owner died
                os.kill(pid, signal.SIGINT)
            asked = True
            if time.monotonic() > deadline:
                raise self._failed(f"an earlier server of this folder (pid {pid}) does not stop")
            await asyncio.sleep(_POLL_S)

    async def _init(self, programs: Path) -> None:
        fresh = self._folder.root / "pgdata.new"
        locale = "C.UTF-8" if sys.platform == "linux" else "C"
        command = [str(programs / "initdb"), "-D", str(fresh), "-U", _USER, "--auth=trust"]
        command += ["--encoding=UTF8", f"--locale={locale}", "--no-instructions"]

        async def attempt() -> int:
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir(mode=0o700)
            child.give(fresh, self._folder.user())
            return await asyncio.to_thread(self._spawn(command).wait)

        code = await attempt()
        if code == child.UNSHARE_REFUSED:
            self._hand_to_nobody()
            code = await attempt()
        if code:
            raise self._failed(f"initdb failed (exit code {code})")
        fresh.rename(self._folder.data)  # never half a cluster

    async def _serve(self, programs: Path) -> None:
        command = [str(programs / "postgres"), "-D", str(self._folder.data)]
        command += ["-k", str(self._socket_dir), "-p", str(wire.PORT)]
        command += [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        for attempt in range(_START_ATTEMPTS):
            self._server = self._spawn(command)
            code = await self._until_up(self._server)
            if code is None:
                return
            if code == child.UNSHARE_REFUSED and attempt == 0:
                self._hand_to_nobody()
            elif not any(passing in _tail(self._folder.log) for passing in _PASSES):
                break
            await asyncio.sleep(_POLL_S * attempt)
        raise self._failed(f"the embedded database stopped at start (exit code {code})")

    async def _until_up(self, server: subprocess.Popen[bytes]) -> int | None:
        """Wait until the server answers (None) or ends (its exit code)."""
        deadline = time.monotonic() + _RECOVERY_S
        while not await self._answers():
            if server.poll() is not None:
                return server.returncode
            if time.monotonic() > deadline:
                raise self._failed("the embedded database does not come up")
            await asyncio.sleep(_POLL_S)
        return None

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        """Start a program from this very thread: the signal that ends it is tied to the thread."""
        if threading.current_thread() is not threading.main_thread():
            message = "the embedded database is started from the main thread"
            raise RuntimeError(message)
        with self._folder.log.open("ab") as log:
            child.give(self._folder.log, self._folder.user())
            return subprocess.Popen(  # noqa: S603 - our own program with our own options
                command,
                preexec_fn=self._become(),  # noqa: PLW1509 - it touches nothing another thread may hold
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _become(self) -> Callable[[], None]:
        """Choose who the server runs as: ourselves; root as the folder's owner, or in a namespace of its own."""
        user = self._folder.user()
        if os.geteuid() != 0:
            return child.as_ourselves()
        return child.as_user(user) if user else child.as_namespace_user()

    def _hand_to_nobody(self) -> None:
        """Where user namespaces are refused, root hands the folder to nobody instead."""
        for path in (self._folder.root, self._socket_dir):
            child.give(path, child.nobody())

    async def _answers(self) -> bool:
        refusal = await wire.knock(self._socket_dir, _USER, _MAINTENANCE)
        return refusal in {None, wire.TOO_MANY_CONNECTIONS}

    async def _ensure_database(self) -> None:
        if await wire.knock(self._socket_dir, _USER, _DATABASE) != wire.NO_SUCH_DATABASE:
            return
        failure = await wire.run(self._socket_dir, _USER, _MAINTENANCE, f"CREATE DATABASE {_DATABASE}")
        if failure not in {None, wire.DUPLICATE_DATABASE, "23505"}:  # two at once: one of them may see the unique key
            raise self._failed(f"the database could not be created (SQLSTATE {failure})")

    def _release(self) -> None:
        self._server = None
        self._folder.leave()

    def _failed(self, what: str) -> Unavailable:
        log = self._folder.log
        return Unavailable(what, str(self._folder.root), f"read {log}; it ends: {_tail(log).rpartition(chr(10))[2]}")


def _shut_down(server: subprocess.Popen[bytes]) -> None:
    """Ask for a fast shutdown, and for an immediate one where that takes too long; the next start recovers."""
    for wish in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        server.send_signal(wish)
        try:
            server.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            continue
        return


def _tail(log: Path) -> str:
    """Return the last lines of a log that may have grown for years."""
    try:
        with log.open("rb") as lines:
            lines.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            return lines.read().decode(errors="replace").strip()
    except OSError:
        return ""
