"""The stage: simulated vendors with their control planes, and the daemon as a process of its own that can be killed."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import msgspec

from pms_sync import plugins
from pms_sync.demo.cast import CAST, MAIN, Player, hotel_file
from pms_sync.domain.errors import Unavailable
from pms_sync.embedded import EmbeddedPostgres
from pms_sync.embedded.child import as_ourselves
from pms_sync.store import arrivals, hotels
from pms_sync.store.database import Connection, Database

_READY_S, _STOP_S = 60.0, 25.0
_WEB_PORT = 8080
_LONG_ENOUGH_FOR_A_SECRET = 24


class Vendor:
    """A simulated vendor's control plane, as the demo uses it; `told` is what its reset answered."""

    def __init__(self, base_url: str, client: httpx.AsyncClient) -> None:
        """Talk to a simulator that listens."""
        self.base_url, self._client = base_url, client
        self.told: dict[str, Any] = {}

    async def order(self, name: str, **body: Any) -> Any:  # noqa: ANN401 - any JSON value
        """Give an order and return the answer; raises httpx.HTTPStatusError for one that cannot be carried out."""
        answer = await self._client.post(f"{self.base_url}/_sim/{name}", json=body)
        answer.raise_for_status()
        return answer.json()

    async def ask(self, name: str) -> Any:  # noqa: ANN401 - any JSON value
        """Ask for the truth or the calls."""
        answer = await self._client.get(f"{self.base_url}/_sim/{name}", timeout=30)
        answer.raise_for_status()
        return answer.json()


class Daemon:
    """`pms-sync run` as a child that dies with us where Linux allows; its log goes to a file."""

    def __init__(self, environment: dict[str, str], log: Path) -> None:
        """Start nothing yet."""
        self._environment, self.log = environment, log
        self._child: asyncio.subprocess.Process | None = None
        self.bind = ""

    async def start(self) -> str:
        """Start it and wait for its ready line; returns HOST:PORT. Raises Unavailable with the daemon's last words."""
        with self.log.open("ab") as log:
            self._child = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "pms_sync",
                "run",
                env=self._environment,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                preexec_fn=as_ourselves(),
            )
        assert self._child.stdout is not None  # noqa: S101 - it is a pipe
        async with asyncio.timeout(_READY_S):
            line = await self._child.stdout.readline()
        if not line:
            words = self.log.read_text(errors="replace").splitlines()[-1:]
            raise Unavailable("the daemon did not start", str(self.log), words[0] if words else "look at its log")
        self.bind = json.loads(line)["bind"]
        return self.bind

    async def kill(self) -> None:
        """Pull the plug: SIGKILL, no goodbye."""
        if self._child is not None:
            self._child.kill()
            await self._child.wait()

    async def stop(self) -> int:
        """Ask it to stop and return its exit code."""
        if self._child is None or self._child.returncode is not None:
            return 0
        self._child.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(_STOP_S):
                return await self._child.wait()
        except TimeoutError:
            self._child.kill()
            return await self._child.wait()

    async def command(self, *words: str, given: str = "") -> Any:  # noqa: ANN401 - any JSON value
        """Run a command with --json over the same store, `given` on its stdin, and return its document."""
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "pms_sync",
            *words,
            "--json",
            env=self._environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            preexec_fn=as_ourselves(),
        )
        try:
            told, _ = await child.communicate(given.encode())
        finally:
            if child.returncode is None:
                child.kill()
                await child.wait()
        return msgspec.json.decode(told)


class Stage(msgspec.Struct, frozen=True):
    """Everything on it, running; `vendor` is the one that the daemon also writes to."""

    vendors: dict[str, Vendor]
    daemon: Daemon
    dsn: str
    secrets: tuple[str, ...]

    @property
    def vendor(self) -> Vendor:
        """Return the vendor that is written to."""
        return self.vendors[MAIN]

    @asynccontextmanager
    async def store(self) -> AsyncIterator[Database]:
        """Look into the store beside the daemon; raises Unavailable while its database is away."""
        database = await Database.connect(self.dsn, size=2)
        try:
            yield database
        finally:
            await database.close()

    async def reservation_of(self, ref: str) -> UUID | None:
        """Return our reservation of a vendor's booking, None while there is none."""
        async with self._tenant() as connection:
            return await arrivals.reservation_of(connection, ref)

    async def refused_of(self, *refs: str) -> str | None:
        """Return which of these bookings has no room of its own, once a case says so."""
        async with self._tenant() as connection:
            return await arrivals.refused_of(connection, refs)

    @asynccontextmanager
    async def _tenant(self) -> AsyncIterator[Connection]:
        """Open a transaction of the demo's only tenant."""
        async with self.store() as database:
            async with database.connection() as connection:
                [place, *_] = await hotels.places(connection)
            async with database.transaction(place.tenant_id) as connection:
                yield connection


@asynccontextmanager
async def stage(seed: int, reservations: int, poll_interval_s: int) -> AsyncIterator[Stage]:
    """Set it up in a folder of its own, with every vendor that is installed, and clear it away at the end."""
    async with AsyncExitStack() as opened:
        client = await opened.enter_async_context(httpx.AsyncClient(timeout=30))
        # Each vendor draws from a seed of its own: equal ones would give two hotels the same OTA references.
        players = {
            player: await _on(player, seed + number, reservations, client, opened)
            for number, player in enumerate(_installed())
        }
        folder = tempfile.TemporaryDirectory(prefix="pms-sync-demo-", ignore_cleanup_errors=True)
        root = Path(opened.enter_context(folder))
        daemon = Daemon(_environment(root, players, poll_interval_s), root / "daemon.log")
        opened.push_async_callback(daemon.stop)
        vendors = {player.vendor: vendor for player, vendor in players.items()}
        yield Stage(vendors, daemon, EmbeddedPostgres(root / "store").dsn, _secrets(vendors.values()))


def _installed() -> list[Player]:
    known = plugins.names(plugins.SIMULATORS) & plugins.names(plugins.CONNECTORS) & plugins.names(plugins.MAPPERS)
    return [player for player in CAST if player.vendor in known]


async def _on(
    player: Player, seed: int, reservations: int, client: httpx.AsyncClient, opened: AsyncExitStack
) -> Vendor:
    """Start a vendor's simulator with a hotel of its own."""
    simulator: Any = plugins.one(plugins.SIMULATORS, player.vendor)
    running = simulator(seed)
    vendor = Vendor(await running.start(), client)
    opened.push_async_callback(running.stop)
    count = reservations if player.seeded else 0
    vendor.told = await vendor.order("reset", seed=seed, hotels=1, rooms=3, reservations=count)
    return vendor


def _secrets(vendors: Iterable[Vendor]) -> tuple[str, ...]:
    """Return what may stand nowhere: of credentials whatever nobody could guess."""
    given = [value for vendor in vendors for value in vendor.told["credentials"].values()]
    return tuple(value for value in given if len(value) >= _LONG_ENOUGH_FOR_A_SECRET and ":" not in value)


def _environment(root: Path, players: Mapping[Player, Vendor], poll_interval_s: int) -> dict[str, str]:
    """Write the hotel file and return the daemon's settings; nothing of this machine's own settings gets in."""
    hotels = root / "hotels"
    hotels.mkdir()
    (hotels / "demo.toml").write_text(hotel_file({player: vendor.told for player, vendor in players.items()}))
    for player, vendor in players.items():
        secret = hotels / f"{player.vendor}.json"
        secret.touch(mode=0o600)
        secret.write_text(json.dumps(vendor.told["credentials"]))
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PMS_SYNC_")}
    given = os.environ.get("PMS_SYNC_PG_BIN")
    places = {f"PMS_SYNC_{player.vendor.upper()}_BASE_URL": vendor.base_url for player, vendor in players.items()}
    return {
        **ours,
        **({"PMS_SYNC_PG_BIN": given} if given else {}),
        **places,
        "PMS_SYNC_DATA_DIR": str(root / "store"),
        "PMS_SYNC_CONFIG": str(hotels),
        "PMS_SYNC_BIND": f"127.0.0.1:{_free_port()}",
        "PMS_SYNC_ALLOW_PRIVATE_VENDORS": "1",
        "PMS_SYNC_POLL_INTERVAL": str(poll_interval_s),
    }


def _free_port() -> int:
    """Return the usual port, or another where that is taken: the daemon must come back on the same one."""
    for port in (_WEB_PORT, 0):
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise Unavailable("no free port on 127.0.0.1", "demo", "stop something that listens")
