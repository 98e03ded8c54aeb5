"""The simulated account: tokens, credits and the hotel, all in memory, with its switches."""

from __future__ import annotations

import json
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from aiohttp import web

from connectors.beds24.simulator import bookings, truth
from connectors.beds24.simulator.auth import DEFAULT_SCOPES, Access, Tokens
from connectors.beds24.simulator.changes import Changer
from connectors.beds24.simulator.consequences import WriteHabits
from connectors.beds24.simulator.credits import Meter
from connectors.beds24.simulator.hooks import Announcer
from connectors.beds24.simulator.query import Ask
from connectors.beds24.simulator.refusals import VendorRefusal, refusal_answer
from connectors.beds24.simulator.seeding import ZONE, seed_hotel
from connectors.beds24.simulator.writes import Writer
from connectors.kit.simulator.clock import SimulatedClock
from connectors.kit.simulator.contract import ChangeOrder, ResetOrder, Row
from connectors.kit.simulator.faults import FaultPlan
from connectors.kit.simulator.webhooks import Habits, Sender

if TYPE_CHECKING:
    from datetime import datetime

    from connectors.beds24.simulator.hotel import Booking

PREFIXES = ("", "/v2", "/api/v2")
PAGE_SIZE = 100
BAD_REQUEST, TOO_MANY = 400, 429
_ACCOUNT = "beds24"
_CACHED_READS = 32


@dataclass(frozen=True)
class Options:
    """The switches of vendors/beds24.md 16 that exist so far; defaults are the vendor's habits.

    `webhook_delay` is in real seconds (the vendor needs 1 to 420).
    `limit_answer` is one of meter, bare, retry_after, html.
    """

    credits: float = 100
    page_size: int = PAGE_SIZE
    token_life: int = 86400
    rotate_refresh: bool = False
    scopes: tuple[str, ...] = DEFAULT_SCOPES
    webhook_delay: float = 0.05
    webhook_retry_after: tuple[float, ...] = (0.5, 2.0, 8.0, 30.0, 60.0)
    webhook_timeout: float = 5.0
    webhook_fresh_retries: bool = True
    limit_answer: str = "meter"
    writes: WriteHabits = field(default_factory=WriteHabits)
    now: datetime | None = None
    hotels: int = 1
    rooms: int = 3
    reservations: int = 12


class Beds24Backend:
    """The account behind the routes: tokens, credits and the hotel, all in memory."""

    vendor = truth.VENDOR
    prefixes: tuple[str, ...] = PREFIXES

    def __init__(self, seed: int, options: Options) -> None:
        """Seed the first world."""
        self.options, self._seed = options, seed
        self.clock = SimulatedClock(options.now)
        self.faults = FaultPlan(seed)
        habits = Habits(options.webhook_retry_after, options.webhook_timeout, options.webhook_fresh_retries)
        self.sender = Sender(self.faults, habits)
        self._announcer = Announcer(self.clock, self.sender, options.webhook_delay)
        self._reads: OrderedDict[tuple[object, ...], list[Booking]] = OrderedDict()
        self.reset(ResetOrder(seed, options.hotels, options.rooms, options.reservations))

    def credentials(self) -> dict[str, str]:
        """Return the refresh token given out since the last reset."""
        return {"refresh_token": self.tokens.current}

    def reset(self, order: ResetOrder) -> None:
        """Begin a new world: hotel, tokens, credits; the clock keeps its place."""
        self._seed = self._seed if order.seed is None else order.seed
        self.tokens = Tokens(self.clock, self._seed, life=self.options.token_life, rotate=self.options.rotate_refresh)
        self.tokens.issue_current(self.options.scopes)
        self.meter = Meter(self.clock, self.options.credits)
        self.hotel, self._counters = seed_hotel(order, self._seed, self.clock.now())
        self._reads.clear()

    def properties(self) -> list[Row]:
        """Return the properties as the control plane shows them."""
        return [
            {
                "ref": str(place.id),
                "name": place.name,
                "timezone": place.timezone,
                "currency": place.currency,
                "room_types": [{"ref": str(kind.id), "units": kind.qty} for kind in place.room_types],
            }
            for place in self.hotel.properties.values()
        ]

    def truth(self) -> tuple[list[Row], list[Row]]:
        """Return revisions and blocks straight from the raw rows."""
        return truth.revisions(self.hotel), truth.blocks(self.hotel)

    def change(self, order: ChangeOrder) -> Row:
        """Carry out one order and queue its webhooks; raises OrderRefused. Needs a running loop unless silent."""
        changer = Changer(self.hotel, self._counters, self.clock.now())
        told = changer.carry_out(order)
        for booking_id in [] if order.silent else changer.touched:
            self._announcer.tell(self.hotel, booking_id)
        return told

    def write(self, items: Iterable[object], access: Access) -> list[Row]:
        """Carry out POST /bookings; silent unless an item asks for webhooks, and then for six fields only (7)."""
        writer = self._writer(access)
        verdicts = writer.carry_out(items)
        for booking_id in dict.fromkeys(writer.touched):
            self._announcer.tell(self.hotel, booking_id)
        return verdicts

    def erase(self, booking_ids: Iterable[int], access: Access) -> list[Row]:
        """Carry out DELETE /bookings; no webhook is known for it (5.3)."""
        return self._writer(access).erase(booking_ids)

    def _writer(self, access: Access) -> Writer:
        return Writer(self.hotel, self._counters, self.clock.now(), access, self.options.writes)

    def expire_tokens(self) -> None:
        """Make all access tokens worthless."""
        self.tokens.expire()

    def account_of(self, request: web.Request) -> str:  # noqa: ARG002 - there is one account
        """Name the account; all its tokens share credits and the one-call rule."""
        return _ACCOUNT

    def refusal(self, status: int) -> web.Response:
        """Build the vendor's error answer for a status."""
        return self.out_of_credits() if status == TOO_MANY else refusal_answer(VendorRefusal(status))

    def invite(self, scopes: Iterable[str] = DEFAULT_SCOPES) -> str:
        """Make an invite code, as a person does in the control panel."""
        return self.tokens.invite(scopes)

    def out_of_credits(self) -> web.Response:
        """Build the answer of a used-up window, in the variant of the options."""
        kind = self.options.limit_answer
        if kind == "html":
            page = "<html><body>Too many requests</body></html>"
            return web.Response(status=TOO_MANY, text=page, content_type="text/html")
        answer = refusal_answer(VendorRefusal(TOO_MANY))
        if kind != "bare":
            answer.headers.update(self.meter.headers(Decimal()))
        if kind == "retry_after":
            answer.headers["Retry-After"] = str(self.meter.resets_in)
        return answer

    def selected(self, ask: Ask, revision: int | None) -> list[Booking]:
        """Filter once per state of the hotel and question, so that paging through 20,000 rows stays quick."""
        now = self.clock.now()
        asked = json.dumps({name: value for name, value in ask.items() if name != "page"}, sort_keys=True)
        minute = int(now.timestamp()) // 60
        key = (self.hotel.revision, revision, minute, asked)
        if key not in self._reads:
            self._reads[key] = bookings.select(self.hotel, ask, ZONE, now, revision)
            if len(self._reads) > _CACHED_READS:
                self._reads.popitem(last=False)
        return self._reads[key]
