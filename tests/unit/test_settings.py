"""Settings: where they come from, what they become, and how faults are told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from config.settings import NAMES, Address, Settings, load, unknown
from pms_sync.domain.errors import ConfigurationFault

Load = Callable[..., Settings]


@pytest.fixture
def read(tmp_path: Path) -> Load:
    """Load settings from an invented environment; nothing of this machine is seen."""

    def reading(environ: Mapping[str, str] | None = None, folder: Path | None = None) -> Settings:
        return load(environ or {}, folder or tmp_path, secrets=tmp_path / "docker")

    return reading


def fault_of(read: Load, environ: Mapping[str, str], folder: Path | None = None) -> ConfigurationFault:
    with pytest.raises(ConfigurationFault) as raised:
        read(environ, folder)
    return raised.value


def test_nothing_set_is_an_embedded_daemon_on_the_loopback(read: Load) -> None:
    settings = read()
    assert settings.embedded
    assert settings.bind == Address("127.0.0.1", 8080)
    assert settings.public_url == "http://127.0.0.1:8080"
    assert (settings.undo_seconds, settings.poll_interval, settings.webhook_body_limit) == (30, 300, 1_048_576)
    assert settings.metrics_bind is None
    assert settings.allow_private_vendors is False


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("0.0.0.0:0", Address("0.0.0.0", 0)),
        ("[::1]:9000", Address("::1", 9000)),
        ("localhost:1", Address("localhost", 1)),
    ],
)
def test_an_address_is_read_and_written_back(read: Load, text: str, address: Address) -> None:
    settings = read({"PMS_SYNC_BIND": text})
    assert settings.bind == address
    assert settings.public_url == f"http://{text}"


def test_the_data_folder_follows_systemd_then_the_users_own(read: Load) -> None:
    assert read({"STATE_DIRECTORY": "/var/lib/pms-sync"}).data_dir == Path("/var/lib/pms-sync")
    assert read({"XDG_DATA_HOME": "/home/ana/data"}).data_dir == Path("/home/ana/data/pms-sync")


@pytest.mark.parametrize("place", ["environment", "file", "systemd", "systemd-long", "docker", "dotenv"])
def test_a_setting_is_found_in_every_place(read: Load, tmp_path: Path, place: str) -> None:
    docker, credentials, dotenv = tmp_path / "docker", tmp_path / "credentials", tmp_path / ".env"
    for folder in (docker, credentials):
        folder.mkdir()
    environ = {"CREDENTIALS_DIRECTORY": str(credentials)}
    match place:
        case "environment":
            environ["PMS_SYNC_MASTER_KEY"] = "the key"
        case "file":
            (tmp_path / "key").write_text("the key\n")
            environ["PMS_SYNC_MASTER_KEY_FILE"] = str(tmp_path / "key")
        case "systemd":
            (credentials / "master_key").write_text("the key")
        case "systemd-long":
            (credentials / "PMS_SYNC_MASTER_KEY").write_text("the key")
        case "docker":
            (docker / "master_key").write_text("the key\n")
        case _:
            dotenv.write_text("# ours\nPMS_SYNC_MASTER_KEY='the key'\nPATH=/elsewhere\n")
            dotenv.chmod(0o600)
    key = read(environ).master_key
    assert key is not None
    assert key.get_secret_value() == "the key"


def test_the_first_place_wins(read: Load, tmp_path: Path) -> None:
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "alert_to").write_text("docker@example.com")
    (tmp_path / ".env").write_text("PMS_SYNC_ALERT_TO=dotenv@example.com\nPMS_SYNC_MAIL_FROM=dotenv@example.com\n")
    (tmp_path / ".env").chmod(0o600)
    settings = read({"PMS_SYNC_ALERT_TO": "environment@example.com"})
    assert settings.alert_to == "environment@example.com"
    assert settings.mail_from == "dotenv@example.com"
    assert read().alert_to == "docker@example.com"


def test_a_setting_and_its_file_together_are_refused(read: Load, tmp_path: Path) -> None:
    (tmp_path / "url").write_text("postgresql://h/d")
    environ = {"PMS_SYNC_SMTP_URL": "smtp://h", "PMS_SYNC_SMTP_URL_FILE": str(tmp_path / "url")}
    assert "both set" in fault_of(read, environ).what


def test_the_certificate_file_is_a_path_and_no_file_variant(read: Load, tmp_path: Path) -> None:
    assert read({"PMS_SYNC_CA_FILE": "/nowhere/ca.pem"}).ca_file == Path("/nowhere/ca.pem")
    (tmp_path / "told").write_text("/nowhere/ca.pem\n")
    assert read({"PMS_SYNC_CA_FILE_FILE": str(tmp_path / "told")}).ca_file == Path("/nowhere/ca.pem")


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o664])
def test_a_dotenv_that_others_can_read_is_refused(read: Load, tmp_path: Path, mode: int) -> None:
    """SEC-15."""
    dotenv = tmp_path / ".env"
    dotenv.write_text("PMS_SYNC_ALERT_TO=a@example.com\n")
    dotenv.chmod(mode)
    fault = fault_of(read, {})
    assert fault.what == "others can read .env"
    assert fault.where == str(dotenv)
    assert fault.remedy == f"chmod 600 {dotenv}"


def test_empty_counts_as_not_set(read: Load) -> None:
    settings = read({"PMS_SYNC_METRICS_BIND": "", "PMS_SYNC_DATABASE_URL": " "})
    assert settings.metrics_bind is None
    assert settings.embedded


def test_a_vendor_has_its_own_address_under_its_own_name(read: Load) -> None:
    settings = read({"PMS_SYNC_BEDS24_BASE_URL": "http://127.0.0.1:9024/", "PMS_SYNC_OTHER_ONE_BASE_URL": "https://o"})
    assert settings.vendor_base_url("beds24") == "http://127.0.0.1:9024"
    assert settings.vendor_base_url("other_one") == "https://o"
    assert settings.vendor_base_url("mews") is None


def test_a_server_database_needs_a_master_key(read: Load) -> None:
    fault = fault_of(read, {"PMS_SYNC_DATABASE_URL": "postgresql://owner@db/pms"})
    assert fault.where == "PMS_SYNC_MASTER_KEY"
    assert "openssl rand" in fault.remedy


def test_a_mail_server_needs_somebody_to_write_to(read: Load) -> None:
    fault = fault_of(read, {"PMS_SYNC_SMTP_URL": "smtp://localhost"})
    assert fault.where == "PMS_SYNC_ALERT_TO"
    read({"PMS_SYNC_SMTP_URL": "smtps://u:w@mail.example.com:465", "PMS_SYNC_ALERT_TO": "desk@example.com"})


def test_alerts_may_go_to_several_people(read: Load) -> None:
    settings = read({"PMS_SYNC_ALERT_TO": "desk@example.com,boss@example.com "})
    assert settings.alert_to == "desk@example.com, boss@example.com"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("DATABASE_URL", "mysql://owner@db/pms"),
        ("REDIS_URL", "http://cache"),
        ("BIND", "8080"),
        ("BIND", ":8080"),
        ("BIND", "127.0.0.1:65536"),
        ("BIND", "127.0.0.1:٣"),
        ("LOG_FORMAT", "xml"),
        ("PUBLIC_URL", "ftp://h"),
        ("PUBLIC_URL", "https://user:word@h"),
        ("PUBLIC_URL", "https://"),
        ("PUBLIC_URL", "http://[::1"),
        ("UNDO_SECONDS", "-1"),
        ("UNDO_SECONDS", "soon"),
        ("POLL_INTERVAL", "0"),
        ("WEBHOOK_BODY_LIMIT", "12"),
        ("METRICS_BIND", "nowhere"),
        ("ALLOW_PRIVATE_VENDORS", "perhaps"),
        ("BEDS24_BASE_URL", "//host"),
        ("SMTP_URL", "http://mail.example.com"),
        ("SMTP_URL", "smtp://"),
        ("SMTP_URL", "smtp://mail.example.com/inbox"),
        ("SMTP_URL", "smtp://mail.example.com:99999"),
        ("MAIL_FROM", "pms-sync"),
        ("MAIL_FROM", "Desk <desk@example.com>"),
        ("ALERT_TO", "desk@example.com, boss"),
        ("ALERT_TO", "desk@example.com\nBcc: all@example.com"),
        ("ALERT_TO", "désk@example.com"),
    ],
)
def test_a_wrong_setting_is_named_with_its_remedy(read: Load, name: str, text: str) -> None:
    fault = fault_of(read, {f"PMS_SYNC_{name}": text})
    assert fault.what.startswith(f"PMS_SYNC_{name}: ")
    assert fault.where == f"PMS_SYNC_{name}"
    assert fault.remedy


def test_all_faults_are_told_at_once(read: Load, tmp_path: Path) -> None:
    """OPS: a person corrects everything in one go."""
    (tmp_path / ".env").write_text("PMS_SYNC_BIND=x\n")
    (tmp_path / ".env").chmod(0o600)
    fault = fault_of(read, {"PMS_SYNC_UNDO_SECONDS": "x", "PMS_SYNC_SMTP_URL_FILE": str(tmp_path / "missing")})
    assert fault.what.startswith("3 faults in the settings: ")
    for part in ("PMS_SYNC_BIND", "PMS_SYNC_UNDO_SECONDS", "missing cannot be read"):
        assert part in fault.what
    assert f"{tmp_path / '.env'}: PMS_SYNC_BIND" in fault.where


def test_no_secret_is_shown_by_a_fault_or_a_repr(read: Load) -> None:
    """SEC-14."""
    canary = "c4n4ry-9f"
    fault = fault_of(read, {"PMS_SYNC_DATABASE_URL": f"mysql://u:{canary}@h/d", "PMS_SYNC_SMTP_URL": canary})
    assert canary not in str(fault)
    settings = read({"PMS_SYNC_DATABASE_URL": f"postgresql://u:{canary}@h/d", "PMS_SYNC_MASTER_KEY": canary})
    assert canary not in repr(settings)


def test_a_binary_secret_file_is_a_fault_and_no_traceback(read: Load, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xff\xfe\x00")
    assert "not UTF-8" in fault_of(read, {"PMS_SYNC_MASTER_KEY_FILE": str(tmp_path / "key")}).what


def test_a_slip_of_the_pen_is_told_apart() -> None:
    environ = {
        "PMS_SYNC_DATABSE_URL": "x",
        "PMS_SYNC_BIND": "x",
        "PMS_SYNC_BIND_FILE": "x",
        "PMS_SYNC_MEWS_BASE_URL": "x",
        "PATH": "x",
    }
    assert unknown(environ) == ["PMS_SYNC_DATABSE_URL"]


def test_settings_do_not_change_after_start(read: Load) -> None:
    with pytest.raises(ValueError, match="frozen"):
        read().undo_seconds = 1


def test_every_setting_stands_in_the_example_file() -> None:
    example = (Path(__file__).parents[2] / ".env.example").read_text()
    missing = {name for name in NAMES if f"PMS_SYNC_{name.upper()}" not in example}
    assert not missing
