"""The stage: a simulated vendor in this process, and the daemon beside it over an embedded database of its own."""

from __future__ import annotations

import json
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from pms_sync.auditor import Audit, Witness, audit, store_hash
from pms_sync.embedded import EmbeddedPostgres
from tests.e2e.bookings import Calendar
from tests.e2e.daemon import Daemon, free_port
from tests.e2e.store import Store
from tests.e2e.vendor import PROPERTY_REF, VENDOR, Vendor, simulator
from tests.e2e.waiting import eventually

_HOTEL = """
tenant = "t1"

[[properties]]
code = "P1"
name = "Hotel Prado"
timezone = "Europe/Madrid"
currency = "EUR"

[[properties.room_types]]
code = "DBL"
rooms = [{rooms}]
inventory_master = "beds24"

[[properties.accounts]]
vendor = "beds24"
role = "channel_manager"
property_ref = "{ref}"
credentials_file = "beds24.json"
{account}
crosswalk = {{ room_type = {{ "55" = "DBL" }}, room = {{ {pairs} }} }}
"""
_CREDITS, _WINDOW_S = 100_000.0, 300.0


class Stage:
    """Everything on it; the daemon is started by whoever needs it."""

    def __init__(self, root: Path, vendor: Vendor, poll_interval_s: int, account: str = "", **environment: str) -> None:
        """Write the hotel file and the daemon's settings; `account` are further lines about the account."""
        self.root, self.vendor, self._account = root, vendor, account
        self.hotels, self.data_dir = root / "hotels", root / "store"
        self.hotels.mkdir()
        self.write_hotel()
        secret = self.hotels / "beds24.json"
        secret.touch(mode=0o600)
        secret.write_text(json.dumps(vendor.simulator.credentials))
        self._poll_interval_s, self._environment = poll_interval_s, environment
        self.daemon = self.another_daemon("daemon")
        given = os.environ.get("PMS_SYNC_PG_BIN")
        self.database = EmbeddedPostgres(self.data_dir, Path(given) if given else None)
        self.store = Store(self.database.dsn)
        self.calendar = Calendar()
        self.http = httpx.AsyncClient(limits=httpx.Limits(max_connections=200), timeout=10)
        self.acked = 0
        self.canaries: tuple[str, ...] = ()

    def write_hotel(self, rooms: tuple[str, ...] = ("101", "102", "103")) -> None:
        """Write the hotel file: these rooms, each mapped to the vendor's unit of the same place."""
        pairs = ", ".join(f'"55/{place}" = "{code}"' for place, code in enumerate(rooms, start=1))
        names = ", ".join(f'"{code}"' for code in rooms)
        (self.hotels / "t1.toml").write_text(
            _HOTEL.format(rooms=names, pairs=pairs, ref=PROPERTY_REF, account=self._account)
        )

    def another_daemon(self, name: str) -> Daemon:
        """Return a daemon over the same store on a port of its own; nothing of this machine's settings gets in."""
        ours = {key: value for key, value in os.environ.items() if not key.startswith("PMS_SYNC_")}
        given = os.environ.get("PMS_SYNC_PG_BIN")
        environment = {
            **ours,
            **({"PMS_SYNC_PG_BIN": given} if given else {}),
            "PMS_SYNC_DATA_DIR": str(self.data_dir),
            "PMS_SYNC_CONFIG": str(self.hotels),
            "PMS_SYNC_BIND": f"127.0.0.1:{free_port()}",
            "PMS_SYNC_BEDS24_BASE_URL": self.vendor.base_url,
            "PMS_SYNC_ALLOW_PRIVATE_VENDORS": "1",
            "PMS_SYNC_POLL_INTERVAL": str(self._poll_interval_s),
            **self._environment,
        }
        return Daemon(environment, self.root / f"{name}.log")

    async def start(self) -> None:
        """Start the daemon and wait until it has subscribed and read everything there was."""
        await self.daemon.start()

        async def read() -> bool:
            done = "SELECT bool_and(last_success_at IS NOT NULL) FROM pms_public.cursors"
            return bool(self.vendor.targets() and await self.store.value(done) and not await self.store.waiting())

        await eventually(read, 30)

    async def post(self, body: bytes, *, url: str | None = None, **headers: str) -> tuple[httpx.Response, float]:
        """Send a webhook as the vendor would and return the answer and how many seconds it took."""
        target = self.vendor.target()
        sent = {"Content-Type": "application/json", **target.headers, **headers}
        began = time.perf_counter()
        answer = await self.http.post(url or target.url, content=body, headers=sent)
        took = time.perf_counter() - began
        self.acked += answer.status_code == 200
        return answer, took

    async def account_id(self) -> str:
        """Return the id of the one account."""
        return str(await self.store.value("SELECT account_id FROM pms_public.cursors WHERE stream = 'reservations'"))

    async def hash(self) -> str:
        """Return the digest of what the store says about business."""
        return await store_hash(self.store.dsn)

    async def audit(self, **more: Any) -> Audit:
        """Compare both sides now, with everything that only the outside saw."""
        truth = await self.vendor.truth()
        witness = Witness(
            acked={VENDOR: self.acked + truth["webhooks"]["accepted"]},
            calls={VENDOR: await self.vendor.calls()},
            canaries=self.canaries,
            secrets=self.secrets(),
            logs=self.daemon.log.read_text(errors="replace"),
            **{"max_in_flight": {VENDOR: 1}, "rate": {VENDOR: (_CREDITS, _WINDOW_S)}, **more},
        )
        return await audit(self.store.dsn, {VENDOR: truth}, witness)

    def secrets(self) -> tuple[str, ...]:
        """Return what may stand neither in the store nor in the log."""
        target = self.vendor.target()
        token = target.url.rpartition("/")[2]
        return tuple(filter(None, [*self.vendor.simulator.credentials.values(), *target.headers.values(), token]))

    async def settled(self, within_s: float = 15.0, **more: Any) -> Audit:
        """Wait until nothing is on its way and both sides are equal; fails with what still differs."""

        async def equal() -> Audit:
            truth = await self.vendor.truth()
            assert not truth["webhooks"]["pending"], truth["webhooks"]
            waiting = await self.store.waiting()
            assert not waiting, f"{waiting} rows of the inbox wait"
            found = await self.audit(**more)
            assert found.converged, [str(one) for one in found.everything()][:8]
            return found

        return await eventually(equal, within_s, 0.1)

    async def aclose(self) -> None:
        """Stop what may still run."""
        await self.daemon.stop()
        await self.http.aclose()


@asynccontextmanager
async def on_stage(
    root: Path,
    *,
    seed: int = 1,
    poll_interval_s: int = 60,
    account: str = "",
    env: dict[str, str] | None = None,
    **options: Any,
) -> AsyncIterator[Stage]:
    """Set a stage in an empty folder and clear it at the end; `options` are the simulator's, `env` the daemon's."""
    one = simulator(seed, **{"reservations": 6, **options})
    base_url = await one.start()
    try:
        async with httpx.AsyncClient(timeout=10) as client:
            stage = Stage(root, Vendor(one, base_url, client), poll_interval_s, account, **(env or {}))
            try:
                yield stage
            finally:
                await stage.aclose()
    finally:
        await one.stop()
