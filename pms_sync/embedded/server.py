"""The supervisor: starts the server, shares it with other commands, and takes over when its owner is gone."""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from pms_sync.domain.errors import Unavailable
from pms_sync.embedded import binaries, child, wire

_USER, _DATABASE = "pms", "pms_sync"
_LONGEST_SOCKET_DIR = 80
_START_S, _STOP_S, _POLL_S = 30.0, 30.0, 0.025
_DUPLICATE_DATABASE = "42P04"

# Small enough for a laptop; WAL bounded so that recovery after a crash stays short (RELIABILITY §6.2).
_SETTINGS = {
    "listen_addresses": "",
    "max_connections": "60",
    "max_wal_size": "512MB",
    "min_wal_size": "128MB",
    "checkpoint_timeout": "5min",
    "jit": "off",
    "log_min_messages": "warning",
}


class EmbeddedPostgres:
    """One data folder, one server, any number of processes that use it; the holder of the lock is its owner."""

    def __init__(
        self,
        root: Path,
        pg_bin: Path | None = None,
        *,
        fsync: bool = True,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """Name the folder; nothing is started yet. `fsync` false is for tests alone."""
        self._root = root.absolute()
        self._pg_bin = pg_bin
        self._settings = _SETTINGS | ({} if fsync else {"fsync": "off", "full_page_writes": "off"}) | dict(settings or {})
        self._lock: int | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._become: Callable[[], None] = child.as_namespace_user()

    @property
    def dsn(self) -> str:
        """Return the address of our database, over the unix socket."""
        return f"postgresql://{_USER}@/{_DATABASE}?host={self.socket_dir}"

    @property
    def owner(self) -> bool:
        """Tell whether this process started the server and will stop it."""
        return self._server is not None

    @property
    def socket_dir(self) -> Path:
        """Return the folder of the socket, kept short since a socket path may have 107 characters."""
        beside = self._root / "socket"
        if len(str(beside)) <= _LONGEST_SOCKET_DIR:
            return beside
        name = hashlib.sha256(str(self._root).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"pms-sync-{os.geteuid()}-{name}"

    @property
    def _data(self) -> Path:
        return self._root / "pgdata"

    async def start(self) -> str:
        """Start the server, or share the one another process owns; returns the address. Raises Unavailable."""
        for folder in (self._root, self.socket_dir):
            folder.mkdir(parents=True, exist_ok=True)
        self.socket_dir.chmod(0o700)
        deadline = asyncio.get_running_loop().time() + _START_S
        while not await wire.answers(self.socket_dir, _USER):
            if self._take_lock():
                await self._start_own()
            if asyncio.get_running_loop().time() > deadline:
                raise self._failed("the embedded database did not come up")
            await asyncio.sleep(_POLL_S)
        await self._ensure_database()
        return self.dsn

    async def ensure(self) -> bool:
        """Look after the server: start it here when its owner is gone; returns whether that was needed."""
        if await wire.answers(self.socket_dir, _USER):
            return False
        if self._server is not None and self._server.poll() is None:
            return False  # ours, and busy starting or recovering
        if self._server is not None:
            self._release()
        await self.start()
        return True

    async def stop(self) -> None:
        """Stop the server when it is ours (fast shutdown); may be called twice."""
        if self._server is not None and self._server.poll() is None:
            self._server.send_signal(signal.SIGINT)
            await asyncio.to_thread(self._server.wait, _STOP_S)
        self._release()

    def _take_lock(self) -> bool:
        if self._lock is not None:
            return self._server is None
        handle = os.open(self._root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        self._lock = handle
        return True

    def _release(self) -> None:
        self._server = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def _start_own(self) -> None:
        programs = binaries.find(self._pg_bin, self._data)
        await self._outlive_predecessor()
        if not self._data.exists():
            await self._init(programs)
        self._server = self._spawn(programs)
        while not await wire.answers(self.socket_dir, _USER):
            if self._server.poll() is not None:
                code = self._server.returncode
                self._server = None
                if code == child.UNSHARE_REFUSED and self._fall_back():
                    self._server = self._spawn(programs)
                    continue
                self._release()
                raise self._failed(f"the embedded database stopped at start (exit code {code})")
            await asyncio.sleep(_POLL_S)

    async def _outlive_predecessor(self) -> None:
        """Wait for a server whose owner was killed: it is shutting down, and holds the folder until then."""
        pid_file = self._data / "postmaster.pid"
        for attempt in range(int(_STOP_S / _POLL_S)):
            pid = _pid_in(pid_file)
            if pid is None or not _is_postgres(pid):
                return
            if attempt == 0:
                os.kill(pid, signal.SIGINT)
            await asyncio.sleep(_POLL_S)
        raise self._failed("an earlier server of this folder does not stop")

    async def _init(self, programs: Path) -> None:
        fresh = self._root / "pgdata.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        command = [programs / "initdb", "-D", fresh, "-U", _USER, "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]
        code = await self._run(command)
        if code == child.UNSHARE_REFUSED and self._fall_back():
            code = await self._run(command)
        if code:
            raise self._failed(f"initdb failed (exit code {code})")
        fresh.rename(self._data)  # never half a cluster

    async def _run(self, command: list[Path | str]) -> int:
        with (self._root / "server.log").open("ab") as log:
            started = subprocess.Popen(  # noqa: S603, ASYNC220 - must fork from this thread: the death signal is tied to it
                [str(part) for part in command],
                preexec_fn=self._become,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        return await asyncio.to_thread(started.wait)

    def _spawn(self, programs: Path) -> subprocess.Popen[bytes]:
        options = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        with (self._root / "server.log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own program with our own options
                [str(programs / "postgres"), "-D", str(self._data), "-k", str(self.socket_dir), *options],
                preexec_fn=self._become,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _fall_back(self) -> bool:
        """Where user namespaces are refused, root hands the folder to nobody instead."""
        if os.geteuid() != 0:
            return False
        for folder in (self._root, self.socket_dir):
            child.give_to_nobody(folder)
        self._become = child.as_nobody()
        return True

    async def _ensure_database(self) -> None:
        failure = await wire.run(self.socket_dir, _USER, f"CREATE DATABASE {_DATABASE}")
        if failure not in (None, _DUPLICATE_DATABASE):
            raise self._failed(f"the database could not be created (SQLSTATE {failure})")

    def _failed(self, what: str) -> Unavailable:
        return Unavailable(what, str(self._root), f"read {self._root / 'server.log'}")


def _pid_in(pid_file: Path) -> int | None:
    try:
        return int(pid_file.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def _is_postgres(pid: int) -> bool:
    try:
        return b"postgres" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
