"""The moment between fork and exec: become somebody PostgreSQL accepts, and die with the owner.

PostgreSQL refuses uid 0. Root therefore becomes nobody inside a private user namespace, where its own files look like
nobody's and nothing on the machine changes hands (DEPENDENCIES §1).
"""

from __future__ import annotations

import contextlib
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
_ORPHAN = 98

_libc = ctypes.CDLL(None, use_errno=True)


def as_ourselves() -> Callable[[], None]:
    """Return a preexec function for an ordinary user: nobody else to become."""
    owner = os.getpid()

    def become() -> None:
        os.setsid()  # ctrl-C reaches the owner only
        _die_with(owner)

    return become


def as_namespace_user() -> Callable[[], None]:
    """Return a preexec function for root; the child exits with UNSHARE_REFUSED where namespaces are not allowed."""
    uid, gid, owner = os.geteuid(), os.getegid(), os.getpid()

    def become() -> None:
        os.setsid()
        if sys.platform != "linux" or _libc.unshare(_CLONE_NEWUSER):
            os._exit(UNSHARE_REFUSED)
        try:
            _write("/proc/self/setgroups", "deny")
            _write("/proc/self/uid_map", f"{_NOBODY_IN_NAMESPACE} {uid} 1")
            _write("/proc/self/gid_map", f"{_NOBODY_IN_NAMESPACE} {gid} 1")
        except OSError:
            os._exit(UNSHARE_REFUSED)
        _die_with(owner)

    return become


def as_user(uid: int) -> Callable[[], None]:
    """Return a preexec function for root that changes to an ordinary user for good."""
    gid, owner = group_of(uid), os.getpid()

    def become() -> None:
        os.setsid()
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
        _die_with(owner)

    return become


def nobody() -> int:
    """Return the uid of the user nobody."""
    return pwd.getpwnam("nobody").pw_uid


def group_of(uid: int) -> int:
    """Return a user's own group; a uid without an entry has a group of the same number."""
    try:
        return pwd.getpwuid(uid).pw_gid
    except KeyError:
        return uid


def give(path: Path, uid: int) -> None:
    """Hand a path, and what is in it, to a user, where it is not theirs already."""
    for each in (path, *(path.rglob("*") if path.is_dir() else ())):
        with contextlib.suppress(FileNotFoundError):  # a socket or log that went away meanwhile
            if each.lstat().st_uid != uid:
                os.chown(each, uid, group_of(uid), follow_symlinks=False)


def _die_with(owner: int) -> None:
    """Ask for a fast shutdown when the spawning thread ends; it must be the main one."""
    if sys.platform == "linux":
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGINT)
        if os.getppid() != owner:  # it died before we could ask
            os._exit(_ORPHAN)


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="ascii") as target:  # noqa: PTH123 - between fork and exec, as little as possible
        target.write(text)
