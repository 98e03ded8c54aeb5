"""The moment between fork and exec: become somebody PostgreSQL accepts, and die with the owner."""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import sys
from collections.abc import Callable
from pathlib import Path

_CLONE_NEWUSER, _PR_SET_PDEATHSIG = 0x10000000, 1
_NOBODY_IN_NAMESPACE = 65534
UNSHARE_REFUSED = 97

_libc = ctypes.CDLL(None, use_errno=True)


def as_namespace_user() -> Callable[[], None]:
    """Return a preexec function: root becomes nobody in a private user namespace, so no file changes hands.

    PostgreSQL refuses uid 0. The child exits with UNSHARE_REFUSED where user namespaces are not allowed.
    """
    uid, gid, root = os.geteuid(), os.getegid(), os.geteuid() == 0

    def become() -> None:
        os.setsid()  # ctrl-C reaches the owner only
        if root and sys.platform == "linux":
            if _libc.unshare(_CLONE_NEWUSER):
                os._exit(UNSHARE_REFUSED)
            _write("/proc/self/setgroups", "deny")
            _write("/proc/self/uid_map", f"{_NOBODY_IN_NAMESPACE} {uid} 1")
            _write("/proc/self/gid_map", f"{_NOBODY_IN_NAMESPACE} {gid} 1")
        _die_with_owner()

    return become


def as_nobody() -> Callable[[], None]:
    """Return a preexec function for root where namespaces are refused: a plain change of user."""
    nobody = pwd.getpwnam("nobody")

    def become() -> None:
        os.setsid()
        os.setgroups([])
        os.setgid(nobody.pw_gid)
        os.setuid(nobody.pw_uid)
        _die_with_owner()

    return become


def give_to_nobody(folder: Path) -> None:
    """Hand a folder and what is in it to the user nobody."""
    nobody = pwd.getpwnam("nobody")
    for path in (folder, *folder.rglob("*")):
        os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)


def _die_with_owner() -> None:
    """Ask for a fast shutdown when the spawning thread ends; it must be the main one."""
    if sys.platform == "linux":
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as target:  # noqa: PTH123 - between fork and exec, as little as possible
        target.write(text)
