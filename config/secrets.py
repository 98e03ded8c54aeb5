"""Secrets that hotel files only point at: read here, and never shown by a repr."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path

import msgspec

from config.faults import Faults


class Secret:
    """A text that prints as asterisks; `reveal` gives it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Keep the text."""
        self._text = text

    def reveal(self) -> str:
        """Return the text itself."""
        return self._text

    def __repr__(self) -> str:
        """Show that there is something, never what."""
        return "Secret('**')" if self._text else "Secret('')"


class Credentials:
    """The K=V of one account; prints its names only, `reveal` gives the values."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        """Keep a copy."""
        self._values = dict(values or {})

    def reveal(self) -> dict[str, str]:
        """Return the values by name."""
        return dict(self._values)

    def __bool__(self) -> bool:
        """Tell whether there are any."""
        return bool(self._values)

    def __repr__(self) -> str:
        """Show the names, never the values."""
        return f"Credentials({', '.join(sorted(self._values))})"


def read_credentials(path: Path, where: str, faults: Faults) -> Credentials:
    """Read a JSON object of texts; anything else is a fault that does not repeat the content.

    A file that others can read is a fault too, as `.env` is.
    """
    content = _content(path, where, faults)
    if content is not None and path.stat().st_mode & stat.S_IROTH:
        faults.add(f"others can read {path.name}", where, f"chmod 600 {path}")
        return Credentials()
    if content is None:
        return Credentials()
    try:
        return Credentials(msgspec.json.decode(content, type=dict[str, str]))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        remedy = 'write it as {"name": "value", …}, every value a text'
        faults.add(f"{path} is not a JSON object of texts", where, remedy)
        return Credentials()


def read_secret(path: Path, where: str, faults: Faults) -> Secret:
    """Read a secret's only line; an empty file is a fault."""
    content = _content(path, where, faults)
    text = (content or b"").decode(errors="replace").strip()
    if content is not None and not text:
        faults.add(f"{path} is empty", where, "put the secret into it")
    return Secret(text)


def _content(path: Path, where: str, faults: Faults) -> bytes | None:
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:  # the second: not even a file name
        why = getattr(error, "strerror", None) or "not a file name"
        faults.add(f"{path} cannot be read: {why}", where, "name a file this user can read")
        return None
