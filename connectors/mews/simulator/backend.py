"""The simulated chain behind the routes: tokens, the call window, the hotel and its webhooks, all in memory."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime

from aiohttp import web

from connectors.kit.simulator.clock import SimulatedClock, stamp
from connectors.kit.simulator.contract import ChangeOrder, OrderRefused, ResetOrder, Row
from connectors.kit.simulator.faults import FaultPlan
from connectors.kit.simulator.throttle import SlidingWindow
from connectors.kit.simulator.webhooks import Habits, Sender
from connectors.mews.simulator import hooks, truth
from connectors.mews.simulator.access import ACTIONS, Access, Integration
from connectors.mews.simulator.changes import Changer
from connectors.mews.simulator.hotel import shown
from connectors.mews.simulator.ids import fixed
from connectors.mews.simulator.operations import API, RESTRICTED
from connectors.mews.simulator.reading import ReadHabits
from connectors.mews.simulator.refusals import VendorRefusal, invalid, refusal_answer
from connectors.mews.simulator.seeding import seed_hotel
from connectors.mews.simulator.words import WHERE

PREFIXES = ("", API)
_ACCOUNT = "mews"
_REDIRECTS = frozenset({307, 308})
_NOT_TAKEN_FROM = 300
_NO_PERMISSION = "The integration has no permission for this operation."


@dataclass(frozen=True)
class Options:
    """The switches of vendors/mews.md 18 that exist so far; defaults are the vendor's habits.

    `limit` calls per access token within `limit_seconds`; `retry_after` is seconds, date or none. `denied` are paths
    that the integration was not granted. `webhook_delay` is in real seconds (the vendor needs minutes), and a message
    holds at most `webhook_batch` events.
    """

    limit: int = 200
    limit_seconds: float = 30.0
    retry_after: str = "seconds"
    denied: tuple[str, ...] = ()
    reads: ReadHabits = field(default_factory=ReadHabits)
    webhook_delay: float = 0.05
    webhook_batch: int = 300
    webhook_retry_after: tuple[float, ...] = (0.5, 2.0, 8.0, 30.0)
    webhook_timeout: float = 5.0
    now: datetime | None = None
    hotels: int = 1
    rooms: int = 3
    reservations: int = 12


class MewsBackend:
    """One chain with its properties, and our integration with them."""

    vendor = truth.VENDOR
    prefixes: tuple[str, ...] = PREFIXES

    def __init__(self, seed: int, options: Options) -> None:
        """Seed the first world."""
        self.options, self._seed, self._asked = options, seed, 0
        self.clock = SimulatedClock(options.now)
        self.faults = FaultPlan(seed)
        habits = Habits(
            options.webhook_retry_after,
            options.webhook_timeout,
            fresh_retries=False,
            refused_from=_NOT_TAKEN_FROM,
            follows=_REDIRECTS,
        )
        self.sender = Sender(self.faults, habits)
        self._announcer = hooks.Announcer(self.sender, options.webhook_delay, options.webhook_batch)
        self.reset(ResetOrder(seed, options.hotels, options.rooms, options.reservations))

    def credentials(self) -> dict[str, str]:
        """Return the tokens valid now; with several properties the access token is that of the portfolio."""
        return self.access.credentials()

    def reset(self, order: ResetOrder) -> None:
        """Begin a new world: hotels, tokens, no receiver of webhooks; the clock keeps its place."""
        self._seed = self._seed if order.seed is None else order.seed
        self.hotel, self._ids, self.places = seed_hotel(order, self._seed, self.clock.now())
        self.access = Access(self._seed, [home.id for home in self.places])
        self.window = SlidingWindow(self.clock, self.options.limit, self.options.limit_seconds)
        self._announcer.forget()

    def properties(self) -> list[Row]:
        """Return the properties as the control plane shows them, with the names and rooms of the categories beside."""
        return [
            {
                "ref": home.id,
                "name": home.name,
                "timezone": home.site.zone,
                "currency": home.site.currency,
                "room_types": [
                    {
                        "ref": category.id,
                        "units": len(category.rooms),
                        "name": category.name,
                        "rooms": [{"ref": room, "name": name} for room, name in category.rooms],
                    }
                    for category in home.categories
                ],
            }
            for home in self.places
        ]

    def truth(self) -> tuple[list[Row], list[Row]]:
        """Return revisions and blocks straight from the raw rows."""
        narrator = truth.Narrator(self.hotel, self.places)
        return narrator.revisions(), narrator.blocks()

    def change(self, order: ChangeOrder) -> Row:
        """Carry out one order and queue its webhooks; raises OrderRefused. Needs a running loop unless silent.

        Raw fields with an `Action` let something happen to an integration instead, named by its id or its property's.
        """
        if order.op == "webhook_target":
            return self._aim(order)
        if "Action" in order.vendor:
            return self._act(order)
        changer = Changer(self.hotel, self._ids, self.places, self.clock.now())
        told = changer.carry_out(order)
        if not order.silent:
            self._announcer.tell(changer.events, {home.id: self._own(home.id).id for home in self.places})
        return told

    def expire_tokens(self) -> None:
        """Make all access tokens worthless: keys never expire, so new ones are made and told by webhook."""
        for integration in self.access.renew_keys():
            self._tell("IntegrationApiKeyCreated", integration)

    def account_of(self, request: web.Request) -> str:  # noqa: ARG002 - the token is in a body not yet read
        """Name the account."""
        return _ACCOUNT

    def refusal(self, status: int) -> web.Response:
        """Build the vendor's error answer for a status."""
        return refusal_answer(VendorRefusal(status), self.request_id())

    def request_id(self) -> str:
        """Return the id of the next call."""
        self._asked += 1
        return fixed("request", self._seed, self._asked)

    def let_in(self, path: str, body: Row) -> Integration:
        """Return whose call this is; raises VendorRefusal 401 for bad tokens or a missing permission, and 429."""
        integration = self.access.check(body)
        wait = self.window.take(integration.token)
        if wait > 0:
            raise VendorRefusal(429, headers=self._retry_after(wait))
        if path in self.options.denied or path in RESTRICTED:
            raise VendorRefusal(401, _NO_PERMISSION)
        if (body.get("LanguageCode") is None) != (body.get("CultureCode") is None):
            raise invalid("CultureCode")
        return integration

    def configuration(self, body: Row, integration: Integration) -> Row:
        """Answer configuration/get; a portfolio that names no property is told about itself."""
        wanted = body.get("EnterpriseId")
        mine = integration.enterprise_ids
        if wanted is not None and (wanted not in mine):
            raise invalid("EnterpriseId")
        enterprise = self._enterprise(integration) if wanted is None else self.hotel["enterprises"].get(wanted)
        told = {name: value for name, value in shown(enterprise or {}).items() if name != "LinkedUtc"}
        return {
            "NowUtc": stamp(self.clock.now()),
            "Enterprise": told,
            "Service": None,
            "PaymentCardStorage": None,
            "IsIdentityDocumentNumberRequired": False,
        }

    def seen(self, back: float | None, *, lags: bool) -> int | None:
        """Return the revision that a lagging read shows, or None for the present; a negative `back` is one change."""
        if back is not None and back < 0:
            return self.hotel.revision - 1
        seconds = max(back or 0.0, self.options.reads.read_lag if lags else 0.0)
        return self.hotel.revision_at(self.clock.now() - timedelta(seconds=seconds)) if seconds else None

    def _retry_after(self, wait: float) -> dict[str, str]:
        seconds = max(1, math.ceil(wait))
        when = self.clock.now() + timedelta(seconds=seconds)
        told = {"seconds": str(seconds), "date": format_datetime(when, usegmt=True)}
        kind = self.options.retry_after
        return {"Retry-After": told[kind]} if kind in told else {}

    def _own(self, enterprise_id: str) -> Integration:
        found = self.access.integration(enterprise_id)
        if found is None:
            raise OrderRefused(f"no integration of {enterprise_id}", WHERE, "use a property of /_sim/truth")
        return found

    def _enterprise(self, integration: Integration) -> Row:
        """Return the property of an integration, or the dummy that stands for a portfolio."""
        rows = [self.hotel["enterprises"].get(one) for one in integration.enterprise_ids]
        if len(rows) == 1 and rows[0] is not None:
            return rows[0]
        known: Row = rows[0] or {} if rows else {}
        return {**known, "Id": fixed("portfolio"), "Name": "Demo Portfolio", "IsPortfolio": True}

    def _aim(self, order: ChangeOrder) -> Row:
        """Register the receiver, for all properties at once."""
        told: Row = {"url": order.url, "headers": order.headers, **order.set, **order.webhook_target}
        url = str(told.get("url") or "")
        self._announcer.aim(hooks.Target(url, str(told.get("integration_url") or url), dict(told["headers"] or {})))
        ref = told.get("property_ref") or order.property_ref or order.ref or (self.places[0].id if self.places else "")
        return {"ref": str(ref), "version": stamp(self.clock.now())}

    def _act(self, order: ChangeOrder) -> Row:
        action = order.vendor["Action"]
        if action not in ACTIONS:
            raise OrderRefused(f"no action {action!r}", WHERE, f"use one of {sorted(ACTIONS)}")
        integration = self._own(str(order.ref or order.property_ref or self.access.current))
        integration = self.access.act(action, integration)
        if not order.silent:
            self._tell(action, integration)
        return {"ref": integration.id, "version": stamp(self.clock.now())}

    def _tell(self, action: str, integration: Integration) -> None:
        now = stamp(self.clock.now())
        message = hooks.integration_body(action, integration, self._enterprise(integration), now)
        self._announcer.tell_integration(message)
