"""The play: traffic at the vendor, the plug pulled in the middle, and how each change reached the store."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import msgspec

from pms_sync.demo.cast import MAIN
from pms_sync.demo.elsewhere import Elsewhere
from pms_sync.demo.person import EMAIL, Person
from pms_sync.demo.scenes import Scenes
from pms_sync.demo.script import Act, Script
from pms_sync.demo.stage import Stage
from pms_sync.domain.errors import Unavailable
from pms_sync.store import arrivals
from pms_sync.store.arrivals import Arrival

_TRAFFIC, _FAULTY, _PLUG = 0.55, 0.2, 0.35  # shares of the time
_DARK_S = 1.5
_LOOK_S = 0.25
_SETTLED_S = 2.0

HOW = {"webhook": "webhook", "poll": "poll", "backfill": "first listing", "reconcile": "read again", "replay": "replay"}


class Line(msgspec.Struct, kw_only=True):
    """One line of the table: what happened, and once it is known, how it came and after how many seconds."""

    at: datetime
    words: str
    refs: tuple[str, ...] = ()
    how: str | None = None
    took_s: float | None = None


class Play:
    """A running performance; `lines` grows."""

    def __init__(self, stage: Stage, seed: int, seconds: float, on_change: Callable[[], None]) -> None:
        """Prepare; `on_change` is called whenever a line appears or is completed."""
        self._stage, self._seconds, self._on_change = stage, seconds, on_change
        self._dice = random.Random(seed + 1)  # noqa: S311 - repeatable on purpose
        self._script = Script(seed, datetime.now(UTC).date())
        self._elsewhere = Elsewhere(stage, seed, datetime.now(UTC).date(), self._tell)
        self._seen = 0
        self._last_change_at = datetime.now(UTC)
        self.lines: list[Line] = []
        self.scenes_verified = 0
        self.sign_in: tuple[str, str] | None = None
        self.unfinished: str | None = None

    async def perform(self) -> None:
        """Play everything: traffic with webhooks lost and doubled, the plug pulled, then quiet."""
        started = asyncio.get_running_loop().time()

        def passed() -> float:
            return (asyncio.get_running_loop().time() - started) / self._seconds

        cues: list[tuple[float, Callable[[], Awaitable[None]]]] = [(_FAULTY, self._disturb), (_PLUG, self._pull_plug)]
        while passed() < _TRAFFIC:
            if cues and passed() >= cues[0][0]:
                await cues.pop(0)[1]()
            await self._act(self._script.next())
            await self._elsewhere.act()
            await asyncio.sleep(0.4 + self._dice.random())
        for vendor in self._stage.vendors.values():
            await vendor.order("faults", faults=[])
        self._say("no webhook is lost any more, and a person comes to the front desk")
        await self._with_a_person()
        self._say("the vendor is quiet now")

    async def _with_a_person(self) -> None:
        """Play the scenes that somebody decides in; one that does not end is told, and counts as a difference."""
        async with httpx.AsyncClient(timeout=20) as client:
            person = Person(self._stage, client)
            await person.sign_in()
            self.sign_in = (EMAIL, person.password)
            scenes = Scenes(self._stage, person, datetime.now(UTC).date(), self._say)
            try:
                await scenes.play()
            except (TimeoutError, httpx.HTTPError) as error:
                self.unfinished = f"a scene did not end: {type(error).__name__} {error}".strip()
                self._say(self.unfinished)
            self._last_change_at = datetime.now(UTC)
            self.scenes_verified = scenes.verified

    async def until_quiet(self, patience_s: float) -> bool:
        """Wait until nothing is on its way and everything was read after the last change."""
        deadline = asyncio.get_running_loop().time() + patience_s
        while asyncio.get_running_loop().time() < deadline:
            if await self._is_quiet():
                return True
            await asyncio.sleep(_LOOK_S)
        return False

    async def watch(self) -> None:
        """Complete the lines as their changes arrive, until it is cancelled."""
        while True:
            try:
                async with self._stage.store() as database:
                    while True:
                        async with database.connection() as connection:
                            found = await arrivals.since(connection, self._seen)
                        self._complete(found)
                        await asyncio.sleep(_LOOK_S)
            except Unavailable:
                await asyncio.sleep(_LOOK_S)  # the plug is out

    async def _act(self, act: Act) -> None:
        refs = []
        for order in act.orders:
            told = await self._stage.vendor.order("change", **order)
            refs.append(str(told["ref"]))
            if order["op"] == "create" and "vendor" not in order:
                self._script.made([str(told["ref"])])
        self._last_change_at = datetime.now(UTC)
        self._say(act.words, tuple(refs))

    async def _disturb(self) -> None:
        faults = [
            {"kind": "webhook_drop", "probability": 0.3},
            {"kind": "webhook_duplicate", "probability": 0.3},
            {"kind": "status", "status": 500, "probability": 0.05, "match": {"path": "/bookings"}},
        ]
        await self._stage.vendor.order("faults", faults=faults)
        for name, vendor in self._stage.vendors.items():
            if name != MAIN:
                await vendor.order("faults", faults=[{"kind": "status", "status": 500, "probability": 0.05}])
        self._say("from now on three webhooks in ten are lost, three come twice, and some calls fail")

    async def _pull_plug(self) -> None:
        await self._stage.daemon.kill()
        self._say("the plug is pulled: the daemon is killed in the middle of its work")
        await asyncio.sleep(_DARK_S)
        await self._act(self._script.next())
        bind = await self._stage.daemon.start()
        self._say(f"the daemon is back on {bind}")

    def _tell(self, words: str, refs: tuple[str, ...] = ()) -> None:
        """Say what changed at a vendor."""
        self._last_change_at = datetime.now(UTC)
        self._say(words, refs)

    def _say(self, words: str, refs: tuple[str, ...] = ()) -> None:
        self.lines.append(Line(at=datetime.now(UTC), words=words, refs=refs))
        self._on_change()

    def _complete(self, found: list[Arrival]) -> None:
        for arrival in found:
            self._seen = max(self._seen, arrival.event_id)
            for line in self.lines:
                fits = arrival.ref in line.refs and line.how is None and arrival.done_at >= line.at
                if fits and arrival.outcome in {"new", "changed"}:
                    line.how = HOW.get(arrival.kind, arrival.kind)
                    line.took_s = (arrival.done_at - line.at).total_seconds()
        if found:
            self._on_change()

    async def _is_quiet(self) -> bool:
        for vendor in self._stage.vendors.values():
            truth: dict[str, Any] = await vendor.ask("truth")
            if truth["webhooks"]["pending"]:
                return False
        try:
            async with self._stage.store() as database, database.connection() as connection:
                state = await arrivals.quiet(connection)
        except Unavailable:
            return False
        settled = self._last_change_at + timedelta(seconds=_SETTLED_S)
        return state.waiting == 0 and state.last_read_at is not None and state.last_read_at > settled
