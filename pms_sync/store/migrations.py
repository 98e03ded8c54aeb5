"""Migrations: the way of the schema from one revision to another."""
# ruff: noqa: E402

from __future__ import annotations

import logging
from functools import partial
from typing import Any

# The library tells of each of its plugins while it is imported.
logging.getLogger("alembic").setLevel(logging.WARNING)

import msgspec
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection as SyncConnection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from pms_sync.domain.errors import ConfigurationFault
from pms_sync.store import schema, upkeep
from pms_sync.store.database import AWAY, NOT_ALLOWED, not_allowed, unavailable

_LOCK = 7_361_204_417  # any constant: two `migrate` at once take turns


class Migrated(msgspec.Struct, frozen=True):
    """What a run of `migrate` did; `from_` is None on an empty database."""

    from_: str | None
    to: str | None
    applied: list[str]


def scripts() -> ScriptDirectory:
    """Return the migrations of this installation, found by path (never through the library's own package)."""
    return ScriptDirectory.from_config(_config())


async def migrate(dsn: str, to: str = "head") -> Migrated:
    """Bring the schema to a revision, up or down; raises Unavailable or ConfigurationFault."""

    def run(connection: SyncConnection) -> Migrated:
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({_LOCK})")
        connection.commit()
        before = _at(connection)
        target = _resolve(to)
        config = _config(connection)
        known = [script.revision for script in reversed(list(scripts().walk_revisions()))]
        rank = {revision: index for index, revision in enumerate(known)}
        if before is not None and before not in rank:
            what = f"the schema is at {before[:40]!r}, which this version does not know"
            raise ConfigurationFault(what, "database", "use the version that made it, or a later one")
        if target is None or (before is not None and rank[before] > rank[target]):
            command.downgrade(config, target or "base")
        else:
            command.upgrade(config, target)
        after = _at(connection)
        connection.commit()
        low, high = sorted((rank.get(before or "", -1), rank.get(after or "", -1)))
        connection.exec_driver_sql(f"SELECT pg_advisory_unlock({_LOCK})")
        return Migrated(before, after, known[low + 1 : high + 1])

    result: Migrated = await _with_connection(dsn, run)
    if result.to == schema.head():
        await _ensure_partitions(dsn)
    return result


async def _ensure_partitions(dsn: str) -> None:
    """Make the first months' partitions before the first row, which would keep its month in the default one."""
    connection = await schema.connect(dsn)
    try:
        today = await connection.fetchval("SELECT (now() AT TIME ZONE 'UTC')::date")
        await upkeep.ensure_partitions(connection, today)
    except AWAY as error:
        raise unavailable(error) from error
    finally:
        await connection.close()


def goes_down(before: str | None, to: str) -> bool:
    """Tell whether a schema at this revision loses tables or columns on its way; raises ConfigurationFault."""
    target = _resolve(to)
    known = [script.revision for script in reversed(list(scripts().walk_revisions()))]
    if before not in known:
        return False
    return target is None or known.index(before) > known.index(target)


def _resolve(to: str) -> str | None:
    if to == "base":
        return None
    try:
        return scripts().get_revision(to).revision
    except Exception as error:
        what = f"no migration is called {to!r}"
        raise ConfigurationFault(what, "--to", f"name one up to {schema.head()}, or head, or base") from error


def _config(connection: SyncConnection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(schema.folder()))
    config.attributes["connection"] = connection
    return config


def _at(connection: SyncConnection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


async def _with_connection(dsn: str, work: Any) -> Any:  # noqa: ANN401 - passes through run_sync
    connect = partial(schema.connect, dsn)
    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(work)
    except SQLAlchemyError as error:
        raise _told(error) from error
    finally:
        await engine.dispose()


def _told(error: SQLAlchemyError) -> Exception:
    """Turn the driver's complaint, which the library wraps twice, into a fault where it is one."""
    cause = getattr(error, "orig", None)
    cause = getattr(cause, "__cause__", None) or cause
    if isinstance(cause, AWAY):
        return unavailable(cause)
    return not_allowed("change the schema") if isinstance(cause, NOT_ALLOWED) else error
