"""Reconciling: what the command and the daemon's turn join: listing, landing and the room that compares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from pms_sync.bootstrap.finding import runtime_of
from pms_sync.bootstrap.opening import Opened
from pms_sync.domain.errors import ConfigurationFault
from pms_sync.ingest import windows
from pms_sync.ingest.intake import Intake
from pms_sync.ingest.runtimes import Runtime
from pms_sync.ingest.walking import walk
from pms_sync.observe.metrics import Metrics
from pms_sync.ports.connector import Page, StreamSpec
from pms_sync.reconcile.given import RESERVATIONS, Ends, Progress, Work, comparable, unseen
from pms_sync.reconcile.rolling import Rolling
from pms_sync.reconcile.runner import ProofTold, Reconcile, Reconciled
from pms_sync.store import equality
from pms_sync.store.ids import new_id

# Whoever is in the house came within two months; what lies further back is compared by the command.
_DAYS_BACK = timedelta(days=60)
_PATIENCE_S = 2.0


def reconcile_of(core: Opened, work: Work, metrics: Metrics | None = None) -> Reconcile:
    """Build what compares and heals; `work` works on the lanes of an account, or wakes whoever does."""
    intake = Intake(core.keys, new_id)

    async def take_in(runtime: Any, stream: str, page: Page, ticket: int) -> None:  # noqa: ANN401 - see the port
        async with core.database.transaction(runtime.account.tenant_id) as connection:
            await intake.take(connection, runtime, stream, page, kind="reconcile", ticket=ticket)

    return Reconcile(
        core.database,
        core.keys,
        walk=partial(walk, core.database),
        take_in=take_in,
        work=work,
        clock=core.clock,
        new_id=new_id,
        told=(metrics or Metrics()).drift,
    )


def rolling_of(
    core: Opened, accounts: Callable[[], Mapping[UUID, Runtime]], wake: Callable[[], None], metrics: Metrics
) -> Rolling:
    """Build the daemon's turn: it lists and compares, and the daemon's own worker reads what differs."""

    async def work(_account_id: UUID) -> None:
        wake()

    def daily(spec: StreamSpec) -> Ends:
        back = min(_DAYS_BACK, spec.sweep_back or _DAYS_BACK)
        return windows.sweep_range(core.clock.now(), back, spec.sweep_ahead)

    return Rolling(core.database, reconcile_of(core, work, metrics), accounts, clock=core.clock, ends=daily)


async def reconciled(core: Opened, account: str, *, dry: bool, progress: Progress = unseen) -> Reconciled:
    """Reconcile one account over its whole history, and work on what differs here; raises ConfigurationFault.

    Its reservations, and what else of it is followed.
    """
    runtimes = core.runtimes()
    worker = core.worker(runtimes)
    try:
        runtime = await runtime_of(core, runtimes, account)
        _require_active(runtime)
        reconcile = reconcile_of(core, worker.drain)
        told = [await reconcile.run(runtime, RESERVATIONS, whole_range(core), dry=dry, progress=progress)]
        for spec in await _beside(core, runtime):
            ends = windows.sweep_range(core.clock.now(), spec.sweep_back, spec.sweep_ahead)
            told.append(await reconcile.run(runtime, spec.name, ends, dry=dry))
        return _together(told)
    finally:
        await worker.aclose(_PATIENCE_S)  # what it held is free for the next one at once
        await runtimes.aclose()


async def _beside(core: Opened, runtime: Runtime) -> list[StreamSpec]:
    """Return what is compared beside reservations: one that was never read to its end would be nothing but missing."""
    async with core.database.connection() as connection:
        followed = await equality.followed(connection, runtime.account.account_id)
    return [one for one in comparable(runtime.connector.spec) if one.name != RESERVATIONS and one.name in followed]


def _together(told: Sequence[Reconciled]) -> Reconciled:
    """Add up what was compared: equal when all of it is, and as of when the first of it was."""
    proofs = [one["proof"] for one in told]
    return Reconciled(
        compared=sum(one["compared"] for one in told),
        drift=dict(sum((Counter(one["drift"]) for one in told), Counter())),
        healed=sum(one["healed"] for one in told),
        refused=sum(one["refused"] for one in told),
        proof=ProofTold(as_of=proofs[0]["as_of"], equal=all(one["equal"] for one in proofs)),
    )


def whole_range(core: Opened) -> Ends:
    """Return the range of reservations that the command compares."""
    return windows.snapshot_range(core.clock.now())


def _require_active(runtime: Runtime) -> None:
    """Refuse an account that nobody reads, so that nothing could be healed, and one that cannot be listed."""
    account, place = runtime.account, f"account {runtime.account.account_id}"
    if account.state != "active":
        why = f": {account.state_reason}" if account.state_reason else ""
        raise ConfigurationFault(
            f"the account is {account.state}{why}", place, f"pms-sync accounts resume {account.account_id}"
        )
    if all(one.name != RESERVATIONS for one in comparable(runtime.connector.spec)):
        what = f"{runtime.connector.spec.label} cannot list its {RESERVATIONS} as a whole"
        raise ConfigurationFault(what, place, "nothing can be compared; see `pms-sync connectors list`")
