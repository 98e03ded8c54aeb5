"""The mail server: one message over SMTP, in a thread of its own, encrypted wherever the other side can.

`smtps://` is TLS from the first byte. `smtp://` takes STARTTLS where it is offered; a password is only ever sent over
a checked certificate, or to this machine itself.
"""

from __future__ import annotations

import asyncio
import smtplib
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress
from email.message import EmailMessage
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from pms_sync.domain.errors import Disposition, VendorFault

PATIENCE_S = 20.0
_PORTS = {"smtp": 25, "smtps": 465}
_WHERE = "PMS_SYNC_SMTP_URL"


class MailServer:
    """Sends to one server; every failure is a VendorFault without a word of the password."""

    def __init__(self, url: str, trust: ssl.SSLContext, *, patience_s: float = PATIENCE_S) -> None:
        """Read smtp[s]://[user:password@]host[:port]; `trust` are the certificate authorities that count."""
        parts = urlsplit(url)
        self._secure = parts.scheme == "smtps"
        self._host, self._port = parts.hostname or "localhost", parts.port or _PORTS[parts.scheme]
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._trust, self._patience_s = trust, patience_s

    async def send(self, message: EmailMessage) -> None:
        """Hand one message over; raises VendorFault when it was not taken for every address."""
        try:
            await _in_a_thread(lambda: self._send(message))
        except (OSError, smtplib.SMTPException) as error:
            raise _fault(f"the mail server did not take the message ({_reason(error)})") from None

    async def greet(self) -> None:
        """Say hello, encrypt and log in as for a message, and leave; raises VendorFault when that does not work."""
        try:
            await _in_a_thread(self._greet)
        except (OSError, smtplib.SMTPException) as error:
            raise _fault(f"the mail server cannot be used ({_reason(error)})") from None

    def _greet(self) -> None:
        with self._connected("localhost") as server:
            self._encrypt(server)
            if self._user:
                server.login(self._user, self._password)

    def _send(self, message: EmailMessage) -> None:
        # The name we greet with must not be looked up, and need not be this machine's.
        domain = str(message["From"]).rpartition("@")[2].strip("<> ") or "localhost"
        with self._connected(domain) as server:
            self._encrypt(server)
            if self._user:
                server.login(self._user, self._password)
            refused = server.send_message(message)
        if refused:
            raise smtplib.SMTPRecipientsRefused(refused)

    def _connected(self, domain: str) -> smtplib.SMTP:
        if self._secure:
            return smtplib.SMTP_SSL(
                self._host, self._port, local_hostname=domain, timeout=self._patience_s, context=self._trust
            )
        return smtplib.SMTP(self._host, self._port, local_hostname=domain, timeout=self._patience_s)

    def _encrypt(self, server: smtplib.SMTP) -> None:
        server.ehlo_or_helo_if_needed()
        if self._secure:
            return
        if server.has_extn("starttls"):
            server.starttls(context=self._trust if self._user else _any_certificate())
            server.ehlo()
        elif self._user and not _is_here(self._host):
            what = "the mail server offers no encryption, and the password must not travel in the clear"
            raise _fault(what)


async def _in_a_thread(work: Callable[[], None]) -> None:
    """Run the work in a thread that nobody waits for at the end: a server that never answers must not hold up a stop.

    The loop's own threads would be waited for.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def tell(error: BaseException | None) -> None:
        if not done.done():
            done.set_result(None) if error is None else done.set_exception(error)

    def run() -> None:
        error: BaseException | None = None
        try:
            work()
        except Exception as raised:  # noqa: BLE001 - carried over to the caller
            error = raised
        with suppress(RuntimeError):  # the loop is closed: nobody asks any more
            loop.call_soon_threadsafe(tell, error)

    threading.Thread(target=run, name="mail", daemon=True).start()
    await done


def _any_certificate() -> ssl.SSLContext:
    """Without a password an unchecked certificate is better than none: it still keeps those out who only listen."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _is_here(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reason(error: Exception) -> str:
    """Name what happened; the server's own words may repeat addresses."""
    if isinstance(error, smtplib.SMTPResponseException):
        return f"SMTP {error.smtp_code}"
    return type(error).__name__


def _fault(what: str) -> VendorFault:
    return VendorFault(what, _WHERE, "tried again by itself; check the setting", disposition=Disposition.RETRY)
