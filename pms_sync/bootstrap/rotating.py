"""Rotating: data keys wrapped by another master key, and new data keys for what is sealed from now on.

Nothing has to stop for it. A running daemon holds its data keys already; its next start needs a master key that opens
them, so the one before is kept beside the new one until everything was wrapped anew.
"""

from __future__ import annotations

from pms_sync.bootstrap.opening import MASTER_KEY_FILE, Opened, master_keys, write_privately
from pms_sync.domain.errors import Unavailable
from pms_sync.store.alone import alone
from pms_sync.store.sealing import KeyRing, master_key_text, new_master_key

_TURN = "rotate-keys"
_BUSY = Unavailable("somebody else is rotating the keys", _TURN, "wait until that is done, then try again")


async def rotated(core: Opened, *, data_keys: bool) -> dict[str, int]:
    """Wrap all data keys by the newest master key, which the embedded database makes itself; `data_keys` adds new ones.

    Raises ConfigurationFault where a data key does not open, Unavailable while somebody else does the same.
    """
    async with alone(core.database, _TURN) as mine:
        if not mine:
            raise _BUSY
        if core.settings.master_key is not None:
            return await _wrapped_anew(core, core.keys, data_keys=data_keys)
        path = core.settings.data_dir / MASTER_KEY_FILE
        fresh = (new_master_key(), *master_keys(core.settings, sealed=True))
        write_privately(path, master_key_text(*fresh), over=True)  # every key before it: who dies here has lost nothing
        told = await _wrapped_anew(core, KeyRing(*fresh), data_keys=data_keys)
        # A daemon that runs wraps a new tenant's key by the one it knows.
        write_privately(path, master_key_text(*fresh[:2]), over=True)
        return told


async def _wrapped_anew(core: Opened, keys: KeyRing, *, data_keys: bool) -> dict[str, int]:
    async with core.database.transaction() as connection:
        wrapped = await keys.rewrap(connection)
        made = await keys.renew(connection) if data_keys else 0
    return {"rewrapped": wrapped, "data_keys": made}
