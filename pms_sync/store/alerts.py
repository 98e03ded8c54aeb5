"""Alerts: what needs a person now, raised once while it stands, and the mails that still have to leave.

What stands is read from the facts themselves (cases, accounts, subscribers), so whoever writes those need not know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from pms_sync.store.database import Connection

URGENT_CASE, OVERDUE_CASE, SUBSCRIBER_STOPPED = "urgent_case", "overdue_case", "subscriber_stopped"
# A case is overdue when nobody decided it for so long, or when somebody arrives so soon that it is about.
_PATIENCE_H, _SOON_H = 24, 48
# A vendor that made something else of so many of our changes, and of such a share of them, is looked at by a person.
_MISSES, _MISSED_SHARE = 5, 0.2
ACCOUNT_FAILED, ACCOUNT_RECOVERED = "account_failed", "account_recovered"


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """Something to tell a person; `facts` are ids and our words, `severity` runs from 1 to 4."""

    alert_id: UUID
    kind: str
    severity: int
    property_id: UUID | None
    facts: Mapping[str, Any]


class MailedAlert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert as a mail tells it."""

    tenant_id: UUID
    alert_id: UUID
    kind: str
    severity: int
    property_code: str | None
    facts: Mapping[str, Any]
    raised_at: datetime
    mail_attempts: int


# Once told, a case is overdue until it is no longer open: an arrival that passes decides nothing.
# A refused account may have been paused by a person: only one that is active again has recovered.
_RAISE = """
WITH due AS (
    SELECT 'case:' || case_id AS subject, 'urgent_case' AS kind, severity, property_id,
           jsonb_build_object('case_id', case_id, 'case_kind', kind) AS facts
      FROM cases
     WHERE tenant_id = $1 AND state = 'open' AND severity <= 2 AND (severity = 1 OR kind = ANY($2::text[]))
    UNION ALL
    SELECT 'overdue:' || c.case_id, 'overdue_case', least(c.severity, 2), c.property_id,
           jsonb_build_object('case_id', c.case_id, 'case_kind', c.kind)
      FROM cases c JOIN properties p ON p.tenant_id = $1 AND p.property_id = c.property_id
     WHERE c.tenant_id = $1 AND c.state = 'open'
       AND (c.opened_at < now() - $6 * interval '1 hour'
            OR EXISTS (SELECT FROM alerts a WHERE a.tenant_id = $1 AND a.subject = 'overdue:' || c.case_id
                          AND a.ended_at IS NULL)
            OR c.severity > 1 AND NOT (c.severity = 2 AND c.kind = ANY($2::text[])) AND EXISTS (
               SELECT FROM unnest(c.reservation_ids) r JOIN room_stays s ON s.tenant_id = $1 AND s.reservation_id = r
                WHERE s.arrival >= (now() AT TIME ZONE p.timezone)::date
                  AND s.arrival::timestamp AT TIME ZONE p.timezone < now() + $7 * interval '1 hour'))
    UNION ALL
    SELECT 'account:' || account_id, 'account_failed', 1, property_id,
           jsonb_build_object('account_id', account_id, 'vendor', vendor)
      FROM accounts WHERE tenant_id = $1 AND state = 'failed'
    UNION ALL
    SELECT 'subscriber:' || subscriber_id, 'subscriber_stopped', 2, NULL,
           jsonb_build_object('subscriber_id', subscriber_id, 'state', state)
      FROM subscribers WHERE tenant_id = $1 AND state IN ('gone', 'exhausted')
    UNION ALL
    SELECT 'echoes:' || e.account_id, 'near_misses', 2, a.property_id,
           jsonb_build_object('account_id', e.account_id, 'vendor', a.vendor)
      FROM echoes e JOIN accounts a ON a.tenant_id = $1 AND a.account_id = e.account_id
     WHERE e.tenant_id = $1 AND e.day >= current_date - 1
     GROUP BY e.account_id, a.property_id, a.vendor
    HAVING sum(near_misses) >= $4 AND sum(near_misses) >= $5 * (sum(suppressed) + sum(near_misses))
), ended AS (
    UPDATE alerts a SET ended_at = now()
     WHERE tenant_id = $1 AND ended_at IS NULL AND NOT EXISTS (SELECT FROM due d WHERE d.subject = a.subject)
    RETURNING subject, kind, severity, property_id, facts
), raised AS (
    INSERT INTO alerts (tenant_id, alert_id, subject, kind, severity, property_id, facts, mail)
    SELECT $1, gen_random_uuid(), subject, kind, severity, property_id, facts, $3 FROM due ORDER BY severity, subject
    ON CONFLICT (tenant_id, subject) WHERE ended_at IS NULL DO NOTHING
    RETURNING alert_id, kind, severity, property_id, facts
), recovered AS (
    INSERT INTO alerts (tenant_id, alert_id, subject, kind, severity, property_id, facts, mail, ended_at)
    SELECT $1, gen_random_uuid(), e.subject, 'account_recovered', 4, e.property_id, e.facts, $3, now()
      FROM ended e JOIN accounts a ON a.tenant_id = $1 AND e.subject = 'account:' || a.account_id AND a.state = 'active'
     WHERE e.kind = 'account_failed'
    RETURNING alert_id, kind, severity, property_id, facts
)
SELECT * FROM raised UNION ALL SELECT * FROM recovered
"""


async def raise_new(
    connection: Connection, tenant_id: UUID, case_kinds: Sequence[str], *, by_mail: bool
) -> list[Alert]:
    """Raise what stands and was not raised, end what no longer stands (in a transaction of the tenant).

    Every case of severity 1 counts, those of `case_kinds` from severity 2 on, and any that is overdue. Returns what is
    news.
    """
    mail = "waiting" if by_mail else "none"
    rows = await connection.fetch(
        _RAISE, tenant_id, list(case_kinds), mail, _MISSES, _MISSED_SHARE, _PATIENCE_H, _SOON_H
    )
    return [Alert(**row) for row in rows]


async def tenants(connection: Connection) -> list[UUID]:
    """Return every tenant (worker role)."""
    return [row["tenant_id"] for row in await connection.fetch("SELECT tenant_id FROM tenants ORDER BY tenant_id")]


# The time of the next attempt is the lease: who dies while sending leaves the alerts to the next one.
_CLAIM = """
WITH sated AS (
    SELECT tenant_id FROM alerts WHERE mailed_at > now() - $3 * interval '1 second'
     GROUP BY 1 HAVING count(DISTINCT mailed_at) >= $4
), chosen AS (
    SELECT tenant_id FROM alerts
     WHERE mail = 'waiting' AND mail_next_at <= now() AND tenant_id NOT IN (SELECT tenant_id FROM sated)
     ORDER BY mail_next_at, raised_at LIMIT 1
), taken AS (
    UPDATE alerts SET mail_next_at = now() + $2 * interval '1 second', mail_attempts = mail_attempts + 1
     WHERE (tenant_id, alert_id) IN (
           SELECT tenant_id, alert_id FROM alerts
            WHERE tenant_id = (SELECT tenant_id FROM chosen) AND mail = 'waiting' AND mail_next_at <= now()
            ORDER BY raised_at LIMIT $1 FOR UPDATE SKIP LOCKED)
    RETURNING tenant_id, alert_id, kind, severity, property_id, facts, raised_at, mail_attempts
)
SELECT t.tenant_id, t.alert_id, t.kind, t.severity, p.code AS property_code, t.facts, t.raised_at, t.mail_attempts
  FROM taken t LEFT JOIN properties p ON p.tenant_id = t.tenant_id AND p.property_id = t.property_id
 ORDER BY t.severity, t.raised_at, t.alert_id
"""


class MailRate(msgspec.Struct, frozen=True, kw_only=True):
    """At most `mails` within `within_s` seconds for a tenant; what comes meanwhile shares the next one."""

    mails: int = 5
    within_s: float = 900.0


async def claim_mail(connection: Connection, limit: int, lease_s: float, rate: MailRate) -> list[MailedAlert]:
    """Take the alerts of one tenant that share the next mail, worst first (worker role); empty when none may leave."""
    rows = await connection.fetch(_CLAIM, limit, lease_s, rate.within_s, rate.mails)
    return [MailedAlert(**row) for row in rows]


async def mailed(connection: Connection, sent: Sequence[MailedAlert]) -> None:
    """Write that these left, in one mail."""
    await connection.execute(
        "UPDATE alerts SET mail = 'sent', mailed_at = now() WHERE tenant_id = $1 AND alert_id = ANY($2::uuid[])",
        sent[0].tenant_id,
        [one.alert_id for one in sent],
    )


async def not_mailed(connection: Connection, kept: Sequence[MailedAlert], wait_s: float) -> None:
    """Keep these for a later attempt."""
    await connection.execute(
        "UPDATE alerts SET mail_next_at = now() + $3 * interval '1 second' "
        "WHERE tenant_id = $1 AND alert_id = ANY($2::uuid[]) AND mail = 'waiting'",
        kept[0].tenant_id,
        [one.alert_id for one in kept],
        wait_s,
    )


async def prune(connection: Connection, days: int, limit: int) -> int:
    """Delete what ended long ago and has no mail to wait for; returns how many."""
    told: str = await connection.execute(
        "DELETE FROM alerts USING (SELECT tenant_id, alert_id FROM alerts "
        "WHERE ended_at < now() - make_interval(days => $1) AND mail <> 'waiting' LIMIT $2) AS old "
        "WHERE alerts.tenant_id = old.tenant_id AND alerts.alert_id = old.alert_id",
        days,
        limit,
    )
    return int(told.rpartition(" ")[2])
