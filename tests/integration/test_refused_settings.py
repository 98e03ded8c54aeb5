"""Settings, `.env`, hotel files and the master key as doors for bad input: what is wrong, where, and the remedy."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.integration.command_line import CLOSED, HOTEL, ID, MASTER_KEY, Machine, failing

SOME_COMMANDS = pytest.mark.parametrize(
    "words",
    [("accounts", "list"), ("migrate",), ("run",), ("backfill", "--account", ID), ("explain", ID)],
    ids=" ".join,
)


@SOME_COMMANDS
def test_a_server_database_without_a_master_key_is_refused(bare_machine: Machine, words: tuple[str, ...]) -> None:
    told = bare_machine.invoke(*words, DATABASE_URL=CLOSED)
    assert (told.code, told.error["where"]) == (2, "PMS_SYNC_MASTER_KEY")


@SOME_COMMANDS
def test_a_dotenv_that_others_can_read_stops_a_command(bare_machine: Machine, words: tuple[str, ...]) -> None:
    """SEC-15; also where the environment says all there is to say."""
    dotenv = bare_machine.folder / ".env"
    dotenv.write_text("PMS_SYNC_ALERT_TO=a@example.com\n")
    dotenv.chmod(0o644)
    told = bare_machine.invoke(*words, DATABASE_URL=CLOSED, MASTER_KEY=MASTER_KEY)
    assert (told.code, told.error["what"], told.error["where"]) == (2, "others can read .env", str(dotenv))


def test_doctor_tells_of_such_a_dotenv_and_others_need_no_settings(bare_machine: Machine) -> None:
    dotenv = bare_machine.folder / ".env"
    dotenv.touch()
    dotenv.chmod(0o604)
    doctor = bare_machine.invoke("doctor", "--json")
    assert (doctor.code, failing(doctor.document), doctor.document["database"]) == (1, ["settings"], None)
    assert bare_machine.invoke("connectors", "list").code == 0


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ({"BIND": "127.0.0.1:99999"}, "PMS_SYNC_BIND"),
        ({"LOG_FORMAT": "\x1b[31m"}, "PMS_SYNC_LOG_FORMAT"),
        ({"MASTER_KEY_FILE": "/nowhere/key"}, "PMS_SYNC_MASTER_KEY_FILE"),
        ({"CA_FILE": "/nowhere.pem"}, "PMS_SYNC_CA_FILE"),
        ({"CA_FILE": __file__}, "PMS_SYNC_CA_FILE"),
        ({"CONFIG": "/nowhere"}, "PMS_SYNC_CONFIG=/nowhere"),
        ({"PG_BIN": "/nowhere"}, "PMS_SYNC_PG_BIN"),
        ({"DATA_DIR": "/dev/null/x"}, "/dev/null/x"),
        ({"DATA_DIR": "/etc/passwd"}, "/etc/passwd"),
        ({"DATABASE_URL": "mysql://h/d", "MASTER_KEY": MASTER_KEY}, "PMS_SYNC_DATABASE_URL"),
        ({"DATABASE_URL": f"{CLOSED}?sslmode=perhaps", "MASTER_KEY": MASTER_KEY}, "PMS_SYNC_DATABASE_URL"),
        ({"POLL_INTERVAL": "9" * 5000}, "PMS_SYNC_POLL_INTERVAL"),
        ({"BEDS24_BASE_URL": "http://192.0.2.1"}, "PMS_SYNC_<VENDOR>_BASE_URL"),
        ({"BEDS24_BASE_URL": "https://["}, "PMS_SYNC_BEDS24_BASE_URL"),
    ],
    ids=lambda value: ",".join(value) if isinstance(value, dict) else "",
)
def test_a_setting_that_cannot_be_is_told_with_its_place(
    bare_machine: Machine, settings: dict[str, str], where: str
) -> None:
    told = bare_machine.invoke("accounts", "list", "--json", **settings)
    assert (told.code, told.error["where"]) == (2, where)
    assert "s3cr3t" not in told.stderr


def test_a_master_key_that_is_none_is_told_unseen(machine: Machine) -> None:
    for key in ("short", "zz" * 32, "00" * 31, "\N{SNOWMAN}", "=" * 44):
        told = machine.invoke("accounts", "list", "--json", MASTER_KEY=key)
        assert (told.code, told.error["where"]) == (2, "PMS_SYNC_MASTER_KEY"), key
        assert key not in told.error["what"]


def test_another_master_key_does_not_open_the_database(machine: Machine) -> None:
    machine.write_hotels(prado=HOTEL)
    assert machine.invoke("accounts", "list", "--json").document["items"]
    told = machine.invoke("accounts", "list", MASTER_KEY="11" * 32)
    assert (told.code, told.error["where"]) == (2, "PMS_SYNC_MASTER_KEY")
    doctor = machine.invoke("doctor", "--json", MASTER_KEY="11" * 32)
    assert (doctor.code, failing(doctor.document)) == (1, ["store"])
    assert "master key does not open" in doctor.document["items"][-1]["detail"]


def test_a_lost_or_broken_master_key_is_never_replaced(bare_machine: Machine) -> None:
    """The remedy is the copy; a fresh key would open nothing and look like the right one."""
    bare_machine.write_hotels(prado=HOTEL)
    assert bare_machine.invoke("accounts", "list", "--json").document["items"]
    key = bare_machine.data_dir / "master.key"
    kept = key.read_text()
    breaks: list[tuple[Callable[[], object], str]] = [
        (key.unlink, "the master key is gone"),
        (lambda: key.write_bytes(b"\xff\xfe\x00"), "the master key is not 32 bytes"),
        (lambda: key.write_text(""), "the master key is not 32 bytes"),
    ]
    for spoil, what in breaks:
        spoil()
        told = bare_machine.invoke("accounts", "list")
        assert (told.code, told.error["where"]) == (2, str(key))
        assert told.error["what"].startswith(what)
        assert "your copy" in told.error["remedy"]
    key.write_text(kept)
    assert bare_machine.invoke("accounts", "list").code == 0


def test_all_faults_of_all_hotel_files_are_told_and_nothing_is_stored(machine: Machine) -> None:
    machine.write_hotels(
        prado=HOTEL.replace('"EUR"', '"EURO"').replace("Europe/Madrid", "Europe/Madird"),
        other='tenant = "t2"\nowner = "x"\n',
        third="tenant = ",
    )
    told = machine.invoke("accounts", "list", "--json")
    assert told.code == 2
    assert told.error["what"].startswith("4 faults in the hotel files: (1) ")
    assert all(name in told.error["where"] for name in ("prado.toml", "other.toml", "third.toml"))
    assert "(4) " in told.error["remedy"]
    del machine.settings["CONFIG"]
    assert machine.invoke("accounts", "list", "--json").document == {"items": []}


def test_a_hotel_file_is_held_to_what_accounts_add_is(machine: Machine) -> None:
    """The same words, every fault of every file at once, and nothing stored."""
    login = 'property_ref = "7"\ncredentials_file = "{}.json"'
    hotels = machine.write_hotels(
        prado=HOTEL.replace('property_ref = "7"', login.format("wrong")),
        retiro=HOTEL.replace('"t1"', '"t2"').replace('vendor = "beds24"', 'vendor = "innbox"'),
        sol=HOTEL.replace('"t1"', '"t3"').replace('"7"', '"seven"'),
        tajo=HOTEL.replace('"t1"', '"t4"').replace('property_ref = "7"', login.format("torn")),
        ultra=HOTEL.replace('"t1"', '"t5"').replace('property_ref = "7"', login.format("empty")),
    )
    for name, text in (
        ("wrong", '{"passwort": "c4nary"}'),
        ("torn", '{"refresh_token": "c4\\nnary"}'),
        ("empty", "{}"),
    ):
        (hotels / f"{name}.json").touch(mode=0o600)
        (hotels / f"{name}.json").write_text(text)
    told = machine.invoke("accounts", "list", "--json")
    assert told.code == 2
    for words in (
        "5 faults in the hotel files",
        "unknown credential 'passwort'",
        "no connector for vendor 'innbox'",
        "'seven' is no Beds24 property id",
        "credential 'refresh_token' is empty, too long, or has line breaks",
        "no credential given",
    ):
        assert words in told.error["what"]
    for place in ("credentials_file", "accounts[0].vendor", "accounts[0].property_ref", "ultra.toml"):
        assert place in told.error["where"]
    assert "c4" not in told.stderr
    added = {**machine.settings}
    del machine.settings["CONFIG"]
    assert machine.invoke("accounts", "list", "--json").document == {"items": []}
    machine.settings |= added
    machine.write_hotels(**dict.fromkeys(("retiro", "sol", "tajo", "ultra"), 'tenant = "t9"'), prado=HOTEL)
    by_hand = machine.invoke("accounts", "add", "beds24", "--property", "P1", "--credential", "passwort=x", "--json")
    assert by_hand.error["what"] in told.error["what"]
    assert by_hand.error["remedy"] in told.error["remedy"]


def test_credentials_that_others_can_read_are_refused_like_a_dotenv(machine: Machine) -> None:
    hotels = machine.write_hotels(prado=HOTEL.replace('"7"', '"7"\ncredentials_file = "login.json"'))
    login = hotels / "login.json"
    login.write_text('{"refresh_token": "c4nary"}')
    login.chmod(0o644)
    told = machine.invoke("accounts", "list", "--json")
    assert (told.code, told.error["what"], told.error["remedy"]) == (
        2,
        "others can read login.json",
        f"chmod 600 {login}",
    )
    login.chmod(0o600)
    [account] = machine.invoke("accounts", "list", "--json").document["items"]
    assert account["note"] != "no credentials yet"


UNFIT = [
    ("Hotel Prado", r"Hotel\u0000Prado"),
    ("Hotel Prado", r"Hotel\u001b]0;Prado"),
    ('tenant = "t1"', r'tenant = "t\u00001"'),
    ('code = "P1"', r'code = "P1\u001b[31m"'),
    ('code = "P1"', r'code = "P1\n"'),
    ('"101"', r'"10\u00001"'),
    ('"55/1"', r'"55/1\u0000"'),
    ('property_ref = "7"', r'property_ref = "7\u0000"'),
    ('vendor = "beds24"', r'vendor = "beds24\n"'),
    ('property_ref = "7"', 'property_ref = "7"\ncredentials_file = "a\\u0000b"'),
    ('property_ref = "7"', f'property_ref = "{"7" * 65}"'),
    ('tenant = "t1"', f"tenant = {'[' * 100_000}"),
    ('tenant = "t1"', 'tenant = "t1"\nsubscribers = [{url="http://[", secret_file="x", topics=[]}]'),
    ('tenant = "t1"', "tenant = " + "9" * 5000),
    ('tenant = "t1"', "tenant = 1979-05-27T07:32:00Z"),
]


def test_what_the_store_cannot_hold_never_gets_there(machine: Machine) -> None:
    """NUL, control characters, nesting, huge values: a fault with its file, no defect."""
    for old, new in UNFIT:
        assert old in HOTEL
        machine.write_hotels(prado=HOTEL.replace(old, new, 1))
        told = machine.invoke("accounts", "list", "--json")
        assert (told.code, "prado.toml" in told.error["where"]) == (2, True), new[:80]


def test_what_is_no_file_is_told(machine: Machine) -> None:
    hotels = machine.write_hotels(prado=HOTEL)
    (hotels / "folder.toml").mkdir()
    os.mkfifo(hotels / "pipe.toml")
    (hotels / "nowhere.toml").symlink_to("/nowhere")
    (hotels / "endless.toml").symlink_to("/dev/zero")
    told = machine.invoke("accounts", "list", "--json")
    assert told.code == 2
    assert told.error["what"].startswith("4 faults in the hotel files")
