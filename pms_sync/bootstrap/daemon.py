"""The daemon: every loop, tick and address of `pms-sync run`, joined over an open store."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC

from aiohttp import web

from pms_sync import plugins
from pms_sync.api.guard import bearer
from pms_sync.api.problems import problems
from pms_sync.api.routes import api_routes
from pms_sync.app import App, Door, Loop, Server, Supervisor
from pms_sync.apply.answering import Answering
from pms_sync.apply.desk import Desk
from pms_sync.apply.recounting import recount
from pms_sync.auth.desk import open_desk
from pms_sync.bootstrap.cases import resolver_of
from pms_sync.bootstrap.opening import Opened, master_keys
from pms_sync.bootstrap.reconciling import rolling_of
from pms_sync.bootstrap.telling import Telling
from pms_sync.bus.in_process import InProcessBus
from pms_sync.ingest.catalogue import CatalogueImports
from pms_sync.ingest.group_commit import GroupCommit
from pms_sync.ingest.poller import Poller
from pms_sync.ingest.receiver import SERVER_SETTINGS, HeadDeadline, Limits, Receiver, VendorDoor
from pms_sync.ingest.replaying import heal
from pms_sync.ingest.router import Router
from pms_sync.ingest.subscriptions import Subscriptions
from pms_sync.jobs.measure import measure
from pms_sync.jobs.schedule import Schedule, Tick
from pms_sync.observe.access_lines import AccessLines
from pms_sync.observe.heartbeats import Heartbeats
from pms_sync.observe.logs import get_logger
from pms_sync.observe.metrics import Metrics
from pms_sync.store import retention, upkeep
from pms_sync.store.database import Database
from pms_sync.store.doors import DoorBook
from pms_sync.store.ids import new_id
from pms_sync.store.inbox import Appended, InboxLine, NewDelivery
from pms_sync.store.sealing import LOAD_EVERY_S
from pms_sync.web.access import security_headers
from pms_sync.web.routes import desk_routes, metrics_routes, middlewares, routes, sign_in_routes
from pms_sync.web.site import Site

ARRIVED, ROUTED, OUTBOX = "arrived", "routed", "outbox"
_LOOK_ANYWAY_S = {"router": 0.5, "worker": 0.5, "dispatcher": 0.5, "poller": 1.0, "deliveries": 0.5}
_log = get_logger(__name__)
_RECEPTION_CONNECTIONS = 2  # one writes the inbox, one reads the doors: a busy pool must not hold up a sender


class Parts:
    """What the daemon's tables of loops and ticks refer to."""

    def __init__(self, core: Opened, reception: Database) -> None:
        """Build every part; nothing runs yet."""
        self.core, self.reception = core, reception
        self.metrics, self.bus = Metrics(), InProcessBus()
        self.heartbeats = Heartbeats(core.clock.monotonic)
        self.deadline = HeadDeadline(core.clock.monotonic)
        self.public_url = core.settings.public_url
        self.site = Site(lambda: self.public_url)
        self.desk = open_desk(core.database, core.keys, core.clock, new_id)
        self.runtimes = core.runtimes(self.metrics)
        self.doors = DoorBook(reception, core.keys, core.clock.monotonic)
        self.inbox: GroupCommit[NewDelivery, Appended] = GroupCommit(
            InboxLine(reception, core.keys), weigh=lambda row: len(row.body)
        )
        self.router = Router(
            core.database,
            core.keys,
            plugins.doors(),
            queues=core.queues,
            on_routed=self._routed,
            on_odd=self.metrics.delivery_odd,
        )
        landing = core.landing(self.metrics)
        self.worker = core.worker(self.runtimes, landing, woken=self._landed)
        self.dispatcher = core.dispatcher(self.runtimes, landing, woken=lambda: self.bus.publish(OUTBOX))
        self.subscriptions = Subscriptions(
            core.database,
            core.keys,
            lambda: self.public_url,
            clock=core.clock,
            private_vendors=core.settings.allow_private_vendors,
        )
        self.poller = Poller(
            core.database,
            core.keys,
            self.runtimes.current,
            clock=core.clock,
            new_id=new_id,
            interval_s=core.settings.poll_interval,
            subscribe=self.subscriptions.subscribe,
            stored=lambda: self.bus.publish(ARRIVED),
        )
        self.catalogue = CatalogueImports(core.database, self.runtimes.current, clock=core.clock)
        self.rolling = rolling_of(core, self.runtimes.current, lambda: self.bus.publish(ROUTED), self.metrics)
        self.telling = Telling(core, lambda: self.public_url, self.metrics.delivery_out)
        self.answering = Answering(core.database, resolver_of(core, self.metrics), self._landed)
        self.server = self._server()

    def listening(self, bind: str) -> None:
        """Learn the address really taken; unless told otherwise, vendors reach us there."""
        settings = self.core.settings
        if settings.public_url == f"http://{settings.bind}":
            self.public_url = f"http://{bind}"

    async def refresh(self) -> None:
        """Read the accounts again and give the new ones their cursors."""
        before = set(self.runtimes.current())
        await self.runtimes.refresh()
        for account_id, runtime in self.runtimes.current().items():
            if account_id not in before:
                await self.poller.ensure(runtime)

    async def heal(self) -> None:
        """Open what was mapped with an older crosswalk, and wake the worker for it."""
        if await heal(self.core.database, new_id):
            self.bus.publish(ROUTED)

    async def make_partitions(self) -> None:
        """Make this month's and the next month's partitions."""
        async with self.core.database.connection() as connection:
            await upkeep.ensure_partitions(connection, self.core.clock.now().astimezone(UTC).date())

    async def recount(self) -> None:
        """Put type counters right that are not what the stays take."""
        if wrong := await recount(self.core.database, self.core.applier()):
            _log.warning("counters_repaired", count=wrong)

    async def forget(self) -> None:
        """Let raw records past their months go."""
        today, months = self.core.clock.now().astimezone(UTC).date(), self.core.settings.raw_months
        async with self.core.database.connection() as connection:
            for name in await retention.drop_old_months(connection, today, months):
                _log.info("raw_month_dropped", partition=name)

    async def read_keys(self) -> None:
        """Read the keys that another process made; the embedded database's own master key may have turned."""
        self.core.keys.know(*master_keys(self.core.settings, sealed=True))
        async with self.core.database.connection() as connection:
            await self.core.keys.load(connection)

    async def prune(self) -> None:
        """Let finished queue rows go."""
        async with self.core.database.connection() as connection:
            await upkeep.prune(connection)

    async def sweep_heads(self) -> None:
        """Close connections that never finish a request's head."""
        for server in self.server.servers:
            self.deadline.sweep(server)

    async def look_after_database(self) -> None:
        """Start the embedded server here when its owner is gone."""
        if self.core.embedded is not None:
            await self.core.embedded.ensure()

    async def stop_working(self) -> None:
        """Let batches in both directions end."""
        await asyncio.gather(self.dispatcher.aclose(), self.worker.aclose())

    def _routed(self, _vendor: str, outcome: str) -> None:
        if outcome == "done":
            self.bus.publish(ROUTED)

    def _landed(self) -> None:
        """Wake whoever works on what a batch left: more to read, or something to send."""
        self.bus.publish(ROUTED)
        self.bus.publish(OUTBOX)

    def _server(self) -> Server:
        settings = self.core.settings
        main = web.Application(
            middlewares=[self.deadline.middleware, *middlewares(self.desk, self.site), problems, bearer(self.desk)]
        )
        main.add_routes(self._receiver().routes())
        main.add_routes(sign_in_routes(self.desk, self.site))
        main.add_routes(desk_routes(self.core.database, self.core.keys, self.core.clock, self.answering))
        orders = Desk(self.core.applier(self.metrics))
        main.add_routes(api_routes(self.desk, new_id, orders=orders, answering=self.answering, changed=self._landed))
        pages = routes(
            self.core.database,
            self.heartbeats,
            self.metrics,
            self.core.clock,
            metrics_here=settings.metrics_bind is None,
            keys=self.core.keys,
        )
        main.add_routes(pages)
        doors = [Door(host=settings.bind.host, port=settings.bind.port, application=main)]
        if settings.metrics_bind is not None:
            apart = web.Application(middlewares=[self.deadline.middleware, security_headers])
            apart.add_routes(metrics_routes(self.metrics))
            doors.append(Door(host=settings.metrics_bind.host, port=settings.metrics_bind.port, application=apart))
        return Server(doors, SERVER_SETTINGS)

    def _receiver(self) -> Receiver:
        vendors = self.core.vendors
        known = {
            name: VendorDoor(
                door=door,
                identifier_keys=vendors[name].plugin.spec.identifier_keys if name in vendors else frozenset(),
            )
            for name, door in plugins.doors().items()
        }
        lines = AccessLines(self.core.clock.monotonic)

        def answered(vendor: str, status: int, seconds: float, correlation_id: str) -> None:
            lines.answered(vendor, status, seconds, correlation_id)
            if status == web.HTTPOk.status_code:
                self.metrics.ack(seconds)

        return Receiver(
            self.doors,
            known,
            self.inbox,
            self.core.clock,
            limits=Limits(body=self.core.settings.webhook_body_limit),
            on_answer=answered,
            on_stored=lambda _vendor, _appended: self.bus.publish(ARRIVED),
        )


def _loops(parts: Parts) -> list[Loop]:
    return [
        Loop(name="router", step=parts.router.route_once, topic=ARRIVED, idle_s=_LOOK_ANYWAY_S["router"]),
        Loop(name="worker", step=parts.worker.step, topic=ROUTED, idle_s=_LOOK_ANYWAY_S["worker"]),
        Loop(name="dispatcher", step=parts.dispatcher.step, topic=OUTBOX, idle_s=_LOOK_ANYWAY_S["dispatcher"]),
        Loop(name="poller", step=parts.poller.step, topic="due", idle_s=_LOOK_ANYWAY_S["poller"]),
        Loop(name="deliveries", step=parts.telling.deliveries.step, topic="told", idle_s=_LOOK_ANYWAY_S["deliveries"]),
    ]


def _ticks(parts: Parts) -> list[Tick]:
    core = parts.core
    every: list[tuple[str, float, Callable[[], Awaitable[object]], float]] = [
        ("accounts", 2.0, parts.refresh, 60.0),
        ("audit seal", 1.0, lambda: upkeep.seal_audit(core.database), 60.0),
        ("mapping", 2.0, parts.heal, 600.0),
        ("measure", 5.0, lambda: measure(core.database, parts.metrics), 60.0),
        ("subscriptions", 15.0, lambda: parts.subscriptions.step(parts.runtimes.current()), 1800.0),
        ("catalogue", 30.0, parts.catalogue.step, 1800.0),
        ("reconcile", 60.0, parts.rolling.step, 4 * 3600.0),
        ("connections", 1.0, parts.sweep_heads, 0.0),
        ("data keys", LOAD_EVERY_S, parts.read_keys, 60.0),
        ("partitions", 3600.0, parts.make_partitions, 60.0),
        ("retention", 3600.0, parts.forget, 600.0),
        ("recount", 24 * 3600.0, parts.recount, 3600.0),
        ("prune", 600.0, parts.prune, 600.0),
        ("sign-ins", 600.0, parts.desk.prune, 60.0),
        ("alerts", 5.0, parts.telling.alerting.step, 60.0),
    ]
    if parts.telling.mailing is not None:
        every.append(("mail", 5.0, parts.telling.mailing.step, 600.0))
    if core.embedded is not None:
        every.append(("embedded database", 1.0, parts.look_after_database, 600.0))
    return [Tick(name=name, every_s=seconds, run=run, longest_s=longest) for name, seconds, run, longest in every]


async def daemon(core: Opened) -> App:
    """Build the daemon over an open store; nothing listens before `App.start`. Raises Unavailable."""
    reception = await Database.connect(core.dsn, size=_RECEPTION_CONNECTIONS)
    parts = Parts(core, reception)
    return App(
        server=parts.server,
        inbox=parts.inbox,
        supervisor=Supervisor(parts.bus, parts.heartbeats),
        loops=_loops(parts),
        schedule=Schedule(_ticks(parts), parts.heartbeats),
        before_start=(parts.make_partitions, parts.refresh, parts.doors.refresh),
        after_stop=(
            parts.stop_working,
            parts.telling.deliveries.aclose,
            parts.poller.aclose,
            parts.runtimes.aclose,
            parts.doors.aclose,
            reception.close,
        ),
        on_listening=parts.listening,
    )
