"""`doctor` on what only shows once a hotel is connected: clocks, webhooks, codes, parked rows, mail, partitions."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import asyncpg
import pytest

from tests.integration.command_line import Machine, Told, Vendor, failing
from tests.integration.mail_sink import MailSink

UNREAD = "smtp://user:s3cr3t-canary@127.0.0.1:1"


@pytest.fixture
def account(machine: Machine, simulated_vendor: Vendor) -> str:
    """Give the seed hotel a login that works and return its account."""
    words = ("accounts", "add", "beds24", "--property", "P1", "--credential", machine.at_hotel(simulated_vendor))
    account_id: str = machine.invoke(*words, "--json").document["account_id"]
    return account_id


def item(told: Told, check: str) -> dict[str, Any]:
    """Return the one check whose name begins so."""
    [found] = [one for one in told.document["items"] if one["check"].startswith(check)]
    return dict(found)


def written(machine: Machine, statement: str) -> None:
    """Change the store as the daemon's role may, for the one tenant there is."""

    async def write() -> None:
        connection = await asyncpg.connect(machine.settings["DATABASE_URL"])
        try:
            tenant = await connection.fetchval("SELECT tenant_id::text FROM tenants")
            await connection.execute("SET ROLE pms_sync_worker")
            await connection.execute("SELECT set_config('pms_sync.tenant', $1, false)", tenant)
            await connection.execute(statement)
        finally:
            await connection.close()

    asyncio.run(write())


@contextmanager
def mail_server() -> Iterator[str]:
    """Run a mail server in a thread of its own and give its address."""
    loop, sink = asyncio.new_event_loop(), MailSink()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(sink.start(), loop).result(10)
    try:
        yield f"smtp://127.0.0.1:{sink.port}"
    finally:
        asyncio.run_coroutine_threadsafe(sink.stop(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def test_a_fresh_hotel_has_every_line_and_none_that_asks(machine: Machine, account: str) -> None:
    told = machine.invoke("doctor", "--json")
    assert (told.code, failing(told.document)) == (0, [])
    assert item(told, f"webhooks of {account}")["detail"] == "none came yet"
    assert item(told, f"mappings of {account}")["detail"] == "nothing unmapped"
    assert item(told, f"parked rows of {account}")["detail"] == "none"
    assert item(told, f"clock of {account}")["detail"] == "0 s apart from the vendor's"
    assert item(told, "partitions")["detail"] == "ready for this month and the next"


@pytest.mark.parametrize(
    ("url", "ok", "words"),
    [
        ("http://127.0.0.1:8080", False, "this machine alone"),
        ("http://hotel.example", False, "plain http"),
        ("https://hotel.example", True, "https://hotel.example for beds24"),
    ],
)
def test_a_live_account_wants_an_address_that_vendors_reach_unread(
    machine: Machine, account: str, url: str, words: str, *, ok: bool
) -> None:
    """While an account only reads, the poll is enough and nothing is said."""
    settings = {"PUBLIC_URL": url, "ALLOW_PRIVATE_VENDORS": "0", "BEDS24_BASE_URL": "https://vendor.example"}
    machine.invoke("accounts", "pause", account)  # nobody must be asked
    shadow = machine.invoke("doctor", "--json", **settings)
    assert not [one for one in shadow.document["items"] if one["check"] == "public address"]
    machine.invoke("accounts", "mode", account, "live")
    told = item(machine.invoke("doctor", "--json", **settings), "public address")
    assert (told["ok"], bool(told["remedy"])) == (ok, not ok)
    assert words in told["detail"]


def test_the_last_webhook_and_what_a_person_must_do_for_them_stand_in_one_line(machine: Machine, account: str) -> None:
    written(
        machine,
        "INSERT INTO deliveries (tenant_id, door_id, vendor, digest, raw_id, correlation_id, received_at, state) "
        "SELECT tenant_id, door_id, vendor, 'x', 0, 'c', '2026-03-01T09:30:00Z', 'done' FROM accounts",
    )
    assert item(machine.invoke("doctor", "--json"), "webhooks of")["detail"] == "the last came 2026-03-01T09:30:00Z"
    written(machine, "UPDATE accounts SET subscription_note = 'set the header by hand'")
    told = machine.invoke("doctor", "--json")
    assert (told.code, failing(told.document)) == (1, [f"webhooks of {account}"])
    detail = "set the header by hand (the last came 2026-03-01T09:30:00Z)"
    assert item(told, "webhooks of")["detail"] == detail


def test_codes_that_would_quarantine_a_booking_are_named(machine: Machine, account: str) -> None:
    """Room types always; rates only once the hotel maps any of them."""
    codes = "'room_type', '56'), ('room_type', '57'), ('rate_plan', 'BAR'), ('rate_plan', 'NRF'"
    written(
        machine,
        "INSERT INTO crosswalk (tenant_id, account_id, kind, vendor_code) "
        f"SELECT tenant_id, account_id, k, c FROM accounts, (VALUES ({codes})) AS x(k, c)",
    )
    told = machine.invoke("doctor", "--json")
    assert failing(told.document) == [f"mappings of {account}"]
    assert item(told, "mappings of")["detail"] == "unmapped room type: 56, 57"
    written(machine, "UPDATE crosswalk SET our_code = 'BAR' WHERE vendor_code = 'BAR'")
    detail = "unmapped room type: 56, 57; unmapped rate plan: NRF"
    assert item(machine.invoke("doctor", "--json"), "mappings of")["detail"] == detail


def test_a_record_that_cannot_be_read_is_told_with_the_command_that_helps(
    machine: Machine, account: str, simulated_vendor: Vendor
) -> None:
    ref = min(one["ref"] for one in simulated_vendor.ask("truth")["reservations"])
    simulated_vendor.order("change", op="modify", ref=ref, vendor={"subStatus": "hovering"}, silent=True)
    machine.invoke("backfill", "--account", account)
    told = item(machine.invoke("doctor", "--json"), f"parked rows of {account}")
    assert (told["ok"], told["detail"]) == (False, "1 records that cannot be mapped")
    assert "pms-sync replay --parked" in told["remedy"]


def test_mail_is_tried_as_far_as_the_login(machine: Machine) -> None:
    with mail_server() as address:
        told = machine.invoke("doctor", "--json", SMTP_URL=address, ALERT_TO="duty@hotel.example")
    assert item(told, "mail")["ok"]
    assert "duty@hotel.example" in item(told, "mail")["detail"]
    away = machine.invoke("doctor", "--json", SMTP_URL=UNREAD, ALERT_TO="duty@hotel.example")
    assert "cannot be used (ConnectionRefusedError)" in item(away, "mail")["detail"]
    assert "s3cr3t-canary" not in away.stdout + away.stderr


def test_a_month_without_a_partition_is_told(machine: Machine, account: str) -> None:
    async def drop() -> None:
        connection = await asyncpg.connect(machine.settings["DATABASE_URL"])
        name = await connection.fetchval("SELECT max(relname) FROM pg_class WHERE relname ~ '^raw_records_[0-9_]{7}$'")
        await connection.execute(f"DROP TABLE {name}")
        await connection.close()

    asyncio.run(drop())
    told = machine.invoke("doctor", "--json")
    assert failing(told.document) == ["partitions"]
    assert machine.invoke("migrate").code == 0
    assert failing(machine.invoke("doctor", "--json").document) == []
    assert account
