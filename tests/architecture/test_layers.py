"""The import contracts hold, and each of them catches what it is for.

A misspelt name in a `forbidden` contract passes in silence, so every contract must catch violations planted in a copy.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.architecture.sources import PACKAGES, ROOT

LINTER = Path(sys.executable).parent / "lint-imports"
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


class Plant(NamedTuple):
    """A module that must not be, and the contract that must say so."""

    contract: str
    module: str
    imported: str


PLANTS = [
    Plant("layers", "pms_sync.domain", "pms_sync.ports.connector"),
    Plant("layers", "pms_sync.ports", "pms_sync.observe.redact"),
    Plant("layers", "pms_sync.observe", "pms_sync.store.database"),
    Plant("layers", "pms_sync.store", "pms_sync.apply.batch"),
    Plant("layers", "pms_sync.store", "pms_sync.resilience.budget"),
    Plant("layers", "pms_sync.resilience", "pms_sync.bus.in_process"),
    Plant("layers", "pms_sync.bus", "config.settings"),
    Plant("layers", "conflict", "pms_sync.store.lanes"),
    Plant("layers", "config", "conflict.collisions"),
    Plant("layers", "pms_sync.apply", "pms_sync.ingest.worker"),
    Plant("layers", "pms_sync.auth", "pms_sync.web.access"),
    Plant("layers", "pms_sync.auth", "pms_sync.apply.batch"),
    Plant("layers", "pms_sync.api", "pms_sync.web.access"),
    Plant("plugins", "connectors.kit", "pms_sync.observe.redact"),
    Plant("plugins", "connectors.kit", "mappers.kit"),
    Plant("plugins", "mappers", "connectors.kit.rest"),
    Plant("plugins", "mappers", "conflict.collisions"),
    Plant("plugins", "pms_sync.embedded", "pms_sync.store.database"),
    Plant("named-by", "pms_sync.ingest", "connectors.kit.rest"),
    Plant("named-by", "pms_sync.apply", "mappers.kit"),
    Plant("named-by", "pms_sync.cli", "pms_sync.embedded.server"),
    Plant("vendors", "connectors.mews", "connectors.beds24.planted"),
    Plant("vendors", "connectors.kit", "connectors.mews.planted"),
    Plant("mapper-vendors", "mappers.mews", "mappers.beds24.words"),
    Plant("mapper-vendors", "mappers.beds24", "mappers.mews.planted"),
    Plant("simulators-apart", "connectors.beds24.simulator", "connectors.beds24.planted"),
    Plant("simulators-apart", "connectors.beds24.simulator", "connectors.kit.rest"),
    Plant("connectors-apart", "connectors.beds24", "connectors.beds24.simulator.planted"),
    Plant("sql", "pms_sync.observe", "sqlalchemy"),
    Plant("sql", "pms_sync.ingest", "asyncpg"),
    Plant("sql", "pms_sync.embedded", "asyncpg"),
    Plant("sql", "pms_sync.cli", "alembic"),
    Plant("sql", "connectors.kit", "asyncpg"),
    Plant("breaker", "pms_sync.resilience", "pybreaker"),
    Plant("pure", "pms_sync.domain", "time"),
    Plant("pure", "pms_sync.domain", "asyncio"),
    Plant("pure", "mappers", "random"),
    Plant("pure", "mappers", "pathlib"),
    Plant("pure", "conflict", "logging"),
    Plant("pure", "conflict", "structlog"),
]


def lint(folder: Path) -> tuple[int, str]:
    """Run the linter in a folder; returns its exit code and what it said, on unbroken lines."""
    done = subprocess.run(
        [LINTER, "--no-cache", "--no-logo"], cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    return done.returncode, re.sub(r"\s+", " ", done.stdout + done.stderr)


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Plant every violation at once in a copy of the project and return what the linter says."""
    copy = tmp_path_factory.mktemp("planted")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    for plant in PLANTS:
        folder = copy.joinpath(*plant.module.split("."))
        folder.mkdir(exist_ok=True)
        (folder / "__init__.py").touch()
        with (folder / "planted.py").open("a") as module:
            module.write(f"import {plant.imported}\n")
    code, said = lint(copy)
    assert code == 1, said
    return said


def test_every_contract_is_kept() -> None:
    code, said = lint(ROOT)
    assert code == 0, said


@pytest.mark.parametrize(
    "plant", PLANTS, ids=lambda plant: f"{plant.contract}: {plant.module} imports {plant.imported}"
)
def test_a_planted_violation_is_caught(findings: str, plant: Plant) -> None:
    names = [contract["name"] for contract in CONTRACTS]
    name = next(contract["name"] for contract in CONTRACTS if contract["id"] == plant.contract)
    assert f"{name} BROKEN" in findings
    details = findings.partition("Broken contracts")[2]
    others = "|".join(re.escape(other) for other in names if other != name)
    section = re.split(f"{others}", details.partition(name)[2])[0]
    assert f"{plant.module}.planted -> {plant.imported} (" in section


def test_every_contract_has_a_planted_violation() -> None:
    assert {contract["id"] for contract in CONTRACTS} == {plant.contract for plant in PLANTS}


def test_every_room_of_the_daemon_stands_in_the_layers() -> None:
    """A room nobody placed would be free of rules."""
    named = set(re.findall(r"[\w.]+", " ".join(row for c in CONTRACTS for row in c.get("layers", ()))))
    inside = [path for path in (ROOT / "pms_sync").iterdir() if path.is_dir() or path.suffix == ".py"]
    rooms = {f"pms_sync.{path.stem}" for path in inside if path.name not in {"__init__.py", "__pycache__"}}
    assert rooms
    assert not rooms - named
