"""Recounting: type counters that differ from what stays and blocks take are put right, and what that shows is told.

What differs is put right by its difference: whatever moves the counter meanwhile is neither lost nor counted twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from uuid import UUID

from pms_sync.apply.batch import Applier
from pms_sync.apply.occupancy import Counted, Occupied, judge_counter
from pms_sync.store import alerts, audit, cases, claims, crosswalk
from pms_sync.store.alone import alone
from pms_sync.store.database import Connection, Database
from pms_sync.store.recount import Miscounted, miscounted

_ACTOR = "daemon"


async def recount(database: Database, applier: Applier) -> int:
    """Put every counter right, tenant by tenant, and audit each; returns how many were wrong. Raises Unavailable.

    Where somebody else is counting, nothing is done.
    """
    async with alone(database, "recount") as mine:
        if not mine:
            return 0
        async with database.connection() as connection:
            tenants = await alerts.tenants(connection)
        wrong = 0
        for tenant_id in tenants:
            async with database.transaction(tenant_id) as connection:
                wrong += await _put_right(connection, tenant_id, applier)
        return wrong


async def _put_right(connection: Connection, tenant_id: UUID, applier: Applier) -> int:
    found = await miscounted(connection, tenant_id)
    shown, cause = Occupied([], [], [], set()), cases.Cause(correlation_id=str(applier.new_id()))
    for _, of_one in groupby(found, attrgetter("property_id")):
        await _count(connection, tenant_id, list(of_one), applier, shown)
    await cases.open_cases(connection, tenant_id, shown.cases, applier.new_id, cause)
    for kind, subject in shown.withdrawn:
        await cases.withdraw(connection, tenant_id, kind, [subject], cause)
    await audit.append(connection, tenant_id, [_entry(one, cause.correlation_id) for one in found])
    return len(found)


async def _count(
    connection: Connection, tenant_id: UUID, wrong: Sequence[Miscounted], applier: Applier, shown: Occupied
) -> None:
    """Count at one property, and judge each counter as one that a booking moved."""
    house = wrong[0]
    catalogue = await crosswalk.load_catalogue(connection, tenant_id, house.property_id)
    steps = {(one.room_type_id, one.date): one.step for one in wrong}
    for counter in await claims.count(connection, tenant_id, steps, catalogue.totals, catalogue.allowances):
        step = steps[counter.room_type_id, counter.date]
        judge_counter(Counted(counter, step, catalogue, house.property_id, house.timezone), shown, applier.today)


def _entry(one: Miscounted, correlation_id: str) -> audit.Entry:
    return audit.Entry(
        actor=_ACTOR,
        action="inventory.repaired",
        entity_type="inventory",
        entity_id=f"{one.room_type_id}:{one.date}",
        fields={
            "room_type": [one.code, one.code],
            "booked": [one.booked, one.due_booked],
            "out_of_order": [one.blocked, one.due_blocked],
        },
        correlation_id=correlation_id,
    )
