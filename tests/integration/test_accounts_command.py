"""`accounts`: logins and doors as a person sets them up; secrets are shown once, and nothing wrong is stored."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from pms_sync.domain.clock import parse_instant
from tests.integration.command_line import CLOSED, HOTEL, ID, SECOND_PROPERTY, Machine, Told, Vendor

Row = dict[str, Any]


def listed(machine: Machine) -> dict[str, Row]:
    """Return the accounts by property code."""
    return {row["property"]: row for row in machine.invoke("accounts", "list", "--json").document["items"]}


def add(machine: Machine, code: str, credential: str, *words: str) -> Told:
    """Add a login, printed for a program."""
    return machine.invoke("accounts", "add", "beds24", "--property", code, "--credential", credential, *words, "--json")


@pytest.fixture
def credential(machine: Machine, simulated_vendor: Vendor) -> str:
    """Give the option's value for a login that works, at a hotel of two properties."""
    return machine.at_hotel(simulated_vendor, SECOND_PROPERTY, hotels=2)


@pytest.fixture
def account(machine: Machine, credential: str) -> str:
    """Give the id of an account whose login works."""
    account_id: str = add(machine, "P1", credential).document["account_id"]
    return account_id


def test_the_secret_is_shown_once(machine: Machine, credential: str) -> None:
    """PUBLIC_SURFACE accounts add: the second time the same door, its secret null; no list has it."""
    first = add(machine, "P1", credential).document
    assert set(first) == {"account_id", "door"}
    assert set(first["door"]) == {"url", "header", "secret"}
    assert first["door"]["header"] == "X-PMS-Sync-Secret"
    assert first["door"]["url"].startswith("http://127.0.0.1:8080/webhooks/beds24/")
    secret = first["door"]["secret"]
    assert len(secret) >= 32
    second = add(machine, "P1", credential).document
    assert second == {**first, "door": {**first["door"], "secret": None}}
    everything = machine.invoke("accounts", "list", "--json").stdout + machine.invoke("accounts", "list").stdout
    assert secret not in everything
    assert first["account_id"] in everything


def test_a_further_account_of_the_client_comes_through_the_same_door(machine: Machine, credential: str) -> None:
    """The router finds the account by the event's property."""
    first = add(machine, "P1", credential).document
    further = add(machine, "P2", credential).document
    assert further["account_id"] != first["account_id"]
    assert further["door"] == {**first["door"], "secret": None}
    assert {row["door_url"] for row in listed(machine).values()} == {first["door"]["url"]}


def test_another_client_has_a_door_of_its_own(machine: Machine, credential: str) -> None:
    first = add(machine, "P1", credential).document["door"]
    other = add(machine, "P2", "refresh_token=another").document["door"]
    assert other["secret"] not in {None, first["secret"]}
    assert other["url"] != first["url"]


def test_the_public_address_is_what_the_vendor_is_told(machine: Machine, credential: str) -> None:
    machine.settings["PUBLIC_URL"] = "https://hooks.example.com/pms/"
    url = add(machine, "P1", credential).document["door"]["url"]
    assert url.startswith("https://hooks.example.com/pms/webhooks/beds24/")


def test_a_hotel_file_alone_makes_the_account_and_says_what_is_missing(machine: Machine, credential: str) -> None:
    before = listed(machine)
    assert set(before) == {"P1", "P2"}
    assert set(before["P1"]) == {
        *("account_id", "property", "vendor", "property_ref", "role", "mode", "state", "note", "door_url"),
    }
    assert (before["P1"]["note"], before["P1"]["mode"], before["P1"]["door_url"]) == (
        "no credentials yet",
        "shadow",
        None,
    )
    add(machine, "P1", credential)
    after = listed(machine)["P1"]
    assert (after["account_id"], after["note"]) == (before["P1"]["account_id"], None)


def test_a_login_is_tried_with_one_cheap_call(machine: Machine, account: str) -> None:
    told = machine.invoke("accounts", "test", account, "--json")
    assert told.code == 0
    assert set(told.document) == {"ok", "zone", "currency", "scopes", "detail"}
    assert (told.document["ok"], told.document["zone"], told.document["currency"]) == (True, "Europe/Madrid", "EUR")
    assert "read:bookings" in told.document["scopes"]


def test_a_property_in_another_currency_is_a_finding(machine: Machine, credential: str) -> None:
    machine.write_hotels(prado=HOTEL.replace('"EUR"', '"USD"'))
    account_id = add(machine, "P1", credential).document["account_id"]
    told = machine.invoke("accounts", "test", account_id, "--json")
    assert (told.code, told.document["ok"]) == (1, False)
    assert "EUR" in told.document["detail"]
    assert "USD" in told.document["detail"]


@pytest.mark.parametrize("token", ["wrong", "wróng", "x" * 60_000, "a'b\"c;--"])
def test_refused_credentials_are_a_finding(machine: Machine, credential: str, token: str) -> None:
    """Exit 1 with ok false; the credential itself is not repeated (SEC-14)."""
    account_id = add(machine, "P1", f"refresh_token={token}").document["account_id"]
    told = machine.invoke("accounts", "test", account_id, "--json")
    assert (told.code, told.document["ok"], told.document["scopes"]) == (1, False, [])
    assert "credentials" in told.document["detail"]
    assert token not in told.stdout + told.stderr
    assert add(machine, "P1", credential).document["account_id"] == account_id
    assert machine.invoke("accounts", "test", account_id, "--json").document["ok"]


@pytest.mark.parametrize(
    "fault", [{"kind": "status", "status": 503}, {"kind": "drop_before"}, {"kind": "html"}, {"kind": "truncate"}]
)
def test_a_vendor_that_is_away_says_nothing_about_the_login(
    machine: Machine, account: str, simulated_vendor: Vendor, fault: Row
) -> None:
    simulated_vendor.fails(**fault)
    told = machine.invoke("accounts", "test", account, "--json")
    assert told.code == 3
    assert told.error["remedy"]


def test_a_vendor_whose_address_is_empty_is_away(machine: Machine, account: str) -> None:
    told = machine.invoke("accounts", "test", account, "--json", BEDS24_BASE_URL="http://127.0.0.1:1")
    assert told.code == 3
    assert "the connection failed" in told.error["what"]


def test_a_private_address_is_no_vendor_unless_allowed(machine: Machine, account: str) -> None:
    """SEC-10."""
    told = machine.invoke("accounts", "test", account, "--json", ALLOW_PRIVATE_VENDORS="0")
    assert told.code == 2
    assert "BASE_URL" in told.error["where"]


def test_an_account_is_paused_resumed_and_let_go_live(machine: Machine, account: str) -> None:
    """Each answers with the account as it is then; its id is written as everywhere, however it was typed."""
    for words, mode, state in (
        (("pause", account), "shadow", "paused"),
        (("mode", account, "live"), "live", "paused"),
        (("resume", account.upper()), "live", "active"),
        (("mode", f"{{{account}}}", "shadow"), "shadow", "active"),
        (("pause", f"urn:uuid:{account}"), "shadow", "paused"),
    ):
        told = machine.invoke("accounts", *words, "--json")
        assert told.document == {"account_id": account, "mode": mode, "state": state}
        assert (listed(machine)["P1"]["mode"], listed(machine)["P1"]["state"]) == (mode, state)
    assert listed(machine)["P1"]["note"] == "paused by an operator"


def test_the_secret_is_rotated_and_the_old_one_stays_for_a_day(machine: Machine, credential: str) -> None:
    first = add(machine, "P1", credential).document
    before = datetime.now(UTC)
    told = machine.invoke("accounts", "rotate-secret", first["account_id"], "--json").document
    assert set(told) == {"secret", "old_valid_until"}
    assert told["secret"] != first["door"]["secret"]
    assert timedelta(hours=23) < parse_instant(told["old_valid_until"]) - before < timedelta(hours=25)
    assert add(machine, "P1", credential).document["door"] == {**first["door"], "secret": None}
    again = machine.invoke("accounts", "rotate-secret", first["account_id"])
    assert again.stdout.startswith("secret: ")
    assert told["secret"] not in again.stdout


def test_for_eyes_the_door_is_told_once_too(machine: Machine, credential: str) -> None:
    words = ("accounts", "add", "beds24", "--property", "P1", "--credential", credential)
    first, second = machine.invoke(*words).stdout, machine.invoke(*words).stdout
    assert "(shown this once)" in first
    assert "The door exists already" in second
    assert machine.invoke("accounts", "list").stdout.count("\n") == 3


def test_a_new_account_needs_its_property_s_id(machine: Machine, simulated_vendor: Vendor) -> None:
    credential = machine.at_hotel(simulated_vendor)
    machine.write_hotels(prado=HOTEL.partition("[[properties.accounts]]")[0])
    refused = add(machine, "P1", credential)
    assert (refused.code, refused.error["where"]) == (2, "--property-ref")
    made = add(machine, "P1", credential, "--property-ref", "7").document
    assert UUID(made["account_id"]).version == 7
    assert listed(machine)["P1"]["property_ref"] == "7"


P1, LOGIN = ("beds24", "--property", "P1"), ("--credential", "refresh_token=x")
WRONG: dict[str, list[tuple[tuple[str, ...], str]]] = {
    "vendor": [
        (("nowhere", "--property", "P1", *LOGIN), "VENDOR"),
        (("\x1b[31m", "--property", "P1", *LOGIN), "VENDOR"),
    ],
    "property": [
        (("beds24", "--property", "P9", *LOGIN), "--property"),
        (("beds24", "--property", "P1\0", *LOGIN), "--property"),
        (("beds24", "--property", "P" * 9000, *LOGIN), "--property"),
        ((*P1, *LOGIN, "--tenant", "t9"), "--property"),
    ],
    "credential": [
        (P1, "--credential"),
        *(
            ((*P1, "--credential", text), "--credential")
            for text in (
                *("password=x", "refresh_token", "=x", "refresh_token=", "refresh_token=a\r\nX-Evil: b"),
                *("refresh_token=a\0b", "refresh_token=a\udcffb", f"refresh_token={'a' * 100_000}"),
                *("refresh_token=@/dev/null", "refresh_token=@/dev/zero"),
            )
        ),
    ],
    "file": [
        ((*P1, "--credential", f"refresh_token=@{file}"), file)
        for file in ("/nowhere", "/tmp", "a" * 9000, "a\0b", "/bin/true")
    ],
    "property ref": [
        *(((*P1, *LOGIN, "--property-ref", ref), "property_ref") for ref in ("seven", "-7", "7 8")),
        *(((*P1, *LOGIN, "--property-ref", ref), "--property-ref") for ref in ("", "7\0", "7" * 99, "\udcff")),
    ],
}


class TestBadInput:
    """Exit 2 with a place and a remedy, and nothing stored."""

    @pytest.mark.parametrize("kind", WRONG)
    def test_what_cannot_be_added_is_not_added(self, machine: Machine, kind: str) -> None:
        machine.write_hotels(prado=HOTEL)
        before = listed(machine)
        for words, where in WRONG[kind]:
            told = machine.invoke("accounts", "add", *words, "--json")
            assert (told.code, told.error["where"][: len(where)]) == (2, where), words
            assert len(told.stderr) < 20_000, words
        assert listed(machine) == before

    def test_an_account_that_is_not_there(self, machine: Machine) -> None:
        for account_id in ("x", "", ID, "0" * 31, "7" * 9000, "a\0b", "\x1b[31m", "\udcff", "'; DROP TABLE accounts"):
            told = machine.invoke("accounts", "test", account_id, "--json")
            assert (told.code, told.error["remedy"]) == (2, "see `pms-sync accounts list`"), account_id
        for words in (
            ("accounts", "mode", ID, "live"),
            ("accounts", "pause", ID),
            ("accounts", "resume", ID),
            ("accounts", "rotate-secret", ID),
            ("backfill", "--account", ID),
            ("poll-once", "--account", ID),
        ):
            told = machine.invoke(*words, "--json")
            assert (told.code, told.error["remedy"]) == (2, "see `pms-sync accounts list`"), words

    def test_an_account_without_a_login_cannot_be_talked_to(self, machine: Machine) -> None:
        machine.write_hotels(prado=HOTEL)
        account_id = listed(machine)["P1"]["account_id"]
        for words in (("accounts", "test", account_id), ("backfill", "--account", account_id)):
            told = machine.invoke(*words, "--json")
            assert (told.code, told.error["what"]) == (2, "the account has no credentials yet")
            assert "accounts add beds24 --property P1" in told.error["remedy"]
        told = machine.invoke("accounts", "rotate-secret", account_id, "--json")
        assert (told.code, told.error["what"]) == (2, "the account has no door yet")

    def test_one_code_in_two_tenants_needs_the_tenant(self, machine: Machine) -> None:
        machine.write_hotels(prado=HOTEL, other=HOTEL.replace('"t1"', '"t2"'))
        told = add(machine, "P1", "refresh_token=x")
        assert (told.code, told.error["where"], told.error["remedy"]) == (2, "--tenant", "choose one of: t1, t2")
        assert add(machine, "P1", "refresh_token=x", "--tenant", "t2").code == 0


def test_a_secret_given_by_hand_is_nowhere_but_sealed(machine: Machine, credential: str) -> None:
    """SEC-14: not in an answer, a log line or an error."""
    canary = "c4n4ry-9f"
    account_id = add(machine, "P1", f"refresh_token={canary}").document["account_id"]
    told = [
        machine.invoke("accounts", "list", "--json"),
        machine.invoke("accounts", "test", account_id, "--json"),
        machine.run("poll-once", "--json"),
        machine.invoke("accounts", "test", account_id, DATABASE_URL=CLOSED),
    ]
    assert [one.code for one in told] == [0, 1, 2, 3]
    assert not [one for one in told if canary in one.stdout + one.stderr]
    assert credential
