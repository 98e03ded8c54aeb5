"""The call log: every request the vendor saw, in order of arrival, with how many ran beside it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from connectors.kit.simulator.clock import SimulatedClock, stamp

if TYPE_CHECKING:
    from aiohttp import web

    from connectors.kit.simulator.contract import Row


def _body(raw: bytes) -> object:
    if not raw:
        return None
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return raw.decode("utf-8", "replace")  # what is no JSON is kept as text, so that the log can be read


class CallLog:
    """Requests in arrival order; `in_flight` counts the call itself, so 1 means it was alone."""

    def __init__(self, clock: SimulatedClock) -> None:
        """Begin empty; stamps come from the simulated clock."""
        self._clock = clock
        self._items: list[Row] = []
        self._running: Counter[str] = Counter()

    def clear(self) -> None:
        """Forget all calls; numbers start at 1 again."""
        self._items.clear()

    def since(self, number: int) -> list[Row]:
        """Return the calls numbered above `number`."""
        return self._items[max(number, 0) :]

    async def begin(self, request: web.Request, account: str) -> Row:
        """Note an arriving call; status and cost are filled in at its end."""
        self._running[account] += 1
        entry: Row = {
            "n": len(self._items) + 1,
            "at": stamp(self._clock.now()),
            "method": request.method,
            "path": request.path,
            "query": [[name, value] for name, value in request.query.items()],
            "body": None,
            "status": None,
            "cost": None,
            "in_flight": self._running[account],
        }
        self._items.append(entry)
        try:
            entry["body"] = _body(await request.read())
        except BaseException:
            self.end(account)  # the caller hung up or sent too much: the call is over
            raise
        return entry

    def end(self, account: str) -> None:
        """Note that one call of the account is over."""
        self._running[account] -= 1
