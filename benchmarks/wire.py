"""Commit to wire: from the commit of a front desk's order to the vendor's door, with a running daemon between."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import signal
import statistics
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
from aiohttp import web

from benchmarks.house import MASTER_KEY, House
from connectors.beds24.simulator import SIMULATOR
from connectors.kit.simulator.calls import CallLog

_EMAIL, _PASSWORD = "bench@example.org", "correct horse battery"
_PLENTY = 1_000_000
_PATIENCE_S, _LOOK_S = 20.0, 0.02
_HOTEL = """
tenant = "t-wire"

[[properties]]
code = "P1"
name = "Hotel Prado"
timezone = "Europe/Madrid"
currency = "EUR"

[[properties.room_types]]
code = "DBL"
rooms = ["101", "102", "103"]

[[properties.accounts]]
vendor = "beds24"
role = "channel_manager"
mode = "live"
property_ref = "7"
credentials_file = "beds24.json"
crosswalk = { room_type = { "55" = "DBL" }, room = { "55/1" = "101", "55/2" = "102", "55/3" = "103" } }
"""
Row = dict[str, Any]


async def measure(house: House, folder: Path, orders: int) -> list[float]:
    """Change a booking again and again, and return the milliseconds each order took to the vendor, sorted."""
    simulator = SIMULATOR(1, credits=_PLENTY, reservations=3)
    base_url = await simulator.start()
    doorbell = _Doorbell()
    try:
        async with httpx.AsyncClient(timeout=30) as client, _daemon(house, folder, base_url, simulator) as (bind, env):
            desk = await _signed_in(client, bind, env)
            reservation_id = await _a_reservation(client, bind, desk)
            return sorted([await _order(house, client, bind, desk, reservation_id, doorbell) for _ in range(orders)])
    finally:
        doorbell.leave()
        await simulator.stop()


def p50(took: list[float]) -> float:
    """Return the middle."""
    return statistics.median(took)


class _Doorbell:
    """Notes when a booking was written at the vendor, finer than the vendor's own log, which has whole seconds."""

    def __init__(self) -> None:
        """Stand beside the simulator's log of calls."""
        self.rang_at = datetime.now(UTC)
        self._begin = CallLog.begin

        async def begin(log: CallLog, request: web.Request, account: str) -> Any:  # noqa: ANN401 - passed on
            if request.method == "POST" and request.path.endswith("/bookings"):
                self.rang_at = datetime.now(UTC)
            return await self._begin(log, request, account)

        setattr(CallLog, "begin", begin)  # noqa: B010 - a method replaced on purpose

    def leave(self) -> None:
        """Leave the log as it was."""
        setattr(CallLog, "begin", self._begin)  # noqa: B010


@asynccontextmanager
async def _daemon(house: House, folder: Path, base_url: str, simulator: Any) -> AsyncIterator[tuple[str, Row]]:  # noqa: ANN401
    hotels = folder / "wire"
    hotels.mkdir()
    (hotels / "hotel.toml").write_text(_HOTEL)
    secret = hotels / "beds24.json"
    secret.touch(mode=0o600)
    secret.write_text(json.dumps(simulator.credentials))
    environment = {
        **os.environ,
        "PMS_SYNC_DATABASE_URL": house.dsn,
        "PMS_SYNC_MASTER_KEY": base64.b64encode(MASTER_KEY).decode(),
        "PMS_SYNC_BIND": "127.0.0.1:0",
        "PMS_SYNC_CONFIG": str(hotels),
        "PMS_SYNC_BEDS24_BASE_URL": base_url,
        "PMS_SYNC_ALLOW_PRIVATE_VENDORS": "1",
    }
    daemon = await _run(environment, "run")
    try:
        assert daemon.stdout is not None  # noqa: S101 - a pipe was asked for
        yield msgspec.json.decode(await daemon.stdout.readline())["bind"], environment
    finally:
        if daemon.returncode is None:
            daemon.send_signal(signal.SIGTERM)
        await daemon.communicate()


async def _run(environment: Row, *words: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("pms-sync")),
        *words,
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def _signed_in(client: httpx.AsyncClient, bind: str, environment: Row) -> Row:
    added = await _run(environment, "users", "add", _EMAIL, "--role", "manager")
    await added.communicate(_PASSWORD.encode())
    answer = await client.post(f"http://{bind}/api/auth/token/", json={"email": _EMAIL, "password": _PASSWORD})
    return {"Authorization": f"Bearer {answer.raise_for_status().json()['access']}"}


async def _a_reservation(client: httpx.AsyncClient, bind: str, desk: Row) -> str:
    """Wait until the first listing is in, and choose a reservation that may be changed."""
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            answer = await client.get(f"http://{bind}/api/pms/reservations", headers=desk)
            found = [one for one in answer.raise_for_status().json()["items"] if one["status"] == "confirmed"]
            if found:
                return str(found[0]["id"])
            await asyncio.sleep(_LOOK_S)


async def _order(
    house: House, client: httpx.AsyncClient, bind: str, desk: Row, reservation_id: str, doorbell: _Doorbell
) -> float:
    """Change the number of guests, wait until that has settled, and return the milliseconds to the vendor's door."""
    url = f"http://{bind}/api/pms/reservations/{reservation_id}"
    now = (await client.get(url, headers=desk)).raise_for_status().json()
    stay = now["room_stays"][0]
    body = {"room_stays": [{"id": stay["id"], "adults": 1 + stay["adults"] % 3}]}
    headers = {**desk, "If-Match": f'"{now["version"]}"'}
    (await client.patch(url, json=body, headers=headers)).raise_for_status()
    committed = await _committed(house, reservation_id)
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            if not await _under_way(house):
                return (doorbell.rang_at - committed).total_seconds() * 1000
            await asyncio.sleep(_LOOK_S)


async def _committed(house: House, reservation_id: str) -> datetime:
    """Return when the newest order was committed, as the server remembers it (track_commit_timestamp)."""
    async with house.database.connection() as connection:
        await connection.execute("SET ROLE NONE")
        found: datetime = await connection.fetchval(
            "SELECT pg_xact_commit_timestamp(xmin) FROM reservations WHERE reservation_id = $1", reservation_id
        )
        await connection.execute("SET ROLE pms_sync_worker")
    return found


async def _under_way(house: House) -> bool:
    async with house.database.connection() as connection:
        waiting: int = await connection.fetchval(
            "SELECT count(*) FROM intents WHERE state IN ('planned', 'sent', 'acknowledged', 'unknown')"
        )
    return waiting > 0
