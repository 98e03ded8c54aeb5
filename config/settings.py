"""The daemon's settings: one frozen object, read once at start, every fault told at once."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from config.faults import Faults
from config.sources import BASE_URL, DOCKER_SECRETS, PREFIX, Places, Told, gather
from pms_sync.domain.errors import ConfigurationFault

_HIGHEST_PORT = 65535
_PLAIN_ADDRESS = re.compile(r"[!-;=?A-~]+@[A-Za-z0-9](?:[A-Za-z0-9.\-]*[A-Za-z0-9])?")  # ASCII, bare: no <>, no blank


class Address(NamedTuple):
    """A host and a port to listen on; port 0 asks for a free one."""

    host: str
    port: int

    def __str__(self) -> str:
        """Write it as in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _address(text: object) -> object:
    host, colon, port = str(text).rpartition(":")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > _HIGHEST_PORT:
        raise ValueError("is not HOST:PORT, for example 127.0.0.1:8080")
    return Address(host.removeprefix("[").removesuffix("]"), int(port))


def _split(url: str, schemes: tuple[str, ...]) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise ValueError("is not a URL") from None
    if parts.scheme not in schemes:
        raise ValueError(f"must begin with {' or '.join(f'{one}://' for one in schemes)}")
    return parts


def _web_url(url: str) -> str:
    parts = _split(url, ("http", "https"))
    if not parts.hostname:
        raise ValueError("names no host")
    if parts.username or parts.password:
        raise ValueError("must not carry a password")
    return url.rstrip("/")


def _secret_url(*schemes: str) -> AfterValidator:
    def check(url: SecretStr) -> SecretStr:
        _split(url.get_secret_value(), schemes)
        return url

    return AfterValidator(check)


def _mail_server(url: SecretStr) -> SecretStr:
    parts = _split(url.get_secret_value(), ("smtp", "smtps"))
    if not parts.hostname:
        raise ValueError("names no host")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError("holds more than [user:password@]host[:port]")
    return url


def _mail_address(text: str) -> str:
    name, at, domain = text.strip().rpartition("@")
    if not (at and name and domain) or not _PLAIN_ADDRESS.fullmatch(text.strip()):
        raise ValueError("is not a mail address, for example frontdesk@example.com")
    return text.strip()


def _mail_addresses(text: str) -> str:
    return ", ".join(_mail_address(one) for one in text.split(","))


def default_data_dir(environ: Mapping[str, str]) -> Path:
    """Return where the embedded database lives unless told: systemd's state folder, else the user's data folder."""
    if environ.get("STATE_DIRECTORY"):
        return Path(environ["STATE_DIRECTORY"].split(":")[0])
    base = environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "pms-sync"


class Settings(BaseSettings):
    """Every setting by its name in lower case; make it with `load`, or in tests with keyword arguments.

    Seconds are seconds, sizes are bytes. Secrets print as asterisks.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, validate_default=False)

    database_url: Annotated[SecretStr, _secret_url("postgresql", "postgres")] | None = None  # None: embedded
    redis_url: Annotated[SecretStr, _secret_url("redis", "rediss", "unix")] | None = None  # None: in process
    data_dir: Path = Field(default_factory=lambda: default_data_dir(os.environ))
    bind: Annotated[Address, BeforeValidator(_address)] = Address("127.0.0.1", 8080)
    config: Path | None = None
    master_key: SecretStr | None = None
    log_format: Literal["json", "console"] = "json"
    public_url: Annotated[str, AfterValidator(_web_url)] = ""
    smtp_url: Annotated[SecretStr, AfterValidator(_mail_server)] | None = None  # None: no mail
    mail_from: Annotated[str, AfterValidator(_mail_address)] | None = None  # None: the first of `alert_to`
    alert_to: Annotated[str, AfterValidator(_mail_addresses)] | None = None  # one or more, joined by ", "
    undo_seconds: Annotated[int, Field(ge=0, le=86_400)] = 30
    pg_bin: Path | None = None
    ca_file: Path | None = None
    poll_interval: Annotated[int, Field(ge=1, le=86_400)] = 300
    raw_months: Annotated[int, Field(ge=1, le=1_200)] = 13
    webhook_body_limit: Annotated[int, Field(ge=1_024, le=64 * 1_048_576)] = 1_048_576
    metrics_bind: Annotated[Address, BeforeValidator(_address)] | None = None  # None: on `bind`, loopback peers only
    allow_private_vendors: bool = False
    vendor_specs: Path | None = None
    vendor_base_urls: Mapping[str, Annotated[str, AfterValidator(_web_url)]] = Field(default_factory=dict)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the library's signature
        init_settings: PydanticBaseSettingsSource,
        *others: PydanticBaseSettingsSource,  # noqa: ARG003
        **named: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Take what `load` gathered and nothing else: `config.sources` knows every place."""
        return (init_settings,)

    def model_post_init(self, context: Any, /) -> None:  # noqa: ANN401 - the library's signature
        """Let the public address follow `bind` unless it is told."""
        del context
        if not self.public_url:
            object.__setattr__(self, "public_url", f"http://{self.bind}")

    def vendor_base_url(self, vendor: str) -> str | None:
        """Return PMS_SYNC_<VENDOR>_BASE_URL, None for the vendor's own address."""
        return self.vendor_base_urls.get(vendor.lower())

    @property
    def embedded(self) -> bool:
        """Tell whether the database is our own."""
        return self.database_url is None


NAMES = frozenset(Settings.model_fields) - {"vendor_base_urls"}
_NEEDS_A_SERVER_KEY = ConfigurationFault(
    "a server database needs a master key: it seals guests' data and vendors' credentials",
    f"{PREFIX}MASTER_KEY",
    "make one with `openssl rand -base64 32`, keep a copy apart from the database, and name it in "
    f"{PREFIX}MASTER_KEY_FILE",
)
_NOBODY_TO_MAIL = ConfigurationFault(
    "a mail server is named, but nobody whom alerts should reach",
    f"{PREFIX}ALERT_TO",
    f"name an address in {PREFIX}ALERT_TO, or leave {PREFIX}SMTP_URL out",
)


def load(
    environ: Mapping[str, str] | None = None, folder: Path | None = None, *, secrets: Path = DOCKER_SECRETS
) -> Settings:
    """Read the settings of this process; raises one ConfigurationFault that names every fault.

    `folder` is where `.env` may stand, by default the working directory.
    """
    places = Places(os.environ if environ is None else environ, folder or Path.cwd(), secrets)
    faults = Faults()
    told = gather(places, NAMES, faults)
    settings = _built(told, places.environ, faults)
    if settings and settings.database_url and not settings.master_key:
        faults.add(_NEEDS_A_SERVER_KEY.what, _NEEDS_A_SERVER_KEY.where, _NEEDS_A_SERVER_KEY.remedy)
    if settings and settings.smtp_url and not settings.alert_to:
        faults.add(_NOBODY_TO_MAIL.what, _NOBODY_TO_MAIL.where, _NOBODY_TO_MAIL.remedy)
    faults.raise_all("the settings")
    assert settings is not None  # noqa: S101 - None has faults
    return settings


def unknown(environ: Mapping[str, str]) -> list[str]:
    """Return PMS_SYNC_ variables that name no setting, most often a slip of the pen; `doctor` tells them."""
    ours = sorted(name for name in environ if name.startswith(PREFIX))
    return [name for name in ours if not _names_a_setting(name.removeprefix(PREFIX).lower())]


def _names_a_setting(short: str) -> bool:
    plain = short.removesuffix("_file")
    return short in NAMES or plain in NAMES or plain.endswith(BASE_URL) or short == "debug"


def _built(told: Mapping[str, Told], environ: Mapping[str, str], faults: Faults) -> Settings | None:
    values: dict[str, object] = {name: one.text for name, one in told.items() if name in NAMES}
    urls = {name.removesuffix(BASE_URL): one.text for name, one in told.items() if name.endswith(BASE_URL)}
    values.setdefault("data_dir", default_data_dir(environ))
    try:
        return Settings.model_validate({**values, "vendor_base_urls": urls})
    except ValidationError as error:
        for each in error.errors(include_url=False, include_input=False):
            name, why = _named(each["loc"]), each["msg"].removeprefix("Value error, ")
            where = told[name].where if name in told else PREFIX + name.upper()
            faults.add(f"{PREFIX}{name.upper()}: {why}", where, "correct it, or remove it for the default")
    return None


def _named(loc: tuple[int | str, ...]) -> str:
    if loc[0] == "vendor_base_urls" and len(loc) > 1:
        return f"{loc[1]}{BASE_URL}"
    return str(loc[0])
