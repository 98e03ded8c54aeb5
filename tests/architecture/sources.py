"""The project's own source files, for tests that read them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("pms_sync", "connectors", "mappers", "conflict", "config")


def modules(*folders: str) -> Iterator[Path]:
    """Return the Python files below some top-level folders, by default those of all packages."""
    for folder in folders or PACKAGES:
        yield from sorted((ROOT / folder).rglob("*.py"))


def name(path: Path) -> str:
    """Return a file's place in the project, as shown when a test fails."""
    return path.relative_to(ROOT).as_posix()
