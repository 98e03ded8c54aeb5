"""Where log lines leave the daemon: a bounded queue and one thread, so that a stuck reader stops nobody."""

from __future__ import annotations

import atexit
import queue
import threading
from typing import IO

_LIMIT = 10_000


class LineSink:
    """A text stream whose `write` neither blocks nor raises, whatever became of the stream behind it.

    Lines beyond `limit` waiting ones are dropped and counted; the count is written once there is room again.
    """

    def __init__(self, stream: IO[str], *, limit: int = _LIMIT) -> None:
        """Start the writing thread on the first line."""
        self._stream = stream
        self._lines: queue.Queue[str | threading.Event | None] = queue.Queue(limit)
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._closed = False
        self.dropped = 0

    def write(self, line: str) -> None:
        """Queue one finished line, newline included."""
        self._put(line)

    def flush(self, timeout_s: float | None = None) -> None:
        """Wait up to `timeout_s` seconds for the lines queued so far; without a time, wait for nothing."""
        if not timeout_s or self._thread is None:
            return
        written = threading.Event()
        if self._put(written):
            written.wait(timeout_s)

    def close(self, timeout_s: float = 1.0) -> None:
        """Write what is queued, for at most `timeout_s` seconds; may be called twice."""
        if self._closed:
            return
        self.flush(timeout_s)
        self._closed = True
        atexit.unregister(self.close)
        try:
            self._lines.put_nowait(None)
        except queue.Full:
            return  # the reader is stuck; the thread is a daemon and dies with us

    def _put(self, item: str | threading.Event) -> bool:
        if self._closed:
            return False
        try:
            self._lines.put_nowait(item)
        except queue.Full:
            self.dropped += 1
            return False
        if self._thread is None:
            self._start()
        return True

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="log-lines", daemon=True)
                self._thread.start()
                atexit.register(self.close)

    def _run(self) -> None:
        told = 0
        while (item := self._lines.get()) is not None:
            if isinstance(item, threading.Event):
                item.set()
                continue
            self._write_out(item)
            if self.dropped > told:
                told, missed = self.dropped, self.dropped - told
                self._write_out(f'{{"level":"warning","event":"log_lines_dropped","count":{missed}}}\n')

    def _write_out(self, line: str) -> None:
        try:
            self._stream.write(line)
            self._stream.flush()
        except (OSError, ValueError, AttributeError):
            self.dropped += 0  # closed, broken or absent: there is nobody left to tell
