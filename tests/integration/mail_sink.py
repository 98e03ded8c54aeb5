"""A mail server on the loopback that keeps what it is given, and fails as a test tells it to."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


def certificate(folder: Path) -> Path:
    """Write a certificate for 127.0.0.1 with its key, signed by itself; returns the file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "mail.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


class MailSink:
    """Speaks as much SMTP as a mail needs."""

    def __init__(self, tls: ssl.SSLContext | None = None, *, from_the_start: bool = False) -> None:
        """Offer STARTTLS where `tls` is given, or speak it `from_the_start`."""
        self._tls, self._from_the_start = tls, from_the_start
        self.refuse: str | None = None
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.encrypted: list[bool] = []
        self.logins: list[str] = []
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self, port: int = 0) -> None:
        """Listen."""
        tls = self._tls if self._from_the_start else None
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Hang up."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
        self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._talk(reader, writer)
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        secure = self._from_the_start
        writer.write(b"220 sink\r\n")
        while line := (await reader.readline()).decode().strip():
            verb = line.split(" ")[0].upper()
            if verb == "QUIT":
                writer.write(b"221 bye\r\n")
                return
            if verb == "DATA":
                await self._take(reader, writer, secure=secure)
            else:
                writer.write(self._answer(verb, line, secure=secure))
            if verb == "STARTTLS" and self._tls is not None:
                await writer.drain()
                await writer.start_tls(self._tls)
                secure = True

    def _answer(self, verb: str, line: str, *, secure: bool) -> bytes:
        if verb == "EHLO":
            offers = ["sink", "AUTH PLAIN", *(["STARTTLS"] if self._tls and not secure else [])]
            return "".join(f"250{' ' if one is offers[-1] else '-'}{one}\r\n" for one in offers).encode()
        if verb == "AUTH":
            self.logins.append(base64.b64decode(line.split(" ")[2]).decode().replace("\0", " ").strip())
            return b"235 welcome\r\n"
        if verb == "RCPT":
            if self.refuse:
                return f"{self.refuse}\r\n".encode()
            self.recipients.append(line.partition("<")[2].rstrip(">"))
        return b"220 go ahead\r\n" if verb == "STARTTLS" else b"250 fine\r\n"

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, secure: bool) -> None:
        writer.write(b"354 go ahead\r\n")
        body = await reader.readuntil(b"\r\n.\r\n")
        mail = message_from_bytes(body.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n."), policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.encrypted.append(secure)
        writer.write(b"250 kept\r\n")
