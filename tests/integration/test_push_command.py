"""`push` as an operator types it: what waits, what did not get through, and what is done about it."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
import structlog
from click.testing import CliRunner

from pms_sync.cli.main import main
from pms_sync.store.database import Database
from pms_sync.store.sealing import KeyRing
from tests.integration.conftest import MASTER_KEY
from tests.integration.pushing_hotel import PushingHotel, pushing_hotel

COLUMNS = {
    *("id", "account_id", "reservation_id", "intent_id", "kind", "state", "attempts", "vendor_ref", "vendor_error"),
    *("correlation_id", "created_at", "sent_at", "verified_at", "held_until", "paths", "notices"),
}


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
        error: dict[str, str] = json.loads(self.err.splitlines()[-1])["error"]
        return error


class Operator:
    """Somebody at a terminal of the server, with the settings of the test's database."""

    def __init__(self, dsn: str) -> None:
        """Name the database."""
        key = base64.b64encode(MASTER_KEY).decode()
        self._environment = {"PMS_SYNC_DATABASE_URL": dsn, "PMS_SYNC_MASTER_KEY": key}

    async def push(self, *arguments: str) -> Done:
        """Run `pms-sync push …` beside the test's own event loop."""
        runner = CliRunner(env=self._environment)
        done = await asyncio.to_thread(runner.invoke, main, ["push", *arguments])
        return Done(done.exit_code, done.stdout, done.stderr)

    async def items(self, *arguments: str) -> list[dict[str, Any]]:
        """List pushes."""
        listed: list[dict[str, Any]] = (await self.push("list", "--json", *arguments)).document["items"]
        return listed


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """A command sends logs to the stderr it was given, which is gone after it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@pytest.fixture
async def house(database: Database, keys: KeyRing, hotel: Any) -> PushingHotel:
    """Give a live hotel with an empty vendor."""
    return await pushing_hotel(database, keys, hotel)


@pytest.fixture
def operator(migrated_database: str) -> Operator:
    """Give somebody at a terminal."""
    return Operator(migrated_database)


async def park(house: PushingHotel) -> str:
    """Let the vendor refuse a change; returns the push's id."""
    house.vendor.refusals["notes"] = "closed for today"
    await house.edit(await house.booked(), notes="secret words")
    await house.drive()
    house.vendor.refusals.clear()
    return str((await house.one())["intent_id"])


async def test_nothing_waits_at_first(operator: Operator, house: PushingHotel) -> None:
    assert await operator.items() == []
    assert (await operator.push("list")).out == "Nothing waits to be sent.\n"
    assert house.vendor.pushes == []


async def test_the_list_tells_what_waits_and_why_without_any_value(operator: Operator, house: PushingHotel) -> None:
    push = await park(house)
    [item] = await operator.items()
    assert item.keys() == COLUMNS
    assert (item["id"], item["intent_id"], item["state"]) == (push, push, "parked")
    assert (item["vendor_error"], item["paths"], item["attempts"]) == ("field: closed for today", ["notes"], 1)
    assert item["sent_at"].endswith("Z")
    told = await operator.push("list")
    assert "closed for today" in told.out
    assert "secret" not in told.out


async def test_the_list_can_be_narrowed(operator: Operator, house: PushingHotel) -> None:
    await park(house)
    await house.edit(await house.booked("1002"), notes="fine")
    await house.drive()
    assert [item["state"] for item in await operator.items()] == ["parked"]
    assert [item["state"] for item in await operator.items("--state", "verified")] == ["verified"]
    assert len(await operator.items("--state", "all")) == 2
    assert len(await operator.items("--account", str(house.account.account_id))) == 1
    wrong = await operator.push("list", "--json", "--account", "nobody")
    assert (wrong.code, wrong.error["what"]) == (2, "there is no account 'nobody'")


async def test_what_waits_for_a_closed_account_says_so(operator: Operator, house: PushingHotel) -> None:
    """Shadow refuses loudly."""
    await house.set_account(mode="shadow", state="paused")
    await house.edit(await house.booked(), notes="x")
    [item] = await operator.items()
    account = house.account.account_id
    assert item["notices"] == [
        f"nothing leaves while the account is in shadow mode: `pms-sync accounts mode {account} live`",
        f"nothing leaves while the account is paused: `pms-sync accounts resume {account}`",
    ]


async def test_a_parked_push_is_sent_again(operator: Operator, house: PushingHotel) -> None:
    """OUT-09."""
    push = await park(house)
    done = await operator.push("retry", push, "--json")
    assert (done.code, done.document["id"], done.document["state"]) == (0, push, "planned")
    await house.drive()
    assert await house.states() == ["verified"]
    told = await house.rows("SELECT actor FROM audit_log WHERE action = 'push.planned'")
    assert [row["actor"].partition(":")[0] for row in told] == ["cli"]


async def test_a_push_is_given_up(operator: Operator, house: PushingHotel) -> None:
    push = await park(house)
    done = await operator.push("cancel", push)
    assert (done.code, done.out) == (0, f"{push}: modify, superseded\n")
    await house.drive()
    assert (await house.states(), len(house.vendor.pushes)) == (["superseded"], 1)


async def test_only_what_waits_for_a_person_can_be_changed(operator: Operator, house: PushingHotel) -> None:
    push = await park(house)
    await operator.push("retry", push)
    again = await operator.push("retry", push, "--json")
    assert again.code == 2
    assert again.error["what"] == "the push is planned; only what is parked can be retried"
    await house.drive()
    late = await operator.push("cancel", push, "--json")
    assert late.error["what"] == "the push is verified; only what is parked or planned can be cancelled"


@pytest.mark.parametrize("wrong", ["nothing", "00000000-0000-0000-0000-00000000000f"])
async def test_an_unknown_push_is_named(operator: Operator, wrong: str) -> None:
    done = await operator.push("retry", wrong, "--json")
    assert (done.code, done.error["what"]) == (2, f"there is no push '{wrong}'")
    assert "push list" in done.error["remedy"]


async def test_deciding_about_a_push_closes_its_case(operator: Operator, house: PushingHotel) -> None:
    push = await park(house)
    await house.rows(
        "INSERT INTO cases (tenant_id, case_id, kind, subject, severity, property_id, reservation_ids, fields) "
        f"SELECT tenant_id, gen_random_uuid(), 'unknown_outcome', 'push:{push}', 2, property_id, '{{}}', '[]' "
        "FROM properties RETURNING 1"
    )
    await operator.push("cancel", push)
    assert await house.rows("SELECT state FROM cases") == [{"state": "withdrawn"}]
