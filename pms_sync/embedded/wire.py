"""A few words of the PostgreSQL protocol: enough to see that the server is up and to create a database.

Wheels do not always bring `psql` or `pg_isready`, and a driver belongs to the store alone.
"""

from __future__ import annotations

import asyncio
import struct
from pathlib import Path

PORT = 5432
NO_SUCH_DATABASE = "3D000"
DUPLICATE_DATABASE = "42P04"
TOO_MANY_CONNECTIONS = "53300"

_PROTOCOL = 196608
_PATIENCE_S = 5.0
_NO_ANSWER = "08006"


class Refused(Exception):
    """The server said no; `code` is its SQLSTATE, or 08006 when it said nothing at all."""

    def __init__(self, code: str) -> None:
        """Keep the code alone: these texts never reach a person."""
        super().__init__(code)
        self.code = code


async def knock(socket_dir: Path, user: str, database: str) -> str | None:
    """Open and close a connection; returns None when the server let us in, else the SQLSTATE of its refusal."""
    try:
        await _talk(socket_dir, user, database, None)
    except Refused as refusal:
        return refusal.code
    return None


async def run(socket_dir: Path, user: str, database: str, statement: str) -> str | None:
    """Run one statement outside a transaction; returns None or the SQLSTATE of its failure."""
    try:
        return await _talk(socket_dir, user, database, statement)
    except Refused as refusal:
        return refusal.code


async def _talk(socket_dir: Path, user: str, database: str, statement: str | None) -> str | None:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            reader, writer = await asyncio.open_unix_connection(str(socket_dir / f".s.PGSQL.{PORT}"))
            try:
                return await _exchange(reader, writer, f"user\0{user}\0database\0{database}\0\0".encode(), statement)
            finally:
                writer.close()
    except (OSError, EOFError, TimeoutError) as error:
        raise Refused(_NO_ANSWER) from error


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, startup: bytes, statement: str | None
) -> str | None:
    writer.write(struct.pack("!II", len(startup) + 8, _PROTOCOL) + startup)
    refusal = await _until_ready(reader)
    if refusal:
        raise Refused(refusal)
    failure = None
    if statement is not None:
        body = statement.encode() + b"\0"
        writer.write(b"Q" + struct.pack("!I", len(body) + 4) + body)
        failure = await _until_ready(reader)
    writer.write(b"X" + struct.pack("!I", 4))
    return failure


async def _until_ready(reader: asyncio.StreamReader) -> str | None:
    failure = None
    while True:
        kind, length = struct.unpack("!cI", await reader.readexactly(5))
        body = await reader.readexactly(length - 4)
        if kind == b"E":
            fields = {part[:1]: part[1:] for part in body.split(b"\0") if part}
            failure = fields.get(b"C", b"XX000").decode()
            if fields.get(b"V") in {b"FATAL", b"PANIC"}:
                return failure
        if kind == b"Z":
            return failure
