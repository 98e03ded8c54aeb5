"""A bare machine whose commands run as processes, and the simulated vendor they talk to.

Whatever a command does, some things hold: no defect (exit 70), no traceback, nothing a terminal would obey.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import chdir, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import msgspec
import structlog
from click.testing import CliRunner

from connectors.beds24.simulator import SIMULATOR
from pms_sync.cli.main import main
from pms_sync.observe.logs import flush_logs

MASTER_KEY = bytes(range(32)).hex()
ID = "00000000-0000-0000-0000-000000000001"
CLOSED = "postgresql://owner:s3cr3t-canary@127.0.0.1:1/pms"
CODES = {0, 1, 2, 3, 130}
_PATIENCE_S = 60.0

HOTEL = """
tenant = "t1"

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
property_ref = "7"
crosswalk = { room_type = { "55" = "DBL" }, room = { "55/1" = "101", "55/2" = "102", "55/3" = "103" } }
"""
SECOND_PROPERTY = """
[[properties]]
code = "P2"
name = "Hotel Retiro"
timezone = "Europe/Madrid"
currency = "EUR"

[[properties.accounts]]
vendor = "beds24"
role = "channel_manager"
property_ref = "8"
"""


class Told(msgspec.Struct, frozen=True):
    """How a command ended and what it wrote."""

    code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> Any:
        """Return the one JSON document of stdout; anything else there is a failure."""
        line, end, rest = self.stdout.partition("\n")
        assert (end, rest) == ("\n", ""), self
        return json.loads(line)

    @property
    def error(self) -> dict[str, str]:
        """Return the error document, the last line of stderr, after seeing that stdout stayed empty."""
        assert self.stdout == "", self
        error: dict[str, str] = json.loads(self.stderr.splitlines()[-1])["error"]
        assert set(error) == {"what", "where", "remedy"}, self
        assert all(error.values()), self
        return error


def failing(document: Any) -> list[str]:
    """Return the checks of doctor that ask for a person."""
    return [item["check"] for item in document["items"] if not item["ok"]]


def decent(told: Told) -> Told:
    """Return what was told after seeing that no user would be shown a defect, a traceback or a control character."""
    assert told.code in CODES, told
    assert "Traceback" not in told.stderr, told
    assert "Exception ignored" not in told.stderr, told
    for text in (told.stdout, told.stderr):
        assert all(letter.isprintable() or letter in "\n\t" for letter in text), told
    return told


class Vendor:
    """A simulated vendor on a free port, in a thread of its own, with its control plane."""

    def __init__(self) -> None:
        """Start it."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._simulator: Any = self._await(self._made)
        self.base_url: str = self._await(self._simulator.start)
        self._client = httpx.Client(base_url=self.base_url, timeout=30)

    def reset(self, **world: int) -> dict[str, str]:
        """Begin a fresh world and return the credentials valid in it."""
        told = self.order("reset", **{"seed": 1, "hotels": 1, "rooms": 3, "reservations": 12, **world})
        credentials: dict[str, str] = told["credentials"]
        return credentials

    def order(self, name: str, **body: object) -> Any:
        """Give an order of the control plane."""
        answer = self._client.post(f"/_sim/{name}", json=body)
        answer.raise_for_status()
        return answer.json()

    def ask(self, name: str) -> Any:
        """Ask the control plane."""
        answer = self._client.get(f"/_sim/{name}")
        answer.raise_for_status()
        return answer.json()

    def fails(self, **fault: object) -> None:
        """Let calls fail as told until the next reset."""
        self.order("faults", faults=[fault])

    def calls(self, path: str) -> list[Mapping[str, Any]]:
        """Return the calls made to a path since the last reset."""
        return [one for one in self.ask("calls")["items"] if one["path"].endswith(path)]

    def close(self) -> None:
        """Stop it."""
        self._client.close()
        self._await(self._simulator.stop)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def _await(self, call: Callable[[], Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(call(), self._loop).result(30)

    async def _made(self) -> Any:
        return SIMULATOR(1)


class Machine:
    """A folder with nothing of this machine's own settings in it; settings are named without their prefix."""

    def __init__(self, root: Path, **settings: str) -> None:
        """Make the folder's parts: where commands run, and where the embedded database would live."""
        self.root, self.folder, self.data_dir = root, root / "work", root / "data"
        self.folder.mkdir()
        self.settings = {"DATA_DIR": str(self.data_dir), **settings}

    def environment(self, **settings: str) -> dict[str, str]:
        """Return the environment of a command."""
        bare = {name: text for name, text in os.environ.items() if not name.startswith("PMS_SYNC_")}
        given = os.environ.get("PMS_SYNC_PG_BIN")
        ours = {**({"PG_BIN": given} if given else {}), **self.settings, **settings}
        return {**bare, **{f"PMS_SYNC_{name}": text for name, text in ours.items()}}

    def invoke(self, *words: str, **settings: str) -> Told:
        """Run a command inside this process: much quicker, where a process of its own would show nothing more."""
        foreign = dict.fromkeys(name for name in os.environ if name.startswith("PMS_SYNC_"))
        with chdir(self.folder), _logging_as_before():
            result = CliRunner(env={**foreign, **self.environment(**settings)}).invoke(main, list(words))
        return decent(Told(result.exit_code, result.stdout, result.stderr))

    def run(self, *words: str, stdin: str = "", **settings: str) -> Told:
        """Run a command as a process, to its end."""
        done = subprocess.run(
            [sys.executable, "-m", "pms_sync", *words],
            cwd=self.folder,
            env=self.environment(**settings),
            input=stdin.encode(),
            check=False,
            capture_output=True,
            timeout=_PATIENCE_S,
        )
        return decent(Told(done.returncode, done.stdout.decode(), done.stderr.decode()))

    def json(self, *words: str, **settings: str) -> Any:
        """Run a command with --json that must succeed, as a process, and return its document."""
        told = self.run(*words, "--json", **settings)
        assert told.code == 0, told
        return told.document

    def start(self, *words: str, **settings: str) -> subprocess.Popen[str]:
        """Start a command; whoever starts it ends it, with `ended`."""
        return subprocess.Popen(
            [sys.executable, "-m", "pms_sync", *words],
            cwd=self.folder,
            env=self.environment(**settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def at_hotel(self, vendor: Vendor, *more: str, **world: int) -> str:
        """Move into the seed hotel with a fresh world at its vendor, and return the file with the credential."""
        credentials = vendor.reset(**world)
        self.settings |= {"BEDS24_BASE_URL": vendor.base_url, "ALLOW_PRIVATE_VENDORS": "1"}
        self.write_hotels(prado="".join((HOTEL, *more)))
        secret = self.root / "token.txt"
        secret.write_text(credentials["refresh_token"] + "\n")
        return f"refresh_token=@{secret}"

    def write_hotels(self, **texts: str) -> Path:
        """Write hotel files by name and name their folder to every further command."""
        hotels = self.root / "hotels"
        hotels.mkdir(exist_ok=True)
        for name, text in texts.items():
            (hotels / f"{name}.toml").write_text(text)
        self.settings["CONFIG"] = str(hotels)
        return hotels


@contextmanager
def _logging_as_before() -> Iterator[None]:
    """Undo what a command did to this process's logging."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        flush_logs()
        root.handlers[:] = handlers
        root.setLevel(level)
        logging.captureWarnings(capture=False)
        structlog.reset_defaults()


def eventually(look: Callable[[], bool], child: subprocess.Popen[str], what: str) -> None:
    """Wait until something is seen while a command runs."""
    until = time.monotonic() + 30
    while not look():
        assert child.poll() is None, f"it ended before {what}"
        assert time.monotonic() < until, f"never {what}"
        time.sleep(0.01)


def ended(child: subprocess.Popen[str]) -> Told:
    """Wait for a command's end, and end it if it does not."""
    try:
        stdout, stderr = child.communicate(timeout=_PATIENCE_S)
    finally:
        with suppress(ProcessLookupError):
            child.kill()
    return decent(Told(child.returncode, stdout, stderr))
