"""Rolling: every active account is compared about once a day, the one that is unproven for longest first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from uuid import UUID

from pms_sync.domain.clock import Clock
from pms_sync.domain.errors import Fault
from pms_sync.observe.logs import get_logger
from pms_sync.reconcile.given import STREAM, Ends, ReconcileRuntime
from pms_sync.reconcile.runner import Reconcile
from pms_sync.store import equality
from pms_sync.store.database import Database

_PERIOD = timedelta(days=1)
_REST = timedelta(hours=1)  # after a run that could not be ended
# A new account is read as a whole and starts to be followed first; comparing meanwhile would read it twice.
_SETTLED_FOR_S = 900.0

_log = get_logger(__name__)


class Rolling:
    """The daemon's turn; remembers only which accounts could not be compared lately."""

    def __init__(
        self,
        database: Database,
        reconcile: Reconcile,
        accounts: Callable[[], Mapping[UUID, ReconcileRuntime]],
        *,
        clock: Clock,
        ends: Callable[[ReconcileRuntime], Ends],
    ) -> None:
        """`accounts` gives those that can be talked to now, `ends` the range that is compared every day."""
        self._database, self._reconcile, self._accounts = database, reconcile, accounts
        self._clock, self._ends = clock, ends
        self._failed: dict[UUID, float] = {}

    async def step(self) -> int:
        """Compare the account whose turn it is; returns how many were. One that fails rests for an hour."""
        runtime = await self._due()
        if runtime is None:
            return 0
        account_id = runtime.account.account_id
        try:
            await self._reconcile.run(runtime, self._ends(runtime))
        except Fault as fault:
            self._failed[account_id] = self._clock.monotonic()
            _log.warning("reconcile_failed", account_id=str(account_id), why=str(fault))
            return 0
        self._failed.pop(account_id, None)
        return 1

    async def _due(self) -> ReconcileRuntime | None:
        ready, now = self._accounts(), self._clock.now()
        async with self._database.connection() as connection:
            standing = await equality.standing(connection, STREAM, _SETTLED_FOR_S)
        for one in standing:
            runtime = ready.get(one.account_id)
            is_new = one.compared_at is None or now - one.compared_at >= _PERIOD
            if runtime is not None and is_new and not self._rests(one.account_id) and _lists(runtime):
                return runtime
        return None

    def _rests(self, account_id: UUID) -> bool:
        failed = self._failed.get(account_id)
        return failed is not None and self._clock.monotonic() - failed < _REST.total_seconds()


def _lists(runtime: ReconcileRuntime) -> bool:
    """Tell whether the vendor can list the stream as a whole."""
    return any(one.name == STREAM and one.snapshot_dimension is not None for one in runtime.connector.spec.streams)
