"""Planned misbehaviour: which fault strikes which call, how often, decided by a seeded dice."""

from __future__ import annotations

import random
from collections.abc import Collection
from fnmatch import fnmatchcase
from typing import Literal

import msgspec

Kind = Literal[
    "status",
    "delay",
    "drop_before",
    "drop_after",
    "html",
    "truncate",
    "stale_read",
    "expire_token",
    "webhook_drop",
    "webhook_duplicate",
    "webhook_reorder",
    "webhook_delay",
]


class Match(msgspec.Struct, forbid_unknown_fields=True):
    """Which calls a fault concerns; `path` is a prefix or a glob, absent means any."""

    method: str | None = None
    path: str | None = None

    def fits(self, method: str, paths: Collection[str]) -> bool:
        """Tell whether a call, known under one or more paths, is meant."""
        if self.method and self.method.upper() != method.upper():
            return False
        wanted = self.path
        return not wanted or any(path.startswith(wanted) or fnmatchcase(path, wanted) for path in paths)


class Fault(msgspec.Struct, forbid_unknown_fields=True):
    """One planned fault; `times` absent = until cleared, `probability` absent = always.

    `after`: the call is carried out first, then its answer is replaced or held back (status, html, delay).
    """

    kind: Kind
    match: Match | None = None
    status: int | None = None
    headers: dict[str, str] | None = None
    seconds: float | None = None
    times: int | None = None
    probability: float | None = None
    after: bool = False


class FaultPlan:
    """The active faults; a fault whose `times` are used up is gone."""

    def __init__(self, seed: int) -> None:
        """Begin without faults, with a dice of the given seed."""
        self._dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self.active: list[Fault] = []

    def replace(self, faults: list[Fault]) -> None:
        """Put new faults in the place of all old ones."""
        self.active = list(faults)

    def reseed(self, seed: int) -> None:
        """Start the dice anew and clear all faults."""
        self._dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self.active = []

    def strike(self, kinds: Collection[str], method: str, paths: Collection[str]) -> list[Fault]:
        """Return the faults that hit this call, counting them as used."""
        struck = [fault for fault in self.active if fault.kind in kinds and self._hits(fault, method, paths)]
        self.active = [fault for fault in self.active if fault.times is None or fault.times > 0]
        return struck

    def _hits(self, fault: Fault, method: str, paths: Collection[str]) -> bool:
        if fault.match is not None and not fault.match.fits(method, paths):
            return False
        if fault.times is not None and fault.times <= 0:
            return False
        if fault.probability is not None and self._dice.random() >= fault.probability:
            return False
        if fault.times is not None:
            fault.times -= 1
        return True
