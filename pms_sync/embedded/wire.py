"""A few words of the PostgreSQL protocol: enough to see that the server is up and to create a database.

Wheels do not always bring `psql` or `pg_isready`, and a driver belongs to the store alone.
"""

from __future__ import annotations

import asyncio
import struct
from pathlib import Path

_PROTOCOL = 196608
_PORT = 5432


async def answers(socket_dir: Path, user: str) -> bool:
    """Tell whether the server takes connections now."""
    try:
        reader, writer = await _connect(socket_dir, user, "postgres")
    except (OSError, EOFError):
        return False
    writer.close()
    del reader
    return True


async def run(socket_dir: Path, user: str, statement: str) -> str | None:
    """Run one statement in the database `postgres`; returns the SQLSTATE of its failure or None."""
    reader, writer = await _connect(socket_dir, user, "postgres")
    body = statement.encode() + b"\0"
    writer.write(b"Q" + struct.pack("!I", len(body) + 4) + body)
    failure = await _until_ready(reader)
    writer.close()
    return failure


async def _connect(socket_dir: Path, user: str, database: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_unix_connection(str(socket_dir / f".s.PGSQL.{_PORT}"))
    pairs = f"user\0{user}\0database\0{database}\0\0".encode()
    writer.write(struct.pack("!II", len(pairs) + 8, _PROTOCOL) + pairs)
    if await _until_ready(reader):
        writer.close()
        raise EOFError
    return reader, writer


async def _until_ready(reader: asyncio.StreamReader) -> str | None:
    failure = None
    while True:
        kind, length = struct.unpack("!cI", await reader.readexactly(5))
        body = await reader.readexactly(length - 4)
        if kind == b"E":
            fields = {part[:1]: part[1:] for part in body.split(b"\0") if part}
            failure = fields.get(b"C", b"XX000").decode()
            if fields.get(b"S") in {b"FATAL", b"PANIC"}:
                return failure
        if kind == b"Z":
            return failure
