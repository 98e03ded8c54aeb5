"""`demo` as a process: however it ends, nothing of it stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.integration.command_line import Machine, ended

INTERRUPTED = 130
_PATIENCE_S, _LOOK_S = 45.0, 0.05

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give a folder for the demo's temporary ones, with a short path: a socket's has a limit."""
    with tempfile.TemporaryDirectory(prefix="d", ignore_cleanup_errors=True) as folder:
        monkeypatch.setenv("TMPDIR", folder)
        yield Path(folder)


@pytest.fixture
def playing(bare_machine: Machine, stages: Path) -> Iterator[subprocess.Popen[str]]:
    """Give a demo whose daemon stands."""
    child = bare_machine.start("demo", "--headless", "--seconds", "60")
    try:
        _until(lambda: list(stages.glob("pms-sync-demo-*/store/master.key")))
        yield child
    finally:
        child.kill()
        child.wait()


def _until(seen: Callable[[], object]) -> None:
    latest = time.monotonic() + _PATIENCE_S
    while not seen():
        assert time.monotonic() < latest, "it never came"
        time.sleep(_LOOK_S)


def _of_stage(stages: Path) -> list[str]:
    """Return the processes that have something of a stage in their command or environment."""
    found = []
    for one in Path("/proc").iterdir():
        if one.name.isdigit() and int(one.name) != os.getpid():
            try:
                told = (one / "cmdline").read_bytes() + (one / "environ").read_bytes()
            except OSError:  # it ended meanwhile
                continue
            if f"{stages}/pms-sync-demo-".encode() in told:
                found.append(one.name)
    return found


def test_sigterm_clears_the_stage_away(playing: subprocess.Popen[str], stages: Path) -> None:
    """`timeout` sends its signal twice."""
    assert _of_stage(stages)
    playing.send_signal(signal.SIGTERM)
    playing.send_signal(signal.SIGTERM)
    told = ended(playing)
    assert told.code == INTERRUPTED
    assert told.error["what"] == "interrupted"
    assert _of_stage(stages) == []
    assert list(stages.iterdir()) == []


def test_the_daemon_dies_with_a_demo_that_is_killed(playing: subprocess.Popen[str], stages: Path) -> None:
    assert _of_stage(stages)
    playing.kill()
    _until(lambda: not _of_stage(stages))
