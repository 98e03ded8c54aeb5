"""Spent: processor time of this program and of its server, which a busy machine falsifies less than a clock."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress

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
    """Add up the server's processes; those that ended, be it while we look, are counted by their parent."""
    return sum(_of(one) for one in psutil.Process().children(recursive=True))


def _of(one: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        if one.name() == "postgres":
            used = one.cpu_times()
            return float(used.user + used.system + used.children_user + used.children_system)
    return 0.0
