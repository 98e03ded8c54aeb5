"""Commands seen from outside: an empty machine, the schema up and down, readers that leave, streams that are closed."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from pms_sync.store.schema import head
from tests.integration.command_line import HOTEL, MASTER_KEY, Machine, ended, failing
from tests.integration.conftest import run_sql


def shell(machine: Machine, line: str) -> subprocess.CompletedProcess[str]:
    """Run a line of bash in which `pms-sync` is the command; a pipe ends with the command's own code."""
    program = f'pms-sync() {{ "{sys.executable}" -m pms_sync "$@"; }}; set -o pipefail; {line}'
    return subprocess.run(
        ["bash", "-c", program],
        cwd=machine.folder,
        env=machine.environment(),
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_an_empty_machine_needs_nothing_but_accounts(bare_machine: Machine) -> None:
    """Doctor says so; a private master key stands beside the new database, and lists are empty, not findings."""
    told = bare_machine.run("doctor", "--json")
    assert (told.code, failing(told.document)) == (1, ["accounts"])
    assert set(told.document) == {"items", "database"}
    assert all(set(item) == {"check", "ok", "detail", "remedy"} for item in told.document["items"])
    assert set(told.document["database"]) == {"dsn", "version"}
    assert told.document["database"]["dsn"].startswith("postgresql://pms@/pms_sync?host=/")
    assert stat.S_IMODE((bare_machine.data_dir / "master.key").stat().st_mode) == 0o600
    assert bare_machine.json("accounts", "list") == {"items": []}


def test_two_first_commands_share_one_machine(bare_machine: Machine) -> None:
    """Neither trips over the other's database, schema or master key."""
    children = [bare_machine.start("accounts", "list", "--json") for _ in range(2)]
    for told in map(ended, children):
        assert told.code == 0, told
        assert told.document == {"items": []}


def test_the_schema_goes_up_and_down(bare_machine: Machine, empty_database: str) -> None:
    """PUBLIC_SURFACE migrate: {"from","to","applied"}; `--to` an earlier revision goes down."""
    server = {"DATABASE_URL": empty_database, "MASTER_KEY": MASTER_KEY}

    def migrated(*words: str) -> Any:
        return bare_machine.invoke("migrate", *words, "--json", **server).document

    up = bare_machine.json("migrate", **server)
    every = up["applied"]
    assert up == {"from": None, "to": head(), "applied": every}
    assert every[-1] == head()
    assert migrated() == {"from": head(), "to": head(), "applied": []}
    assert migrated("--to", every[2]) == {"from": head(), "to": every[2], "applied": every[3:]}
    assert migrated("--to", "base") == {"from": every[2], "to": None, "applied": every[:3]}
    assert bare_machine.invoke("migrate", **server).stdout == f"The schema went from nothing to {head()}.\n"
    assert bare_machine.invoke("migrate", **server).stdout == f"The schema is at {head()} already.\n"


@pytest.mark.parametrize(
    ("answer", "words", "code"), [("n\n", (), 2), ("\n", (), 2), ("y\n", (), 0), ("", ("--yes",), 0)]
)
def test_on_a_terminal_nothing_is_destroyed_unasked(
    machine: Machine, answer: str, words: tuple[str, ...], code: int
) -> None:
    """In a pipe nobody could answer, and a script means what it says."""
    keyboard, terminal = os.openpty()
    try:
        os.write(keyboard, answer.encode())
        done = subprocess.run(
            [sys.executable, "-m", "pms_sync", "migrate", "--to", "base", "--json", *words],
            cwd=machine.folder,
            env=machine.environment(),
            stdin=terminal,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    finally:
        os.close(keyboard)
        os.close(terminal)
    assert done.returncode == code, done
    assert ("destroys data" in done.stderr) is (not words)
    if code:
        assert '"what": "nothing was changed"' in done.stderr
    assert machine.json("migrate")["from"] == (head() if code else None)


def test_who_only_reads_writes_no_hotel_file(machine: Machine) -> None:
    """Nor does a hotel file that is wrong keep anybody from looking; the commands that use it say so."""
    machine.write_hotels(prado=HOTEL)
    for words in ("explain 7", "cases list", "push list", "users list", "decisions list", "doctor"):
        machine.invoke(*words.split())
    assert machine.invoke("cases", "list", "--json").document == {"items": []}
    machine.write_hotels(prado="tenant=")
    assert machine.invoke("push", "list", "--json").code == 0
    assert machine.invoke("poll-once").code == 2
    machine.write_hotels(prado=HOTEL.replace("P1", "P9"))
    [only] = machine.invoke("accounts", "list", "--json").document["items"]
    assert only["property"] == "P9"


def test_a_revision_that_does_not_exist_changes_nothing(machine: Machine) -> None:
    for revision in ("", "9999", "None", "+1", "0001:0003", "'; DROP TABLE x", "a\0b", "\x1b[31m", "x" * 9000):
        told = machine.invoke("migrate", "--to", revision, "--json")
        assert (told.code, told.error["where"]) == (2, "--to"), revision
    assert machine.invoke("migrate", "--json").document["applied"] == []


def test_a_schema_of_a_later_version_is_left_alone(machine: Machine, migrated_database: str) -> None:
    asyncio.run(run_sql(migrated_database, "UPDATE alembic_version SET version_num = 'future'"))
    told = machine.invoke("migrate", "--json")
    assert told.code == 2
    assert "which this version does not know" in told.error["what"]
    refused = machine.invoke("accounts", "list", "--json")
    assert (refused.code, refused.error["remedy"]) == (3, "run pms-sync migrate")


@pytest.mark.parametrize(
    ("words", "code"), [("--help", 0), ("connectors list --json", 0), ("accounts list", 0), ("doctor", 1)]
)
def test_a_reader_that_leaves_changes_no_exit_code(machine: Machine, words: str, code: int) -> None:
    done = shell(machine, f"pms-sync {words} | true")
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
@pytest.mark.parametrize(
    "words", ["accounts list --json", "connectors list", "--help", "accounts --help", "migrate --help", "--version"]
)
def test_a_full_disk_is_told(machine: Machine, words: str) -> None:
    done = shell(machine, f"pms-sync {words} > /dev/full")
    assert done.returncode == 3
    assert json.loads(done.stderr)["error"]["where"] == "stdout"


@pytest.mark.parametrize("closing", [">&-", "<&- >&- 2>&-"])
def test_a_stream_that_is_closed_is_like_one_nobody_reads(machine: Machine, closing: str) -> None:
    """The first socket must not become our stdout."""
    done = shell(machine, f"pms-sync accounts list --json {closing}")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("words", ["nothing", "map beds24 -"])
def test_an_error_that_nobody_reads_keeps_its_code(machine: Machine, words: str) -> None:
    done = shell(machine, f"pms-sync {words} <&- 2>&-")
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "")


@pytest.mark.parametrize("words", ["map beds24 $'/x\\xff' --json", "explain $'\\xff\\x1b[31m'"])
def test_bytes_that_are_no_letters_are_told_in_ascii(machine: Machine, words: str) -> None:
    done = shell(machine, f"LC_ALL=C.UTF-8 pms-sync {words}")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.rstrip("\n").isprintable()
    assert json.loads(done.stderr)["error"]["remedy"]


def test_the_daemon_is_refused_a_port_that_is_taken(machine: Machine) -> None:
    """Exit 2, no ready line, and the address is named."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        told = machine.run("run", BIND=bind)
    assert (told.code, told.error["where"]) == (2, "PMS_SYNC_BIND")
    assert bind in told.error["what"]


async def test_no_command_leaves_a_connection_behind(machine: Machine, migrated_database: str) -> None:
    machine.json("accounts", "list")
    connection = await asyncpg.connect(migrated_database)
    try:
        others = await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    finally:
        await connection.close()
    assert others == 0
