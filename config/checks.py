"""Checks of hotel files that need more than a shape: zones, currencies, codes used twice or never defined."""

from __future__ import annotations

import difflib
import zoneinfo
from collections import Counter
from collections.abc import Collection, Iterable
from functools import cache

from config.faults import Faults
from pms_sync.domain.money import CURRENCIES


def zone(name: str, where: str, faults: Faults) -> None:
    """Accept an IANA zone name."""
    if name not in _zones():
        faults.add(f"{name!r} is not an IANA time zone", where, _close(name, _zones()) or "for example Europe/Madrid")


def currency(code: str, where: str, faults: Faults) -> None:
    """Accept an ISO 4217 code."""
    if code not in CURRENCIES:
        faults.add(f"{code!r} is not an ISO 4217 currency", where, _close(code, CURRENCIES) or "for example EUR")


def unique(codes: Iterable[str], kind: str, where: str, faults: Faults) -> None:
    """Refuse a code that stands twice."""
    for code, times in sorted(Counter(codes).items()):
        if times > 1:
            faults.add(f"{kind} {code!r} stands {times} times", where, "keep one of them")


def known(codes: Iterable[str], defined: Collection[str], kind: str, where: str, faults: Faults) -> None:
    """Refuse a code that the property does not define."""
    for code in sorted(set(codes) - set(defined)):
        choice = ", ".join(sorted(defined)) or "none"
        faults.add(f"unknown {kind} {code!r}", where, f"defined are: {choice}")


@cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _close(name: str, choice: Collection[str]) -> str:
    near = difflib.get_close_matches(name, choice, n=1)
    return f"did you mean {near[0]}?" if near else ""
