"""The composition root: settings in, a working store or a whole daemon out; the only place that joins the parts.

Its names are loaded when they are asked for, so that a light command need not load the store for another room of it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pms_sync.bootstrap.opening import Opened, SystemClock, database_server, opened
    from pms_sync.store.ids import new_id

__all__ = ["Opened", "SystemClock", "database_server", "new_id", "opened"]

_OPENING = "pms_sync.bootstrap.opening"
_WHERE = dict.fromkeys(__all__, _OPENING) | {"new_id": "pms_sync.store.ids"}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    if name not in _WHERE:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    return getattr(import_module(_WHERE[name]), name)
