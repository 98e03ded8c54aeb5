"""Freshness: is a record newer than what we hold? Decided by ticket, version and content, never by arrival."""

from __future__ import annotations

from typing import Protocol

from pms_sync.apply.incoming import Outcome


class Seen(Protocol):
    """What a link remembers of the last read."""

    @property
    def remote_digest(self) -> bytes | None:
        """Digest of the record as last seen."""

    @property
    def remote_version(self) -> str | None:
        """The vendor's version of it."""

    @property
    def read_ticket(self) -> int:
        """Ticket of that read."""

    @property
    def version_doubt(self) -> str | None:
        """A lower version seen since, waiting to be repeated."""


def judge(seen: Seen | None, *, digest: bytes, version: str, ticket: int, direct: bool) -> Outcome | None:
    """Return why the record must not be applied, or None when it is to be applied.

    Equal bytes are a duplicate of the current state only, so A, B, A is three changes (DUP-03). A lower version from
    a later read is doubted once and believed when a direct read repeats it, since vendor clocks step back (ORD-06).
    """
    if seen is None or seen.remote_digest is None:
        return None
    if seen.remote_digest == digest:
        return Outcome.DUPLICATE
    if ticket < seen.read_ticket:
        return Outcome.OUTRUN
    if seen.remote_version is not None and version < seen.remote_version:
        return None if direct and seen.version_doubt == version else Outcome.STALE
    return None
