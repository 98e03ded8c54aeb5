"""The run: an account compared, what differs healed unless a person must look first, and what it came to kept.

A run that is cut off anywhere has changed nothing that is half: the next one begins anew.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import TypedDict
from zoneinfo import ZoneInfo

import msgspec

from conflict import collisions
from pms_sync.domain.clock import Clock, rfc3339
from pms_sync.domain.errors import Unavailable
from pms_sync.domain.ids import NewId
from pms_sync.observe.logs import get_logger
from pms_sync.ports.connector import Sleep
from pms_sync.ports.listing import Walk
from pms_sync.reconcile import plan as planning
from pms_sync.reconcile.comparing import Comparing, Found, Terms
from pms_sync.reconcile.given import (
    Ends,
    Progress,
    ReconcileRuntime,
    TakeIn,
    Told,
    Work,
    unheard,
    unseen,
)
from pms_sync.reconcile.healing import Healing
from pms_sync.reconcile.plan import Plan
from pms_sync.reconcile.sides import Class, Difference
from pms_sync.store import cases, drift, equality, filled, valve
from pms_sync.store.alone import alone
from pms_sync.store.database import Connection, Database
from pms_sync.store.equality import Proof
from pms_sync.store.sealing import KeyRing

_MOST_KEPT = 1000  # rows of `drift` that one run may add, the worst first
_MASS_CHANGE = "mass_change"
_WHOLE_TELLS = frozenset({Class.MISSING_THERE, Class.MAPPING})  # what a whole listing tells of by not showing it

_log = get_logger(__name__)


class ProofTold(TypedDict):
    """Whether both sides were equal, and as of when."""

    as_of: str
    equal: bool


class Reconciled(TypedDict):
    """What the command prints; `drift` counts what differed by class, `refused` what the valve held back."""

    compared: int
    drift: dict[str, int]
    healed: int
    refused: int
    proof: ProofTold


class _Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run: its instant by both clocks, and what it compares in whose terms."""

    terms: Terms
    ends: Ends
    as_of: datetime
    began_at: datetime  # by the database's clock, which stamps what waits
    dry: bool

    @property
    def subject(self) -> str:
        """Name what a person is asked about when too much would end at once."""
        return collisions.mass_change_subject(self.terms.account.account_id, self.terms.stream)


class Reconcile:
    """Reconciles accounts; holds no state between runs."""

    def __init__(  # noqa: PLR0913 - the store, and every port by keyword
        self,
        database: Database,
        keys: KeyRing,
        *,
        walk: Walk,
        take_in: TakeIn,
        work: Work,
        clock: Clock,
        new_id: NewId,
        told: Told = unheard,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        """`walk` lists, `take_in` parks what cannot be named, `work` works on lanes; `told` counts after a run."""
        self._database, self._clock, self._new_id, self._told = database, clock, new_id, told
        self._comparing = Comparing(database, keys, walk, take_in)
        self._healing = Healing(database, work, new_id, sleep)

    async def run(
        self, runtime: ReconcileRuntime, stream: str, ends: Ends, *, dry: bool = False, progress: Progress = unseen
    ) -> Reconciled:
        """Compare what the vendor lists in `[start, end)` with what we hold, heal, and say whether both are equal.

        A dry run writes nothing. Raises what the vendor call raises, ConfigurationFault for a vendor that lists
        nothing as a whole, and Unavailable while another run of the account is under way.
        """
        account_id = runtime.account.account_id
        async with alone(self._database, f"reconcile {account_id}") as mine:
            if not mine:
                what, remedy = "a reconcile of this account is under way", "wait until it has ended"
                raise Unavailable(what, f"account {account_id}", remedy)
            run = await self._begin(runtime, stream, ends, dry=dry)
            found = await self._comparing.read(runtime, run.terms, ends, park=not dry, progress=progress)
            dimension = runtime.connector.spec.stream(stream).snapshot_dimension or ""
            today = run.as_of.astimezone(ZoneInfo(run.terms.account.timezone)).date()
            await self._comparing.absent(run.terms, dimension, ends, today, found)
            plan = await self._plan(run, found)
            healed = set[str]() if dry else await self._healing.heal(run.terms.account, stream, plan.reads)
            return await self._conclude(run, found, plan, healed)

    async def _begin(self, runtime: ReconcileRuntime, stream: str, ends: Ends, *, dry: bool) -> _Run:
        terms = await self._comparing.terms(runtime, stream)
        async with self._database.connection() as connection:
            began_at = await filled.database_time(connection)
        return _Run(terms=terms, ends=ends, as_of=self._clock.now(), began_at=began_at, dry=dry)

    async def _plan(self, run: _Run, found: Found) -> Plan:
        """Plan, and ask a person where the valve closes."""
        account = run.terms.account
        async with self._database.transaction(account.tenant_id) as connection:
            let_through = await valve.let_through(connection, account.tenant_id, run.subject)
            plan = planning.plan(
                list(found.differences.values()),
                live=found.live,
                listed=len(found.listed),
                let_through=let_through,
            )
            if plan.is_stopped and not run.dry:
                place, stream = (account.property_id, account.account_id), run.terms.stream
                case = collisions.mass_change(*place, found.live, plan.takes_away, stream)
                await cases.open_cases(connection, account.tenant_id, [case], self._new_id)
        return plan

    async def _conclude(self, run: _Run, found: Found, plan: Plan, healed: set[str]) -> Reconciled:
        """Keep what the run came to, all at once."""
        account = run.terms.account
        drifted = {ref: one for ref, one in found.differences.items() if one.kind is not None}
        async with self._database.transaction(account.tenant_id) as connection:
            under_way = await equality.unfinished(connection, account, run.began_at)
            on_its_way = await equality.waiting(
                connection, account.account_id, run.terms.stream, sorted(found.on_its_way)
            )
            is_done = under_way.nothing and not on_its_way
            equal = found.whole and is_done and found.differences.keys() <= healed
            if not run.dry:
                await _keep(connection, run, found, drifted, healed, equal=equal)
                if found.whole and not plan.is_stopped and not under_way.waiting:  # nothing large is left to do
                    await cases.withdraw(connection, account.tenant_id, _MASS_CHANGE, [run.subject])
        counts = Counter(str(one.kind) for one in drifted.values())
        done, refused = len(healed & drifted.keys()), len(plan.held_back)
        if not run.dry:
            self._tell({**counts, "healed": done, "refused": refused})
        _log.info(
            "reconciled",
            account_id=str(account.account_id),
            stream=run.terms.stream,
            compared=len(found.listed),
            drift=dict(counts),
            healed=done,
            refused=refused,
            equal=equal,
        )
        return Reconciled(
            compared=len(found.listed),
            drift=dict(counts),
            healed=done,
            refused=refused,
            proof=ProofTold(as_of=rfc3339(run.as_of), equal=equal),
        )

    def _tell(self, counts: Mapping[str, int]) -> None:
        for word, count in counts.items():
            if count:
                self._told(word, count)


async def _keep(
    connection: Connection,
    run: _Run,
    found: Found,
    drifted: Mapping[str, Difference],
    healed: set[str],
    *,
    equal: bool,
) -> None:
    """Write the differences down, close those that are no more, and store the proof."""
    account, stream = run.terms.account, run.terms.stream
    before = await drift.standing(connection, account, stream)
    worst = sorted(drifted.values(), key=lambda one: (planning.harm(one.kind), one.ref))[:_MOST_KEPT]
    await drift.note(connection, account, stream, {one.ref: str(one.kind) for one in worst})
    await drift.healed(connection, account, stream, sorted(_over(before, found) | healed))
    proof = Proof(
        stream=stream,
        as_of=run.as_of,
        range_from=run.ends[0],
        range_to=run.ends[1],
        compared=len(found.listed),
        differed=len(drifted),
        healed=len(healed & drifted.keys()),
        equal=equal,
    )
    await equality.prove(connection, account, proof)


def _over(before: Mapping[str, str], found: Found) -> set[str]:
    """Return what differed before and does not now: it is listed and equal, or is no longer to be shown by anybody."""
    return {
        ref
        for ref, kind in before.items()
        if ref not in found.differences and (ref in found.listed or (found.whole and kind in _WHOLE_TELLS))
    }
