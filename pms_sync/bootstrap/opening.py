"""Opening: settings in, a working store out, with the database, keys and vendors that every command needs."""

from __future__ import annotations

import os
import random
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from config.hotels import HotelFile, load_hotels
from config.settings import Settings
from connectors.kit.http import open_client
from pms_sync import plugins
from pms_sync.apply.batch import Applier
from pms_sync.apply.outgoing import outgoing, pend
from pms_sync.apply.tongues import Tongues
from pms_sync.bootstrap import addressees, logins
from pms_sync.bootstrap.hotel_files import write_hotels
from pms_sync.domain.clock import Clock
from pms_sync.domain.errors import ConfigurationFault
from pms_sync.embedded import EmbeddedPostgres
from pms_sync.ingest.landing import Landing
from pms_sync.ingest.looking import Looking
from pms_sync.ingest.runtimes import Runtimes, Vendor
from pms_sync.ingest.worker import Worker
from pms_sync.observe.metrics import Metrics
from pms_sync.ports.connector import ConnectorSpec
from pms_sync.ports.queue import QueueReader
from pms_sync.push.dispatcher import Dispatcher
from pms_sync.store import schema
from pms_sync.store.database import Database
from pms_sync.store.ids import new_id
from pms_sync.store.sealing import KeyRing, master_key_text, new_master_key, parse_master_keys

MASTER_KEY_FILE = "master.key"
_COPY = "put your copy of it back, or name that in PMS_SYNC_MASTER_KEY_FILE"


class SystemClock:
    """The machine's clock (domain.clock.Clock)."""

    def now(self) -> datetime:
        """Return the current instant in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never step back."""
        return time.monotonic()


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """The store, open and at head, with everything a command needs to work on it."""

    settings: Settings
    dsn: str
    database: Database
    keys: KeyRing
    vendors: Mapping[str, Vendor]
    clock: Clock
    embedded: EmbeddedPostgres | None

    def runtimes(self, metrics: Metrics | None = None) -> Runtimes:
        """Join the accounts with their vendors; nothing is read yet."""
        counted = metrics or Metrics()
        return Runtimes(self.database, self.keys, self.vendors, clock=self.clock, on_call=counted.vendor_call)

    @property
    def queues(self) -> Mapping[str, QueueReader]:
        """Return what reads the messages of each vendor that has a queue."""
        found = {name: vendor.plugin.queue for name, vendor in self.vendors.items()}
        return {name: reader for name, reader in found.items() if reader is not None}

    def landing(self, metrics: Metrics | None = None) -> Landing:
        """Build what maps and applies a batch."""
        counted = metrics or Metrics()
        return Landing(self.database, self.keys, self.applier(counted), new_id, counted.applied)

    def applier(self, metrics: Metrics | None = None) -> Applier:
        """Build what writes the store."""
        mappers = {name: one.mapper for name, one in self.vendors.items()}
        return Applier(self.keys, self.clock, new_id, mappers, (metrics or Metrics()).echo)

    def worker(
        self, runtimes: Runtimes, landing: Landing | None = None, woken: Callable[[], None] = lambda: None
    ) -> Worker:
        """Build a worker; `woken` hears that a batch ended."""
        jitter = random.Random()  # noqa: S311 - spreads retries, guards nothing
        chosen = landing or self.landing()
        return Worker(self.database, runtimes, chosen, new_id=new_id, random=jitter, woken=woken)

    def dispatcher(self, runtimes: Runtimes, landing: Landing, woken: Callable[[], None] = lambda: None) -> Dispatcher:
        """Build what takes planned changes to their vendors; `woken` hears that a batch ended."""
        return Dispatcher(
            self.database,
            self.keys,
            runtimes,
            outgoing=outgoing,
            pend=pend,
            tongues=Tongues({name: one.mapper for name, one in self.vendors.items()}),
            look=Looking(self.database, landing, new_id),
            new_id=new_id,
            random=random.Random(),  # noqa: S311 - spreads retries, guards nothing
            woken=woken,
        )


@asynccontextmanager
async def database_server(settings: Settings) -> AsyncIterator[tuple[str, EmbeddedPostgres | None]]:
    """Give the address of the owner role; starts or shares the embedded server where no other is named."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value(), None
        return
    server = EmbeddedPostgres(settings.data_dir, settings.pg_bin)
    dsn = await server.start()
    try:
        yield dsn, server
    finally:
        await server.stop()


@asynccontextmanager
async def opened(settings: Settings, *, hotels: bool = True) -> AsyncIterator[Opened]:
    """Open the store: an empty embedded database is migrated, vendors are made ready.

    Hotel files are written into it unless `hotels` is false: who only reads changes nothing.
    Raises Unavailable (database away, schema not at head) or ConfigurationFault (settings, hotel files, master key).
    """
    async with vendors_of(settings) as vendors:
        files = _hotel_files(settings, vendors) if hotels else ()
        async with database_server(settings) as (dsn, server):
            if server is not None and await schema.current(dsn) is None:
                await _migrate(dsn)
            await schema.require_head(dsn)
            database = await Database.connect(dsn)
            try:
                async with database.connection() as connection:
                    keys = KeyRing(*master_keys(settings, sealed=await KeyRing.in_use(connection)))
                    await keys.load(connection)
                core = Opened(
                    settings=settings,
                    dsn=dsn,
                    database=database,
                    keys=keys,
                    vendors=vendors,
                    clock=SystemClock(),
                    embedded=server,
                )
                if hotels:
                    await write_hotels(database, keys, _specs(vendors), files, new_id)
                yield core
            finally:
                await database.close()


@asynccontextmanager
async def vendors_of(settings: Settings) -> AsyncIterator[Mapping[str, Vendor]]:
    """Give every installed vendor with its HTTP client; nothing is sent, and the clients are closed at the end."""
    vendors = _vendors(settings)
    try:
        yield vendors
    finally:
        for vendor in vendors.values():
            await vendor.client.aclose()


def _hotel_files(settings: Settings, vendors: Mapping[str, Vendor]) -> tuple[HotelFile, ...]:
    if settings.config is None:
        return ()
    subscribers = addressees.in_hotel_files(allow_private=settings.allow_private_vendors)
    return load_hotels(settings.config, logins.in_hotel_files(vendors), subscribers)


async def _migrate(dsn: str) -> None:
    from pms_sync.store.migrations import migrate  # noqa: PLC0415 - once in a lifetime, and large

    await migrate(dsn)


def master_keys(settings: Settings, *, sealed: bool) -> tuple[bytes, ...]:
    """Return the keys of the settings, else the embedded database's own: made once beside it, readable by us alone.

    `sealed` says that something was sealed already: a lost key is told then, and never replaced by another.
    """
    if settings.master_key is not None:
        return parse_master_keys(settings.master_key.get_secret_value())
    path = settings.data_dir / MASTER_KEY_FILE
    try:
        if not path.exists():
            if sealed:
                raise ConfigurationFault(
                    "the master key is gone, and this database was sealed with it", str(path), _COPY
                )
            write_privately(path, master_key_text(new_master_key()))
        text = path.read_text(errors="replace")
    except OSError as error:
        what = f"the master key {path} cannot be used: {error.strerror}"
        raise ConfigurationFault(what, "PMS_SYNC_DATA_DIR", "let this user read and write it") from error
    try:
        return parse_master_keys(text)
    except ConfigurationFault as fault:
        raise ConfigurationFault(fault.what, str(path), _COPY) from None  # a fresh one would open nothing


def write_privately(path: Path, text: str, *, over: bool = False) -> None:
    """Write a file whole or not at all, 0600 from its first byte; once this returns, no loss of power takes it away.

    What is there is replaced where `over` says so, else the first of two writers wins.
    """
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    fresh.touch(mode=0o600, exist_ok=False)
    try:
        fresh.write_text(text)
        _to_disk(fresh)
        if over:
            fresh.replace(path)
        else:
            with suppress(FileExistsError):
                path.hardlink_to(fresh)
    finally:
        fresh.unlink(missing_ok=True)
    _to_disk(path.parent)  # where the name stands


def _to_disk(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _vendors(settings: Settings) -> dict[str, Vendor]:
    """Load every installed vendor with its HTTP client; nothing is sent."""
    mappers = plugins.mappers()
    return {
        name: Vendor(plugin=plugin, mapper=mappers[name], base_url=base_url, client=_client(settings, base_url))
        for name, plugin in plugins.connectors().items()
        if (base_url := settings.vendor_base_url(name) or plugin.spec.default_base_url) and name in mappers
    }


def _specs(vendors: Mapping[str, Vendor]) -> dict[str, ConnectorSpec]:
    return {name: vendor.plugin.spec for name, vendor in vendors.items()}


def _client(settings: Settings, base_url: str):  # type: ignore[no-untyped-def]  # noqa: ANN202 - httpx stays in the kit
    ca_file = str(settings.ca_file) if settings.ca_file else None
    return open_client(base_url, ca_file=ca_file, allow_private=settings.allow_private_vendors)
