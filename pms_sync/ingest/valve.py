"""The valve: a change that takes away a large part of an account's bookings at once waits for a person.

A vendor's accident (an emptied property, a wrong filter, a migration) looks like many cancellations at the same moment.
What is held is read again every minute: if the vendor shows the bookings once more, nothing has happened and the case
is withdrawn; a person who resolves the case lets it through (ARCHITECTURE §7).
"""

from __future__ import annotations

from collections.abc import Sequence

from conflict import collisions
from pms_sync.apply.incoming import Incoming
from pms_sync.apply.sift import reread
from pms_sync.domain.ids import NewId
from pms_sync.domain.reservation import Revision
from pms_sync.domain.status import Status
from pms_sync.store import cases, lanes, valve
from pms_sync.store.accounts import Account
from pms_sync.store.database import Connection

HELD = "held"
_LOOK_AGAIN_S = 60.0


class Valve:
    """Holds back mass changes of one batch; remembers nothing."""

    def __init__(self, new_id: NewId) -> None:
        """Take ids for the cases."""
        self._new_id = new_id

    async def held(self, connection: Connection, account: Account, incoming: Sequence[Incoming]) -> dict[str, str]:
        """Return the outcome `held` for every lane that must wait, after planning to read it again."""
        over = {one.lane_key: one for one in incoming if _is_over(one)}
        if len(over) <= collisions.MASS_LEAST * collisions.MASS_SHARE:
            return {}
        refs = [stay.ref for one in over.values() if isinstance(one.mapped, Revision) for stay in one.mapped.room_stays]
        live, touched = await valve.count(connection, account.tenant_id, account.account_id, refs)
        subject = collisions.mass_change_subject(account.account_id)
        if not collisions.is_mass(live, touched):
            await cases.withdraw(connection, account.tenant_id, "mass_change", [subject])
            return {}
        if await valve.let_through(connection, account.tenant_id, subject):
            return {}
        case = collisions.mass_change(account.property_id, account.account_id, live, touched)
        await cases.open_cases(connection, account.tenant_id, [case], self._new_id)
        again = [
            reread(account.tenant_id, account.account_id, one.stream, one.ref, one, _LOOK_AGAIN_S)
            for one in over.values()
        ]
        await lanes.append(connection, again)
        return dict.fromkeys(over, HELD)


def _is_over(one: Incoming) -> bool:
    return isinstance(one.mapped, Revision) and one.mapped.status is Status.CANCELLED
