"""Sizes: a module is a room, a function fits on a screen (ARCHITECTURE §2)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, modules, name

LARGEST_ROOM, LARGEST_PLUGIN_ROOM, LONGEST_FUNCTION = 400, 300, 50
PLUGIN_ROOMS = {"connector.py", "door.py", "mapper.py"}


def limit(path: Path) -> int:
    in_plugin = path.relative_to(ROOT).parts[0] in {"connectors", "mappers"}
    return LARGEST_PLUGIN_ROOM if in_plugin and path.name in PLUGIN_ROOMS else LARGEST_ROOM


def long_functions(text: str) -> list[str]:
    """Return the functions of a module that are too long, with their line and length."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > LONGEST_FUNCTION:
                found.append(f"{node.name} (line {node.lineno}, {length} lines)")
    return found


def test_no_room_is_too_large() -> None:
    sizes = {path: len(path.read_text().splitlines()) for path in modules()}
    assert not {name(path): size for path, size in sizes.items() if size > limit(path)}


def test_no_function_is_too_long() -> None:
    found = {name(path): long_functions(path.read_text()) for path in modules(*_with_tests())}
    assert not {path: functions for path, functions in found.items() if functions}


def test_a_long_function_would_be_seen() -> None:
    body = "\n".join(f"    x{number} = {number}" for number in range(LONGEST_FUNCTION))
    assert long_functions(f"async def long():\n{body}\n") == ["long (line 1, 51 lines)"]
    assert not long_functions(f"def fits():\n{body.rpartition(chr(10))[0]}\n")


@pytest.mark.parametrize("path", list(modules()), ids=name)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text())), f"{name(path)} has no docstring"


def test_the_folder_of_migrations_is_no_package() -> None:
    """With an __init__ it would shadow the library of the same name (DEPENDENCIES §12)."""
    assert not (ROOT / "alembic" / "__init__.py").exists()


def _with_tests() -> tuple[str, ...]:
    return ("pms_sync", "connectors", "mappers", "conflict", "config", "alembic", "tests")
