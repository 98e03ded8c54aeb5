"""Access lines: one log line per webhook answered, with its correlation id, as long as there are not too many.

A burst must not spend on lines what it needs for acknowledging: past the limit they are only counted, and the count is
logged. The correlation id stands in the inbox row in any case.
"""

from __future__ import annotations

from collections.abc import Callable

from pms_sync.observe.logs import get_logger

_LIMIT_PER_S = 50
_STORED = 200

_log = get_logger(__name__)


class AccessLines:
    """Writes at most so many lines a second; refusals and answers of success alike."""

    def __init__(self, monotonic: Callable[[], float], limit_per_s: int = _LIMIT_PER_S) -> None:
        """Start a fresh second."""
        self._monotonic, self._limit = monotonic, limit_per_s
        self._second, self._written, self._unwritten = 0, 0, 0

    def answered(self, vendor: str, status: int, seconds: float, correlation_id: str) -> None:
        """Log one answer."""
        second = int(self._monotonic())
        if second != self._second:
            self._begin(second)
        if self._written >= self._limit:
            self._unwritten += 1
            return
        self._written += 1
        event = "webhook_stored" if status == _STORED else "webhook_refused"
        _log.info(event, vendor=vendor, status=status, took_ms=round(seconds * 1000, 2), correlation_id=correlation_id)

    def _begin(self, second: int) -> None:
        if self._unwritten:
            _log.info("webhooks_not_logged", count=self._unwritten)
        self._second, self._written, self._unwritten = second, 0, 0
