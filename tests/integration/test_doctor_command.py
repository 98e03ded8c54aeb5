"""`doctor`: one line for each thing that a newcomer gets wrong, and no fault that hides the next."""

from __future__ import annotations

from typing import Any

from tests.integration.command_line import CLOSED, HOTEL, MASTER_KEY, SECOND_PROPERTY, Machine, Vendor, failing


def item(document: Any, check: str) -> dict[str, Any]:
    """Return the first check whose name begins so."""
    found: dict[str, Any] = next(one for one in document["items"] if one["check"].startswith(check))
    return found


def test_a_database_that_is_away_hides_no_other_fault(bare_machine: Machine) -> None:
    hotels = bare_machine.write_hotels(prado=HOTEL.replace('"EUR"', '"EURO"'))
    told = bare_machine.invoke("doctor", "--json", DATABASE_URL=CLOSED, MASTER_KEY=MASTER_KEY, DATABSE_URL="slip")
    assert (told.code, failing(told.document)) == (1, ["settings", "hotel files", "database"])
    assert told.document["database"] == {"dsn": "postgresql://owner@127.0.0.1:1/pms", "version": None}
    assert "PMS_SYNC_DATABSE_URL" in item(told.document, "settings")["detail"]
    assert str(hotels / "prado.toml") in item(told.document, "hotel files")["detail"]
    assert "s3cr3t" not in told.stdout + told.stderr


def test_no_secret_of_an_address_is_shown(machine: Machine, migrated_database: str) -> None:
    """SEC-14, wherever an address may hide one."""
    canary = "s3cr3t-canary"
    address = f"{migrated_database}&password={canary}&sslpassword={canary}&sslmode=disable"
    told = machine.invoke("doctor", "--json", DATABASE_URL=address)
    assert item(told.document, "database")["ok"]
    assert canary not in told.stdout + told.stderr
    assert "sslmode=disable" in told.document["database"]["dsn"]


def test_a_schema_behind_is_told_with_its_remedy(bare_machine: Machine, empty_database: str) -> None:
    told = bare_machine.invoke("doctor", "--json", DATABASE_URL=empty_database, MASTER_KEY=MASTER_KEY)
    schema = item(told.document, "schema")
    assert (told.code, schema["ok"], schema["remedy"]) == (1, False, "run pms-sync migrate")


def test_for_eyes_it_is_one_line_each(machine: Machine) -> None:
    told = machine.invoke("doctor")
    assert told.code == 1
    assert "ok   settings: server database\n" in told.stdout
    assert "NOT  accounts: none yet\n     → " in told.stdout


def test_a_hotel_whose_login_works_needs_nobody(machine: Machine, simulated_vendor: Vendor) -> None:
    credential = machine.at_hotel(simulated_vendor)
    machine.invoke("accounts", "add", "beds24", "--property", "P1", "--credential", credential)
    told = machine.invoke("doctor", "--json")
    assert (told.code, failing(told.document)) == (0, [])
    assert item(told.document, "account ")["detail"] == "ok"
    assert all(one["remedy"] == "" for one in told.document["items"])


def test_each_account_is_told_by_itself(machine: Machine, simulated_vendor: Vendor) -> None:
    """One without credentials, one with refused ones, and one that is paused."""
    machine.at_hotel(simulated_vendor, SECOND_PROPERTY)
    ids = {one["property"]: one["account_id"] for one in machine.invoke("accounts", "list", "--json").document["items"]}
    none = machine.invoke("doctor", "--json")
    assert none.code == 1
    assert item(none.document, f"account {ids['P1']}")["detail"] == "the account has no credentials yet"
    assert "accounts add beds24 --property P1" in item(none.document, f"account {ids['P1']}")["remedy"]
    machine.invoke("accounts", "add", "beds24", "--property", "P1", "--credential", "refresh_token=wrong")
    machine.invoke("accounts", "pause", ids["P2"])
    told = machine.invoke("doctor", "--json")
    assert "refuses the refresh token" in item(told.document, f"account {ids['P1']}")["detail"]
    assert item(told.document, f"account {ids['P2']}")["remedy"] == f"pms-sync accounts resume {ids['P2']}"
    assert "wrong" not in told.stdout


def test_stdout_has_the_document_alone_whatever_the_accounts_are(machine: Machine, simulated_vendor: Vendor) -> None:
    """A hotel file whose account cannot be used is a failed check; nothing else is on stdout."""
    machine.at_hotel(simulated_vendor)
    machine.write_hotels(prado=HOTEL.replace('"7"', '"seven"'))
    told = machine.run("doctor", "--json")
    unusable = item(told.document, "hotel files")
    assert (told.code, told.stderr) == (1, "")
    assert unusable["detail"].startswith("'seven' is no Beds24 property id")
