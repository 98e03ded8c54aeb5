"""Packaging: the wheel carries what a running daemon needs, and the lock file can be given away."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from configparser import ConfigParser
from pathlib import Path

import pytest

from tests.architecture.sources import PACKAGES, ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """Build the wheel as an installer would."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=ROOT,
        check=True,
        capture_output=True,
        timeout=60,
    )
    return zipfile.ZipFile(next(folder.glob("*.whl")))


@pytest.mark.parametrize("package", PACKAGES)
def test_the_wheel_holds_every_module(wheel: zipfile.ZipFile, package: str) -> None:
    sources = {path.relative_to(ROOT).as_posix() for path in (ROOT / package).rglob("*.py")}
    assert sources
    assert sources <= set(wheel.namelist())


def test_the_wheel_holds_the_migrations_inside_our_own_package(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    assert "pms_sync/_alembic/env.py" in names
    revisions = {path.name for path in (ROOT / "alembic" / "versions").glob("*.py")}
    assert revisions
    assert {f"pms_sync/_alembic/versions/{revision}" for revision in revisions} <= set(names)
    assert not [one for one in names if one.startswith(("alembic/", "tests/"))]


def test_the_wheel_holds_the_example_of_a_hotel(wheel: zipfile.ZipFile) -> None:
    assert "config/examples/prado.toml" in wheel.namelist()


def test_the_wheel_holds_the_pages(wheel: zipfile.ZipFile) -> None:
    folder = ROOT / "pms_sync" / "web"
    parts = [*(folder / "templates").iterdir(), *(folder / "static").iterdir()]
    files = {path.relative_to(ROOT).as_posix() for path in parts}
    assert files
    assert files <= set(wheel.namelist())


def test_the_wheel_announces_command_and_plugins(wheel: zipfile.ZipFile) -> None:
    told = ConfigParser()
    told.read_string(wheel.read(f"pms_sync-{PROJECT['version']}.dist-info/entry_points.txt").decode())
    assert told["console_scripts"]["pms-sync"] == "pms_sync.cli.main:main"
    for group in ("connectors", "mappers", "doors", "simulators"):
        assert "beds24" in told[f"pms_sync.{group}"]


def test_the_version_stands_in_one_number() -> None:
    told = re.search(r'__version__ = "(.+)"', (ROOT / "pms_sync" / "__init__.py").read_text())
    assert told
    assert told[1] == PROJECT["version"]


@pytest.mark.parametrize("lock", sorted(ROOT.glob("requirements*.lock")), ids=lambda path: path.name)
def test_a_lock_file_names_hashes_and_no_registry(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert "--index" not in text
    packages = re.findall(r"^[a-z0-9][^\s=]*==", text, re.MULTILINE)
    assert len(packages) > 20
    assert len(re.findall(r"^[a-z0-9].*\\\n    --hash=sha256:", text, re.MULTILINE)) == len(packages)


def test_the_lock_covers_every_dependency() -> None:
    locked = set(re.findall(r"^([a-z0-9][a-z0-9.-]*)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    wanted = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["dev"]
    names = {re.split(r"[\[<>=;, ]", each)[0].lower() for each in wanted}
    assert not names - locked


def test_every_dependency_has_a_lower_bound() -> None:
    groups = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    assert not [each for group in groups for each in group if ">=" not in each]
