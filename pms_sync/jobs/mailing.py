"""Mailing: alerts to people, several in one mail rather than many mails, and none lost while the server is away.

A mail names kinds, property codes and a page to look at; never a guest, and never what a vendor wrote.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Protocol

import msgspec

from pms_sync.domain.clock import Clock, rfc3339
from pms_sync.domain.errors import VendorFault
from pms_sync.jobs.alerting import page_of
from pms_sync.observe.logs import get_logger
from pms_sync.store import alerts
from pms_sync.store.alerts import MailedAlert, MailRate
from pms_sync.store.database import Database

BASE_S, CAP_S = 10.0, 600.0
_LEASE_S = 300.0
_MOST_IN_ONE_MAIL = 200

_log = get_logger(__name__)

_WORDS = {
    alerts.URGENT_CASE: "urgent case",
    alerts.OVERDUE_CASE: "a case nobody decided",
    alerts.ACCOUNT_FAILED: "account stopped",
    alerts.ACCOUNT_RECOVERED: "account works again",
    alerts.SUBSCRIBER_STOPPED: "subscriber stopped",
}


class SendsMail(Protocol):
    """A mail server."""

    async def send(self, message: EmailMessage) -> None:
        """Hand one message over; raises VendorFault."""
        ...


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """Who writes to whom; addresses as settings have checked them."""

    sender: str
    recipients: tuple[str, ...]


class Mailing:
    """Sends what waits, tenant by tenant, within the rate."""

    def __init__(  # noqa: PLR0913 - injected ports, all by keyword
        self,
        database: Database,
        server: SendsMail,
        envelope: Envelope,
        public_url: Callable[[], str],
        *,
        clock: Clock,
        rand: Callable[[], float],
        rate: MailRate | None = None,
    ) -> None:
        """`public_url` is asked late; `rand` gives 0 to 1 and spreads the attempts."""
        self._database, self._server, self._envelope, self._public_url = database, server, envelope, public_url
        self._clock, self._rand, self._rate = clock, rand, rate or MailRate()
        self._away = False

    async def step(self) -> int:
        """Send every mail that is due; returns how many left. A server that is away is tried again later."""
        sent = 0
        while waiting := await self._claim():
            message = mail_of(waiting, self._envelope, self._public_url(), self._clock.now())
            try:
                await self._server.send(message)
            except VendorFault as fault:
                await self._keep(waiting, fault)
                return sent
            async with self._database.connection() as connection:
                await alerts.mailed(connection, waiting)
            sent += 1
            if self._away:
                _log.info("mail_works_again")
            self._away = False
        return sent

    async def _claim(self) -> list[MailedAlert]:
        async with self._database.transaction() as connection:
            return await alerts.claim_mail(connection, _MOST_IN_ONE_MAIL, _LEASE_S, self._rate)

    async def _keep(self, waiting: Sequence[MailedAlert], fault: VendorFault) -> None:
        attempts = max(one.mail_attempts for one in waiting)
        wait_s = self._rand() * min(CAP_S, BASE_S * 2.0 ** min(attempts - 1, 10))
        async with self._database.connection() as connection:
            await alerts.not_mailed(connection, waiting, wait_s)
        if not self._away:
            _log.warning("mail_not_sent", alerts=len(waiting), why=str(fault))
        self._away = True


def mail_of(told: Sequence[MailedAlert], envelope: Envelope, public_url: str, now: datetime) -> EmailMessage:
    """Write one mail about alerts of one tenant, worst first; its id follows from them, so a repetition is known."""
    message = EmailMessage()
    message["From"] = envelope.sender
    message["To"] = ", ".join(envelope.recipients)
    message["Date"] = format_datetime(now.astimezone(UTC))
    message["Message-ID"] = f"<{told[0].alert_id}.{len(told)}@{envelope.sender.rpartition('@')[2]}>"
    message["Subject"] = f"[pms-sync] {_title(told)}"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("\n\n".join([_paragraph(one, public_url) for one in told]) + "\n")
    return message


def _title(told: Sequence[MailedAlert]) -> str:
    first = _line(told[0])
    return first if len(told) == 1 else f"{first}, and {len(told) - 1} more"


def _line(alert: MailedAlert) -> str:
    detail = alert.facts.get("case_kind") or alert.facts.get("vendor")
    words = _WORDS.get(alert.kind, alert.kind) + (f" ({detail})" if detail else "")
    return f"{alert.property_code}: {words}" if alert.property_code else words


def _paragraph(alert: MailedAlert, public_url: str) -> str:
    return f"{_line(alert)}\nsince {rfc3339(alert.raised_at)}\n{public_url}{page_of(alert.kind, alert.facts)}"
