"""Alerting: what needs a person now, raised once, told to subscribers of `pms.alert`, and put in line for the mail.

It looks at what stands, not at what happened: a case that a backfill opened for tonight is as urgent as any other, and
one alert stands for it until it is closed or snoozed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from pms_sync.domain import events
from pms_sync.domain.events import DomainEvent
from pms_sync.domain.ids import NewId
from pms_sync.store import alerts, events_out
from pms_sync.store.alerts import Alert
from pms_sync.store.database import Database

SOLD_TWICE = ("mass_change", "room_double_booked", "type_oversold")
"""Kinds of cases that alert from severity 2 on; of all others only what is about tonight (severity 1) does."""

_TOPICS = {alerts.ACCOUNT_FAILED: events.ACCOUNT_FAILED, alerts.ACCOUNT_RECOVERED: events.ACCOUNT_RECOVERED}


class Alerting:
    """Looks at every tenant in turn; holds no state, so that any number of daemons may look."""

    def __init__(self, database: Database, public_url: Callable[[], str], new_id: NewId, *, by_mail: bool) -> None:
        """`public_url` is asked late, since a free port is known late; `by_mail` says that a mail server is known."""
        self._database, self._public_url, self._new_id, self._by_mail = database, public_url, new_id, by_mail

    async def step(self) -> int:
        """Raise what is new and end what is over; returns how many alerts are new. Raises Unavailable."""
        async with self._database.connection() as connection:
            tenants = await alerts.tenants(connection)
        return sum([await self._look(tenant_id) for tenant_id in tenants])

    async def _look(self, tenant_id: UUID) -> int:
        async with self._database.transaction(tenant_id) as connection:
            found = await alerts.raise_new(connection, tenant_id, SOLD_TWICE, by_mail=self._by_mail)
            told = [event for one in found for event in self._events(one)]
            await events_out.append(connection, tenant_id, told)
        return len(found)

    def _events(self, alert: Alert) -> list[DomainEvent]:
        correlation_id = str(self._new_id())
        payload: dict[str, Any] = {
            "alert_id": str(alert.alert_id),
            "kind": alert.kind,
            "severity": alert.severity,
            **alert.facts,
            "url": self._public_url() + page_of(alert.kind, alert.facts),
        }
        told = [events.alert_event(alert.property_id, payload, correlation_id)]
        topic = _TOPICS.get(alert.kind)
        if topic is not None:
            account_id = UUID(alert.facts["account_id"])
            told.insert(0, events.account_event(topic, account_id, alert.property_id, correlation_id))
        return told


def page_of(kind: str, facts: Mapping[str, Any]) -> str:
    """Return the path of the page where a person sees what an alert is about."""
    return f"/cases/{facts['case_id']}" if kind in {alerts.URGENT_CASE, alerts.OVERDUE_CASE} else "/health"
