"""Acknowledgements: webhooks over HTTP into a receiver, each answered after its commit, at 1, 8 and 64 connections."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from benchmarks.ack_load import Order, Report
from benchmarks.house import MASTER_KEY, House
from benchmarks.sample import Sample
from connectors.beds24.wire import SECRET_HEADER
from pms_sync.store import doors
from pms_sync.store.doors import DoorAddress

ROOT = Path(__file__).parents[1]
CONNECTIONS = (1, 8, 64)
_BODIES = 200


class Acks(msgspec.Struct, frozen=True):
    """What each number of connections came to, and how many deliveries were stored in the end."""

    reports: Mapping[int, Report]
    stored: int

    @property
    def refused(self) -> int:
        """Return how many were answered otherwise."""
        return sum(report.refused for report in self.reports.values())

    @property
    def acknowledged(self) -> int:
        """Return how many deliveries were answered 200."""
        return sum(report.acknowledged for report in self.reports.values())


async def measure(house: House, sample: Sample, run_s: float, warm_s: float) -> Acks:
    """Send for `run_s` seconds with each number of connections."""
    account = await house.hotel(sample, "t-acks")
    async with house.database.transaction() as connection:
        door = await doors.ensure(connection, house.keys, account.tenant_id, account.vendor, "client")
    bodies = [body.decode() for body in sample.deliveries(_BODIES)]
    async with _receiver(house) as bind:
        reports = {
            connections: await _send(_order(bind, door, bodies, connections, warm_s, run_s))
            for connections in CONNECTIONS
        }
    stored = await house.count(account, "SELECT count(*) FROM deliveries")
    return Acks(reports, stored)


def _order(bind: str, door: DoorAddress, bodies: list[str], connections: int, warm_s: float, run_s: float) -> Order:
    host, _, port = bind.rpartition(":")
    return Order(
        host=host,
        port=int(port),
        path=f"/webhooks/{door.vendor}/{door.token}",
        headers={"Content-Type": "application/json", "User-Agent": "bench", SECRET_HEADER: door.secret},
        bodies=bodies,
        connections=connections,
        warm_s=warm_s,
        run_s=run_s,
    )


async def _send(order: Order) -> Report:
    load = await _program("benchmarks.ack_load", {})
    told, _ = await load.communicate(msgspec.json.encode(order))
    if load.returncode:
        raise RuntimeError(f"the senders ended with exit code {load.returncode}")
    return msgspec.json.decode(told, type=Report)


@asynccontextmanager
async def _receiver(house: House) -> AsyncIterator[str]:
    settings = {
        "PMS_SYNC_DATABASE_URL": house.dsn,
        "PMS_SYNC_MASTER_KEY": base64.b64encode(MASTER_KEY).decode(),
        "PMS_SYNC_BIND": "127.0.0.1:0",
    }
    receiver = await _program("benchmarks.ack_receiver", settings)
    try:
        assert receiver.stdout is not None  # noqa: S101 - a pipe was asked for
        bind = (await receiver.stdout.readline()).decode().strip()
        if not bind:
            raise RuntimeError("the receiver did not start; run python -m benchmarks.ack_receiver to see why")
        yield bind
    finally:
        if receiver.returncode is None:
            receiver.send_signal(signal.SIGTERM)
        await receiver.communicate()


async def _program(module: str, settings: Mapping[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", module),
        cwd=ROOT,
        env={**os.environ, **settings},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL if settings else None,  # the daemon's log
    )
