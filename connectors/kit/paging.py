"""A guard against vendors whose pages never end: the same page again is a fault, not a long list."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable

from pms_sync.domain.errors import Disposition, VendorFault

_WALKS = 16


class PageGuard:
    """Remembers the pages of the last walks; reading a page again after a failure is allowed."""

    def __init__(self, most_pages: int = 10_000) -> None:
        """Allow a walk at most so many pages."""
        self._most_pages = most_pages
        self._walks: dict[Hashable, dict[str, bytes]] = {}

    def check(
        self, walk: Hashable, token: str | None, rows: Iterable[bytes], following: str | None, where: str
    ) -> None:
        """Take note of a page and of the token that should follow; raises VendorFault (ABORT) when that is a loop.

        `token` is None on the first page of a walk, which forgets what an earlier walk of that name saw.
        """
        seen = self._pages(walk, token)
        if not seen and following is None:  # the whole of it on one page, which is nearly always
            self._walks.pop(walk, None)
            return
        digest = _digest(rows)
        name = token or ""
        if any(digest == other for page, other in seen.items() if page != name):
            raise _endless("two pages hold the very same rows", where)
        seen[name] = digest
        if following is None:
            self._walks.pop(walk, None)
            return
        order = list(seen)
        if following == token or (following in seen and order.index(following) < order.index(name)):
            raise _endless("the next page is one that was read already", where)
        if len(seen) >= self._most_pages:
            raise _endless(f"no end after {self._most_pages} pages", where)

    def _pages(self, walk: Hashable, token: str | None) -> dict[str, bytes]:
        """Find a walk, or begin it; the oldest walk makes room."""
        if token is None:
            self._walks.pop(walk, None)
        while walk not in self._walks and len(self._walks) >= _WALKS:
            self._walks.pop(next(iter(self._walks)))
        return self._walks.setdefault(walk, {})


def _digest(rows: Iterable[bytes]) -> bytes:
    summed = hashlib.blake2b(digest_size=16)
    for row in rows:
        summed.update(b"%d:" % len(row))
        summed.update(row)
    return summed.digest()


def _endless(what: str, where: str) -> VendorFault:
    remedy = "the run ends and its progress stays; tell the vendor if it happens again"
    return VendorFault(f"paging runs in a circle: {what}", where, remedy, disposition=Disposition.ABORT)
