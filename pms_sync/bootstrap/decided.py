"""Decided: the decisions about a reservation for a person to read, and the value of one brought back."""

from __future__ import annotations

import getpass
from typing import Any
from uuid import UUID

from conflict.atoms import frozen
from conflict.fields import is_personal, public_path, public_value
from pms_sync.apply.desk import Desk
from pms_sync.apply.orders import Actor
from pms_sync.bootstrap.opening import Opened
from pms_sync.domain.clock import rfc3339
from pms_sync.domain.errors import ConfigurationFault
from pms_sync.store import decisions, tenancy
from pms_sync.store.decisions import Decided
from pms_sync.store.ids import new_id

_MASKED = "(personal)"


async def listed(core: Opened, text: str) -> list[dict[str, Any]]:
    """Return a reservation's decisions, newest first, personal values masked.

    Raises ConfigurationFault where no tenant has the reservation.
    """
    reservation_id = _uuid(text)
    async with core.database.connection() as connection:
        tenant_id = await tenancy.of_reservation(connection, reservation_id)
    if tenant_id is None:
        raise _unknown(text)
    async with core.database.transaction(tenant_id) as connection:
        found = await decisions.of_reservation(connection, core.keys, tenant_id, reservation_id)
    return [document(one) for one in found]


async def brought_back(core: Opened, decision_id: int) -> dict[str, Any]:
    """Let the value stand that a decision passed over; raises ConfigurationFault where there is no such decision."""
    async with core.database.connection() as connection:
        tenant_id = await tenancy.of_decision(connection, decision_id)
    if tenant_id is None:
        what = f"there is no decision {decision_id}"
        raise ConfigurationFault(what, "DECISION", "see `pms-sync decisions list RESERVATION`")
    actor = Actor(name=f"cli:{getpass.getuser()}", correlation_id=new_id().hex)
    async with core.database.transaction(tenant_id) as connection:
        version = await Desk(core.applier()).bring_back(connection, tenant_id, decision_id, actor)
    return {"decision": decision_id, "version": version}


def document(one: Decided) -> dict[str, Any]:
    """Show a decision by the public words, personal values masked."""
    values = {name: _shown(one, name) for name in ("base", "here", "there", "result", "loser")}
    return {
        "id": one.decision_id,
        "path": public_path(one.path),
        "verdict": one.verdict,
        "rule": one.rule,
        **values,
        "account_id": str(one.account_id),
        "vendor_ref": one.vendor_ref,
        "actor": one.actor,
        "at": rfc3339(one.at),
    }


def _shown(one: Decided, name: str) -> Any:  # noqa: ANN401 - any value
    value = frozen(one.values.get(name))
    if value is None:
        return None
    return _MASKED if is_personal(one.path) else public_value(one.path, value)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _unknown(text) from None


def _unknown(text: str) -> ConfigurationFault:
    return ConfigurationFault(f"there is no reservation {text[:60]!r}", "RESERVATION", "give its id as a page shows it")
