"""A server database at its address: away, refusing, behind, or no database at all; said alike by every command."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from pms_sync.store.schema import head
from tests.conftest import Postgres
from tests.integration.command_line import CLOSED, ID, MASTER_KEY, Machine
from tests.integration.conftest import run_sql, with_database

OVER_THE_STORE = [
    ("accounts", "list"),
    ("accounts", "add", "beds24", "--property", "P1", "--credential", "refresh_token=x"),
    ("accounts", "test", ID),
    ("accounts", "mode", ID, "live"),
    ("accounts", "pause", ID),
    ("accounts", "resume", ID),
    ("accounts", "rotate-secret", ID),
    ("poll-once",),
    ("backfill", "--account", ID),
    ("replay", "--parked"),
    ("replay", "--all"),
    ("explain", ID),
]
BOTH_DRIVERS = pytest.mark.parametrize("words", [("migrate",), ("accounts", "list")], ids=" ".join)


@pytest.mark.parametrize("words", OVER_THE_STORE, ids=" ".join)
def test_a_database_that_is_away_may_come_back(bare_machine: Machine, words: tuple[str, ...]) -> None:
    """Exit 3, and the password of the address is nowhere (SEC-14)."""
    told = bare_machine.invoke(*words, "--json", DATABASE_URL=CLOSED, MASTER_KEY=MASTER_KEY)
    assert (told.code, told.error["where"]) == (3, "PMS_SYNC_DATABASE_URL")
    assert "s3cr3t" not in told.stderr


@pytest.mark.parametrize("words", [("migrate",), ("run",)], ids=" ".join)
def test_migrate_and_run_say_the_same(bare_machine: Machine, words: tuple[str, ...]) -> None:
    told = bare_machine.run(*words, DATABASE_URL=CLOSED, MASTER_KEY=MASTER_KEY, BIND="127.0.0.1:0")
    assert (told.code, told.error["where"]) == (3, "PMS_SYNC_DATABASE_URL")


def test_a_database_that_was_never_migrated_is_told(bare_machine: Machine, empty_database: str) -> None:
    for words in OVER_THE_STORE:
        told = bare_machine.invoke(*words, "--json", DATABASE_URL=empty_database, MASTER_KEY=MASTER_KEY)
        assert (told.code, told.error["remedy"]) == (3, "run pms-sync migrate"), words


def test_the_daemon_does_not_migrate_a_server_database(bare_machine: Machine, empty_database: str) -> None:
    told = bare_machine.run("run", DATABASE_URL=empty_database, MASTER_KEY=MASTER_KEY, BIND="127.0.0.1:0")
    assert told.code == 3
    assert "pms-sync migrate" in told.error["remedy"]


@pytest.mark.parametrize("options", ["", "&sslmode=disable", "&application_name=pms"])
def test_the_driver_s_options_are_understood_everywhere(machine: Machine, migrated_database: str, options: str) -> None:
    """Whoever rents a database is given an address with `sslmode` in it."""
    address = migrated_database + options
    assert machine.invoke("migrate", "--json", DATABASE_URL=address).document["applied"] == []
    assert machine.invoke("accounts", "list", "--json", DATABASE_URL=address).document == {"items": []}


@BOTH_DRIVERS
def test_an_option_nobody_knows_is_a_matter_of_settings(
    machine: Machine, migrated_database: str, words: tuple[str, ...]
) -> None:
    for option in ("sslmode=perhaps", "colour=blue"):
        told = machine.invoke(*words, DATABASE_URL=f"{migrated_database}&{option}")
        assert (told.code, told.error["what"]) == (2, "the database address cannot be used"), option


@BOTH_DRIVERS
def test_a_server_that_refuses_says_what_it_refuses(
    machine: Machine, migrated_database: str, words: tuple[str, ...]
) -> None:
    stranger = machine.invoke(*words, DATABASE_URL=migrated_database.replace("pms@", "stranger@"))
    assert stranger.code == 3
    assert stranger.error["what"].startswith("the database refuses the login")
    elsewhere = machine.invoke(*words, DATABASE_URL=with_database(migrated_database, "elsewhere"))
    assert elsewhere.code == 3
    assert elsewhere.error["what"].startswith("the server has no database of that name")


async def test_a_login_without_rights_is_told_what_it_lacks(machine: Machine, postgres: Postgres) -> None:
    """It may neither make the roles nor become them."""
    server = postgres.dsn("postgres")
    login, name = f"plain_{os.getpid()}", f"theirs_{os.getpid()}"
    await run_sql(server, f"CREATE ROLE {login} LOGIN", f"CREATE DATABASE {name}")
    address = with_database(server, name).replace("pms@", f"{login}@")
    try:
        told = machine.run("migrate", DATABASE_URL=address)
        assert (told.code, told.error["what"]) == (2, "the database login may not change the schema")
        assert machine.json("migrate", DATABASE_URL=with_database(server, name))["to"] == head()
        await run_sql(with_database(server, name), f"GRANT SELECT ON alembic_version TO {login}")
        told = machine.run("accounts", "list", DATABASE_URL=address)
        assert (told.code, told.error["what"]) == (2, "the database login may not act as pms_sync_worker")
    finally:
        await run_sql(server, f"DROP DATABASE {name} WITH (FORCE)", f"DROP ROLE {login}")


@contextmanager
def listening(answer: bytes | None) -> Iterator[str]:
    """Listen as something that is no database: answers every knock so and hangs up, with None not at all."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answers() -> None:
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:  # closed: the test is over
                    return
                with peer:
                    peer.recv(64)
                    peer.sendall(answer or b"")

        if answer is not None:
            threading.Thread(target=answers, daemon=True).start()
        yield f"postgresql://u@127.0.0.1:{listener.getsockname()[1]}/d"
        listener.shutdown(socket.SHUT_RDWR)


@BOTH_DRIVERS
@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"NR\0\0\0\x08\0\0\0\0junk", b""])
def test_something_else_on_the_port_is_no_database(
    bare_machine: Machine, answer: bytes, words: tuple[str, ...]
) -> None:
    with listening(answer) as address:
        told = bare_machine.invoke(*words, DATABASE_URL=address, MASTER_KEY=MASTER_KEY)
    assert told.code == 3
    assert told.error["what"].startswith("the database is away")


@pytest.mark.slow
@BOTH_DRIVERS
def test_a_server_that_never_answers_is_not_waited_for(bare_machine: Machine, words: tuple[str, ...]) -> None:
    with listening(None) as address:
        told = bare_machine.invoke(*words, DATABASE_URL=address, MASTER_KEY=MASTER_KEY)
    assert (told.code, told.error["what"]) == (3, "the database is away (TimeoutError)")
