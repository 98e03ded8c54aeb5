"""`poll-once`, `backfill`, `replay` and `explain` over a simulated vendor, as a person or a script runs them."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time
from contextlib import suppress
from typing import Any

import asyncpg
import pytest

from pms_sync.domain.clock import parse_instant
from tests.integration.command_line import SECOND_PROPERTY, Machine, Vendor, ended, eventually

_TWICE = "SELECT reservation_id FROM reservations WHERE channel_reference = 'TWICE-1'"
BOOKINGS = {"path": "/bookings"}
NO_DATES = [
    ("--from", "2025-13-01"),
    ("--from", "20250101"),
    ("--from", "2025-W01-1"),
    ("--to", "2025-01-01T00:00:00"),
    ("--to", "tomorrow"),
    ("--to", "2025-01-\N{ARABIC-INDIC DIGIT ZERO}\N{ARABIC-INDIC DIGIT ONE}"),
    ("--from", "2025-01-01\0"),
    ("--from", "\x1b[31m"),
    ("--to", "9" * 9000),
    ("--from", "2026-01-01", "--to", "2025-01-01"),
    ("--from", "2026-01-01", "--to", "2026-01-01"),
]


@pytest.fixture
def vendor(simulated_vendor: Vendor) -> Vendor:
    """Give the vendor the machine's account lives at."""
    return simulated_vendor


def account_at(machine: Machine, vendor: Vendor, **world: int) -> str:
    """Give the seed hotel a login that works and return its account."""
    credential = machine.at_hotel(vendor, **world)
    words = ("accounts", "add", "beds24", "--property", "P1", "--credential", credential, "--json")
    account_id: str = machine.invoke(*words).document["account_id"]
    return account_id


@pytest.fixture
def account(machine: Machine, vendor: Vendor) -> str:
    """Give an account at a small hotel."""
    return account_at(machine, vendor)


def rows(machine: Machine, statement: str) -> list[Any]:
    """Read the store as its owner."""

    async def read() -> list[Any]:
        connection = await asyncpg.connect(machine.settings["DATABASE_URL"])
        try:
            return list(await connection.fetch(statement))
        finally:
            await connection.close()

    return asyncio.run(read())


def truth(vendor: Vendor) -> set[str]:
    """Return the refs of every reservation at the vendor."""
    return {one["ref"] for one in vendor.ask("truth")["reservations"]}


class TestPolling:
    """`poll-once`."""

    def test_what_the_vendor_has_is_read_and_applied_once(self, machine: Machine, account: str, vendor: Vendor) -> None:
        """PUBLIC_SURFACE poll-once: one item a stream; a second poll finds nothing new."""
        told = machine.json("poll-once")
        [item] = told["items"]
        assert set(item) == {"account_id", "stream", "pages", "records", "new", "from", "to"}
        assert (item["account_id"], item["stream"]) == (account, "reservations")
        assert item["new"] == item["records"] > 0
        assert parse_instant(item["from"]) < parse_instant(item["to"])
        assert {row["vendor_ref"] for row in rows(machine, "SELECT vendor_ref FROM links")} >= truth(vendor)
        [again] = machine.invoke("poll-once", "--account", account, "--stream", "reservations", "--json").document[
            "items"
        ]
        assert again["new"] == 0

    def test_a_paused_account_is_left_alone(self, machine: Machine, account: str, vendor: Vendor) -> None:
        machine.invoke("accounts", "pause", account)
        assert machine.invoke("poll-once", "--json").document == {"items": []}
        assert "No account to poll" in machine.invoke("poll-once").stdout
        assert not vendor.calls("/bookings")

    def test_a_stream_that_cannot_be_polled_is_no_empty_answer(self, machine: Machine) -> None:
        for stream in ("nothing", "", "catalogue", "reservations\0", "\x1b[31m", "x" * 9000):
            told = machine.invoke("poll-once", "--stream", stream, "--json")
            assert (told.code, told.error["where"]) == (2, "--stream"), stream
            assert told.error["remedy"].startswith("choose one of: ")
            assert "reservations" in told.error["remedy"]

    @pytest.mark.parametrize("words", [("poll-once",), ("backfill", "--account", "{}")], ids=" ".join)
    def test_a_vendor_that_is_away_may_come_back(
        self, machine: Machine, account: str, vendor: Vendor, words: tuple[str, ...]
    ) -> None:
        vendor.fails(kind="status", status=503)
        told = machine.invoke(*(word.format(account) for word in words), "--json")
        assert told.code == 3
        assert told.error["remedy"]

    @pytest.mark.parametrize("words", [("poll-once",), ("backfill", "--account", "{}")], ids=" ".join)
    def test_refused_credentials_want_a_person(
        self, machine: Machine, account: str, vendor: Vendor, words: tuple[str, ...]
    ) -> None:
        vendor.reset(seed=2)  # the tokens of another world
        told = machine.invoke(*(word.format(account) for word in words), "--json")
        assert told.code == 2
        assert told.error["remedy"] == "enter new credentials for this account"

    def test_one_account_that_fails_hides_no_other(self, machine: Machine, vendor: Vendor) -> None:
        """The error is told, and what the others brought stays."""
        credential = machine.at_hotel(vendor, SECOND_PROPERTY, hotels=2)
        for code, value in (("P1", "refresh_token=wrong"), ("P2", credential)):
            machine.invoke("accounts", "add", "beds24", "--property", code, "--credential", value)
        assert machine.invoke("poll-once", "--json").code == 2
        assert rows(machine, "SELECT DISTINCT property_ref FROM accounts JOIN links USING (account_id)") == [("8",)]


class TestBackfilling:
    """`backfill`."""

    def test_the_whole_history_is_read(self, machine: Machine, account: str, vendor: Vendor) -> None:
        """PUBLIC_SURFACE backfill, and the same for eyes."""
        told = machine.json("backfill", "--account", account)
        assert set(told) == {"records", "parked", "resumed", "complete"}
        assert (told["parked"], told["resumed"], told["complete"]) == (0, False, True)
        refs = {row["vendor_ref"] for row in rows(machine, "SELECT vendor_ref FROM links")}
        assert refs >= truth(vendor)
        again = machine.invoke("backfill", "--account", account)
        assert again.stdout == f"{told['records']} records read, 0 parked.\n"

    def test_dates_that_are_none_are_told_before_anything_is_read(
        self, machine: Machine, account: str, vendor: Vendor
    ) -> None:
        for dates in NO_DATES:
            told = machine.invoke("backfill", "--account", account, *dates, "--json")
            assert (told.code, told.error["where"] in {dates[0], "--from and --to"}) == (2, True), dates
            assert len(told.stderr) < 1000
        assert not vendor.calls("/bookings")

    def test_a_paused_account_is_refused_before_anything_is_read(
        self, machine: Machine, account: str, vendor: Vendor
    ) -> None:
        machine.invoke("accounts", "pause", account)
        told = machine.invoke("backfill", "--account", account, "--json")
        assert (told.code, told.error["remedy"]) == (2, f"pms-sync accounts resume {account}")
        assert "paused" in told.error["what"]
        assert not vendor.calls("/bookings")

    def test_the_ends_of_time_are_dates(self, machine: Machine, account: str) -> None:
        for dates, found in (
            (("--from", "0001-01-01"), True),
            (("--to", "9999-12-31"), True),
            (("--from", "9999-12-30", "--to", "9999-12-31"), False),
        ):
            told = machine.invoke("backfill", "--account", account, *dates, "--json")
            assert (told.code, told.document["records"] > 0) == (0, found), dates

    def test_control_c_keeps_what_was_read_and_the_next_run_goes_on(self, machine: Machine, vendor: Vendor) -> None:
        """Exit 130 with the document, then `resumed` and `complete`; nothing is lost or counted twice."""
        account = account_at(machine, vendor, reservations=250)
        whole = len(vendor.ask("truth")["reservations"])
        vendor.fails(kind="delay", match=BOOKINGS, seconds=0.4)
        child = machine.start("backfill", "--account", account, "--json")
        eventually(lambda: len(vendor.calls("/bookings")) > 3, child, "the fourth call")
        child.send_signal(signal.SIGINT)
        told = ended(child)
        assert told.code == 130
        assert (told.document["complete"], told.document["resumed"]) == (False, False)
        vendor.order("faults", faults=[])
        again = machine.json("backfill", "--account", account)
        assert (again["complete"], again["resumed"], again["parked"]) == (True, True, 0)
        assert again["records"] > told.document["records"]
        refs = {row["vendor_ref"] for row in rows(machine, "SELECT vendor_ref FROM links")}
        assert refs >= truth(vendor)
        assert again["records"] >= whole

    @pytest.mark.parametrize(
        ("words", "times"),
        [
            ("backfill --account {}", 2),
            pytest.param("backfill --account {}", 1, marks=pytest.mark.slow),
            ("poll-once", 1),
        ],
    )
    def test_an_impatient_person_need_not_wait_for_the_vendor(
        self, machine: Machine, account: str, vendor: Vendor, words: str, times: int
    ) -> None:
        """The vendor hangs: control-C ends it within seconds, pressed twice at once, and says how to go on."""
        vendor.fails(kind="delay", match=BOOKINGS, seconds=60.0)
        child = machine.start(*words.format(account).split(), "--json")
        eventually(lambda: len(vendor.calls("/bookings")) > 0, child, "a call")
        pressed = time.monotonic()
        for _ in range(times):
            child.send_signal(signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                child.wait(0.5)
        told = ended(child)
        assert time.monotonic() - pressed < 20
        assert (told.code, told.error["what"]) == (130, "interrupted")


class TestReplaying:
    """`replay`."""

    def test_equal_records_change_nothing(self, machine: Machine, account: str) -> None:
        read = machine.invoke("backfill", "--account", account, "--json").document
        told = machine.json("replay", "--all")
        assert set(told) == {"replayed", "changed", "parked"}
        assert (told["replayed"], told["changed"], told["parked"]) == (read["records"], 0, 0)
        assert machine.invoke("replay", "--parked", "--json").document == {"replayed": 0, "changed": 0, "parked": 0}

    def test_what_was_parked_is_tried_again(self, machine: Machine, account: str, vendor: Vendor) -> None:
        """A record nobody understands waits for a person, however often it is tried."""
        ref = min(truth(vendor))
        vendor.order("change", op="modify", ref=ref, vendor={"subStatus": "hovering"}, silent=True)
        assert machine.invoke("backfill", "--account", account, "--json").document["parked"] == 1
        told = machine.invoke("replay", "--parked", "--json").document
        assert (told["replayed"], told["changed"], told["parked"]) == (1, 0, 1)
        assert "still wait for a person" in machine.invoke("replay", "--parked").stdout
        assert machine.invoke("replay", "--all", "--json").document["parked"] == 1

    def test_on_an_empty_store_there_is_nothing_to_do(self, machine: Machine) -> None:
        for which in ("--all", "--parked"):
            assert machine.invoke("replay", which, "--json").document == {"replayed": 0, "changed": 0, "parked": 0}


class TestExplaining:
    """`explain`."""

    def test_every_field_of_what_was_read_has_its_source(self, machine: Machine, account: str) -> None:
        machine.invoke("backfill", "--account", account)
        for row in rows(machine, "SELECT reservation_id FROM reservations LIMIT 3"):
            told = machine.invoke("explain", str(row["reservation_id"]), "--json")
            assert told.code == 0
            wanted = {"path", "value", "source", "rule", "actor", "at", "lost"}
            assert all(wanted <= set(field) for field in told.document["fields"])
            assert {field["account_id"] for field in told.document["fields"]} >= {account}
            assert machine.invoke("explain", str(row["reservation_id"])).stdout.startswith("field\tvalue\tsource")

    def test_a_reservation_is_found_by_its_vendor_s_reference_and_by_the_ota_s_number(
        self, machine: Machine, account: str
    ) -> None:
        machine.invoke("backfill", "--account", account)
        numbered = "SELECT reservation_id, channel_reference FROM reservations WHERE channel_reference IS NOT NULL"
        by_ref = "SELECT reservation_id, vendor_ref FROM links WHERE level = 'stay'"
        for found, number in (rows(machine, f"{query} LIMIT 1")[0] for query in (numbered, by_ref)):
            told = machine.invoke("explain", number, "--json")
            assert (told.code, told.document["id"]) == (0, str(found)), number

    def test_several_that_have_one_number_are_listed_with_their_ids(self, machine: Machine, vendor: Vendor) -> None:
        """The same booking number at two hotels is two reservations; a person says which."""
        credential = machine.at_hotel(vendor, SECOND_PROPERTY, hotels=2)
        for code in ("P1", "P2"):
            words = ("accounts", "add", "beds24", "--property", code, "--credential", credential, "--json")
            account_id = machine.invoke(*words).document["account_id"]
            machine.invoke("backfill", "--account", account_id)
        for at in ("7", "8"):
            ref = min(one["ref"] for one in vendor.ask("truth")["reservations"] if one["property_ref"] == at)
            vendor.order("change", op="modify", ref=ref, set={"channel_reference": "TWICE-1"}, silent=True)
        machine.invoke("poll-once")
        ids = {str(row[0]) for row in rows(machine, _TWICE)}
        told = machine.invoke("explain", "TWICE-1", "--json")
        assert (told.code, len(ids)) == (2, 2)
        assert told.error["what"] == "2 reservations have the number 'TWICE-1'"
        assert all(one in told.error["remedy"] for one in ids)

    def test_what_is_no_reservation_is_told(self, machine: Machine) -> None:
        for text in ("x", "", "0" * 32, "7" * 9000, "a\0b", "\x1b]0;title\x07", "\udcff", "' OR 1=1 --"):
            told = machine.invoke("explain", text, "--json")
            assert (told.code, told.error["where"]) == (2, "RESERVATION"), text
            assert len(told.stderr) < 1000
