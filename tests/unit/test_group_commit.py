"""Group commit: who is stored with whom, and who fails alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any

import pytest

from pms_sync.domain.errors import Unavailable
from pms_sync.ingest.group_commit import GroupCommit, QueueFull

POISON = "poison"


class Pipe:
    """A line to a list, which the test can hold up, cut, or keep from opening."""

    def __init__(self) -> None:
        """Begin closed and willing."""
        self.batches: list[list[str]] = []
        self.stored: list[str] = []
        self.is_open = False
        self.opened = 0
        self.may_open: Callable[[], Awaitable[None]] = _at_once
        self.may_write: Callable[[], Awaitable[None]] = _at_once

    def usable(self) -> bool:
        """Tell what the test made of it."""
        return self.is_open

    async def open(self) -> None:
        """Open when the test lets it."""
        await self.may_open()
        self.is_open, self.opened = True, self.opened + 1

    async def write(self, rows: Sequence[str]) -> list[int]:
        """Store all rows or none."""
        self.batches.append(list(rows))
        await self.may_write()
        if POISON in rows:
            raise ValueError(POISON)
        self.stored.extend(rows)
        return [len(row) for row in rows]

    async def drop(self) -> None:
        """Be closed."""
        self.is_open = False

    async def close(self) -> None:
        """Be closed."""
        self.is_open = False


async def _at_once() -> None:
    return


async def _refuse() -> None:
    raise Unavailable("away")


@asynccontextmanager
async def running(pipe: Pipe, **limits: Any) -> AsyncIterator[GroupCommit[str, int]]:
    """Run a group commit over the pipe and end it in order."""
    group: GroupCommit[str, int] = GroupCommit(pipe, **limits)
    task = asyncio.create_task(group.run())
    try:
        yield group
    finally:
        await group.aclose()
        await asyncio.wait_for(task, 5)


async def turns(count: int = 5) -> None:
    """Let the other tasks run until they wait."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_those_who_come_during_a_commit_share_the_next_one() -> None:
    pipe, gate = Pipe(), asyncio.Event()
    pipe.may_write = lambda: _until(gate)
    async with running(pipe) as group:
        first = asyncio.create_task(group.add("first"))
        await turns()
        others = [asyncio.create_task(group.add(f"row {number}")) for number in range(20)]
        await turns()
        gate.set()
        assert await asyncio.gather(first, *others) == [5, *(len(f"row {number}") for number in range(20))]
    assert [len(batch) for batch in pipe.batches] == [1, 20]


async def test_nobody_is_answered_before_the_commit() -> None:
    """ING-02."""
    pipe, gate = Pipe(), asyncio.Event()
    pipe.may_write = lambda: _until(gate)
    async with running(pipe) as group:
        caller = asyncio.create_task(group.add("row"))
        await turns(20)
        assert not caller.done()
        gate.set()
        assert await caller == 3
    assert pipe.stored == ["row"]


async def test_a_poison_row_fails_alone_and_its_neighbours_are_stored_in_order() -> None:
    pipe = Pipe()
    rows = [f"row {number:02}" for number in range(30)]
    rows[13] = POISON
    async with running(pipe) as group:
        answers = await asyncio.gather(*(group.add(row) for row in rows), return_exceptions=True)
    assert [index for index, answer in enumerate(answers) if isinstance(answer, ValueError)] == [13]
    assert pipe.stored == [row for row in rows if row != POISON]
    assert len(pipe.batches) <= 12  # halves, not row by row


async def test_the_row_of_a_caller_who_went_away_is_stored() -> None:
    pipe, gate = Pipe(), asyncio.Event()
    pipe.may_write = lambda: _until(gate)
    async with running(pipe) as group:
        caller = asyncio.create_task(group.add("left behind"))
        await turns()
        caller.cancel()
        await turns()
        gate.set()
        await group.add("next")
    assert pipe.stored == ["left behind", "next"]


async def test_a_full_queue_refuses_at_once() -> None:
    pipe, gate = Pipe(), asyncio.Event()
    pipe.may_write = lambda: _until(gate)
    async with running(pipe, queue_limit=2) as group:
        writing = asyncio.create_task(group.add("writing"))
        await turns()
        waiting = [asyncio.create_task(group.add("waiting")) for _ in range(2)]
        await turns()
        with pytest.raises(QueueFull):
            await group.add("too many")
        gate.set()
        await asyncio.gather(writing, *waiting)


async def test_the_queue_is_bounded_by_weight_as_well() -> None:
    pipe, gate = Pipe(), asyncio.Event()
    pipe.may_write = lambda: _until(gate)
    async with running(pipe, weigh=len, weight_limit=10) as group:
        writing = asyncio.create_task(group.add("writing"))
        await turns()
        waiting = asyncio.create_task(group.add("12345678"))
        await turns()
        with pytest.raises(QueueFull):
            await group.add("123")
        gate.set()
        await asyncio.gather(writing, waiting)


async def test_a_lost_connection_fails_the_batch_once_and_the_next_row_finds_a_new_one() -> None:
    pipe = Pipe()
    pipe.may_write = _refuse
    async with running(pipe) as group:
        answers = await asyncio.gather(*(group.add(f"row {n}") for n in range(10)), return_exceptions=True)
        assert all(isinstance(answer, Unavailable) for answer in answers)
        assert len(pipe.batches) == 1
        pipe.may_write = _at_once
        assert await group.add("again") == 5
    assert pipe.opened == 2


async def test_without_a_connection_everybody_is_told_within_a_quarter_of_a_second() -> None:
    """ING-04: a server that does not even refuse."""
    pipe = Pipe()
    pipe.may_open = lambda: _until(asyncio.Event())
    async with running(pipe) as group:
        began = monotonic()
        answers = await asyncio.gather(*(group.add("row") for _ in range(50)), return_exceptions=True)
        assert all(isinstance(answer, Unavailable) for answer in answers)
        assert monotonic() - began < 0.25
    assert pipe.batches == []


async def test_an_opening_slower_than_the_patience_still_comes_to_its_end() -> None:
    pipe, gate = Pipe(), asyncio.Event()
    pipe.may_open = lambda: _until(gate)
    async with running(pipe, patience_s=0.01) as group:
        with pytest.raises(Unavailable):
            await group.add("too early")
        gate.set()
        await turns()
        assert await group.add("in time") == 7
    assert pipe.opened == 1


async def test_an_insert_that_hangs_is_given_up_and_its_connection_cut() -> None:
    pipe = Pipe()
    pipe.may_write = lambda: _until(asyncio.Event())
    async with running(pipe, write_s=0.05) as group:
        with pytest.raises(Unavailable):
            await group.add("row")
        assert not pipe.usable()


async def test_closing_stores_what_waits_and_takes_nothing_more() -> None:
    pipe, gate = Pipe(), asyncio.Event()
    pipe.may_write = lambda: _until(gate)
    group: GroupCommit[str, int] = GroupCommit(pipe, batch_limit=2)
    task = asyncio.create_task(group.run())
    callers = [asyncio.create_task(group.add(f"row {number}")) for number in range(5)]
    await turns()
    await group.aclose()
    with pytest.raises(Unavailable):
        await group.add("late")
    gate.set()
    await asyncio.wait_for(task, 5)
    await asyncio.gather(*callers)
    assert pipe.stored == [f"row {number}" for number in range(5)]


async def test_a_writer_that_is_cancelled_leaves_no_caller_waiting() -> None:
    pipe = Pipe()
    pipe.may_write = lambda: _until(asyncio.Event())
    group: GroupCommit[str, int] = GroupCommit(pipe, batch_limit=1)
    task = asyncio.create_task(group.run())
    callers = [asyncio.create_task(group.add("row")) for _ in range(3)]
    await turns()
    task.cancel()
    answers = await asyncio.wait_for(asyncio.gather(*callers, return_exceptions=True), 5)
    assert all(isinstance(answer, Unavailable) for answer in answers)


async def _until(event: asyncio.Event) -> None:
    await event.wait()
