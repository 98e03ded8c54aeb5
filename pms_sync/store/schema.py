"""Schema: where it stands and where this code needs it, without loading what changes it (a quarter of the daemon)."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import asyncpg

from pms_sync.domain.errors import Unavailable
from pms_sync.store.database import AWAY, BAD_ADDRESS, Connection, unavailable

_PATIENCE_S = 5.0
_REVISION = re.compile(r'^(down_)?revision = "(\w+)"$', re.MULTILINE)


def folder() -> Path:
    """Return the folder of the migrations: within the package where it is installed, else beside it."""
    here = Path(__file__).resolve()
    installed = here.parents[1] / "_alembic"
    return installed if installed.is_dir() else here.parents[2] / "alembic"


@cache
def head() -> str:
    """Return the revision this code needs: the one that no other follows."""
    told = [(down, name) for path in (folder() / "versions").glob("*.py") for down, name in _told(path)]
    [last] = {name for down, name in told if not down} - {name for down, name in told if down}
    return last


def _told(path: Path) -> list[tuple[str, str]]:
    """Return what a migration calls itself and what it follows, the latter with `down_` in front."""
    return _REVISION.findall(path.read_text())


async def current(dsn: str) -> str | None:
    """Return the revision of the schema, None on an empty database; raises Unavailable."""
    connection = await connect(dsn)
    try:
        if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
            return None
        revision: str | None = await connection.fetchval("SELECT version_num FROM alembic_version")
    except AWAY as error:
        raise unavailable(error) from error
    finally:
        await connection.close()
    return revision


async def require_head(dsn: str) -> None:
    """Raise Unavailable naming `pms-sync migrate` unless the schema is exactly what this code needs."""
    revision = await current(dsn)
    if revision != head():
        raise Unavailable(
            f"the schema is at {revision or 'nothing'}, this version needs {head()}", "database", "run pms-sync migrate"
        )


async def connect(dsn: str) -> Connection:
    """Connect as the owner, outside the pool; raises Unavailable, or ConfigurationFault for an address that is none."""
    try:
        return await asyncpg.connect(dsn, timeout=_PATIENCE_S)
    except (*AWAY, *BAD_ADDRESS) as error:
        raise unavailable(error) from error
