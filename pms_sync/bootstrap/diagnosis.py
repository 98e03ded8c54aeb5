"""Diagnosis: each thing the daemon needs, tried by itself, so that one fault does not hide the next."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from config import settings as settings_room
from config.hotels import load_hotels
from config.settings import Settings
from pms_sync import plugins
from pms_sync.bootstrap import addressees, logins
from pms_sync.bootstrap.administration import tested
from pms_sync.bootstrap.opening import Opened, database_server, opened, vendors_of
from pms_sync.domain.errors import Fault
from pms_sync.store import accounts, schema
from pms_sync.store.database import Database

_LEAST_VERSION = 150_000
_CLOCK_DOUBT_S = 5.0
_LEAST_FREE = 1 << 30

Item = dict[str, Any]


async def diagnose() -> dict[str, Any]:
    """Return {"items": [{"check","ok","detail","remedy"}], "database": {"dsn","version"}}.

    The version is None while the server does not answer, the database None while its address is not known.
    """
    items: list[Item] = []
    try:
        settings = settings_room.load()
    except Fault as fault:
        return {"items": [_failed("settings", fault)], "database": None}
    items.append(_settings(settings))
    items += [await _hotel_files(settings), _tried("vendors", _vendors)]
    items.append(_disk(settings))
    database = _named(settings)
    try:
        async with database_server(settings) as (dsn, _):
            database, found = await _database(dsn, settings)
            items += found
            items += [item async for item in _store(settings)]
    except Fault as fault:
        items.append(_failed("database", fault))
    return {"items": items, "database": database}


def without_password(dsn: str) -> str:
    """Return the address with nothing secret in it."""
    parts = urlsplit(dsn)
    _, at, host = parts.netloc.rpartition("@")
    user = parts.username or ""
    query = "&".join(part for part in parts.query.split("&") if part and "password" not in part.lower())
    return urlunsplit(parts._replace(netloc=f"{user}{at}{host}", query=query))


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
        _item("database", number >= _LEAST_VERSION, f"PostgreSQL {version}", "use PostgreSQL 15 or newer"),
        _item(
            "clock",
            abs(skew) <= _CLOCK_DOUBT_S,
            f"{abs(skew):.1f} s apart from the database's",
            "synchronise both machines' clocks",
        ),
        _item("schema", fits, f"at {revision or 'nothing'}, needed {head}", "run pms-sync migrate"),
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
        async with opened(settings) as core:
            yield _item("master key", ok=True, detail="opens this database's keys")
            for item in await _accounts(core):
                yield item
    except Fault as fault:
        yield _failed("store", fault)


async def _accounts(core: Opened) -> list[Item]:
    async with core.database.connection() as connection:
        found = await accounts.load(connection)
    if not found:
        remedy = "write a hotel file and name its folder in PMS_SYNC_CONFIG, then `pms-sync accounts add`"
        return [_item("accounts", ok=False, detail="none yet", remedy=remedy)]
    items = [await _account(core, account) for account in found]
    return items + [_webhooks(account) for account in found if account.subscription_note]


async def _account(core: Opened, account: accounts.Account) -> Item:
    name = f"account {account.account_id} ({account.vendor}, {account.property_code})"
    if account.state != "active":
        told = f"{account.state}: {account.state_reason or 'no reason given'}"
        return _item(name, ok=False, detail=told, remedy=f"pms-sync accounts resume {account.account_id}")
    try:
        verdict = await tested(core, str(account.account_id))
    except Fault as fault:
        return _item(name, ok=False, detail=fault.what, remedy=fault.remedy)
    remedy = "correct the login or the hotel file, then `pms-sync accounts test`"
    return _item(name, ok=verdict["ok"], detail=verdict["detail"] or "the login works", remedy=remedy)


def _webhooks(account: accounts.Account) -> Item:
    name = f"webhooks of {account.account_id}"
    return _item(name, ok=False, detail=account.subscription_note or "", remedy="do what it says, or rely on the poll")


def _settings(settings: Settings) -> Item:
    slips = settings_room.unknown(os.environ)
    if slips:
        return _item("settings", ok=False, detail=f"unknown: {', '.join(slips)}", remedy="correct or remove them")
    return _item("settings", ok=True, detail="embedded database" if settings.embedded else "server database")


async def _hotel_files(settings: Settings) -> Item:
    if settings.config is None:
        remedy = "name a folder of hotel files in PMS_SYNC_CONFIG"
        return _item("hotel files", ok=True, detail="no folder named", remedy=remedy)
    try:
        async with vendors_of(settings) as vendors:
            subscribers = addressees.in_hotel_files(allow_private=settings.allow_private_vendors)
            found = load_hotels(settings.config, logins.in_hotel_files(vendors), subscribers)
    except Fault as fault:
        return _failed("hotel files", fault)
    properties = sum(len(file.properties) for file in found)
    return _item("hotel files", properties > 0, f"{properties} properties in {len(found)} files", "add a *.toml file")


def _vendors() -> Item:
    return _item("vendors", ok=True, detail=", ".join(plugins.connectors()) or "none installed")


def _disk(settings: Settings) -> Item:
    if not settings.embedded:
        return _item("disk", ok=True, detail="the database has its own")
    folder = _existing(settings.data_dir)
    free = shutil.disk_usage(folder).free
    return _item("disk", free >= _LEAST_FREE, f"{free >> 20} MiB free under {folder}", "free some space")


def _existing(folder: Path) -> Path:
    """Return the folder, or the first of its parents that is there."""
    return next(one for one in (folder, *folder.absolute().parents) if one.exists())


def _tried(check: str, look: Callable[[], Item]) -> Item:
    try:
        return look()
    except Fault as fault:
        return _failed(check, fault)


def _failed(check: str, fault: Fault) -> Item:
    detail = f"{fault.what} ({fault.where})" if fault.where else fault.what
    return _item(check, ok=False, detail=detail, remedy=fault.remedy)


def _item(check: str, ok: bool, detail: str, remedy: str = "") -> Item:  # noqa: FBT001
    return {"check": check, "ok": ok, "detail": detail, "remedy": "" if ok else remedy}
