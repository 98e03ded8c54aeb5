"""E-mail addresses as names of people: one spelling for each, so that nobody exists twice; pure."""

from __future__ import annotations

import unicodedata

from pms_sync.domain.errors import ConfigurationFault

_LONGEST = 254


def spelt(text: str) -> str | None:
    """Return the one spelling of an address (composed, lower case), None for what can be none."""
    plain = unicodedata.normalize("NFKC", text).strip().lower()
    local, at, host = plain.rpartition("@")
    fits = bool(at and local and host) and len(plain) <= _LONGEST and plain.isprintable() and " " not in plain
    return plain if fits and "@" not in local else None


def checked(text: str) -> str:
    """Return the one spelling of an address; raises ConfigurationFault."""
    found = spelt(text)
    if found is None:
        raise ConfigurationFault(f"{text[:80]!r} is no e-mail address", "EMAIL", "write it as NAME@HOST")
    return found
