"""`users` as an operator types it: people added, changed and shut out, and no password anywhere but in a hash."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import structlog
from click.testing import CliRunner

from pms_sync.auth.desk import open_desk
from pms_sync.auth.faults import Refused
from pms_sync.cli.main import main
from pms_sync.store.database import Database
from pms_sync.store.ids import new_id
from pms_sync.store.sealing import KeyRing
from tests.integration.conftest import MASTER_KEY
from tests.integration.signing_in import Watch, audit

ROOT = Path(__file__).parents[2]
SECRET = "quite-long-words"


class Done(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """Return the one document on stdout."""
        return json.loads(self.out)

    @property
    def error(self) -> dict[str, str]:
        """Return the one error on stderr."""
        error: dict[str, str] = json.loads(self.err)["error"]
        return error


class Operator:
    """Somebody at a terminal of the server, with the settings of the test's database."""

    def __init__(self, dsn: str, folder: Path) -> None:
        """Name the database."""
        key = base64.b64encode(MASTER_KEY).decode()
        self._folder = folder
        self._environment = {"PMS_SYNC_DATABASE_URL": dsn, "PMS_SYNC_MASTER_KEY": key, "PYTHONPATH": str(ROOT)}

    async def users(self, *arguments: str, stdin: bytes = b"") -> Done:
        """Run `pms-sync users …` beside the test's own event loop."""
        runner = CliRunner(env=self._environment)
        done = await asyncio.to_thread(runner.invoke, main, ["users", *arguments], input=stdin)
        return Done(done.exit_code, done.stdout, done.stderr)

    async def users_as_a_process(self, *arguments: str, stdin: bytes) -> Done:
        """Run `pms-sync users …` as a shell does."""
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "pms_sync", "users", *arguments, cwd=self._folder, env=os.environ | self._environment,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        out, err = await child.communicate(stdin)
        return Done(child.returncode or 0, out.decode(), err.decode())


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """A command sends logs to the stderr it was given, which is gone after it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@pytest.fixture
def operator(migrated_database: str, tmp_path: Path) -> Operator:
    return Operator(migrated_database, tmp_path)


async def may_sign_in(database: Database, email: str, password: str) -> bool:
    """Tell whether the pair is accepted."""
    desk = open_desk(database, KeyRing(MASTER_KEY), Watch(), new_id)
    try:
        await desk.proving.prove(email, password, peer="127.0.0.1")
    except Refused:
        return False
    return True


async def test_a_person_is_added_with_a_password_from_stdin(operator: Operator, database: Database, hotel: Any) -> None:
    """PUBLIC_SURFACE: users add EMAIL --role ROLE; the password is not told again, not even in the process list."""
    given = ("add", "Anna@Example.org", "--role", "FRONT_DESK", "--name", "Anna", "--json")
    done = await operator.users_as_a_process(*given, stdin=f"{SECRET}\n".encode())
    assert (done.code, done.err) == (0, "")
    told = done.document
    assert {name: told[name] for name in ("email", "role", "name", "tenant", "state")} == {
        "email": "anna@example.org", "role": "front_desk", "name": "Anna", "tenant": "t1", "state": "active",
    }  # fmt: skip
    assert SECRET not in done.out
    assert await may_sign_in(database, "anna@example.org", SECRET)
    [row] = await audit(database, hotel.tenant_id, "user.created")
    assert (row["actor"], row["entity_id"], row["fields"]) == (
        "operator", told["user_id"], {"role": [None, "front_desk"]},
    )  # fmt: skip
    listed = (await operator.users("list", "--json")).document["items"]
    assert [one["email"] for one in listed] == ["anna@example.org"]
    assert "password" not in json.dumps(listed)


async def test_what_cannot_be_is_said_with_a_remedy_and_nothing_is_stored(operator: Operator, hotel: Any) -> None:
    """Exit 2, one error document, and never the password in it."""
    assert (await operator.users("add", "a@example.org", "--role", "viewer", stdin=SECRET.encode())).code == 0
    cases: list[tuple[tuple[str, ...], bytes, str]] = [
        (("b@example.org", "--role", "viewer"), b"short-1", "fewer than 8"),
        (("b@example.org", "--role", "viewer"), b"Password123!", "attackers try first"),
        (("b@example.org", "--role", "viewer"), b"", "no password came"),
        (("b@example.org", "--role", "viewer"), b"one-long-line\ntwo-long-lines", "more than one line"),
        (("b@example.org", "--role", "viewer"), b"\xff\xfe-not-text", "not text"),
        (("b@example.org", "--role", "boss"), SECRET.encode(), "no role 'boss'"),
        (("b.example.org", "--role", "viewer"), SECRET.encode(), "no e-mail address"),
        (("b@example.org", "--role", "viewer", "--tenant", "t9"), SECRET.encode(), "no tenant 't9'"),
        (("A@example.org", "--role", "viewer"), SECRET.encode(), "is taken"),
    ]
    for given, secret, why in cases:
        done = await operator.users("add", *given, stdin=secret)
        assert done.code == 2, given
        assert why in done.error["what"], given
        assert done.error["remedy"], given
        assert secret.decode("utf-8", "replace") not in done.err or not secret
    listed = (await operator.users("list", "--json")).document["items"]
    assert [one["email"] for one in listed] == ["a@example.org"]
    assert hotel.tenant_code == listed[0]["tenant"]


async def test_without_a_tenant_nobody_can_belong_anywhere(operator: Operator) -> None:
    done = await operator.users("add", "a@example.org", "--role", "viewer", stdin=SECRET.encode())
    assert done.code == 2
    assert "PMS_SYNC_CONFIG" in done.error["remedy"]


async def test_shutting_somebody_out_ends_everything_they_hold(
    operator: Operator, database: Database, hotel: Any
) -> None:
    """SEC-05: kill all on disable; a new password and another role do the same."""
    await operator.users("add", "a@example.org", "--role", "manager", stdin=SECRET.encode())
    desk = open_desk(database, KeyRing(MASTER_KEY), Watch(), new_id)
    changes: list[tuple[tuple[str, ...], bytes, str]] = [
        (("password", "a@example.org"), b"other-long-words", "auth.password_change"),
        (("role", "a@example.org", "VIEWER"), b"", "auth.permission_change"),
        (("disable", "a@example.org"), b"", "user.disabled"),
    ]
    password = SECRET
    for given, stdin, action in changes:
        person = await desk.proving.prove("a@example.org", password, peer="127.0.0.1")
        token, _ = await desk.sessions.open(person, b"x")
        pair = await desk.tokens.mint(person)
        done = await operator.users(*given, "--json", stdin=stdin)
        assert done.code == 0, done.err
        assert await desk.sessions.check(token) is None, given
        assert await desk.tokens.check(pair.access) is None, given
        with pytest.raises(Refused):
            await desk.tokens.refresh(pair.refresh)
        [row] = await audit(database, hotel.tenant_id, action)
        assert row["fields"]["sessions_ended"] == 3
        password = "other-long-words"
    assert (done.document["role"], done.document["state"]) == ("viewer", "disabled")
    assert not await may_sign_in(database, "a@example.org", password)
    assert (await operator.users("enable", "a@example.org", "--json")).document["state"] == "active"
    assert await may_sign_in(database, "a@example.org", password)
    assert not await may_sign_in(database, "a@example.org", SECRET)


async def test_a_proof_that_comes_while_somebody_is_shut_out_opens_nothing(
    operator: Operator, database: Database, hotel: Any
) -> None:
    """The password was right a moment ago; the session is what counts."""
    await operator.users("add", "a@example.org", "--role", "manager", stdin=SECRET.encode())
    desk = open_desk(database, KeyRing(MASTER_KEY), Watch(), new_id)
    person = await desk.proving.prove("a@example.org", SECRET, peer="127.0.0.1")
    await operator.users("disable", "a@example.org")
    with pytest.raises(Refused):
        await desk.sessions.open(person, b"x")
    with pytest.raises(Refused):
        await desk.tokens.mint(person)
    assert person.tenant_id == hotel.tenant_id


async def test_nobody_is_told_as_somebody_who_may_come_yet(operator: Operator, hotel: Any) -> None:
    assert (await operator.users("list")).out == "Nobody may sign in yet: pms-sync users add EMAIL --role ROLE\n"
    done = await operator.users("disable", "x@example.org")
    assert (done.code, done.error["what"]) == (2, "nobody has the e-mail 'x@example.org'")
    assert hotel.tenant_code
