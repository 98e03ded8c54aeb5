"""The server's own rate: durable single-row inserts by the server's own client program, at 1, 8 and 32 clients."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg

from benchmarks.house import House
from pms_sync.embedded import binaries

CLIENTS = (1, 8, 32)
# An inbox as it is usually written: a key that makes each delivery unique, and its body as JSON (RELIABILITY 6.2).
_TABLE = "CREATE TABLE commits (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), body jsonb NOT NULL)"
_INSERT = "INSERT INTO commits (body) VALUES (:body);\n"
_RATE = re.compile(rb"tps = ([\d.]+)")


async def measure(house: House, body: bytes, run_s: int, folder: Path) -> dict[int, float]:
    """Return commits per second by number of clients, for rows as large as a delivery's body."""
    connection = await asyncpg.connect(house.dsn)
    await connection.execute(_TABLE)
    await connection.close()
    script = folder / "commit.sql"
    script.write_text(_INSERT)
    return {clients: await _run(house, script, body, clients, run_s) for clients in CLIENTS}


async def _run(house: House, script: Path, body: bytes, clients: int, run_s: int) -> float:
    address = urlsplit(house.dsn)
    program = await asyncio.create_subprocess_exec(
        str(binaries.find(None, Path("/nonexistent")) / "pgbench"),
        *("-h", parse_qs(address.query)["host"][0], "-U", str(address.username)),
        *("-n", "-M", "prepared", "-c", str(clients), "-j", str(min(clients, 2)), "-T", str(run_s)),
        *("-D", f"body={body.decode()}", "-f", str(script), address.path.lstrip("/")),
        stdout=asyncio.subprocess.PIPE,
    )
    told, _ = await program.communicate()
    found = _RATE.search(told)
    if program.returncode or found is None:
        raise RuntimeError(f"pgbench ended with exit code {program.returncode}")
    return float(found[1])
