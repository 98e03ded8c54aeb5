"""Rotating: data keys wrapped by another master key, and new data keys for what is sealed from now on.

Nothing has to stop for it. A running daemon holds its data keys already; its next start needs a master key that opens
them, so the one before is kept beside the new one until everything was wrapped anew.
"""

from __future__ import annotations

import secrets
from pathlib import Path

from pms_sync.bootstrap.opening import MASTER_KEY_FILE, Opened
from pms_sync.store.sealing import KeyRing, new_master_key, parse_master_keys


async def rotated(core: Opened, *, data_keys: bool) -> dict[str, int]:
    """Wrap all data keys by the newest master key, which the embedded database makes itself; `data_keys` adds new ones.

    Raises ConfigurationFault where a data key does not open.
    """
    path = None if core.settings.master_key is not None else core.settings.data_dir / MASTER_KEY_FILE
    before = _written(path) if path is not None else []
    fresh = [new_master_key(), *before]
    if path is not None:
        _replace(path, fresh)  # with every key before it: whoever dies here has lost nothing
    keys = core.keys if path is None else KeyRing(*parse_master_keys(" ".join(fresh)))
    async with core.database.transaction() as connection:
        wrapped = await keys.rewrap(connection)
        made = await keys.renew(connection) if data_keys else 0
    if path is not None:
        _replace(path, fresh[:2])  # a daemon that runs wraps a new tenant's key by the one it knows
    return {"rewrapped": wrapped, "data_keys": made}


def _written(path: Path) -> list[str]:
    return path.read_text().split()


def _replace(path: Path, keys: list[str]) -> None:
    """Write the file whole or not at all, 0600 from its first byte."""
    fresh = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    fresh.touch(mode=0o600, exist_ok=False)
    fresh.write_text("\n".join(keys) + "\n")
    fresh.replace(path)
