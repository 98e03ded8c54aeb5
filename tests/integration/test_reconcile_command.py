"""`reconcile` over a simulated vendor, as a person or a script runs it."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.cloudbeds.simulator.app import unhurried
from pms_sync.demo.cast import Player, hotel_file
from pms_sync.domain.clock import parse_instant
from tests.integration.command_line import Machine, Vendor, ended, eventually
from tests.integration.test_reading_commands import BOOKINGS, account_at, rows, truth

SHAPE = {"compared", "drift", "healed", "refused", "proof"}


@pytest.fixture
def vendor(simulated_vendor: Vendor) -> Vendor:
    """Give the vendor the machine's account lives at."""
    return simulated_vendor


@pytest.fixture
def account(machine: Machine, vendor: Vendor) -> str:
    """Give an account whose history is read, with twelve bookings at least."""
    made = account_at(machine, vendor)
    assert machine.invoke("backfill", "--account", made, "--json").document["parked"] == 0
    return made


def reconcile(machine: Machine, account: str, *words: str) -> tuple[int, Any]:
    """Run the command and return its code and document."""
    told = machine.invoke("reconcile", "--account", account, "--json", *words)
    return told.code, told.document


def test_equal_sides_end_well(machine: Machine, account: str, vendor: Vendor) -> None:
    """PUBLIC_SURFACE reconcile: the shape, and exit 0."""
    document = machine.json("reconcile", "--account", account)
    assert set(document) == SHAPE
    assert document["compared"] >= len(truth(vendor))
    assert (document["drift"], document["healed"], document["refused"]) == ({}, 0, 0)
    assert document["proof"]["equal"] is True
    assert parse_instant(document["proof"]["as_of"]) > datetime(2026, 1, 1, tzinfo=UTC)
    told = machine.invoke("reconcile", "--account", account)
    assert told.stdout.startswith(f"{document['compared']} compared with the vendor, 0 differed.\nEqual as of 2")


def test_a_dry_run_tells_what_differs_and_the_next_run_heals_it(machine: Machine, account: str, vendor: Vendor) -> None:
    """Exit 1 while the sides are not equal, 0 once they are; the second run finds nothing."""
    ref = min(truth(vendor))
    vendor.order("change", op="modify", ref=ref, set={"notes": "late"}, silent=True)
    code, document = reconcile(machine, account, "--dry-run")
    assert (code, document["healed"], document["proof"]["equal"]) == (1, 0, False)
    assert sum(document["drift"].values()) == 1
    assert rows(machine, "SELECT * FROM drift") == []
    code, document = reconcile(machine, account)
    assert (code, document["healed"], document["proof"]["equal"]) == (0, 1, True)
    assert reconcile(machine, account) == (0, {**document, "drift": {}, "healed": 0, "proof": ANY_EQUAL})
    assert [row["equal"] for row in rows(machine, "SELECT equal FROM proofs")] == [True, True]


class _Equal:
    """Equals any proof that says so."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, dict) and other["equal"] is True

    def __hash__(self) -> int:
        return 0


ANY_EQUAL = _Equal()


def test_what_the_vendor_no_longer_shows_ends_with_a_finding(machine: Machine, account: str, vendor: Vendor) -> None:
    """CUR-18: exit 1, and a person is asked."""
    for ref in sorted(truth(vendor)):
        vendor.order("change", op="delete", ref=ref, silent=True)
    told = machine.invoke("reconcile", "--account", account)
    assert told.code == 1
    assert "Not equal as of" in told.stdout
    kinds = {row["kind"] for row in rows(machine, "SELECT kind FROM cases WHERE state = 'open'")}
    assert kinds & {"mass_change", "vanished"}


def test_an_account_must_be_named_and_followed(machine: Machine, account: str, vendor: Vendor) -> None:
    assert machine.invoke("reconcile", "--json").code == 2
    for text in ("x", "", "7" * 9000, "\x1b[31m"):
        told = machine.invoke("reconcile", "--account", text, "--json")
        assert (told.code, told.error["where"]) == (2, "ID"), text
    machine.invoke("accounts", "pause", account)
    calls = len(vendor.calls("/bookings"))
    told = machine.invoke("reconcile", "--account", account, "--json")
    assert (told.code, told.error["remedy"]) == (2, f"pms-sync accounts resume {account}")
    assert len(vendor.calls("/bookings")) == calls


def test_a_vendor_that_is_away_proves_nothing(machine: Machine, account: str, vendor: Vendor) -> None:
    vendor.fails(kind="status", status=503)
    told = machine.invoke("reconcile", "--account", account, "--json")
    assert told.code == 3
    assert told.error["remedy"]
    assert rows(machine, "SELECT * FROM proofs") == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_it_can_be_cut_off_at_any_time(machine: Machine, account: str, vendor: Vendor, number: signal.Signals) -> None:
    """Exit 130 within seconds though the vendor hangs, nothing half done, and the next run does it all."""
    before = len(vendor.calls("/bookings"))
    vendor.fails(kind="delay", match=BOOKINGS, seconds=60.0)
    child = machine.start("reconcile", "--account", account, "--json")
    eventually(lambda: len(vendor.calls("/bookings")) > before, child, "a call")
    sent = time.monotonic()
    child.send_signal(number)
    told = ended(child)
    assert time.monotonic() - sent < 20
    assert (told.code, told.error["what"], told.error["remedy"]) == (
        130,
        "interrupted",
        "run the same command again to go on",
    )
    vendor.order("faults", faults=[])
    assert reconcile(machine, account)[0] == 0


class Apart(Vendor):
    """A vendor that lists its blocks apart from its bookings."""

    async def _made(self) -> Any:
        return unhurried(1)


@pytest.fixture
def apart() -> Iterator[Apart]:
    """Give such a vendor."""
    vendor = Apart()
    yield vendor
    vendor.close()


def test_blocks_that_are_followed_are_compared_too_and_proven_apart(machine: Machine, apart: Apart) -> None:
    told = apart.order("reset", seed=1, hotels=1, rooms=3, reservations=3)
    player = Player(vendor="cloudbeds", hotel="P1", role="pms")
    secret = machine.write_hotels(prado=hotel_file({player: told})) / "cloudbeds.json"
    secret.touch(mode=0o600)
    secret.write_text(json.dumps(told["credentials"]))
    machine.settings |= {"CLOUDBEDS_BASE_URL": apart.base_url, "ALLOW_PRIVATE_VENDORS": "1"}
    assert machine.invoke("poll-once", "--json").code == 0
    [found] = machine.invoke("accounts", "list", "--json").document["items"]
    code, document = reconcile(machine, found["account_id"])
    truth = apart.ask("truth")
    held = len(truth["reservations"]) + sum(not one["gone"] for one in truth["blocks"])
    assert (code, document["drift"], document["proof"]["equal"]) == (0, {}, True)
    assert document["compared"] <= held
    room = told["properties"][0]["room_types"][0]["rooms"][0]["ref"]
    days = {"arrival": "2027-06-01", "departure": "2027-06-03"}
    apart.order("change", op="create", set={"kind": "out_of_order", "room_ref": room, **days}, silent=True)
    code, more = reconcile(machine, found["account_id"])
    assert (code, more["drift"], more["healed"]) == (0, {"missing_here": 1}, 1)
    assert more["compared"] == document["compared"] + 1
    proofs = rows(machine, "SELECT stream, equal FROM proofs ORDER BY stream, as_of")
    assert [row["stream"] for row in proofs] == ["blocks", "blocks", "reservations", "reservations"]
    assert all(row["equal"] for row in proofs)
