"""Spent: processor time of this program and of its server, which a busy machine falsifies less than a clock."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
import psutil

_MICRO = 1e6


class Spent(msgspec.Struct, kw_only=True):
    """Seconds of processor time; `client` is the program that measures."""

    client: float = 0.0
    server: float = 0.0

    def each(self, records: int) -> dict[str, float]:
        """Return microseconds per record."""
        return {"client": round(self.client / records * _MICRO, 1), "server": round(self.server / records * _MICRO, 1)}


@contextmanager
def spending() -> Iterator[Spent]:
    """Fill the given object when the block ends."""
    spent, client, server = Spent(), own(), _server()
    yield spent
    spent.client, spent.server = own() - client, _server() - server


def own() -> float:
    """Return the processor time of this program so far."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _server() -> float:
    """Add up the server's processes; those that ended are counted by their parent."""
    found = [one.cpu_times() for one in psutil.Process().children(recursive=True) if one.name() == "postgres"]
    return sum(one.user + one.system + one.children_user + one.children_system for one in found)
