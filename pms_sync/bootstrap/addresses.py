"""Addresses: a database address as people may see it."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit


def without_password(dsn: str) -> str:
    """Return the address with nothing secret in it."""
    parts = urlsplit(dsn)
    _, at, host = parts.netloc.rpartition("@")
    user = parts.username or ""
    query = "&".join(part for part in parts.query.split("&") if part and "password" not in part.lower())
    return urlunsplit(parts._replace(netloc=f"{user}{at}{host}", query=query))
