"""One call at a time to a login, from however many processes (I14), and nobody of them is starved."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from config import settings as settings_room
from pms_sync.bootstrap import opened
from pms_sync.ingest.runtimes import Runtime
from pms_sync.resilience.budget import BudgetFull
from pms_sync.store.database import Database
from pms_sync.store.turns import Turns
from tests.integration.command_line import Machine, Vendor

LOGIN, OTHER = b"one login", b"another"
_LOCKS = """
SELECT count(*) >= 2 FROM pg_locks WHERE locktype = 'advisory'
   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@asynccontextmanager
async def processes(database: Database, many: int) -> AsyncIterator[list[Turns]]:
    """Give the turns of several processes."""
    every = [Turns(database) for _ in range(many)]
    try:
        yield every
    finally:
        for one in every:
            await one.aclose()


async def test_no_two_hold_a_turn_and_who_wants_more_waits_for_who_waits(database: Database) -> None:
    """Three processes that want turn after turn get about as many each, although each wants the next at once."""
    order: list[int] = []
    inside = 0

    async def calls(number: int, turns: Turns) -> None:
        nonlocal inside
        while len(order) < 60:
            async with turns.turn(LOGIN, 30) as mine:
                assert (mine, inside) == (True, 0)
                inside += 1
                await asyncio.sleep(0.001)
                inside -= 1
                order.append(number)

    async with processes(database, 3) as every:
        await asyncio.gather(*(calls(number, turns) for number, turns in enumerate(every)))
    shares = [order.count(number) for number in range(3)]
    assert min(shares) >= 10, shares


async def test_two_processes_take_turns(database: Database) -> None:
    """Once somebody waits, who just called goes behind: a push waits for one call of the other, not for its batch."""
    order: list[str] = []
    async with processes(database, 2) as (busy, patient):

        async def hog() -> None:
            while "patient" not in order:
                async with busy.turn(LOGIN, 30):
                    await asyncio.sleep(0.05)
                    order.append("busy")

        async with busy.turn(LOGIN, 30):
            waiting = asyncio.create_task(_once(patient, order))
            await _queued(database)
        await asyncio.gather(hog(), waiting)
    assert order.index("patient") <= 1


async def _once(turns: Turns, order: list[str]) -> None:
    async with turns.turn(LOGIN, 30):
        order.append("patient")


async def _queued(database: Database) -> None:
    """Wait until one holds the turn and another waits for it."""
    async with database.connection() as connection:
        await _until(lambda: connection.fetchval(_LOCKS))


async def _until(look: Callable[[], Awaitable[bool]]) -> None:
    for _ in range(2000):
        if await look():
            return
        await asyncio.sleep(0.005)
    pytest.fail("never came")


async def test_patience_ends_and_leaves_nothing_behind(database: Database) -> None:
    async with processes(database, 3) as (first, second, third):
        async with first.turn(LOGIN, 1) as mine, second.turn(LOGIN, 0.05) as too, third.turn(OTHER, 0.05) as other:
            assert (mine, too, other) == (True, False, True)
        async with third.turn(LOGIN, 0) as mine:
            assert mine


async def test_what_a_killed_process_held_is_free_at_once(database: Database) -> None:
    async with processes(database, 2) as (killed, other):
        async with killed.turn(LOGIN, 1):
            await killed.aclose()
            async with other.turn(LOGIN, 0) as mine:
                assert mine
        async with killed.turn(LOGIN, 0) as mine:
            assert mine


@pytest.mark.parametrize("holding", [True, False])
async def test_who_is_cut_off_lets_go(database: Database, *, holding: bool) -> None:
    async with processes(database, 2) as (cut, other), AsyncExitStack() as stack:
        if not holding:
            await stack.enter_async_context(other.turn(LOGIN, 1))
        entered = asyncio.Event()

        async def hold() -> None:
            async with cut.turn(LOGIN, 30):
                entered.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(hold())
        await (entered.wait() if holding else _queued(database))
        task.cancel()
        await asyncio.wait({task})
        await stack.aclose()
        async with other.turn(LOGIN, 0) as mine:
            assert mine


@asynccontextmanager
async def daemons(machine: Machine, many: int) -> AsyncIterator[list[Runtime]]:
    """Open the store several times and give the one account's runtime of each."""
    environ = {name: text for name, text in machine.environment().items() if name.startswith("PMS_SYNC_")}
    settings = settings_room.load(environ, machine.folder)
    async with AsyncExitStack() as stack:
        ready = []
        for _ in range(many):
            core = await stack.enter_async_context(opened(settings))
            runtimes = core.runtimes()
            stack.push_async_callback(runtimes.aclose)
            await runtimes.refresh()
            [runtime] = runtimes.current().values()
            ready.append(runtime)
        yield ready


def test_a_vendor_that_wants_one_call_at_a_time_gets_one_from_all_processes(
    machine: Machine, simulated_vendor: Vendor
) -> None:
    """I14 with a daemon beside a backfill: three processes of one login, never two calls at once."""
    credential = machine.at_hotel(simulated_vendor)
    machine.invoke("accounts", "add", "beds24", "--property", "P1", "--credential", credential)
    before = len(simulated_vendor.ask("calls")["items"])
    simulated_vendor.fails(kind="delay", seconds=0.02, match={}, times=1000)

    async def all_at_once() -> None:
        async with daemons(machine, 3) as ready:
            await asyncio.gather(*(_checked(one, priority) for one in ready for priority in ("push", "backfill") * 2))

    asyncio.run(all_at_once())
    calls = simulated_vendor.ask("calls")["items"][before:]
    assert len(calls) >= 12
    assert {one["in_flight"] for one in calls} == {1}


async def _checked(runtime: Runtime, priority: str) -> None:
    await runtime.call(runtime.connector.check, priority=priority, operation="check")


def test_a_login_that_stays_taken_is_left_for_later(
    machine: Machine, simulated_vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing was sent, so a write need not be looked up, and the vendor is not held to be away."""
    credential = machine.at_hotel(simulated_vendor)
    machine.invoke("accounts", "add", "beds24", "--property", "P1", "--credential", credential)
    monkeypatch.setattr("pms_sync.ingest.runtimes._PATIENCE_S", 0.05)
    simulated_vendor.fails(kind="delay", seconds=0.5, match={}, times=1000)

    async def one_waits() -> BaseException | None:
        async with daemons(machine, 2) as (first, second):
            calling = asyncio.create_task(_checked(first, "poll"))
            await _until(lambda: asyncio.to_thread(lambda: bool(simulated_vendor.ask("calls")["items"])))
            [told] = await asyncio.gather(_checked(second, "push"), return_exceptions=True)
            await calling
            assert second.guard.breaker.state == "closed"
            return told

    fault = asyncio.run(one_waits())
    assert isinstance(fault, BudgetFull)
    assert (fault.sent, fault.retry_after) == (False, 15.0)
