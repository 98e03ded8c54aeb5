"""The simulated vendor behind the routes: credentials, limits, hotels and subscriptions, all in memory."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec
from aiohttp import web

from connectors.cloudbeds.simulator import events, hooks, ledger, truth
from connectors.cloudbeds.simulator.access import Access, AccessHabits, Credential
from connectors.cloudbeds.simulator.asking import Operation, ReadHabits
from connectors.cloudbeds.simulator.changes import UNTOUCHED, Changer
from connectors.cloudbeds.simulator.connection import STATES
from connectors.cloudbeds.simulator.hotel import View
from connectors.cloudbeds.simulator.refusals import NOT_GRANTED, TOO_MANY, Refused, by_status, denied, failed
from connectors.cloudbeds.simulator.seeding import seed_hotel
from connectors.cloudbeds.simulator.site import Place
from connectors.cloudbeds.simulator.words import WHERE
from connectors.kit.simulator.clock import SimulatedClock
from connectors.kit.simulator.contract import ChangeOrder, OrderRefused, ResetOrder, Row
from connectors.kit.simulator.faults import FaultPlan
from connectors.kit.simulator.injection import STALE
from connectors.kit.simulator.throttle import SlidingWindow
from connectors.kit.simulator.webhooks import Habits, Sender

PREFIXES = ("", "/api/v1.3", "/api/v1.2")
_ACCOUNT = "cloudbeds"
_NOT_TAKEN_FROM = 300


@dataclass(frozen=True)
class Options:
    """The switches of vendors/cloudbeds.md 18; defaults are the vendor's habits.

    `property_limit` and `client_limit` are calls a second; beyond them the answer is by `limit_answer` a `status` 429,
    a `message` inside 200, or `suspend`, which kills the credential. `untouched` are the parts of a reservation whose
    change leaves dateModified alone. `webhook_retry_after` is in real seconds: the vendor waits a minute each time.
    `fixed_header` is the new header of section 11.1. `block_end_inclusive`: the end date is a blocked night.
    `special_rooms` adds a dorm and a virtual room type. `island` is the address that oauth/metadata tells.
    """

    access: AccessHabits = field(default_factory=AccessHabits)
    reads: ReadHabits = field(default_factory=ReadHabits)
    property_limit: int = 5
    client_limit: int = 10
    limit_answer: str = "status"
    limit_headers: dict[str, str] = field(default_factory=dict)
    untouched: frozenset[str] = UNTOUCHED
    block_end_inclusive: bool = True
    special_rooms: bool = False
    island: str = ""
    fixed_header: bool = True
    webhook_delay: float = 0.05
    webhook_retry_after: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0, 1.0)
    webhook_timeout: float = 2.0
    now: datetime | None = None
    hotels: int = 1
    rooms: int = 3
    reservations: int = 12


class CloudbedsBackend:
    """The properties that one credential opens, and our connection with them."""

    vendor = truth.VENDOR
    prefixes: tuple[str, ...] = PREFIXES

    def __init__(self, seed: int, options: Options) -> None:
        """Seed the first world."""
        self.options, self._seed, self._asked = options, seed, 0
        self.clock = SimulatedClock(options.now)
        self.faults = FaultPlan(seed)
        habits = Habits(
            options.webhook_retry_after, options.webhook_timeout, fresh_retries=False, refused_from=_NOT_TAKEN_FROM
        )
        self.sender = Sender(self.faults, habits)
        self.reset(ResetOrder(seed, options.hotels, options.rooms, options.reservations))

    def credentials(self) -> dict[str, str]:
        """Return what a connection is made with; with several properties the credential is a group's."""
        return self.access.credentials()

    def reset(self, order: ResetOrder) -> None:
        """Begin a new world: hotels, credentials, no subscription; the clock keeps its place."""
        self._seed = self._seed if order.seed is None else order.seed
        special = self.options.special_rooms
        self.hotel, self._ids, self.places = seed_hotel(order, self._seed, self.clock.now(), special=special)
        property_ids = [home.id for home in self.places]
        self.access = Access(self.clock, self._seed, property_ids, self.options.access)
        self.announcer = hooks.Announcer(self.sender, self.options.webhook_delay, self._seed)
        self.app_states = dict.fromkeys(property_ids, "enabled")
        self._by_property = SlidingWindow(self.clock, self.options.property_limit, 1.0)
        self._by_client = SlidingWindow(self.clock, self.options.client_limit, 1.0)

    def place(self, property_id: object) -> Place | None:
        """Return a property by its id."""
        return next((home for home in self.places if home.id == property_id), None)

    def properties(self) -> list[Row]:
        """Return the properties as the control plane shows them."""
        return [home.shown() for home in self.places]

    def truth(self) -> tuple[list[Row], list[Row]]:
        """Return revisions and blocks straight from the rows of the hotel."""
        narrator = truth.Narrator(
            View(self.hotel),
            self.places,
            canceled_lose_rates=self.options.reads.canceled_lose_rates,
            block_end_inclusive=self.options.block_end_inclusive,
        )
        return narrator.revisions(), narrator.blocks()

    def change(self, order: ChangeOrder) -> Row:
        """Carry out one order and queue its webhooks; raises OrderRefused. Needs a running loop unless silent.

        Raw fields `app_state` and `night_audit` let something happen to a property named by `ref` instead.
        """
        if order.op == "webhook_target":
            return self._aim(order)
        if order.vendor.keys() & {"app_state", "night_audit"}:
            return self._happen(order)
        changer = Changer(self.hotel, self._ids, self.places, self.clock.now(), self.options.untouched)
        changer.block_end_inclusive = self.options.block_end_inclusive
        told = changer.carry_out(order)
        if not order.silent:
            self._tell(changer.events)
        return told

    def connect(self, property_id: str, state: str) -> None:
        """Bring the connection into a state: a disconnect is told first, then subscriptions and access are gone."""
        old, self.app_states[property_id] = self.app_states[property_id], state
        if old != state:
            self._tell([events.of_app_state(property_id, self.access.client_id, old, state)])
        if state == "disabled":
            self.announcer.forget(property_id)
            if all(one == "disabled" for one in self.app_states.values()):
                self.access.revoke()

    def expire_tokens(self) -> None:
        """Make all OAuth access tokens worthless; API keys do not expire."""
        self.access.expire_tokens()

    def account_of(self, request: web.Request) -> str:  # noqa: ARG002 - one client, one account
        """Name the account."""
        return _ACCOUNT

    def refusal(self, status: int) -> web.Response:
        """Build the vendor's error answer for a status."""
        return by_status(status)

    def request_id(self) -> str:
        """Return the id of the next answer."""
        self._asked += 1
        return f"{self._seed:08x}-{self._asked:08x}"

    def let_in(self, request: web.Request, operation: Operation, asked: str | None) -> Credential:
        """Return whose call this is; raises Refused for bad tokens, too many calls, or a scope not granted."""
        credential = self.access.check(request.headers)
        self._count(asked or credential.property_ids[0])
        if operation.scope and operation.scope not in credential.scopes:
            raise failed(NOT_GRANTED)
        return credential

    def ledger(self, request: web.Request, raw: bytes) -> Row:
        """Answer a read of the ledger; raises Refused."""
        property_id = request.headers.get("X-Property-ID", "")
        credential = self.access.check(request.headers)
        self._count(property_id)
        if ledger.SCOPE not in credential.scopes or property_id not in credential.property_ids:
            raise Refused(403, {"message": "Forbidden"})
        try:
            body = msgspec.json.decode(raw)
        except msgspec.DecodeError as error:
            raise Refused(400, {"message": "Invalid JSON"}) from error
        rows = self.hotel["transactions"].rows(self.seen(request.get(STALE)))
        return ledger.answer([row for row in rows if row["propertyId"] == property_id], body)

    def seen(self, back: float | None) -> int | None:
        """Return the revision that a lagging read shows, or None for the present; a negative `back` is one change."""
        if back is not None and back < 0:
            return self.hotel.revision - 1
        seconds = max(back or 0.0, self.options.reads.read_lag)
        return self.hotel.revision_at(self.clock.now() - timedelta(seconds=seconds)) if seconds else None

    def _count(self, property_id: str) -> None:
        waits = (self._by_property.take(property_id), self._by_client.take(self.access.client_id))
        if max(waits) <= 0:
            return
        if self.options.limit_answer == "suspend":
            self.access.revoke()
            raise denied()
        status = 200 if self.options.limit_answer == "message" else 429
        raise Refused(status, TOO_MANY, self.options.limit_headers)

    def _tell(self, told: list[events.Event]) -> None:
        self.announcer.tell(told, self.clock.now().timestamp())

    def _named(self, order: ChangeOrder) -> list[Place]:
        ref = order.property_ref if order.property_ref is not None else order.ref
        found = [home for home in self.places if ref is None or home.id == str(ref)]
        if not found:
            raise OrderRefused(f"no property {ref}", WHERE, f"use one of {[home.id for home in self.places]}")
        return found

    def _happen(self, order: ChangeOrder) -> Row:
        home, state = self._named(order)[0], order.vendor.get("app_state")
        if state is None:
            self._tell([events.of_night_audit(home.id, str(order.vendor["night_audit"]))])
        elif state in STATES:
            self.connect(home.id, str(state))
        else:
            raise OrderRefused(f"app_state {state!r} does not exist", WHERE, f"use one of {STATES}")
        return {"ref": home.id, "version": ""}

    def _aim(self, order: ChangeOrder) -> Row:
        """Subscribe a receiver to every event of a property, or of all."""
        told: Row = {"property_ref": order.property_ref, "url": order.url, "headers": order.headers}
        told |= {**order.set, **order.webhook_target}
        named = ChangeOrder("webhook_target", told["property_ref"] if told["property_ref"] is not None else order.ref)
        headers = dict(told["headers"] or {})
        made = [self.announcer.aim(home.id, str(told["url"] or ""), headers) for home in self._named(named)]
        return {"ref": made[0], "version": ""}
