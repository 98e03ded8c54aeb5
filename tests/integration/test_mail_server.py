"""Handing a mail over: encrypted where the other side can, and no password in the clear."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from pms_sync.domain.errors import VendorFault
from pms_sync.jobs.mail_server import MailServer
from tests.integration.mail_sink import MailSink, certificate

Open = Callable[..., Awaitable[MailSink]]


@pytest.fixture
async def sinks() -> AsyncIterator[Open]:
    """Start mail servers."""
    started: list[MailSink] = []

    async def start(**given: Any) -> MailSink:
        sink = MailSink(**given)
        await sink.start()
        started.append(sink)
        return sink

    yield start
    for sink in started:
        await sink.stop()


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    """Give a certificate of 127.0.0.1."""
    return certificate(tmp_path)


@pytest.fixture
def tls(pem: Path) -> ssl.SSLContext:
    """Give a server's side of TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def strict() -> ssl.SSLContext:
    """Trust nobody in particular."""
    return ssl.create_default_context()


def trusting(pem: Path) -> ssl.SSLContext:
    """Trust that certificate."""
    return ssl.create_default_context(cafile=str(pem))


def mail() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@hotel.example", "b@hotel.example", "Täglich"
    message.set_content("Grüße\n.\nvorbei\n")
    return message


async def test_a_mail_arrives_as_it_was_written(sinks: Open) -> None:
    sink = await sinks()
    await MailServer(f"smtp://127.0.0.1:{sink.port}", strict()).send(mail())
    [got] = sink.mails
    assert (got["Subject"], got.get_content().splitlines()) == ("Täglich", ["Grüße", ".", "vorbei"])
    assert sink.encrypted == [False]


async def test_starttls_is_taken_where_it_is_offered(sinks: Open, tls: ssl.SSLContext) -> None:
    sink = await sinks(tls=tls)
    await MailServer(f"smtp://127.0.0.1:{sink.port}", strict()).send(mail())
    assert sink.encrypted == [True]


async def test_a_password_goes_over_a_checked_certificate_only(sinks: Open, tls: ssl.SSLContext, pem: Path) -> None:
    sink = await sinks(tls=tls)
    url = f"smtp://ana%40hotel:p%2Fw@127.0.0.1:{sink.port}"
    with pytest.raises(VendorFault, match="SSLCertVerificationError"):
        await MailServer(url, strict()).send(mail())
    assert sink.logins == []
    await MailServer(url, trusting(pem)).send(mail())
    assert (sink.logins, sink.encrypted) == (["ana@hotel p/w"], [True])


async def test_smtps_is_encrypted_from_the_first_byte(sinks: Open, tls: ssl.SSLContext, pem: Path) -> None:
    sink = await sinks(tls=tls, from_the_start=True)
    with pytest.raises(VendorFault):
        await MailServer(f"smtps://127.0.0.1:{sink.port}", strict()).send(mail())
    await MailServer(f"smtps://127.0.0.1:{sink.port}", trusting(pem)).send(mail())
    assert sink.encrypted == [True]


async def test_a_password_never_leaves_this_machine_in_the_clear(sinks: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """To this machine itself it may; a name elsewhere is refused before the password is sent."""
    sink = await sinks()
    await MailServer(f"smtp://ana:pw@127.0.0.1:{sink.port}", strict()).send(mail())
    assert sink.logins == ["ana pw"]
    monkeypatch.setattr(smtplib.SMTP, "_get_socket", lambda _self, _host, _port, timeout: _here(sink.port, timeout))
    with pytest.raises(VendorFault, match="offers no encryption"):
        await MailServer("smtp://ana:pw@mail.example", strict()).send(mail())
    assert len(sink.logins) == 1


def _here(port: int, timeout: float) -> Any:
    import socket  # noqa: PLC0415 - only for this stand-in

    return socket.create_connection(("127.0.0.1", port), timeout)


@pytest.mark.parametrize("answer", ["550 unknown", "451 later"])
async def test_a_refusal_is_a_fault_without_the_servers_words(sinks: Open, answer: str) -> None:
    sink = await sinks()
    sink.refuse = f"{answer} b@hotel.example"
    with pytest.raises(VendorFault) as raised:
        await MailServer(f"smtp://u:s3cret@127.0.0.1:{sink.port}", strict()).send(mail())
    assert "b@hotel.example" not in str(raised.value)
    assert "s3cret" not in str(raised.value)


async def test_a_server_that_never_answers_does_not_hold_up_a_stop() -> None:
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await MailServer(f"smtp://127.0.0.1:{port}", strict(), patience_s=60).send(mail())
    server.close()
