"""Rolling: every stream of an active account is compared about once a day, the longest unproven one first."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from uuid import UUID

from pms_sync.domain.clock import Clock
from pms_sync.domain.errors import Fault
from pms_sync.observe.logs import get_logger
from pms_sync.ports.connector import StreamSpec
from pms_sync.reconcile.given import Ends, ReconcileRuntime, comparable
from pms_sync.reconcile.runner import Reconcile
from pms_sync.store import equality
from pms_sync.store.database import Database

_PERIOD = timedelta(days=1)
_REST = timedelta(hours=1)  # after a run that could not be ended
# A new account is read as a whole and starts to be followed first; comparing meanwhile would read it twice.
_SETTLED_FOR_S = 900.0

_log = get_logger(__name__)


class Rolling:
    """The daemon's turn; remembers only what could not be compared lately."""

    def __init__(
        self,
        database: Database,
        reconcile: Reconcile,
        accounts: Callable[[], Mapping[UUID, ReconcileRuntime]],
        *,
        clock: Clock,
        ends: Callable[[StreamSpec], Ends],
    ) -> None:
        """`accounts` gives those that can be talked to now, `ends` the range of a stream that is compared every day."""
        self._database, self._reconcile, self._accounts = database, reconcile, accounts
        self._clock, self._ends = clock, ends
        self._failed: dict[tuple[UUID, str], float] = {}

    async def step(self) -> int:
        """Compare the stream whose turn it is; returns how many were. One that fails rests for an hour."""
        due = await self._due()
        if due is None:
            return 0
        runtime, spec = due
        turn = (runtime.account.account_id, spec.name)
        try:
            await self._reconcile.run(runtime, spec.name, self._ends(spec))
        except Fault as fault:
            self._failed[turn] = self._clock.monotonic()
            _log.warning("reconcile_failed", account_id=str(turn[0]), stream=spec.name, why=str(fault))
            return 0
        self._failed.pop(turn, None)
        return 1

    async def _due(self) -> tuple[ReconcileRuntime, StreamSpec] | None:
        ready, now = self._accounts(), self._clock.now()
        async with self._database.connection() as connection:
            standing = await equality.standing(connection, _SETTLED_FOR_S)
        for one in standing:
            runtime = ready.get(one.account_id)
            is_new = one.compared_at is None or now - one.compared_at >= _PERIOD
            if runtime is None or not is_new or self._rests((one.account_id, one.stream)):
                continue
            for spec in comparable(runtime.connector.spec):
                if spec.name == one.stream:
                    return runtime, spec
        return None

    def _rests(self, turn: tuple[UUID, str]) -> bool:
        failed = self._failed.get(turn)
        return failed is not None and self._clock.monotonic() - failed < _REST.total_seconds()
