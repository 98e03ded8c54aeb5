"""The composition root: settings in, a working store or a whole daemon out; the only place that joins the parts."""

from pms_sync.bootstrap.opening import Opened, SystemClock, database_server, opened
from pms_sync.store.ids import new_id

__all__ = ["Opened", "SystemClock", "database_server", "new_id", "opened"]
