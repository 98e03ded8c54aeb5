"""Checks of hotel files that need more than a shape: zones, currencies, codes used twice or never defined."""

from __future__ import annotations

import difflib
import zoneinfo
from collections import Counter
from collections.abc import Collection, Iterable
from functools import cache
from urllib.parse import urlsplit

from config.faults import Faults
from pms_sync.domain.money import CURRENCIES
from pms_sync.domain.signing import signing_key


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


def web_address(url: str, where: str, faults: Faults) -> None:
    """Accept an address that a request can be sent to; a password in it would be shown wherever the address is."""
    try:
        parts = urlsplit(url)
        fits = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        parts, fits = None, False
    if parts is None or not fits:
        faults.add("not a web address", where, "begin it with https://")
    elif "@" in parts.netloc or parts.fragment:
        faults.add("carries a password or a fragment", where, "leave out everything before @ and after #")


def signing_secret(text: str, where: str, faults: Faults) -> None:
    """Accept a Standard Webhooks secret; the fault does not repeat it."""
    try:
        signing_key(text)
    except ValueError as error:
        remedy = "write whsec_ and 24 to 64 random bytes in base64, as `openssl rand -base64 32` makes them"
        faults.add(f"the secret {error}", where, remedy)


@cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def _close(name: str, choice: Collection[str]) -> str:
    near = difflib.get_close_matches(name, choice, n=1)
    return f"did you mean {near[0]}?" if near else ""
