"""Diagnosis: each thing the daemon needs, tried by itself, so that one fault does not hide the next."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from config import settings as settings_room
from config.hotels import load_hotels
from config.settings import Settings
from pms_sync import plugins
from pms_sync.bootstrap import addressees, checkup, logins, telling
from pms_sync.bootstrap.addresses import without_password
from pms_sync.bootstrap.items import Item, failed, item
from pms_sync.bootstrap.opening import database_server, opened, vendors_of
from pms_sync.domain.errors import Fault
from pms_sync.store import schema
from pms_sync.store.database import Database

_LEAST_VERSION = 150_000
_CLOCK_DOUBT_S = 5.0
_LEAST_FREE = 1 << 30
_MAIL_PATIENCE_S = 5.0


async def diagnose() -> dict[str, Any]:
    """Return {"items": [{"check","ok","detail","remedy"}], "database": {"dsn","version"}}.

    The version is None while the server does not answer, the database None while its address is not known.
    """
    items: list[Item] = []
    try:
        settings = settings_room.load()
    except Fault as fault:
        return {"items": [failed("settings", fault)], "database": None}
    items.append(_settings(settings))
    items += [await _hotel_files(settings), _tried("vendors", _vendors)]
    items += [_disk(settings), await _mail(settings)]
    database = _named(settings)
    try:
        async with database_server(settings) as (dsn, _):
            database, found = await _database(dsn, settings)
            items += found
            items += [one async for one in _store(settings)]
    except Fault as fault:
        items.append(failed("database", fault))
    return {"items": items, "database": database}


def _named(settings: Settings) -> dict[str, str | None] | None:
    """Say where the database should be, before anybody asks it."""
    if settings.database_url is None:
        return None
    return {"dsn": without_password(settings.database_url.get_secret_value()), "version": None}


async def _database(dsn: str, settings: Settings) -> tuple[dict[str, str | None], list[Item]]:
    version, number, skew = await _ask(dsn)
    revision, head = await schema.current(dsn), schema.head()
    fits = revision == head or (revision is None and settings.embedded)  # an empty one of our own migrates by itself
    items = [
        item("database", number >= _LEAST_VERSION, f"PostgreSQL {version}", "use PostgreSQL 15 or newer"),
        item(
            "clock",
            abs(skew) <= _CLOCK_DOUBT_S,
            f"{abs(skew):.1f} s apart from the database's",
            "synchronise both machines' clocks",
        ),
        item("schema", fits, f"at {revision or 'nothing'}, needed {head}", "run pms-sync migrate"),
    ]
    return {"dsn": without_password(dsn), "version": version}, items


async def _ask(dsn: str) -> tuple[str, int, float]:
    """Ask the server as the owner: before `migrate` there are no roles yet."""
    database = await Database.connect(dsn, role=None, size=1)
    try:
        async with database.connection() as connection:
            row = await connection.fetchrow(
                "SELECT current_setting('server_version') AS version, "
                "current_setting('server_version_num')::int AS number, clock_timestamp() AS now"
            )
    finally:
        await database.close()
    return row["version"], row["number"], (datetime.now(UTC) - row["now"]).total_seconds()


async def _store(settings: Settings) -> AsyncIterator[Item]:
    """Open the store as the daemon does, then try every account."""
    try:
        async with opened(settings, hotels=False) as core:
            yield item("master key", ok=True, detail="opens this database's keys")
            yield await checkup.partitions(core)
            for one in await checkup.every_account(core):
                yield one
    except Fault as fault:
        yield failed("store", fault)


def _settings(settings: Settings) -> Item:
    slips = settings_room.unknown(os.environ)
    if slips:
        return item("settings", ok=False, detail=f"unknown: {', '.join(slips)}", remedy="correct or remove them")
    return item("settings", ok=True, detail="embedded database" if settings.embedded else "server database")


async def _hotel_files(settings: Settings) -> Item:
    if settings.config is None:
        remedy = "name a folder of hotel files in PMS_SYNC_CONFIG"
        return item("hotel files", ok=True, detail="no folder named", remedy=remedy)
    try:
        async with vendors_of(settings) as vendors:
            subscribers = addressees.in_hotel_files(allow_private=settings.allow_private_vendors)
            found = load_hotels(settings.config, logins.in_hotel_files(vendors), subscribers)
    except Fault as fault:
        return failed("hotel files", fault)
    properties = sum(len(file.properties) for file in found)
    return item("hotel files", properties > 0, f"{properties} properties in {len(found)} files", "add a *.toml file")


def _vendors() -> Item:
    return item("vendors", ok=True, detail=", ".join(plugins.connectors()) or "none installed")


async def _mail(settings: Settings) -> Item:
    server = telling.mail_server(settings, patience_s=_MAIL_PATIENCE_S)
    if server is None:
        return item("mail", ok=True, detail="no mail server named: alerts stand on the pages and go to subscribers")
    try:
        await server.greet()
    except Fault as fault:
        return failed("mail", fault)
    return item("mail", ok=True, detail=f"the server answers; alerts go to {settings.alert_to}")


def _disk(settings: Settings) -> Item:
    if not settings.embedded:
        return item("disk", ok=True, detail="the database has its own")
    folder = _existing(settings.data_dir)
    free = shutil.disk_usage(folder).free
    return item("disk", free >= _LEAST_FREE, f"{free >> 20} MiB free under {folder}", "free some space")


def _existing(folder: Path) -> Path:
    """Return the folder, or the first of its parents that is there."""
    return next(one for one in (folder, *folder.absolute().parents) if one.exists())


def _tried(check: str, look: Callable[[], Item]) -> Item:
    try:
        return look()
    except Fault as fault:
        return failed(check, fault)
