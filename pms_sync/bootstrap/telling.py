"""Telling: who hears of what happens here, joined over an open store: subscribers, and people by mail."""

from __future__ import annotations

import random
from collections.abc import Callable

from config.settings import Settings
from connectors.kit.http import trust
from connectors.kit.posting import WebPoster
from pms_sync.bootstrap.opening import Opened
from pms_sync.jobs.alerting import Alerting
from pms_sync.jobs.delivering import Deliveries
from pms_sync.jobs.mail_server import PATIENCE_S, MailServer
from pms_sync.jobs.mailing import Envelope, Mailing
from pms_sync.store.ids import new_id


class Telling:
    """The three that tell: events to subscribers, what stands as alerts, and alerts by mail (None without a server)."""

    def __init__(self, core: Opened, public_url: Callable[[], str], told: Callable[[str], None]) -> None:
        """Build them; nothing is sent yet. `told` hears what became of every attempt to deliver an event."""
        settings = core.settings
        self.mailing = _mailing(core, public_url)
        self.alerting = Alerting(core.database, public_url, new_id, by_mail=self.mailing is not None)
        self.deliveries = Deliveries(
            core.database,
            core.keys,
            lambda url: _poster(settings, url),
            clock=core.clock,
            new_id=new_id,
            random=random.Random(),  # noqa: S311 - spreads retries, guards nothing
            told=told,
        )


def mail_server(settings: Settings, *, patience_s: float = PATIENCE_S) -> MailServer | None:
    """Return the way to the mail server, None where none is named."""
    if settings.smtp_url is None:
        return None
    return MailServer(settings.smtp_url.get_secret_value(), trust(_ca_file(settings)), patience_s=patience_s)


def _poster(settings: Settings, url: str) -> WebPoster:
    return WebPoster(url, ca_file=_ca_file(settings), allow_private=settings.allow_private_vendors)


def _mailing(core: Opened, public_url: Callable[[], str]) -> Mailing | None:
    settings = core.settings
    server = mail_server(settings)
    if server is None or settings.alert_to is None:
        return None
    recipients = tuple(settings.alert_to.split(", "))
    return Mailing(
        core.database,
        server,
        Envelope(sender=settings.mail_from or recipients[0], recipients=recipients),
        public_url,
        clock=core.clock,
        rand=random.random,
    )


def _ca_file(settings: Settings) -> str | None:
    return str(settings.ca_file) if settings.ca_file else None
