"""The simulated chain behind the routes: tokens, limits, hotels and event queues, in memory, with their switches."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aiohttp import web

from connectors.kit.simulator.clock import SimulatedClock
from connectors.kit.simulator.contract import ChangeOrder, ResetOrder, Row
from connectors.kit.simulator.faults import FaultPlan
from connectors.kit.simulator.webhooks import Habits, Sender
from connectors.opera.simulator import truth
from connectors.opera.simulator.access import Access, Mode
from connectors.opera.simulator.changes import Changer
from connectors.opera.simulator.events import DATA_ELEMENTS, Scribe
from connectors.opera.simulator.gateway import Gateway, Limits
from connectors.opera.simulator.queue import EventQueues
from connectors.opera.simulator.quirks import Quirks
from connectors.opera.simulator.refusals import VendorRefusal, refusal_answer
from connectors.opera.simulator.seeding import seed_hotel
from connectors.opera.simulator.site import Place
from connectors.opera.simulator.times import written

EXTERNAL_SYSTEM = "PMSSYNC"
MAPPINGS = ({"dataElement": "MARKET CODE", "operaValue": "TRANS", "externalValue": "TRANSIENT"},)
_ACCOUNT = "opera"


@dataclass(frozen=True)
class Options:
    """The switches of vendors/opera.md part IV that exist so far; defaults are the vendor's habits.

    `mode` is the kind of environment, `token_life` in seconds. `modules` are those that the application is subscribed
    to (None = all), `hidden_hotels` those it may not see, `refused_instructions` fetch instructions that this
    subscription does not take. Until a hotel has `subscribed` its queue is empty for ever. `event_delay` is in seconds
    of the simulated clock, `elements` are the ticked data elements, `missing` the status of an unknown reservation.
    """

    mode: Mode = "ocim"
    token_life: int = 3600
    limits: Limits = field(default_factory=Limits)
    modules: tuple[str, ...] | None = None
    hidden_hotels: tuple[str, ...] = ()
    refused_instructions: tuple[str, ...] = ()
    quirks: Quirks = field(default_factory=Quirks)
    external_systems: tuple[str, ...] = (EXTERNAL_SYSTEM,)
    subscribed: bool = True
    event_delay: float = 0.0
    elements: tuple[str, ...] = DATA_ELEMENTS
    mappings: tuple[Row, ...] = MAPPINGS
    missing: int = 404
    now: datetime | None = None
    hotels: int = 1
    rooms: int = 3
    reservations: int = 12


class OperaBackend:
    """One gateway with its hotels and the application that reads them."""

    vendor = truth.VENDOR
    prefixes: tuple[str, ...] = ("",)

    def __init__(self, seed: int, options: Options) -> None:
        """Seed the first world."""
        self.options, self._seed = options, seed
        self.clock = SimulatedClock(options.now)
        self.faults = FaultPlan(seed)
        self.sender = Sender(self.faults, Habits())  # never sends: nothing of a property is pushed (8.1)
        self.reset(ResetOrder(seed, options.hotels, options.rooms, options.reservations))

    def credentials(self) -> dict[str, str]:
        """Return what an account needs."""
        return self.access.credentials(self.options.external_systems[0])

    def reset(self, order: ResetOrder) -> None:
        """Begin a new world: hotels, tokens, limits, empty queues; the clock keeps its place."""
        self._seed = self._seed if order.seed is None else order.seed
        options = self.options
        self.hotel, self._counters = seed_hotel(order, self._seed, self.clock.now())
        self.access = Access(self.clock, self._seed, options.mode, options.token_life)
        modules = None if options.modules is None else frozenset(options.modules)
        self.gateway = Gateway(self.clock, self.access, options.limits, modules)
        self.queues = EventQueues(self.clock, self.faults, options.external_systems)
        self._scribe = Scribe(options.quirks, options.elements)

    def properties(self) -> list[Row]:
        """Return the hotels as the control plane shows them, with names and rooms of the types beside."""
        return [_shown(place) for place in self.hotel.places.values()]

    def truth(self) -> tuple[list[Row], list[Row]]:
        """Return revisions and blocks straight from the raw rows."""
        return truth.revisions(self.hotel), truth.blocks(self.hotel)

    def change(self, order: ChangeOrder) -> Row:
        """Carry out one order and queue its business events; raises OrderRefused.

        Besides reservations, `ref` may name a repair, a profile (`vendor` may hold `mergeInto`), a room by its number
        (`vendor` holds `housekeepingRoomStatus`) or a hotel (`vendor` holds `nightAudit` or `businessDate`).
        """
        changer = Changer(self.hotel, self._counters, self.clock.now())
        told = changer.carry_out(order)
        if self.options.subscribed and not order.silent:
            for happening in changer.happenings:
                at = written(self.clock.now(), self.hotel.places[happening.hotel].zone)
                event = self._scribe.written(happening, at)
                self.queues.offer(happening.hotel, event, self.options.event_delay)
        return told

    def expire_tokens(self) -> None:
        """Make all access tokens worthless."""
        self.access.expire()

    def account_of(self, request: web.Request) -> str:  # noqa: ARG002 - there is one application
        """Name the account."""
        return _ACCOUNT

    def refusal(self, status: int) -> web.Response:
        """Build the gateway's error answer for a status: mostly without a body (3)."""
        return refusal_answer(VendorRefusal(status))

    def visible(self) -> frozenset[str]:
        """Return the codes of the hotels that the application may see."""
        return frozenset(self.hotel.places) - set(self.options.hidden_hotels)

    def business_dates(self) -> dict[str, str]:
        """Return the business dates by hotel."""
        now = self.clock.now()
        return {code: place.business_date(now).isoformat() for code, place in self.hotel.places.items()}

    def seen(self, back: float | None) -> int | None:
        """Return the revision that a lagging read shows, or None for the present; a negative `back` is one change."""
        if back is None:
            return None
        if back < 0:
            return self.hotel.revision - 1
        return self.hotel.revision_at(self.clock.now() - timedelta(seconds=back))


def _shown(place: Place) -> Row:
    types = [
        {
            "ref": kind.code,
            "units": len(kind.rooms),
            "name": kind.name,
            "rooms": [{"ref": room, "name": room} for room in kind.rooms],
        }
        for kind in place.room_types
    ]
    return {
        "ref": place.code,
        "name": place.name,
        "timezone": place.zone,
        "currency": place.currency,
        "room_types": types,
    }
