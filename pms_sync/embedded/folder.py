"""The data folder as several processes see it: who owns it, where the socket is, what an earlier server left."""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import subprocess
import tempfile
from pathlib import Path

from pms_sync.domain.errors import ConfigurationFault
from pms_sync.embedded import child

_LONGEST_SOCKET_DIR = 80  # a socket's whole path may have 107 characters
_SOCKET_DIR_LINE = 4  # of postmaster.pid


class Folder:
    """One data folder: `pgdata` beside a lock, a log and, where the path is short enough, the socket."""

    def __init__(self, root: Path) -> None:
        """Name the folder; nothing is made yet."""
        self.root = root.absolute()
        self.data = self.root / "pgdata"
        self.log = self.root / "server.log"
        self._lock: int | None = None
        self._users: int | None = None

    def make(self) -> None:
        """Make what is missing; raises ConfigurationFault where we may not."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unusable(self.root, error) from error
        if not os.access(self.root, os.R_OK | os.W_OK | os.X_OK):
            raise _unusable(self.root, PermissionError("no permission"))

    def user(self) -> int:
        """Return the uid the server must run under: whose files these are, root's being ours."""
        owner = (self.data if self.data.exists() else self.root).stat().st_uid
        return owner if os.geteuid() == 0 else os.geteuid()

    def socket_dir(self) -> Path:
        """Return where a server we start puts its socket: beside the data, or on a short private path."""
        beside = self.root / "socket"
        if len(str(beside)) <= _LONGEST_SOCKET_DIR:
            return beside
        name = f"pms-sync-{hashlib.sha256(str(self.root).encode()).hexdigest()[:16]}"
        temporary = Path(tempfile.gettempdir())
        return (temporary if len(str(temporary / name)) <= _LONGEST_SOCKET_DIR else Path("/tmp")) / name  # noqa: S108

    def make_socket_dir(self, uid: int) -> None:
        """Make the socket's folder for one user; one that a stranger made first under the temp folder is refused."""
        folder = self.socket_dir()
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in {os.geteuid(), uid}:
            what = f"{folder} belongs to somebody else"
            raise ConfigurationFault(what, "PMS_SYNC_DATA_DIR", "choose a data folder with a shorter path")
        folder.chmod(0o700)
        child.give(folder, uid)

    def shared_socket_dir(self) -> Path:
        """Return where the running server says its socket is (its temp folder may differ from ours)."""
        told = self._pid_lines()[_SOCKET_DIR_LINE : _SOCKET_DIR_LINE + 1]
        return Path(told[0]) if told and told[0] else self.socket_dir()

    def take(self) -> bool:
        """Become the owner, unless another living process is; the lock falls with the process."""
        if self._lock is not None:
            return True
        handle = self._open("lock")
        if not _locked(handle, fcntl.LOCK_EX):
            os.close(handle)
            return False
        self._lock = handle
        return True

    def leave(self) -> None:
        """Stop being the owner, or a user."""
        self.part()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def join(self) -> bool:
        """Be counted as a user of another's server, until we part or end; False while its owner is stopping it."""
        return self._lock_users(fcntl.LOCK_SH)

    def part(self) -> None:
        """Count as a user no more."""
        if self._users is not None:
            os.close(self._users)
            self._users = None

    def is_ours_alone(self) -> bool:
        """Tell whether nobody else is a user; from then on nobody can become one."""
        return self._lock_users(fcntl.LOCK_EX)

    def _lock_users(self, kind: int) -> bool:
        if self._users is None:
            self._users = self._open("users")
        if _locked(self._users, kind):
            return True
        self.part()
        return False

    def _open(self, name: str) -> int:
        path = self.root / name
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        child.give(path, self.user())
        return handle

    def predecessor(self) -> int | None:
        """Return the pid of a server that still runs on this folder; forget a pid file whose pid is somebody else's."""
        lines = self._pid_lines()
        pid = int(lines[0]) if lines and lines[0].isdigit() else None
        command = _command_of(pid) if pid else ""
        if pid and str(self.data) in command:
            return pid
        if command:  # the number was given to a stranger since: the server would take it for a rival
            (self.data / "postmaster.pid").unlink(missing_ok=True)
        return None

    def _pid_lines(self) -> list[str]:
        try:
            return (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []


def _locked(handle: int, kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _command_of(pid: int) -> str:
    """Return the command line of a living process, empty when there is none."""
    line = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self/cmdline").exists():
        try:
            return line.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    told = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)  # noqa: S603, S607
    return told.stdout


def _unusable(root: Path, error: OSError) -> ConfigurationFault:
    why = error.strerror or str(error)
    return ConfigurationFault(
        f"the data folder cannot be used: {why}", str(root), "set PMS_SYNC_DATA_DIR to a folder this user can write"
    )
