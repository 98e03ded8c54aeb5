"""Schema versions: where the schema is, where it should be, and the way between."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import msgspec
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.engine import Connection as SyncConnection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from pms_sync.domain.errors import ConfigurationFault, Unavailable
from pms_sync.store.database import AWAY, unavailable

logging.getLogger("alembic").setLevel(logging.WARNING)
_LOCK = 7_361_204_417  # any constant: two `migrate` at once take turns


class Migrated(msgspec.Struct, frozen=True):
    """What a run of `migrate` did; `from_` is None on an empty database."""

    from_: str | None
    to: str | None
    applied: list[str]


def scripts() -> ScriptDirectory:
    """Return the migrations of this installation, found by path (never through the library's own package)."""
    return ScriptDirectory.from_config(_config())


def head() -> str:
    """Return the revision this code needs."""
    revision = scripts().get_current_head()
    assert revision is not None  # noqa: S101 - the package ships its migrations
    return revision


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
    return result


async def current(dsn: str) -> str | None:
    """Return the revision of the schema, None on an empty database; raises Unavailable."""
    result: str | None = await _with_connection(dsn, _at)
    return result


def _resolve(to: str) -> str | None:
    if to == "base":
        return None
    try:
        script = scripts().get_revision(to)
    except Exception as error:
        what = f"no migration is called {to!r}"
        raise ConfigurationFault(what, "--to", f"name one up to {head()}, or head, or base") from error
    return script.revision if script else None


def _config(connection: SyncConnection | None = None) -> Config:
    config = Config()
    here = Path(__file__).resolve()
    installed = here.parents[1] / "_alembic"
    config.set_main_option("script_location", str(installed if installed.is_dir() else here.parents[2] / "alembic"))
    config.attributes["connection"] = connection
    return config


def _at(connection: SyncConnection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


async def _with_connection(dsn: str, work: Any) -> Any:  # noqa: ANN401 - passes through run_sync
    engine = create_async_engine(_sqlalchemy_url(dsn), poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            return await connection.run_sync(work)
    except AWAY as error:
        raise unavailable(error) from error
    except Exception as error:
        cause = getattr(error, "orig", None) or error.__cause__
        if isinstance(cause, AWAY) or type(error).__name__ == "OperationalError":
            raise unavailable(cause or error) from error
        raise
    finally:
        await engine.dispose()


def _sqlalchemy_url(dsn: str) -> str:
    scheme, separator, rest = dsn.partition("://")
    if not separator or scheme.partition("+")[0] not in {"postgresql", "postgres"}:
        raise ConfigurationFault(
            "the database address is not a PostgreSQL one", "PMS_SYNC_DATABASE_URL", "begin it with postgresql://"
        )
    return f"postgresql+asyncpg://{rest}"


async def require_head(dsn: str) -> None:
    """Raise Unavailable naming `pms-sync migrate` unless the schema is exactly what this code needs."""
    revision = await current(dsn)
    if revision != head():
        raise Unavailable(
            f"the schema is at {revision or 'nothing'}, this version needs {head()}", "database", "run pms-sync migrate"
        )
