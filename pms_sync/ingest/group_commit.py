"""Group commit: many callers that wait, one writer, one transaction for all who came during the last one.

No timer makes a batch: it is what piled up while the previous commit ran. The three ways to fail are kept apart. A row
that is itself wrong fails alone. A lost connection fails its batch, never row by row, since the sender comes again.
No usable connection is told to everybody who waits within `patience_s`, while opening goes on behind it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from pms_sync.domain.errors import Unavailable

Row = TypeVar("Row")
Answer = TypeVar("Answer")
RowIn_contra = TypeVar("RowIn_contra", contravariant=True)
AnswerOut_co = TypeVar("AnswerOut_co", covariant=True)


class QueueFull(Exception):
    """So much waits already that another row would only be answered too late."""


class Line(Protocol[RowIn_contra, AnswerOut_co]):
    """One dedicated way to the store; every method raises Unavailable when there is none."""

    def usable(self) -> bool:
        """Tell whether a write could start now."""
        ...

    async def open(self) -> None:
        """Get the connection; does nothing when it is usable."""
        ...

    async def write(self, rows: Sequence[RowIn_contra]) -> Sequence[AnswerOut_co]:
        """Store the rows in one transaction and answer in their order."""
        ...

    async def drop(self) -> None:
        """Cut the connection at once."""
        ...

    async def close(self) -> None:
        """Give the connection back in order."""
        ...


class _Waiting(Generic[Row, Answer]):
    __slots__ = ("answer", "row", "weight")

    def __init__(self, row: Row, weight: int) -> None:
        self.row, self.weight = row, weight
        self.answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

    def fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)
            self.answer.exception()  # seen: a caller that went away must not cause a complaint later


class GroupCommit(Generic[Row, Answer]):
    """Gathers rows and commits them together; `add` returns only after the commit."""

    def __init__(  # noqa: PLR0913 - limits, each with its default
        self,
        line: Line[Row, Answer],
        *,
        batch_limit: int = 100,
        queue_limit: int = 5_000,
        weight_limit: int = 64 * 1024 * 1024,
        weigh: Callable[[Row], int] = lambda _: 1,
        patience_s: float = 0.1,
        write_s: float = 5.0,
    ) -> None:
        """Bound the queue by rows and by weight (bytes, say); `write_s` limits an insert that has started."""
        self._line = line
        self._batch_limit, self._queue_limit, self._weight_limit = batch_limit, queue_limit, weight_limit
        self._weigh, self._patience_s, self._write_s = weigh, patience_s, write_s
        self._queue: deque[_Waiting[Row, Answer]] = deque()
        self._weight = 0
        self._work = asyncio.Event()
        self._opening: asyncio.Task[None] | None = None
        self._closed = False

    async def add(self, row: Row) -> Answer:
        """Wait until the row is committed; a caller that is cancelled leaves its row to be stored.

        Raises QueueFull, Unavailable (not stored as far as is known), or what the store says about this very row.
        """
        if self._closed:
            raise _away("it is closing")
        waiting: _Waiting[Row, Answer] = _Waiting(row, self._weigh(row))
        if len(self._queue) >= self._queue_limit or self._weight + waiting.weight > self._weight_limit:
            raise QueueFull
        self._queue.append(waiting)
        self._weight += waiting.weight
        self._work.set()
        return await waiting.answer  # whoever is cancelled here gives up the answer, never the row

    async def run(self) -> None:
        """Commit batches until `aclose`; the one task of this object."""
        try:
            self._opening = asyncio.create_task(self._open())
            while self._queue or not self._closed:
                await self._work.wait()
                if self._queue and await self._ready():
                    await self._commit(self._take())
                elif self._queue:
                    self._fail_all(_away("no connection"))
                if not self._queue and not self._closed:
                    self._work.clear()
        finally:
            await self._end()

    async def aclose(self) -> None:
        """Take no more rows; `run` commits those that wait, lets go of the connection and returns."""
        self._closed = True
        self._work.set()

    def _take(self) -> list[_Waiting[Row, Answer]]:
        batch = [self._queue.popleft() for _ in range(min(self._batch_limit, len(self._queue)))]
        self._weight -= sum(waiting.weight for waiting in batch)
        return batch

    async def _ready(self) -> bool:
        if self._line.usable():
            return True
        if self._opening is None or self._opening.done():
            self._opening = asyncio.create_task(self._open())
        await asyncio.wait({self._opening}, timeout=self._patience_s)
        return self._line.usable()

    async def _open(self) -> None:
        try:
            await self._line.open()
        except Unavailable:
            return  # the next row that comes tries again

    async def _commit(self, batch: list[_Waiting[Row, Answer]]) -> None:
        try:
            async with asyncio.timeout(self._write_s):
                answers = await self._line.write([waiting.row for waiting in batch])
        except (Unavailable, TimeoutError) as error:
            await self._line.drop()
            _fail(batch, error if isinstance(error, Unavailable) else _away("the insert took too long"))
        except Exception as error:  # noqa: BLE001 - any verdict on the rows; the halves find the one it is about
            await self._commit_halves(batch, error)
        except BaseException:
            _fail(batch, _away("it is stopping"))
            raise
        else:
            for waiting, answer in zip(batch, answers, strict=True):
                if not waiting.answer.done():
                    waiting.answer.set_result(answer)

    async def _commit_halves(self, batch: list[_Waiting[Row, Answer]], error: Exception) -> None:
        if len(batch) == 1:
            batch[0].fail(error)
            return
        middle = len(batch) // 2
        for half in (batch[:middle], batch[middle:]):
            await self._commit(half)

    def _fail_all(self, error: Exception) -> None:
        waiting, self._weight = list(self._queue), 0
        self._queue.clear()
        _fail(waiting, error)

    async def _end(self) -> None:
        self._closed = True
        self._fail_all(_away("it is stopping"))
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.gather(self._opening, return_exceptions=True)
        await self._line.close()


def _fail(batch: Sequence[_Waiting[Row, Answer]], error: Exception) -> None:
    for waiting in batch:
        waiting.fail(error)


def _away(why: str) -> Unavailable:
    return Unavailable(f"the inbox cannot be written: {why}", "PMS_SYNC_DATABASE_URL", "send it again later")
