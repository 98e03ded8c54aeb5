"""The table of commands: what is there, what comes later, what each says of itself, and what it costs to start."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from pms_sync.cli import output
from pms_sync.cli.main import COMMANDS, main

ROOT = Path(__file__).parents[2]
RECORD = str(ROOT / "tests" / "fixtures" / "beds24" / "confirmed.json")
SURFACE = """
run migrate doctor accounts map poll-once backfill reconcile replay push cases explain simulate connectors users
decisions export-guest erase-guest rotate-keys verify-audit audit demo
""".split()
LATER = [name for name, command in COMMANDS.items() if command.module is None]
VENDORS = re.compile("beds24|mews|cloudbeds|opera(?!t)", re.IGNORECASE)
STORE = ("asyncpg", "sqlalchemy", "alembic", "cryptography", "pms_sync.store", "pms_sync.bootstrap")
WIRE = ("aiohttp", "httpx")
SETTINGS = ("pydantic", "structlog")
BUILT = ("jinja2", "apscheduler", "prometheus_client")


def invoke(*words: str) -> Result:
    """Run the command line without a process; one that reached for a store would fail at once."""
    bare = {name: None for name in os.environ if name.startswith("PMS_SYNC_")}
    return CliRunner(env={**bare, "PMS_SYNC_DATA_DIR": os.devnull}).invoke(main, list(words))


def leaves(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Walk to every command that can be run."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from leaves(command, (*path, name))
        elif not command.hidden:
            yield (*path, name), command


RUNNABLE = dict(leaves(main))
EVERY = pytest.mark.parametrize("path", RUNNABLE, ids=" ".join)


def test_the_table_holds_every_command_of_the_public_surface() -> None:
    assert set(SURFACE) == set(COMMANDS)


@pytest.mark.parametrize("name", LATER)
@pytest.mark.parametrize("rest", [(), ("--help",), ("--json",), ("list", "--state", "open", "-x"), ("--", "\x1b[31m")])
def test_what_comes_later_says_so_whatever_its_arguments(name: str, rest: tuple[str, ...]) -> None:
    result = invoke(name, *rest)
    assert (result.exit_code, result.stdout) == (output.USAGE, "")
    assert f"{name} is not built yet" in result.stderr


def test_a_connector_cannot_be_begun_yet() -> None:
    result = invoke("connectors", "new", "innbox")
    assert result.exit_code == output.USAGE
    assert "new is not built yet" in result.stderr


def test_help_offers_what_can_be_run_and_nothing_else() -> None:
    offered = invoke("--help").stdout
    assert all(f"\n  {name} " in offered for name, command in COMMANDS.items() if command.module)
    assert not [name for name in LATER if f"\n  {name} " in offered]
    assert " new" not in invoke("connectors", "--help").stdout.partition("Commands:")[2]


@EVERY
def test_every_command_helps_with_an_example_that_it_understands(path: tuple[str, ...]) -> None:
    result = invoke(*path, "--help")
    assert result.exit_code == output.OK
    _, _, example = (RUNNABLE[path].help or "").partition("Example: ")
    line, _, _ = example.partition(" < ")
    words = [word for word in shlex.split(line) if not word.startswith("PMS_SYNC_")]
    assert tuple(words[: len(path) + 1]) == ("pms-sync", *path)
    RUNNABLE[path].make_context(path[-1], words[len(path) + 1 :])


@EVERY
def test_no_help_prefers_a_vendor(path: tuple[str, ...]) -> None:
    assert not VENDORS.search(invoke(*path, "--help").stdout)


@EVERY
def test_every_command_can_answer_with_one_document(path: tuple[str, ...]) -> None:
    """Only the daemon cannot: its line is JSON in any case."""
    options = {option for parameter in RUNNABLE[path].params for option in parameter.opts}
    assert ("--json" in options) == (path != ("run",))


@pytest.mark.parametrize("group", ["accounts", "connectors"])
def test_a_group_without_a_command_shows_its_help(group: str) -> None:
    result = invoke(group)
    assert (result.exit_code, result.stdout) == (output.USAGE, "")
    assert "Commands:" in result.stderr


def test_the_version_is_that_of_the_package() -> None:
    result = invoke("--version")
    assert result.exit_code == output.OK
    assert version("pms-sync") in result.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("nothing",),
        ("\x1b[31mred",),
        ("--nothing",),
        ("doctor", "surplus"),
        ("accounts", "nothing"),
        ("accounts", "mode", "x", "loud"),
        ("accounts", "add"),
        ("backfill",),
        ("backfill", "--account"),
        ("replay",),
        ("simulate",),
        ("simulate", "nowhere", "--port", "70000"),
        ("simulate", "nowhere", "--port", "-1"),
        ("simulate", "nowhere", "--seed", "one"),
        ("connectors", "certify"),
        ("explain",),
        ("map", "nowhere"),
        ("demo", "--seconds", "9"),
        ("migrate", "--nothing"),
    ],
    ids=repr,
)
def test_a_line_that_is_no_command_is_told_in_one_error(words: tuple[str, ...]) -> None:
    """Exit 2, nothing on stdout, and a remedy; what was typed moves no cursor."""
    result = invoke(*words, "--json")
    assert (result.exit_code, result.stdout) == (output.USAGE, "")
    assert result.stderr.startswith('{"error": {"what": "')
    assert '"remedy": "s' in result.stderr
    assert "\x1b" not in result.stderr


@pytest.mark.parametrize(
    ("line", "not_needed"),
    [
        ("--version", STORE + WIRE + SETTINGS + BUILT),
        ("--help", STORE + WIRE + SETTINGS + BUILT),
        (f"map beds24 {RECORD} --json", STORE + WIRE + SETTINGS + BUILT),
        ("verify-audit", STORE + WIRE + SETTINGS + BUILT),
        ("connectors list", STORE[:-1] + WIRE + SETTINGS + BUILT),
        ("simulate --help", STORE + WIRE + SETTINGS + BUILT),
        ("simulate nowhere", STORE + WIRE + SETTINGS + BUILT),
        ("migrate --help", BUILT[:2]),
        ("accounts --help", BUILT[:2]),
        ("doctor --help", BUILT[:2]),
    ],
)
def test_a_command_loads_no_more_than_it_needs(line: str, not_needed: tuple[str, ...]) -> None:
    program = (
        "import sys\nfrom pms_sync.cli.main import main\n"
        "try:\n    main(sys.argv[1:])\nexcept SystemExit:\n    pass\n"
        "print('LOADED', *sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *shlex.split(line)],
        cwd=ROOT,
        env={name: text for name, text in os.environ.items() if not name.startswith("PMS_SYNC_")},
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    loaded = done.stderr.splitlines()[-1].split()
    assert loaded[0] == "LOADED"
    assert not set(not_needed) & set(loaded)
